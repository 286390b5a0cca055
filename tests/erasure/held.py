"""A conversation of three people, in every format that carries it, and what is left of it."""

import bz2
import csv
import gzip
import io
import json
import zipfile

from tests.packed import zipped
from tests.posts.formats import written

ANN, BOB, CY = "9000000000000000070", "9000000000000000080", "9000000000000000090"
NAMES = {ANN: "ann_handle", BOB: "bob_handle", CY: "cy_handle"}
# Of ann: the second is quoted by bob, reposted and replied to by cy.
FIRST, SECOND = "9000000000000000011", "9000000000000000012"
TEXTS = {FIRST: "the crumble is divine", SECOND: "lukewarm tea again"}
QUOTE, OWN = "9000000000000000021", "9000000000000000022"
REPOST, REPLY, LAST = "9000000000000000031", "9000000000000000032", "9000000000000000033"
OTHERS = {QUOTE: "never ever", OWN: "perhaps once more", REPLY: "so it was", LAST: "first in line"}


def user(number):
    metrics = {"followers_count": 7, "following_count": 8, "listed_count": 9, "tweet_count": 10}
    return {
        "id": number, "username": NAMES[number], "name": f"who {number[-2:]}",
        "created_at": "2019-03-04T05:06:07.000Z", "verified": False, "protected": False,
        "public_metrics": metrics,
    }  # fmt: skip


def post(number, author, text, *references, **more):
    metrics = {"like_count": 1, "retweet_count": 2, "reply_count": 3, "quote_count": 4}
    return {
        "id": number, "author_id": author, "text": text, "lang": "en", "public_metrics": metrics,
        "created_at": "2026-05-01T10:00:00.000Z", "edit_history_tweet_ids": [number],
        **({"referenced_tweets": [dict(zip(("type", "id"), each, strict=True))
                                  for each in references]} if references else {}), **more,
    }  # fmt: skip


def pages():
    """Two pages of API v2."""
    first = post(FIRST, ANN, TEXTS[FIRST], created_at="2026-04-01T10:00:00.000Z")
    second = post(SECOND, ANN, TEXTS[SECOND])
    mentions = {"mentions": [{"start": 0, "end": 4, "username": NAMES[ANN], "id": ANN}]}
    reply = {"in_reply_to_user_id": ANN, "conversation_id": SECOND, "entities": mentions}
    link = f"https://x.com/{NAMES[ANN]}/status/{SECOND}"
    quote = {"entities": {"urls": [{"url": "https://t.co/1", "expanded_url": link}]}}
    return [
        {
            "data": [
                first, second,
                post(QUOTE, BOB, OTHERS[QUOTE], ("quoted", SECOND), **quote),
                post(OWN, BOB, OTHERS[OWN]),
            ],
            "includes": {"users": [user(ANN), user(BOB)], "tweets": [second]},
            "meta": {"newest_id": FIRST, "result_count": 4},
        },
        {
            "data": [
                post(REPOST, CY, f"RT @{NAMES[ANN]}: {TEXTS[SECOND]}", ("retweeted", SECOND)),
                post(REPLY, CY, OTHERS[REPLY], ("replied_to", SECOND), **reply),
                post(LAST, CY, OTHERS[LAST]),
            ],
            "includes": {"users": [user(CY), user(ANN)], "tweets": [second]},
        },
    ]  # fmt: skip


def _v1():
    """Tweets of v1.1, with what the API writes beside a reference."""
    for tweet in written.as_v1(pages()):
        if tweet["id_str"] == REPLY:
            named = {"in_reply_to_user_id_str": ANN, "in_reply_to_user_id": int(ANN)}
            mention = {"screen_name": NAMES[ANN], "id": int(ANN), "id_str": ANN, "indices": [0, 4]}
            tweet |= {
                **named, "in_reply_to_status_id": int(SECOND),
                "in_reply_to_screen_name": NAMES[ANN], "entities": {"user_mentions": [mention]},
            }  # fmt: skip
        if tweet["id_str"] == QUOTE:
            link = {"expanded": f"https://twitter.com/{NAMES[ANN]}/status/{SECOND}"}
            tweet |= {"quoted_status_id": int(SECOND), "quoted_status_permalink": link}
        yield tweet


def _search():
    tweets = list(_v1())
    asked = {
        "max_id": int(SECOND), "max_id_str": SECOND, "query": f"from%3A{NAMES[ANN]}", "count": 100,
        "next_results": f"?max_id={FIRST}&q=from%3A{NAMES[ANN]}",
    }  # fmt: skip
    return {"statuses": tweets[:4], "search_metadata": asked}, {"statuses": tweets[4:]}


