"""Artifact addresses for MLflow that stay valid when the project is moved.

MLflow stores the address of a run's files in its database. The address of a folder on disk is
absolute, so a moved project would lose its files. `mlruns:/artifacts/...` is this project's folder
mlruns instead; pyproject.toml registers the scheme with MLflow
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

    DVC runs an experiment in a temporary copy and names the real project in DVC_ROOT.
    """
    return Path(os.environ.get("DVC_ROOT") or paths.root()) / "mlruns"


class ProjectArtifacts(LocalArtifactRepository):
    """Artifact repository for `mlruns:/...`, stored below `store()`."""

    def __init__(self, artifact_uri: str, *arguments, **options):
        place = store() / unquote(urlsplit(artifact_uri).path).lstrip("/")
        super().__init__(place.as_uri(), *arguments, **options)
