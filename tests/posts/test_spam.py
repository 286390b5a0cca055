"""Campaigns planted among the sample's posts are found; what people say by themselves is not."""

import numpy as np
import pandas as pd
import pytest

from customer_profiles.posts import archive, spam
from customer_profiles.project import params, paths
from tests.posts import planted

TEXT = planted.COPIED[0]


@pytest.fixture(scope="module")
def sample():
    """All posts of the sample, with what they were `planted` as."""
    posts = archive.read(paths.inside("data", "sample", "x_archive")).posts
    planted = pd.read_csv(paths.inside("data", "sample", "spam.csv"), dtype=str)
    flags = posts["post_id"].map(planted.set_index("post_id")["flag"]).fillna(spam.NONE)
    return posts.assign(planted=flags)


@pytest.fixture(scope="module")
def posts(sample):
    """Those of its customers."""
    return sample[sample["planted"] == spam.NONE].drop(columns="planted")


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def posts_of(texts, authors=None, days=None):
    """Posts of `texts`, each by its own author on one and the same day unless told."""
    return pd.DataFrame({
        "author_id": authors or [f"author {number}" for number in range(len(texts))],
        "day": days or ["2026-05-01"] * len(texts),
        "text": texts,
        "repost": False,
    })  # fmt: skip


def marked(posts, **bounds):
    return spam.flags(posts, **bounds).tolist()


def test_the_campaigns_of_the_sample_are_found_and_none_of_its_customers(sample):
    flags = spam.flags(sample, **params.shared(["flags"])["flags"])
    judged = spam.precision_and_recall(flags, sample["planted"])
    assert judged["planted"].to_dict() == {"copies": 28, "burst": 24, "links": 60}
    assert (judged["precision"] >= 0.98).all()
    assert (judged["recall"] >= 0.95).all()
    # Of all but the copies one account stands behind a burst: too few to tell of.
    shares = spam.as_json(spam.share(flags, sample["author_id"], k=10))
    assert shares == {"copies": 0.01, "burst": None, "links": None, "any": 0.02}


def test_no_customer_of_the_sample_is_flagged(posts):
    assert set(spam.flags(posts)) == {spam.NONE}


def test_the_samples_texts_are_copies_once_their_days_do_not_count(posts):
    # Its 5,000 posts draw from a pool of 738 texts: that is why a window of days is needed here.
    authors = posts.groupby("text")["author_id"].nunique()
    flags = spam.flags(posts, days=60)
    assert set(flags) == {"copies", spam.NONE}
    assert flags[posts["text"].isin(authors.index[authors < 10])].eq(spam.NONE).mean() > 0.97
    assert flags[posts["text"].isin(authors.index[authors >= 10])].eq("copies").mean() > 0.97


@pytest.mark.parametrize("disguise", planted.DISGUISES[:4])
def test_copies_are_found_in_every_disguise_up_to_two_other_words(posts, rng, disguise):
    mixed = planted.among(posts, *(planted.copies(posts, rng, disguise) for _ in range(3)))
    assert_found(mixed, "copies", mixed["planted"] >= 0)


def test_bursts_and_floods_of_links_are_found_beside_copies(posts, rng):
    made = planted.burst(posts, rng), planted.links(posts, rng, ["Tindlewick"])
    mixed = planted.among(posts, *made, planted.copies(posts, rng, "one word"))
    assert_found(mixed, "burst", mixed["planted"] == 0)
    bare = mixed["text"].str.match("Tindlewick .sample_mark")
    assert_found(mixed, "links", (mixed["planted"] == 1) & bare)
    assert_found(mixed, "copies", mixed["planted"] == 2)


def assert_found(mixed, flag, expected):
    assert expected.sum() >= 9
    flags = spam.flags(mixed) == flag
    assert (flags & ~expected).sum() == 0
    assert (flags & expected).sum() == expected.sum()


def test_ten_people_are_many_and_nine_are_not():
    assert marked(posts_of([TEXT] * 10)) == ["copies"] * 10
    assert marked(posts_of([TEXT] * 9)) == [spam.NONE] * 9
    assert marked(posts_of([TEXT] * 9), authors=9) == ["copies"] * 9


def test_reposts_are_no_copies_and_make_no_others_copies():
    posts = posts_of([TEXT] * 15)
    assert marked(posts.assign(repost=True)) == [spam.NONE] * 15
    some = [number < 6 for number in range(15)]
    assert marked(posts.assign(repost=some)) == [spam.NONE] * 15  # nine people wrote it
    assert marked(posts.assign(repost=some), authors=9) == [spam.NONE] * 6 + ["copies"] * 9


def test_one_author_who_repeats_a_text_is_not_many():
    people = ["a"] * 11 + [f"b{number}" for number in range(8)]
    days = [f"2026-05-{1 + number % 7:02d}" for number in range(19)]
    assert marked(posts_of([TEXT] * 19, people, days)) == [spam.NONE] * 19


def test_copies_are_taken_up_within_the_days_and_then_all_of_them_count():
    week = [f"2026-05-{number:02d}" for number in (1, 1, 2, 3, 3, 4, 5, 6, 7, 7)]
    late = [*week[:-2], "2026-05-08", "2026-05-08"]
    assert marked(posts_of([TEXT] * 10, days=week)) == ["copies"] * 10
    assert marked(posts_of([TEXT] * 10, days=late)) == [spam.NONE] * 10
    assert marked(posts_of([TEXT] * 10, days=late), days=8) == ["copies"] * 10
    assert marked(posts_of([TEXT] * 11, days=[*week, "2026-06-30"])) == ["copies"] * 11


