"""Sentiment140: reading, cleaning, sampling and splitting, with a count of every dropped row.

Go, Bhayani and Huang (2009), "Twitter Sentiment Classification using Distant Supervision". Labels:
0 negative, 2 neutral, 4 positive.
"""

import csv
import gzip
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from customer_profiles.project import paths, vocabulary
from customer_profiles.sentiment.model import text

TRAIN_NAMES = ("train.csv", "training.1600000.processed.noemoticon.csv")
VALIDATION_NAMES = ("validation.csv",)
TEST_NAMES = ("testdata.manual.2009.06.14.csv",)
DECISION_NAMES = ("decision.csv",)

NEUTRAL = 2
LABELS = {"0": 0, "2": NEUTRAL, "4": 4}
COLUMNS = ("polarity", "id", "date", "query", "user", "text")
LEFT_OUT_SHARE = 0.01
# Names of the counts of a file for readers, in the order of the steps.
STEPS = {
    "read": "rows read",
    "left_out": "dropped: not a row of Sentiment140",
    "empty": "dropped: no text",
    "conflicting": "dropped: two labels for one text",
    "duplicate": "dropped: duplicate text",
    "in_test": "dropped: text of the test set",
    "in_validation": "dropped: text of the validation file",
    "neutral": "kept: neutral rows",
    "polar": "kept: positive and negative rows",
}


@dataclass(frozen=True)
class Files:
    """Paths of the three sets; `validation` is None where train is to be split."""

    train: Path
    validation: Path | None
    test: Path


# The repr omits the frames: a notebook would otherwise print people's texts.
@dataclass(frozen=True, eq=False, repr=False)
class Prepared:
    """Final sets, columns label (int8) and text, and the counts of rows in each step.

    `train` and `validation` hold the labels 0 and 4, `neutral` holds 2; `test` and `decision` hold
    all three labels, and also the column query. `counts`: for the files of train, validation (if
    there is one), neutral, decision and test the rows read, those lost in each step, and the
    neutral and polar ones left; under `sets` the rows of each final set by label.
    """

    train: pd.DataFrame
    validation: pd.DataFrame
    test: pd.DataFrame
    neutral: pd.DataFrame
    decision: pd.DataFrame
    counts: dict


def locate(source: Path) -> Files:
    """Files of the folder `source`: short names or the official archive's, plain or .gz.

    Raises FileNotFoundError when the train or test file is missing, ValueError when one of the
    three is there twice, NotADirectoryError when `source` is a file. Reason for the last: DVC would
    watch that file only, and miss a change of the test set beside it.
    """
    if source.is_file():
        raise NotADirectoryError(
            f"{source} is a file; give the folder that holds it as {TRAIN_NAMES[0]} or "
            f"{TRAIN_NAMES[0]}.gz, with {TEST_NAMES[0]} beside it"
        )
    train, validation, test = (
        _one(source, names) for names in (TRAIN_NAMES, VALIDATION_NAMES, TEST_NAMES)
    )
    if train is None or test is None:
        raise FileNotFoundError(
            f"{source} must hold {' or '.join(TRAIN_NAMES)}, and {TEST_NAMES[0]}, and may hold "
            f"{VALIDATION_NAMES[0]} (each also as .gz); {paths.holding(source)}"
        )
    return Files(train, validation, test)


def read(path: Path) -> tuple[pd.DataFrame, int]:
    """Rows of `path` as label (int8: 0, 2 or 4), query, text; and the number of lines left out.

    `path`: latin-1, quoted, no header, the six `COLUMNS`; .gz or plain. A line with another number
    of columns, another label or no text is left out. The columns id, date and user are not read.
    Raises ValueError when more than 1 % of the lines are left out, when there is no row, and when
    the file is broken.
    """
    labels, queries, texts = bytearray(), [], []
    shared: dict[str, str] = {}  # 1.6 million rows have the same query: one object is enough
    line = left_out = first_bad = 0
    with _opened(path) as file:
        rows = csv.reader(file)
        try:
            for row in rows:
                start, line = line + 1, rows.line_num
                if len(row) == len(COLUMNS) and row[0] in LABELS and row[5].strip():
                    labels.append(LABELS[row[0]])
                    queries.append(shared.setdefault(row[3], row[3]))
                    texts.append(row[5])
                elif row:  # an empty line is no row
                    # A lost quote swallows the next lines: they are left out as well.
                    left_out += line - start + 1
                    first_bad = first_bad or start
        except csv.Error as error:
            raise ValueError(
                f"{path.name}: a quote is never closed from line {line + 1}"
            ) from error
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(
                f"{path.name} is no whole gzip file (damage after line {line}); fetch it again"
            ) from error
    if left_out > LEFT_OUT_SHARE * (left_out + len(texts)):
        raise ValueError(
            f"{path.name}: {left_out} of {left_out + len(texts)} rows are not Sentiment140's, "
            f"the first in line {first_bad}; expected six quoted columns without header, "
            f"{','.join(COLUMNS)}, polarity 0, 2 or 4, text not empty"
        )
    if not texts:
        raise ValueError(f"{path.name} holds no row; expected the columns {','.join(COLUMNS)}")
    label = np.frombuffer(labels, np.uint8).astype(np.int8)
    return pd.DataFrame({"label": label, "query": queries, "text": texts}), left_out


