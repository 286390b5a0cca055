"""The shipped brand archive: invented posts about an invented chain of tea and coffee houses.

`customer-profiles sample` writes it anew, byte for byte, from data/sample/brand_posts.csv and the
numbers here, in `personas` and in `campaigns`. Five hidden personas, and a few campaigns, write
about Tindlewick. truth.csv gives the persona of each author and spam.csv the posts of campaigns, so
that results can be compared with the truth.

No real person is in it: ids lie decades ahead of X's, and handles are longer than X allows. The
pages have the features of real ones: two spellings, posts on two pages with other counts, authors
who grew in between, partial errors, posts of suspended authors and a truncated last line.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from customer_profiles.project import files, paths
from customer_profiles.sample import campaigns
from customer_profiles.sample.pages import collected
from customer_profiles.sample.personas import FAME, PERSONAS, Persona

POSTS, AUTHORS, DAYS, SEED = 5000, 1500, 60, 20260630
LAST_DAY = datetime(2026, 6, 30, tzinfo=UTC)
SUSPENDED = 6  # posts, beyond POSTS, whose author no page includes
REPLIES = 8  # posts that answer a post which is gone
TORN = 7  # number of the collection that ends in half a line
LABELS = ("negative", "neutral", "positive")

# X's ids carry milliseconds above bit 22; these say 2078 and later, and still fit in 64 bits.
FIRST_POST, FIRST_AUTHOR, FIRST_GONE = 9 * 10**18, 91 * 10**17, 92 * 10**17
FIRST_CAMPAIGN = 915 * 10**16
SATURDAY = 5
GATHERED = 1.5  # how strongly posts gather around the busiest hour (0: not at all)
OWN = np.sqrt(0.5)  # share of the spread of likes between authors; the rest is between posts


def write(
    folder: Path,
    texts: pd.DataFrame,
    posts: int = POSTS,
    authors: int = AUTHORS,
    days: int = DAYS,
    seed: int = SEED,
) -> None:
    """Write x_archive/, x_archive.sha256, truth.csv and spam.csv into `folder`.

    `texts` (label, text) is the pool that `posts` of `authors` draw from; campaigns come on top.
    Raises ValueError when the authors cannot have written that many posts, or a label has no text.
    """
    rng = np.random.default_rng(seed)
    first_day = LAST_DAY - timedelta(days=days - 1)
    people = crowd(rng, authors, posts, first_day)
    written = conversation(rng, people, texts, days, first_day)
    # Their own generator: without them the rest is the same.
    accounts, planted = planted_campaigns(rng.spawn(1)[0], len(people), days, first_day)
    people = pd.concat([people, accounts], ignore_index=True)
    written = _newest_first(pd.concat([written, planted.drop(columns="flag")]))
    with files.replacing(folder / "x_archive") as fresh:
        fresh.mkdir()
        for number, pages in enumerate(collected(people, written, days), 1):
            lines = [json.dumps(page, ensure_ascii=False, separators=(",", ":")) for page in pages]
            end = lines[-1][: len(lines[-1]) // 2] if number == TORN else ""
            text = "\n".join([*lines, end])
            (fresh / f"search-{number:02d}.jsonl").write_text(text, encoding="utf-8")
    files.write_text(folder / "x_archive.sha256", files.digest(folder / "x_archive") + "\n")
    files.write_csv(folder / "truth.csv", people[["author_id", "persona"]].sort_values("author_id"))
    files.write_csv(folder / "spam.csv", planted[["post_id", "flag"]].sort_values("post_id"))


def crowd(rng: np.random.Generator, count: int, posts: int, first_day: datetime) -> pd.DataFrame:
    """`count` authors in random order, who write `posts` posts together.

    Columns besides X's: persona, posts (their number), favorites and retweets (the author's usual
    level) and growth (share of the followers gained since the collection before).
    """
    shares = np.cumsum([persona.share for persona in PERSONAS.values()])
    names = np.repeat(list(PERSONAS), np.diff(np.rint(shares * count).astype(int), prepend=0))
    people = pd.DataFrame({"persona": rng.permutation(names)})
    kinds = [PERSONAS[name] for name in people["persona"]]
    people["posts"] = _shared_out(rng, [kind.posts for kind in kinds], posts)
    fame = rng.standard_normal(count)
    for name, load in FAME.items():
        own = rng.standard_normal(count)
        noise = load * fame + np.sqrt(1 - load**2) * own
        people[name] = _log_normal([getattr(kind, name) for kind in kinds], noise).astype("int64")
    people["account_posts"] = people["account_posts"].clip(lower=people["posts"])
    for name in ("favorites", "retweets"):
        noise = OWN * rng.standard_normal(count)
        people[name] = _log_normal([getattr(kind, name) for kind in kinds], noise)
    people["growth"] = rng.uniform(0, 0.02, count)
    people["created_at"] = [_joined(rng, kind, first_day) for kind in kinds]
    people["verified_type"] = [_verified_type(rng, kind) for kind in kinds]
    people["protected"] = rng.random(count) < 0.01
    people["author_id"] = _ids(rng, FIRST_AUTHOR, count)
    return people


def conversation(
    rng: np.random.Generator,
    people: pd.DataFrame,
    texts: pd.DataFrame,
    days: int,
    first_day: datetime,
) -> pd.DataFrame:
    """Every post once, newest first, with its final counts; `author` is a row of `people`.

    SUSPENDED more posts have no such row (-1). A text is used again only after all texts of its
    label.
    """
    author = np.repeat(np.arange(len(people)), people["posts"])
    posts = pd.DataFrame({"author": author, "author_id": people["author_id"].to_numpy()[author]})
    kinds = [PERSONAS[name] for name in people["persona"]]
    label = _places(rng, np.array([kind.mood for kind in kinds])[author])
    for name in ("favorites", "retweets"):
        spread = np.array([getattr(kind, name)[1] for kind in kinds])[author]
        noise = np.exp(np.sqrt(1 - OWN**2) * spread * rng.standard_normal(len(posts)))
        posts[name] = (people[name].to_numpy()[author] * noise).astype("int64")
    suspended = pd.DataFrame({"author": -1, "author_id": _ids(rng, FIRST_GONE, SUSPENDED)})
    posts = pd.concat([posts, suspended.assign(favorites=0, retweets=0)], ignore_index=True)
    posts["views"] = (posts["favorites"] + 1) * rng.integers(15, 60, len(posts))
    labels = np.append(label, rng.integers(0, len(LABELS), SUSPENDED))
    # Its own generator: another pool of texts changes the texts and nothing else.
    posts["text"] = _dealt(rng.spawn(1)[0], labels, texts)

    # The suspended, whose author is -1, are as active as the last of `people`.
    active = np.array([kind.active for kind in kinds])[posts["author"]]
    weekend, busiest = active.T[..., np.newaxis]
    free = (first_day.weekday() + np.arange(days)) % 7 >= SATURDAY
    posts["day"] = _places(rng, np.where(free, weekend, 1))
    hour = _places(rng, np.exp(GATHERED * np.cos((np.arange(24) - busiest) * np.pi / 12)))
    posts["created_at"], posts["post_id"] = _moments(rng, posts["day"], hour, first_day)
    posts["reply_to"] = None
    replies = rng.choice(len(posts), REPLIES, replace=False)
    posts.loc[replies, "reply_to"] = _ids(rng, FIRST_GONE, REPLIES)
    return _newest_first(posts)


def planted_campaigns(
    rng: np.random.Generator, people: int, days: int, first_day: datetime
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Accounts of the campaigns as `crowd` gives them, and their posts as `conversation` does.

    The accounts' rows come after those of `people` others; posts also have their `flag`.
    """
    count = campaigns.ACCOUNTS
    accounts = crowd(rng, count, 3 * count, first_day)
    accounts = accounts.assign(persona="campaign", author_id=_ids(rng, FIRST_CAMPAIGN, count))
    posts = campaigns.written(rng, days)
    posts["author_id"] = accounts["author_id"].to_numpy()[posts["author"]]
    posts["author"] += people
    posts["favorites"], posts["retweets"] = rng.integers(0, (3, 2), (len(posts), 2)).T
    posts["views"] = rng.integers(5, 60, len(posts))
    hour = posts.pop("hour")
    posts["created_at"], posts["post_id"] = _moments(rng, posts["day"], hour, first_day)
    return accounts, posts.assign(reply_to=None)


