"""MLflow tracking: address of the store, runs with tags, metrics and files, registered models."""

import contextlib
import logging
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

# Read when mlflow is imported: it would otherwise print a notice of its own at each start.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

import pandas as pd

from customer_profiles.pipeline.tracking import provenance
from customer_profiles.project import files, params, paths
from customer_profiles.project.importing import without_collection
from customer_profiles.project.vocabulary import LABELS

with without_collection():
    import mlflow
    from mlflow.data.code_dataset_source import CodeDatasetSource
    from mlflow.entities import ViewType
    from mlflow.exceptions import MlflowException
    from mlflow.models import infer_signature

    from customer_profiles.pipeline.tracking.artifacts import SCHEME, store

logger = logging.getLogger(__name__)

MODEL = "sentiment"
ALIAS = "champion"
# Packages that the registered model needs; the locked versions are the installed ones.
NEEDED = ("tensorflow", "tensorflow-text", "tensorflow-hub", "tf-keras", "pandas", "tqdm")
# Seconds between two samples of processor and memory: a quick training takes less than a minute.
SAMPLING = 5


def uri() -> str:
    """Tracking URI: SQLite, because MLflow has deprecated its file store."""
    return f"sqlite:///{store() / 'mlflow.db'}"


def open_store() -> None:
    """Point MLflow to the project's store, and create it if there is none."""
    fresh = not (store() / "mlflow.db").exists()
    store().mkdir(parents=True, exist_ok=True)
    mlflow.set_tracking_uri(uri())
    mlflow.set_registry_uri(uri())
    mlflow.set_system_metrics_sampling_interval(SAMPLING)
    if fresh:
        # MLflow creates an empty one, whose files would be written to the working folder.
        mlflow.delete_experiment("0")


def clear(experiment: str) -> int:
    """Delete all runs of `experiment` for good, with their files; return their number."""
    open_store()
    every = mlflow.search_runs(
        experiment_names=[experiment], run_view_type=ViewType.ALL, output_format="list"
    )
    names = [run.info.run_id for run in every]
    if names:
        client = mlflow.MlflowClient()
        for run in every:
            if run.info.lifecycle_stage == "active":
                client.delete_run(run.info.run_id)
        # MLflow deletes for good by this command alone.
        subprocess.run(  # noqa: S603
            [sys.executable, "-m", "mlflow", "gc", "--backend-store-uri", uri(),
             "--run-ids", ",".join(names)],
            env=os.environ | {"MLFLOW_TRACKING_URI": uri()}, check=True, capture_output=True,
        )  # fmt: skip
        with contextlib.closing(sqlite3.connect(store() / "mlflow.db")) as database:
            database.execute("VACUUM")  # else its file keeps what was deleted
    return len(names)


@contextmanager
def run(
    experiment: str, name: str, description: str, tags: dict | None = None, nested: bool = False
) -> Iterator:
    """MLflow run SETTING-`name` in `experiment`, with processor and memory as metrics.

    Tags: the setting, the Git commit, whether the code differs from it, DVC's stage and experiment.
    The run's name ends with that of DVC's experiment. `nested` makes it a child of the active run.
    It ends as FAILED when the block raises.
    """
    open_store()
    if mlflow.get_experiment_by_name(experiment) is None:
        mlflow.create_experiment(experiment, artifact_location=f"{SCHEME}:/artifacts")
    mlflow.set_experiment(experiment)
    profile = params.load().profile
    with mlflow.start_run(
        run_name="-".join(filter(None, (profile, name, os.environ.get("DVC_EXP_NAME")))),
        description=description,
        tags={"profile": profile, **_origin(), **(tags or {})},
        log_system_metrics=True,
        nested=nested,
    ) as active:
        yield active


@contextmanager
def reopened(run: mlflow.entities.Run) -> Iterator:
    """Reopen an earlier run, because no run stays open from one notebook cell to the next."""
    open_store()
    with mlflow.start_run(run_id=run.info.run_id) as active:
        yield active


def log_params(values: dict) -> None:
    """Log parameters to the active run."""
    mlflow.log_params(values)


