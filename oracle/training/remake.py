"""A model's circuit, made anew of its weights as this release makes circuits: nothing is learned or measured."""

import json
import shutil
from pathlib import Path
from typing import Any, Final

from oracle.assessment.errors import ConfigurationFault
from oracle.models.export import WEIGHTS, export
from oracle.models.folder import GRAPH, MANIFEST, OPEN, SETTINGS
from oracle.models.kept_policy import policy_of
from oracle.models.open_graph import export_open
from oracle.models.quantise import check_no_overflow
from oracle.models.reference import REFERENCE
from oracle.models.weights import load_weights
from oracle.training.card import write_card

METRICS: Final = "metrics.json"
CARD: Final = "card.md"
_MADE: Final = (GRAPH, MANIFEST, SETTINGS, WEIGHTS, METRICS, CARD)


def remake_circuit(source: Path, target: Path) -> str:
    """Export a model folder's weights again into `target`, with all else that it holds; returns the new id in hex.

    The answers are the same for every input in its range, so the figures stay, with what they say of the circuit
    brought up to date. Raises what `export` does, ConfigurationFault for a folder that `models train` did not write.
    """
    network = load_weights(source / WEIGHTS)
    try:
        metrics: dict[str, Any] = json.loads((source / METRICS).read_text())
        before = str(metrics["model_id"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationFault(f"{source / METRICS} holds no figures of a model: {error!r}") from error
    target.mkdir(parents=True, exist_ok=True)
    for file in source.iterdir():
        if file.is_file() and file.name not in _MADE:
            shutil.copyfile(file, target / file.name)
    model_id = export(network, target, str(metrics["name"]))
    export_open(network, target / OPEN, f"{metrics['name']}-open")
    metrics |= {"model_id": model_id, "learned_by": metrics.get("learned_by", before)}
    metrics["circuit"] = circuit_figures(target, check_no_overflow(network))
    (target / METRICS).write_text(json.dumps(metrics, indent=2) + "\n")
    (target / CARD).write_text(write_card(str(metrics["name"]), metrics, policy_of(target, network)))
    reference = target / REFERENCE
    if reference.is_file():
        reference.write_text(reference.read_text().replace(before, model_id))
    return model_id


def circuit_figures(folder: Path, share_of_range_check: float) -> dict[str, Any]:
    """Return what the metrics say of a model folder's circuit."""
    settings = json.loads((folder / SETTINGS).read_text())
    return {
        "logrows": settings["run_args"]["logrows"],
        "rows": settings["num_rows"],
        "largest_share_of_range_check": round(share_of_range_check, 4),
    }
