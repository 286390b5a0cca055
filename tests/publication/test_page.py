"""The page at /, in a real Chromium, from a real server with a real database."""

import re
from datetime import date
from itertools import pairwise

import pytest
import requests

from customer_profiles.api.settings import OF_FILES
from customer_profiles.publication import report
from customer_profiles.publication.page.parts import SCRIPTS, STYLE, part
from customer_profiles.store import connection, publications, tokens
from tests.api.served import ASSIGNED, HOSTILE, KEY, PUBLICATION, loaded, publish, serving
from tests.publication import published

pytestmark = pytest.mark.long

WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
NAMES = [f"{row['id'] + 1} {row['name']}" for row in PUBLICATION["segments"]]


@pytest.fixture(scope="module")
def address(api):
    return api.removesuffix("api/v1")


@pytest.fixture(scope="module")
def visit(browser):
    """Function that opens an address in a fresh browser; says what was asked for and logged."""
    contexts = []

    def opened(address, viewport=WIDE, **options):
        contexts.append(browser.new_context(viewport=viewport, **options))
        page = contexts[-1].new_page()
        page.sent, page.logged = [], []
        page.on("request", lambda request: page.sent.append(request))
        page.on("console", lambda message: page.logged.append(message.text))
        page.on("pageerror", lambda error: page.logged.append(str(error)))
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def signed_in(visit, address, token):
    """A page for tests that leave it as it is."""
    return entered(visit(address), token)


def entered(page, token):
    sign_in(page, token)
    page.locator("article").first.wait_for()
    return page


def sign_in(page, token):
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Sign in").click()


def cards(page):
    return page.locator("article h3").all_inner_texts()


def status(page, words):
    """What the page says, once it holds `words`."""
    element = page.get_by_role("status").filter(has_text=words)
    element.wait_for()
    return element.inner_text()


def test_with_the_keyboard_alone_one_signs_in_and_comes_to_the_cards(visit, address, token):
    page = visit(address)
    focused = "document.activeElement.id || document.activeElement.textContent"
    page.keyboard.press("Tab")
    assert page.evaluate(focused) == "Skip to the content"
    page.keyboard.press("Tab")
    assert page.evaluate(focused) == "token"
    page.keyboard.insert_text(token)
    page.keyboard.press("Enter")
    page.locator("article").first.wait_for()
    assert cards(page) == NAMES
    page.wait_for_function(f"({focused}) === 'title'")
    for _ in range(60):  # every control can be reached, and the focus is seen on it
        page.keyboard.press("Tab")
        if page.evaluate(focused) == "Print or PDF":
            break
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    else:
        pytest.fail("the downloads were not reached")
    assert page.logged == []


def test_the_page_shows_what_the_report_shows(signed_in, visit, tmp_path):
    file = tmp_path / "segments.html"
    file.write_text(report.render(PUBLICATION), encoding="utf-8")
    beside = visit(file.as_uri())
    for name in ("#title", "#overview", "#segments", "#mood", "#map", "#clusters", "#changes",
                 "#certificate", "#downloads"):  # fmt: skip
        beside.locator(name).wait_for()
        assert signed_in.locator(name).inner_text() == beside.locator(name).inner_text(), name


def test_a_name_cannot_become_markup(signed_in):
    assert HOSTILE in signed_in.locator("article").nth(2).inner_text()
    assert signed_in.locator("main script:not([type])").count() == 0


def test_every_chart_of_the_page_is_drawn(signed_in):
    drawn = (".mix rect", ".range .dot", "#mood .column", "#mood path.line", ".bubble circle",
             ".curves path.line", ".attack .found")  # fmt: skip
    for name in drawn:
        shape = signed_in.locator(name).last
        shape.wait_for()
        box = shape.bounding_box()
        assert box["width"] > 1, name
        assert box["height"] > 1, name


def test_it_asks_its_own_server_alone_and_names_the_token_to_the_api_alone(
    signed_in, address, token
):
    assert len(signed_in.sent) > 10
    for request in signed_in.sent:
        assert request.url.startswith((address, "data:")), request.url
        assert token not in request.url
        named = request.headers.get("authorization")
        assert named == (f"Bearer {token}" if "/api/v1/" in request.url else None)
    assert signed_in.context.cookies() == []
    assert signed_in.evaluate("localStorage.length") == 0
    assert signed_in.logged == []


