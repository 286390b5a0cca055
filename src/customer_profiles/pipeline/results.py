"""Recorded results: `customer-profiles results` records the last run.

The run's metrics go to docs/results/SETTING/, those of the benchmarks to docs/results/bench/. The
README's table and the figures in docs/figures/ are made from these files; `--redraw` makes only
table and figures. `--test-posts FILE` also records the accuracy on Sentiment140's own test posts.
"""

import json
import logging
import re
import shutil
from pathlib import Path

import pandas as pd

from customer_profiles.pipeline import dvc, summary
from customer_profiles.pipeline.tracking import provenance
from customer_profiles.project import charts, files, params, paths
from customer_profiles.segments.figures import elbow as elbow_figure
from customer_profiles.sentiment.model.layers import sentiment_layers
from customer_profiles.sentiment.training.figures import architecture, learning_curves

logger = logging.getLogger(__name__)

REPORTS, RESULTS, FIGURES = Path("data/reports"), Path("docs/results"), Path("docs/figures")
METRICS = (
    "fetch.json", "encoder.json", "finetune.json", "sentiment.json", "score.json", "load.json",
    "clusters.json", "privacy.json",
)  # fmt: skip
CURVES = ("learning_curves.csv", "training_steps.csv", "elbow.csv")
# Accuracy on Sentiment140's test posts, beside the metrics of the run.
MANUAL = "manual"
MARKED = re.compile(r"(<!-- results -->\n).*?(<!-- /results -->\n)", re.DOTALL)
# A path, an address, a handle or a pseudonym; a rate like posts/s is none.
PRIVATE = re.compile(r"(?<![\w.<])(?:[A-Za-z]:)?[/\\~]\w|://|@\w|[0-9a-f]{24}", re.IGNORECASE)
NOTHING = "Nothing is recorded yet: `make repro`, then `make results`.\n"


def record(test_posts: Path | None = None) -> Path:
    """Copy the last run's metrics, with their provenance, to docs/results; return the folder.

    With `test_posts`, Sentiment140's file of posts labelled by hand, the model's accuracy on them
    is recorded as well. Raises FileNotFoundError for a missing report, RuntimeError when a stage
    has not run since one of its dependencies changed, the choice of a setting included.
    """
    values = params.load()
    check_finished(values.profile)
    target = paths.inside(RESULTS, values.profile)
    about = provenance.described() | {
        "profile": values.profile,
        "posts": origin(params.stage("fetch", values)),
        "training": params.stage("finetune", values),
    }
    written = {"run": about}
    if test_posts:
        from customer_profiles.pipeline import labelled_posts  # TensorFlow takes seconds

        written[MANUAL] = labelled_posts.manual(test_posts)
    _copy([paths.inside(REPORTS, name) for name in METRICS + CURVES], target, written)
    return target


def record_benchmarks() -> Path | None:
    """Copy the benchmarks' reports, with their provenance, to docs/results/bench.

    Returns the folder, or None when there is no report or no new one.
    """
    target = paths.inside(RESULTS, "bench")
    reports = sorted(paths.inside(REPORTS, "bench").glob("*.json"))
    earlier = {file.name: file.read_bytes() for file in target.glob("*.json")}
    if all(earlier.get(file.name) == file.read_bytes() for file in reports):
        return None
    _copy(reports, target, {"run": provenance.described()})
    return target


def check_finished(profile: str) -> None:
    """Raise unless every report exists and DVC reports every stage as up to date."""
    missing = [name for name in METRICS + CURVES if not paths.inside(REPORTS, name).is_file()]
    if missing:
        raise FileNotFoundError(
            f"the run is not finished: {REPORTS} has no {', '.join(missing)}; run "
            f"`make repro PROFILE={profile}` first"
        )
    reasons = json.loads(dvc.answer("status", "--json")).items()
    stale = [stage for stage, why in reasons if any(reason != "always changed" for reason in why)]
    if stale:
        raise RuntimeError(
            f"the reports are not those of setting {profile} as it is now: {', '.join(stale)} "
            f"would run again (`dvc status` says why); run `make repro PROFILE={profile}` first"
        )


def origin(fetch: dict) -> str:
    """Source of the training and validation posts, for readers, without a path."""
    if fetch["source"] != summary.SAMPLE:
        return "a folder in Sentiment140's format"
    return "shipped sample" if summary.invented(fetch) else "Sentiment140"


def redraw() -> None:
    """Write the README's table and the figures again, from docs/results.

    Raises ValueError unless the README holds the table's pair of marks exactly once.
    """
    runs = recorded(paths.inside(RESULTS))
    readme = paths.inside("README.md")
    files.write_text(readme, with_table(readme.read_text(encoding="utf-8"), table(runs)))
    for name, text in drawn(paths.inside(RESULTS), runs).items():
        files.write_text(paths.inside(FIGURES, f"{name}.svg"), text)


def with_table(text: str, lines: str) -> str:
    """`text` with `lines` between its two marks.

    Raises ValueError unless `text` holds the pair of marks exactly once.
    """
    text, times = MARKED.subn(lambda marks: f"{marks[1]}\n{lines}\n{marks[2]}", text)
    if times != 1:
        marks = "<!-- results --> and <!-- /results -->"
        raise ValueError(f"README.md must hold the lines {marks} once, but has them {times} times")
    return text


def recorded(folder: Path) -> dict[str, dict[str, dict]]:
    """Recorded JSON files in `folder` by setting, in the order of PROFILES, then by name."""
    return {
        profile: {file.stem: _json(file) for file in sorted((folder / profile).glob("*.json"))}
        for profile in params.PROFILES
        if (folder / profile).is_dir()
    }


