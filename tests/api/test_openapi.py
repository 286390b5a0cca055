"""The API is what its description says, to whoever tries it with and without a token."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import requests

from tests.api.served import PATHS, PROTECTED, assert_problem, get

READING = Path(__file__).parents[2] / "docs/reading.md"
BOUNDED = ["--checks", "all", "--max-examples", "12", "--seed", "7", "--workers", "2"]
# What stands for the id of a segment.
TEMPLATE = re.compile(r"(?<=segments/)\d+")


@pytest.fixture(scope="module")
def described(api):
    """The description, as it is served: to everybody."""
    answer = get(address(api, "schema/"))
    assert answer.headers["Content-Type"] == "application/vnd.oai.openapi+json"
    return answer.json()


def address(api, path):
    return api.removesuffix("api/v1") + f"docs/{path}"


def schemathesis(api, folder, *options):
    """What schemathesis reports of the running server."""
    report = folder / "report.json"
    command = [sys.executable, "-m", "schemathesis.cli", "run", address(api, "schema/"), *BOUNDED]
    command += ["--report", "json", "--report-json-path", str(report), *options]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    written = json.loads(report.read_text())
    assert (written["failures"], written["errors"]) == ([], [])
    assert written["operations"]["tested"] == len(PATHS)
    assert {phase["status"] for phase in written["phases"].values()} == {"success"}
    return written["test_cases"]["generated"], written["warnings"]


@pytest.mark.long
def test_schemathesis_finds_nothing_with_a_token(api, token, tmp_path):
    cases, warnings = schemathesis(api, tmp_path, "--header", f"Authorization: Bearer {token}")
    assert cases > 300
    assert warnings["missing_auth"] == []


@pytest.mark.long
def test_schemathesis_finds_nothing_without_a_token_and_is_let_in_nowhere(api, tmp_path):
    cases, warnings = schemathesis(api, tmp_path)
    assert cases > 300
    closed = {f"GET /api/v1/{TEMPLATE.sub('{id}', path)}" for path in PROTECTED}
    assert set(warnings["missing_auth"]) == closed


def test_the_description_is_valid_openapi_without_a_warning():
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "customer_profiles.api.settings"}
    generate = ["django", "spectacular", "--fail-on-warn", "--validate"]
    ended = subprocess.run(
        [sys.executable, "-m", *generate], capture_output=True, text=True, check=False,
        env=environment,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("openapi: 3.1")
    assert ended.stderr == ""


@pytest.mark.parametrize("path", PATHS)
def test_an_answer_has_the_shape_described_and_so_has_its_example(api, token, described, path):
    operation = described["paths"][f"/api/v1/{TEMPLATE.sub('{id}', path)}"]["get"]
    shape = operation["responses"]["200"]["content"]["application/json"]["schema"]
    jsonschema.validate(get(f"{api}/{path}", token).json(), {**described, **shape})
    component = described["components"]["schemas"][shape["$ref"].split("/")[-1]]
    assert component["examples"]
    for example in component["examples"]:
        jsonschema.validate(example, {**described, **shape})


def test_a_problem_has_the_shape_described_and_so_has_every_example(api, described):
    shape = {**described, "$ref": "#/components/schemas/Problem"}
    jsonschema.validate(get(f"{api}/summary/").json(), shape)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"detail": "told in another way"}, shape)
    for operations in described["paths"].values():
        for status, response in operations["get"]["responses"].items():
            if status >= "400":
                (example,) = response["content"]["application/problem+json"]["examples"].values()
                jsonschema.validate(example["value"], shape)
                assert str(example["value"]["status"]) == status


def test_parameters_have_bounds(described):
    listed = described["paths"]["/api/v1/segments/"]["get"]["parameters"]
    bounds = {row["name"]: row["schema"] for row in listed}
    assert bounds == {
        "format": {"type": "string", "enum": ["csv", "json"]},
        "page": {"type": "integer", "minimum": 1, "default": 1},
        "page_size": {"type": "integer", "minimum": 1, "maximum": 100, "default": 25},
    }


def test_the_documentation_needs_no_network_no_token_and_no_inline_script(api, described, browser):
    urls, logged = [], []
    with browser.new_page() as page:
        page.on("request", lambda request: urls.append(request.url))
        page.on("console", lambda message: logged.append(message.text))
        answer = page.goto(address(api, ""))
        page.wait_for_selector(".opblock")
        assert page.locator(".opblock").count() == len(PATHS)
    assert logged == []  # the browser tells there what the policy forbids
    assert "'unsafe" not in answer.headers["content-security-policy"]
    assert {url.split("/docs/")[0] + "/api/v1" for url in urls} == {api}


@pytest.mark.parametrize("path", ["", "start.js", "schema/", "swagger-ui-bundle.js"])
def test_a_file_of_the_documentation_can_only_be_read(api, path):
    url = address(api, path)
    with requests.Session() as session:
        assert session.head(url, timeout=30).content == b""
        assert session.get(url, timeout=30).status_code == 200
        assert session.post(url, timeout=30).status_code == 405


@pytest.mark.parametrize("path", ["LICENSE", "../../__init__.py", "%2e%2e/%2e%2e/apps.py"])
def test_nothing_else_lies_among_the_files_of_the_documentation(api, path):
    request = requests.Request("GET", address(api, "")).prepare()
    request.url = address(api, path)  # as it is: nobody has shortened the path
    with requests.Session() as session:
        assert_problem(session.send(request, timeout=30), 404)


def test_the_documentation_names_every_address_and_no_other():
    table = (
        READING.read_text(encoding="utf-8").partition("below `/api/v1/`")[2].partition("\n\n")[0]
    )
    cells = re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE)
    named = [path.replace("<id>", "1") for cell in cells for path in re.findall("`(.*?)`", cell)]
    assert sorted(named) == sorted(PATHS)
