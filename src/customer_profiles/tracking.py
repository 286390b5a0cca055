"""The one place that knows MLflow: where the store lies, and what every run carries."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Read when mlflow is imported: it would otherwise print a notice of its own at each start.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")

import mlflow
import pandas as pd
from mlflow.models import infer_signature

from customer_profiles import paths

MODEL = "sentiment"
ALIAS = "champion"


def store() -> Path:
    """Folder of the MLflow store: mlruns/ of the main checkout.

    DVC runs an experiment in a throw-away copy and names the real project in DVC_ROOT.
    """
    return Path(os.environ.get("DVC_ROOT") or paths.root()) / "mlruns"


def uri() -> str:
    """Tracking address: SQLite, as MLflow has given up its file store."""
    return f"sqlite:///{store() / 'mlflow.db'}"


@contextmanager
def run(experiment: str, name: str, description: str, tags: dict | None = None) -> Iterator:
    """An MLflow run in `experiment`, tagged with commit, DVC stage and DVC experiment.

    Ends as FAILED when the block raises.
    """
    store().mkdir(parents=True, exist_ok=True)
    mlflow.set_tracking_uri(uri())
    mlflow.set_registry_uri(uri())
    if mlflow.get_experiment_by_name(experiment) is None:
        # Said once and absolutely: the default is ./mlruns of whatever folder we stand in.
        mlflow.create_experiment(experiment, artifact_location=str(store() / "artifacts"))
    mlflow.set_experiment(experiment)
    with mlflow.start_run(
        run_name=name, description=description, log_system_metrics=True
    ) as active:
        mlflow.set_tags({**_origin(), **(tags or {})})
        yield active


def log_params(params: dict) -> None:
    """Parameters of the active run."""
    mlflow.log_params(params)


def log_metrics(metrics: dict, prefix: str = "") -> None:
    """Numbers of a nested dict as metrics `a.b.c`; lists and texts are left to the JSON report."""
    for name, value in metrics.items():
        if isinstance(value, dict):
            log_metrics(value, f"{prefix}{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            mlflow.log_metric(prefix + name, value)


def log_curves(curves: pd.DataFrame, step: str) -> None:
    """Each column of `curves` as a stepped metric; the column `step` counts the steps."""
    for row in curves.to_dict("records"):
        at = int(row.pop(step))
        mlflow.log_metrics({name: float(v) for name, v in row.items() if pd.notna(v)}, step=at)


def log_dataset(frame: pd.DataFrame, name: str, context: str) -> None:
    """Name, shape and digest of a data set; none of its rows."""
    mlflow.log_input(mlflow.data.from_pandas(frame, name=name), context=context)


def log_figure(figure, name: str) -> None:
    """A matplotlib figure as figures/NAME.png."""
    mlflow.log_figure(figure, f"figures/{name}.png")


def log_dict(value: dict, name: str) -> None:
    """A dict as a JSON file of the run."""
    mlflow.log_dict(value, name)


def log_file(path: Path) -> None:
    """A file as an artifact of the run."""
    mlflow.log_artifact(str(path))


def register_model(saved_model: Path, example: list[str], polarity, accuracy: float) -> bool:
    """Log the SavedModel with signature and example and register it; whether it is champion.

    The alias moves only when `accuracy`, on validation rows, is at least the champion's.
    """
    inputs = pd.DataFrame({"text": example})
    answers = pd.DataFrame({"polarity": polarity})
    code = Path(__file__).with_name("registered_model.py")
    info = mlflow.pyfunc.log_model(
        name=MODEL,
        python_model=str(code),
        artifacts={"saved_model": str(saved_model)},
        signature=infer_signature(inputs, answers),
        input_example=inputs,
        pip_requirements=["tensorflow==2.21.0", "tensorflow-text==2.21.1", "tf-keras==2.21.0"],
        registered_model_name=MODEL,
    )
    client = mlflow.MlflowClient()
    version = info.registered_model_version
    client.set_model_version_tag(MODEL, version, "validation_accuracy", f"{accuracy:.4f}")
    best = champion_accuracy(client)
    if best is not None and accuracy < best:
        return False
    client.set_registered_model_alias(MODEL, ALIAS, version)
    return True


def champion_accuracy(client: mlflow.MlflowClient) -> float | None:
    """Validation accuracy of the current champion; None without one."""
    if ALIAS not in client.get_registered_model(MODEL).aliases:
        return None
    return float(client.get_model_version_by_alias(MODEL, ALIAS).tags["validation_accuracy"])


def _origin() -> dict[str, str]:
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"],  # noqa: S607
        cwd=paths.root(), capture_output=True, text=True, check=False,
    ).stdout.strip()  # fmt: skip
    tags = {
        "git.commit": commit or "none",
        "dvc.stage": os.environ.get("DVC_STAGE", "none"),
        "dvc.experiment": os.environ.get("DVC_EXP_NAME", "none"),
        "dvc.baseline": os.environ.get("DVC_EXP_BASELINE_REV", "none"),
    }
    return tags
