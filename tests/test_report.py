"""The HTML report and the last words of a run."""

import json
import re

import pytest

from customer_profiles import overview, report

SEGMENT = {
    "id": 0, "customers": 40, "share": 1.0, "avg_polarity": 0.7, "avg_subjectivity": 0.4,
    "no_verified": "<10", "no_protected": "<10", "avg_favorites": 2.7, "avg_tweets": 1.4,
    "avg_account_tweets": 2400.0, "avg_followers": 63000.0,
}  # fmt: skip
PUBLISHED = {
    "k": 10, "k_min": 12, "uniqueness": 0.0, "suppressed_share": 0.05,
    "attacks": {
        "exact_join": {"success": 0.0042, "bound": 0.1, "targets": 990},
        "small_groups": {"success": 0.0833, "bound": 0.1, "targets": 12},
    },
}  # fmt: skip
AT_REST = {"uniqueness": 0.8, "linkage": 0.33, "linkage_with_posts": 0.65, "dictionary": 0.0}
PUBLICATION = {
    "_id": "0" * 16,
    "summary": {
        "authors": 1040, "posts": 3000, "first_day": "2026-05-02", "last_day": "2026-06-30",
        "avg_polarity": 0.53, "avg_subjectivity": 0.4,
        "clusters": {"verdict": "stable <structure>"},
        "mood": {"negative": 0.28, "neutral": 0.19, "positive": 0.53},
    },
    "segments": [SEGMENT],
    "cells": [{"segment": 0, "followers": "under 100", "account_posts": "100 and more",
               "authors": 40}],
    "mood_daily": [],
    "certificate": {"passed": True, "published": PUBLISHED, "at_rest": AT_REST},
    "provenance": {"sample": True},
}  # fmt: skip
FIGURES = {"mood": "<svg><title>mood</title></svg>", "elbow": "<svg><title>elbow</title></svg>"}


def test_the_report_shows_the_figures_of_the_publication():
    page = report.render(PUBLICATION, FIGURES)
    for shown in ("1,040", "Segment 1", "63,000", "2.7", "&lt;10", "28%", "an invented brand"):
        assert shown in page, shown
    assert FIGURES["mood"] in page
    assert FIGURES["elbow"] in page


def test_the_report_shows_every_tier_of_a_cell_and_can_do_without_cells():
    cell = {"segment": 2, "followers": "10", "listed": "3 to 299", "verified": "1", "authors": 17}
    page = report.render({**PUBLICATION, "cells": [cell]}, FIGURES)
    table = page[page.index("<th>segment</th>") :]
    head = re.findall(r"<th>([^<]*)</th>", table[: table.index("</thead>")])
    assert head == ["segment", "followers", "lists it is on", "verified", "authors"]
    for shown in ("3", "10", "3 to 299", "1", "17"):
        assert f"<td>{shown}</td>" in page
    assert "<th>segment</th>" in report.render({**PUBLICATION, "cells": []}, FIGURES)


def test_the_report_says_what_each_attacker_does_and_how_often_he_succeeds():
    page = report.render(PUBLICATION, FIGURES)
    assert "It may be 10.0% at most" in page
    for does, success in (("looks up everybody", "0.4%"), ("subtracts published", "8.3%")):
        assert re.search(rf"<td>{does}[^<]*</td><td>{success}</td>", page)
    assert "differencing" not in page
    for stolen in ("80%", "33%", "65%", "0.0%"):
        assert f"<td>{stolen}</td>" in page


def test_the_report_asks_for_nothing_from_elsewhere():
    page = report.render(PUBLICATION, FIGURES)
    assert not re.search(r"(src|href|url\(|@import|<script)", page)


def test_what_the_publication_says_cannot_become_markup():
    assert "stable &lt;structure&gt;" in report.render(PUBLICATION, FIGURES)


def test_a_certificate_that_did_not_pass_is_said_so():
    failed = {**PUBLICATION["certificate"], "passed": False}
    page = report.render({**PUBLICATION, "certificate": failed}, FIGURES)
    assert "certificate not passed" in page
    assert "certificate passed" not in page


def test_a_run_ends_with_what_it_found_and_where_to_look(project):
    reports = project / "data" / "reports"
    reports.mkdir(parents=True)
    accuracy = {"accuracy": 0.8245, "low": 0.782, "high": 0.86, "n": 359}
    sentiment = {"manual2": accuracy, "manual3": {"accuracy": 0.6, "n": 498},
                 "baselines": {"tfidf": {"accuracy": 0.7}}}  # fmt: skip
    clusters = {"k": 2, "verdict": "stable structure", "sizes": [30, "<10"]}
    for name, value in (("sentiment", sentiment), ("clusters", clusters)):
        (reports / f"{name}.json").write_text(json.dumps(value))
    with pytest.raises(FileNotFoundError, match=r"privacy\.json"):
        overview.overview()
    (reports / "privacy.json").write_text(json.dumps({"passed": False, "published": PUBLISHED}))
    text = overview.overview()
    for shown in ("82.5% (78.2% to 86.0%, 359", "60.0% (498)", "sizes [30, '<10']", "NOT PASSED"):
        assert shown in text, shown
    assert "make serve" in text
