"""What a marketer reads when X says no, and that no token is ever in it."""

import logging
import socket
import time
import traceback
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from urllib.parse import unquote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from customer_profiles.bench.loopback.faults import FAULTS, TOKEN
from customer_profiles.bench.loopback.posts import invented
from customer_profiles.bench.loopback.server import BRAND, XServer
from customer_profiles.bench.loopback.ways import (
    BOUNDS,
    MENTION,
    QUERY,
    by_archive,
    by_mentions,
    by_search,
)
from customer_profiles.collect.x_api import endpoints, errors
from customer_profiles.collect.x_api.client import Client
from customer_profiles.collect.x_api.transport import TIMEOUTS, Timeouts

CONSOLE = "https://console.x.com"


def failed(ask, fault, way=by_search, **options):
    """What `way` raises when `fault` does not pass."""
    with XServer(invented(5, time.time(), [MENTION]), [fault] * 3) as x:
        client = ask(x, attempts=2, **options)
        with pytest.raises(errors.XError) as caught:
            list(way(client))
    return caught.value, len(x.requests)


@pytest.mark.parametrize(
    ("fault", "kind", "message"),
    [
        ("400", errors.BadRequest, ["(400)", "handles and keywords", "Rules must be 512 or less"]),
        ("401", errors.Unauthorized, ["(401)", "make a new one", CONSOLE, "X_BEARER_TOKEN"]),
        ("402", errors.PaymentRequired, ["(402)", "credits", "Billing", CONSOLE, "No credits are"]),
        ("403", errors.Forbidden, ["(403)", "reading posts and users", CONSOLE, "to a Project"]),
        ("404", errors.NotFound, ["(404)", "handle is written"]),
        ("429 month", errors.PaymentRequired, ["monthly cap", "Billing", "Monthly product cap"]),
        ("redirect", errors.Unexpected, ["unknown way (302)"]),
        ("error as a list", errors.BadRequest, ["(400)", "Odd query"]),
    ],
)
def test_a_refusal_is_told_with_the_way_out_and_not_asked_again(ask, fault, kind, message):
    error, requests = failed(ask, fault)
    assert type(error) is kind
    assert [part for part in message if part not in str(error)] == []
    assert "\n" not in str(error)
    assert requests == 1


@pytest.mark.parametrize(
    ("fault", "kind", "message"),
    [
        ("429", errors.RateLimited, "(429), for 600 s more; X says: Too Many Requests"),
        ("429 no reset", errors.RateLimited, "requests in 15 minutes is reached (429); X says"),
        ("429 this second", errors.RateLimited, "one request a second is reached"),
        ("500", errors.ServerError, "a fault of its own (500); X says: Internal Server Error"),
        ("502", errors.ServerError, "a fault of its own (502) (given up"),
        ("503", errors.Busy, "X is overloaded (503)"),
        ("504", errors.ServerError, "a fault of its own (504)"),
        ("hang", errors.TimedOut, "X did not answer in time"),
        ("trickle", errors.TimedOut, "X did not answer within"),
        ("endless headers", errors.TimedOut, "X did not answer within"),
        ("dropped", errors.ConnectionLost, "the line broke; look at this machine's network"),
        ("reset", errors.ConnectionLost, "the line broke"),
        ("truncated", errors.BrokenAnswer, "it is no JSON object"),
        ("list", errors.BrokenAnswer, "it is no JSON object"),
        ("no object", errors.BrokenAnswer, "it is no JSON object"),
        ("no meta", errors.BrokenAnswer, "does not say whether more follows"),
    ],
)
def test_what_may_pass_is_asked_again_and_told_in_the_end(ask, fault, kind, message):
    options = {"timeouts": BOUNDS[fault]} if fault in BOUNDS else {}
    error, requests = failed(ask, fault, **options)
    assert type(error) is kind
    assert isinstance(error, errors.TryAgain)
    assert message in str(error)
    assert str(error).endswith("(given up after 2 attempts; run the same again later)")
    assert requests == 2


