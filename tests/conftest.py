"""Fixtures of all rooms: a project to stand in, and a disk that fills up. Each room has its own."""

import gc
import subprocess
import sys

import pytest

# jsonschema would compile a grammar of URIs, which takes seconds; no test needs it.
sys.modules.setdefault("rfc3987_syntax", None)
# What several rooms share; these import no library of theirs before a test asks for it.
pytest_plugins = (
    "tests.pipeline.tracking.stores", "tests.sentiment.tiny", "tests.store.databases",
    "tests.system.copies",
)  # fmt: skip
# What a room's conftest imports, told before it does.
pytest.register_assert_rewrite(
    "tests.api.served", "tests.collect.collecting", "tests.erasure.erasable"
)

# Begun last it would run on alone while the other process has nothing left to do.
LONGEST = ("test_canary.py",)


# Each garbage collection would walk through all that the test modules import, TensorFlow above all.
gc.disable()


def pytest_collection_modifyitems(items):
    gc.freeze()
    gc.enable()
    items.sort(key=lambda item: item.path.name not in LONGEST)


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
