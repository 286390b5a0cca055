"""What is left out of an archive is told with its number, its reason, its place and a way out."""

from customer_profiles.posts.formats import tally
from customer_profiles.posts.formats.tally import Tally


def test_every_reason_has_a_way_out():
    reasons = {
        value
        for name, value in vars(tally).items()
        if name.isupper() and isinstance(value, str)
    }  # fmt: skip
    assert reasons == set(tally.WAYS_OUT)
    assert {*tally.NO_POSTS, *tally.NO_LOSS} < reasons


def test_a_reason_is_told_with_its_number_its_first_place_and_the_way_out():
    account = Tally(place=("b.jsonl", 7))
    account.leave(tally.NO_DATE)
    account.place = "c.jsonl", 1
    account.leave(tally.NO_DATE, 1_500)
    assert account.sentences(200_000) == [
        f"left out: {tally.NO_DATE}, 1,501 of 200,000 (first in b.jsonl, line 7); "
        f"{tally.WAYS_OUT[tally.NO_DATE]}"
    ]


def test_nothing_is_told_of_what_did_not_happen():
    account = Tally()
    account.leave(tally.NO_DATE, 0)
    assert (account.sentences(10), account.where(tally.NO_DATE)) == ([], "")


def test_a_place_without_lines_is_a_file_and_pages_from_nowhere_have_none():
    account = Tally()
    account.leave(tally.TORN, place=("a.zip!b.json", 0))
    account.leave(tally.NO_TEXT)
    assert account.where(tally.TORN) == " (first in a.zip!b.json)"
    assert account.where(tally.NO_TEXT) == ""


def test_a_loss_of_more_than_a_hundredth_is_a_warning():
    account = Tally()
    account.leave(tally.WITHHELD, 11)
    account.leave(tally.REPOST, 900)
    assert [line.startswith("warning, ") for line in account.sentences(1_100)] == [False, False]
    assert [line.startswith("warning, ") for line in account.sentences(1_099)] == [False, True]


def test_files_that_are_not_used_are_named_with_the_reason():
    account = Tally()
    account.leave_file("photos/1.png", "is an image")
    assert account.sentences(0) == ["not used: photos/1.png is an image"]
