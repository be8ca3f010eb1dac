"""The encoding of private data: one function, for a borrower's passport and for the tables that training reads."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from oracle.assessment.features import ENCODED_ONE, PRIVATE_FEATURES, Feature
from oracle.passports.schema import Group

Column = Sequence[Decimal | None]


def encode_group(group: Group, columns: Mapping[str, Column]) -> list[list[int]]:
    """Return the group's block of the private tensor by column, for many people at once.

    `columns` holds each field's values in its unit, None where it is unknown; all of one length. Whoever has a row here
    has the group, so its presence flag is set. Values outside their range are clipped: a passport refuses them before.
    Raises KeyError for a field that is missing.
    """
    encoded: dict[str, list[int]] = {}
    for field in group.fields:
        column = columns[field.name]
        encoded[field.feature.name] = _encode(field.feature, column)
        if field.stated is not None:
            encoded[field.stated.name] = [0 if value is None else ENCODED_ONE for value in column]
    length = len(next(iter(encoded.values())))
    encoded[group.present.name] = [ENCODED_ONE] * length
    return [encoded[feature.name] for feature in PRIVATE_FEATURES[group.block]]


def encode_passport(groups: Iterable[tuple[Group, Mapping[str, Decimal | None] | None]]) -> tuple[int, ...]:
    """Return the 24 encoded integers of one passport; a group that is None is absent, all zero."""
    encoded = [0] * len(PRIVATE_FEATURES)
    for group, values in groups:
        if values is not None:
            rows = encode_group(group, {name: [value] for name, value in values.items()})
            encoded[group.block] = [code for [code] in rows]
    return tuple(encoded)


def _encode(feature: Feature, column: Column) -> list[int]:
    # A table repeats its values, and a logarithm of forty digits takes its time.
    codes: dict[Decimal | None, int] = {}
    for value in column:
        if value not in codes:
            codes[value] = feature.encode(value)
    return [codes[value] for value in column]
