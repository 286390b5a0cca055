"""What is to be published gets its certificate, or is refused with the reason."""

import hashlib
import json
import re
import shutil
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from customer_profiles.posts import archive, observations, spam
from customer_profiles.privacy import aggregates, attacks, cells, certificate, features
from customer_profiles.privacy.keys.key import Key, demonstration_key
from customer_profiles.project import files, vocabulary
from customer_profiles.publication import document, segments
from customer_profiles.segments import clustering
from customer_profiles.store import (
    connection,
    loading,
    profiles,
    publications,
    schema,
    sealed_files,
)
from tests.privacy import invented

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "notebooks" / "09_publish_segments.ipynb"
SAMPLE = "data/sample/x_archive"
K, SEED = 10, 7
# Where the bins begin in which the people's counts are invented.
EDGES = {
    "favorites": [1, 3, 10, 30],
    "retweets": [1, 3, 10, 30],
    "posts": [2, 3, 5],
    "followers": [100, 1000, 10_000, 100_000],
    "following": [30, 300, 1000],
    "listed": [3, 30, 300],
    "account_posts": [100, 1000, 10_000],
    "account_age": [36, 108],
}
TIERS = {"followers": [1000, 100_000], "account_posts": [100, 10_000]}
FEATURES = ["favorites", "account_posts", "followers"]


CLUSTERS = {
    "verdict": "in kind", "reason": "They come back.", "k": 4,
    "jaccard": 0.75,
    "preferred": dict.fromkeys(document.CLUSTERS["properties"]["preferred"]["properties"], 4),
    "sizes": [1, 1, 1, 1], "small": [], "stability": {"jaccard": [0.9, 0.9, 0.9, 0.5]},
}  # fmt: skip


@pytest.fixture(scope="module")
def people():
    """Profiles of 800 people in three segments, few of them verified."""
    rng = np.random.default_rng(1)
    chance = np.full(800, 0.4)
    counts = {name: invented.drawn(rng, at, chance) for name, at in EDGES.items()}
    mood = {name: rng.beta(4, 4, 800) for name in ("polarity", "subjectivity")}
    return pd.DataFrame({
        **counts, **mood, "_id": [f"{n:032x}" for n in range(800)],
        "verified": rng.random(800) < 0.1, "protected": rng.random(800) < 0.01,
        "first_month": "2026-05", "last_month": "2026-06", "segment": np.arange(800) % 3,
    })  # fmt: skip


def release(people, cuts=TIERS, k=K, authors=(), **others):
    tiers = cells.tiers(people, cuts)
    everybody = invented.gathered(people, features=FEATURES)
    published = segments.published_segments(people, k)
    painted, behind_shares = aggregates.of_segments(everybody, published, k, SEED)
    values = {
        "tiers": tiers,
        "cells": cells.cells(tiers, list(tiers), k),
        "described": segments.describe(people, painted, k),
        "aggregates": painted,
        "authors": [*authors, *behind_shares],
    }
    return certificate.Release(people, **(values | others))


@pytest.fixture(scope="module")
def made(people):
    """What is to be published of them."""
    return release(people)


def issue(release, k=K, max_suppressed=0.1):
    own = release.tiers.drop(columns="segment")
    known = {"exact_join": own, "drifted_join": own}
    return certificate.issue(release, known, k, max_suppressed, SEED)


def test_what_holds_gets_its_certificate(made):
    issued = issue(made)
    assert issued["passed"]
    assert issued["reasons"] == []
    published = issued["published"]
    assert published["k_min"] >= K
    assert published["uniqueness"] == 0
    assert published["suppressed_share"] <= 0.1
    assert list(published["attacks"]) == list(certificate.ATTACKERS)
    for name, attack in published["attacks"].items():
        assert attack["bound"] == 1 / K
        assert 0 < attack["success"] <= 1 / K + 1e-12, name
        assert attack["targets"] >= K


