"""Each text once, with one label, and in one set."""

from customer_profiles.sentiment.data import cleaning
from tests.sentiment.data.rows import posts

NEWS = "the council opens a new tram line to the harbour"


def test_each_text_stays_once_and_one_of_two_labels_not_at_all():
    frame, counts = cleaning.distinct(
        posts((0, "a"), (4, "a"), (0, "b"), (0, "b"), (2, ""), (2, "c"), (4, "b "))
    )
    assert list(frame["text"]) == ["b", "c", "b "]
    assert counts == {"empty": 1, "conflicting": 2, "duplicate": 1}


def test_rows_with_texts_of_another_set_or_near_copies_of_them_are_removed_and_counted():
    frame = posts((0, "a"), (4, "b"), (0, "c"), (2, f"RT @ann: {NEWS.upper()}!"), (4, "C!"))
    rest, dropped = cleaning.without(frame, ["b", "c", NEWS], "test")
    assert (list(rest["text"]), list(rest.index)) == (["a"], [0])
    assert dropped == {"in_test": 2, "near_test": 2}


def test_without_other_texts_every_row_stays():
    frame = posts((0, "a"), (4, "b"))
    rest, dropped = cleaning.without(frame, [], "validation")
    assert rest.equals(frame)
    assert dropped == {"in_validation": 0, "near_validation": 0}
