"""The HTML report and the last words of a run."""

import json
import re
import shutil
from pathlib import Path

import pytest

from customer_profiles.pipeline import summary
from customer_profiles.project import params
from customer_profiles.project.vocabulary import VERDICT_NAMES, VERDICTS
from customer_profiles.publication import report
from tests.publication.published import NAMES, audience

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
WIDE = {"width": 1280, "height": 900}
FILE = re.compile(r"^(file|data):")


@pytest.fixture(scope="module")
def opened(browser, tmp_path_factory):
    """Function that opens a report from disk; in the end nothing was asked for, nothing failed."""
    requests, logged = [], []
    folder = tmp_path_factory.mktemp("reports")
    context = browser.new_context(viewport=WIDE)

    def show(publication):
        page = context.new_page()
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: logged.append(message.text))
        page.on("pageerror", lambda error: logged.append(str(error)))
        page.goto(saved(folder, publication))
        return page

    yield show
    context.close()
    assert [url for url in requests if not FILE.match(url)] == []
    assert logged == []


@pytest.fixture(scope="module")
def whole(opened):
    """The report of an ordinary publication, for tests that leave it as it is."""
    return opened(audience())


def saved(folder, publication):
    """Address of the report on disk."""
    file = folder / "segments.html"
    file.write_text(report.render(publication), encoding="utf-8")
    return file.as_uri()


def cards(page):
    return page.locator("article h3").all_inner_texts()


def test_the_report_opens_from_disk_and_has_a_card_for_every_segment(whole):
    assert cards(whole) == [f"{place} {name}" for place, name in enumerate(NAMES, 1)]
    card = whole.locator("article").first
    assert audience()["segments"][0]["brief"]["headline"] in card.inner_text()
    assert "Not shown" not in whole.locator("#overview").inner_text()
    assert whole.locator("#overview dd").first.inner_text() == "1,500"
    assert whole.locator("#sign-in").is_hidden()
    assert whole.locator("#sign-out").is_hidden()


def test_every_chart_of_the_report_is_drawn(whole):
    sizes = "all => all.map(shape => shape.getBoundingClientRect()).map(b => [b.width, b.height])"
    for drawn, many in (("#mood .column", 60), ("#map .bubble circle", 5), (".curves .point", 36)):
        whole.locator(drawn).first.wait_for()
        boxes = whole.locator(drawn).evaluate_all(sizes)
        assert len(boxes) == many
        assert min(min(box) for box in boxes) > 1


def test_every_chart_says_how_to_read_it(whole):
    drawn = whole.locator("figure", has=whole.locator(".chart"))
    assert drawn.count() == 6
    assert all(len(text) > 20 for text in drawn.locator("> .soft").all_inner_texts())
    assert whole.locator("article", has_text="posts by weekday").count() == len(NAMES)
    how = whole.locator("#segments > details")
    how.locator("summary").click()
    assert "95% interval" in how.inner_text()


def test_a_day_that_is_not_shown_is_a_gap_in_the_line(opened):
    publication = audience()
    del publication["mood_daily"][20]
    lines = opened(publication).locator("#mood path.line")
    lines.first.wait_for()
    assert lines.count() == 2


def test_what_a_publication_says_cannot_become_markup(opened):
    publication = audience()
    name = "</script><script>document.title = 'taken'</script><!--<b>$given"
    publication["segments"][0]["name"] = name
    publication["summary"]["clusters"]["reason"] = "<img src=x onerror=alert(1)>"
    page = opened(publication)
    assert cards(page)[0] == f"1 {name}"
    assert page.title() == "Audience segments"
    assert page.locator("main img").count() == 0


def test_a_caution_about_the_model_stands_on_the_page_and_only_if_there_is_one(opened):
    publication = audience()
    publication["summary"]["caution"] = "The model learned from 4,120 invented posts only."
    caution = opened(publication).locator("#overview .caution")
    assert caution.inner_text() == "The model learned from 4,120 invented posts only."
    assert caution.bounding_box()["height"] > 10
    publication["summary"]["caution"] = ""
    page = opened(publication)
    page.locator("article").first.wait_for()
    assert page.locator(".caution").count() == 0


def test_the_policy_of_the_report_forbids_what_it_does_not_need(browser, tmp_path):
    page = browser.new_page()
    page.goto(saved(tmp_path, audience()))
    with page.expect_console_message() as logged:
        page.evaluate("fetch('https://example.org').catch(() => null)")
    assert "Content Security Policy" in logged.value.text
    page.close()


def test_a_report_saves_its_figures_as_the_api_gives_them(whole):
    publication = audience()
    for title, name in (("Mood by day, CSV", "mood.csv"), ("Briefs, Markdown", "briefs.md")):
        with whole.expect_download() as started:
            whole.get_by_role("button", name=title).click()
        assert started.value.suggested_filename == name
        saved = started.value.path().read_bytes().decode()
        assert saved == report.files(publication)[name]
    first = publication["mood_daily"][0]
    row = f"{first['day']},{first['posts']},{first['avg_polarity']}"
    assert report.files(publication)["mood.csv"].splitlines()[1] == row
    with whole.expect_download() as started:
        whole.get_by_role("button", name="Segments, JSON").click()
    assert json.loads(started.value.path().read_text()) == publication["segments"]


