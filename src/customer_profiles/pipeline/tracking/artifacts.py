"""Where MLflow keeps the files of runs: addresses that hold wherever the project lies.

MLflow stores the address of a run's files in its database, absolute where they lie on a disk, so
that a project which was moved would lose them. `mlruns:/artifacts/...` means this project's folder
mlruns instead; pyproject.toml announces the scheme to MLflow
(https://mlflow.org/docs/latest/ml/plugins/).
"""

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

from customer_profiles.project import paths

SCHEME = "mlruns"


def store() -> Path:
    """Folder of the MLflow store: mlruns/ of the main checkout.

    DVC runs an experiment in a throw-away copy and names the real project in DVC_ROOT.
    """
    return Path(os.environ.get("DVC_ROOT") or paths.root()) / "mlruns"


class ProjectArtifacts(LocalArtifactRepository):
    """Files under `mlruns:/...`, kept below `store()`."""

    def __init__(self, artifact_uri: str, *arguments, **options):
        place = store() / unquote(urlsplit(artifact_uri).path).lstrip("/")
        super().__init__(place.as_uri(), *arguments, **options)