def test_the_certificate_is_too_coarse_to_tell_who_the_last_member_is(made):
    """Worked out for each possible member, exact successes and sizes would name the one it is."""
    exact = certificate.attacked(made, {}, K, SEED)
    published = issue(made)["published"]
    assert published["k_min"] == min(made.groups) // K * K
    for name, outcome in exact.items():
        attack = published["attacks"][name]
        assert attack["success"] in (0.05, 0.1)
        assert attack["success"] - 0.05 < outcome.success <= attack["success"] + 1e-12
        assert attack["targets"] == outcome.targets // K * K
    assert any(outcome.targets % K for outcome in exact.values())


@pytest.mark.parametrize("number", [40, 100, 800])
def test_a_small_segment_of_those_who_stand_out_holds_as_well(people, number):
    # Everybody with many followers is in one segment, hardly anyone outside has as many.
    few = people[:number].assign(segment=(people["followers"] < 1000).astype(int))
    outcomes = issue(release(few))["published"]["attacks"]
    for name in ("extreme_values", "last_member", "small_groups"):
        assert 0 < outcomes[name]["success"] <= 1 / K + 1e-12, name


def test_the_same_release_gets_the_same_certificate(made):
    assert json.dumps(issue(made)) == json.dumps(issue(replace(made)))


def test_people_and_moods_of_a_cell_are_as_many_as_counting_one_by_one_finds(people, made):
    marks = defaultdict(list)
    for row in made.tiers[made.published_mask].itertuples():
        marks[tuple(row)[1:]].append(int(4 * people["polarity"][row.Index] + 0.5))
    smallest = made.cells.loc[made.cells["shown"], "authors"].min()
    assert min(map(len, marks.values())) == smallest
    assert certificate.diversity(made) == min(len(set(cell)) for cell in marks.values()) > 1


@pytest.mark.parametrize(("shown", "fewest"), [("ab", 2), ("a", 3), ("abc", 1), ("", 0)])
def test_the_diversity_is_the_fewest_quarters_of_polarity_in_a_shown_cell(shown, fewest):
    # Cells a, b and c, in the quarters 0 1 4 1, 2 3 and 3 3: worked out by hand.
    tiers = pd.DataFrame(
        {"segment": [0, 0, 0, 0, 1, 1, 1, 1], "followers": [2, 2, 2, 2, 0, 0, 1, 1]}
    )
    people = pd.DataFrame({"polarity": [0.12, 0.2, 1, 0.37, 0.6, 0.7, 0.63, 0.87]})
    table = pd.DataFrame({"segment": [0, 1, 1], "followers": [2, 0, 1], "authors": [4, 2, 2]})
    table["shown"] = [cell in shown for cell in "abc"]
    assert certificate.diversity(certificate.Release(people, tiers, table, (), (), ())) == fewest


def test_a_group_of_one_mind_has_no_diversity(people):
    made = release(people.assign(polarity=np.where(people["followers"] < 1000, 0, 1)))
    assert certificate.diversity(made) == 1


def test_a_cell_below_k_that_is_shown_fails_and_names_no_number_of_people(made):
    leaky = issue(replace(made, cells=made.cells.assign(shown=True)))
    assert not leaky["passed"]
    assert leaky["published"]["k_min"] == "<10"
    (reason,) = leaky["reasons"]
    assert reason.startswith("small_groups: an attacker who subtracts published numbers")
    assert re.findall(r"\d+", reason) == ["1", "10"]  # more than 1 in 10
    assert "section publish" in reason


def test_nearly_everybody_is_found_in_cells_of_single_people(people, made):
    tiers = people[["segment"]].assign(mark=range(len(people)))
    cells = tiers.assign(authors=1, shown=True)
    leaky = issue(replace(made, tiers=tiers, cells=cells))["published"]
    for name in ("exact_join", "drifted_join", "rescoring_join", "small_groups"):
        assert leaky["attacks"][name]["success"] >= 0.9, name
    assert leaky["uniqueness"] == 1


@pytest.mark.parametrize("days", [[40, 9], [9], [1]])
def test_a_day_or_a_share_of_fewer_than_k_authors_fails(made, days):
    issued = issue(replace(made, authors=days))
    assert issued["published"]["k_min"] == "<10"
    assert issued["published"]["attacks"]["small_groups"]["targets"] == "<10"
    assert not issued["passed"]


