"""A passport as its owner reads it: values with their units, and what the circuit will see; never the salt."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from oracle.assessment.features import ENCODED_ONE, PRIVATE_FEATURES
from oracle.passports.opening import Opening, to_hex32
from oracle.passports.passport import Passport
from oracle.passports.schema import GROUPS, SCHEMA_HASH, SCHEMA_ID, Field


def viewed(passport: Passport, opening: Opening | None) -> dict[str, Any]:
    """Return what there is to show, as JSON's plain values."""
    encoded = dict(zip((feature.name for feature in PRIVATE_FEATURES), passport.encoded(), strict=True))
    groups: dict[str, Any] = {}
    for name, group in GROUPS.items():
        values = passport.values(name)
        groups[name] = None if values is None else {one.name: _field(one, values, encoded) for one in group.fields}
    return {
        "schema": SCHEMA_ID,
        "schema_hash": f"0x{SCHEMA_HASH.hex()}",
        "groups": groups,
        "flags": {name: code for name, code in encoded.items() if _is_flag(name)},
        "commitment": None if opening is None else to_hex32(opening.commitment),
    }


def described(view: Mapping[str, Any]) -> str:
    """Return a view as lines for people."""
    return "\n".join(_lines(view))


def _lines(view: Mapping[str, Any]) -> Iterator[str]:
    yield f"schema {view['schema']} ({view['schema_hash']}), encoded as 0 to {ENCODED_ONE}"
    for name, group in GROUPS.items():
        fields = view["groups"][name]
        yield f"{group.title}:" + (" unknown, all of it 0" if fields is None else "")
        for one in group.fields if fields else ():
            told = fields[one.name]
            value = "unknown" if told["value"] is None else f"{told['value']} {told['unit']}"
            yield f"  {one.name:26} {value:22} {told['encoded']:5}  {told['means']}"
    yield "flags: " + ", ".join(f"{name} {'yes' if code else 'no'}" for name, code in view["flags"].items())
    if view["commitment"] is not None:
        yield f"commitment {view['commitment']}"


def _field(one: Field, values: Mapping[str, Decimal | None], encoded: Mapping[str, int]) -> dict[str, Any]:
    value, feature, code = values[one.name], one.feature, encoded[one.name]
    # What the circuit cannot tell apart, the model does not know: a step is the price of whole numbers.
    if value is None:
        means = one.unknown.removeprefix("null: ")
    else:
        means = f"read as {_short(feature.decode(code))} {feature.unit} ({feature.scale})"
    return {
        "value": None if value is None else str(value),
        "unit": feature.unit,
        "low": str(feature.low),
        "high": str(feature.high),
        "encoded": code,
        "means": means,
    }


def _short(value: Decimal) -> str:
    return f"{Decimal(f'{value:.4g}').normalize():f}"


def _is_flag(name: str) -> bool:
    return name.endswith(("_present", "_stated"))
