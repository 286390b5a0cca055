"""Pictures of the last report and of MLflow's own page: `python docs/screenshot.py`.

Writes docs/figures/report.png and mlflow.png. Needs a finished run, and Chromium.
"""

import shutil
import socket
import subprocess
import sys
import time
import urllib.request

from playwright.sync_api import sync_playwright

from customer_profiles.pipeline.tracking import runs, server
from customer_profiles.project import paths

CHART = '[data-component-id="fullscreen_button_chartcard"]'


def main() -> None:
    report = paths.inside("data/reports/segments.html")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    links = server.links(port)
    if "sentiment" not in links or not report.is_file():
        sys.exit("there is no finished run to show: `make repro` makes one")
    page = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", runs.uri(),
         "--port", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait(f"http://127.0.0.1:{port}/health")
        _shoot("mlflow.png", f"{links['sentiment']}&compareRunsMode=CHART", CHART, (1300, 860))
        _shoot("report.png", report.as_uri(), "article", (1280, 1130))
    finally:
        page.terminate()
        page.wait()


def _shoot(name: str, address: str, until: str, size: tuple[int, int]) -> None:
    """A picture of what is at `address`, when the element `until` is there."""
    with sync_playwright() as browsers:
        browser = browsers.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": size[0], "height": size[1]})
        page.goto(address)
        page.locator(until).first.wait_for(timeout=120_000)
        for button in page.get_by_role("button", name="Close", exact=True).all():
            button.click()  # MLflow opens a chat beside the charts
        page.wait_for_timeout(5000)  # charts draw themselves by and by
        page.screenshot(path=paths.inside("docs/figures", name))
        browser.close()


def _wait(address: str, seconds: int = 180) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()  # noqa: S310
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.3)


if __name__ == "__main__":
    main()
