"""Execution of a stage's notebook with papermill: `customer-profiles run STAGE`.

The values come from params.yaml alone. The executed copy in data/reports/notebooks is
deterministic: an equal notebook with equal output gives equal bytes. With `--quiet`, or
TQDM_DISABLE in the environment, only warnings, errors and the line at the end are shown.
"""

import copy
import logging
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import nbformat
import papermill
from papermill.exceptions import PapermillExecutionError

from customer_profiles.pipeline import summary
from customer_profiles.project import files, params, paths
from customer_profiles.publication import notices, standing

logger = logging.getLogger(__name__)

STAGES = ("fetch", "encoder", "finetune", "evaluate", "pull", "score", "load", "cluster", "publish")
EXECUTED = "data/reports/notebooks"
# What only this user may read, as patterns from the project's root.
PRIVATE = (
    "data/raw", "data/raw/*", "data/processed/*.json", "data/processed/*.parquet", "data/mongo",
    "data/collect", "data/tombstones", "data/tombstones/*", EXECUTED, f"{EXECUTED}/*",
)  # fmt: skip
START_SECONDS = 120
LOG_SECONDS = 10  # between two states of a progress bar, if each is a line
# Messages of kernel and libraries at each start would hide those of the stage. Messages that
# TensorFlow writes outside Python are not captured: each line would be shown twice.
# ipykernel 7 may close a socket before its last message is out; tornado logs that as an error.
KERNEL_QUIET = [
    "--IPKernelApp.log_level=50",
    "--IPKernelApp.capture_fd_output=False",
    "--IPKernelApp.exec_lines=__import__('logging').getLogger('tornado.general').setLevel(60)",
]
# Beginnings of messages; a colon would end one. The last is MLflow's, on integer columns.
WARNINGS = "ignore:IProgress not found,ignore:Hint:UserWarning"


def notebook_of(stage: str) -> Path:
    """Path of the notebook of `stage`; its number is the stage's place in the pipeline.

    Raises ValueError for an unknown stage, FileNotFoundError unless there is exactly one notebook.
    """
    if stage not in STAGES:
        raise ValueError(f"no stage {stage!r}; stages are {', '.join(STAGES)}")
    pattern = f"{STAGES.index(stage) + 1:02d}_*.ipynb"
    notebooks = sorted(paths.inside("notebooks").glob(pattern))
    if len(notebooks) != 1:
        raise FileNotFoundError(
            f"stage {stage} needs one notebook notebooks/{pattern}, found {len(notebooks)}"
        )
    return notebooks[0]


def values_for(stage: str, notebook: Path) -> dict:
    """Parameters of the notebook: the stage's section, and the shared ones that its cell names.

    Raises ValueError for a wrong value of params.yaml, KeyError unless the parameters cell holds
    exactly the section's names and shared ones.
    Note: papermill only warns about an unknown name, and runs with the default.
    """
    cell = set(papermill.inspect_notebook(str(notebook)))
    checked = params.load()
    section = params.stage(stage, checked)
    values = {**params.shared(cell, checked), **section}
    missing, unknown = sorted(set(section) - cell), sorted(cell - set(values))
    if missing or unknown:
        raise KeyError(
            f"{notebook.name}: its parameters cell and section {stage} of params.yaml disagree: "
            f"only in params.yaml: {missing or 'none'}, only in the cell: {unknown or 'none'}"
        )
    return values