def test_a_short_text_of_many_people_is_their_own():
    for text in ("thanks", "lol", "#tindlewick", "@tindlewick https://example.com/" + "a" * 40, ""):
        assert marked(posts_of([text] * 50)) == [spam.NONE] * 50
    long = "x" * 14 + " " + "y" * 15
    assert marked(posts_of([long] * 50)) == ["copies"] * 50
    assert marked(posts_of([long[1:]] * 50)) == [spam.NONE] * 50


def test_texts_are_near_at_the_bound_of_their_shingles_and_not_below():
    # 37 shingles of four letters each; 24 are the same in both: 24 of 50.
    same = "abcdefghijklmnopqrstuvwxyzá"
    texts = [same + "àâäãåéèêëíìîï", same + "ñóòôöõúùûüýçœ"] * 5
    assert marked(posts_of(texts), jaccard=24 / 50) == ["copies"] * 10
    assert marked(posts_of(texts), jaccard=24.01 / 50) == [spam.NONE] * 10


def test_of_a_long_text_the_beginning_decides():
    ends = ["".join(chr(start + place) for place in range(600)) for start in (0x4E00, 0x5E00)]
    begun = (TEXT * 5)[: spam.LONGEST]
    assert marked(posts_of([begun + end for end in ends] * 5)) == ["copies"] * 10


def test_what_links_handles_hashtags_numbers_and_fonts_add_is_not_own():
    text = "Hi (@a_b), #c:https://x.example/z 1,000 &amp; BOLD \U0001d401"
    assert spam.own_words(text) == "hi bold b"
    assert spam.own_words("コーヒーが好き #珈琲") == "コーヒーが好き"


def test_a_burst_is_many_posts_of_one_author_on_one_day_and_only_that_day():
    texts = [f"{name} {name} is fine" for name in "abcdefghijklmnopqrstuvw"]
    days = ["2026-05-01"] * 20 + ["2026-05-02"] * 3
    assert marked(posts_of(texts, ["a"] * 23, days)) == ["burst"] * 20 + [spam.NONE] * 3
    assert marked(posts_of(texts[:19], ["a"] * 19)) == [spam.NONE] * 19
    assert marked(posts_of(texts[:20], ["a"] * 10 + ["b"] * 10)) == [spam.NONE] * 20


def test_links_are_a_flood_if_there_are_five_and_most_of_the_authors_posts_are_such():
    link, text = "Tindlewick #tea https://example.com/a", "the scones were dry today"
    flood = posts_of([link] * 5 + [text] * 4, ["a"] * 9)
    assert marked(flood) == ["links"] * 5 + [spam.NONE] * 4
    assert marked(posts_of([link] * 5 + [text] * 5, ["a"] * 10)) == [spam.NONE] * 10
    assert marked(posts_of([link] * 4, ["a"] * 4)) == [spam.NONE] * 4
    assert marked(posts_of([link] * 5)) == [spam.NONE] * 5
    assert marked(posts_of([f"lovely {link}"] * 5, ["a"] * 5)) == [spam.NONE] * 5
    assert marked(posts_of(["@tindlewick thanks"] * 5, ["a"] * 5)) == [spam.NONE] * 5


def test_precision_and_recall_are_those_of_each_flag():
    planted = pd.Series(["copies"] * 4 + ["links"] * 2 + [spam.NONE] * 4)
    flags = pd.Series(["copies"] * 3 + [spam.NONE] + ["copies"] + ["links"] * 2 + [spam.NONE] * 3)
    judged = spam.precision_and_recall(flags, planted)
    assert judged.loc["copies"].tolist() == [4, 4, 0.75, 0.75]
    assert judged.loc["links"].tolist() == [2, 2, 0.5, 0.5]
    assert judged.loc["burst"].tolist()[:2] == [0, 0]
    assert judged.loc["burst", ["precision", "recall"]].isna().all()


def test_flags_follow_their_posts_in_any_order_and_under_any_index(posts, rng):
    mixed = planted.among(posts, planted.copies(posts, rng), planted.burst(posts, rng))
    mixed.index = mixed.index + 1000
    shuffled = mixed.sample(frac=1, random_state=7)
    flags = spam.flags(mixed)
    assert flags.nunique() == 3
    pd.testing.assert_series_equal(spam.flags(shuffled).sort_index(), flags)


def test_no_posts_have_no_flags(posts):
    assert marked(posts.head(0)) == []


def test_shares_are_of_all_posts_and_those_of_few_people_are_suppressed():
    flagged = pd.Series(["copies"] * 30 + [spam.NONE] * 70)
    people = pd.Series([f"author {number}" for number in range(100)])
    assert spam.share(flagged, people, k=10).to_dict() == {
        "copies": 0.3, "burst": 0, "links": 0, spam.NONE: 0.7
    }  # fmt: skip
    # Nine people have bursts: theirs could be had from the others, so the next is suppressed too.
    flagged[91:] = "burst"
    shares = spam.share(flagged, people, k=10)
    assert shares[spam.NONE] == 0.61
    assert spam.as_json(shares) == {"copies": None, "burst": None, "links": None, "any": 0.39}
    assert shares.drop(spam.NONE).isna().all()