def _moments(
    rng: np.random.Generator, day: pd.Series, hour: np.ndarray, first_day: datetime
) -> tuple[list[str], list[str]]:
    """The time of each post in its hour, and an id that encodes it as X's ids do."""
    second = day * 86_400 + hour * 3600 + rng.integers(0, 3600, len(day))
    low_bits = rng.integers(0, 1000 << 22, len(day))  # the milliseconds and what is below
    return (
        [_stamp(first_day + timedelta(seconds=int(value))) for value in second],
        [
            str(FIRST_POST + (int(value) * 1000 << 22) + int(low))
            for value, low in zip(second, low_bits, strict=True)
        ],
    )


def _newest_first(posts: pd.DataFrame) -> pd.DataFrame:
    return posts.sort_values("post_id", ascending=False, ignore_index=True)


def _shared_out(rng: np.random.Generator, ranges: list[tuple], total: int) -> np.ndarray:
    """Posts of each author: drawn inside its (least, mean, most), then moved to sum to `total`."""
    least, mean, most = np.array(ranges).T
    if not least.sum() <= total <= most.sum():
        raise ValueError(
            f"{len(ranges)} authors write {least.sum():.0f} to {most.sum():.0f} posts, "
            f"not {total}; change the number of authors or PERSONAS"
        )
    posts = np.minimum(least + rng.poisson(mean - least), most).astype(int)
    while missing := total - posts.sum():
        open_to = np.flatnonzero(posts < most if missing > 0 else posts > least)
        chosen = rng.permutation(open_to)[: abs(missing)]
        posts[chosen] += np.sign(missing)
    return posts