def log_metrics(metrics: dict, prefix: str = "") -> None:
    """Log the numbers of a nested dict as metrics `a.b.c`.

    Lists and texts are left to the JSON report.
    """
    for name, value in metrics.items():
        if isinstance(value, dict):
            log_metrics(value, f"{prefix}{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            mlflow.log_metric(prefix + name, value)


def log_curves(curves: pd.DataFrame, step: str) -> None:
    """Log each column of `curves` as a stepped metric; the column `step` counts the steps."""
    for row in curves.to_dict("records"):
        at = int(row.pop(step))
        mlflow.log_metrics({name: float(v) for name, v in row.items() if pd.notna(v)}, step=at)


def log_training(curves: pd.DataFrame, kept: pd.Series) -> None:
    """Log learning curves by epoch, and the row of the epoch `kept` as metrics `kept_NAME`.

    Note: under the name of its curve a summary would be one more point of it, at step 0.
    """
    log_curves(curves, step="epoch")
    log_metrics(kept.to_dict(), "kept_")


def log_point(values: dict[str, float], step: int) -> None:
    """Log one point of each training curve as `training/NAME`, during the training."""
    mlflow.log_metrics({f"training/{name}": value for name, value in values.items()}, step=step)


def log_dataset(file: Path, context: str) -> str:
    """Log name, shape and digest of the parquet `file` as data set; return the digest.

    No row is logged. The digest is that of the whole file: MLflow's own covers the first 10,000
    rows only.
    """
    digest = files.digest(file)[:12]
    data = mlflow.data.from_pandas(
        pd.read_parquet(file),
        source=CodeDatasetSource({"file": file.relative_to(paths.root()).as_posix()}),
        name=file.stem,
        digest=digest,
    )
    mlflow.log_input(data, context=context)
    mlflow.set_tag(f"digest.{file.stem}", digest)
    return digest


def log_figures(figures: Mapping) -> None:
    """Log each matplotlib figure, by its name, as figures/NAME.png."""
    for name, figure in figures.items():
        mlflow.log_figure(figure, f"figures/{name}.png")


def log_table(table: pd.DataFrame, name: str) -> None:
    """Log a table as tables/NAME.json, which MLflow displays as a table."""
    mlflow.log_table(table, f"tables/{name}.json")


def log_file(path: Path) -> None:
    """Log a file as an artifact of the run."""
    mlflow.log_artifact(str(path))


def register_model(
    code: Path, saved_model: Path, example: pd.DataFrame, validation: pd.DataFrame, digest: str
) -> bool:
    """Log and register the SavedModel with signature and example; True if it becomes champion.

    `code` is the file that loads it (sentiment/model/mlflow_model.py). `example` gives inputs, in
    the column text, and their ratings. Each setting has its own registered model,
    `sentiment-PROFILE`. The alias moves only to a model at least as accurate as the champion, in
    three classes and on the same rows: `validation` (columns label, a code, text, and the new
    model's ratings), identified by `digest`. A champion evaluated on other rows is evaluated again
    on these. Note: a champion that can no longer be loaded counts as none.
    """
    name = registered_name()
    inputs, answers = example[["text"]], example.drop(columns="text")
    # Relative to the working folder: MLflow stores both paths as given.
    program, model = map(os.path.relpath, (code, saved_model))
    info = mlflow.pyfunc.log_model(
        name=MODEL,
        python_model=program,
        artifacts={"saved_model": model},
        signature=infer_signature(inputs, answers),
        input_example=inputs,
        pip_requirements=[f"{package}=={version(package)}" for package in NEEDED],
        registered_model_name=name,
    )
    client = mlflow.MlflowClient()
    accuracy = _accuracy(validation, validation["label"])
    facts = {"validation_accuracy": str(accuracy), "validation_digest": digest}
    for key, value in facts.items():
        client.set_model_version_tag(name, info.registered_model_version, key, value)
    best = _champion_accuracy(client, name, validation, digest)
    if best is not None and accuracy < best:
        return False
    client.set_registered_model_alias(name, ALIAS, info.registered_model_version)
    return True


def registered_name() -> str:
    """Name of the chosen setting's model in the registry."""
    return f"{MODEL}-{params.load().profile}"


def _champion_accuracy(
    client: mlflow.MlflowClient, name: str, validation: pd.DataFrame, digest: str
) -> float | None:
    if ALIAS not in client.get_registered_model(name).aliases:
        return None
    champion = client.get_model_version_by_alias(name, ALIAS)
    if champion.tags["validation_digest"] == digest:
        return float(champion.tags["validation_accuracy"])
    try:
        model = mlflow.pyfunc.load_model(f"models:/{name}@{ALIAS}")
        return _accuracy(model.predict(validation[["text"]]), validation["label"])
    except (ImportError, AttributeError, KeyError, OSError, MlflowException, ValueError) as error:
        # The champion's code imports modules by their names at the time of logging; a former one
        # gives no probabilities of classes.
        logger.warning(
            "the champion of %s, version %s, cannot be loaded (%s): it counts as none",
            name, champion.version, type(error).__name__,
        )  # fmt: skip
        return None


def _accuracy(ratings: pd.DataFrame, label: pd.Series) -> float:
    predicted = ratings[list(LABELS.values())].idxmax(axis=1)
    right = predicted.to_numpy() == label.map(LABELS).to_numpy()
    return round(float(right.mean()), 6)


def _origin() -> dict[str, str]:
    stage = os.environ.get("DVC_STAGE", "none")
    commit = provenance.commit()
    return {
        "git.commit": commit,
        "git.changed": str(provenance.modified()).lower(),
        "dvc.stage": stage,
        "dvc.experiment": os.environ.get("DVC_EXP_NAME", "none"),
        "dvc.baseline": os.environ.get("DVC_EXP_BASELINE_REV", "none"),
        # MLflow would write the absolute path of the kernel that runs the notebook.
        "mlflow.source.name": f"stage {stage}",
        "mlflow.source.type": "NOTEBOOK",
        "mlflow.source.git.commit": commit,
    }
