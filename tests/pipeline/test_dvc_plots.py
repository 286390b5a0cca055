"""The page of DVC's plots needs no network."""

import shutil

import pytest

from customer_profiles.pipeline import dvc_plots

pytestmark = pytest.mark.long


def test_the_template_has_what_dvc_fills_and_loads_nothing():
    page = dvc_plots.template()
    assert page.count("{plot_divs}") == page.count("{refresh_tag}") == 1
    assert "{scripts}" not in page
    assert "src=" not in page[: page.index("<script>")]
    assert page.count("</script>") == 1


@pytest.mark.skipif(not shutil.which("chromium"), reason="there is no chromium on PATH")
@pytest.mark.parametrize("revisions", [["show"], ["diff", "HEAD", "workspace"]])
def test_a_browser_without_a_network_draws_the_curves(fresh, tmp_path, revisions):
    from playwright.sync_api import expect, sync_playwright

    copy = fresh.copy(tmp_path / "project")
    copy.commit()
    copy.call("customer-profiles", "plots", ".dvc/tmp/plots.html")
    template = ("--html-template", ".dvc/tmp/plots.html")
    copy.call("dvc", "plots", *revisions, *template, "--out", "data/reports/plots")
    requests = []
    with sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(offline=True)
        page.on("request", lambda request: requests.append(request.url))
        page.goto((copy.root / "data/reports/plots/index.html").as_uri())
        # Training loss by step; a curve of one epoch is a point.
        steps = page.locator("svg", has_text="Training loss by step").locator("g.mark-line path")
        expect(steps.first).to_be_visible()
        assert steps.first.get_attribute("d").count("L") >= 1
        epochs = page.locator("svg", has_text="Accuracy by epoch")
        expect(epochs.locator("g.mark-symbol path").first).to_be_visible()
        browser.close()
    assert [url for url in requests if not url.startswith("file:")] == []
