"""One test for each row of the OWASP API Security Top 10 of 2023."""

import csv
import io
import json
import re
import socket
from datetime import date

import jsonschema
import pytest
from django.urls import URLPattern

from customer_profiles.store import publications, schema, tokens
from tests.api.served import (
    ASSIGNED,
    HOSTILE,
    KEY,
    PATHS,
    PROTECTED,
    PUBLICATION,
    assert_problem,
    get,
    loaded,
    serving,
)

RATE = 10  # a minute, of the server that is asked too often
FORWARDED = ("Host", "X-Forwarded-Host", "X-Forwarded-For", "Forwarded", "Referer", "Origin")


def holdings(database):
    """All that is in a database."""
    return {
        name: sorted(map(str, database[name].find())) for name in database.list_collection_names()
    }


def crawled(api, token):
    """Every answer that can be had, by following every link and every id."""
    answers, todo = {}, {f"{api}/{path}" for path in PATHS}
    while todo:
        url = todo.pop()
        answers[url] = answer = get(url, token).json()
        rows = answer.get("results", [])
        ids = {row["id"] for row in rows if "customers" in row}
        todo |= {f"{api}/segments/{id}/{part}" for id in ids for part in ("", "cells/", "brief/")}
        todo |= {answer["next"]} if answer.get("next") else set()
        todo -= set(answers)
    return answers


def test_api1_broken_object_level_authorization(api, audience):
    """A caller reaches objects that are not his by changing an id.

    A token belongs to one audience: it opens no other, whatever is asked for. Of the audience it
    opens, no id leads to anything but what is published: not that of a person, a post or a token.
    It would fail if tokens were looked up in one place for all audiences, or if an address read
    another collection than `published`.
    """
    other = audience.client["audience_of_others"]
    schema.prepare(other)
    foreign = tokens.create(other, "tests", 90, date.today())
    for path in PROTECTED:
        assert_problem(get(f"{api}/{path}", foreign), 401)
    own = tokens.create(audience, "own", 90, date.today())
    person = ASSIGNED["_id"][0]
    assert audience.profiles.find_one({"_id": person})
    for wrong in (person, "own", PUBLICATION["_id"], "5", "-1", "0x1", "%2e%2e"):
        for path in (f"segments/{wrong}/", f"segments/{wrong}/cells/", f"publications/{wrong}/"):
            assert_problem(get(f"{api}/{path}", own), 404)


def test_api2_broken_authentication(api, audience, token):
    """Tokens can be guessed, stolen from where they lie, or used after their end.

    It would fail if a token was kept in clear, was accepted in an address (which proxies and
    browsers remember), expired, revoked or shortened, or could be tried without end.
    """
    expired = tokens.create(audience, "expired", -1, date.today())
    revoked = tokens.create(audience, "revoked", 90, date.today())
    tokens.revoke(audience, "revoked")
    bad = [f"Bearer {wrong}" for wrong in ("wrong", "", expired, revoked, token[:-1], f"{token}x")]
    bad += ["Bearer", f"Basic {token}", token, f"Token {token}", "ü", f"Bearer {token} {token}"]
    for path in PROTECTED:
        for header in bad:
            answer = get(f"{api}/{path}", headers={"Authorization": header.encode("latin-1")})
            assert "token create" in assert_problem(answer, 401)
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            assert token not in answer.text
        for name in ("token", "access_token", "Authorization"):
            assert_problem(get(f"{api}/{path}?{name}={token}"), 401)
    assert get(f"{api}/summary/", token).status_code == 200
    assert token not in str(holdings(audience))
    assert len(token) >= 43  # 256 bits
    with serving(API_RATE=f"{RATE}/min") as (_, limited):
        tried = [get(f"{limited}/summary/", f"guess {n}") for n in range(RATE + 1)]
        assert [answer.status_code for answer in tried[:-1]] == [401] * RATE
        assert_problem(tried[-1], 429)
        assert 0 < int(tried[-1].headers["Retry-After"]) <= 60
        spoofed = get(f"{limited}/summary/", "guess", headers={"X-Forwarded-For": "203.0.113.7"})
        assert_problem(spoofed, 429)
        # Whoever shares the address and has a token is let in.
        assert get(f"{limited}/summary/", token).status_code == 200


