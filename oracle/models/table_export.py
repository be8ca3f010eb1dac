"""From a table network to the folder of its batch circuit: graph, EZKL settings, manifest."""

import hashlib
import json
from pathlib import Path
from typing import Any, Final

import ezkl
import numpy as np
import onnx

from oracle.assessment.errors import ConfigurationFault, OracleError
from oracle.assessment.features import feature_spec_hash
from oracle.assessment.words import DIGIT_BITS, OUTPUT_DIGIT_BITS
from oracle.models.export import CircuitTooLarge
from oracle.models.folder import GRAPH, MANIFEST, SETTINGS, model_id_of
from oracle.models.table_format import (
    CLIP_EXPONENT,
    HIGHEST,
    LOGROWS,
    LOWEST,
    RESERVED_ROWS,
    SCALE_BITS,
    SHRINK_EXPONENT,
)
from oracle.models.table_graph import INPUT, write_batch_graph
from oracle.models.table_net import TableNetwork, check_tables

STATEMENT: Final = "open"
_INSTANCES: Final = (2, 1)
"""Public words an answer: features, outputs."""

_RUN_ARGUMENTS: Final[dict[str, Any]] = {
    # Nobody needs the inputs: the words, which are outputs, determine them.
    "input_visibility": "private",
    "output_visibility": "public",
    # `private` would not commit to the weights at all: another model's proof would verify.
    "param_visibility": "fixed",
    "input_scale": SCALE_BITS,
    "param_scale": 0,
    "logrows": LOGROWS,
    "lookup_range": (LOWEST, HIGHEST),
    "scale_rebase_multiplier": 10,  # above every scale in the graph: it never rescales
    "decomp_base": 1024,
    "decomp_legs": 2,
    "disable_freivalds": True,
    # Features pass a table, outputs are sums of what passed one.
    "ignore_range_check_inputs_outputs": True,
}

_ARGUMENTS: Final = {
    "param_visibility": "Fixed",
    "output_visibility": "Public",
    "param_scale": 0,
    "logrows": LOGROWS,
    "scale_rebase_multiplier": _RUN_ARGUMENTS["scale_rebase_multiplier"],
}
"""What the settings must say again, beside what check_batch looks at one by one."""


class UnsafeBatch(ConfigurationFault):
    """A batch circuit that would prove less than it says."""


def export_batch(network: TableNetwork, folder: Path, name: str, batch_size: int) -> str:
    """Write the folder of a network's circuit for so many wallets and return its id in hex.

    Raises TableOverflow when an input could leave a table or an output its digit, CircuitTooLarge beyond 2^15 rows.
    """
    check_tables(network)
    folder.mkdir(parents=True, exist_ok=True)
    write_batch_graph(network, batch_size, folder / GRAPH)
    arguments = ezkl.PyRunArgs()
    for argument, value in _RUN_ARGUMENTS.items():
        setattr(arguments, argument, value)
    ezkl.gen_settings(str(folder / GRAPH), str(folder / SETTINGS), py_run_args=arguments)
    settings: dict[str, Any] = json.loads((folder / SETTINGS).read_text())
    # EZKL writes these in a random order, and the order changes keys and bytes.
    settings["required_lookups"].sort(key=lambda lookup: lookup["Pow"]["a"])
    settings["einsum_params"]["equations"] = []  # read only with Freivalds checks on
    settings["timestamp"] = 0
    if (rows := settings["num_rows"]) + RESERVED_ROWS > 2**LOGROWS:
        raise CircuitTooLarge(f"{batch_size} wallets need {rows} rows, at most 2^{LOGROWS} are allowed: take fewer")
    check_batch(folder / GRAPH, settings, batch_size)
    (folder / SETTINGS).write_text(json.dumps(settings, indent=1, sort_keys=True) + "\n")
    return _write_manifest(network, folder, name, batch_size)


def check_batch(graph: Path, settings: dict[str, Any], batch_size: int) -> None:
    """Raise UnsafeBatch unless a circuit binds features, weights and outputs as the statement says.

    Freivalds' check must be off, weights fixed, outputs public, both tables exactly ours and nothing else looked up,
    and every feature must pass the CLIP table before anything reads it.
    """
    arguments = settings.get("run_args", {})
    if arguments.get("disable_freivalds") is not True:
        raise UnsafeBatch(
            f"{graph}: disable_freivalds is {arguments.get('disable_freivalds')}: a product of matrices would not be"
            " bound to what the circuit does with it; export the model again"
        )
    told = {name: arguments.get(name) for name in _ARGUMENTS}
    if told != _ARGUMENTS:
        raise UnsafeBatch(f"{graph}: the settings say {told}, expected {_ARGUMENTS}")
    exponents = sorted(np.float32(lookup.get("Pow", {}).get("a", 0)) for lookup in settings["required_lookups"])
    table = tuple(arguments.get("lookup_range", ()))
    if exponents != [np.float32(CLIP_EXPONENT), np.float32(SHRINK_EXPONENT)] or table != (LOWEST, HIGHEST):
        raise UnsafeBatch(f"{graph}: the tables are powers of {exponents} over {table}, expected CLIP and SHRINK")
    if settings["required_range_checks"] or settings["model_input_scales"] != [SCALE_BITS]:
        raise UnsafeBatch(f"{graph}: the circuit takes numbers apart or has another scale: nothing may be rescaled")
    shapes = [[batch_size, words] for words in _INSTANCES]
    if settings["model_instance_shapes"] != shapes or settings["model_output_scales"] != [SCALE_BITS] * 2:
        raise UnsafeBatch(f"{graph}: the instances are {settings['model_instance_shapes']}, expected {shapes}")
    if problem := _way_past(graph):
        raise UnsafeBatch(f"{graph}: {problem}: export the model again")


def _way_past(path: Path) -> str | None:
    """Say what reads the features before they passed the CLIP table; None when nothing does."""
    graph = onnx.load(str(path)).graph
    constants = {node.output[0]: node.attribute[0].t for node in graph.node if node.op_type == "Constant"}
    constants |= {tensor.name: tensor for tensor in graph.initializer}
    readers = [node for node in graph.node if INPUT in node.input]
    for node in readers:
        exponent = constants.get(node.input[1]) if node.op_type == "Pow" else None
        if exponent is None or onnx.numpy_helper.to_array(exponent).item() != CLIP_EXPONENT:
            return f"{node.op_type} {node.name} reads features that passed no table"
    if any(output.name == INPUT for output in graph.output):
        return "features that passed no table are an output"
    return None if readers else "nothing reads the features"


def _write_manifest(network: TableNetwork, folder: Path, name: str, batch_size: int) -> str:
    if not (folder / SETTINGS).is_file():
        raise OracleError(f"{folder / SETTINGS} is missing")
    model_id = model_id_of(folder).hex()
    manifest = {
        "name": name,
        "model_id": model_id,
        "feature_spec_hash": feature_spec_hash().hex(),
        "statement": STATEMENT,
        "batch_size": batch_size,
        "feature_digit_bits": DIGIT_BITS,
        "output_digit_bits": OUTPUT_DIGIT_BITS,
        "output_scales": network.scales.tolist(),
        "sha256": {file: hashlib.sha256((folder / file).read_bytes()).hexdigest() for file in (GRAPH, SETTINGS)},
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
    return model_id
