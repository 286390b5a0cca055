"""X's API on loopback, with invented posts, for tests: search, counts, mentions, users; and faults.

An answer holds the fields that were asked for and no others, and a parameter that X's documents do
not know is refused, so that a collector which asks too little, or wrongly, notices it here.
"""

import json
import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qsl, urlsplit

TOKEN = "AAAAAAAAAAAAAAAAAAAAAInvented%2FTokenOfNobody0123456789%3D"
BRAND = {"id": "4100", "username": "tindlewick"}
PROBLEM = "https://api.twitter.com/2/problems/"
PERIODS = {"minute": 60, "hour": 3600, "day": 86400}
DEFAULT_USER = ("id", "name", "username")
WINDOW = ("start_time", "end_time", "since_id", "until_id")
# Old spelling of X's documents: new spelling.
RENAMED = {
    "edit_history_tweet_ids": "edit_history_post_ids",
    "referenced_tweets": "referenced_posts",
    "retweet_count": "repost_count",
    "total_tweet_count": "total_post_count",
    "tweet_count": "post_count",
    "tweets": "posts",
}


@dataclass(frozen=True)
class Answer:
    """What is sent; `manner` is how.

    whole, hang, trickle, endless headers, drop (after half), reset (before the first byte).
    """

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    manner: str = "whole"

    @property
    def value(self):
        return json.loads(self.body)


@dataclass(frozen=True)
class Seen:
    """A request, and what was answered; for a test's assertions."""

    path: str
    params: dict[str, str]
    answer: Answer
    at: float


class Refused(Exception):
    def __init__(self, status, title, kind="about:blank", **rest):
        self.status = status
        self.problem = {"title": title, "type": kind, "status": status, **rest}


def wrong(parameter, value, message):
    return Refused(
        400, "Invalid Request", PROBLEM + "invalid-request",
        detail="One or more parameters to your request was invalid.",
        errors=[{"parameters": {parameter: [value]}, "message": message}],
    )  # fmt: skip


def snowflake(moment: float) -> str:
    """The id X gives a post of that time."""
    return str((int(moment * 1000) - 1288834974657) << 22)


def invented(number: int, now: float, texts=("Tea at Tindlewick again",), every: int = 600):
    """`number` posts, the newest first, one every `every` seconds, by seven people."""
    posts = []
    for place in range(number):
        moment = now - 60 - place * every
        at = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
        post_id = snowflake(moment)
        metrics = dict.fromkeys(("reply_count", "quote_count", "bookmark_count"), 0)
        metrics |= {"retweet_count": place % 3, "like_count": place % 5, "impression_count": 9}
        posts.append(
            {
                "id": post_id,
                "text": texts[place % len(texts)],
                "author_id": str(9000 + place % 7),
                "created_at": at.replace("+00:00", "Z"),
                "lang": "en",
                "edit_history_tweet_ids": [post_id],
                "public_metrics": metrics,
            }
        )
    return posts


def person(user_id: str, username: str | None = None) -> dict:
    """An invented account."""
    counts = {"followers_count": 40, "following_count": 30, "tweet_count": 20, "listed_count": 1}
    return {
        "id": user_id,
        "name": "Invented",
        "username": username or f"nobody_{user_id}",
        "created_at": "2019-03-01T00:00:00.000Z",
        "protected": False,
        "verified": True,
        "verified_type": "blue",
        "public_metrics": counts | {"like_count": 5},
    }