def test_api3_broken_object_property_level_authorization(api, token):
    """An answer holds fields that are not meant for the caller, or he can set some.

    It would fail if an answer held a field that the description does not name, for instance one
    that a later version stores beside the figures: every object of it is closed.
    """
    described = get(api.removesuffix("api/v1") + "docs/schema/").json()

    def closed(part):
        if isinstance(part, dict) and part.get("type") == "object" and "properties" in part:
            assert part.get("additionalProperties", True) is not True, part
        for inner in part.values() if isinstance(part, dict) else part:
            if isinstance(inner, dict | list):
                closed(inner)

    closed(
        {
            name: {**part, "examples": []}
            for name, part in described["components"]["schemas"].items()
        }
    )
    for path in PATHS:
        name = re.sub(r"\d+", "{id}", path)
        content = described["paths"][f"/api/v1/{name}"]["get"]["responses"]["200"]["content"]
        answer = get(f"{api}/{path}", token).json()
        shape = {**described, **content["application/json"]["schema"]}
        jsonschema.validate(answer, shape)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**answer, "author": "somebody"}, shape)


def test_api4_unrestricted_resource_consumption(api, audience):
    """One caller takes what is meant for all: requests, rows, bytes.

    It would fail without a rate for each token, without a largest page, or if long requests were
    read to their end.
    """
    busy, calm = (tokens.create(audience, name, 1, date.today()) for name in ("busy", "calm"))
    with serving(API_RATE=f"{RATE}/min") as (_, limited):
        answers = [get(f"{limited}/segments/{n % 5}/", busy) for n in range(RATE + 1)]
        assert [answer.status_code for answer in answers[:-1]] == [200] * RATE
        assert_problem(answers[-1], 429)
        assert 0 < int(answers[-1].headers["Retry-After"]) <= 60
        assert get(f"{limited}/summary/", calm).status_code == 200
        assert get(f"{limited}/health/").status_code == 200
    assert_problem(get(f"{api}/mood/daily/?page_size=101", calm), 400)
    assert get(f"{api}/segments/?{'x' * 300_000}", calm).status_code == 431
    assert get(f"{api}/segments/", calm, "POST", data=b"x" * 70_000).status_code == 413


def test_api5_broken_function_level_authorization(api, audience, token):
    """A caller reaches what is meant for administrators.

    Making and revoking tokens, publishing and erasing are commands on the machine. It would fail if
    any method at any address changed the database.
    """
    before = holdings(audience)
    for path in (*PATHS, "tokens/", "token/create/", "publish/", "publications/current/", "admin/"):
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            headers = {"X-HTTP-Method-Override": "DELETE", "Content-Type": "application/json"}
            body = json.dumps({"name": "mine", "_method": "DELETE", "passed": True})
            answer = get(f"{api}/{path}", token, method, headers, data=body)
            assert_problem(answer, 405 if path in PATHS else 404)
    assert holdings(audience) == before


def test_api6_unrestricted_access_to_sensitive_business_flows(api, token):
    """What is harmless once does harm when a machine does it a thousand times.

    The flow to protect is putting answers together until they are about one person. Here a machine
    takes everything there is; it would fail if there were a person's field in it, or a number of
    people below ten (the certificate is about all of it together, see tests/test_attacks.py).
    """
    everything = crawled(api, token)
    assert len(everything) > len(PATHS) + 3 * len(PUBLICATION["segments"]) - 3
    people = ("authors", "customers", "no_verified", "no_protected", "targets", "k_min")

    def numbers(part):
        for name, inner in part.items() if isinstance(part, dict) else enumerate(part):
            if name in people:
                yield name, inner
            elif isinstance(inner, dict | list):
                yield from numbers(inner)

    published = list(numbers(list(everything.values())))
    assert {name for name, _ in published} == set(people)
    assert [row for row in published if row[1] != "<10" and row[1] < 10] == []
    assert ASSIGNED["_id"][0] not in str(everything)


