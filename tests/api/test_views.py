"""What the API answers: each part of the publication, in pages, as a table, or not again."""

import csv
import io
import subprocess
from pathlib import Path
from urllib.parse import urlencode

import pytest
import requests

from customer_profiles.api.settings import OF_FILES
from customer_profiles.project import files
from customer_profiles.publication import notices
from customer_profiles.store import connection
from tests.api.served import (
    API,
    HOSTILE,
    PATHS,
    PROTECTED,
    PUBLICATION,
    assert_problem,
    get,
)

SEGMENTS = [
    {name: value for name, value in row.items() if name != "brief"}
    for row in PUBLICATION["segments"]
]
CELLS = [row for row in PUBLICATION["cells"] if row["segment"] == 1]
LISTED = {
    "id": PUBLICATION["_id"],
    "current": True,
    "authors": 1500,
    "segments": 5,
    "verdict": "in kind",
    "first_day": "2026-05-01",
    "last_day": "2026-06-30",
}


def whole(url, token, **parameters):
    """All rows of a list, page after page."""
    rows, url = [], f"{url}?{urlencode(parameters)}"
    while url:
        page = get(url, token).json()
        rows += page["results"]
        url = page["next"]
    assert len(rows) == page["count"]
    return rows


@pytest.mark.parametrize(
    ("recorded", "words"),
    [
        (
            {"failed": {"archive": "another", "day": "2026-05-09"}},
            "was of another archive and has published nothing",
        ),
        (
            {"failed": {"archive": "a", "day": "2026-05-09"}},
            "The run of 2026-05-09 has published nothing",
        ),
        ({"withdrawn": "2026-05-09"}, "The publication was withdrawn"),
    ],
)
def test_the_page_says_that_the_last_run_failed_or_what_was_withdrawn(api, recorded, words):
    loaded, state = Path(connection.LOADED), Path(notices.STATE)
    before, page = loaded.read_bytes(), api.removesuffix("api/v1")
    clean = requests.get(page, timeout=30)
    try:
        files.write_json(loaded, {"audience": "audience_test", "archive": "a"})
        files.write_json(state, recorded)
        answer = requests.get(page, timeout=30)
        assert words in answer.text
        assert answer.headers["Content-Security-Policy"] == OF_FILES
        files.write_json(state, {"archive": "a"})
        assert requests.get(page, timeout=30).text == clean.text
    finally:
        loaded.write_bytes(before)
        state.unlink(missing_ok=True)
    assert "published nothing" not in clean.text


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("segments/1/", SEGMENTS[1]),
        (
            "segments/1/brief/",
            {"id": 1, "name": "Loud critics", **PUBLICATION["segments"][1]["brief"]},
        ),
        (
            "summary/",
            {
                **PUBLICATION["summary"],
                "publication": PUBLICATION["_id"],
                "certificate": {"passed": True},
                "sample": False,
            },
        ),
        ("continuity/", PUBLICATION["continuity"]),
        ("privacy/", PUBLICATION["certificate"]),
        ("health/", {"status": "ok", "published": True}),
    ],
)
def test_an_address_tells_its_part_of_the_publication(api, token, path, expected):
    assert get(f"{api}/{path}", token).json() == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("segments/", SEGMENTS),
        ("segments/1/cells/", CELLS),
        ("mood/daily/", PUBLICATION["mood_daily"]),
        ("publications/", [LISTED]),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 100])
def test_a_list_comes_in_pages_as_published(api, token, path, expected, size):
    assert len(expected) > 1 or path == "publications/"
    assert whole(f"{api}/{path}", token, page_size=size) == expected
    assert get(f"{api}/{path}", token).json()["results"] == expected[:25]


def test_publications_kept_beside_the_current_one_are_listed_after_it(api, audience, token):
    url, other = f"{api}/publications/", {**PUBLICATION, "_id": "0" * 16}
    alone = get(url, token)
    audience.published.insert_one(other)
    audience.current.update_one({}, {"$set": {"beside": [other["_id"]]}})
    both = get(url, token, headers={"If-None-Match": alone.headers["ETag"]})
    audience.published.delete_one({"_id": other["_id"]})
    audience.current.update_one({}, {"$set": {"beside": []}})
    former = {**LISTED, "id": other["_id"], "current": False}
    assert both.json()["results"] == [LISTED, former]
    assert get(url, token).json() == alone.json()


@pytest.mark.parametrize(
    ("path", "file", "rows"),
    [
        ("segments/", "segments.csv", SEGMENTS),
        ("segments/1/cells/", "segments-1-cells.csv", CELLS),
        ("mood/daily/", "mood-daily.csv", PUBLICATION["mood_daily"]),
    ],
)
def test_a_list_can_be_had_whole_as_a_table(api, token, path, file, rows):
    table = get(f"{api}/{path}?format=csv", token)
    assert table.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert table.headers["Content-Disposition"] == f'attachment; filename="{file}"'
    assert get(f"{api}/{path}", token, headers={"Accept": "text/csv"}).content == table.content
    parsed = list(csv.DictReader(io.StringIO(table.text)))
    flat = [
        {name: value for name, value in row.items() if type(value) in (int, float)} for row in rows
    ]
    assert [
        {name: float(row[name]) for name in wanted}
        for row, wanted in zip(parsed, flat, strict=True)
    ] == flat


def test_a_spreadsheet_finds_no_formula_in_a_table(api, token):
    table = get(f"{api}/segments/?format=csv", token).text
    names = [row["name"] for row in csv.DictReader(io.StringIO(table))]
    assert names[2] == "'" + HOSTILE
    assert names[1] == "Loud critics"


