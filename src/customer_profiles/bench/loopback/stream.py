"""The filtered stream of the loopback X: rules, posts as they are written, and faults.

The stream always uses the old spelling, as X documents it.
"""

import itertools
import json
import queue
import threading
import time
from contextlib import suppress
from urllib.parse import parse_qsl

from customer_profiles.bench.loopback.faults import FAULTS, PROBLEM, TOKEN, Refused, limited
from customer_profiles.bench.loopback.posts import (
    invented,
    is_retweet,
    parsed,
    says,
    snowflake,
    written,
)
from customer_profiles.bench.loopback.server import ROUTES, Handler, Route, Seen, XServer

STREAM = "/2/tweets/search/stream"
RULES = f"{STREAM}/rules"
CLOSE, RESET, SILENCE = object(), object(), object()
FIELDS = ("tweet.fields", "user.fields", "expansions", "backfill_minutes")
# Lines that are no posts: what X sends before it hangs up, and what it should never send.
DISCONNECT = {
    "errors": [
        {
            "title": "operational-disconnect",
            "disconnect_type": "UpstreamOperationalDisconnect",
            "detail": "This stream has been disconnected upstream for operational reasons.",
            "type": PROBLEM + "operational-disconnect",
        }
    ]
}
TOO_MANY = {
    "errors": [
        {
            "title": "ConnectionException",
            "detail": "This stream is currently at the maximum allowed connection limit.",
            "connection_issue": "TooManyConnections",
            "type": PROBLEM + "streaming-connection",
        }
    ]
}
# How a connection ends, by name: the last thing that is sent through it.
BREAKS = {
    "close": CLOSE, "reset": RESET, "silence": SILENCE, "broken line": b'{"data": {"id": 1',
    "disconnect": json.dumps(DISCONNECT).encode(), "second stream": json.dumps(TOO_MANY).encode(),
}  # fmt: skip
REFUSALS = {
    **{name: fault for name, fault in FAULTS.items() if name[0].isdigit()},
    **{name: FAULTS[name] for name in ("redirect", "error as a list", "token in the detail")},
    "429 soon": limited(30),
}
NUMBERS = itertools.count()


def fresh(number, texts=("Tea at Tindlewick again",)):
    """Posts of the present time, each with an id of its own."""
    now = time.time()
    made = invented(number, now + 60, texts, every=0)
    return [{**post, "id": str(int(snowflake(now)) + next(NUMBERS))} for post in made]


