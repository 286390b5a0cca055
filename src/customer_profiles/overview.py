"""What a finished run found, and where to look next: `python -m customer_profiles.overview`."""

import json
import logging
import sys

from customer_profiles import paths

logger = logging.getLogger(__name__)

NEXT = """
  data/reports/segments.html       the segments; open it in a browser
  data/reports/notebooks/          the notebooks as they ran
  make serve                       the same page on http://127.0.0.1:8000, and the API
  make mlflow                      every training run on http://127.0.0.1:5000
  make plots                       the curves: data/reports/plots/index.html
  make lab                         the notebooks, to change something"""


def overview() -> str:
    """The main figures of the last run, then what to do next.

    Raises FileNotFoundError when a report is missing, because the run did not finish.
    """
    sentiment, clusters, privacy = (
        json.loads(paths.inside("data/reports", f"{name}.json").read_text(encoding="utf-8"))
        for name in ("sentiment", "clusters", "privacy")
    )
    two, three, published = sentiment["manual2"], sentiment["manual3"], privacy["published"]
    return f"""
sentiment  two classes {two["accuracy"]:.1%} ({two["low"]:.1%} to {two["high"]:.1%}, \
{two["n"]} test posts), three classes {three["accuracy"]:.1%} ({three["n"]})
           TF-IDF baseline {sentiment["baselines"]["tfidf"]["accuracy"]:.1%} on the same two classes
segments   {clusters["k"]} ({clusters["verdict"]}), sizes {clusters["sizes"]}
privacy    {"passed" if privacy["passed"] else "NOT PASSED"}: smallest group {published["k_min"]}, \
{published["suppressed_share"]:.1%} of the authors in cells held back
{NEXT}"""


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    logger.info(overview())
