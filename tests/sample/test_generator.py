"""The shipped brand archive: the same bytes everywhere, nobody real, five personas to be found."""

import json
import re
import string

import numpy as np
import pandas as pd
import pytest
from kneed import KneeLocator
from sklearn.metrics import adjusted_rand_score

from customer_profiles.posts import archive
from customer_profiles.posts.formats import tally
from customer_profiles.privacy import features
from customer_profiles.project import files, params, paths
from customer_profiles.sample import campaigns, generator
from customer_profiles.sample.personas import PERSONAS
from customer_profiles.segments import clustering

POLARITY = {"negative": 0.0, "neutral": 0.5, "positive": 1.0}
LAST_SNOWFLAKE_IN_2070 = (3_187_295_999_999 - 1_288_834_974_657) << 22  # X counts from 2010


@pytest.fixture(scope="module")
def shipped():
    return paths.inside("data", "sample")


@pytest.fixture(scope="module")
def texts(shipped):
    return pd.read_csv(shipped / "brand_posts.csv", keep_default_na=False)


@pytest.fixture(scope="module")
def conversation(shipped):
    return archive.read(shipped / "x_archive")


@pytest.fixture(scope="module")
def pages(shipped):
    """Whole pages by file name."""
    result = {}
    for path in archive.files(shipped / "x_archive"):
        lines = path.read_text(encoding="utf-8").splitlines()
        result[path.name] = [json.loads(line) for line in lines if line.endswith("}")]
    return result


@pytest.fixture(scope="module")
def truth(shipped):
    return pd.read_csv(shipped / "truth.csv", dtype=str).set_index("author_id")["persona"]


@pytest.fixture(scope="module")
def planted(shipped):
    return pd.read_csv(shipped / "spam.csv", dtype=str).set_index("post_id")["flag"]


def test_writing_it_anew_gives_the_shipped_bytes(shipped, texts, tmp_path):
    generator.write(tmp_path, texts)
    for name in ("x_archive", "x_archive.sha256", "truth.csv", "spam.csv"):
        assert files.digest(tmp_path / name) == files.digest(shipped / name), (
            f"{name} is not what the generator writes; run customer-profiles sample"
        )
    written = (shipped / "x_archive.sha256").read_text().strip()
    assert written == files.digest(shipped / "x_archive")


def test_it_holds_5000_posts_by_1500_customers_on_60_days(conversation, truth, planted):
    posts = conversation.posts[~conversation.posts["post_id"].isin(planted.index)]
    assert (len(posts), posts["author_id"].nunique()) == (5000, 1500)
    days = posts["day"]
    assert (days.nunique(), days.min(), days.max()) == (60, "2026-05-02", "2026-06-30")
    assert set(truth.index) == set(conversation.authors["author_id"])
    shares = truth[posts["author_id"].unique()].value_counts() / 1500
    assert len(shares) == 5
    assert shares.between(0.10, 0.30).all()


def test_its_campaigns_are_of_accounts_that_write_nothing_else(conversation, truth, planted):
    accounts = truth.index[truth == "campaign"]
    posts = conversation.posts[conversation.posts["author_id"].isin(accounts)]
    assert set(posts["post_id"]) == set(planted.index)
    assert len(posts) == campaigns.POSTS < 0.03 * len(conversation.posts)
    assert posts["author_id"].nunique() == len(accounts) == campaigns.ACCOUNTS
    assert conversation.counts["authors"] == 1500 + len(accounts)
    by_flag = posts.groupby(planted[posts["post_id"]].to_numpy())
    assert by_flag["author_id"].nunique().to_dict() == {"burst": 1, "copies": 28, "links": 10}
    assert by_flag["day"].nunique()["burst"] == 1
    assert posts["text"].str.contains("Tindlewick").all()