class XStream(XServer):
    """A loopback X with a stream; `refusals` are faults of its next connections, as in `faults`.

    `write` adds a post: it is streamed if a rule matches and a client listens, and can be searched
    from then on. `say` sends a line, or one of CLOSE, RESET and SILENCE. A second connection
    replaces the first.
    """

    def __init__(self, posts=(), rules=(), refusals=(), keep_alive=0.05, **options):
        super().__init__(posts, **options)
        self.rules = {rule["id"]: rule for rule in rules}
        self.refusals = list(refusals)
        self.keep_alive = keep_alive
        self.connects = self.keep_alives = 0
        self._listener, self._params = None, {}
        self._come = threading.Condition()

    @staticmethod
    def handler():
        return StreamHandler

    @staticmethod
    def routes():
        return {**ROUTES, RULES: Route(XStream.answer_rules, ("max_results", "pagination_token"))}

    def posts_to(self):
        return {**super().posts_to(), RULES: self.change_rules}

    def write(self, *posts):
        for post in posts:
            self.posts = [post, *self.posts]
            rules = [rule for rule in self.rules.values() if takes(rule["value"], post)]
            if rules:
                self.say(self.line(post, rules))

    def say(self, *lines):
        with self._come:
            for line in lines:
                if self._listener is not None:
                    self._listener.put(line)

    def line(self, post, rules=(), **changed):
        """A post as it is streamed, as bytes."""
        fields = {"id", "text", "edit_history_tweet_ids"}
        fields |= set(self._params.get("tweet.fields", "").split(","))
        data = {name: value for name, value in post.items() if name in fields}
        users = {"id", "name", "username", *self._params.get("user.fields", "").split(",")}
        author = self.author(post["author_id"])
        named = [{name: rule[name] for name in ("id", "tag") if name in rule} for rule in rules]
        item = {"data": data}
        if "author_id" in self._params.get("expansions", "").split(","):
            user = {name: value for name, value in author.items() if name in users}
            item["includes"] = {"users": [user]}
        item |= {"matching_rules": named} if named else {}
        return json.dumps(item | changed).encode()

    def wait(self, connects, seconds=120.0):
        """Wait until `connects` connections have been made."""
        with self._come:
            self._until(lambda: self.connects >= connects, seconds)

    def stay(self, keep_alives, seconds=120.0):
        """Wait until `keep_alives` heartbeats have been sent."""
        with self._come:
            self._until(lambda: self.keep_alives >= keep_alives, seconds)

    def _until(self, happened, seconds):
        if not self._come.wait_for(happened, seconds):
            raise TimeoutError(f"waited {seconds} s in vain for the stream's client")

    def kept_alive(self):
        with self._come:
            self.keep_alives += 1
            self._come.notify_all()

    def lose(self):
        """Close the connection, and wait until it has ended."""
        self.say(CLOSE)
        with self._come:
            self._until(lambda: self._listener is None, 120)

    def cut_off(self, name):
        """End the connection as `name` in BREAKS; wait until it has ended, except after SILENCE."""
        self.say(BREAKS[name])
        if BREAKS[name] is not SILENCE:
            self.lose()

    def when(self, connects, act):
        """Call `act`, in a thread of its own, once `connects` connections have been made."""

        def wait_and_act():
            self.wait(connects)
            act()

        threading.Thread(target=wait_and_act, daemon=True).start()

    def opened(self, params):
        """The answer to a request for the stream, and the queue of lines to send or None."""
        self._params = params
        unknown = [name for name in params if name not in FIELDS]
        refusal = self.refusals.pop(0) if self.refusals else None
        answer = self._whole(200, {})
        if unknown:
            answer = FAULTS["400"](self, answer)
        elif refusal:
            answer = REFUSALS[refusal](self, answer)
        self.requests.append(Seen(STREAM, params, answer, refusal))
        if unknown or refusal:
            return answer, None
        lines = queue.Queue()
        with self._come:
            if self._listener is not None:
                self._listener.put(CLOSE)
            self._listener = lines
            self.connects += 1
            self._come.notify_all()
        return answer, lines

    def drop(self, lines):
        with self._come:
            if self._listener is lines:
                self._listener = None
                self._come.notify_all()

    def answer_rules(self, params):
        meta = {"sent": written(self.now())}
        rules = list(self.rules.values())
        size, start = int(params.get("max_results", 1000)), int(params.get("pagination_token", 0))
        page = rules[start : start + size]
        meta["result_count"] = len(page)
        if rules[start + size :]:
            meta["next_token"] = f"{start + size:016d}"
        return ({"data": page} if page else {}) | {"meta": meta}

    def change_rules(self, body):
        meta = {"sent": written(self.now())}
        if "add" in body:
            return self._added(body["add"], meta)
        ids = [number for number in body["delete"]["ids"] if self.rules.pop(number, None)]
        missing = len(body["delete"]["ids"]) - len(ids)
        return {"meta": meta | {"summary": {"deleted": len(ids), "not_deleted": missing}}}

    def _added(self, rules, meta):
        added, errors = [], []
        for rule in rules:
            existing = next((r for r in self.rules.values() if r["value"] == rule["value"]), None)
            try:
                parsed(rule["value"])
            except ValueError as error:
                kind = {"title": "UnprocessableEntity", "type": PROBLEM + "invalid-rules"}
                errors.append({"value": rule["value"], "detail": str(error), **kind})
                continue
            if existing:
                errors.append(
                    {
                        "value": rule["value"], "id": existing["id"], "title": "DuplicateRule",
                        "type": PROBLEM + "duplicate-rules",
                    }
                )  # fmt: skip
                continue
            made = {"id": str(1700000000000000001 + len(self.requests) + len(added)), **rule}
            self.rules[made["id"]] = made
            added.append(made)
        summary = {"created": len(added), "not_created": len(errors)}
        summary |= {"valid": len(added), "invalid": len(errors)}
        answer = {"data": added} if added else {}
        return (
            answer | ({"errors": errors} if errors else {}) | {"meta": meta | {"summary": summary}}
        )


def takes(value, post):
    """True if a rule matches a post."""
    terms, language, no_retweets = parsed(value)
    matches = any(says(post, term) for term in terms)
    return matches and language in (None, post["lang"]) and not (no_retweets and is_retweet(post))


class StreamHandler(Handler):
    """HTTP handler that streams the server's lines in chunks, and takes rules."""

    x: XStream

    def do_GET(self):
        path, _, query = self.path.partition("?")
        if path != STREAM:
            super().do_GET()
            return
        params = dict(parse_qsl(query))
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            answer, lines = self.x._whole(401, Refused(401, "Unauthorized").problem), None
        else:
            answer, lines = self.x.opened(params)
        self.close_connection = True
        self.send_response(answer.status)
        self.send_header("Connection", "close")  # else it would be asked through once more
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if lines is None:
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)
            return
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        with suppress(OSError):
            self._stream(lines)
        self.x.drop(lines)

    def _stream(self, lines):
        heard = time.monotonic()
        while not self.x.stopped.is_set():
            try:
                line = lines.get(timeout=0.01)
            except queue.Empty:
                if time.monotonic() - heard < self.x.keep_alive:
                    continue
                line = b""
                self.x.kept_alive()
            heard = time.monotonic()
            if line is CLOSE:
                self.wfile.write(b"0\r\n\r\n")
                return
            if line is RESET:
                self._chunk(b'{"data": {"id": "1", "text": "never')
                return
            if line is SILENCE:
                while not (self.x.stopped.wait(0.01) or self._hung_up(lines)):
                    pass
                return
            self._chunk(line + b"\r\n")

    def _hung_up(self, lines):
        return not lines.empty() and lines.get() is CLOSE

    def _chunk(self, content):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(content), content))
