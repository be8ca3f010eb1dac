"""Record a run with MLflow, in a folder of files or at a tracking server; nothing is imported unless asked for."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from oracle.assessment.errors import ConfigurationFault

EXPERIMENT: Final = "risk-oracle"


def track(
    uri: str,
    name: str,
    parameters: dict[str, Any],
    metrics: dict[str, Any],
    artifacts: Iterable[Path] = (),
) -> str:
    """Store one run and return its id; nested `metrics` are kept under their path, such as fraud.quantised.auc.

    `uri` is a folder or a tracking server (http...). Raises ConfigurationFault when it cannot be written or reached.
    """
    # Read when MLflow is imported: its own usage reports would go over the network.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    local = "://" not in uri
    if local:
        # MLflow asks for consent to its plain file store; a folder needs no database.
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        uri = Path(uri).resolve().as_uri()
    try:
        from mlflow import MlflowClient
        from mlflow.entities import Metric, Param
        from mlflow.exceptions import MlflowException
    except ModuleNotFoundError as error:
        raise ConfigurationFault(f"--track needs {error.name}: install risk-oracle[train]") from error
    try:
        client = MlflowClient(tracking_uri=uri)
        known = client.get_experiment_by_name(EXPERIMENT)
        experiment = client.create_experiment(EXPERIMENT) if known is None else known.experiment_id
        run = client.create_run(experiment, run_name=name).info.run_id
        client.log_batch(
            run,
            params=[Param(key, str(value)) for key, value in parameters.items()],
            metrics=[Metric(key, value, 0, 0) for key, value in numbers_of(metrics)],
        )
        for path in artifacts:
            client.log_artifact(run, str(path))
        client.set_terminated(run)
    except (MlflowException, OSError) as error:
        raise ConfigurationFault(f"MLflow cannot store the run at {uri}: {error}") from error
    return str(run)


def numbers_of(metrics: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Yield every number of a nested object with its path; texts, lists and empty values are left out."""
    for key, value in metrics.items():
        if isinstance(value, dict):
            yield from numbers_of(value, f"{prefix}{key}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{prefix}{key}", float(value)
