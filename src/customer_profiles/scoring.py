"""Posts read by the saved sentiment model: loaded once, any number of posts."""

# First: the SavedModel needs TensorFlow Text's operations.
from customer_profiles import encoder as encoders  # isort: skip

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from tqdm import tqdm

# What each signature takes and gives.
SIGNATURES = {
    "serving_default": ({"text"}, {"polarity"}),
    "tokenise": ({"text"}, set(encoders.INPUTS)),
    "score": (set(encoders.INPUTS), {"polarity", "pooled"}),
}
WINDOW = 4096  # posts that are sorted by length together


class Reading(NamedTuple):
    """What the model says of n posts: `polarity` float32 (n,), `pooled` float32 (n, width)."""

    polarity: np.ndarray
    pooled: np.ndarray


class Scorer:
    """A saved sentiment model, loaded once.

    Raises ValueError, naming the folder and the stage that makes it, for what is none.
    """

    def __init__(self, folder: Path):
        try:
            self._model = tf.saved_model.load(str(folder))
        except (OSError, KeyError, ValueError, tf.errors.OpError) as error:
            raise ValueError(
                f"{folder.name} is no sentiment model of this project "
                f"({type(error).__name__}); run `dvc repro finetune`"
            ) from error
        for name, (takes, gives) in SIGNATURES.items():
            signature = self._model.signatures.get(name)
            found = ((), ()) if signature is None else _names(signature)
            if found != (takes, gives):
                raise ValueError(
                    f"{folder.name} is no sentiment model of this project: its signature {name} "
                    f"must take {sorted(takes)} and give {sorted(gives)}, but takes "
                    f"{sorted(found[0])} and gives {sorted(found[1])}; run `dvc repro finetune`"
                )
        self._tokenise, self._score = (
            self._model.signatures[name] for name in ("tokenise", "score")
        )

    def polarity(self, texts: Sequence[str], batch_size: int = 64) -> np.ndarray:
        """Polarity float32 (n,) of raw `texts`, in their order."""
        parts = [reading.polarity for reading in self.readings(texts, batch_size)]
        return np.concatenate([np.empty(0, np.float32), *parts])

    def readings(self, texts: Iterable[str], batch_size: int = 64) -> Iterator[Reading]:
        """What the model says of `texts`, in their order, WINDOW posts at a time."""
        texts = iter(texts)
        with tqdm(desc="scoring", unit="post") as bar:
            while window := list(islice(texts, WINDOW)):
                yield self._read(window, batch_size)
                bar.update(len(window))

    def _read(self, texts: list[str], batch_size: int) -> Reading:
        # What is no Unicode (half a surrogate pair) is replaced, as broken UTF-8 is in the graph.
        raw = tf.constant([text.encode("utf-8", "replace") for text in texts])
        tokens = {name: part.numpy() for name, part in self._tokenise(text=raw).items()}
        lengths = tokens["input_mask"].sum(axis=1)
        order = np.argsort(lengths, kind="stable")
        parts = []
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            batch = {name: part[rows, : lengths[rows[-1]]] for name, part in tokens.items()}
            parts.append(self._score(**{name: tf.constant(part) for name, part in batch.items()}))
        back = np.argsort(order)
        return Reading(*(np.concatenate([part[name] for part in parts])[back]
                         for name in Reading._fields))  # fmt: skip


def _names(signature) -> tuple[set, set]:
    return set(signature.structured_input_signature[1]), set(signature.structured_outputs)
