"""Passports and private tensors at random, the edges first, as both languages are asked to commit to them."""

import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from oracle.assessment.features import ENCODED_ONE, PRIVATE_FEATURES
from oracle.passports.schema import GROUPS, SCHEMA_ID, Field

_LARGEST_SALT: Final = 2**32 - 1


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
    yield _text({field.path: str(field.feature.low) for field in _fields()})
    yield _text({field.path: str(field.feature.high) for field in _fields()})
    yield _text({field.path: "null" for field in _fields()})
    for group in GROUPS:
        yield _text({field.path: _value(field, numbers) for field in _fields() if field.group == group})
    for _ in range(count - 5):
        yield _text({field.path: _value(field, numbers) for field in _fields()})


def _fields() -> Iterator[Field]:
    for group in GROUPS.values():
        yield from group.fields


def _value(field: Field, numbers: random.Random) -> str:
    low, high = int(field.feature.low), field.feature.high
    chosen = numbers.random()
    if chosen < 0.1:
        return "null"
    if field.whole:
        return str(numbers.randint(low, int(high)))
    if chosen < 0.3:
        # The border of two steps, where rounding decides, as near as a number carries it.
        step = numbers.randrange(ENCODED_ONE)
        return repr(float((field.feature.decode(step) + field.feature.decode(step + 1)) / 2))
    if chosen < 0.4:
        return f"{numbers.randint(1, 9)}E-{numbers.randint(1, 30)}"
    return repr(float(round(Decimal(numbers.random()) * high, numbers.randint(0, 12))))


def _text(values: dict[str, str]) -> str:
    # Written by hand: a number's text is as it was chosen.
    told = []
    for group in GROUPS:
        inside = [f'"{path.split(".")[1]}": {text}' for path, text in values.items() if path.startswith(f"{group}.")]
        told.append(f'"{group}": ' + ("{" + ", ".join(inside) + "}" if inside else "null"))
    return f'{{"schema": "{SCHEMA_ID}", {", ".join(told)}}}'