def test_the_report_prints_all_cards_with_their_briefs_and_without_what_cannot_be_used(opened):
    page = opened(audience())
    assert page.locator(".brief li").first.is_hidden()
    page.emulate_media(media="print")
    assert page.locator(".brief li").first.is_visible()
    assert page.locator("article:visible").count() == len(NAMES)
    assert page.locator("button:visible, nav:visible, .numbers:visible").count() == 0
    assert len(re.findall(rb"/Type ?/Page\b", page.pdf(format="A4"))) >= 3


def test_one_group_is_said_to_be_one_and_not_drawn_as_a_map(opened):
    publication = audience(1)
    publication["continuity"] |= {"former": None, "born": []}
    page = opened(publication)
    assert cards(page) == [NAMES[0]]
    assert "everybody" in page.locator("#overview").inner_text()
    clusters = page.locator("#clusters").inner_text()
    assert "No split does better than chance." in clusters
    assert "if forced" in clusters
    assert "agrees" not in clusters
    assert page.locator(".bubble, .range").count() == 0
    assert "nothing to lay out on a map" in page.locator("#map").inner_text()
    assert "first publication" in page.locator("#changes").inner_text()


@pytest.mark.parametrize("count", [0, 3])
def test_segments_that_are_not_shown_are_said_to_be_there(opened, count):
    publication = audience()
    left = publication["segments"][count:]
    publication["segments"] = publication["segments"][:count]
    publication["cells"] = [row for row in publication["cells"] if row["segment"] < count]
    publication["continuity"] = {"former": None, "born": [], "died": []}
    page = opened(publication)
    assert f"Not shown: {5 - count} of 5 segments" in page.locator("#overview").inner_text()
    assert ("Fewer than two" in page.locator("#map").inner_text()) == (count < 2)
    assert not any(row["name"] in page.locator("body").inner_text() for row in left)


def test_the_report_says_what_each_attacker_does_and_how_often_he_succeeds(opened):
    publication = audience()
    attacks = publication["certificate"]["published"]["attacks"]
    attacks["small_groups"] = {"success": 0.0833, "bound": 0.1, "targets": 12}
    rows = opened(publication).locator(".attacks tbody tr")
    assert rows.count() == len(attacks)
    assert "line: 10% at most" in rows.locator("xpath=ancestor::table/thead").first.inner_text()
    text = rows.filter(has_text="subtracts published numbers").inner_text()
    assert re.sub(r"\s+", " ", text).endswith("to find a small group 8.3% 12")


def test_a_certificate_that_did_not_pass_is_said_so_with_its_reasons(opened):
    publication = audience()
    publication["certificate"] |= {"passed": False, "reasons": ["exact_join: an attacker finds"]}
    page = opened(publication)
    assert "certificate not passed" in page.locator("#overview").inner_text()
    assert "exact_join: an attacker finds" in page.locator("#certificate").inner_text()


def test_cells_lie_in_order_by_tier_and_the_rest_of_a_segment_is_suppressed(opened):
    publication = audience(2)
    publication["cells"] = [
        {"segment": 0, "listed": "3 to 299", "verified": "1", "authors": 300},
        {"segment": 0, "listed": "under 3", "verified": "1", "authors": 70},
        {"segment": 1, "listed": "under 3", "verified": "0", "authors": 319},
    ]
    table = opened(publication).get_by_role("table", name="Authors by cell")
    rows = [row.locator("th, td").all_inner_texts() for row in table.locator("tr").all()]
    assert rows[0] == ["lists it is on", "verified", "1 Content regulars", "2 Loud critics"]
    assert rows[1:4] == [
        ["under 3", "0", "·", "319"], ["under 3", "1", "70", "·"], ["3 to 299", "1", "300", "·"],
    ]  # fmt: skip
    assert rows[4][2:] == ["15\n(suppressed)", "0"]


def test_where_a_cell_is_a_whole_segment_it_is_said_and_no_table_is_drawn(opened):
    publication = audience(2)
    publication["cells"] = [{"segment": 0, "authors": 385}, {"segment": 1, "authors": 319}]
    page = opened(publication)
    assert "A cell is a whole segment" in page.locator("#map").inner_text()
    assert page.get_by_role("table", name="Authors by cell").count() == 0


@pytest.mark.parametrize(("verdict", "name"), VERDICT_NAMES.items())
def test_a_verdict_is_called_by_its_name_and_explained(opened, verdict, name):
    publication = audience()
    publication["summary"]["clusters"]["verdict"] = verdict
    text = opened(publication).locator("#overview").inner_text()
    assert f"{name} {VERDICTS[verdict]}" in re.sub(r"\s+", " ", text)


