"""What bounds the private features inside the circuit: a table that is the identity on 0..1024 and ends there.

The library does not range-check an input that is only hashed, and a borrower who proves on a machine of their own may
put anything there. So each private feature goes through a lookup first: a value a little below 0 counts as 0, and any
other outside 0..1024 has no proof.

The table is that of `Pow` with the float32 next to 1 as exponent: with 1 itself the library drops the operation. On
0..1024 the result, rounded, is the argument; of a negative number it is no number, which the library's table has as 0.
"""

from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from onnx import numpy_helper

from oracle.assessment.errors import OracleError
from oracle.assessment.features import ENCODED_ONE
from oracle.models.fixed_point import LOGROWS, RESERVED_ROWS

CHAIN_INPUT: Final = "chain"
PRIVATE_INPUT: Final = "private"

NEARLY_ONE: Final = 1 + 2.0**-23
"""The float32 next to 1."""

TABLE: Final = (ENCODED_ONE + 1 - (2**LOGROWS - RESERVED_ROWS), ENCODED_ONE)
"""What the table holds, both ends included. EZKL fills a column from the lower end on, whatever upper end is asked for:
only a lower end so far down makes 1024 the last row."""


class UnboundedGraph(OracleError):
    """In this circuit a private feature outside 0..1024 counts as it is: who proves alone could choose the score."""


def check_bounded(graph: Path, settings: dict[str, Any]) -> None:
    """Raise UnboundedGraph unless every private feature that a graph reads passes the table first."""
    _check(graph, settings, PRIVATE_INPUT)


def check_all_bounded(graph: Path, settings: dict[str, Any]) -> None:
    """Raise UnboundedGraph unless every chain feature that an open circuit's graph reads passes the table first."""
    _check(graph, settings, CHAIN_INPUT)


def _check(graph: Path, settings: dict[str, Any], tensor: str) -> None:
    arguments = settings.get("run_args", {})
    lookups, logrows, ends = (
        settings.get("required_lookups"),
        arguments.get("logrows"),
        tuple(arguments.get("lookup_range", ())),
    )
    if (logrows, ends) != (LOGROWS, TABLE) or not _is_the_table(lookups):
        raise UnboundedGraph(
            f"{graph}: its settings have the lookups {lookups} over {ends} at 2^{logrows} rows, expected one power of "
            f"{NEARLY_ONE:.9f} over {TABLE} at 2^{LOGROWS}: export the model again"
        )
    if problem := _way_past(onnx.load(str(graph)).graph, tensor):
        raise UnboundedGraph(f"{graph}: {problem}: export the model again")


def _is_the_table(lookups: object) -> bool:
    """Whether the settings ask for the one table; they have its exponent to eight digits."""
    match lookups:
        case [{"Pow": {"scale": scale, "a": exponent}}]:
            return bool(scale == ENCODED_ONE and np.float32(exponent) == np.float32(NEARLY_ONE))
    return False


def _way_past(graph: onnx.GraphProto, tensor: str) -> str | None:
    """Say where a feature of an input gets past the table; None when it does nowhere."""
    constants = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            constants[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    raw, passed = {tensor}, 0
    for node in graph.node:  # sorted: a tensor's maker comes before its readers
        if not raw & set(node.input):
            continue
        if node.op_type == "Slice" and not raw & set(node.input[1:]):
            raw.update(node.output)
        elif node.op_type == "Pow" and _is_nearly_one(constants.get(node.input[1])):
            passed += 1
        else:
            return f"{node.op_type} {node.name} reads {tensor} features that passed no table"
    if raw & {output.name for output in graph.output}:
        return f"{tensor} features are an output"
    return None if passed else f"no table reads the input {tensor}"


def _is_nearly_one(exponent: Any) -> bool:
    return exponent is not None and exponent.size == 1 and exponent.item() == NEARLY_ONE
