"""Hyperparameter sweep of the training: `customer-profiles sweep finetune.NAME=VALUE,VALUE …`.

Every combination trains a model on the same small sample and is measured on validation; no model is
saved. The user writes good values into params.yaml. A parameter without values in the sweep has its
value of params.yaml.
"""

import logging
import sys
import warnings
from itertools import product

import pandas as pd

from customer_profiles.pipeline.tracking import runs
from customer_profiles.project import files, params, paths
from customer_profiles.sentiment.data import sampling
from customer_profiles.sentiment.model import encoder
from customer_profiles.sentiment.training import finetuning, mixing, training
from customer_profiles.sentiment.training import report as reports

EXPERIMENT = "sweeps"
POSTS, ENCODER = "data/processed/sentiment140", "data/models/encoder"
# Sources of a training: posts labelled by emoticons and by people, and the posts that judge.
SETS = {"emoticons": "train", "people": "labelled_train", "validation": "labelled_validation"}
TABLE = "data/reports/sweep.csv"

logger = logging.getLogger(__name__)


def grid(arguments: list[str], values: params.Params) -> dict[str, list]:
    """Values to try by name, from `arguments` like "finetune.dropout=0.1,0.2".

    Each is read as params.yaml would be, and checked beside the other `values`. Raises ValueError
    for a name that cannot be tried or is given twice, and for a value that is not allowed.
    """
    names = [f"finetune.{key}" for key in params.stage("finetune", values) if key != "seeds"]
    choices = {}
    for argument in arguments:
        name, _, texts = argument.partition("=")
        key = name.removeprefix("finetune.")
        if name not in names:
            raise ValueError(
                f"give NAME=VALUE,VALUE, where NAME is one of {', '.join(names)}; got {argument}"
            )
        if key in choices:
            raise ValueError(f"{name} is given twice; give all of its values at once")
        choices[key] = list(dict.fromkeys(params.value(name, t, values) for t in texts.split(",")))
    return choices


def sweep(arguments: list[str], rows: int, validation_rows: int) -> pd.DataFrame:
    """Train every combination; return a row each, the lowest validation loss first.

    A training has at most `rows` rows, mixed as finetune.mix says, and `validation_rows` judge it
    (0: all), the same for every combination. In MLflow a parent run holds the settings and the
    table, and a child run for each combination holds its curves.
    """
    if rows < 0:
        raise ValueError(f"--rows must be 0 (all) or more; got {rows}")
    values = params.load()
    section, tried = params.stage("finetune", values), grid(arguments, values)
    del section["seeds"]  # a combination is one training; finetune.seed=7,8 makes it two
    combinations = [dict(zip(tried, values, strict=True)) for values in product(*tried.values())]
    posts = {name: _posts(file) for name, file in SETS.items()}
    judging = validation_rows if validation_rows < len(posts["validation"]) else 0
    posts["validation"] = sampling.sample(
        posts["validation"], judging, section["seed"], "--validation-rows"
    )
    sizes = {"rows": rows, "validation_rows": len(posts["validation"])}
    texts = {key: ",".join(map(str, values)) for key, values in tried.items()}
    results = []
    with runs.run(EXPERIMENT, f"sweep-{rows}", " ".join(arguments)):
        runs.log_params({**section, **texts, **sizes})
        for name, file in SETS.items():
            runs.log_dataset(paths.inside(POSTS, f"{file}.parquet"), name)
        sources = _tokenised(posts)
        for place, chosen in enumerate(combinations, 1):
            name = " ".join(f"{key}={value}" for key, value in chosen.items())
            with runs.run(EXPERIMENT, name, "A combination of a sweep.", nested=True):
                logger.info("%d of %d: %s", place, len(combinations), name)
                settings = _with_rows({**section, **chosen}, sources, rows)
                results.append({**chosen, **_train(sources, settings)})
        table = pd.DataFrame(results).sort_values("val_loss", kind="stable", ignore_index=True)
        runs.log_table(table, "sweep")
    return table


def _posts(name: str) -> pd.DataFrame:
    file = paths.inside(POSTS, f"{name}.parquet")
    if not file.exists():
        raise FileNotFoundError(f"{POSTS} holds no {file.name}; run `dvc repro fetch encoder`")
    return pd.read_parquet(file)


def _tokenised(sets: dict[str, pd.DataFrame]) -> mixing.Sources:
    folder = paths.inside(ENCODER)
    preprocess, _ = encoder.load(folder / "preprocess", folder / "encoder")
    return mixing.Sources(**{
        name: (
            training.tokenise(preprocess, posts["text"], name=name),
            posts["label"].to_numpy(),
        )
        for name, posts in sets.items()
    })  # fmt: skip


def _with_rows(settings: dict, sources: mixing.Sources, most: int) -> dict:
    """`settings` with at most so many rows (0: as many as the settings say)."""
    there = sum(reports.sizes(sources, settings))
    return {**settings, "rows": min(most, there) if most else settings["rows"]}


def _train(sources: mixing.Sources, settings: dict) -> dict:
    """Train, log the curves to the active run, and return the metrics of the epoch kept."""
    runs.log_params(settings)
    fitted = finetuning.fit(paths.inside(ENCODER), sources, on_point=runs.log_point, **settings)
    kept = training.kept(fitted.curves, settings["patience"])
    runs.log_training(fitted.curves, kept)
    return kept.round(4).to_dict() | {"epoch": int(kept["epoch"])}


def command(arguments: list[str], rows: int, validation_rows: int) -> int:
    """Run `sweep` on at most this many rows, write and print its table; return the exit code."""
    warnings.filterwarnings("ignore", "Hint:", UserWarning)  # MLflow's, on integer columns
    try:
        table = sweep(arguments, rows, validation_rows)
    except KeyboardInterrupt:
        logger.error("interrupted; what has ended is in MLflow, see experiment %s", EXPERIMENT)
        return 130
    # Digits for a learning rate; the figures are rounded already.
    files.write_csv(paths.inside(TABLE), table, digits=12)
    sys.stdout.write(table.to_string(index=False) + "\n")
    return 0
