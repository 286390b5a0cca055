"""A real MLflow store, in a project of its own."""

import shutil
import subprocess
from pathlib import Path

import pytest

from customer_profiles.project import params

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A project of its own, with Git, and its MLflow store: migrating one takes seconds."""
    root = tmp_path_factory.mktemp("project")
    (root / "dvc.yaml").touch()
    shutil.copy(ROOT / "params.yaml", root)
    params.change(root / "params.yaml", {"profile": "quick"})
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@localhost"]
    subprocess.run([*git, "init", "--quiet"], cwd=root, check=True)
    subprocess.run([*git, "add", "--all"], cwd=root, check=True)
    subprocess.run([*git, "commit", "--quiet", "-m", "first"], cwd=root, check=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.delenv("DVC_ROOT", raising=False)
        patch.setenv("DVC_STAGE", "finetune")
        patch.setenv("DVC_EXP_NAME", "warm-koala")
        yield root