def test_api7_server_side_request_forgery(api, token):
    """The server is made to call an address of the caller's choice.

    It would fail if anything that a caller sends were called, or if a link in an answer led to a
    host of his choice.
    """
    with socket.create_server(("127.0.0.1", 0)) as bait:
        bait.settimeout(0.1)
        host = f"127.0.0.1:{bait.getsockname()[1]}"
        url = f"http://{host}/"
        for path in PATHS:
            for name in ("url", "next", "callback", "page"):
                assert_problem(get(f"{api}/{path}", token, params={name: url}), 400)
            headers = dict.fromkeys(FORWARDED, host) | {"Referer": url, "Origin": url}
            answer = get(f"{api}/{path}", token, headers=headers)
            assert answer.status_code in (200, 400)
        own = get(f"{api}/segments/?page_size=1", token, headers={"X-Forwarded-Host": host})
        assert own.json()["next"].startswith(f"{api}/segments/?")
        with pytest.raises(TimeoutError):
            bait.accept()
    evil = get(f"{api}/segments/?page_size=1", token, headers={"Host": "evil.example"})
    assert "evil" not in assert_problem(evil, 400)


def test_api8_security_misconfiguration(api, audience, token):
    """Headers are missing, errors tell of the inside, defaults are open.

    It would fail if a browser might guess a type, frame or store an answer, if another site's
    script might read one, or if a failure told what failed. (`check --deploy`: test_api_outages.)
    """
    bodies = []
    for path in (*PATHS, "nowhere/", "segments/99/", "segments/?page=x"):
        for holder, method in ((token, "GET"), (None, "GET"), (token, "DELETE"), (token, "TRACE")):
            answer = get(
                f"{api}/{path}", holder, method, headers={"Origin": "https://evil.example"}
            )
            headers = answer.headers
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["X-Frame-Options"] == "DENY"
            assert headers["Content-Security-Policy"].startswith("default-src 'none'")
            assert headers["Cache-Control"] == "private, no-cache"
            assert headers["Referrer-Policy"] == "same-origin"
            assert not {"Server", "Set-Cookie", "X-Powered-By"} & set(headers)
            assert not [name for name in headers if name.startswith("Access-Control")]
            bodies.append(answer.text)
    broken = audience.client["audience_misconfigured"]
    holder = tokens.create(broken, "tests", 90, date.today())
    nobody = ASSIGNED[:0]
    publications.publish(broken, {**PUBLICATION, "certificate": {}}, nobody, KEY)
    try:
        loaded("audience_misconfigured")
        bodies.append(get(f"{api}/summary/", holder).text)
    finally:
        loaded("audience_test")
    assert "the server failed" in bodies[-1]
    for body in bodies:
        for inside in (
            "Traceback",
            "django",
            "KeyError",
            "/site-packages",
            "pymongo",
            "mongod.sock",
        ):
            assert inside not in body


def test_api9_improper_inventory_management(api, token, monkeypatch):
    """There are addresses that nobody remembers: old versions, tests, what is not described.

    It would fail if an address were served that the description does not name, or the other way
    round.
    """
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "customer_profiles.api.settings")
    from customer_profiles.api import urls

    described = get(api.removesuffix("api/v1") + "docs/schema/").json()["paths"]
    assert all(isinstance(row, URLPattern) for row in urls.V1)
    served = {f"/api/v1/{row.pattern}".replace("<int:id>", "{id}") for row in urls.V1}
    assert served == set(described)
    assert served == {"/api/v1/" + re.sub(r"\d+", "{id}", path) for path in PATHS}
    top = api.removesuffix("api/v1")
    old = ("api/", "api/v0/segments/", "api/v2/segments/", "api/segments/", "admin/", "schema/")
    for path in (
        *old,
        "static/",
        "media/",
        "debug/",
        "metrics",
        "robots.txt",
        ".env",
        ".git/config",
    ):
        assert_problem(get(top + path, token), 404)


def test_api10_unsafe_consumption_of_apis(api, token):
    """What comes from another service is trusted: here, what comes from X by way of the database.

    It would fail if a hostile text in a publication became a script in a browser or a formula in a
    spreadsheet.
    """
    for path in ("segments/", "segments/2/", "segments/2/brief/", "segments/2/brief/?format=md"):
        answer = get(f"{api}/{path}", token)
        assert answer.headers["Content-Type"].split(";")[0] in ("application/json", "text/markdown")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert get(f"{api}/segments/2/", token).json()["name"] == HOSTILE
    table = get(f"{api}/segments/?format=csv", token)
    for row in csv.reader(io.StringIO(table.text)):
        for cell in row:
            number = re.fullmatch(r"-?[\d.]+", cell)
            assert number or not cell.startswith(("=", "+", "-", "@", "\t", "\r")), cell
    assert table.headers["Content-Disposition"].startswith("attachment")