def test_a_reload_stays_signed_in_and_signing_out_forgets_the_token(visit, address, token):
    page = entered(visit(address), token)
    page.reload()
    page.locator("article").first.wait_for()
    page.get_by_role("button", name="Sign out").click()
    assert cards(page) == []
    assert page.get_by_label("Token").input_value() == ""
    assert page.evaluate("document.activeElement.id") == "token"
    assert page.evaluate("sessionStorage.length") == 0
    assert token not in page.content()


def test_a_wrong_token_is_refused_in_words_and_can_be_corrected(visit, address, token):
    page = visit(address)
    sign_in(page, "wrong")
    assert "unknown, revoked or expired" in status(page, "Not signed in")
    assert page.evaluate("document.activeElement.id") == "token"
    assert page.evaluate("sessionStorage.length") == 0
    entered(page, f" {token} ")
    assert page.get_by_role("status").inner_text() == ""


def test_what_can_be_no_token_is_not_sent(visit, address):
    page = visit(address)
    sign_in(page, "“token”")
    assert page.locator("#token:invalid").count() == 1
    assert [request.url for request in page.sent if "/api/" in request.url] == []


def test_a_token_revoked_meanwhile_leads_back_to_signing_in(visit, address, audience):
    page = visit(address)
    sign_in(page, tokens.create(audience, "leaver", 90, date.today()))
    page.locator("article").first.wait_for()
    tokens.revoke(audience, "leaver")
    page.get_by_role("button", name="Cells, CSV").click()
    assert "revoked" in status(page, "Not signed in")
    assert cards(page) == []
    assert page.get_by_label("Token").is_visible()


def test_a_publication_with_fewer_segments_that_comes_meanwhile_is_read_instead(
    visit, address, audience, token
):
    fewer = {**published.audience(3), "_id": "f" * 16}
    page = visit(address)

    def replace(route):
        publications.publish(audience, fewer, ASSIGNED, KEY)
        route.continue_()

    page.route("**/segments/4/brief/", replace)  # there is no such segment any more
    assert cards(entered(page, token)) == [
        f"{n} {name}" for n, name in enumerate(published.NAMES[:3], 1)
    ]
    publications.publish(audience, PUBLICATION, ASSIGNED, KEY)


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Segments, CSV", "segments.csv"),
        ("Briefs, Markdown", "briefs.md"),
        ("Cells, CSV", "cells.csv"),
        ("Mood by day, CSV", "mood.csv"),
    ],
)
def test_a_download_is_the_file_that_a_report_holds(signed_in, title, name):
    with signed_in.expect_download() as started:
        signed_in.get_by_role("button", name=title).click()
    assert started.value.suggested_filename == name
    saved = started.value.path().read_bytes().decode()
    assert saved == report.files(PUBLICATION)[name]
    assert status(signed_in, name) == f"{name} is saved."


def test_before_anything_is_published_it_says_so_and_can_be_asked_again(
    visit, address, audience, give_profiles
):
    loaded("audience_new")
    try:
        with connection.database() as database:
            page = visit(address)
            sign_in(page, tokens.create(database, "early", 90, date.today()))
            assert "nothing is published yet" in status(page, "Not available now")
            publish(database, published.audience(2), give_profiles)
            again = page.get_by_role("button", name="Try again")
            assert again.evaluate("button => button === document.activeElement")
            page.keyboard.press("Enter")
            page.locator("article").first.wait_for()
            assert len(cards(page)) == 2
    finally:
        loaded(audience.name)


@pytest.mark.long
def test_a_database_or_a_server_that_is_away_is_said_to_be(visit, loaded_project):
    with serving(MONGODB_URI="no address") as (process, address):
        page = visit(address.removesuffix("api/v1"))
        sign_in(page, "any")
        assert "does not answer" in status(page, "Not available now: the database")
        process.terminate()
        process.wait()
        page.get_by_role("button", name="Try again").click()
        assert "is it running?" in status(page, "Not available now: the server")
        assert page.evaluate("sessionStorage.getItem('token')") == "any"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_a_phone(visit, address, token, scheme):
    page = visit(address, viewport=PHONE, color_scheme=scheme)
    width = "document.documentElement.scrollWidth"
    assert page.evaluate(width) == PHONE["width"]
    sign_in(page, token)
    page.locator(".curves path.line").last.wait_for()
    assert page.evaluate(width) == PHONE["width"]