def test_the_report_says_what_a_thief_of_the_database_learns(opened):
    publication = audience()
    publication["certificate"]["at_rest"] = {"dictionary": 0, "linkage": 0.043, "uniqueness": 0.013}
    rows = opened(publication).get_by_role("table", name="a thief without the key").locator("tr")
    assert [row.locator("th, td").all_inner_texts() for row in rows.all()] == [
        ["what", "found"],
        ["pseudonyms traced to accounts", "0.0%"],
        ["authors recognised by their posts of each month", "4.3%"],
        ["authors unlike all others in these", "1.3%"],
    ]


def test_what_too_few_people_stand_behind_is_left_empty(opened):
    publication = audience()
    publication["segments"][0] |= {"stability": None, "index": {}}
    publication["segments"][0]["mood"] = {"negative": None, "neutral": 0.4, "positive": None}
    publication |= {"mood_daily": [], "cells": []}
    publication["summary"] |= {"first_day": "", "last_day": ""}
    page = opened(publication)
    first = page.locator("article").first
    bar = first.get_by_role("img", name="negative: too few people to tell, 40% neutral")
    assert bar.locator("rect").count() == 1
    assert first.get_by_role("img", name="Posts by weekday: monday").count() == 1
    assert "All days are suppressed" in page.locator("#mood").inner_text()
    assert "No cell has enough people" in page.locator("#map").inner_text()


def test_without_javascript_the_report_says_what_is_missing(browser, tmp_path):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(saved(tmp_path, audience()))
    assert "JavaScript, which is switched off" in page.locator("main").inner_text()
    context.close()


def test_a_run_ends_with_what_it_found_and_where_to_look(project):
    reports = project / "data" / "reports"
    reports.mkdir(parents=True)
    accuracy = {"accuracy": 0.8245, "low": 0.782, "high": 0.86, "n": 359}
    sentiment = {
        "manual2": accuracy,
        "manual3": {**accuracy, "n": 498},
        "baselines3": {"tfidf": {**accuracy, "accuracy": 0.7}, "vader": accuracy},
        "labelled": {**accuracy, "n": 2000, "ece": 0.0246, "ece_crossfitted": 0.0251,
                     "ece_by_chance": 0.0219, "invented": False},
        "seeds": {"models": ["8", "sentiment"], "manual2": {"mean": 0.82, "sd": 0.01},
                  "manual3": {"mean": 0.7, "sd": 0}},
    }  # fmt: skip
    published = {"k_min": 12, "suppressed_share": 0.05}
    clusters = {"k": 2, "verdict": "by hand", "sizes": [30, "<10"],
                "stability": {"jaccard": [0.9, 0.61], "ari": 0.8}}  # fmt: skip
    shutil.copy(ROOT / "params.yaml", project)
    params.change(project / "params.yaml", {"profile": "standard"})
    pulled = {
        "there": 5326, "posts": 5112, "authors": 1539, "authors_who_only_repost": 40,
        "authors_without_metrics": "<10", "left_out": {"reposts": 10, "posts without a text": 204},
        "files_left_out": {"is a PDF": 2},
    }  # fmt: skip
    for name, value in (("sentiment", sentiment), ("pull", pulled), ("clusters", clusters)):
        (reports / f"{name}.json").write_text(json.dumps(value))
    (project / "data/processed").mkdir()
    legend = {"unread": "2 % of the posts have no words to read", "caution": "Do not trust it."}
    (project / "data/processed/observations.json").write_text(json.dumps(legend))
    with pytest.raises(FileNotFoundError, match=r"privacy\.json"):
        summary.summary()
    (reports / "privacy.json").write_text(json.dumps({"passed": False, "published": published}))
    text = summary.summary()
    for line in (
        "two classes 82.5% (78.2% to 86.0%, n 359 posts labelled by hand); 2 seeds 82.0% ± 1.0%",
        "n 498 posts labelled by hand); 2 seeds 70.0%",
        "archive    5,112 of 5,326 posts used\n           left out: posts without a text, 204\n"
        "           left out: reposts, 10\n           not used: files, 2; each is a PDF\n"
        "           40 authors only repost\n           2 % of the posts have no words to read\n",
        "TF-IDF 70.0%, VADER 82.5%", "n 2,000 posts labelled by people)",
        "error 0.025 (by chance 0.022)", "NOT PASSED", "warning    Do not trust it.\n",
        "2, drawn by hand (Jaccard 0.61 or more, ARI 0.80), sizes [30, '<10']",
    ):  # fmt: skip
        assert line in text, line
    assert "make serve" in text
    for shares, one in (([0.6, 0.4], False), ([1], True)):
        rows = [{"share": share} for share in shares]
        (reports / "segments.json").write_text(json.dumps({"segments": rows}))
        assert ("sizes [30, '<10']; published as one segment" in summary.summary()) == one
    (reports / "segments.json").unlink()
    former = clusters | {"verdict": "drawn by hand"}  # the word of a former version
    (reports / "clusters.json").write_text(json.dumps(former))
    assert summary.summary() == text
    params.change(project / "params.yaml", {"profile": "quick"})
    assert "(78.2% to 86.0%, n 359 invented posts); 2 seeds" in summary.summary()