def test_a_segment_that_is_not_shown_must_not_be_had_from_the_whole(people):
    few = people.assign(segment=np.where(np.arange(800) < 4, 3, people["segment"]))
    assert min(release(few).groups) >= K
    naive = [{"id": segment, "no_verified": "<10", "no_protected": "<10"} for segment in range(3)]
    assert min(release(few, described=naive).groups) == 4


def test_what_is_attacked_must_be_what_is_described(made):
    other = [{**row, "avg_followers": row["avg_followers"] + 1} for row in made.described]
    with pytest.raises(ValueError, match="segment 0 is not described by its aggregate"):
        issue(replace(made, described=other))


def test_figures_that_are_not_rounded_fail(people, made):
    leaky = [
        replace(aggregate, factors=dict.fromkeys(aggregate.factors, 0))
        for aggregate in made.aggregates
    ]
    described = segments.describe(people, leaky, K)
    issued = issue(replace(made, aggregates=leaky, described=described))
    assert issued["published"]["attacks"]["last_member"]["success"] >= 0.9
    assert any(reason.startswith("last_member: an attacker who") for reason in issued["reasons"])


def test_a_part_whose_rest_is_small_must_not_be_shown_exactly(people):
    verified = np.where(np.arange(800) % 3 == 1, np.arange(800) > 12, False)
    made = release(people.assign(verified=verified))
    assert {row["no_verified"] for row in made.described} == {"<10", ">257"}
    assert issue(made)["passed"]
    exact = [{**row, "no_verified": 0} for row in made.described]
    assert min(replace(made, described=exact).groups) < K


def test_parts_and_cells_that_give_a_small_group_by_subtraction_fail(people):
    # Of 15 verified people in segment 0, 11 are in a shown cell; the other 4 are suppressed among
    # others, and could be had from the number of the verified.
    first = np.flatnonzero(people["segment"] == 0)
    verified, followers = np.zeros(800, dtype=bool), np.full(800, 500)
    verified[first[:15]] = True
    followers[first[11:15]], followers[first[15:25]] = 5000, 5000
    made = release(
        people.assign(verified=verified, followers=followers),
        {"verified": [1], "followers": [1000]},
    )
    assert min(made.groups) == 4
    assert not issue(made)["passed"]


def test_too_much_held_back_fails_and_says_what_to_change(made):
    issued = issue(made, max_suppressed=0.001)
    assert not issued["passed"]
    (reason,) = issued["reasons"]
    assert re.match(
        r"more than 0\.1% of the authors are in suppressed cells; name fewer or coarser tiers in "
        r"section publish, or ask for fewer segments \(k_max,",
        reason,
    )


def test_fewer_than_k_people_fail(people):
    issued = issue(release(people[:9]))
    assert issued["published"]["suppressed_share"] == 1
    (reason,) = issued["reasons"]
    assert reason.startswith(
        "there are fewer than 10 authors, the least that a group may have: give"
    )


@pytest.mark.long
def test_advice_fits_the_case(people):
    one = people.assign(segment=0)
    whole = release(one, {})
    tiers, fewer = "tiers in section publish", "fewer segments"
    for made, ways in (
        (release(people), (tiers, fewer)),
        (release(one), (tiers,)),
        (release(people, {}), (fewer,)),
        (whole, ("an archive of more authors",)),
        (release(people[:9]), ("fewer than 10 authors", "an archive of more authors")),
    ):
        advice = certificate.advice(made, K)
        for way in (tiers, fewer, "fewer than 10 authors", "an archive of more authors"):
            assert (way in advice) == (way in ways), advice


def test_a_tier_of_what_x_does_not_show_is_not_looked_up():
    counts = pd.DataFrame(
        {name: [5] for name in ("posts", *vocabulary.AUTHOR_COUNTS)}, index=["ann"]
    ).assign(verified=True)
    cuts = {"polarity": [2], "account_posts": [100], "posts": [2, 5]}
    tiers = certificate.known_tiers(counts, cuts, ["bob", "ann"])
    assert list(tiers) == ["account_posts", "posts"]
    assert tiers.loc["ann"].tolist() == [0, 2]
    assert tiers.loc["bob"].isna().all()


