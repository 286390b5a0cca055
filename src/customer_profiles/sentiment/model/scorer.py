"""Inference with the saved sentiment model: loaded once, for any number of posts."""

import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from operator import length_hint
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from tqdm import tqdm

from customer_profiles.project import files
from customer_profiles.project.vocabulary import CLASSES
from customer_profiles.sentiment.model import encoder as encoders
from customer_profiles.sentiment.model.backend import tf
from customer_profiles.sentiment.model.bfloat16 import bfloat16, supported
from customer_profiles.sentiment.model.layers import RATINGS

# Inputs and outputs of each signature.
SIGNATURES = {
    "serving_default": ({"text"}, set(RATINGS)),
    "tokenise": ({"text"}, set(encoders.INPUTS)),
    "score": (set(encoders.INPUTS), set(RATINGS)),
}
FILES = (
    "saved_model.pb",
    "variables/variables.index",
    "variables/variables.data-00000-of-00001",
    "assets/vocab.txt",
)
WINDOW = 4096  # posts that are sorted by length together
# Tokens of a batch, padding included: about forty posts as long as Sentiment140's.
TOKENS = 1024
# Batches computed in parallel: otherwise cores are idle during a batch's small operations.
AT_ONCE = 2
PRECISION = Path("assets.extra/precision.json")
# Bounds of the change by bfloat16, within which a model may use it.
LEAST_AGREEMENT = 0.995
MOST_DELTA = 0.02


class Agreement(NamedTuple):
    """Share of posts of the same class, and 99.9th percentile of the difference in polarity."""

    labels: float
    delta_p999: float

    @property
    def holds(self) -> bool:
        return self.labels >= LEAST_AGREEMENT and self.delta_p999 <= MOST_DELTA


