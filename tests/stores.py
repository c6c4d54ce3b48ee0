"""What a store holds, asked through MLflow's own client."""

import os
from typing import Any


def runs_of(uri: str) -> list[Any]:
    """The runs of all experiments."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    return list(client.search_runs([each.experiment_id for each in client.search_experiments()]))
