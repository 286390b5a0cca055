"""MLflow's page, and links that lead to its runs: `customer-profiles mlflow`."""

import mlflow
from mlflow.cli import cli

from customer_profiles.pipeline.tracking import runs

HOST = "127.0.0.1"


def links(port: int) -> dict[str, str]:
    """Address of the runs of each experiment in the store, by its name.

    Note: without the query MLflow opens an experiment on its page for generative AI, which is empty
    here (https://github.com/mlflow/mlflow/issues/24498).
    """
    runs.open_store()
    experiments = sorted(mlflow.search_experiments(), key=lambda one: int(one.experiment_id))
    return {
        one.name: f"http://{HOST}:{port}/#/experiments/{one.experiment_id}/runs"
        "?workflowType=machine_learning"
        for one in experiments
    }


def serve(port: int) -> None:
    """Serve the page until interrupted."""
    # In this process: another one would import MLflow again, which takes seconds.
    cli(["server", "--backend-store-uri", runs.uri(), "--host", HOST, "--port", str(port)])