class Scorer:
    """Saved sentiment model, loaded once.

    The argument `bfloat16` requests that precision; with None the setting decides that
    `choose_precision` wrote into the folder. The attribute `bfloat16` is the precision in use: a
    processor without bfloat16 computes in float32. Raises ValueError, naming the folder, its fault
    and the stage that makes it, for a folder without such a model.
    """

    def __init__(self, folder: Path, bfloat16: bool | None = None):
        try:
            self._model = tf.saved_model.load(str(folder))
        except (OSError, LookupError, ValueError, tf.errors.OpError) as error:
            raise ValueError(_refusal(folder, _broken(folder, error))) from error
        for name, (takes, gives) in SIGNATURES.items():
            signature = self._model.signatures.get(name)
            names = ((), ()) if signature is None else _names(signature)
            if names != (takes, gives):
                reason = (
                    f"its signature {name} must take {sorted(takes)} and give {sorted(gives)}, "
                    f"but takes {sorted(names[0])} and gives {sorted(names[1])}"
                )
                raise ValueError(_refusal(folder, reason))
        self._tokenise, self._score = (
            self._model.signatures[name] for name in ("tokenise", "score")
        )
        wanted = _chosen_precision(folder) if bfloat16 is None else bfloat16
        self.bfloat16 = wanted and supported()

    def read(self, texts: Iterable[str], tokens: int = TOKENS, name: str = "posts") -> pd.DataFrame:
        """Ratings of raw `texts`, a row each in their order: the columns RATINGS, float32.

        Posts are sorted by length WINDOW at a time. A batch has at most `tokens` tokens, or one
        post. The progress bar calls the posts `name`. Raises TypeError, naming the position, for an
        item that is not text.
        """
        parts = [np.empty((0, len(RATINGS)), np.float32)]
        with tqdm(desc=f"scoring {name}", total=length_hint(texts) or None, unit="post") as bar:
            left, done = iter(texts), 0  # a disabled bar does not count
            while window := list(islice(left, WINDOW)):
                raw = tf.constant([_bytes(*post) for post in enumerate(window, done)])
                with bfloat16(self.bfloat16):
                    parts.append(self._read(raw, tokens))
                done += len(window)
                bar.update(len(window))
        return pd.DataFrame(np.concatenate(parts), columns=list(RATINGS))

    def _read(self, raw: tf.Tensor, most: int) -> np.ndarray:
        tokens = {name: part.numpy() for name, part in self._tokenise(text=raw).items()}
        lengths = tokens["input_mask"].sum(axis=1)
        order = np.argsort(-lengths, kind="stable")
        batches, start = [], 0
        while start < len(order):
            batches.append(order[start : start + max(1, most // lengths[order[start]])])
            start += len(batches[-1])

        def score(rows):
            longest = lengths[rows[0]]
            batch = {name: tf.constant(part[rows, :longest]) for name, part in tokens.items()}
            answers = self._score(**batch)
            return np.column_stack([answers[name].numpy() for name in RATINGS])

        with ThreadPoolExecutor(AT_ONCE) as pool:
            parts = list(pool.map(score, batches))
        return np.concatenate(parts)[np.argsort(order)]


def labels(ratings: pd.DataFrame) -> np.ndarray:
    """Names (n,) of the likeliest class of each row of `ratings`."""
    return np.array(CLASSES, dtype=object)[ratings[list(CLASSES)].to_numpy().argmax(axis=1)]


def compare_precisions(exact: pd.DataFrame, fast: pd.DataFrame) -> Agreement:
    """Agreement of two ratings of the same n posts."""
    deltas = np.abs(exact["polarity"].to_numpy() - fast["polarity"].to_numpy())
    same = labels(exact) == labels(fast)
    return Agreement(float(same.mean()), float(np.percentile(deltas, 99.9)))


def choose_precision(folder: Path, texts: Sequence[str]) -> dict:
    """Measure bfloat16 against float32; write into `folder` whether the model may use bfloat16.

    Returns the content written. The model may use bfloat16 if both agree on `texts` (n,): see
    LEAST_AGREEMENT and MOST_DELTA. On a processor without bfloat16 the agreement is unknown, and
    the model may not. Raises ValueError without texts.
    """
    if not len(texts):
        raise ValueError(f"no posts to compare the precisions of {folder.name} on; give some")
    scorer = Scorer(folder, bfloat16=False)
    content = {"bfloat16": False, "posts": len(texts), "agreement": None, "delta_p999": None}
    if supported():
        exact = scorer.read(texts, name="in float32")
        scorer.bfloat16 = True
        measured = compare_precisions(exact, scorer.read(texts, name="in bfloat16"))
        content |= {"bfloat16": measured.holds, "agreement": measured.labels}
        content["delta_p999"] = measured.delta_p999
    files.write_json(folder / PRECISION, content)
    return content


def _chosen_precision(folder: Path) -> bool:
    """Setting that `choose_precision` wrote into `folder`; False if there is none."""
    file = folder / PRECISION
    if not file.is_file():
        return False
    try:
        allowed = json.loads(file.read_text(encoding="utf-8"))["bfloat16"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(_refusal(folder, f"{PRECISION} is damaged")) from error
    return allowed is True


def _bytes(place: int, text: str) -> bytes:
    if not isinstance(text, str):
        # The message omits the value: it may be personal.
        raise TypeError(f"post {place} (from 0) is {type(text).__name__}; give texts, str each")
    # Invalid Unicode (half a surrogate pair) is replaced, as broken UTF-8 is in the graph.
    return text.encode("utf-8", "replace")


def _broken(folder: Path, error: Exception) -> str:
    """Fault of a SavedModel that TensorFlow could not load, as text."""
    for file in FILES:
        if not (folder / file).is_file():
            return f"{file} is missing"
    if not isinstance(error, IndexError | tf.errors.OpError):
        file = FILES[0]
    else:
        try:
            tf.train.load_checkpoint(str(folder / FILES[1]).removesuffix(".index"))
            file = FILES[2]
        except tf.errors.OpError:
            file = FILES[1]
    return f"{file} is damaged ({type(error).__name__})"


def _refusal(folder: Path, reason: str) -> str:
    return (
        f"{folder.name} is no sentiment model of this project: {reason}; run `dvc repro finetune`"
    )


def _names(signature) -> tuple[set, set]:
    return set(signature.structured_input_signature[1]), set(signature.structured_outputs)