def table(runs: dict[str, dict[str, dict]]) -> str:
    """Markdown table with a column for each setting and a line for each result."""
    if not runs:
        return NOTHING
    columns = [lines(run) for run in runs.values()]
    rows = [["setting", *runs], ["---"] * (len(runs) + 1)]
    rows += [[name, *(column[name] for column in columns)] for name in columns[0]]
    whose = f"\nFigures in [{FIGURES}]({FIGURES}): setting {nearest(runs)}.\n"
    return "".join(f"| {' | '.join(row)} |\n" for row in rows) + whose


def nearest(runs: dict[str, dict[str, dict]]) -> str:
    """Last setting of `runs`, the one nearest to real posts."""
    return list(runs)[-1]


def lines(run: dict[str, dict]) -> dict[str, str]:
    """Results of one run by name, as the README shows them."""
    sentiment, clusters, privacy, about = (
        run[name] for name in ("sentiment", "clusters", "privacy", "run")
    )
    two, three, labelled = (sentiment[name] for name in ("manual2", "manual3", "labelled"))
    invented = about["posts"] == "shipped sample"
    manual = run.get(MANUAL, {} if invented else sentiment)
    published = privacy["published"]
    changes = " and changes" if about["modified"] else ""
    machine = about["machine"]
    return {
        "encoder": f"{run['encoder']['kind']}, {run['encoder']['parameters'] / 1e6:.1f} M weights",
        "trained on posts": _origins(run["finetune"]["rows"], labelled["invented"], invented),
        "tested on posts": f"{two['n']:,} / {three['n']:,} "
        + ("invented" if invented else "labelled by hand"),
        "two classes": summary.interval(two),
        "TF-IDF, VADER": _baselines(sentiment["baselines"]),
        "three classes": summary.interval(three),
        "TF-IDF, VADER, three": _baselines(sentiment["baselines3"]),
        "macro F1, three classes": f"{three['macro_f1']:.3f}",
        "polar or neutral, AUC": f"{sentiment['neutral']['auc']:.3f}",
        "mood error": f"{sentiment['mood_error']['manual']:.3f}",
        "real posts, two classes": _measured(manual.get("manual2")),
        "real posts, three": _measured(manual.get("manual3")),
        "validation, three": summary.interval(labelled),
        "its macro recall": f"{labelled['macro_recall']:.3f}",
        "its calibration error": summary.calibration_error(labelled),
        "segments": summary.verdict(clusters),
        "privacy certificate": ("passed" if privacy["passed"] else "**not passed**")
        + f", {published['suppressed_share']:.1%} suppressed",
        "recorded, commit": f"{about['date']}, {about['commit'][:7]}{changes}",
        "machine": f"{machine['cores']} cores {machine['processor']}, {machine['memory_gib']} GiB",
    }


def _origins(rows: dict, people_invented: bool, emoticons_invented: bool) -> str:
    """Numbers of training posts by their origin; the sample stands in for either source."""
    if people_invented and emoticons_invented:
        return f"{sum(rows.values()):,} invented"
    people = "invented" if people_invented else "by people"
    emoticons = "invented" if emoticons_invented else "emoticons"
    return f"{rows['people']:,} {people}, {rows['emoticons']:,} {emoticons}"


def _baselines(metrics: dict) -> str:
    return f"{metrics['tfidf']['accuracy']:.1%}, {metrics['vader']['accuracy']:.1%}"


def _measured(metrics: dict | None) -> str:
    return summary.interval(metrics) if metrics else "not measured"


def drawn(folder: Path, runs: dict[str, dict[str, dict]]) -> dict[str, str]:
    """Figures as SVG by name: model and curves of the run nearest to real posts."""
    made = {}
    if runs:
        profile = nearest(runs)
        run, training = runs[profile], runs[profile]["run"]["training"]
        bert = run["encoder"]
        made["model"] = architecture(
            sentiment_layers(
                bert["kind"], bert["width"], bert["parameters"], bert["sequence_length"],
                training["pooling"], training["dropout"],
                1 if training["subjectivity"] == "textblob" else 2,
            )
        )  # fmt: skip
        curves, points, elbow = (pd.read_csv(folder / profile / name) for name in CURVES)
        made["accuracy_and_loss"] = learning_curves(curves, points)
        made["elbow"] = elbow_figure(elbow, run["clusters"]["k"])
        for name in ("accuracy_and_loss", "elbow"):
            made[name].get_layout_engine().set(w_pad=0.15, h_pad=0.1)  # inches; a page has no rim
    return {name: charts.svg(figure) for name, figure in made.items()}


def _copy(reports: list[Path], target: Path, written: dict[str, dict]) -> None:
    for file in reports:
        if match := PRIVATE.search(file.read_text(encoding="utf-8")):
            raise ValueError(
                f"{file.name} holds something that looks like a path, an address or a pseudonym "
                f"({match[0]}…) and is not for docs/results; take it out where it is written"
            )
    with files.replacing(target) as fresh:
        fresh.mkdir()
        for file in reports:
            shutil.copyfile(file, fresh / file.name)
        for name, value in written.items():
            files.write_json(fresh / f"{name}.json", value, digits=8)


def _json(file: Path) -> dict:
    return json.loads(file.read_text(encoding="utf-8"))


def command(only_redraw: bool, test_posts: Path | None = None) -> None:
    """Record the last run and its benchmarks, unless `only_redraw`; then draw table and figures."""
    if not only_redraw:
        for folder in filter(None, (record(test_posts), record_benchmarks())):
            logger.info("recorded %s", folder.relative_to(paths.root()))
    redraw()
    logger.info("README.md and %s are up to date", FIGURES)
