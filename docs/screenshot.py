"""The two newest trainings, compared in MLflow's own page: `python docs/screenshot.py`.

Writes docs/figures/mlflow.png. Needs two runs in the experiment "sentiment", and Chromium.
"""

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from urllib.parse import quote

import mlflow
from playwright.sync_api import sync_playwright

from customer_profiles import paths, tracking

SIZE = {"width": 1360, "height": 1000}


def main() -> None:
    mlflow.set_tracking_uri(tracking.uri())
    runs = mlflow.search_runs(experiment_names=["sentiment"], max_results=2, output_format="list")
    if len(runs) < 2:
        sys.exit(f"two runs of the experiment sentiment are needed, there are {len(runs)}")
    ids = quote(json.dumps([run.info.run_id for run in runs]))
    experiments = quote(json.dumps([runs[0].info.experiment_id]))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", tracking.uri(),
         "--port", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        address = f"http://127.0.0.1:{port}"
        _wait(f"{address}/health")
        with sync_playwright() as browsers:
            browser = browsers.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            page = browser.new_page(viewport=SIZE)
            page.goto(f"{address}/#/experiments/{experiment}/runs?compareRunsMode=CHART")
            page.get_by_text("Model training").click()
            page.get_by_label("Close").first.click()  # a chat that wants the foreground
            page.get_by_text("training (2)").wait_for()
            page.wait_for_timeout(5000)  # charts draw themselves by and by
            page.screenshot(path=paths.inside("docs/figures/mlflow.png"))
            browser.close()
    finally:
        server.terminate()
        server.wait()


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