def stable(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Copy without nondeterministic parts: times, cell ids, stderr and the chunks of stdout.

    Of the parameters it shows the values of the run only, without the defaults above them.
    """
    notebook = copy.deepcopy(notebook)
    if any("injected-parameters" in _tags(cell) for cell in notebook.cells):
        notebook.cells = [cell for cell in notebook.cells if "parameters" not in _tags(cell)]
    for extra in ("papermill", "widgets"):
        notebook.metadata.pop(extra, None)
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02d}"
        for extra in ("papermill", "execution"):
            cell.metadata.pop(extra, None)
        if "outputs" in cell:
            cell.outputs = _without_stderr(cell.outputs)
    return notebook


def _tags(cell: nbformat.NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def _without_stderr(outputs: list) -> list:
    # The kernel splits stdout, by a timer and around stderr.
    kept = []
    for output in outputs:
        if output.get("name") == "stderr":
            continue
        if kept and output.output_type == kept[-1].output_type == "stream":
            kept[-1].text += output.text
        else:
            kept.append(output)
    return kept


class Log:
    """Text file that writes each state of a progress bar on a line of its own.

    On a terminal a state overwrites the last one, by a carriage return.
    """

    def __init__(self, file: TextIO):
        self._file, self._at_start = file, True

    def write(self, text: str) -> None:
        for part in re.split("(\r)", text):
            if part == "\r":
                part = "" if self._at_start else "\n"
            self._file.write(part)
            self._at_start = part.endswith("\n") if part else self._at_start

    def flush(self) -> None:
        self._file.flush()


def bars(quiet: bool) -> dict[str, str]:
    """Environment variables that adapt tqdm in the kernel to the place where its bars are shown."""
    if quiet:
        return {"TQDM_DISABLE": "1"}
    if sys.stderr.isatty():
        return {"TQDM_NCOLS": str(shutil.get_terminal_size().columns)}
    return {"TQDM_MININTERVAL": str(LOG_SECONDS)}


def run(stage: str, quiet: bool = False) -> Path:
    """Run the stage's notebook from the project's root; return the path of the executed copy.

    The notebook's output is shown; with `quiet` only its stderr, and no progress bar. Raises
    PapermillExecutionError when a cell fails; the cells executed so far are kept beside the
    executed copies as NAME.failed.ipynb. Note: the executed copy, a DVC output, is then absent,
    also that of a former run.
    """
    notebook = notebook_of(stage)
    values = values_for(stage, notebook)
    target = paths.inside(EXECUTED, notebook.name)
    failed = target.with_suffix(".failed.ipynb")
    for former in (target, failed):
        former.unlink(missing_ok=True)
    scratch = target.with_suffix(".running.ipynb")
    scratch.parent.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("PYTHONWARNINGS", WARNINGS)
    os.environ.update(bars(quiet))
    try:
        executed = papermill.execute_notebook(
            str(notebook), str(scratch), parameters=values, cwd=str(paths.root()),
            progress_bar=False, start_timeout=START_SECONDS,
            extra_arguments=KERNEL_QUIET,
            stdout_file=None if quiet else sys.stdout,
            stderr_file=sys.stderr if sys.stderr.isatty() else Log(sys.stderr),
        )  # fmt: skip
        files.write_text(target, nbformat.writes(stable(executed)) + "\n")
    except PapermillExecutionError:
        scratch.replace(failed)
        raise
    finally:
        scratch.unlink(missing_ok=True)
    return target


def _keep_private() -> None:
    """Take other users' access away from files of former versions, and say so."""
    every = [file for pattern in PRIVATE for file in paths.root().glob(pattern)]
    if opened := files.close_to_others(every):
        logger.warning("others could read %d files and folders below data; now you alone", opened)


@contextmanager
def _reports(stage: str) -> Iterator[None]:
    """Leave no report of another archive unmarked, however the block ends (`standing`)."""
    archive = params.stage("pull")["archive"]
    standing.begin(archive)
    try:
        yield
    except BaseException as error:
        why = f"stage {stage} stopped: {_reason(error)}"
        try:
            standing.fail(archive, why)
        except OSError as failure:
            logger.warning("the reports of the run before could not be marked: %s", failure)
        raise


def _reason(error: BaseException) -> str:
    if isinstance(error, PapermillExecutionError):
        return notices.of_cell(error.ename, error.evalue, error.traceback)
    if isinstance(error, KeyboardInterrupt):
        return "it was interrupted"
    return notices.without_names(str(error.args[0] if isinstance(error, KeyError) else error))


def command(stage: str, quiet: bool) -> int:
    """Run the stage; write its line to stdout, or log its error.

    Returns the exit code: 1 when a cell failed, 2 when no cell was run.
    """
    start = time.monotonic()
    try:
        notebook_of(stage)  # a stage that does not exist is no run
        _keep_private()
        with _reports(stage):
            run(stage, quiet)
        sys.stdout.write(summary.line(stage, time.monotonic() - start) + "\n")
    except PapermillExecutionError as error:
        failed = f"{EXECUTED}/{notebook_of(stage).stem}.failed.ipynb"
        logger.error(
            "\nstage %s stopped in cell %s: %s: %s\n(see %s for all that ran)",
            stage, error.exec_count, error.ename, error.evalue, failed,
        )  # fmt: skip
        return 1
    except (ValueError, KeyError, OSError, RuntimeError) as error:
        message = error.args[0] if isinstance(error, KeyError) else error
        logger.error("stage %s: %s", stage, message)
        return 2
    return 0