def masked(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with emoji and entities repaired, handles masked, texts stripped; all rows stay."""
    queries = {query: _masked(query) for query in frame["query"].unique()}
    texts = [_masked(post) for post in frame["text"]]
    return frame.assign(
        query=frame["query"].map(queries).astype("str"),
        text=pd.Series(texts, index=frame.index, dtype="str"),
    )


def clean(frame: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """`frame` masked, each text once and with one label; and the number of dropped rows by reason.

    `empty`: no text left; `conflicting`: every row of a text with two labels; `duplicate`: a
    repeated text, of which the first row stays. Texts are compared after masking, character by
    character, and never by id, which may be missing or shared.
    """
    rows = masked(frame)
    filled = rows[rows["text"] != ""]
    pairs = filled[["text", "label"]].drop_duplicates()
    disputed = pairs["text"][pairs["text"].duplicated()]
    agreed = filled[~filled["text"].isin(disputed)]
    unique = agreed.drop_duplicates("text", ignore_index=True)
    return unique, {
        "empty": len(rows) - len(filled),
        "conflicting": len(filled) - len(agreed),
        "duplicate": len(agreed) - len(unique),
    }


def without(frame: pd.DataFrame, texts: Iterable[str]) -> tuple[pd.DataFrame, int]:
    """`frame` without the rows whose text is among `texts`; and the number of these rows."""
    rest = frame[~frame["text"].isin(list(texts))]
    return rest.reset_index(drop=True), len(frame) - len(rest)


def sample(
    frame: pd.DataFrame, rows: int, seed: int, parameter: str = "fetch.rows", even: bool = False
) -> pd.DataFrame:
    """Random sample of `rows` rows of `frame` (0: all), stratified by label, in random order.

    With `even` each label has an equal number of the `rows`, as in Sentiment140 itself: public
    subsets of it are unbalanced. The order of `frame` does not matter, given that no text is there
    twice. Raises ValueError, naming `parameter`, when `frame` has fewer rows, of a label or in all,
    or a single label, and when a label would get no row.
    """
    if not 0 <= rows <= len(frame):
        raise ValueError(
            f"{parameter} must be 0 (all) to {len(frame)}, the rows there are after cleaning; "
            f"got {rows}"
        )
    return _drawn(frame, rows or len(frame), seed, parameter, even and rows > 0)[0]


def split(frame: pd.DataFrame, share: float, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train and validation: `share` of `frame`'s rows, rounded, of each label, are validation.

    Both are in random order. Raises ValueError when a label would be missing on either side.
    """
    parameter = "fetch.validation_share"
    validation, train = _drawn(frame, round(len(frame) * share), seed, parameter)
    if train["label"].nunique() < frame["label"].nunique():
        raise ValueError(
            f"{parameter}={share} of {len(frame)} rows leaves a label without a train row; "
            "lower it or draw more rows"
        )
    return train, validation


def prepare(
    source: Path,
    sample_source: Path,
    rows: int,
    validation_rows: int,
    validation_share: float,
    seed: int,
) -> Prepared:
    """Final sets of the folder `source`, drawn with `seed`.

    No text of the test set stays in another set, none of validation in train. With a validation
    file, `validation_rows` of its rows (0: all) are drawn and their texts removed from train, of
    which `rows` are drawn. Without one, `rows` are drawn and `validation_share` of them is
    validation. Two sets always come from `sample_source`, the shipped sample. `neutral` is the
    neutral rows of its train file. `decision` is these rows and the posts of its decision.csv; the
    decision between three classes is learned from them, and no encoder is.

    Raises the errors of `locate`, `read`, `sample` and `split`.
    """
    files = locate(source)
    posts, left_out = read(files.test)
    test = masked(posts)
    counts: dict = {"test": {"read": len(posts) + left_out, "left_out": left_out}}

    train, _, counts["train"] = _parts(files.train, test)
    if files.validation:
        polar, _, counts["validation"] = _parts(files.validation, test)
        validation = sample(polar, validation_rows, seed, "fetch.validation_rows")
        train, counts["train"]["in_validation"] = without(train, validation["text"])
        train = sample(train, rows, seed, even=True)
    else:
        train, validation = split(sample(train, rows, seed, even=True), validation_share, seed)
    _, neutral, counts["neutral"] = _parts(locate(sample_source).train, test)
    written = _parts(_decision(sample_source), test)
    counts["decision"] = written[2]
    decision = pd.concat([*written[:2], neutral], ignore_index=True)

    sets = {"train": train, "validation": validation, "neutral": neutral}
    sets = {name: frame[["label", "text"]] for name, frame in sets.items()}
    sets |= {"decision": decision.drop_duplicates("text", ignore_index=True), "test": test}
    counts["sets"] = {name: _by_label(frame) for name, frame in sets.items()}
    return Prepared(**sets, counts=counts)


def _decision(folder: Path) -> Path:
    path = _one(folder, DECISION_NAMES)
    if path is None:
        raise FileNotFoundError(f"{folder} must hold {DECISION_NAMES[0]}; {paths.holding(folder)}")
    return path


def _one(folder: Path, names: tuple[str, ...]) -> Path | None:
    possible = [folder / (name + end) for name in names for end in ("", ".gz")]
    existing = [path for path in possible if path.is_file()]
    if len(existing) > 1:
        raise ValueError(
            f"{folder} holds {' and '.join(path.name for path in existing)}, of which one is "
            "expected; take the others out"
        )
    return existing[0] if existing else None


def _opened(path: Path):
    # newline="": the csv reader itself tells a line's end from a line break inside a text.
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="latin-1", newline="")
    return path.open(encoding="latin-1", newline="")


