"""X's compliance jobs on loopback, and the storage behind their signed addresses; with faults."""

import json
from dataclasses import dataclass, replace

from customer_profiles.bench.loopback.faults import PROBLEM, Answer, Refused, sent, wrong
from customer_profiles.bench.loopback.posts import written

SIGNATURE = "X-Signature=0f5e1a9cInventedSignatureOfNobody77"
RUNNING = ("created", "in_progress")
KINDS = ("tweets", "users")


def refused(answer):
    return Answer(403, b"<Error><Code>ExpiredToken</Code></Error>")


def half_a_line(answer):
    """The answer with a truncated last line and a matching length."""
    return replace(answer, body=answer.body.rstrip()[:-9])


# From what the storage would send to what it does.
FAULTS = {
    "refused": refused,
    "429": lambda answer: Answer(429, b""),
    "503": lambda answer: Answer(503, b""),
    "half a line": half_a_line,
    "no lines": lambda answer: replace(answer, body=b"x" * 20_000),
    "odd line": lambda answer: replace(answer, body=b'{"id": "12 3", "action": "delete"}\n'),
    "redirect": lambda answer: Answer(302, b"", {"Location": "http://x.invalid/"}),
    **{name: lambda answer, how=name: sent(how)(None, answer)
       for name in ("drop", "reset", "hang", "trickle")},
}  # fmt: skip


@dataclass(frozen=True)
class Stored:
    """A request to the storage; for a test's assertions."""

    method: str
    headers: dict[str, str]
    status: int


class Jobs:
    """Jobs of an XServer; `gone` maps each deleted id, of any kind, to X's reason.

    `looks` is the number of polls in progress before a job `ends`; `extra` are additional lines of
    results. `faults` are names in FAULTS or None, request by request to the storage. `uploads` are
    the uploaded ids, by kind.
    """

    def __init__(self, server):
        self.deleted: dict[str, str] = {}
        self.looks, self.ends, self.extra = 0, "complete", ()
        self.faults: list[str | None] = []
        self.scheme = "http"
        self.uploads: dict[str, list[str]] = {}
        self.stored: list[Stored] = []
        self._server, self._jobs = server, {}

    def create(self, value):
        kind = value.get("type")
        if kind not in KINDS:
            raise wrong("type", str(kind), "must be tweets or users")
        if any(job["type"] == kind and job["status"] in RUNNING for job in self._jobs.values()):
            raise Refused(
                409, "Conflict", PROBLEM + "conflict", detail="You have a concurrent job already."
            )
        now, number = self._server.now(), str(1425543269983784962 + len(self._jobs))
        place = f"{self._server.address.replace('127.0.0.1', 'localhost')}/storage/{number}"
        place = place.replace("http", self.scheme, 1)
        self._jobs[number] = {
            "id": number, "type": kind, "name": value.get("name", ""), "status": "created",
            "created_at": written(now),
            "upload_url": f"{place}/submission?{SIGNATURE}",
            "upload_expires_at": written(now + 900),
            "download_url": f"{place}/delivery?{SIGNATURE}",
            "download_expires_at": written(now + 7 * 86400),
        }  # fmt: skip
        return {"data": self._jobs[number]}

    def listed(self, kind, status):
        jobs = [
            job for job in self._jobs.values() if (job["type"], job["status"]) == (kind, status)
        ]
        return {"meta": {"result_count": len(jobs)}} | ({"data": jobs} if jobs else {})

    def job(self, number):
        if number not in self._jobs:
            raise Refused(404, "Not Found", detail="Not Found")
        job = self._jobs[number]
        if job["status"] == "in_progress":
            self.looks -= 1
            if self.looks < 0:
                job["status"] = self.ends
        return {"data": job}

    def storage(self, method, path, query, headers, body) -> Answer:
        """The answer of a signed address."""
        _, _, number, place = path.split("/")
        job = self._jobs[number]
        if query != SIGNATURE or "Authorization" in headers:
            answer = Answer(403, b"<Error/>")
        elif (method, place) == ("PUT", "submission"):
            answer = Answer(200, b"")
        elif (method, place) == ("GET", "delivery") and job["status"] == "complete":
            answer = Answer(200, self._results(job["type"]), {"Content-Type": "text/plain"})
        else:
            answer = Answer(404, b"<Error/>")
        fault = self.faults.pop(0) if self.faults else None
        if fault:
            answer = FAULTS[fault](answer)
        elif method == "PUT" and answer.status == 200:
            self.uploads[job["type"]] = body.decode("ascii").splitlines()
            job["status"] = "in_progress"
        self.stored.append(Stored(method, headers, answer.status))
        return answer

    def _results(self, kind) -> bytes:
        when = written(self._server.now())
        lines = [
            json.dumps({"id": number, "action": "delete", "created_at": when, "redacted_at": when,
                        "reason": self.deleted[number]})
            for number in self.uploads[kind]
            if number in self.deleted
        ]  # fmt: skip
        return "".join(f"{line}\n" for line in [*lines, *self.extra]).encode()
