"""Tables are read with twarc-csv's columns or by a mapping; what does not fit is named."""

import csv
import io

import pytest

from customer_profiles.posts import archive
from customer_profiles.posts.formats import tally
from customer_profiles.project.vocabulary import UNKNOWN
from tests.posts.small import read_ids

TWARC = {
    "id": "1367000000000000001",
    "author_id": "77",
    "created_at": "2021-03-03T08:00:00.000Z",
    "text": r"Lovely scones,\nand tea",
    "lang": "en",
    "public_metrics.like_count": "1367.0",
    "public_metrics.retweet_count": "",
    "edit_history_tweet_ids": '["1367000000000000001"]',
    "referenced_tweets.retweeted.id": "",
    "author.id": "77",
    "author.created_at": "2019-02-28T23:59:59.000Z",
    "author.verified": "True",
    "author.protected": "False",
    "author.public_metrics.followers_count": "12",
    "author.public_metrics.following_count": "-1",
    "__twarc.version": "2.14.0",
}
OWN = {"who": "ann", "when": "2021-03-03 08:00:00", "what": r"C:\new scones", "likes": "3"}
MAPPING = {"author": "who", "date": "when", "text": "what", "favorites": "likes"}


def table(*rows, delimiter=",", line_end="\r\n", encoding="utf-8"):
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter, lineterminator=line_end)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode(encoding)


def read(tmp_path, content, columns=None, **options):
    (tmp_path / "tweets.csv").write_bytes(content)
    return archive.read(tmp_path, columns=columns, **options)


def test_a_row_of_twarc_gives_the_post_and_its_author(tmp_path):
    conversation = read(tmp_path, table(TWARC))
    assert conversation.posts.to_dict("records") == [
        {
            "post_id": "1367000000000000001",
            "author_id": "77",
            "day": "2021-03-03",
            "text": "Lovely scones,\nand tea",
            "language": "en",
            "favorites": 1367,
            "retweets": UNKNOWN,
            "repost": False,
        }
    ]
    assert conversation.authors.to_dict("records") == [
        {
            "author_id": "77",
            "followers": 12,
            "following": UNKNOWN,
            "listed": UNKNOWN,
            "account_posts": UNKNOWN,
            "verified": True,
            "protected": False,
            "created": "2019-02",
        }
    ]
    assert conversation.account.formats == {"CSV": 1}


@pytest.mark.parametrize("delimiter", list(",;\t|"))
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_table_is_read_with_any_delimiter_line_end_and_encoding(
    tmp_path, delimiter, line_end, encoding
):
    rows = [TWARC, TWARC | {"id": "2", "text": 'Two\r\nlines; of, "text" | and\ttabs'}]
    conversation = read(
        tmp_path, table(*rows, delimiter=delimiter, line_end=line_end, encoding=encoding)
    )
    assert conversation.posts["text"].tolist() == ["Lovely scones,\nand tea", rows[1]["text"]]


def test_a_repost_of_twarc_has_the_original_s_text_and_is_a_repost_even_so(tmp_path):
    rows = [TWARC, TWARC | {"id": "2", "referenced_tweets.retweeted.id": "1"}]
    assert read(tmp_path, table(*rows)).account.reasons == {tally.REPOST: 1}
    counted = read(tmp_path, table(*rows), reposts=True).posts
    assert counted["repost"].tolist() == [False, True]


def test_any_table_is_read_by_a_mapping_and_its_texts_stay_as_they_are(tmp_path):
    rows = [OWN, OWN | {"likes": "many"}, OWN | {"who": "bob", "likes": ""}]
    conversation = read(tmp_path, table(*rows), MAPPING)
    assert conversation.posts["author_id"].tolist().count("ann") == 1
    assert set(conversation.posts["text"]) == {OWN["what"]}
    assert sorted(conversation.posts["favorites"]) == [UNKNOWN, 3]
    assert set(conversation.posts["day"]) == {"2021-03-03"}
    # Without ids equal rows are one post.
    assert conversation.account.reasons == {tally.REPEATED: 1}
    assert conversation.counts["authors_without_metrics"] == 2


def test_twarc_s_tables_are_read_also_where_a_mapping_is_given_for_others(tmp_path):
    (tmp_path / "own.csv").write_bytes(table(OWN))
    conversation = read(tmp_path, table(TWARC), MAPPING)
    assert set(conversation.posts["author_id"]) == {"77", "ann"}


