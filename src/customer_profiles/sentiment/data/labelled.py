"""Posts that people labelled as negative, neutral or positive: folders of them, checked and read.

Two forms: CSV files with the columns label, text and maybe language, or TweetEval's pairs of files,
one post a line and its label on the same line of the other file (Barbieri et al., 2020).
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from customer_profiles.project import paths, vocabulary
from customer_profiles.sentiment.data import sources
from customer_profiles.sentiment.model import text

# Name of a set in TweetEval's files and in a CSV file's.
SETS = {"train": "train", "val": "validation", "test": "test"}
COLUMNS = ("label", "text")
LANGUAGE = "en"  # of the encoder
# Each way to write the classes, and the code of each of them as in Sentiment140.
CODINGS = {
    "0, 1, 2": {"0": 0, "1": 2, "2": 4},
    "-1, 0, 1": {"-1": 0, "0": 2, "1": 4},
    "0, 2, 4": {"0": 0, "2": 2, "4": 4},
    "words": {name: code for code, name in vocabulary.LABELS.items()},
}
WAYS = "0 1 2, -1 0 1, 0 2 4, or negative neutral positive"
ENCODING = "utf-8-sig"  # UTF-8 with or without a mark at its beginning


@dataclass(frozen=True)
class Files:
    """Paths of the sets, each one CSV file, or a file of texts and one of labels; () for none."""

    train: tuple[Path, ...]
    validation: tuple[Path, ...]
    test: tuple[Path, ...]


def locate(folder: Path) -> Files:
    """Files of `folder`: CSV files or TweetEval's pairs, plain or .gz.

    Raises FileNotFoundError when train, validation or one of a pair is missing, ValueError when a
    set is there twice, NotADirectoryError when `folder` is a file.
    """
    if folder.is_file():
        raise NotADirectoryError(f"{folder} is a file; give the folder that holds it")
    files = Files(*(_set(folder, *names) for names in SETS.items()))
    if not files.train or not files.validation:
        raise FileNotFoundError(
            f"{folder} must hold train.csv and validation.csv with the columns label and text, or "
            "train_text.txt, train_labels.txt, val_text.txt and val_labels.txt, and may hold "
            f"test.csv or test_text.txt and test_labels.txt (each also as .gz); "
            f"{paths.holding(folder)}"
        )
    return files


def read(files: Sequence[Path]) -> tuple[pd.DataFrame, int]:
    """Posts of one set as label (int8: 0, 2 or 4) and text; and the number of those not in English.

    `files`: a CSV file, or a file of texts and one of labels. Entities are unescaped, handles
    masked. A post is in English unless a column language says otherwise. Raises ValueError, without
    any text, for a broken file, for labels in none of the CODINGS or in several, and for an empty
    set.
    """
    labels, texts, languages = _table(*files) if len(files) == 1 else _pair(*files)
    name = files[-1].name
    if not labels:
        raise ValueError(f"{files[0].name} holds no post; expected a label and a text for each")
    frame = pd.DataFrame({"label": _codes(labels, name), "text": [_masked(t) for t in texts]})
    if languages:
        english = [value.casefold().partition("-")[0] == LANGUAGE for value in languages]
        frame = frame[english].reset_index(drop=True)
    if frame.empty:
        raise ValueError(f"{name}: column language says {LANGUAGE} of none of {len(labels)} posts")
    return frame.astype({"label": "int8", "text": "str"}), len(labels) - len(frame)


def _set(folder: Path, short: str, name: str) -> tuple[Path, ...]:
    table = sources.one_of(folder, (f"{name}.csv",))
    pair = {part: sources.one_of(folder, (part,)) for part in _pair_names(short)}
    existing = [path for path in pair.values() if path]
    if table and existing:
        raise ValueError(
            f"{folder} holds {table.name} and {existing[0].name}, of which one is expected; take "
            "the other out"
        )
    if len(existing) == 1:
        absent = next(part for part, path in pair.items() if not path)
        raise FileNotFoundError(f"{folder} holds {existing[0].name}, and must hold {absent} too")
    return (table,) if table else tuple(existing)


def _pair_names(short: str) -> tuple[str, str]:
    return f"{short}_text.txt", f"{short}_labels.txt"


def _table(path: Path) -> tuple[dict[int, str], list[str], list[str]]:
    """Labels by line, texts, and languages or [], of a CSV file."""
    labels, texts, languages = {}, [], []
    line = 0
    rows = csv.reader(sources.lines(path, ENCODING), strict=True)
    try:
        names = [name.strip().casefold() for name in next(rows, [])]
        absent = [name for name in COLUMNS if names.count(name) != 1]
        if absent:
            # The names are not repeated: without a header they are a post.
            raise ValueError(
                f"{path.name}: the first line must name the columns label and text, and maybe "
                f"language, between commas; of its {len(names)} columns none or several are "
                f"{' and '.join(absent)}"
            )
        places = [names.index(name) for name in COLUMNS]
        spoken = names.index("language") if "language" in names else None
        line = rows.line_num
        for row in rows:
            start, line = line + 1, rows.line_num
            if not row:  # an empty line is no row
                continue
            if len(row) != len(names):
                raise ValueError(
                    f"{path.name}, line {start}: expected {len(names)} columns, got {len(row)}; "
                    'put texts in "quotes"'
                )
            labels[start] = row[places[0]]
            texts.append(row[places[1]])
            if spoken is not None:
                languages.append(row[spoken].strip())
    except csv.Error:  # an odd quote: the reader's own text does not say where
        raise ValueError(
            f"{path.name}: from line {line + 1} on a quote is not closed, or stands inside a text "
            "without being doubled"
        ) from None
    return labels, texts, languages


def _pair(texts_path: Path, labels_path: Path) -> tuple[dict[int, str], list[str], list[str]]:
    """Labels by line, texts and [] of a pair of files."""
    # Only "\n" ends a post: a text may hold the other line ends of Unicode, or a lone "\r".
    texts, labels = (
        [line.rstrip("\r\n") for line in sources.lines(path, ENCODING, newline="\n")]
        for path in (texts_path, labels_path)
    )
    if len(texts) != len(labels):
        raise ValueError(
            f"{texts_path.name} holds {len(texts):,} lines and {labels_path.name} "
            f"{len(labels):,}; line n of one must be the post of label n in the other"
        )
    return dict(enumerate(labels, 1)), texts, []


def _codes(labels: dict[int, str], name: str) -> list[int]:
    """Sentiment140's codes of `labels`, by the one coding that fits all of them."""
    words = {line: label.strip().casefold() for line, label in labels.items()}
    values = set(words.values())
    fitting = [coding for coding, codes in CODINGS.items() if values <= codes.keys()]
    if len(fitting) == 1:
        return [CODINGS[fitting[0]][word] for word in words.values()]
    listed = " ".join(sorted(values))
    if fitting:
        raise ValueError(
            f"{name}: labels {listed} fit several codings ({'; '.join(fitting)}); write negative, "
            "neutral and positive instead"
        )
    for line, word in words.items():
        if not any(word in codes for codes in CODINGS.values()):
            # A text in the wrong column is not repeated.
            got = repr(word) if re.fullmatch(r"[-+]?[\d.]{0,6}", word) else "other text"
            raise ValueError(f"{name}, line {line}: the label must be one of {WAYS}; got {got}")
    raise ValueError(f"{name}: labels {listed} mix codings; use one of {WAYS}")


def _masked(value: str) -> str:
    return text.mask_handles(text.unescape(value)).strip()