def test_who_looks_accounts_up_later_finds_drifted_counts():
    counts = pd.DataFrame({name: [950] for name in ("posts", *vocabulary.AUTHOR_COUNTS)}, ["ann"])
    counts = counts.assign(verified=True)
    known = certificate.known(counts, TIERS, ["ann"], drift=0.5, seed=SEED)
    later = attacks.drifted(counts, 0.5, SEED)
    assert list(known) == ["exact_join", "drifted_join"]
    for found, at in zip(known.values(), (counts, later), strict=True):
        assert found.equals(certificate.known_tiers(at, TIERS, ["ann"]))
    assert not known["exact_join"].equals(known["drifted_join"])


def test_a_count_that_is_not_known_is_looked_up_as_it_is_published():
    unknown = pd.DataFrame(vocabulary.UNKNOWN, ["ann"], list(TIERS))
    published = cells.tiers(unknown.assign(segment=0), TIERS)
    for drift in (0, 0.5):
        later = pd.DataFrame(vocabulary.UNKNOWN, ["ann"], list(attacks.DRIFTING))
        for tiers in certificate.known(later, TIERS, ["ann"], drift, SEED).values():
            assert tiers.loc["ann"].tolist() == published.loc["ann", list(TIERS)].tolist() == [0, 0]


def stored(*posts):
    """Observations of `posts`: author, day, and the origin where it is not the archive."""
    rows = [
        {"author": author, "day": day, "origin": (*origin, "archive")[0], "scorer": "0" * 16}
        for author, day, *origin in posts
    ]
    return pd.DataFrame(rows)


def test_a_thief_without_the_key_tells_authors_apart_by_their_posts_of_each_month():
    posts = stored(
        # Three have two posts in May, one has another in June, one had his from the stream.
        ("ann", "2026-05-01"), ("ann", "2026-05-31"), ("bob", "2026-05-09"), ("bob", "2026-05-09"),
        ("cyd", "2026-05-02"), ("cyd", "2026-05-03"), ("dot", "2026-05-31"), ("dot", "2026-06-01"),
        ("eve", "2026-05-30", "stream"), ("eve", "2026-05-31", "stream"),
    )  # fmt: skip
    assert certificate.at_rest(posts, posts["author"], ["1"]) == {
        "uniqueness": 2 / 5,  # dot and eve
        "linkage": pytest.approx((3 * 1 / 3 + 1 + 1) / 5),  # one in three of the others
        "dictionary": 0.0,
    }


def test_a_thief_without_the_key_links_nobody_where_all_wrote_alike():
    posts = stored(*((f"author {n}", "2026-05-01") for n in range(50)))
    assert certificate.at_rest(posts, posts["author"], []) == {
        "uniqueness": 0,
        "linkage": 1 / 50,
        "dictionary": 0,
    }


def test_a_thief_sees_who_has_a_profile_and_who_has_none():
    posts = stored(*((f"author {n}", "2026-05-01") for n in range(50)))
    at_rest = certificate.at_rest(posts, posts["author"][1:], [])
    assert (at_rest["linkage"], at_rest["uniqueness"]) == (2 / 50, 1 / 50)


def test_pseudonyms_without_a_key_are_undone_at_rest_too():
    names = {hashlib.sha256(n.encode()).hexdigest()[:32]: n for n in ("1", "2", "3")}
    posts = stored(*((name, "2026-05-01") for name in names), ("f" * 32, "2026-05-01"))
    assert certificate.at_rest(posts, [], names.values())["dictionary"] == 3 / 4
    assert certificate.at_rest(posts, [], ["1"])["dictionary"] == 1 / 4


def test_bounds_and_what_was_found_are_shown_side_by_side(made):
    issued = issue(made)
    issued["at_rest"] = {"dictionary": 0.0, "linkage": 0.125, "uniqueness": 0.25}
    table = certificate.overview(issued, 0.1)
    smallest = table.loc["authors in the smallest published group"]
    assert smallest.tolist() == ["at least 10", issued["published"]["k_min"]]
    assert table.loc["authors whose cell is suppressed", "bound"] == "at most 10%"
    assert table.loc["stored authors recognised without the key", "found"] == "12.5%"
    assert table.loc["stored authors with nobody alike"].tolist() == ["disclosed", "25.0%"]
    assert table.loc["passed", "found"] == "yes"


