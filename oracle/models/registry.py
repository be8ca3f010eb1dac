"""Model folders: the shipped ones by name, others by path, each checked against its manifest before use."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from oracle.assessment.errors import ConfigurationFault
from oracle.assessment.features import feature_spec_hash
from oracle.assessment.outputs import OUTPUTS
from oracle.models.export import GRAPH, MANIFEST, SETTINGS, model_id_of

SHIPPED: Final = Path(__file__).parent / "shipped"
DEFAULT_MODEL: Final = "credit-v1"
FLOAT_WEIGHTS: Final = "float.json"
"""The network before rounding, for `models evaluate`; the circuit never sees it."""


class ModelFault(ConfigurationFault):
    """A model folder is missing, altered, or made for another feature table."""


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


def load(name_or_path: str | Path = DEFAULT_MODEL) -> ShippedModel:
    """Return a model by shipped name or folder; raises ModelFault that says what does not match and what to do."""
    directory = SHIPPED / name_or_path if str(name_or_path) in shipped_names() else Path(name_or_path)
    path = directory / MANIFEST
    if not path.is_file():
        known = ", ".join(shipped_names()) or "none"
        raise ModelFault(
            f"no model {str(name_or_path)!r}: expected a folder with {MANIFEST} or a shipped name ({known})"
        )
    try:
        content = json.loads(path.read_text())
        model = ShippedModel(
            name=str(content["name"]),
            directory=directory,
            model_id=bytes.fromhex(content["model_id"]),
            feature_spec_hash=bytes.fromhex(content["feature_spec_hash"]),
            output_scales=tuple(int(scale) for scale in content["output_scales"]),
            neutral_commitment=int(content["neutral_commitment"], 16),
        )
        digests = {str(file): str(digest) for file, digest in content["sha256"].items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelFault(f"{path} is damaged ({error!r}): restore the folder or train it again") from error
    _check(model, digests)
    return model


def _check(model: ShippedModel, digests: dict[str, str]) -> None:
    for file, expected in digests.items():
        path = model.directory / file
        if not path.is_file():
            raise ModelFault(f"model {model.name}: {path} is missing: restore the folder or train it again")
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != expected:
            raise ModelFault(
                f"model {model.name}: {path} was altered: its SHA-256 is {found}, the manifest says {expected};"
                " restore the folder or train it again"
            )
    if model.feature_spec_hash != feature_spec_hash():
        raise ModelFault(
            f"model {model.name} was trained on another feature table: its specification hash is"
            f" {model.feature_spec_hash.hex()}, this release's is {feature_spec_hash().hex()}; train it again"
        )
    if model.model_id != (found_id := model_id_of(model.directory)):
        raise ModelFault(
            f"model {model.name}: its folder gives the id {found_id.hex()}, the manifest says {model.model_id.hex()};"
            " restore the folder or train it again"
        )
    if len(model.output_scales) != len(OUTPUTS):
        raise ModelFault(f"model {model.name} has {len(model.output_scales)} output scales, expected {len(OUTPUTS)}")
