"""A real browser."""

import shutil

import pytest


@pytest.fixture(scope="module")
def browser():
    """A real Chromium, of the system: Playwright's own would be another download."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    # Not for the whole session: while it runs, nothing else in this thread may run an event loop.
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()
