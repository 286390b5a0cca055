"""X's API on loopback, with invented posts and faults, for tests.

Search, counts, mentions, users and, in `compliance`, compliance jobs.

An answer holds only the requested fields, and a parameter that X does not document is refused, so
that a collector with an incomplete or wrong request fails here.
"""

import json
import re
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qsl, urlsplit

from customer_profiles.bench.loopback.compliance import Jobs
from customer_profiles.bench.loopback.faults import (
    FAULTS,
    PROBLEM,
    TOKEN,
    Answer,
    Refused,
    problem,
    wrong,
)
from customer_profiles.bench.loopback.posts import (
    base36,
    is_retweet,
    moment_of,
    parsed,
    person,
    says,
    when,
    written,
)

BRAND = {"id": "4100410041", "username": "tindlewick"}
NEW_PROBLEM = b"https://api.x.com/2/problems/"
PERIODS = {"minute": 60, "hour": 3600, "day": 86400}
DEFAULT_USER = ("id", "name", "username")
WINDOW = ("start_time", "end_time", "since_id", "until_id")
# Old spelling of X's documents: new spelling.
RENAMED = {
    "edit_history_tweet_ids": "edit_history_post_ids",
    "note_tweet": "note_post",
    "referenced_tweets": "referenced_posts",
    "retweet_count": "repost_count",
    "total_tweet_count": "total_post_count",
    "tweet_count": "post_count",
    "tweets": "posts",
}


@dataclass(frozen=True)
class Seen:
    """A request and its answer; for a test's assertions."""

    path: str
    params: dict[str, str]
    answer: Answer
    fault: str | None
    body: bytes = b""

    @property
    def method(self):
        return "POST" if self.body else "GET"

    @property
    def sent(self):
        return json.loads(self.body) if self.body else None


