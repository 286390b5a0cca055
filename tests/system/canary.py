"""People invented so that whatever is left of them can be told: pages, training rows, secrets.

Every id, name, word, link, moment and count (of the loud half of the people) carries one of the
few marks below, which nothing else would write by chance. To search for the marks is to search for
every value at once, also for a part of one.
"""

import base64
import gzip
import json
import random
import subprocess
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pymongo

from customer_profiles.bench.loopback.faults import TOKEN
from customer_profiles.bench.loopback.stream import XStream
from customer_profiles.store.mongod import binary

WORD = "quzzvexo"
ACCENTED = "žďárqúvěx"
# 19 digits. The ids up to 65,535 above it share the first twelve, and six bytes of eight.
ID = 0x1B2C_EF63_4C75_0000
ID_DIGITS = "195820314776"
# Longer than a count ever was, so that chance does not write it; all share nine digits.
COUNT = 731_945_208_000
COUNT_DIGITS = "731945208"
MOMENTS = [datetime(2012, 3, day, 3, 47, 29, tzinfo=UTC) for day in range(5, 10)]
JOINED = [datetime(year, 2, 3, 3, 47, 29, tzinfo=UTC) for year in (2007, 2010)]
KEY = b"nobody may see this canary key!!"
SECRETS = {
    "X_BEARER_TOKEN": TOKEN,
    "CUSTOMER_PROFILES_KEY": base64.urlsafe_b64encode(KEY).decode(),
    "password": "nobody-may-see-this-Passw0rd",
}

PEOPLE = 240
POSTS = 4  # of each
POST = 1000  # the first post's number: people have the numbers before it
SAID = ("so", "open")  # one of them in every post: what a search asks for
FEELINGS = ("love it, so good", "hate it, so bad", "it is open today")
RARE = 4  # people of each rare kind: fewer than may be shown


def identifier(number: int) -> str:
    return str(ID + number)