def test_a_brief_can_be_had_in_markdown(api, token):
    written = get(f"{api}/segments/1/brief/?format=md", token)
    assert written.headers["Content-Type"] == "text/markdown; charset=utf-8"
    assert "# Loud critics" in written.text
    assert PUBLICATION["segments"][1]["brief"]["headline"] in written.text
    same = get(f"{api}/segments/1/brief/", token, headers={"Accept": "text/markdown"})
    assert same.content == written.content


@pytest.mark.parametrize("path", PROTECTED)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_who_has_the_answer_already_is_not_sent_it_again(api, token, path, method):
    url = f"{api}/{path}"
    tag = get(url, token).headers["ETag"]
    for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        again = get(url, token, method, headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["ETag"] == tag
        assert again.headers["Vary"] == "Authorization, Accept"
        assert again.headers["Cache-Control"] == "private, no-cache"
    assert get(url, token, method, headers={"If-None-Match": '"other"'}).status_code == 200
    assert_problem(get(url, headers={"If-None-Match": tag}), 401)


def test_an_answer_is_tagged_by_its_publication_and_its_form(api, token):
    tags = {path: get(f"{api}/{path}", token).headers["ETag"] for path in PROTECTED}
    version = PUBLICATION["_id"]
    assert set(tags.values()) == {f'"{version}.json"'}
    for path, form in (("segments/?format=csv", "csv"), ("segments/1/brief/?format=md", "md")):
        assert get(f"{api}/{path}", token).headers["ETag"] == f'"{version}.{form}"'


@pytest.mark.parametrize("path", PATHS)
def test_head_is_get_without_a_body(api, token, path):
    with requests.Session() as session:  # a body would be taken for the next answer
        session.headers["Authorization"] = f"Bearer {token}"
        heads = session.head(f"{api}/{path}", timeout=30)
        answer = session.get(f"{api}/{path}", timeout=30)
    assert (heads.status_code, heads.content) == (200, b"")
    assert heads.headers["Content-Length"] == str(len(answer.content))


LONG = "9" * 5000
MANY = "&".join(f"p{number}=1" for number in range(10_000))


@pytest.mark.parametrize(
    ("path", "status"),
    [
        *((f"segments/?page_size={size}", 400) for size in (0, -1, 101, "all", "", "1e1", LONG)),
        *((f"segments/?page={page}", 400) for page in (0, -1, "last", "", "%F0", LONG)),
        ("segments/?page=2", 404),
        ("mood/daily/?page=99999999999999999999", 404),
        ("segments/?format=xml", 404),
        ("summary/?format=csv", 404),
        ("summary/?format=", 400),
        ("segments/?page=1&page=1", 400),
        ("segments/?author=secret", 400),
        ("health/?author=secret", 400),
        (f"segments/?{MANY}", 400),
        ("segments/5/", 404),
        ("segments/5/cells/", 404),
        ("segments/5/brief/", 404),
        ("segments/-1/", 404),
        ("segments/secret/", 404),
        ("segments/1.0/", 404),
        ("segments/%00/", 404),
        (f"segments/{LONG}/", 404),
        ("secret/", 404),
        ("../../secret", 404),
    ],
)  # fmt: skip
def test_a_bad_question_is_a_problem_that_does_not_repeat_it(api, token, path, status):
    answer = get(f"{api}/{path}", token)
    assert "secret" not in assert_problem(answer, status)
    assert "99999" not in answer.text


def test_a_page_that_is_too_large_is_told_the_largest(api, token):
    assert "100" in assert_problem(get(f"{api}/segments/?page_size=101", token), 400)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_nothing_can_be_written(api, token, method):
    for path in PATHS:
        for body in (b'{"id": 1}', b'{"id": '):
            response = get(f"{api}/{path}", token, method, data=body)
            assert_problem(response, 405)
            assert response.headers["Allow"] == "GET, HEAD"


def test_a_body_that_nobody_asked_for_is_not_read(api, token):
    answer = get(
        f"{api}/summary/", token, data=b'{"id": ', headers={"Content-Type": "application/json"}
    )
    assert answer.json() == get(f"{api}/summary/", token).json()


@pytest.mark.parametrize("path", PATHS)
def test_what_is_not_to_be_had_in_the_wanted_form_is_a_problem(api, token, path):
    assert_problem(get(f"{api}/{path}", token, headers={"Accept": "image/png"}), 406)


def test_a_forgotten_slash_is_added(api, token):
    answer = get(f"{api}/segments?page_size=1", token)
    assert answer.history[0].status_code == 301
    assert answer.json()["results"] == SEGMENTS[:1]


@pytest.mark.parametrize(
    ("query", "body", "status"), [("x" * 300_000, b"", 431), ("", b"x" * 70_000, 413)]
)
def test_what_is_too_long_is_cut_off_and_the_next_is_answered(api, token, query, body, status):
    assert get(f"{api}/segments/?{query}", token, "POST", data=body).status_code == status
    assert get(f"{api}/segments/", token).status_code == 200


def test_an_unknown_path_is_a_problem_in_json(api, token):
    assert "/api/v1/" in assert_problem(get(f"{api}/profiles/", token), 404)


def test_a_token_is_made_listed_and_revoked_on_the_command_line(api):
    def token(*arguments):
        return subprocess.run(
            [*API, "token", *arguments], capture_output=True, text=True, check=False
        )

    made = token("create", "marketing", "--days", "3")
    assert made.stdout.count("\n") == 1
    assert get(f"{api}/summary/", made.stdout.strip()).status_code == 200
    again = token("create", "marketing")
    assert (again.returncode, again.stdout) == (1, "")
    assert "'marketing'" in again.stderr

    listed = token("list").stdout
    assert "marketing\tcreated" in listed
    assert made.stdout.strip() not in listed

    assert token("revoke", "marketing").returncode == 0
    assert_problem(get(f"{api}/summary/", made.stdout.strip()), 401)
