"""The passport's schema: a JSON Schema whose annotations say unit, meaning of unknown, and place in the tensor."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files
from typing import Any, Final

from oracle.assessment.features import PRIVATE_FEATURES, Feature

SCHEMA_ID: Final = "urn:risk-oracle:passport:1"

SCHEMA: Final[Mapping[str, Any]] = json.loads(
    (files("oracle.passports") / "schema" / "passport-1.json").read_text(encoding="ascii")
)
"""The schema as it ships; JSON Schema, draft 2020-12."""

SCHEMA_HASH: Final = hashlib.sha256(json.dumps(SCHEMA, sort_keys=True, separators=(",", ":")).encode("ascii")).digest()
"""The 32 bytes by which contracts and credentials name the schema: SHA-256 of its canonical JSON."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a group: what people read of it, and where its number stands in the tensor.

    `stated`: the flag that tells the model whether the field is known, where the model has one.
    """

    name: str
    group: str
    title: str
    description: str
    unknown: str
    whole: bool
    feature: Feature
    stated: Feature | None

    @property
    def path(self) -> str:
        """The field as errors name it."""
        return f"{self.group}.{self.name}"

    @property
    def expected(self) -> str:
        """What may stand in the field, in words."""
        kind = "a whole number" if self.whole else "a number"
        return f"{kind} within {self.feature.low}..{self.feature.high} ({self.feature.unit}), or null for unknown"

    def takes(self, value: Decimal) -> bool:
        """Return whether a value is within the field's range, and whole where it must be."""
        if not value.is_finite() or not self.feature.low <= value <= self.feature.high:
            return False
        return not self.whole or value == value.to_integral_value()


@dataclass(frozen=True, slots=True)
class Group:
    """One of the two groups of fields; `block` is its columns of the private tensor."""

    name: str
    title: str
    description: str
    present: Feature
    fields: tuple[Field, ...]
    block: slice


def _groups() -> Iterator[Group]:
    for name in ("home", "card"):
        told = SCHEMA["properties"][name]
        fields = tuple(_field(name, key, entry) for key, entry in told["properties"].items())
        present = PRIVATE_FEATURES[told["encoding"]["present_position"]]
        places = [place for place, feature in enumerate(PRIVATE_FEATURES) if feature.group == present.group]
        block = slice(places[0], places[-1] + 1)
        yield Group(name, told["title"], told["description"], present, fields, block)


def _field(group: str, name: str, told: Mapping[str, Any]) -> Field:
    stated = told["encoding"].get("stated_position")
    return Field(
        name=name,
        group=group,
        title=told["title"],
        description=told["description"],
        unknown=told["unknown"],
        whole="integer" in told["type"],
        feature=PRIVATE_FEATURES[told["encoding"]["position"]],
        stated=None if stated is None else PRIVATE_FEATURES[stated],
    )


GROUPS: Final[Mapping[str, Group]] = {group.name: group for group in _groups()}
"""The two groups by name, in the tensor's order."""
