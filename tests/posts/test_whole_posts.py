"""A post's whole text counts, of its versions the last, and what X withholds counts not at all."""

import pytest

from customer_profiles.posts.formats import tally
from customer_profiles.posts.pages import collect
from tests.posts.small import a_post, a_user, read_ids

WHOLE = "This is the whole text, in which the writer says at the end that the tea was bad. " * 5
CUT = "RT @sample_author: " + WHOLE[:120] + "…"


def a_page(*posts, **includes):
    return {"data": list(posts), "includes": {"users": [a_user()], **includes}}


def read(*pages, reposts=False):
    return collect(pages, reposts=reposts)


def reasons(conversation):
    return dict(conversation.account.reasons)


@pytest.mark.parametrize("field", ["note_tweet", "note_post"])
def test_of_a_long_post_the_whole_text_counts(field):
    conversation = read(a_page(a_post(text=WHOLE[:270] + "…", **{field: {"text": WHOLE}})))
    assert conversation.posts["text"].tolist() == [WHOLE]
    assert conversation.counts["texts_cut"] == 0


@pytest.mark.parametrize("note", [None, {}, {"text": None}, {"text": "  "}, "text", [WHOLE]])
def test_a_note_without_a_text_leaves_the_text(note):
    assert read(a_page(a_post(text="tea", note_tweet=note))).posts["text"].tolist() == ["tea"]


@pytest.mark.parametrize(
    ("references", "included"),
    [("referenced_tweets", "tweets"), ("referenced_posts", "posts")],
)
def test_a_cut_repost_has_the_text_of_the_post_on_its_page(references, included):
    repost = a_post(text=CUT, **{references: [{"type": "retweeted", "id": "9"}]})
    original = a_post(9, text=WHOLE[:270] + "…", note_tweet={"text": WHOLE}, author_id="8")
    conversation = read(a_page(repost, **{included: [original]}), reposts=True)
    assert conversation.posts["text"].tolist() == [f"RT @sample_author: {WHOLE}"]
    assert read_ids(conversation) == ["1"]
    assert conversation.counts["texts_cut"] == 0


@pytest.mark.parametrize("kind", ["quoted", "replied_to"])
def test_the_text_of_a_quoted_post_is_not_that_of_the_post_that_quotes_it(kind):
    post = a_post(text=CUT, referenced_tweets=[{"type": kind, "id": "9"}])
    conversation = read(a_page(post, tweets=[a_post(9, text=WHOLE)]), reposts=True)
    assert conversation.posts["text"].tolist() == [CUT]
    assert conversation.counts["texts_cut"] == 1


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        (WHOLE[:117] + "… https://t.co/abc123", 1),
        (WHOLE[:139] + "…", 1),
        ("well…", 0),
        (WHOLE, 0),
        (WHOLE[:100] + "… and so on, which is what the writer wrote", 0),
    ],
)
def test_texts_that_end_where_x_cut_them_are_counted(text, cut):
    assert read(a_page(a_post(text=text))).counts["texts_cut"] == cut


@pytest.mark.parametrize("field", ["edit_history_tweet_ids", "edit_history_post_ids"])
@pytest.mark.parametrize("order", [1, -1])
def test_of_an_edited_post_the_last_version_counts(field, order):
    first = a_post(1, text="good tea", **{field: ["1"]})
    last = a_post(12, text="bad tea", **{field: ["1", "5", "12"]})
    conversation = read(*(a_page(post) for post in (first, last)[::order]))
    assert conversation.posts["text"].tolist() == ["bad tea"]
    assert reasons(conversation) == {tally.EARLIER: 1}
    assert read_ids(read(a_page(first))) == ["1"]


@pytest.mark.parametrize(
    "changes",
    [
        {"withheld": {"copyright": True, "country_codes": ["XY"]}},
        {"withheld": {"copyright": False, "country_codes": ["DE"], "scope": "user"}},
        {"text": "This Post from @sample_author has been withheld in Germany by law."},
        {"text": "This Tweet from @sample_author has been withheld in response to a report of "
                 "the copyright holder. Learn more."},
        {"text": "@sample_author's account has been withheld in Germany in response to a demand."},
    ],
)  # fmt: skip
def test_a_post_that_x_withholds_is_left_out_and_counted(changes):
    conversation = read(a_page(a_post(1, **changes), a_post(2)))
    assert read_ids(conversation) == ["2"]
    assert reasons(conversation) == {tally.WITHHELD: 1}


@pytest.mark.parametrize(
    "changes",
    [{"withheld": {}}, {"withheld": None}, {"text": "My refund has been withheld by them"}],
)
def test_a_post_that_only_looks_like_it_is_read(changes):
    assert read_ids(read(a_page(a_post(1, **changes)))) == ["1"]


@pytest.mark.parametrize(
    "error",
    [
        {"resource_type": "user", "resource_id": "70"},
        {"resource_type": "user", "value": "70"},
        {"parameter": "author_id", "value": "70"},
    ],
)
def test_an_author_whom_xs_errors_name_stays_out_also_where_no_users_are(error):
    bare = {"data": [a_post(1, author_id="70"), a_post(2)], "errors": [error]}
    conversation = read(bare)
    assert read_ids(conversation) == ["2"]
    assert reasons(conversation) == {tally.HIDDEN_AUTHOR: 1}
