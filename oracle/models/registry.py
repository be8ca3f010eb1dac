"""Model folders: the shipped ones by name, others by path, each checked against its manifest before use."""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Final

from oracle.assessment.errors import ConfigurationFault
from oracle.assessment.features import feature_spec_hash
from oracle.assessment.outputs import OUTPUTS
from oracle.models.bound import UnboundedGraph, check_all_bounded, check_bounded
from oracle.models.folder import COMMITMENT_HEX_DIGITS, GRAPH, MANIFEST, OPEN, SETTINGS, model_id_of

SHIPPED: Final = Path(__file__).parent / "shipped"
DEFAULT_MODEL: Final = "credit-v1"
_SHARED: Final = ("feature_spec_hash", "output_scales", "neutral_commitment")
FLOAT_WEIGHTS: Final = "float.json"
"""The network before rounding, for `models evaluate`; the circuit never sees it."""


class ModelFault(ConfigurationFault):
    """A model folder is missing, altered, made for another feature table, or bounds no private feature."""


@dataclass(frozen=True)
class OpenCircuit:
    """A checked folder of a model's open circuit: the same answers to requests without private data, under its own id.

    Its proofs show the chain features themselves; one proof answers `batch_size` requests.
    """

    name: str
    directory: Path
    model_id: bytes
    feature_spec_hash: bytes
    output_scales: tuple[int, ...]
    neutral_commitment: int
    batch_size: int
    statement: ClassVar[str] = "open"


@dataclass(frozen=True)
class ShippedModel:
    """A checked model folder.

    `output_scales` are bits, one per output; `neutral_commitment` is the field element that a request
    without private data carries.
    """

    name: str
    directory: Path
    model_id: bytes
    feature_spec_hash: bytes
    output_scales: tuple[int, ...]
    neutral_commitment: int
    batch_size: ClassVar[int] = 1
    statement: ClassVar[str] = "committed"

    @cached_property
    def open_circuit(self) -> OpenCircuit | None:
        """The model's open circuit, None for a folder without; raises ModelFault for one that does not belong to it."""
        folder = self.directory / OPEN
        return _load_open(self, folder) if (folder / MANIFEST).is_file() else None

    @property
    def onnx(self) -> Path:
        """The graph that the circuit is compiled from."""
        return self.directory / GRAPH

    @property
    def settings(self) -> Path:
        """EZKL's settings."""
        return self.directory / SETTINGS

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """What was measured when it was trained; empty for a folder without metrics."""
        path = self.directory / "metrics.json"
        return dict(json.loads(path.read_text())) if path.is_file() else {}


def shipped_names() -> list[str]:
    """Return the names of the models in this package."""
    return sorted(path.parent.name for path in SHIPPED.glob(f"*/{MANIFEST}"))


def folders(directory: Path | None = None) -> list[Path]:
    """Return the model folders of this package, then those directly below an operator's directory."""
    if directory is None or directory.resolve() == SHIPPED.resolve():
        own = []
    else:
        own = sorted(path.parent for path in directory.glob(f"*/{MANIFEST}"))
    return [SHIPPED / name for name in shipped_names()] + own


def find(model_id: bytes, directory: Path | None = None) -> ShippedModel:
    """Return the model of an id, of this package or of an operator's directory.

    Raises ModelFault when it is in neither, or is there but does not pass the checks of `load`.
    """
    here = []
    for folder in folders(directory):
        claimed = _claimed(folder)
        if claimed.get("model_id") == model_id.hex():
            return load(folder)
        here.append(f"{claimed.get('name', folder)} (0x{claimed.get('model_id', '?')})")
    places = "this package" if directory is None else f"this package and {directory}"
    raise ModelFault(
        f"model 0x{model_id.hex()} is not here: {places} have {', '.join(here) or 'none'}; put its folder below "
        "model.directory (see `risk-oracle models list`) and make its keys with `risk-oracle setup --model FOLDER`"
    )


def find_open(model_id: bytes, directory: Path | None = None) -> OpenCircuit | None:
    """Return the open circuit of an id, of a model in this package or in an operator's directory; None for none.

    Raises ModelFault for one that is there but does not pass the checks.
    """
    for folder in folders(directory):
        if _claimed(folder / OPEN).get("model_id") == model_id.hex():
            return load(folder).open_circuit
    return None


def load(name_or_path: str | Path = DEFAULT_MODEL, directory: Path | None = None) -> ShippedModel:
    """Return a model by its name in this package, by its name in an operator's directory, or by its folder.

    Raises ModelFault that says what does not match and what to do.
    """
    folder = folder_of(name_or_path, directory)
    path = folder / MANIFEST
    if not path.is_file():
        known = ", ".join(one.name for one in folders(directory)) or "none"
        raise ModelFault(f"no model {str(name_or_path)!r}: expected a folder with {MANIFEST} or a known name ({known})")
    facts, _, digests = _read(path, "train it again")
    model = ShippedModel(directory=folder, **facts)
    _check(model, digests)
    return model