def test_a_full_archive_that_is_not_allowed_is_told_what_is(ask):
    error, _ = failed(ask, "403", by_archive)
    assert "search and counts need Self-serve or Enterprise access" in str(error)
    assert "recent search, of the last seven days, less" in str(error)
    assert CONSOLE in str(error)


@pytest.mark.parametrize("token", [None, "", "  "])
def test_without_a_token_it_is_told_where_to_get_one_and_how_to_do_without(token):
    with pytest.raises(errors.NoToken) as caught:
        Client(token)
    message = str(caught.value)
    for part in ("X_BEARER_TOKEN is empty or not set", CONSOLE, "make repro X_ARCHIVE=<folder>"):
        assert part in message


@pytest.mark.parametrize("token", [f"Bearer {TOKEN}", f"{TOKEN}\r\nX-Other: 1", f"{TOKEN}é"])
def test_what_cannot_be_a_token_is_refused_unsaid(token):
    with pytest.raises(errors.NoToken, match="it has blanks or signs that are in none") as caught:
        Client(token)
    assert TOKEN not in str(caught.value)


def test_a_token_read_from_a_file_may_end_its_line(ask):
    with XServer(invented(5, time.time())) as x:
        assert len(list(by_search(ask(x, token=f"{TOKEN}\n")))) == 1


def test_a_wrong_token_is_told(ask):
    with XServer() as x, pytest.raises(errors.Unauthorized, match="does not know the bearer"):
        list(by_search(ask(x, token="another")))


def test_where_nobody_listens_the_network_is_named(waits):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    client = Client(TOKEN, f"http://127.0.0.1:{port}", attempts=2, sleep=waits)
    with pytest.raises(errors.Unreachable, match="X cannot be reached"):
        list(by_search(client))


def test_where_no_connection_is_taken_nothing_is_in_doubt(ask):
    with socket.create_server(("127.0.0.1", 0), backlog=0) as deaf, ExitStack() as waiting:
        for _ in range(2):  # fill the queue of those who wait to be taken
            other = waiting.enter_context(socket.socket())
            other.setblocking(False)
            other.connect_ex(deaf.getsockname())
        client = Client(
            TOKEN, f"http://127.0.0.1:{deaf.getsockname()[1]}", Timeouts(connect=0.1),
            attempts=2, sleep=lambda seconds: None,
        )  # fmt: skip
        with pytest.raises(errors.Unreachable, match="X cannot be reached"):
            next(by_search(client))
    assert not client.in_doubt


@pytest.mark.parametrize(
    "host",
    [
        "http://api.x.com",
        "api.x.com",
        "ftp://127.0.0.1",
        "https://api.x.com/2",
        "https://a:b@x.com",
    ],
)
def test_a_host_that_the_token_should_not_go_to_is_refused(host):
    with pytest.raises(ValueError, match=r"must be https:// and a name") as caught:
        Client(TOKEN, host)
    assert "a:b" not in str(caught.value)


@pytest.mark.parametrize(
    ("setting", "message"),
    [({"fields": "posts"}, "must be tweet or post"), ({"attempts": 0}, "must be 1 or more, got 0")],
)
def test_a_setting_that_cannot_be_is_refused(setting, message):
    with pytest.raises(ValueError, match=message):
        Client(TOKEN, **setting)