@pytest.mark.parametrize(
    ("content", "columns", "message"),
    [
        (
            table(OWN),
            None,
            r"tweets.csv has no column id, text, author_id, created_at; map its "
            r"columns for text, author, date in pull.columns",
        ),
        (table({"id": 1, "text": 2}), None, "has no column author_id, created_at; map"),
        (table(OWN), MAPPING | {"id": "number"}, "no column number, which pull.columns names"),
        (b"1,2,some text\n3,4,more text\n", None, "has no column id, text"),
    ],
)
def test_a_missing_column_is_named_with_the_way_out(tmp_path, content, columns, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, content, columns)


def test_rows_that_do_not_fit_are_counted_with_the_first_line_and_the_rest_is_read(tmp_path):
    rows = [TWARC, TWARC | {"id": "2", "text": "two\nlines"}, TWARC | {"id": "3"}]
    content = table(*rows, line_end="\n")
    content = content.replace(b"\n3,", b"\nshort,row\n\n3,") + b"cut,off"
    conversation = read(tmp_path, content)
    assert read_ids(conversation) == sorted(row["id"] for row in rows)
    assert conversation.account.reasons == {tally.SHORT_ROW: 2}
    assert conversation.account.first == {tally.SHORT_ROW: ("tweets.csv", 5)}


@pytest.mark.parametrize("digits", ["8.0E+18", "8.0e+18", "1.367E+18", "1367000000000000001.0"])
def test_ids_that_a_spreadsheet_has_rounded_are_named(tmp_path, digits):
    with pytest.raises(ValueError, match=r"ids that are decimal numbers .*csv, line 2.*as text"):
        read(tmp_path, table(TWARC | {"id": digits}))


def test_nested_values_that_pandas_wrote_as_one_cell_are_read(tmp_path):
    row = {name: TWARC[name] for name in ("id", "text", "author_id", "created_at")} | {
        "public_metrics": "{'retweet_count': 2, 'like_count': 5}",
        "referenced_tweets": '[{"type": "quoted", "id": "4"}]',
        "withheld": "[<object at 0x7f>]",
        "author": "ann",
    }
    posts = read(tmp_path, table(row, row | {"id": "2", "public_metrics": "{" * 5_000})).posts
    assert posts["favorites"].tolist() == [5, UNKNOWN]
    reposted = "[{'type': 'retweeted', 'id': '4'}]"
    both = row | {"referenced_tweets": reposted, "referenced_tweets.quoted.id": "9"}
    with pytest.raises(ValueError, match="1 reposts"):
        read(tmp_path, table(both))


@pytest.mark.parametrize(
    "titles", [["author", "author.id"], ["author.id", "author", "author.name"], ["id", "id"],
               ["referenced_tweets", "referenced_tweets.quoted.id"], ["text.a", "text"],
               ["author_id.x"], ["", ""], ["public_metrics", "public_metrics.like_count"]]
)  # fmt: skip
def test_no_header_stops_the_reader(tmp_path, titles):
    needed = ["id", "text", "author_id", "created_at"]
    cells = ["1", "scones", "77", "2021-03-03"]
    content = ",".join([*needed, *titles]) + "\n" + ",".join([*cells, *("7" for _ in titles)])
    conversation = read(tmp_path, content.encode())
    assert conversation.counts["there"] == 1


def test_a_million_columns_and_a_quote_that_never_ends_are_no_trap(tmp_path):
    wide = ",".join(["x"] * 1_000_000).encode() + b"\n" + b"," * 999_999 + b"\n"
    (tmp_path / "wide.csv").write_bytes(wide)
    content = table(TWARC, TWARC | {"id": "2"}).replace(b"\r\n2,", b'\r\n"2,')
    conversation = read(tmp_path, content)
    assert read_ids(conversation) == [TWARC["id"]]
    assert conversation.account.reasons == {tally.SHORT_ROW: 1}
    assert conversation.account.files["wide.csv"].startswith("has no column id, text")


def test_the_accents_of_a_spreadsheet_on_windows_are_read(tmp_path):
    content = table(OWN | {"what": "Grüße"}, delimiter=";", encoding="cp1252")
    assert read(tmp_path, content, MAPPING).posts["text"].tolist() == ["Grüße"]
