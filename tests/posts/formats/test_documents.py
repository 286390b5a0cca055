"""JSON is read one value a line, as one document or several, and what is damaged has its line."""

import json

import pytest

from customer_profiles.posts import archive
from customer_profiles.posts.formats import documents, tally
from customer_profiles.posts.formats.tally import Tally
from tests.posts.small import TEXT, a_page, a_post, a_user, lines, read_ids

PAGES = [a_page(1, 2), a_page(3)]
IDS = ["1", "2", "3"]


def read(tmp_path, content):
    (tmp_path / "file").write_bytes(content if isinstance(content, bytes) else content.encode())
    return archive.read(tmp_path)


def indented(value):
    return json.dumps(value, indent=2, ensure_ascii=False)


WHOLE = {
    "a page a line": lines(*PAGES),
    "blank lines between": b"\r\n\n" + lines(PAGES[0]) + b"\r\n \r\n" + lines(PAGES[1]),
    "no last line end": lines(*PAGES)[:-1],
    "an array on one line": lines(PAGES),
    "an array of arrays": lines([[PAGES[0]], [PAGES[1]]]),
    "an indented array": indented(PAGES),
    "indented pages": indented(PAGES[0]) + "\n" + indented(PAGES[1]),
    "indented pages with commas": indented(PAGES[0]) + ",\n" + indented(PAGES[1]) + "\n,",
    "pages without anything between": "".join(map(json.dumps, PAGES)),
    "an array whose items are lines": "[\n" + ",\n".join(map(json.dumps, PAGES)) + "\n]\n",
    "an array with a trailing comma": "[\n" + ",\n".join(map(json.dumps, PAGES)) + ",\n]\n",
    "old Macs' line ends": lines(*PAGES).replace(b"\n", b"\r"),
    "lines with commas behind them": lines(*PAGES).replace(b"\n", b",\n"),
    "an array over two lines": lines(PAGES).replace(b'}, {"data"', b'},\n{"data"'),
    "two pages on a line": lines(PAGES[0]) + lines(*PAGES).replace(b"\n", b""),
}


@pytest.mark.parametrize("form", WHOLE)
def test_json_is_read_however_it_is_laid_out(tmp_path, form):
    conversation = read(tmp_path, WHOLE[form])
    assert read_ids(conversation) == IDS
    assert set(conversation.posts["text"]) == {TEXT}
    assert set(conversation.account.reasons) <= {tally.REPEATED}
    assert not conversation.account.files


@pytest.mark.parametrize(
    ("content", "reason", "line"),
    [
        (lines(*PAGES) + b'{"data": [{"id"', tally.TORN, 3),
        (lines(*PAGES) + b"OK\n", tally.NO_JSON, 3),
        (lines(PAGES[0]) + b"\n\n{]\n" + lines(PAGES[1]), tally.TORN, 4),
        (lines(*PAGES) + b"[1, 2]\n", tally.UNKNOWN_OBJECT, 3),
        (lines(*PAGES) + b'{"name": "x"}\n', tally.UNKNOWN_OBJECT, 3),
        (lines(*PAGES) + b"[" * 100_000, tally.TORN, 3),
        (lines(*PAGES) + b'{"data": [{"id": "4", "text": "\x00"}]}\n', tally.TORN, 3),
        (lines(*PAGES) + lines({"title": "x", "status": 503}), tally.REFUSED, 3),
    ],
)
def test_what_is_no_page_is_told_with_its_line_and_the_rest_is_read(
    tmp_path, content, reason, line
):
    conversation = read(tmp_path, content)
    assert read_ids(conversation) == IDS
    assert set(conversation.account.reasons) == {reason}
    assert conversation.account.first == {reason: ("file", line)}


@pytest.mark.parametrize("header", [b"", b"tweet_id\r\n", b"\n\n"])
def test_a_list_of_ids_is_named(tmp_path, header):
    with pytest.raises(ValueError, match="file holds ids without posts; look the posts up at X"):
        read(tmp_path, header + b"1267051200000000000\r\n1267051200000000001\r\n")


def test_a_line_of_many_megabytes_is_read_as_a_line_and_as_a_document(tmp_path):
    long = a_page(1, 2)
    long["data"][0]["text"] = "x" * 5_000_000
    for content in (lines(long, a_page(3)), lines([long, a_page(3)]), indented([long, a_page(3)])):
        assert read_ids(read(tmp_path, content)) == IDS


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95])
def test_a_torn_document_gives_its_whole_pages(tmp_path, kept):
    text = indented([a_page(number) for number in range(100)])
    conversation = read(tmp_path, text[: int(kept * len(text))])
    assert conversation.counts["posts"] == int(kept * 100)
    assert conversation.account.reasons[tally.TORN] == 1


def test_half_a_surrogate_pair_nan_and_other_encodings_do_not_stop_a_line(tmp_path):
    posts = [a_post(1, text="half \ud83c"), a_post(2, score=float("nan"))]
    page = json.dumps({"data": posts, "includes": {"users": [a_user()]}}) + "\n"
    latin = lines(a_page(3)).decode().encode("latin-1", "replace")
    conversation = read(tmp_path, page.encode() + latin)
    assert read_ids(conversation) == IDS
    assert conversation.posts["text"][0] == "half ?"
    assert not conversation.account.reasons


def test_the_last_of_two_equal_keys_counts_and_ids_may_be_numbers(tmp_path):
    text = '{"data": [{"id": 1, "id": 9007199254740993, "author_id": 77, "text": "a", '
    text += '"created_at": "2026-05-01T10:00:00Z"}]}'
    conversation = read(tmp_path, text)
    assert read_ids(conversation) == ["9007199254740993"]


def test_deep_nesting_is_damage_of_its_line_alone(tmp_path):
    deep = b'{"data": ' + b"[" * 50_000 + b"]" * 50_000 + b"}\n"
    conversation = read(tmp_path, lines(PAGES[0]) + deep + lines(PAGES[1]))
    assert read_ids(conversation) == IDS
    assert conversation.account.reasons == {tally.TORN: 1}


@pytest.mark.parametrize("content", [*WHOLE.values(), b"", b"\n\n", b"a,b\n1,2\n", b"[\n"])
def test_the_pieces_of_a_file_are_its_text(content):
    raw = content if isinstance(content, bytes) else content.encode()
    pieces = list(documents.pieces(raw.splitlines(keepends=True)))
    assert b"".join(piece.raw for piece in pieces).strip() == raw.strip()


def test_spans_find_each_value_and_what_is_none():
    text = 'window.YTD.tweets.part0 = [{"a": 1}]\n{"b": \n{"c": 2},'
    found = [(text[start:end], value) for start, end, value in documents.spans(text)]
    assert found == [
        ('[{"a": 1}]', [{"a": 1}]),
        ('{"b": \n', documents.UNREADABLE),
        ('{"c": 2}', {"c": 2}),
    ]


def test_a_value_of_x_s_personal_archive_has_its_section():
    raw = b'window.YTD.tweets.part0 = [\n{"a": 1}\n]'
    (piece,) = documents.pieces(raw.splitlines(keepends=True))
    assert list(documents.values(piece, Tally())) == [("tweets", [{"a": 1}])]
    assert documents.section(piece) == "tweets"
