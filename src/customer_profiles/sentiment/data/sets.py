"""The final sets of posts: trained on, chosen by and tested on, without copies of each other.

Two sources: Sentiment140, labelled by emoticons, and posts labelled by people in three classes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from customer_profiles.project.vocabulary import LABELS
from customer_profiles.sentiment.data import labelled, sentiment140
from customer_profiles.sentiment.data.cleaning import distinct, without
from customer_profiles.sentiment.data.sampling import sample, split

NAMES = (
    "train", "validation", "test", "labelled_train", "labelled_validation", "labelled_test",
)  # fmt: skip
COLUMNS = ["label", "text"]
TYPES = {"label": "int8", "text": "str"}
# Names of the counts of a file for readers, in the order of the steps.
STEPS = {
    "read": "rows read",
    "left_out": "dropped: not a row of Sentiment140",
    "other_language": "dropped: not in English",
    "empty": "dropped: no text",
    "conflicting": "dropped: two labels for one text",
    "duplicate": "dropped: duplicate text",
    "in_test": "dropped: text of a test set",
    "near_test": "dropped: near copy of a test text",
    "in_validation": "dropped: text of a validation set",
    "near_validation": "dropped: near copy of a validation text",
    "neutral": "kept: neutral rows",
    "polar": "kept: positive and negative rows",
}


# The repr omits the frames: a notebook would otherwise print people's texts.
@dataclass(frozen=True, eq=False, repr=False)
class Prepared:
    """Final sets, columns label (int8) and text, and the counts of rows in each step.

    `train` and `validation` are Sentiment140's and hold the labels 0 and 4; `test` holds all three,
    and also the column query. `labelled_train`, `labelled_validation` and `labelled_test` are of
    people's labels 0, 2 and 4; `labelled_test` may be empty. `counts`: for the file of each set
    that has one, the rows read, those lost in each step, and the neutral and polar ones left before
    rows are drawn; under `sets` the rows of each final set by label.
    """

    train: pd.DataFrame
    validation: pd.DataFrame
    test: pd.DataFrame
    labelled_train: pd.DataFrame
    labelled_validation: pd.DataFrame
    labelled_test: pd.DataFrame
    counts: dict


def prepare(
    source: Path,
    labelled_source: Path,
    *,
    rows: int,
    validation_rows: int,
    validation_share: float,
    labelled_rows: int,
    seed: int,
) -> Prepared:
    """Final sets of the folders `source` (Sentiment140) and `labelled_source`, drawn with `seed`.

    No text of a test set, and no near copy of one, stays in another set; none of either validation
    set in a training set. With a validation file in `source`, `validation_rows` of its rows (0:
    all) are drawn, and `rows` of train. Without one, `rows` are drawn and `validation_share` of
    them is validation; train then has fewer rows by the near copies of these. Of the posts in
    `labelled_source`, `labelled_rows` (0: all) are drawn for training, in the classes' own shares.

    Raises the errors of `locate` and `read` of both sources, of `sample` and `split`, and
    ValueError when train or validation of `labelled_source` lacks a class.
    """
    files, people = sentiment140.locate(source), labelled.locate(labelled_source)
    counts: dict = {}
    test, counts["test"] = _read_sentiment140(files.test)
    labelled_test = pd.DataFrame({"label": [], "text": []}).astype(TYPES)
    if people.test:
        labelled_test, counts["labelled_test"] = _read_labelled(people.test)
    kept_out = {"test": [*test["text"], *labelled_test["text"]]}

    written = _read_labelled(people.validation)
    labelled_validation, counts["labelled_validation"] = _cleaned(*written, kept_out)
    validations = labelled_validation["text"].tolist()
    if files.validation:
        pool, counts["validation"] = _cleaned(*_read_sentiment140(files.validation), kept_out)
        validation = sample(_polar(pool), validation_rows, seed, "fetch.validation_rows")
        validations += validation["text"].tolist()
    kept_out["validation"] = validations
    pool, counts["train"] = _cleaned(*_read_sentiment140(files.train), kept_out)
    train = sample(_polar(pool), rows, seed, even=True)
    if not files.validation:
        train, validation = split(train, validation_share, seed)
        train, dropped = without(train, validation["text"], "validation")
        counts["train"]["near_validation"] += dropped["near_validation"]
        validations += validation["text"].tolist()
    pool, counts["labelled_train"] = _cleaned(*_read_labelled(people.train), kept_out)

    _require_classes(pool, "train", labelled_source)
    _require_classes(labelled_validation, "validation", labelled_source)
    sets = {
        "train": train[COLUMNS],
        "validation": validation[COLUMNS],
        "test": test,
        "labelled_train": sample(pool, labelled_rows, seed, "fetch.labelled_rows"),
        "labelled_validation": labelled_validation,
        "labelled_test": labelled_test,
    }
    counts["sets"] = {name: _by_label(frame) for name, frame in sets.items()}
    return Prepared(**sets, counts=counts)


def _read_sentiment140(path: Path) -> tuple[pd.DataFrame, dict[str, int]]:
    posts, left_out = sentiment140.read(path)
    return sentiment140.masked(posts), {"read": len(posts) + left_out, "left_out": left_out}


def _read_labelled(paths: Sequence[Path]) -> tuple[pd.DataFrame, dict[str, int]]:
    posts, others = labelled.read(paths)
    return posts, {"read": len(posts) + others, "other_language": others}


def _cleaned(
    posts: pd.DataFrame, counts: dict[str, int], kept_out: Mapping[str, Sequence[str]]
) -> tuple[pd.DataFrame, dict[str, int]]:
    """`posts` each once, without copies of the texts in `kept_out`; `counts` with these steps."""
    pool, dropped = distinct(posts)
    counts = counts | dropped
    for name, texts in kept_out.items():
        pool, dropped = without(pool, texts, name)
        counts |= dropped
    neutral = int((pool["label"] == sentiment140.NEUTRAL).sum())
    return pool, counts | {"neutral": neutral, "polar": len(pool) - neutral}


def _polar(posts: pd.DataFrame) -> pd.DataFrame:
    return posts[posts["label"] != sentiment140.NEUTRAL]


def _require_classes(posts: pd.DataFrame, name: str, folder: Path) -> None:
    absent = [word for label, word in LABELS.items() if label not in set(posts["label"])]
    if absent:
        raise ValueError(
            f"{folder}: {name} holds no {' and no '.join(absent)} posts after cleaning; three "
            "classes are learned and chosen by, so add some"
        )


def _by_label(posts: pd.DataFrame) -> dict[str, int]:
    return {str(label): int(n) for label, n in posts["label"].value_counts().items()}
