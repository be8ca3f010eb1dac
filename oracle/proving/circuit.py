"""From a model folder to a compiled circuit: the same folder gives the same bytes."""

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import ezkl

from oracle.proving.errors import KeysFault, ProvingFailed
from oracle.proving.field import to_hex

MODEL_MANIFEST = "model.json"
MODEL_FILES = ("model.onnx", "settings.json", MODEL_MANIFEST)


class Statement(StrEnum):
    """What a circuit's proof shows, as the registry names it.

    COMMITTED: [H(chain), H(private and salt), ten outputs]. OPEN: the words of the chain features, then the ten
    outputs; the private features are the neutral ones.
    """

    COMMITTED = "committed"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Circuit:
    """What the proving room reads of a model folder; `output_scales` in bits."""

    model_dir: Path
    model_id: bytes
    logrows: int
    rows: int
    output_scales: tuple[int, ...]
    statement: Statement = Statement.COMMITTED

    @property
    def onnx(self) -> Path:
        """The graph."""
        return self.model_dir / "model.onnx"

    @property
    def settings(self) -> Path:
        """EZKL's settings, in the canonical form that the model's export wrote."""
        return self.model_dir / "settings.json"


def read_circuit(model_dir: Path) -> Circuit:
    """Read a model folder; raises KeysFault when a file is missing or not what an export writes."""
    for name in MODEL_FILES:
        if not (model_dir / name).is_file():
            raise KeysFault(f"{model_dir / name} is missing: a model folder holds {', '.join(MODEL_FILES)}")
    settings: dict[str, Any] = json.loads((model_dir / "settings.json").read_text())
    manifest: dict[str, Any] = json.loads((model_dir / MODEL_MANIFEST).read_text())
    if settings.get("run_args", {}).get("disable_freivalds") is not True:
        raise KeysFault(
            f"{model_dir / 'settings.json'} lets Freivalds' check stand for products of matrices, which it does not "
            "bind to the rest of the circuit: export the model again (disable_freivalds must be true)"
        )
    try:
        statement = Statement(manifest.get("statement", Statement.COMMITTED))
        # Of an open circuit, the features' words come first.
        before = 1 if statement is Statement.OPEN else 0
        [scale] = settings["model_output_scales"][before:]
        [shape] = settings["model_instance_shapes"][before:]
        return Circuit(
            model_dir=model_dir,
            model_id=bytes.fromhex(manifest["model_id"]),
            logrows=int(settings["run_args"]["logrows"]),
            rows=int(settings["num_rows"]),
            output_scales=(int(scale),) * int(shape[-1]),
            statement=statement,
        )
    except (KeyError, ValueError) as error:
        raise KeysFault(f"{model_dir} is not a model folder: its settings or manifest lack {error}") from error


def compile_circuit(circuit: Circuit, target: Path) -> None:
    """Write the compiled circuit; raises ProvingFailed when EZKL refuses the graph."""
    try:
        done = ezkl.compile_circuit(str(circuit.onnx), str(target), str(circuit.settings))
    except RuntimeError as error:
        raise ProvingFailed(f"{circuit.onnx} could not be compiled into a circuit: {error}") from error
    if not done:
        raise ProvingFailed(f"{circuit.onnx} could not be compiled into a circuit")


def witness_data(*tensors: tuple[int, ...]) -> str:
    """Return EZKL's input JSON for integer tensors, as field elements: floats would lose the salt's low bits."""
    return json.dumps({"input_data": [[to_hex(value) for value in tensor] for tensor in tensors]})