def test_the_attacks_are_shown_as_texts(made):
    table = certificate.table(issue(made))
    assert list(table) == ["the attacker", "targets", "success", "bound"]
    assert list(table.index) == list(certificate.ATTACKERS)
    assert table.loc["rescoring_join", "bound"] == "10.0%"
    leaky = certificate.table(issue(replace(made, authors=[1])))
    assert leaky.loc["small_groups", ["targets", "success"]].tolist() == ["<10", "100.0%"]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, mongodb):
    """A project as it stands before publish: the sample, with polarity drawn at random."""
    root = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "data/sample", root / "data/sample")
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copyfile(ROOT / name, root / name)
    conversation, rng = archive.read(root / SAMPLE), np.random.default_rng(SEED)
    key = demonstration_key()
    posts = observations.pseudonymous(conversation.posts, key)
    polarity = rng.beta(3, 2, len(posts))
    scores = pd.DataFrame({
        "polarity": polarity, "subjectivity": rng.beta(2, 3, len(posts)),
        "label": np.array(vocabulary.CLASSES)[np.digitize(polarity, [0.35, 0.65])],
    })  # fmt: skip
    flags = spam.flags(posts)
    rows = observations.build(posts, conversation.authors, scores, "0" * 16, flags)
    audience = "audience_" + key.fingerprint()[:12]
    with pytest.MonkeyPatch.context() as patch, connection.connect(mongodb, audience) as client:
        patch.chdir(root)
        database = client[audience]
        schema.prepare(database)
        sealed_files.write("observations", rows, key)
        file = sealed_files.path("observations")
        loading.update(database, file, profiles.Recipe(key, exclude_flagged=True))
        people = profiles.read_profiles(database, key)
        weights = dict.fromkeys(FEATURES, 1)
        clustered = features.prepared(people, weights, invented.CLIP).table
        labels = clustering.fit(clustered, weights, 4, SEED).assign(clustered)
        sealed_files.write("profiles", people, key)
        assigned = clustered[["_id"]].assign(cluster=labels, cell="")
        sealed_files.write("assignments", assigned, key)
        manifest = {
            "archive": SAMPLE, "audience": audience, "key": key.fingerprint(), "sample": True,
            "columns": {}, "reposts": False,
            "files": archive.digests(root / SAMPLE, archive.sizes_of(root / SAMPLE)),
        }  # fmt: skip
        model = {"features": FEATURES, "clip": invented.CLIP, "centroids": [None] * 10}
        for name, value in {
            "raw/manifest": manifest,
            "models/clusters": model,
            "reports/clusters": CLUSTERS,
            "processed/profiles": {
                "exclude_flagged": True,
                "flagged": 0.02,
                "unread": "",
                "caution": "",
            },
        }.items():
            files.write_json(root / f"data/{name}.json", value)
        curves = [document.example(document.CURVES) | {"k": k} for k in (2, 3, 4)]
        files.write_csv(root / "data/reports/elbow.csv", pd.DataFrame(curves))
        patch.undo()
        yield root, database
        client.drop_database(audience)


def run(root, shown=None, **parameters):
    """Run the notebook's cells in the project, parameters in the place of their own.

    What the notebook displays is added to `shown`.
    """
    shown = [] if shown is None else shown
    space = {"display": lambda *figures: shown.extend(figures)}
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), space)  # noqa: S102 - the project's own notebook
        if "parameters" in cell["metadata"].get("tags", []):
            space |= parameters
    return (root / "data/reports/privacy.json").read_bytes()