def test_personas_are_active_on_their_days_and_around_their_hour(pages, truth):
    posts = pd.DataFrame([post for page in _all(pages) for post in page["data"]])
    moment = pd.to_datetime(posts["created_at"])
    free = moment.dt.weekday >= 5
    # Hours lie on a circle: 23 and 1 have their mean at midnight.
    on_clock = np.exp(1j * (moment.dt.hour + moment.dt.minute / 60) * np.pi / 12)
    persona = posts["author_id"].map(truth)
    for name, kind in PERSONAS.items():
        weekend, busiest = kind.active
        own = persona == name
        assert free[own].mean() == pytest.approx(18 * weekend / (18 * weekend + 42), abs=0.05)
        late = np.angle(on_clock[own].mean() / np.exp(1j * (busiest + 0.5) * np.pi / 12))
        assert abs(late) < np.pi / 12, f"{name} is not busiest around {busiest} o'clock"


def test_it_has_the_faults_of_real_pages(conversation, pages, shipped):
    counts, reasons = conversation.counts, conversation.account.reasons
    assert 180 <= reasons[tally.REPEATED] <= 220
    assert (reasons[tally.HIDDEN_AUTHOR], reasons[tally.TORN]) == (6, 1)
    assert counts["posts"] + sum(reasons.values()) == counts["there"]
    assert counts["partial_errors"] == sum(len(page.get("errors", [])) for page in _all(pages))
    assert counts["partial_errors"] >= 10
    torn = [path for path in archive.files(shipped / "x_archive") if not _ends_whole(path)]
    assert len(torn) == 1


def test_half_of_the_files_speak_the_old_spelling_and_half_the_new(pages):
    words = {name: json.dumps(chain) for name, chain in pages.items()}
    old = {name for name, text in words.items() if '"retweet_count"' in text}
    new = {name for name, text in words.items() if '"repost_count"' in text}
    assert len(old) == len(new) == len(pages) / 2
    assert old.isdisjoint(new)
    assert all(('"tweet_count"' in words[name]) == (name in old) for name in words)


def test_counts_change_between_pages(pages, conversation):
    likes, followers = {}, {}
    for page in _all(pages):
        for post in page["data"]:
            likes.setdefault(post["id"], []).append(post["public_metrics"]["like_count"])
        for user in page["includes"]["users"]:
            count = user["public_metrics"]["followers_count"]
            followers.setdefault(user["id"], []).append(count)
    repeated = [seen for seen in likes.values() if len(seen) > 1]
    assert all(first <= last for first, last in repeated)
    assert sum(first < last for first, last in repeated) > len(repeated) / 4
    assert sum(len(set(seen)) > 1 for seen in followers.values()) > 100
    final = conversation.posts.set_index("post_id")["favorites"]
    assert all(final[post] == seen[-1] for post, seen in likes.items() if post in final.index)


def test_pages_are_newest_first_and_chained(pages):
    for chain in pages.values():
        ids = [post["id"] for page in chain for post in page["data"]]
        assert ids == sorted(ids, reverse=True)
        for page in chain:
            own = [post["id"] for post in page["data"]]
            assert len(own) <= 100
            assert page["meta"]["result_count"] == len(own)
            assert (page["meta"]["newest_id"], page["meta"]["oldest_id"]) == (own[0], own[-1])
        assert [("next_token" in page["meta"]) for page in chain[:-1]] == [True] * (len(chain) - 1)
        assert "next_token" not in chain[-1]["meta"]


def test_nobody_in_it_could_be_real(pages):
    for page in _all(pages):
        for post in page["data"]:
            ids = [post["id"], post["author_id"]]
            references = post.get("referenced_tweets", post.get("referenced_posts", []))
            ids += [reference["id"] for reference in references]
            assert all(_far_ahead(value) for value in ids)
            handles = re.findall(r"[@\uFF20](\w+)", post["text"])
            assert all(len(handle) > 15 for handle in handles)
            assert all(
                re.match(r"https?://(\w+\.)?example\.(com|org|net)\b", link)
                for link in re.findall(r"https?://\S+", post["text"])
            )
        for user in page["includes"]["users"]:
            assert _far_ahead(user["id"])
            assert re.fullmatch(r"sample_author_\d{5}_tw", user["username"])
            assert re.fullmatch(r"Sample author \d+", user["name"])
        for error in page.get("errors", []):
            assert _far_ahead(error["value"])


def test_texts_of_customers_come_from_the_pool_and_are_used_evenly(pages, texts, planted):
    posts = [post for page in _all(pages) for post in page["data"]]
    used = {post["id"]: post["text"] for post in posts if post["id"] not in planted.index}
    times = pd.Series(used).value_counts()
    assert set(times.index) <= set(texts["text"])
    for _, pool in texts.groupby("label")["text"]:
        often = times.reindex(pool, fill_value=0)
        assert often.max() - often.min() <= 1


