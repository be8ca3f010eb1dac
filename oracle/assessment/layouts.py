"""The layout of an attestation's data: the fields of a schema, as the schema registry writes them."""

import re
from typing import Any, Final

from eth_abi.abi import decode, is_encodable_type
from eth_abi.exceptions import DecodingError

_FIELD: Final = re.compile(r"([a-z][a-z0-9]*(?:\[[0-9]*\])*) +([A-Za-z_$][A-Za-z0-9_$]*)")


class LayoutFault(ValueError):
    """A layout that is none; its text says what is wrong."""


def fields_of(layout: str) -> dict[str, str]:
    """Return each field's type by its name, in order; raises LayoutFault."""
    found: dict[str, str] = {}
    for part in layout.split(",") if layout.strip() else ():
        match = _FIELD.fullmatch(part.strip())
        if match is None or not is_encodable_type(match[1]):
            raise LayoutFault(f"{part.strip()[:40]!r} is no field: expected a type and a name, as uint64 createdAt")
        if match[2] in found:
            raise LayoutFault(f"the layout has two fields {match[2]!r}")
        found[match[2]] = match[1]
    return found


def values_of(layout: str, data: bytes) -> dict[str, Any] | None:
    """Return an attestation's values by field, None where its data are not of the layout."""
    fields = fields_of(layout)
    try:
        values = decode(list(fields.values()), data)
    except (DecodingError, ValueError, OverflowError):
        return None
    return dict(zip(fields, values, strict=True))


def normal(layout: str) -> str:
    """Return a layout without what does not change its meaning: for comparing with the registered one."""
    return ",".join(f"{kind} {name}" for name, kind in fields_of(layout).items())
