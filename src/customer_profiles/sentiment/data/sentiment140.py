"""Sentiment140: its files, read, masked and cleaned, with a count of every row left out.

Go, Bhayani and Huang (2009), "Twitter Sentiment Classification using Distant Supervision". Labels:
0 negative, 2 neutral, 4 positive.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from customer_profiles.project import paths, vocabulary
from customer_profiles.sentiment.data import cleaning, sources
from customer_profiles.sentiment.model import text

TRAIN_NAMES = ("train.csv", "training.1600000.processed.noemoticon.csv")
VALIDATION_NAMES = ("validation.csv",)
TEST_NAMES = ("testdata.manual.2009.06.14.csv",)

NEUTRAL = 2
LABELS = {"0": 0, "2": NEUTRAL, "4": 4}
COLUMNS = ("polarity", "id", "date", "query", "user", "text")
LEFT_OUT_SHARE = 0.01


@dataclass(frozen=True)
class Files:
    """Paths of the three sets; `validation` is None where train is to be split."""

    train: Path
    validation: Path | None
    test: Path


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
        sources.one_of(source, names) for names in (TRAIN_NAMES, VALIDATION_NAMES, TEST_NAMES)
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
    rows = csv.reader(sources.lines(path, "latin-1"))
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
        raise ValueError(f"{path.name}: a quote is never closed from line {line + 1}") from error
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
    """`cleaning.distinct` of `frame` masked: texts are compared after masking, and never by id."""
    return cleaning.distinct(masked(frame))


def class_names(labels: np.ndarray) -> np.ndarray:
    """Class names (n,) of Sentiment140's codes 0, 2 and 4."""
    return pd.Series(labels).map(vocabulary.LABELS).to_numpy(dtype=object)


def _masked(value: str) -> str:
    return text.mask_handles(text.unescape(text.repair(value))).strip()
