"""A pretrained BERT or MPNet in a folder, in the form that Hugging Face publishes.

The folder holds config.json, model.safetensors and vocab.txt. Everything is checked before the
first weight is read.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from customer_profiles.project import paths
from customer_profiles.sentiment.model.pretrained.architecture import (
    SPECIAL,
    UNKNOWN,
    Architecture,
)

CONFIG, WEIGHTS, VOCABULARY = NEEDED = ("config.json", "model.safetensors", "vocab.txt")
KINDS = {"bert": "BERT", "mpnet": "MPNet"}
PREFIXES = tuple(f"{name}." for name in KINDS)
# Names of the activation in config.json. "gelu" is the exact form, with the error function.
ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "relu": "relu",
}
OLD_NAMES = {".gamma": ".weight", ".beta": ".bias"}  # of normalisations, in the oldest checkpoints
READABLE = ("F32", "F16")


@dataclass(frozen=True)
class Checkpoint:
    """A checked checkpoint: its architecture, vocabulary, and the way to its weights.

    `special` are the tokens that begin, end and pad a post. `lower_case` is whether the vocabulary
    was made from lower-case text.
    """

    architecture: Architecture
    vocabulary: Path
    special: tuple[str, str, str]
    lower_case: bool
    weights: Path
    stored: dict[str, str]  # name in the file by that of the architecture

    def arrays(self) -> Iterator[tuple[str, np.ndarray]]:
        """Name and float32 array of each weight, one after the other."""
        with safe_open(self.weights, framework="numpy") as file:
            for name, stored in self.stored.items():
                array = file.get_tensor(stored).astype(np.float32, copy=False)
                yield name, array.T if name.endswith("/kernel") else array


def read(folder: Path) -> Checkpoint:
    """The checkpoint in `folder`.

    Raises FileNotFoundError when the folder or one of its files is missing, ValueError when the
    architecture is another one, or a weight is missing or has another shape or type.
    """
    _require_files(folder)
    weights = folder / WEIGHTS
    try:
        with safe_open(weights, framework="numpy") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            forms = {n: (tuple(s.get_shape()), s.get_dtype()) for n, s in slices.items()}
    except SafetensorError as error:
        raise ValueError(f"{weights} is damaged ({error}); fetch it again") from None
    plain = {_plain(name): name for name in forms}
    architecture = _architecture(folder / CONFIG, pooler="pooler.dense.weight" in plain)
    stored = {name: plain.get(architecture.published(name)) for name in architecture.shapes()}
    _require_weights(weights, architecture, stored, forms)
    tokens = _tokens(folder / VOCABULARY, architecture)
    special = {*SPECIAL[architecture.kind], "[MASK]", UNKNOWN, *SPECIAL["BERT"]}
    lower = all(token == token.lower() for token in tokens if token not in special)
    return Checkpoint(
        architecture, folder / VOCABULARY, SPECIAL[architecture.kind], lower, weights, stored
    )


def _require_files(folder: Path) -> None:
    if not folder.is_dir():
        raise FileNotFoundError(
            f"there is no folder {folder}; encoder.folder in params.yaml must name one with "
            f"{', '.join(NEEDED)}"
        )
    missing = [name for name in NEEDED if not (folder / name).is_file()]
    if missing == [WEIGHTS] and (folder / "pytorch_model.bin").is_file():
        raise FileNotFoundError(
            f"{folder} holds pytorch_model.bin, which can run code when it is read, but no "
            f"{WEIGHTS}; safetensors is needed: save_pretrained of transformers writes it"
        )
    if missing:
        raise FileNotFoundError(
            f"{folder} holds no {', '.join(missing)} ({paths.holding(folder)}); a checkpoint "
            f"needs {', '.join(NEEDED)}"
        )


def _architecture(file: Path, pooler: bool) -> Architecture:
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
        model_type = config["model_type"]
        kind = KINDS.get(model_type)
        if kind is None:
            raise ValueError(
                f"{file} is of a model of type {model_type}; understood are {', '.join(KINDS)}"
            )
        known = {
            "hidden_act": tuple(ACTIVATIONS),
            "position_embedding_type": ("absolute",),
        }
        for name, values in known.items():
            value = config.get(name, values[0])
            if value not in values:
                raise ValueError(f"{file}: {name} is {value}; understood are {', '.join(values)}")
        mpnet = kind == "MPNet"
        return Architecture(
            kind=kind,
            layers=config["num_hidden_layers"],
            heads=config["num_attention_heads"],
            width=config["hidden_size"],
            inner=config["intermediate_size"],
            words=config["vocab_size"],
            positions=config["max_position_embeddings"],
            types=0 if mpnet else config.get("type_vocab_size", 2),
            buckets=config.get("relative_attention_num_buckets", 32) if mpnet else 0,
            # Positions below belong to padding.
            first_position=config.get("pad_token_id", 1) + 1 if mpnet else 0,
            epsilon=config.get("layer_norm_eps", 1e-12),
            activation=ACTIVATIONS[config.get("hidden_act", "gelu")],
            pooler=pooler,
        )
    except json.JSONDecodeError as error:
        raise ValueError(f"{file} is no JSON ({error}); fetch it again") from None
    except KeyError as error:
        raise ValueError(f"{file} has no {error.args[0]}: it is no config of a BERT") from None


def _plain(name: str) -> str:
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    for old, new in OLD_NAMES.items():
        if name.endswith(old):
            name = name.removesuffix(old) + new
    return name


def _require_weights(
    file: Path, architecture: Architecture, stored: dict[str, str | None], forms: dict
) -> None:
    for name, shape in architecture.shapes().items():
        published = architecture.published(name)
        if stored[name] is None:
            raise ValueError(f"{file} holds no {published}, which config.json asks for")
        actual, dtype = forms[stored[name]]
        expected = shape[::-1] if name.endswith("/kernel") else shape
        if actual != expected:
            raise ValueError(
                f"{file}: {published} has the shape {actual}; by config.json it is {expected}"
            )
        if dtype not in READABLE:
            raise ValueError(
                f"{file}: {published} is of type {dtype}; save the weights as float32 (F32) or "
                "float16 (F16)"
            )


def _tokens(file: Path, architecture: Architecture) -> list[str]:
    tokens = file.read_text(encoding="utf-8").splitlines()
    needed = (*SPECIAL[architecture.kind], UNKNOWN)
    missing = [token for token in needed if token not in tokens]
    if missing:
        raise ValueError(
            f"{file} has no {' '.join(missing)}: it is no vocabulary of word pieces for "
            f"{architecture.kind}"
        )
    if len(tokens) > architecture.words:
        raise ValueError(
            f"{file} has {len(tokens)} tokens, but config.json says {architecture.words}"
        )
    return tokens
