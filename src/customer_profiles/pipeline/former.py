"""Former figures about people in DVC's cache and in MLflow: `customer-profiles clean-former`.

An erasure withdraws what is published. What earlier runs published may lie in DVC's cache, because
former versions cached the outputs of all stages, and in the runs of MLflow.
"""

import logging
from collections.abc import Iterator
from pathlib import Path

from customer_profiles.pipeline import dvc
from customer_profiles.pipeline.tracking import runs
from customer_profiles.pipeline.tracking.provenance import git
from customer_profiles.project import paths, yaml_file

logger = logging.getLogger(__name__)

STAGES = ("pull", "score", "load", "cluster", "publish")
EXPERIMENT = "segments"
LOCK = "dvc.lock"
PUBLIC = ("data/reports", "docs/results", LOCK)


def clean() -> None:
    """Delete from DVC's cache and from MLflow what the STAGES wrote; log how much.

    The files of the present run stay in their places, and so does all that other stages wrote.
    Commits are not changed: those that may hold figures are counted, with a command that lists
    them. Raises RuntimeError when DVC does not answer.
    """
    logger.info("DVC's cache: %d files of %s removed", _clean_cache(), ", ".join(STAGES))
    logger.info("MLflow: %d runs of experiment %s removed", runs.clear(EXPERIMENT), EXPERIMENT)
    if commits := git("rev-list", "--all", "--", *PUBLIC).split():
        logger.info(
            "not changed: %d commits in Git, which may hold former figures: "
            "`git log --all -- %s` lists them. Tell whoever holds copies of them",
            len(commits), " ".join(PUBLIC),
        )  # fmt: skip


def _clean_cache() -> int:
    """Number of files removed from the cache, those of the run cache among them."""
    cache = Path(dvc.answer("cache", "dir").strip())
    of_runs = [(file, *_outs(yaml_file.read(file))) for file in cache.glob("runs/*/*/*")]
    known = [*(outs for _, *outs in of_runs), *_locked()]
    kept = {digest for stage, outs in known if stage not in STAGES for digest in outs}
    ours = {digest for stage, outs in known if stage in STAGES for digest in outs} - kept
    unwanted = [cache / "files/md5" / digest[:2] / digest[2:] for digest in ours]
    unwanted += [file for file, stage, _ in of_runs if stage in STAGES]
    there = [file for file in unwanted if file.exists()]
    for file in there:
        file.unlink()
    return len(there)


def _locked() -> Iterator[tuple[str, list[str]]]:
    """Stages and their outputs in the present dvc.lock, and in that of every commit."""
    file = paths.inside(LOCK)
    contents = [file.read_text(encoding="utf-8")] if file.is_file() else []
    commits = git("rev-list", "--all", "--full-history", "--", LOCK).split()
    contents += [git("show", f"{commit}:{LOCK}") for commit in commits]
    for content in set(contents):
        stages = (yaml_file.parse(content) or {}).get("stages", {})
        yield from map(_outs, stages.values())


def _outs(entry: dict) -> tuple[str, list[str]]:
    """Stage and digests of the outputs of an entry in dvc.lock or in the run cache."""
    stage = entry["cmd"].split()[-1]
    return stage, [out["md5"] for out in entry.get("outs", []) if "md5" in out]
