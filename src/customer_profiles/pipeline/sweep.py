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
from customer_profiles.sentiment.training import finetuning, training

EXPERIMENT = "sweeps"
POSTS, ENCODER = "data/processed/sentiment140", "data/models/encoder"
TABLE = "data/reports/sweep.csv"
OPTIONS = {"train": "--rows", "validation": "--validation-rows"}

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


def sweep(arguments: list[str], rows: dict[str, int]) -> pd.DataFrame:
    """Train every combination; return a row each, the lowest validation loss first.

    `rows`: maximum number of rows drawn from train and from validation (0: all); every combination
    has the same rows. In MLflow a parent run holds the settings and the table, and a child run for
    each combination holds its curves.
    """
    values = params.load()
    section, tried = params.stage("finetune", values), grid(arguments, values)
    del section["seeds"]  # a combination is one training; finetune.seed=7,8 makes it two
    combinations = [dict(zip(tried, values, strict=True)) for values in product(*tried.values())]
    posts = {name: _posts(name, most, section["seed"]) for name, most in rows.items()}
    sizes = {f"{name}_rows": len(frame) for name, frame in posts.items()}
    texts = {key: ",".join(map(str, values)) for key, values in tried.items()}
    results = []
    with runs.run(EXPERIMENT, f"sweep-{sizes['train_rows']}", " ".join(arguments)):
        runs.log_params({**section, **texts, **sizes})
        for name in rows:
            runs.log_dataset(paths.inside(POSTS, f"{name}.parquet"), name)
        tokens = _tokenised(posts)
        for place, chosen in enumerate(combinations, 1):
            name = " ".join(f"{key}={value}" for key, value in chosen.items())
            with runs.run(EXPERIMENT, name, "A combination of a sweep.", nested=True):
                logger.info("%d of %d: %s", place, len(combinations), name)
                results.append({**chosen, **_train(tokens, {**section, **chosen})})
        table = pd.DataFrame(results).sort_values("val_loss", kind="stable", ignore_index=True)
        runs.log_table(table, "sweep")
    return table


def _posts(name: str, most: int, seed: int) -> pd.DataFrame:
    file = paths.inside(POSTS, f"{name}.parquet")
    if not file.exists():
        raise FileNotFoundError(f"{POSTS} holds no {file.name}; run `dvc repro fetch encoder`")
    posts = pd.read_parquet(file)
    rows = most if most < len(posts) else 0
    return sampling.sample(posts, rows, seed, OPTIONS[name], even=name == "train")


def _tokenised(sets: dict[str, pd.DataFrame]) -> dict[str, training.Rows]:
    folder = paths.inside(ENCODER)
    preprocess, _ = encoder.load(folder / "preprocess", folder / "encoder")
    return {
        name: (
            training.tokenise(preprocess, posts["text"], name=name),
            posts["label"].to_numpy() / 4,
        )
        for name, posts in sets.items()
    }


def _train(rows: dict[str, training.Rows], settings: dict) -> dict:
    """Train, log the curves to the active run, and return the metrics of the epoch kept."""
    runs.log_params(settings)
    fitted = finetuning.fit(paths.inside(ENCODER), rows, on_point=runs.log_point, **settings)
    kept = finetuning.kept(fitted.curves, settings["patience"])
    runs.log_training(fitted.curves, kept)
    return kept.round(4).to_dict() | {"epoch": int(kept["epoch"])}


def command(arguments: list[str], rows: int, validation_rows: int) -> int:
    """Run `sweep` on at most this many rows, write and print its table; return the exit code."""
    warnings.filterwarnings("ignore", "Hint:", UserWarning)  # MLflow's, on integer columns
    try:
        table = sweep(arguments, {"train": rows, "validation": validation_rows})
    except KeyboardInterrupt:
        logger.error("interrupted; what has ended is in MLflow, see experiment %s", EXPERIMENT)
        return 130
    # Digits for a learning rate; the figures are rounded already.
    files.write_csv(paths.inside(TABLE), table, digits=12)
    sys.stdout.write(table.to_string(index=False) + "\n")
    return 0