def handle(person: int) -> str:
    return f"{WORD}{person}"


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def count(person: int, number: int = 0) -> int:
    """Twelve digits for a loud person, every other one; few, and varied, for a quiet one."""
    varied = person + number
    return COUNT + varied % 1000 if person % 2 == 0 else (2, 20, 60)[varied // 2 % 3]


def user(person: int, word: str) -> dict:
    """An author as the API includes it; `word`: what its version calls a post (tweet, post)."""
    kinds = {0: "business", 1: "blue"}
    return {
        "id": identifier(person),
        "username": handle(person),
        "name": f"{WORD.title()} {ACCENTED.title()} {person}",
        "description": f"{ACCENTED} {WORD}bio {person}, see https://{handle(person)}.example/me",
        "location": f"{WORD.title()}ton {person}",
        "url": f"https://t.co/{WORD}{person}",
        "profile_image_url": f"https://pbs.example/{identifier(person)}/{handle(person)}.jpg",
        "created_at": stamp(JOINED[person % 2]),
        "pinned_tweet_id": identifier(POST + person),
        "verified": person // 2 < RARE,
        "verified_type": kinds[person % 2] if person // 2 < RARE else "none",
        "protected": 2 * RARE <= person < 3 * RARE,
        "entities": {"url": {"urls": [link(person)]}},
        **({} if 3 * RARE <= person < 4 * RARE else {"public_metrics": {
            "followers_count": count(person, 1),
            "following_count": count(person, 2),
            "listed_count": count(person, 3),
            f"{word}_count": count(person, 4),
        }}),
    }  # fmt: skip


def link(person: int) -> dict:
    return {
        "url": f"https://t.co/{WORD}{person}",
        "expanded_url": f"https://{handle(person)}.example/{identifier(person)}",
        "display_url": f"{handle(person)}.example",
    }


def post(number: int, word: str) -> dict:
    """Post `number` of person `number` % PEOPLE, to the next person, from a place, with a link."""
    person, own = number % PEOPLE, POST + number
    feeling = random.Random(number).choice(FEELINGS)  # noqa: S311
    other = (person + 1) % PEOPLE
    repeated = "retweet_count" if word == "tweet" else "repost_count"
    text = f"@{handle(other)} {feeling}, {WORD}{number} {ACCENTED} https://t.co/{WORD}{other}"
    whole = {f"note_{word}": {"text": f"{text} {WORD}note{number}"}} if number % 5 == 0 else {}
    return {
        "id": identifier(own),
        "author_id": identifier(person),
        "text": text,
        **whole,
        "created_at": stamp(MOMENTS[number // PEOPLE]),
        "lang": "en",
        "conversation_id": identifier(own),
        "in_reply_to_user_id": identifier(other),
        f"edit_history_{word}_ids": [identifier(own)],
        f"referenced_{word}s": [{"type": "replied_to", "id": identifier(own + 1)}],
        "public_metrics": {
            "like_count": count(person, number),
            repeated: count(person, number + 1),
            "reply_count": count(person, number + 2),
            "impression_count": count(person, number + 3),
        },
        "entities": {
            "mentions": [{"username": handle(other), "id": identifier(other)}],
            "hashtags": [{"tag": f"{WORD}tag{number}"}],
            "urls": [link(other)],
        },
        "geo": {
            "place_id": f"{WORD}-place-{person}",
            "coordinates": {"type": "Point", "coordinates": [float(f"1.{COUNT + number}")]},
        },
        "attachments": {"media_keys": [f"3_{identifier(own)}"]},
    }


def page(numbers: range, word: str) -> dict:
    """A search answer that holds the posts of these `numbers`, and everything the API adds."""
    people = sorted({number % PEOPLE for number in numbers})
    suspended = identifier(POST - 1)
    return {
        "data": [post(number, word) for number in numbers],
        "includes": {
            "users": [user(person, word) for person in people],
            "places": [{"id": f"{WORD}-place-0", "full_name": f"{WORD.title()}ton, {ACCENTED}"}],
            "media": [{"media_key": f"3_{ID}", "alt_text": f"{WORD} at home"}],
        },
        "errors": [{
            "value": suspended,
            "detail": f"User has been suspended: [{suspended}].",
            "parameter": "author_id",
        }],
        "meta": {"newest_id": identifier(POST + numbers[-1]), "next_token": f"{WORD}next"},
    }  # fmt: skip


def pages() -> list[dict]:
    """All posts, a hundred on a page; the first half speaks the API's older version."""
    last = PEOPLE * POSTS
    starts = range(0, last, 100)
    return [
        page(range(start, min(start + 100, last)), "tweet" if start < last // 2 else "post")
        for start in starts
    ]


def damaged() -> dict[str, str]:
    """Lines that are no use, each full of marks, by what is wrong with them."""
    whole = page(range(3), "tweet")

    def alone(number: int, **changed) -> str:
        data = {**post(1, "tweet"), "id": identifier(60_000 + number), **changed}
        return json.dumps({"data": data, "errors": whole["errors"]})

    return {
        "half a line": json.dumps(whole)[:-200],
        "HTML": f"<html><title>{WORD}</title>{handle(1)} {identifier(1)} {ACCENTED}</html>",
        "without its author": alone(1, author_id=identifier(POST - 1)),
        "without a text": alone(2, text=None),
        # From such a short id no day can be taken.
        "without a date": alone(3, id=ID_DIGITS[:10], created_at=f"{WORD} o'clock"),
        "without an id": alone(4, id=None),
    }


class X(XStream):
    """X with these people: their first posts are there to be searched, `streamed` come later."""

    streamed = range(PEOPLE * POSTS, PEOPLE * POSTS + 60)

    def __init__(self):
        super().__init__([post(number, "tweet") for number in range(PEOPLE)])
        self.jobs.deleted = {identifier(POST): "deleted", identifier(3): "suspended"}

    def author(self, number):
        return user(int(number) - ID, "tweet")

    def stream(self):
        """Stream the later posts, and a line that is no use."""
        self.write(*(post(number, "tweet") for number in self.streamed))
        self.say(damaged()["half a line"].encode())


def write_archive(folder: Path) -> None:
    """The pages as files of all kinds, and among them what is broken."""
    folder.mkdir(parents=True)
    first, second, *rest = pages()
    (folder / "1.json").write_text(json.dumps(first))
    (folder / "2.json.gz").write_bytes(gzip.compress(json.dumps(second).encode()))
    lines = [*map(json.dumps, rest), *damaged().values()]
    (folder / "3.jsonl").write_text("\n".join(lines))
    torn = gzip.compress(json.dumps(first).encode())
    (folder / "4.jsonl.gz").write_bytes(torn[: len(torn) // 2])


def write_training(folder: Path, rows: int = 80) -> None:
    """Rows as Sentiment140 has them; of the text, which stays, only the handle carries a mark."""
    folder.mkdir(parents=True)
    for name, labels in (("train.csv", (0, 4)), ("testdata.manual.2009.06.14.csv", (0, 2, 4))):
        lines = [_training_row(n, labels[n % len(labels)], name) for n in range(rows)]
        (folder / name).write_text("".join(lines), encoding="latin-1")


def write_labelled(folder: Path, rows: int = 90) -> None:
    """Posts labelled by people; of the text, which stays, only the handle carries a mark."""
    folder.mkdir(parents=True)
    for name in ("train.csv", "validation.csv"):
        labels = [(0, 2, 4)[n % 3] for n in range(rows)]
        texts = [_text(n, label, f"people's {name}") for n, label in enumerate(labels)]
        lines = [f'{label},"{text}"' for label, text in zip(labels, texts, strict=True)]
        (folder / name).write_text("\n".join(["label,text", *lines]))


def _training_row(number: int, label: int, name: str) -> str:
    when = MOMENTS[number % len(MOMENTS)].strftime("%a %b %d %H:%M:%S PDT %Y")
    text = _text(number, label, name)
    return f'"{label}","{identifier(number)}","{when}","topic","{handle(number)}","{text}"\n'


def _text(number: int, label: int, name: str) -> str:
    feeling = FEELINGS[{0: 1, 2: 2, 4: 0}[label]]
    # Without words of its own a post would be a near copy of another, and be removed.
    drawn = random.Random(f"{name} {number}")  # noqa: S311
    words = " ".join("".join(drawn.choices("aeioudlmnrst", k=5)) for _ in range(12))
    return f"@{handle(number)} {feeling} {words}, row {number} of {name} RT @{handle(number + 1)}:"


@contextmanager
def mongod(folder):
    """Address, without user, of a MongoDB that wants a password and compresses nothing.

    Its log holds every command.
    """
    (folder / "db").mkdir(parents=True)
    place = folder / "mongod.sock"
    process = subprocess.Popen(
        [
            binary(), "--auth", "--dbpath", folder / "db", "--bind_ip", place,
            "--nounixsocket", "--logpath", folder / "mongod.log", "--slowms", "-1",
            "--wiredTigerCollectionBlockCompressor", "none",
            "--wiredTigerJournalCompressor", "none",
            "--wiredTigerIndexPrefixCompression", "false",
            "--wiredTigerEngineConfigString", "log=(prealloc=false,file_max=1MB,remove=false)",
        ],
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        address = quote(str(place), safe="")
        with pymongo.MongoClient(f"mongodb://{address}") as client:
            client.admin.command("createUser", "keeper", pwd=SECRETS["password"], roles=["root"])
        yield address
    finally:
        process.terminate()
        process.wait()
