"""Copies of this project, in which DVC, Git and its commands are run."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


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
        finished = self.call("dvc", "repro", *arguments)
        return sorted(re.findall(r"^Running stage '(\w+)'", finished, re.MULTILINE))

    def status(self, *stages):
        return json.loads(self.call("dvc", "status", "--json", *stages))

    def set(self, *values):
        self.call("customer-profiles", "choose", *values)

    def reset(self):
        """Choose the setting quick and the shipped sample."""
        self.set(
            "profile=quick", "fetch.source=data/sample/sentiment140",
            "fetch.labelled=data/sample/labelled", "pull.archive=data/sample/x_archive",
        )  # fmt: skip

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
        contents = {path.relative_to(self.root).as_posix(): path for path in files}
        return {name: path.read_bytes() for name, path in contents.items() if not kept.match(name)}


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
