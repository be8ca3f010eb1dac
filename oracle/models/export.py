"""From a quantised network to a model folder: weights, ONNX graph, EZKL settings, manifest."""

import hashlib
import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import ezkl
import torch
from torch import Tensor, nn

from oracle.assessment.errors import OracleError
from oracle.assessment.features import NEUTRAL_PRIVATE, PRIVATE_FEATURES, feature_spec_hash
from oracle.assessment.outputs import OUTPUTS
from oracle.models.bound import CHAIN_INPUT, NEARLY_ONE, PRIVATE_INPUT, TABLE, check_bounded
from oracle.models.fixed_point import (
    DECOMPOSITION_BASE,
    DECOMPOSITION_LEGS,
    INPUT_BITS,
    LOGROWS,
    OUTPUT_BITS,
    RESERVED_ROWS,
    WEIGHT_BITS,
)
from oracle.models.folder import COMMITMENT_HEX_DIGITS, GRAPH, MANIFEST, SETTINGS, model_id_of
from oracle.models.network import RiskNetwork, example_inputs
from oracle.models.quantise import check_no_overflow
from oracle.models.weights import save_weights

WEIGHTS: Final = "weights.json"
_OPSET = 17
_NEVER_RESCALE = 10  # times the input scale: above every activation's scale

_RUN_ARGUMENTS: Final[dict[str, Any]] = {
    "input_visibility": "hashed/public",
    "output_visibility": "public",
    # `private` would not commit to the weights at all: another model's proof would verify.
    "param_visibility": "fixed",
    "input_scale": INPUT_BITS,
    "param_scale": WEIGHT_BITS,
    "logrows": LOGROWS,
    "lookup_range": TABLE,
    "scale_rebase_multiplier": _NEVER_RESCALE,
    "decomp_base": DECOMPOSITION_BASE,
    "decomp_legs": DECOMPOSITION_LEGS,
    "disable_freivalds": True,
    # Inputs are bound by their hashes; outputs are sums of range-checked ReLUs, with room to spare in the field.
    "ignore_range_check_inputs_outputs": True,
}


class CircuitTooLarge(OracleError):
    """The network needs more rows than the largest circuit that is fast enough."""


class BoundedGraph(nn.Module):
    """A network as it is exported: the private features pass the table, the salt is hashed and goes no further."""

    def __init__(self, network: RiskNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, chain: Tensor, private: Tensor) -> Tensor:
        """Return the ten outputs, as the network does for features in their range."""
        return self.network.answer(chain, torch.pow(private[:, : len(PRIVATE_FEATURES)], NEARLY_ONE))


def export(network: RiskNetwork, folder: Path, name: str) -> str:
    """Write the model folder of a quantised network and return its model id in hex.

    Raises NotRepresentable when an input could overflow it, CircuitTooLarge beyond 2^12 rows, UnboundedGraph when a
    private feature would get into the network unbounded.
    """
    check_no_overflow(network)
    folder.mkdir(parents=True, exist_ok=True)
    save_weights(network, folder / WEIGHTS)
    _write_graph(network, folder / GRAPH)
    scales = [[INPUT_BITS, INPUT_BITS], [OUTPUT_BITS]]
    check_bounded(folder / GRAPH, write_settings(folder / GRAPH, folder / SETTINGS, scales))
    return write_manifest(folder, name)


def write_manifest(
    folder: Path, name: str, files: tuple[str, ...] = (WEIGHTS,), facts: Mapping[str, Any] | None = None
) -> str:
    """Stamp a model folder with its id, computed from graph, settings and today's feature table; returns the id.

    `files` are named by their digests beside those two; `facts` are kept as they are.
    """
    settings = json.loads((folder / SETTINGS).read_text())
    named = (*files, GRAPH, SETTINGS)
    manifest = {
        "name": name,
        "model_id": model_id_of(folder).hex(),
        "feature_spec_hash": feature_spec_hash().hex(),
        "neutral_commitment": f"0x{_neutral_commitment():0{COMMITMENT_HEX_DIGITS}x}",
        "output_scales": settings["model_output_scales"][-1:] * len(OUTPUTS),
        **(facts or {}),
        "sha256": {file: hashlib.sha256((folder / file).read_bytes()).hexdigest() for file in named},
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
    return str(manifest["model_id"])


def _write_graph(network: RiskNetwork, path: Path) -> None:
    with warnings.catch_warnings():
        # The tracing exporter is deprecated but writes the plain graph that EZKL reads, the same bytes each time.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            BoundedGraph(network.float()).eval(),
            example_inputs(),
            str(path),
            input_names=[CHAIN_INPUT, PRIVATE_INPUT],
            output_names=["outputs"],
            opset_version=_OPSET,
            dynamo=False,
        )


def write_settings(
    graph: Path, path: Path, scales: list[list[int]], changes: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Write EZKL's settings of a graph in their canonical form and return them; `changes` are to the run's arguments.

    Raises CircuitTooLarge beyond 2^12 rows, OracleError when inputs and outputs get other scales than `scales`.
    """
    arguments = ezkl.PyRunArgs()
    for name, value in {**_RUN_ARGUMENTS, **(changes or {})}.items():
        setattr(arguments, name, value)
    ezkl.gen_settings(str(graph), str(path), py_run_args=arguments)
    settings: dict[str, Any] = json.loads(path.read_text())
    if [settings["model_input_scales"], settings["model_output_scales"]] != scales:
        raise OracleError(f"EZKL chose other scales than the fixed-point format's {scales}: {settings}")
    # EZKL writes these in a random order, and the order changes keys and bytes.
    settings["required_range_checks"].sort()
    settings["einsum_params"]["equations"] = []  # read only with Freivalds checks on
    settings["timestamp"] = 0
    if (rows := settings["num_rows"]) + RESERVED_ROWS > 2**LOGROWS:
        raise CircuitTooLarge(f"the network needs {rows} rows, at most 2^{LOGROWS} are allowed: make it smaller")
    path.write_text(json.dumps(settings, indent=1, sort_keys=True) + "\n")
    return settings


def _neutral_commitment() -> int:
    [digest] = ezkl.poseidon_hash([value.to_bytes(32, "little").hex() for value in NEUTRAL_PRIVATE])
    return int.from_bytes(bytes.fromhex(digest), "little")