def _masked(value: str) -> str:
    return text.mask_handles(text.unescape(text.repair(value))).strip()


def _parts(path: Path, test: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, int]]:
    posts, left_out = read(path)
    pool, dropped = clean(posts)
    pool, in_test = without(pool, test["text"])
    neutral = pool[pool["label"] == NEUTRAL].sort_values("text", ignore_index=True)
    polar = pool[pool["label"] != NEUTRAL]
    counts = {"read": len(posts) + left_out, "left_out": left_out} | dropped
    counts |= {"in_test": in_test, "neutral": len(neutral), "polar": len(polar)}
    return polar, neutral, counts


def _drawn(
    frame: pd.DataFrame, rows: int, seed: int, parameter: str, even: bool = False
) -> tuple[pd.DataFrame, pd.DataFrame]:
    if frame["label"].nunique() < 2:
        raise ValueError(
            f"{len(frame)} rows with the labels {sorted(set(frame['label'].tolist()))} are no set "
            f"to draw {parameter} from; expected two labels or more"
        )
    available = frame["label"].value_counts().sort_index()
    quota = _quota(available.clip(upper=1) if even else available, rows)
    if (quota > available).any():
        raise ValueError(
            f"{parameter}={rows} takes as many rows of each label, but of label "
            f"{available.idxmin()} there are {available.min()}; draw at most "
            f"{len(available) * available.min()}, or 0 (all)"
        )
    if quota.min() < 1:
        raise ValueError(
            f"{parameter} gives {rows} of {len(frame)} rows, none of them with label "
            f"{quota.idxmin()}; draw more rows"
        )
    # Sorted first: the same rows give the same draw, in whatever order they came.
    ordered = frame.sort_values(["label", "text"], ignore_index=True)
    mixed = ordered.iloc[np.random.default_rng(seed).permutation(len(ordered))]
    chosen = mixed.groupby("label").cumcount() < mixed["label"].map(quota)
    return mixed[chosen].reset_index(drop=True), mixed[~chosen].reset_index(drop=True)


def _quota(available: pd.Series, rows: int) -> pd.Series:
    # Largest remainder, in whole numbers, so that the parts add up to `rows` exactly.
    products = available.astype("int64") * rows
    quota, remainder = products // available.sum(), products % available.sum()
    missing = rows - quota.sum()
    quota[remainder.sort_values(ascending=False, kind="stable").index[:missing]] += 1
    return quota


def _by_label(frame: pd.DataFrame) -> dict[str, int]:
    return {str(label): int(n) for label, n in frame["label"].value_counts().items()}


def class_names(labels: np.ndarray) -> np.ndarray:
    """Class names (n,) of Sentiment140's codes 0, 2 and 4."""
    return pd.Series(labels).map(vocabulary.LABELS).to_numpy(dtype=object)
