"""What is asked and what the loopback X answers, against X's own OpenAPI documents."""

import gzip
import json
import os
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jsonschema
import pytest
import referencing

from customer_profiles.bench.loopback.posts import invented, person, snowflake
from customer_profiles.bench.loopback.server import BRAND, XServer
from customer_profiles.bench.loopback.stream import DISCONNECT, STREAM, TOO_MANY, XStream
from customer_profiles.bench.loopback.ways import MENTION, QUERY, WAYS, by_search
from customer_profiles.collect.x_api import compliance, endpoints, errors, rules, stream
from customer_profiles.collect.x_api.endpoints import Window
from customer_profiles.collect.x_api.storage import Storage


@pytest.fixture(scope="module", params=[("tweet", "2.166"), ("post", "2.167")])
def document(request):
    """A spelling, and the document of X's that has it."""
    spelling, version = request.param
    file = Path(os.environ.get("REAL_DATA", ""), f"xapi/openapi-{version}.json.gz")
    if not os.environ.get("REAL_DATA") or not file.is_file():
        pytest.skip("REAL_DATA names no folder that holds X's OpenAPI documents")
    return spelling, json.loads(gzip.decompress(file.read_bytes()))


def invalid(document, schema, value):
    """What X's document says against `value`."""
    root = referencing.Resource(document, referencing.jsonschema.DRAFT4)
    validator = jsonschema.Draft4Validator(
        anchored(schema),
        registry=referencing.Registry().with_resource("urn:x", root),
        format_checker=jsonschema.FormatChecker(),
    )
    return [error.message for error in validator.iter_errors(value)]


def anchored(schema):
    return json.loads(json.dumps(schema).replace('"#/components', '"urn:x#/components'))


def operation(document, path, method):
    """The document's entry for a real path, and what stands in its braces."""
    for template, entry in document["paths"].items():
        parts, real = template.split("/"), path.split("/")
        pairs = list(zip(parts, real, strict=False))
        if len(parts) == len(real) and all(a == b or a[0] == "{" for a, b in pairs[1:]):
            return entry[method.lower()], {a.strip("{}"): b for a, b in pairs if a[:1] == "{"}
    raise AssertionError(f"X's document does not know {path}")


def objections(document, seen):
    """What X's document says against a request and its answer."""
    entry, inside = operation(document, seen.path, seen.method)
    known = {}
    for parameter in entry["parameters"]:
        if "$ref" in parameter:
            parameter = document["components"]["parameters"][parameter["$ref"].split("/")[-1]]
        known[parameter["name"]] = parameter
    problems = [f"{name} is unknown" for name in seen.params if name not in known]
    values = seen.params | inside
    problems += [
        f"{name} is missing"
        for name, p in known.items()
        if p.get("required") and name not in values
    ]
    for name in values.keys() & known:
        schema, value = known[name]["schema"], values[name]
        value = {"array": lambda v: v.split(","), "integer": int}.get(schema.get("type"), str)(
            value
        )
        problems += [f"{name}: {problem}" for problem in invalid(document, schema, value)]
    if seen.body:
        schema = entry["requestBody"]["content"]["application/json"]["schema"]
        problems += invalid(document, schema, json.loads(seen.body))
    status = "200" if seen.answer.status == 200 else "default"
    kinds = document["components"]["schemas"]["Problem"]["discriminator"]["mapping"]
    if status == "default" and seen.answer.value["type"] not in kinds:
        return problems  # of 401, 402, 429 and 503 the newer document knows nothing
    kind = seen.answer.headers["Content-Type"]
    schema = entry["responses"][status]["content"][kind]["schema"]
    return problems + invalid(document, schema, seen.answer.value)


def a_long(post):
    """`post` with its whole text, withheld in a country."""
    withheld = {"copyright": False, "country_codes": ["DE"]}
    return post | {"note_tweet": {"text": post["text"] * 20}, "withheld": withheld}