def _places(rng: np.random.Generator, weights: np.ndarray) -> np.ndarray:
    """A column number for each row of `weights`, drawn in proportion to them."""
    reached = np.cumsum(weights, axis=1)
    return (rng.random((len(reached), 1)) * reached[:, -1:] > reached[:, :-1]).sum(axis=1)


def _log_normal(laws: list[tuple[float, float]], noise: np.ndarray) -> np.ndarray:
    median, spread = np.array(laws).T
    return median * np.exp(spread * noise)


def _joined(rng: np.random.Generator, persona: Persona, first_day: datetime) -> str:
    first, last = (datetime(year, 1, 1, tzinfo=UTC) for year in np.add(persona.joined, (0, 1)))
    seconds = (min(last, first_day) - first).total_seconds()
    return _stamp(first + timedelta(seconds=int(rng.random() * seconds)))


def _verified_type(rng: np.random.Generator, persona: Persona) -> str:
    blue, official = persona.verified
    kinds = ("blue", "business", "government", "none")
    return str(rng.choice(kinds, p=[blue, 0.9 * official, 0.1 * official, 1 - blue - official]))


def _dealt(rng: np.random.Generator, label: np.ndarray, texts: pd.DataFrame) -> np.ndarray:
    """A text for each label number, drawn without replacement, reshuffled when all are used."""
    dealt = np.empty(len(label), dtype=object)
    for number, name in enumerate(LABELS):
        pool = texts.loc[texts["label"] == name, "text"].to_numpy()
        wanted = np.flatnonzero(label == number)
        if not len(pool):
            raise ValueError(f"no {name} text to draw from; the pool needs the columns label, text")
        rounds = [rng.permutation(pool) for _ in range(-(-len(wanted) // len(pool)))]
        dealt[wanted] = np.concatenate(rounds)[: len(wanted)]
    return dealt


def _ids(rng: np.random.Generator, first: int, count: int) -> list[str]:
    """Different ids from `first` on, in random order."""
    steps = np.cumsum(rng.integers(1, 10**13, count))
    return [str(first + int(step)) for step in rng.permutation(steps)]


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def rewrite(**numbers: int) -> None:
    """Write the sample of the current project; `numbers` are arguments of `write`."""
    folder = paths.inside("data", "sample")
    texts = pd.read_csv(folder / "brand_posts.csv", keep_default_na=False)
    write(folder, texts, **numbers)
