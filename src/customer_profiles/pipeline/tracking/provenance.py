"""Provenance of figures: day, commit and kind of machine; never a name, a place or a path."""

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from customer_profiles.project import paths

# Sources that determine the figures of a run; a README, for example, does not.
SOURCES = (
    "src", "notebooks", "data/sample", "dvc.yaml", "params.yaml", "encoder.txt",
    "mpnet.txt", "requirements.txt",
)  # fmt: skip
# Lines of params.yaml that `make repro PROFILE=… SENTIMENT140=… LABELLED=… X_ARCHIVE=…` sets.
CHOSEN = re.compile(r"[+-](profile|  source|  labelled|  archive): \S+")


def described() -> dict:
    """Date (UTC), commit, whether sources differ from it, and the kind of this machine."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit()[:12],
        "modified": modified(),
        "machine": machine(),
    }


def machine() -> dict:
    """Processor, its cores, memory in GiB, and Python's version."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30),
        "python": platform.python_version(),
    }


def commit() -> str:
    """The commit checked out; "none" before the first one, and without Git."""
    return git("rev-parse", "--verify", "--quiet", "HEAD") or "none"


def modified() -> bool:
    """True if SOURCES differ from the commit by more than the choice of setting and inputs.

    False without Git.
    """
    changed = git("status", "--porcelain", "--untracked-files=all", "--", *SOURCES).splitlines()
    if [line for line in changed if line[3:] != "params.yaml"]:
        return True
    lines = git("diff", "--unified=0", "HEAD", "--", "params.yaml").splitlines()
    edits = [line for line in lines if re.match(r"[+-](?!\+\+ |-- )", line)]
    return any(not CHOSEN.fullmatch(line) for line in edits)


def git(*arguments: str) -> str:
    """Output of git; "" without Git, and in a folder that has no repository of its own."""
    root = paths.root()
    # Above an unpacked ZIP another project's repository may lie.
    own = os.environ | {"GIT_CEILING_DIRECTORIES": str(root.parent)}
    try:
        return subprocess.run(  # noqa: S603
            ["git", *arguments],  # noqa: S607
            cwd=root, env=own, capture_output=True, text=True, check=False,
        ).stdout.rstrip("\n")  # fmt: skip
    except FileNotFoundError:
        return ""


def _processor() -> str:
    about = Path("/proc/cpuinfo")  # Linux alone; elsewhere Python knows the family at least
    named = re.search(r"^model name\s*:(.*)$", about.read_text(), re.M) if about.exists() else None
    name = named[1] if named else platform.processor() or platform.machine()
    return " ".join(re.sub(r"\(R\)|\(TM\)|\bCPU\b|@|\bw/.*", " ", name).split())
