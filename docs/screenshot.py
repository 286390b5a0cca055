"""MLflow's own page with the runs of this machine: `python docs/screenshot.py`.

Writes docs/figures/mlflow.png. Needs some runs in the experiment "sentiment", and Chromium.
"""

import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import mlflow
from playwright.sync_api import sync_playwright

from customer_profiles import paths, tracking

SIZE = {"width": 1400, "height": 860}


def main() -> None:
    mlflow.set_tracking_uri(tracking.uri())
    experiment = mlflow.get_experiment_by_name("sentiment")
    if experiment is None:
        sys.exit("there is no run to show: `make repro` makes one")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    server = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", tracking.uri(),
         "--port", port],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        address = f"http://127.0.0.1:{port}"
        _wait(f"{address}/health")
        _shoot(f"{address}/#/experiments/{experiment.experiment_id}/runs?compareRunsMode=CHART")
    finally:
        server.terminate()
        server.wait()


def _shoot(address: str) -> None:
    with sync_playwright() as browsers:
        browser = browsers.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport=SIZE)
        page.goto(address)
        page.get_by_text("training (2)").wait_for()
        page.wait_for_timeout(5000)  # charts draw themselves by and by
        page.screenshot(path=paths.inside("docs/figures/mlflow.png"))
        browser.close()


def _wait(address: str, seconds: int = 60) -> None:
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