class XServer:
    """X over `posts`; `faults` is what goes wrong, request by request: names in FAULTS, or None.

    `spelling` (tweet, post) is the one that is understood and sent, `skew` what X's clock is ahead
    of ours, in seconds. Starts with `with`; `address` and `requests` are what tests look at.
    """

    def __init__(self, posts=(), faults=(), spelling="tweet", skew=0.0):
        self.posts = sorted(posts, key=lambda post: -int(post["id"]))
        self.faults = list(faults)
        self.spelling = spelling
        self.skew = skew
        self.requests: list[Seen] = []
        self.stopped = threading.Event()
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("H", (Handler,), {"x": self}))
        self._http.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self):
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self._http.shutdown()
        self._http.server_close()

    def now(self) -> float:
        return time.time() + self.skew

    def asked(self, name: str) -> list:
        """What was sent as parameter `name`, request by request."""
        return [seen.params.get(name) for seen in self.requests]

    def answer(self, path: str, params: dict[str, str], token: str | None) -> Answer:
        with self._lock:
            try:
                if token != f"Bearer {TOKEN}":
                    raise Refused(401, "Unauthorized", detail="Unauthorized")
                answer = self._whole(200, self._routed(path, params))
            except Refused as refused:
                answer = self._whole(refused.status, refused.problem)
            fault = self.faults.pop(0) if self.faults else None
            if fault is not None:
                answer = FAULTS[fault](self, answer)
            self.requests.append(Seen(path, params, answer, time.time()))
            return answer

    def _whole(self, status: int, value) -> Answer:
        kind = "application/json" if status == 200 else "application/problem+json"
        body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        return Answer(status, body, {"Content-Type": kind, **self.limit(900, 299)})

    def limit(self, seconds: float | None, remaining: int = 0) -> dict[str, str]:
        found = {"x-rate-limit-limit": "300", "x-rate-limit-remaining": str(remaining)}
        return found | (
            {} if seconds is None else {"x-rate-limit-reset": str(int(self.now() + seconds))}
        )

    def _routed(self, path: str, params: dict[str, str]) -> dict:
        matches = ((re.fullmatch(pattern, path), route) for pattern, route in ROUTES.items())
        match, route = next((found for found in matches if found[0]), (None, None))
        if match is None:
            raise Refused(404, "Not Found", detail="Not Found")
        known = {*route.params, *(self._fields() if route.fields else ())}
        for name in params:
            if name not in known:
                raise wrong(name, params[name], f"The query parameter [{name}] is unknown")
        return route.answer(self, params, **match.groupdict())

    def _fields(self):
        return (f"{self.spelling}.fields", "user.fields", "expansions")

    # Routes

    def search(self, params, scope):
        posts = self._matching(params, scope)
        return self._page(posts, params, "next_token", 10, 100 if scope == "recent" else 500)

    def mentions(self, params, user_id):
        if user_id != BRAND["id"]:
            gone = problem("resource-not-found", "Not Found Error", user_id, "id", value=user_id)
            return {"errors": [gone]}
        posts = [p for p in self.posts if says(p, f"@{BRAND['username']}")]
        posts = [p for p in posts if self._inside(p, params, 0.0)]
        return self._page(posts, params, "pagination_token", 5, 100)

    def counts(self, params, scope):
        period = PERIODS[params.get("granularity", "hour")]
        first = self._times(params, scope)[0] // period * period
        last = self._times(params, scope)[1]
        if token := params.get("next_token"):
            last = int(token.removeprefix("c"), 36)
        start = max(first, last - 31 * 86400)
        posts = [when(post) for post in self._matching(params, scope)]
        edges = [start + period * n for n in range(int((last - start) // period) + 1)]
        edges = [edge for edge in edges if edge < last]
        data = [
            {
                "start": written(edge),
                "end": written(min(edge + period, last)),
                "tweet_count": sum(edge <= moment < min(edge + period, last) for moment in posts),
            }
            for edge in edges
        ]
        meta = {"total_tweet_count": sum(item["tweet_count"] for item in data)}
        if start > first:
            meta["next_token"] = "c" + base36(int(start))
        return self._spelled({"data": data, "meta": meta})

    def user(self, params, name):
        if name.casefold() != BRAND["username"]:
            return {"errors": [problem("resource-not-found", "Not Found Error", name, "username",
                                       value=name, detail="Could not find user.")]}  # fmt: skip
        return {"data": self._projected(person(**as_person(BRAND)), params)}

    # What they share

    def _matching(self, params, scope):
        terms, language, no_retweets = parsed(params["query"])
        earliest = self._times(params, scope)[0]
        return [
            post
            for post in self.posts
            if any(says(post, term) for term in terms)
            and language in (None, post["lang"])
            and not (no_retweets and is_retweet(post))
            and self._inside(post, params, earliest)
        ]

    def _times(self, params, scope):
        """Start and end of a window, whose defaults are X's."""
        now = self.now()
        days = 7 if scope == "recent" else 30
        start = moment_of(params.get("start_time"), now - days * 86400)
        # Ids hold milliseconds, a request a second or two: X itself is not stricter.
        if scope == "recent" and start < now - 7 * 86400 - 5:
            raise wrong("start_time", params["start_time"],
                        "Invalid 'start_time'. It must be within the last 7 days.")  # fmt: skip
        return start, moment_of(params.get("end_time"), now)

    def _inside(self, post, params, earliest):
        since, until = (int(params.get(name, 0)) for name in ("since_id", "until_id"))
        start = moment_of(params.get("start_time"), earliest)
        end = moment_of(params.get("end_time"), float("inf"))
        after = int(post["id"]) > since and (not until or int(post["id"]) < until)
        return after and start <= when(post) < end

    def _page(self, posts, params, token_name, smallest, largest):
        size = int(params.get("max_results", smallest))
        if not smallest <= size <= largest:
            raise wrong("max_results", str(size), f"must be between {smallest} and {largest}")
        if token := params.get(token_name):
            last = int(token.removeprefix("b"), 36)
            posts = [post for post in posts if int(post["id"]) < last]
        page, rest = posts[:size], posts[size:]
        meta = {"result_count": len(page)}
        if not page:
            return {"meta": meta}
        meta |= {"newest_id": page[0]["id"], "oldest_id": page[-1]["id"]}
        if rest:
            meta["next_token"] = "b" + base36(int(page[-1]["id"]))
        body = {"data": [self._shown(post, params) for post in page]}
        if "author_id" in params.get("expansions", "").split(","):
            authors = dict.fromkeys(post["author_id"] for post in page)
            users = [self._projected(person(author), params) for author in authors]
            body["includes"] = {"users": users}
        return self._spelled(body | {"meta": meta})

    def _shown(self, post, params):
        fields = {"id", "text", "edit_history_tweet_ids"}
        fields |= set(params.get(f"{self.spelling}.fields", "").split(","))
        expansions = params.get("expansions", "").split(",")
        fields |= {"author_id"} & set(expansions)
        fields |= {"referenced_tweets"} if "referenced_posts" in expansions else set()
        return {name: value for name, value in post.items() if name in fields}

    def _projected(self, user, params):
        fields = {*DEFAULT_USER, *params.get("user.fields", "").split(",")}
        return self._spelled({name: value for name, value in user.items() if name in fields})

    def _spelled(self, value):
        if self.spelling == "tweet":
            return value
        if isinstance(value, list):
            return [self._spelled(item) for item in value]
        if isinstance(value, dict):
            return {RENAMED.get(name, name): self._spelled(item) for name, item in value.items()}
        return {"retweeted": "reposted"}.get(value, value) if isinstance(value, str) else value


@dataclass(frozen=True)
class Route:
    """Who answers an address, and which parameters X's documents know there."""

    answer: Callable[..., dict]
    params: tuple[str, ...]
    fields: bool = True


ROUTES = {
    r"/2/tweets/search/(?P<scope>recent|all)": Route(
        XServer.search, ("query", "max_results", "next_token", "sort_order", *WINDOW)
    ),
    r"/2/tweets/counts/(?P<scope>recent|all)": Route(
        XServer.counts, ("query", "granularity", "next_token", *WINDOW), fields=False
    ),
    r"/2/users/(?P<user_id>[0-9]+)/mentions": Route(
        XServer.mentions, ("max_results", "pagination_token", *WINDOW)
    ),
    r"/2/users/by/username/(?P<name>\w+)": Route(XServer.user, ()),
}


# Faults


def refusing(status, title, kind="about:blank", seconds=900.0, remaining=299, **rest):
    """A fault: a problem of this status, and X's limit with it."""

    def fault(server, answer):
        refused = Refused(status, title, kind, **rest)
        headers = {"Content-Type": "application/problem+json"} | server.limit(seconds, remaining)
        return Answer(status, json.dumps(refused.problem).encode(), headers)

    return fault


def limited(seconds, remaining=0):
    return refusing(429, "Too Many Requests", seconds=seconds, remaining=remaining,
                    detail="Too Many Requests")  # fmt: skip


def altered(change):
    """A fault in the value of a good answer."""

    def fault(server, answer):
        if answer.status != 200:
            return answer
        body = json.dumps(change(answer.value), separators=(",", ":")).encode()
        return replace(answer, body=body)

    return fault


def sent(manner):
    return lambda server, answer: replace(answer, manner=manner)


def repeated(server, answer):
    """The last good answer once more."""
    good = [seen.answer for seen in server.requests if seen.answer.status == 200]
    return good[-1] if good else answer


def partly(value):
    gone = problem("resource-unavailable", "Authorization Error", "9000", "author_id")
    return value | {"errors": [gone]}


def textless(value):
    first, *rest = value["data"]
    return value | {"data": [{k: v for k, v in first.items() if k != "text"}, *rest]}


def disordered(value):
    return value | {"data": [value["data"][-1], *value["data"]]}


FAULTS: dict[str, Callable[[XServer, Answer], Answer]] = {
    "429": limited(600),
    "429 absurd reset": limited(10**7),
    "429 no reset": limited(None),
    "429 past reset": limited(-100),
    "429 this second": limited(900, remaining=298),
    "429 month": refusing(
        429, "UsageCapExceeded", PROBLEM + "usage-capped", period="Monthly", scope="Product",
        detail="Usage cap exceeded: Monthly product cap",
    ),
    "400": refusing(
        400, "Invalid Request", PROBLEM + "invalid-request",
        detail="One or more parameters to your request was invalid.",
        errors=[{"parameters": {"query": ["?"]}, "message": "Rules must be 512 or less."}],
    ),
    "401": refusing(401, "Unauthorized", detail="Unauthorized"),
    "402": refusing(402, "CreditsDepleted", PROBLEM + "credits", detail="No credits are left."),
    "403": refusing(
        403, "Client Forbidden", PROBLEM + "client-forbidden", reason="client-not-enrolled",
        detail="Your App must be attached to a Project.",
    ),
    "404": refusing(404, "Not Found", detail="Not Found"),
    "500": refusing(500, "Internal Server Error", detail="Internal Server Error"),
    "502": lambda server, answer: Answer(502, b"<html>Bad Gateway</html>"),
    "503": refusing(503, "Service Unavailable", detail="Service Unavailable"),
    "504": lambda server, answer: Answer(504, b""),
    "token in the detail": refusing(400, f"Bad {TOKEN}", detail=f"Bearer {TOKEN} is odd"),
    "error as a list": lambda server, answer: Answer(400, b'[{"message": "Odd query"}]'),
    "redirect": lambda server, answer: Answer(302, b"", {"Location": "http://x.invalid/"}),
    "hang": sent("hang"),
    "trickle": sent("trickle"),
    "endless headers": sent("endless headers"),
    "dropped": sent("drop"),
    "reset": sent("reset"),
    "truncated": lambda server, answer: replace(answer, body=answer.body[: len(answer.body) // 2]),
    "list": altered(lambda value: [value]),
    "no object": lambda server, answer: replace(answer, body=b'"\xff"'),
    "no meta": altered(lambda value: {k: v for k, v in value.items() if k != "meta"}),
    "repeated page": repeated,
    "partial errors": altered(partly),
    "no text": altered(textless),
    "disorder": altered(disordered),
}  # fmt: skip


class Handler(BaseHTTPRequestHandler):
    """Sends what the server answers, in its manner."""

    x: ClassVar[XServer]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        parts = urlsplit(self.path)
        params = dict(parse_qsl(parts.query, keep_blank_values=True))
        answer = self.x.answer(parts.path, params, self.headers.get("Authorization"))
        self.close_connection = answer.manner != "whole"
        if answer.manner == "hang":
            self.x.stopped.wait(30)
        if answer.manner in ("hang", "reset"):
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.manner == "endless headers":
            self.flush_headers()
            self._trickle(b"x-padding: " + b"x" * 10**5)
            return
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if answer.manner == "trickle":
            self._trickle(answer.body)
        elif answer.manner == "drop":
            self.wfile.write(answer.body[: len(answer.body) // 2])
        else:
            self.wfile.write(answer.body)

    def _trickle(self, content):
        with suppress(OSError):
            for byte in content:
                if self.x.stopped.wait(0.02):
                    return
                self.wfile.write(bytes([byte]))

    def date_time_string(self, timestamp=None):
        return formatdate(self.x.now(), usegmt=True)

    def log_message(self, *_):
        pass


# Posts and queries


def parsed(query: str) -> tuple[list[str], str | None, bool]:
    """Terms, language and whether retweets are left out, of what `query.build` writes."""
    language, no_retweets, terms = None, False, []
    for token in re.findall(r'"[^"]*"|[^\s()]+', query):
        if token.startswith("lang:"):
            language = token.removeprefix("lang:")
        elif token == "-is:retweet":
            no_retweets = True
        elif ":" in token and token[0] != '"':
            raise wrong("query", query, f"Reference to invalid operator '{token}'.")
        elif token != "OR":
            terms.append(token)
    if not terms:
        raise wrong("query", query, "Rules must contain a conjunction-required operator's partner.")
    return terms, language, no_retweets


def says(post: dict, term: str) -> bool:
    """Whether a post holds the words of `term` side by side."""
    words, sought = (re.findall(r"[@#]?\w+", text.casefold()) for text in (post["text"], term))
    return any(words[at : at + len(sought)] == sought for at in range(len(words)))


def is_retweet(post: dict) -> bool:
    return any(other["type"] == "retweeted" for other in post.get("referenced_tweets", ()))


def when(post: dict) -> float:
    return datetime.fromisoformat(post["created_at"]).timestamp()


def moment_of(text: str | None, default: float) -> float:
    return default if text is None else datetime.fromisoformat(text).timestamp()


def written(moment: float) -> str:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=moment)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def as_person(brand: dict) -> dict:
    return {"user_id": brand["id"], "username": brand["username"]}


def problem(kind, title, resource_id, parameter, **rest) -> dict:
    return {
        "title": title, "type": PROBLEM + kind, "resource_id": resource_id,
        "resource_type": "user", "parameter": parameter, **rest,
    }  # fmt: skip


def base36(number: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[rest] + digits
    return digits
