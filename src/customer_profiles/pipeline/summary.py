"""Main figures of a finished stage, of a finished run (`customer-profiles summary`), next steps."""

import json
import textwrap

from customer_profiles.project import params, paths
from customer_profiles.project.vocabulary import VERDICT_NAMES

SAMPLE = "data/sample/sentiment140"
NEXT = """
  data/reports/segments.html       the segments; open it in a browser
  data/reports/notebooks/          the notebooks as they ran
  make serve                       the same page on http://127.0.0.1:8000, and the API
  make mlflow                      every training run; it prints the links
  make plots                       the curves: data/reports/plots/index.html
  make lab                         the notebooks, to change something"""

# The report of each stage, below data/, and one result in it.
RESULTS = {
    "fetch": ("reports/fetch.json", "labelled posts, three classes {labelled_train[read]:,}"),
    "encoder": ("reports/encoder.json", "weights {parameters:,}"),
    "finetune": ("reports/finetune.json", "validation accuracy {validation_accuracy:.3f}"),
    "evaluate": ("reports/sentiment.json", "test accuracy {manual2[accuracy]:.3f}"),
    "pull": ("reports/pull.json", "posts {posts:,}"),
    "score": ("reports/score.json", "mean polarity {polarity:.2f}"),
    "load": ("reports/load.json", "profiles {profiles}"),
    "cluster": ("reports/clusters.json", "segments {k}"),
    "publish": ("reports/privacy.json", "authors in the smallest group {published[k_min]}"),
}


def line(stage: str, seconds: float) -> str:
    """Name of a finished stage, its duration and one result, on one line."""
    report, result = RESULTS[stage]
    values = json.loads(paths.inside("data", report).read_text(encoding="utf-8"))
    return f"{stage}  {seconds:.0f} s  {result.format_map(values)}"


def summary() -> str:
    """Main figures of the last run, then the next steps.

    Raises FileNotFoundError when a report is missing: the run did not finish, or an erasure
    withdrew what was published.
    """
    names = ("sentiment", "pull", "clusters", "privacy")
    files = [*(f"reports/{name}.json" for name in names), "processed/observations.json"]
    if missing := [file for file in files if not paths.inside("data", file).is_file()]:
        raise FileNotFoundError(
            f"there is no finished run: data has no {', '.join(missing)} (an erasure removes what "
            "counts people); run `make repro`"
        )
    sentiment, pull, clusters, privacy, legend = (
        json.loads(paths.inside("data", file).read_text(encoding="utf-8")) for file in files
    )
    published = privacy["published"]
    posts = "invented posts" if invented(params.stage("fetch")) else "posts labelled by hand"
    labelled, baselines = sentiment["labelled"], sentiment["baselines3"]
    chose = "invented posts" if labelled["invented"] else "posts labelled by people"
    return f"""
sentiment  two classes {accuracy(sentiment["manual2"], posts)}{seed_spread(sentiment, "manual2")}
           three classes {accuracy(sentiment["manual3"], posts)}{seed_spread(sentiment, "manual3")}
           baselines, three classes: TF-IDF {baselines["tfidf"]["accuracy"]:.1%}, \
VADER {baselines["vader"]["accuracy"]:.1%}
           validation, three classes {accuracy(labelled, chose)}; \
calibration error {calibration_error(labelled)}
archive    {archive(pull, legend["unread"])}{trust(legend["caution"])}
segments   {structure(clusters)}, sizes {clusters["sizes"]}{as_one(clusters)}
privacy    {"passed" if privacy["passed"] else "NOT PASSED"}: smallest group {published["k_min"]}, \
{published["suppressed_share"]:.1%} of the authors in suppressed cells
{NEXT}"""


def archive(pull: dict, unread: str) -> str:
    """Number of posts of the archive that are used, and what is left out of it by reason.

    `unread` is a sentence on the posts that the model does not read, "" if it reads all.
    """
    lines = [f"{pull['posts']:,} of {pull['there']:,} posts used"]
    for reason, count in sorted(pull["left_out"].items(), key=lambda item: -item[1]):
        lines.append(f"left out: {reason}, {count:,}")
    for reason, count in pull["files_left_out"].items():
        lines.append(f"not used: files, {count:,}; each {reason}")
    only, unknown = pull["authors_who_only_repost"], pull["authors_without_metrics"]
    # Fewer than k are a text.
    if isinstance(only, int):
        lines.append(f"{only:,} authors only repost")
    if isinstance(unknown, int):
        lines.append(f"{unknown:,} of {pull['authors']:,} authors without counts")
    return "\n           ".join([*lines, unread] if unread else lines)


def trust(caution: str) -> str:
    """Warning about the model, on lines of their own; "" if there is none."""
    if not caution:
        return ""
    return "\nwarning    " + textwrap.fill(caution, 88, subsequent_indent=" " * 11)


def interval(metrics: dict) -> str:
    """Accuracy with its confidence interval, as text."""
    return f"{metrics['accuracy']:.1%} ({metrics['low']:.1%} to {metrics['high']:.1%})"


def accuracy(metrics: dict, posts: str = "") -> str:
    """Accuracy with its confidence interval and number of `posts`, as text."""
    return f"{interval(metrics)[:-1]}, n {metrics['n']:,} {posts}".rstrip() + ")"


def invented(fetch: dict) -> bool:
    """True if section `fetch` says that the model is tested on the shipped sample."""
    return fetch["source"] == SAMPLE and not fetch["official"]


def seed_spread(sentiment: dict, metric: str) -> str:
    """Mean and standard deviation of a metric over the trained seeds; "" for a single seed."""
    seeds = sentiment.get("seeds")
    if not seeds:
        return ""
    mean, sd = seeds[metric]["mean"], seeds[metric]["sd"]
    return f"; {len(seeds['models'])} seeds {mean:.1%} ± {sd:.1%}"


def calibration_error(labelled: dict) -> str:
    """Expected calibration error, cross-fitted, beside the value expected by chance."""
    error = labelled.get("ece_crossfitted", labelled["ece"])
    return f"{error:.3f} (by chance {labelled['ece_by_chance']:.3f})"


def verdict(clusters: dict) -> str:
    """Number of segments and verdict, as text."""
    # A result of a former version has another word.
    name = VERDICT_NAMES.get(clusters["verdict"], clusters["verdict"])
    return f"{clusters['k']}, {name}"


def stability(clusters: dict) -> str:
    """Stability of the segments as text; "" where everybody is one segment.

    The lowest mean Jaccard similarity of a cluster over bootstrap samples, and the adjusted Rand
    index (ARI) between seeds.
    """
    measured = clusters["stability"]
    if not measured["jaccard"]:
        return ""
    return f"Jaccard {min(measured['jaccard']):.2f} or more, ARI {measured['ari']:.2f}"


def as_one(clusters: dict) -> str:
    """Words for segments that could not be published, so that everybody is one; else ""."""
    file = paths.inside("data/reports/segments.json")
    if clusters["k"] == 1 or not file.is_file():
        return ""
    rows = json.loads(file.read_text(encoding="utf-8"))["segments"]
    return (
        "; published as one segment, the page says why"
        if [row["share"] for row in rows] == [1]
        else ""
    )


def structure(clusters: dict) -> str:
    """Number of segments, verdict and stability, as text."""
    stable = stability(clusters)
    return verdict(clusters) + (f" ({stable})" if stable else "")