def test_compliance_jobs_are_those_of_x_s_own_document(ask, document):
    spelling, specification = document
    with XServer(spelling=spelling) as x:
        client = ask(x, fields=spelling)
        x.jobs.looks = 1
        for kind in ("tweets", "users"):
            job = compliance.create(client, kind)
            compliance.upload(client, Storage(), job, ["12", "34"])
            compliance.finished(client, job)
        job = compliance.create(client, "users")
        compliance.create(client, "users")  # which finds that one
        x.faults = ["400", "429", "403"]
        for _ in range(2):
            with suppress(errors.XError):
                compliance.create(client, "tweets")
        with suppress(errors.XError):
            compliance.finished(client, job._replace(number="1"))
    assert [seen.method for seen in x.requests if seen.answer.status == 200].count("POST") == 3
    assert {seen.answer.status for seen in x.requests} == {200, 400, 403, 404, 409, 429}
    assert [problem for seen in x.requests for problem in objections(specification, seen)] == []
    # That the comparison can object at all:
    seen = replace(x.requests[0], body=b'{"type": "people"}')
    assert len(objections(specification, seen)) == 1


def test_requests_and_answers_are_those_of_x_s_own_document(ask, document):
    spelling, specification = document
    now = time.time()
    start = datetime.fromtimestamp(now, UTC) - timedelta(days=3)
    faults = ["400", None, "partial errors", "429", "503", "403", "401", "402"]
    with XServer([a_long(post) for post in invented(40, now, [MENTION])], spelling=spelling) as x:
        client = ask(x, fields=spelling)
        for way in WAYS:
            list(way(client, window=Window(start_time=start, since_id=snowflake(now - 90000))))
        for scope in ("recent", "all"):
            list(endpoints.counts(client, QUERY, scope, window=Window(start_time=start)))
        endpoints.user_id(client, BRAND["username"])
        x.faults = faults
        while x.faults:
            with suppress(errors.XError):
                list(by_search(client))
    assert {seen.answer.status for seen in x.requests} == {200, 400, 401, 402, 403, 429, 503}
    assert [problem for seen in x.requests for problem in objections(specification, seen)] == []
    (post, *_) = x.requests[0].answer.value["data"]
    assert {f"note_{spelling}", "withheld"} <= post.keys()
    # That the comparison can object at all:
    (seen,) = (seen for seen in x.requests if seen.path.startswith("/2/users/by"))
    odd = seen.answer.value | {"data": person("x")}
    assert invalid(specification, {"type": "array"}, odd)


def test_rules_and_the_stream_are_those_of_x_s_own_document(ask, document):
    spelling, specification = document
    old = {"id": "1600000000000000003", "value": "of before", "tag": "customer-profiles 1"}
    theirs = {"id": "1600000000000000001", "value": "of others"}
    post = a_long(invented(1, time.time(), [MENTION])[0])
    lines = []
    with XStream(rules=[old, theirs], refusals=["503", "429", "403"], spelling=spelling) as x:
        client = ask(x, fields=spelling)
        rules.reconcile(client, [QUERY])
        if spelling == "tweet":  # of a rule that is no rule the newer document knows nothing
            with suppress(errors.BadRequest):
                rules.reconcile(client, ["near:me"])
        for _ in range(3):
            with suppress(errors.XError):
                client.stream(stream.PATH, stream.PARAMS)
        lines.append(x.line(post, list(x.rules.values())))
        lines.append(x.line(post))
    assert {"note_tweet", "withheld"} <= json.loads(lines[1])["data"].keys()
    assert {seen.answer.status for seen in x.requests} == {200, 403, 429, 503}
    sent = [list(seen.sent) for seen in x.requests if seen.sent]
    assert sent[:2] == [["add"], ["delete"]]
    assert [problem for seen in x.requests for problem in objections(specification, seen)] == []
    if spelling == "post":
        return  # its answers have the new names, its parameters the old, as the loopback has both
    answer = operation(specification, STREAM, "GET")[0]["responses"]["200"]["content"]
    line = answer["application/json"]["schema"]
    for value in (*map(json.loads, lines), DISCONNECT, TOO_MANY):
        assert invalid(specification, line, value) == []
    assert invalid(specification, line, {"matching_rules": [{"tag": "no id"}]})