def _web(items):
    for item in items:
        meta = item.get("__import_meta", item)
        yield item | ({"source_url": f"https://x.com/{NAMES[ANN]}"} if meta is item else {})


def lines(items):
    return "".join(json.dumps(item) + "\n" for item in items).encode()


def variable(name, items):
    """A file of X's personal archive."""
    return f"window.YTD.{name}.part0 = {json.dumps(list(items), indent=1)}".encode()


def personal(owner):
    """X's personal archive of `owner`: the posts do not name their author."""
    tweets = [tweet for tweet in _v1() if tweet["user"]["id_str"] == owner]
    for tweet in tweets:
        del tweet["user"]
    account = {"accountId": owner, "username": NAMES[owner], "createdAt": "2019-03-04T05:06:07Z"}
    return {
        "data/account.js": variable("account", [{"account": account}]),
        "data/tweets.js": variable("tweets", ({"tweet": tweet} for tweet in tweets)),
    }


def table(rows, delimiter=","):
    text = io.StringIO()
    columns = list(rows[0])
    writer = csv.DictWriter(text, columns, delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def academic():
    for number, (posts, beside) in enumerate(written.as_academictwitter(pages())):
        yield f"data_{number}.json", json.dumps(posts).encode()
        yield f"users_{number}.json", json.dumps(beside).encode()


def twarc_csv():
    rows = written.as_twarc_csv(pages())
    named = "entities.mentions"
    return [
        row | {named: f'[{{"id": "{ANN}"}}]' if row["id"] in (REPOST, REPLY) else ""}
        for row in rows
    ]


def halves(text):
    """`text` in two, between lines."""
    every = text.splitlines(keepends=True)
    return b"".join(every[:4]), b"".join(every[4:])


FLAT = lines(written.as_flattened(pages()))
FORMATS = {
    "pages": {"1.jsonl": lines(pages())},
    "an array of pages, indented": {"1.json": json.dumps(pages(), indent=2).encode()},
    "flattened": {"1.jsonl": FLAT},
    "alone": {"1.jsonl": lines(item for page in pages() for item in page["data"])
              , "users.json": json.dumps({"users": [user(n) for n in NAMES]}).encode()},
    "academictwitteR": dict(academic()),
    "v1.1": {"1.jsonl": lines(_v1())},
    "v1.1, an array": {"1.json": json.dumps(list(_v1())).encode()},
    "v1.1 search": {"1.jsonl": lines(_search())},
    "Zeeschuimer": {"1.ndjson": lines(_web(written.as_zeeschuimer(pages())))},
    "Zeeschuimer, newer": {"1.ndjson": lines(written.as_zeeschuimer(pages(), newer=True))},
    "4CAT": {"1.ndjson": lines(_web(written.as_4cat(pages())))},
    "twarc-csv": {"1.csv": table(twarc_csv())},
}  # fmt: skip
CONTAINERS = {
    "gzip": {"1.gz": gzip.compress(FLAT)},
    "gzip of several members": {"1.gz": b"".join(map(gzip.compress, halves(FLAT)))},
    "bzip2": {"1.bz2": bz2.compress(FLAT)},
    "UTF-8 with a mark": {"1": b"\xef\xbb\xbf" + FLAT},
    "UTF-16": {"1": FLAT.decode().encode("utf-16")},
    "UTF-16, the greater byte first": {"1": b"\xfe\xff" + FLAT.decode().encode("utf-16-be")},
    "UTF-32 in gzip": {"1": gzip.compress(FLAT.decode().encode("utf-32"))},
    "a table in UTF-16": {"1": table(twarc_csv(), "\t").decode().encode("utf-16")},
    "zip": {"1.zip": zipped({
        "b/2.jsonl": halves(FLAT)[1], "b/1.jsonl.gz": gzip.compress(halves(FLAT)[0]),
        "b/": b"", "picture.png": b"\x89PNG\r\n\x1a\n" + bytes(99),
        "c/3.jsonl": lines([post(LAST, CY, OTHERS[LAST])]),
    })},
}  # fmt: skip


def unpacked(content):
    """Text of a file, of all members of a zip, whatever it is packed and encoded as."""
    if content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            return "".join(unpacked(packed.read(name)) for name in packed.namelist())
    for mark, opened in ((b"\x1f\x8b", gzip.decompress), (b"BZh", bz2.decompress)):
        if content.startswith(mark):
            return unpacked(opened(content))
    wide = {b"\xff\xfe\x00\x00": "utf-32", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
    name = next((name for mark, name in wide.items() if content.startswith(mark)), "utf-8")
    return content.decode(name, "replace")