def test_a_screen_reader_finds_its_way(signed_in):
    signed_in.locator(".curves path.line").last.wait_for()
    headings = signed_in.locator("h1:visible, h2:visible, h3:visible, h4:visible")
    levels = [int(name[1]) for name in headings.evaluate_all("all => all.map(h => h.tagName)")]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(next_ - level <= 1 for level, next_ in pairwise(levels))
    for role in ("banner", "main", "navigation"):
        assert signed_in.get_by_role(role).count() == 1
    tree = signed_in.locator("body").aria_snapshot()
    unnamed = re.findall(
        r"^\s*- (?:button|link|img|textbox|region|table|article)(?::|$)", tree, re.M
    )
    assert unnamed == []
    assert len(re.findall(r'\bimg "', tree)) >= 2 * len(NAMES) + 6
    ids = signed_in.locator("[id]").evaluate_all("all => all.map(node => node.id)")
    assert len(ids) == len(set(ids))
    assert signed_in.locator("html").get_attribute("lang") == "en"


def test_every_chart_of_days_segments_and_criteria_has_its_numbers_in_a_table(signed_in):
    for title, rows in (("Mood by day", 60), ("Segments by mood and reach", 5),
                        ("Criteria by number of segments", 9)):  # fmt: skip
        table = signed_in.locator("table", has=signed_in.locator("caption", has_text=title))
        assert table.is_hidden()
        table.locator("xpath=ancestor::details").locator("summary").click()
        assert table.is_visible()
        assert table.locator("tbody tr").count() == rows


def test_the_files_need_no_token_hold_no_data_and_are_small(address):
    sizes = 0
    for name in ("", STYLE, *SCRIPTS):
        response = requests.get(address + name, timeout=30)
        assert response.status_code == 200
        assert response.headers["Content-Security-Policy"] == OF_FILES
        assert PUBLICATION["segments"][0]["name"] not in response.text
        sizes += len(response.content)
        known = {"If-None-Match": response.headers["ETag"]}
        same = requests.get(address + name, headers=known, timeout=30)
        assert same.status_code == 304
        # It would replace the one that the browser holds.
        assert same.headers.get("Content-Security-Policy", OF_FILES) == OF_FILES
        assert requests.post(address + name, timeout=30).status_code == 405
    assert sizes < 60_000


def luminance(colour):
    """Relative luminance of "#rgb" or "#rrggbb" (WCAG 2.2)."""
    digits = colour.lstrip("#")
    digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    shares = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in shares]
    return sum(weight * v for weight, v in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def mixed(colour, percent, ground):
    parts = [[int(c[at : at + 2], 16) for at in (1, 3, 5)] for c in (colour, ground)]
    shares = [round((a * percent + b * (100 - percent)) / 100) for a, b in zip(*parts, strict=True)]
    return "#" + "".join(f"{share:02x}" for share in shares)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_shapes_can_be_told_from_their_ground(scheme):
    style = part(STYLE)
    blocks = re.findall(r":root \{(.*?)\}", style, re.S)
    colours = dict(re.findall(r"--([\w-]+): (#\w+)", blocks[("light", "dark").index(scheme)]))
    colours = {
        name: c if len(c) == 7 else "#" + "".join(2 * d for d in c[1:])
        for name, c in colours.items()
    }
    for ground in ("paper", "ground"):
        for ink in ("ink", "soft", "accent", "good", "warn"):
            assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
    assert contrast(colours["on-accent"], colours["accent"]) >= 4.5
    for shape in ("negative", "positive", "mark"):
        assert contrast(colours[shape], colours["paper"]) >= 3, shape
    levels = re.findall(r"var\(--(positive|negative)\) (\d+)%, var\(--paper\)", style)
    assert len(levels) == 8
    for name, percent in levels:
        shade = mixed(colours[name], int(percent), colours["paper"])
        assert contrast(colours["ink"], shade) >= 4.5, (name, percent)


def test_classes_have_the_colours_of_the_figures():
    from customer_profiles.project.charts import CLASSES

    style = part(STYLE)
    for name, colour in CLASSES.items():
        assert f"--{name}: {colour};" in style
