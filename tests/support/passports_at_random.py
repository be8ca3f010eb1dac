"""Passports and private tensors at random, the edges first, as both languages are asked to commit to them."""

import json
import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from oracle.assessment.features import ENCODED_ONE, PRIVATE_FEATURES, Feature, encode_all

GROUPS: Final = {"home": "passport", "card": "card"}
SCHEMA: Final = "urn:risk-oracle:passport:1"
_LARGEST_SALT: Final = 2**32 - 1
_STATED_BY: Final = {"employment_stated": "employment_years"}


def fields(group: str) -> list[Feature]:
    """Return the features of a group that a borrower states."""
    return [row for row in PRIVATE_FEATURES if row.group == GROUPS[group] and row.unit != "flag"]


def tensors(count: int, seed: int) -> Iterator[list[int]]:
    """Yield private tensors: 24 encoded features and five parts of a salt."""
    sizes = [ENCODED_ONE] * len(PRIVATE_FEATURES) + [_LARGEST_SALT] * 5
    edges = [[0] * len(sizes), sizes, [0] * 24 + [_LARGEST_SALT] * 5, [ENCODED_ONE] * 24 + [0] * 5]
    edges += [[largest if place == index else 0 for place, largest in enumerate(sizes)] for index in range(len(sizes))]
    yield from edges[:count]
    numbers = random.Random(seed)  # noqa: S311
    for _ in range(count - len(edges)):
        yield [numbers.randint(0, largest) for largest in sizes]


def passports(count: int, seed: int) -> Iterator[str]:
    """Yield the text of passports' files."""
    numbers = random.Random(seed)  # noqa: S311
    both = tuple(GROUPS)
    for value in ("low", "high"):
        yield _text({group: {row.name: str(getattr(row, value)) for row in fields(group)} for group in both})
    yield _text({group: {row.name: None for row in fields(group)} for group in both})
    for group in both:
        yield _text({group: {row.name: _value(row, numbers) for row in fields(group)}})
    for _ in range(count - 5):
        yield _text({group: {row.name: _value(row, numbers) for row in fields(group)} for group in both})


def encoded(text: str) -> list[int]:
    """Return a passport's 24 integers by the table that training uses."""
    found = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    values: dict[str, Decimal | None] = {}
    for row in PRIVATE_FEATURES:
        group = found["card" if row.group == "card" else "home"]
        if group is None:
            values[row.name] = None
        elif row.unit != "flag":
            values[row.name] = group[row.name]
        elif row.name.endswith("_present"):
            values[row.name] = Decimal(1)
        else:
            name = _STATED_BY.get(row.name, row.name.removesuffix("_stated"))
            values[row.name] = Decimal(group[name] is not None)
    return list(encode_all(PRIVATE_FEATURES, values))


def _value(row: Feature, numbers: random.Random) -> str | None:
    chosen = numbers.random()
    if chosen < 0.1:
        return None
    if chosen < 0.2:
        # The middle of a step, where rounding decides, as near as forty digits tell.
        return str(row.decode(numbers.randrange(ENCODED_ONE)) if chosen < 0.15 else _between(row, numbers))
    if chosen < 0.3:
        return f"{numbers.randint(1, 9)}E-{numbers.randint(1, 30)}"
    return str(round(Decimal(numbers.random()) * row.high, numbers.randint(0, 12)))


def _between(row: Feature, numbers: random.Random) -> Decimal:
    step = numbers.randrange(ENCODED_ONE)
    return (row.decode(step) + row.decode(step + 1)) / 2


def _text(groups: dict[str, Any]) -> str:
    # Written by hand: no float may come between a decimal and its text.
    told = []
    for name in GROUPS:
        group = groups.get(name)
        inside = "null" if group is None else "{" + ", ".join(f'"{k}": {v or "null"}' for k, v in group.items()) + "}"
        told.append(f'"{name}": {inside}')
    return f'{{"schema": "{SCHEMA}", {", ".join(told)}}}'