def test_a_proxy_of_the_environment_and_a_netrc_are_passed_by(ask, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine api.twitter.com login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with XServer(invented(5, time.time())) as x:
        assert len(list(by_search(ask(x)))) == 1


# No token, no person


def traces(error):
    """All that can be printed of an exception and of those behind it."""
    seen = []
    while error is not None and error not in seen:
        seen.append(error)
        error = error.__cause__ or error.__context__
    texts = [show(one) for one in seen for show in (str, repr)]
    return [*texts, *traceback.format_exception(seen[0])]


@pytest.mark.parametrize("fault", [None, *FAULTS])
def test_nothing_that_is_logged_raised_or_shown_holds_a_token_or_a_person(ask, caplog, fault):
    caplog.set_level(logging.DEBUG)
    posts = invented(15, time.time(), [MENTION])
    texts, timeouts = [], BOUNDS.get(fault, TIMEOUTS)
    for way in (by_search, by_mentions):
        with XServer(posts, [None, fault, fault, fault]) as x:
            client = ask(x, attempts=1 if fault in BOUNDS else 2, timeouts=timeouts)
            try:
                pages = list(way(client))
                texts += [repr(pages), str(pages[0])]
            except errors.XError as error:
                texts += traces(error)
            texts += [repr(client), str(client)]
    texts += [
        part for record in caplog.records for part in (record.getMessage(), repr(record.args))
    ]
    people = [BRAND["id"], MENTION, *(post["id"] for post in posts), "9000900090", "nobody_"]
    secrets = [TOKEN, unquote(TOKEN), TOKEN[:20], "Bearer A", *people]
    assert [(secret, text) for secret in secrets for text in texts if secret in text] == []
    assert fault in (None, "no text", "disorder") or len(caplog.records) + len(texts) > 6


def test_a_token_that_x_repeats_is_hidden(ask):
    error, _ = failed(ask, "token in the detail")
    assert "X says: (hidden) is odd" in str(error)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("the token s3cret!t is old", "the token (hidden) is old"),
        ("the token s3cret%21t is old", "the token (hidden) is old"),
        ("Authorization: bearer abc", "Authorization: (hidden)"),
        ("AAAAAAAAAAAAAAAAAAAAAMLheAAAAAAA0%2BuSei", "(hidden)"),
        ("since_id 1346889436626259968 is old", "since_id (hidden) is old"),
        ("user @somebody_else is suspended", "user (hidden) is suspended"),
        ("see https://api.x.com/2/problems/usage-capped", None),
        ("start_time 2026-05-04T00:00:00Z is over 7 days old", None),
    ],
)
def test_what_looks_like_a_token_or_a_person_is_hidden_and_the_rest_left(text, left):
    assert errors.redacted(text, "s3cret!t") == (text if left is None else left)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"detail": "One.", "errors": [{"message": "Two."}, {"message": "One."}]}', "Two. One"),
        ('{"title": "Only a title"}', "Only a title"),
        ('{"errors": ["plain", 5, null], "detail": 7}', "plain"),
        ('["a", {"message": "b"}]', "a. b"),
        ("<html>", ""),
        ("5", ""),
        ("[" * 100_000, ""),
        ('{"detail": "two\\nlines"}', "two lines"),
    ],
)
def test_what_x_says_is_found_in_every_form_of_an_error(body, expected):
    assert errors.detail(body, TOKEN) == expected


def test_what_x_says_is_cut_where_it_gets_long():
    assert len(errors.detail('{"detail": "' + "no " * 1000 + '"}', TOKEN)) == 300


# Over TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A file with a certificate of 127.0.0.1's own, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "certificate.pem"
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    encoded = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    file.write_bytes(made.public_bytes(pem) + encoded)
    return file


def test_over_tls_a_certificate_that_nobody_knows_is_refused(ask, certificate):
    with XServer(certificate=certificate) as x:
        with pytest.raises(errors.ConnectionLost, match="certificate is not accepted"):
            list(by_search(ask(x, attempts=1)))
        assert x.requests == []


def test_over_tls_pages_come_and_what_never_ends_is_cut_off(ask, certificate, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    posts = invented(25, time.time())
    with XServer(posts, ["trickle", "endless headers"], certificate=certificate) as x:
        read = list(endpoints.search(ask(x, timeouts=BOUNDS["trickle"]), QUERY, size=10))
    assert [len(page.body["data"]) for page in read] == [10, 10, 5]
    assert x.faults == []