@pytest.mark.long
def test_the_sample_is_published_and_what_does_not_hold_leaves_it_as_it_was(
    prepared, mongodb, monkeypatch
):
    root, database = prepared
    monkeypatch.chdir(root)
    monkeypatch.setenv("MONGODB_URI", mongodb)
    contents = json.loads(run(root))
    assert contents["passed"]
    assert contents["published"]["k_min"] >= K
    assert contents["published"]["suppressed_share"] <= 0.1
    assert all(0 < row["success"] <= 0.1 for row in contents["published"]["attacks"].values())
    at_rest = contents["at_rest"]
    assert 0 < at_rest["uniqueness"] < at_rest["linkage"] < 0.1
    assert at_rest["dictionary"] == 0
    published = publications.current(database)
    assert published["certificate"]["passed"]
    summary = published["summary"]
    assert (summary["posts"], summary["authors"]) == (5000, 1500)  # without the campaigns
    assert (summary["flagged"], summary["flagged_excluded"]) == (0.02, True)
    page = (root / "data/reports/segments.html").read_bytes()
    reason = "there are fewer than 2000 authors, the least that a group may have: give an archive"
    with pytest.raises(RuntimeError, match=f"nothing was published: {reason}") as refused:
        run(root, k_anonymity=2000)
    assert "k_max" not in str(refused.value)
    failed = json.loads((root / "data/reports/privacy.json").read_text())
    assert not failed["passed"]
    assert publications.current(database) == published
    assert (root / "data/reports/segments.html").read_bytes() == page
    assert json.loads(run(root)) == contents
    assert publications.current(database) == published
    assert database.published.count_documents({}) == 1


@pytest.mark.long
def test_tiers_that_would_suppress_too_many_are_left_out_and_said_and_the_rest_is_published(
    prepared, mongodb, monkeypatch
):
    root, database = prepared
    monkeypatch.chdir(root)
    monkeypatch.setenv("MONGODB_URI", mongodb)
    edges = [3, 10, 30, 100, 300, 1000, 3000, 10_000]
    fine = dict.fromkeys(("followers", "listed", "account_posts"), edges)
    said = []
    contents = json.loads(run(root, said, tiers=fine))
    assert contents["passed"]
    assert contents["published"]["suppressed_share"] <= 0.1
    (sentence,) = [each.data for each in said if "Tiers left out" in getattr(each, "data", "")]
    left_out = set(sentence.removeprefix("Tiers left out: ").removesuffix(".").split(", "))
    asked = {f"{vocabulary.FIELDS[name]} from {at:,}": (name, at) for name in fine for at in edges}
    assert 0 < len(left_out) < len(asked)
    assert left_out <= set(asked)
    # No tier of a published cell begins where one was left out.
    published = publications.current(database)["cells"]
    begins = {(name, cell[name].split()[0]) for cell in published for name in cell if name in fine}
    assert begins
    kept = {(name, f"{at:,}") for text, (name, at) in asked.items() if text not in left_out}
    assert {(name, at) for name, at in begins if at != "under"} <= kept


@pytest.mark.long
def test_everybody_is_published_as_one_where_segments_would_be_too_small_and_it_is_said(
    prepared, mongodb, monkeypatch
):
    root, database = prepared
    monkeypatch.chdir(root)
    monkeypatch.setenv("MONGODB_URI", mongodb)
    contents = json.loads(run(root, k_anonymity=600))
    assert contents["passed"]
    published = publications.current(database)
    assert [row["customers"] for row in published["segments"]] == [1500]
    clusters = published["summary"]["clusters"]
    assert (clusters["k"], clusters["verdict"]) == (1, "everybody")
    assert clusters["reason"] == (
        "Published as one segment, because with 4 segments more than 10.0% of the authors would be "
        "left out. By evidence: they come back."
    )
    assert clusters["reason"].split(". ")[0] in (root / "data/reports/segments.html").read_text()
    assert database.assignments.count_documents({}) == 1500
    run(root)
    assert len(publications.current(database)["segments"]) == 4


def test_an_attacker_of_our_pseudonyms_has_read_the_same_pages(prepared):
    root, _ = prepared
    conversation = archive.read(root / SAMPLE)
    counts = attacks.looked_up(conversation.posts, conversation.authors)
    key = Key(b"k" * 32)
    assert attacks.dictionary(key.pseudonyms("author", counts.index), counts.index) == 0