def _read(path: Path, otherwise: str) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Return a manifest's facts, its batch size (one where it says none), and its files' digests; raises ModelFault."""
    try:
        content = json.loads(path.read_text())
        facts = {
            "name": str(content["name"]),
            "model_id": bytes.fromhex(content["model_id"]),
            "feature_spec_hash": bytes.fromhex(content["feature_spec_hash"]),
            "output_scales": tuple(int(scale) for scale in content["output_scales"]),
            "neutral_commitment": _commitment(content["neutral_commitment"]),
        }
        digests = {str(file): str(digest) for file, digest in content["sha256"].items()}
        return facts, int(content.get("batch_size", 1)), digests
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelFault(f"{path} is damaged ({error!r}): restore the folder or {otherwise}") from error


def _load_open(model: ShippedModel, folder: Path) -> OpenCircuit:
    facts, batch_size, digests = _read(folder / MANIFEST, "export the model again")
    circuit = OpenCircuit(directory=folder, batch_size=batch_size, **facts)
    _check_digests(circuit.name, folder, digests)
    _check_id(circuit.name, folder, circuit.model_id)
    if any(getattr(circuit, fact) != getattr(model, fact) for fact in _SHARED):
        raise ModelFault(f"{folder} is no open circuit of model {model.name}: one of {', '.join(_SHARED)} is another")
    _check_circuit(circuit.name, folder, check_all_bounded)
    return circuit


def _commitment(written: str) -> int:
    """Return a field element from the 32 bytes that a contract takes; raises ValueError for any other length."""
    if not re.fullmatch(rf"0x[0-9a-f]{{{COMMITMENT_HEX_DIGITS}}}", written):
        raise ValueError(f"neutral_commitment is {written!r}, expected 0x and {COMMITMENT_HEX_DIGITS} hex digits")
    return int(written, 16)


def folder_of(name_or_path: str | Path | None = None, directory: Path | None = None) -> Path:
    """Return the folder that a name or a path means, whatever it holds (None: the default model's)."""
    name_or_path = DEFAULT_MODEL if name_or_path is None else name_or_path
    if str(name_or_path) in shipped_names():
        return SHIPPED / name_or_path
    if directory is not None and (directory / name_or_path / MANIFEST).is_file():
        return directory / name_or_path
    return Path(name_or_path)


def _claimed(folder: Path) -> dict[str, Any]:
    """Return what a manifest says, unchecked; nothing for a damaged one: another folder's fault is not ours."""
    try:
        content = json.loads((folder / MANIFEST).read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _check(model: ShippedModel, digests: dict[str, str]) -> None:
    _check_digests(model.name, model.directory, digests)
    if model.feature_spec_hash != feature_spec_hash():
        raise ModelFault(
            f"model {model.name} was trained on another feature table: its specification hash is"
            f" {model.feature_spec_hash.hex()}, this release's is {feature_spec_hash().hex()}; train it again"
        )
    _check_id(model.name, model.directory, model.model_id)
    _check_circuit(model.name, model.directory, check_bounded)
    if len(model.output_scales) != len(OUTPUTS):
        raise ModelFault(f"model {model.name} has {len(model.output_scales)} output scales, expected {len(OUTPUTS)}")


def _check_digests(name: str, folder: Path, digests: dict[str, str]) -> None:
    for file, expected in digests.items():
        path = folder / file
        if not path.is_file():
            raise ModelFault(f"model {name}: {path} is missing: restore the folder or train it again")
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != expected:
            raise ModelFault(
                f"model {name}: {path} was altered: its SHA-256 is {found}, the manifest says {expected};"
                " restore the folder or train it again"
            )


def _check_id(name: str, folder: Path, claimed: bytes) -> None:
    if claimed != (found := model_id_of(folder)):
        raise ModelFault(
            f"model {name}: its folder gives the id {found.hex()}, the manifest says {claimed.hex()};"
            " restore the folder or train it again"
        )


def _check_circuit(name: str, folder: Path, check: Callable[[Path, dict[str, Any]], None]) -> None:
    """Raise ModelFault for a circuit whose proofs would show less than they must."""
    try:
        check(folder / GRAPH, json.loads((folder / SETTINGS).read_text()))
    except UnboundedGraph as error:
        raise ModelFault(
            f"model {name}: {error} (`risk-oracle models export --model {folder} --out FOLDER`, with the"
            " same answers, but an id, keys and a verifier of its own)"
        ) from error