def test_files_are_small_enough_for_git(shipped):
    sizes = [path.stat().st_size for path in archive.files(shipped / "x_archive")]
    assert max(sizes) < 1_000_000
    assert sum(sizes) < 5_000_000


def test_the_four_features_find_the_personas_but_not_perfectly(conversation, texts, truth):
    rows = _prepared(_by_author(conversation, texts))
    for seed in (0, 1, 2):
        assert 0.93 <= _agreement(rows, truth.loc[rows.index], seed) <= 0.99


@pytest.mark.long
def test_with_a_weak_classifier_they_still_find_five_personas(conversation, texts, truth):
    rows = _prepared(_by_author(conversation, texts, wrong=0.15))
    assert _agreement(rows, truth.loc[rows.index], seed=0) >= 0.85
    ks = range(2, 11)
    inertia = [_fitted(rows, k, seed=0).inertia_ for k in ks]
    assert KneeLocator(ks, inertia, curve="convex", direction="decreasing").elbow == 5


def test_another_size_is_one_argument_away(texts, tmp_path):
    generator.write(tmp_path, texts, posts=400, authors=120, days=20, seed=7)
    written = archive.read(tmp_path / "x_archive")
    more = campaigns.POSTS, campaigns.ACCOUNTS
    assert (written.counts["posts"] - more[0], written.counts["authors"] - more[1]) == (400, 120)
    assert written.posts["day"].min() >= "2026-06-11"


def test_another_pool_of_texts_changes_texts_only(shipped, conversation, tmp_path):
    letters = list(string.ascii_letters)
    pool = pd.DataFrame({"label": list(POLARITY) * len(letters), "text": letters * 3})
    generator.write(tmp_path, pool)
    written = archive.read(tmp_path / "x_archive")
    of_texts = ["text", "repost"]
    assert written.posts.drop(columns=of_texts).equals(conversation.posts.drop(columns=of_texts))
    assert written.authors.equals(conversation.authors)


def test_impossible_numbers_and_missing_labels_are_refused(texts, tmp_path):
    with pytest.raises(ValueError, match=r"1500 authors write \d+ to \d+ posts, not 900000"):
        generator.write(tmp_path, texts, posts=900_000)
    with pytest.raises(ValueError, match="no neutral text"):
        generator.write(tmp_path, texts[texts["label"] != "neutral"])
    assert list(tmp_path.iterdir()) == []


def _all(pages):
    return [page for chain in pages.values() for page in chain]


def _ends_whole(path):
    return path.read_bytes().endswith(b"}\n")


def _far_ahead(value):
    return re.fullmatch(r"9\d{18}", value) and LAST_SNOWFLAKE_IN_2070 < int(value) < 2**63


def _by_author(conversation, texts, wrong=0.0):
    """Mood and counts of each customer, exactly; a share `wrong` of the labels replaced.

    Campaigns' texts are not of the pool.
    """
    posts = conversation.posts[conversation.posts["text"].isin(texts["text"])]
    label = posts["text"].map(texts.set_index("text")["label"]).map(POLARITY).to_numpy()
    rng = np.random.default_rng(0)
    other = (label * 2 + rng.integers(1, 3, len(label))) % 3 / 2
    label = np.where(rng.random(len(label)) < wrong, other, label)
    grouped = posts.assign(polarity=label).groupby("author_id")
    own = grouped[["polarity"]].mean().assign(posts=grouped.size())
    counts = ["account_posts", "followers"]
    return own.join(conversation.authors.set_index("author_id")[counts])


def _prepared(authors):
    """Four features as the clustering takes them, by author, standardised."""
    section = params.stage("cluster")
    made, weights, _ = features.prepared(authors, section["features"], section["clip"])
    return pd.DataFrame(clustering.scaled(made, weights), authors.index)


def _fitted(rows, k, seed):
    return clustering.kmeans(rows.to_numpy(), k, seed)


def _agreement(rows, truth, seed):
    return adjusted_rand_score(truth, _fitted(rows, 5, seed).labels_)
