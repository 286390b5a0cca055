"""Report of the trainings of several seeds, and the card of the model used."""

from collections.abc import Mapping

import pandas as pd

from customer_profiles.sentiment.model import card as cards
from customer_profiles.sentiment.training import training
from customer_profiles.sentiment.training.finetuning import AVERAGE, Saved, Seeds
from customer_profiles.sentiment.training.mixing import Sources


def table(saved: Mapping[int | str, Saved]) -> pd.DataFrame:
    """Metrics of each model, a row each, the seeds first."""
    rows = {seed: one._asdict() for seed, one in saved.items()}
    return pd.DataFrame(rows).T.drop(columns="calibration").astype(float).rename_axis("seed")


def report(made: Seeds, sources: Sources, settings: Mapping) -> dict:
    """Report of the trainings: the first seed's curves, the model used, the spread over seeds."""
    first = next(iter(made.trained.values()))
    last = training.kept(first.curves, settings["patience"])
    return {
        "train_rows": sum(sizes(sources, settings)),
        "rows": posts(sources, settings),
        "validation_rows": len(sources.validation[1]),
        "epochs": settings["epochs"],
        "epochs_run": len(first.curves),
        "kept_epoch": int(last["epoch"]),
        "accuracy": last["accuracy"],
        "loss": last["loss"],
        "used": str(made.used),
        **made.saved[made.used].metrics(),
        "seeds": _over_seeds(made.saved),
    }


def sizes(sources: Sources, settings: Mapping) -> tuple[int, int]:
    """Numbers of rows of a training from emoticons and from people."""
    return sources.sizes(settings["mix"], settings["rows"], settings["repeat"])


def posts(sources: Sources, settings: Mapping) -> dict[str, int]:
    """Number of posts of a training from each source, each counted once."""
    emoticons, people = sizes(sources, settings)
    return {"emoticons": min(emoticons, len(sources.emoticons[1])), "people": people}


def card(made: Seeds, sources: Sources, settings: Mapping, invented: bool) -> cards.Card:
    """Card of the model used; `invented` says that no training row was labelled by people."""
    saved = made.saved[made.used]
    measured = {"accuracy": saved.val_accuracy, "low": saved.low, "high": saved.high}
    measured |= {"macro_recall": saved.val_recall, "n": len(sources.validation[1])}
    return cards.Card(invented, posts(sources, settings), settings["subjectivity"], measured)


def _over_seeds(saved: Mapping[int | str, Saved]) -> dict:
    """Names of the seeds, mean and standard deviation (n - 1) of each metric, and the average's.

    Empty for one seed.
    """
    if AVERAGE not in saved:
        return {}
    metrics = table(saved).drop(columns=["low", "high"])
    seeds = metrics.drop(AVERAGE)
    spread = seeds.agg(["mean", "std"]).rename({"std": "sd"})
    return {
        "models": [*map(str, seeds.index)],
        "average": metrics.loc[AVERAGE].to_dict(),
        **spread.to_dict(),
    }