class XServer:
    """A loopback X with `posts`; `faults` are names in FAULTS or None, request by request.

    `spelling` (tweet, post) is the one understood and sent, `skew` the seconds by which X's clock
    is ahead; `certificate`, a file with its key, enables TLS. The server starts with `with`; tests
    read `address` and `requests`.
    """

    def __init__(self, posts=(), faults=(), spelling="tweet", skew=0.0, certificate=None):
        self.posts = sorted(posts, key=lambda post: -int(post["id"]))
        self.faults = list(faults)
        self.spelling = spelling
        self.skew = skew
        self.requests: list[Seen] = []
        self.stopped = threading.Event()
        self.jobs = Jobs(self)
        self._lock = threading.Lock()
        handler = type("H", (self.handler(),), {"x": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
        self.address = f"http{'s' if certificate else ''}://127.0.0.1:{self._http.server_port}"
        if certificate:
            tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            tls.load_cert_chain(certificate)
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True)

    def __enter__(self):
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self._http.shutdown()
        self._http.server_close()

    @staticmethod
    def handler():
        return Handler

    @staticmethod
    def routes():
        return ROUTES

    def now(self) -> float:
        return time.time() + self.skew

    def values_of(self, name: str) -> list:
        """The values of parameter `name`, request by request."""
        return [seen.params.get(name) for seen in self.requests]

    def answer(
        self, path: str, params: dict[str, str], token: str | None, body: bytes = b""
    ) -> Answer:
        with self._lock:
            try:
                if token != f"Bearer {TOKEN}":
                    raise Refused(401, "Unauthorized", detail="Unauthorized")
                answer = self._whole(200, self._routed(path, params, body))
            except Refused as refused:
                answer = self._whole(refused.status, refused.problem)
            fault = self.faults.pop(0) if self.faults else None
            if fault is not None:
                answer = FAULTS[fault](self, answer)
            if self.spelling == "post":
                answer = replace(answer, body=answer.body.replace(PROBLEM.encode(), NEW_PROBLEM))
            self.requests.append(Seen(path, params, answer, fault, body))
            return answer

    def _whole(self, status: int, value) -> Answer:
        kind = "application/json" if status == 200 else "application/problem+json"
        body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        return Answer(status, body, {"Content-Type": kind, **self.limit(900, 299)})

    def limit(self, seconds: float | None, remaining: int = 0) -> dict[str, str]:
        headers = {"x-rate-limit-limit": "300", "x-rate-limit-remaining": str(remaining)}
        return headers | (
            {} if seconds is None else {"x-rate-limit-reset": str(int(self.now() + seconds))}
        )

    def posts_to(self) -> dict[str, Callable[[dict], dict]]:
        """Handlers of requests with a body, by address."""
        return {JOBS: self.jobs.create}

    def _routed(self, path: str, params: dict[str, str], body: bytes) -> dict:
        if body:
            if path not in self.posts_to():
                raise Refused(404, "Not Found", detail="Not Found")
            return self.posts_to()[path](json.loads(body))
        matches = ((re.fullmatch(pattern, path), route) for pattern, route in self.routes().items())
        match, route = next((pair for pair in matches if pair[0]), (None, None))
        if match is None:
            raise Refused(404, "Not Found", detail="Not Found")
        known = {*route.params, *(self._fields() if route.fields else ())}
        for name in params:
            if name not in known:
                raise wrong(name, params[name], f"The query parameter [{name}] is unknown")
        return route.answer(self, params, **match.groupdict())

    def _fields(self):
        return (f"{self.spelling}.fields", "user.fields", "expansions")

    def author(self, number: str) -> dict:
        """The account with the id `number`."""
        return person(number)

    # Routes

    def search(self, params, scope):
        posts = self._matching(params, scope)
        return self._page(posts, params, "next_token", 10, 100 if scope == "recent" else 500)

    def mentions(self, params, user_id):
        if user_id != BRAND["id"]:
            unknown = problem("resource-not-found", "Not Found Error", user_id, "id", value=user_id,
                           detail="Could not find user.")  # fmt: skip
            return {"errors": [unknown]}
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
        return {"data": self._projected(person(BRAND["id"], BRAND["username"]), params)}

    def listed(self, params):
        return self.jobs.listed(params["type"], params["status"])

    def job(self, params, number):
        return self.jobs.job(number)

    # Shared by the routes

    def _matching(self, params, scope):
        try:
            terms, language, no_retweets = parsed(params["query"])
        except ValueError as error:
            raise wrong("query", params["query"], str(error)) from None
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
        """Start and end of a window, with X's defaults."""
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
        body = {"data": [self._with_fields(post, params) for post in page]}
        if "author_id" in params.get("expansions", "").split(","):
            numbers = dict.fromkeys(post["author_id"] for post in page)
            users = [self._projected(self.author(number), params) for number in numbers]
            body["includes"] = {"users": users}
        return self._spelled(body | {"meta": meta})

    def _with_fields(self, post, params):
        fields = {"id", "text", f"edit_history_{self.spelling}_ids"}
        fields |= set(params.get(f"{self.spelling}.fields", "").split(","))
        expansions = params.get("expansions", "").split(",")
        fields |= {"author_id", "referenced_posts"} & set(expansions)
        return {name: value for name, value in self._spelled(post).items() if name in fields}

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
    """The handler of an address, and the parameters that X documents for it."""

    answer: Callable[..., dict]
    params: tuple[str, ...]
    fields: bool = True


JOBS = "/2/compliance/jobs"
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
    JOBS: Route(XServer.listed, ("type", "status", "compliance_job.fields"), fields=False),
    JOBS + "/(?P<number>[0-9]+)": Route(XServer.job, ("compliance_job.fields",), fields=False),
}


class Handler(BaseHTTPRequestHandler):
    """HTTP handler that sends the server's answer in its manner."""

    x: ClassVar[XServer]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if parts.path.startswith("/storage/"):
            headers = dict(self.headers)
            answer = self.x.jobs.storage(self.command, parts.path, parts.query, headers, body)
        else:
            params = dict(parse_qsl(parts.query, keep_blank_values=True))
            answer = self.x.answer(parts.path, params, self.headers.get("Authorization"), body)
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

    do_POST = do_PUT = do_GET

    def handle(self):
        with suppress(ConnectionError):  # the client was killed
            super().handle()

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
