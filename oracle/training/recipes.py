"""Hyper-parameters of each head, as a TOML file: found by the search, read by training, part of the repository."""

import tomllib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

from oracle.assessment.errors import ConfigurationFault
from oracle.training.distil import Lesson
from oracle.training.fit import Recipe

RECIPES: Final = Path(__file__).parent / "recipes.toml"
"""What the shipped model was trained with."""

_HEAD = "# How each head is fitted; `risk-oracle models search` writes this file, `models train` reads it.\n"


@dataclass(frozen=True, slots=True)
class Recipes:
    """Lessons of the distilled heads, and the recipe of the credit head."""

    fraud: Lesson
    home: Lesson
    card: Lesson
    credit: Recipe

    def flat(self) -> dict[str, int | float]:
        """Return every number under `head.name`."""
        return {f"{head}.{name}": value for head, table in _tables(self).items() for name, value in table.items()}


def read_recipes(path: Path = RECIPES) -> Recipes:
    """Return the recipes of a file; raises ConfigurationFault that names the wrong head, key or value."""
    try:
        content = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationFault(f"{path} cannot be read as TOML: {error}") from error
    heads = [field.name for field in fields(Recipes)]
    if set(content) != set(heads):
        raise ConfigurationFault(f"{path} has the tables {sorted(content)}, expected {heads}")
    return Recipes(**{head: _parsed(content[head], head, path) for head in heads})


def write_recipes(recipes: Recipes, path: Path) -> None:
    """Write the recipes as TOML."""
    blocks = [_HEAD]
    for head, table in _tables(recipes).items():
        blocks.append("\n".join([f"[{head}]", *(f"{name} = {value!r}" for name, value in table.items())]) + "\n")
    path.write_text("\n".join(blocks))


def lesson_of(head: str, table: dict[str, Any]) -> Any:
    """Return the Lesson (or, for the credit head, the Recipe) of a flat table of numbers."""
    own = {field.name for field in fields(Recipe)}
    recipe = Recipe(**{name: value for name, value in table.items() if name in own})
    if head == "credit":
        return recipe
    return Lesson(recipe, **{name: value for name, value in table.items() if name not in own})


def table_of(lesson: Lesson | Recipe) -> dict[str, int | float]:
    """Return a Lesson's or Recipe's numbers as one flat table."""
    table = asdict(lesson)
    return {**table.pop("recipe", {}), **table}


def _tables(recipes: Recipes) -> dict[str, dict[str, int | float]]:
    return {field.name: table_of(getattr(recipes, field.name)) for field in fields(Recipes)}


def _parsed(table: dict[str, Any], head: str, path: Path) -> Any:
    expected = {field.name: field.type for field in fields(Recipe)}
    if head != "credit":
        expected |= {field.name: field.type for field in fields(Lesson) if field.name != "recipe"}
    if set(table) != set(expected):
        missing, unknown = sorted(expected.keys() - table.keys()), sorted(table.keys() - expected.keys())
        raise ConfigurationFault(f"{path}: [{head}] lacks {missing} and has unknown keys {unknown}")
    for name, kind in expected.items():
        value = table[name]
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or value < 0
            or (kind is int and not isinstance(value, int))
        ):
            raise ConfigurationFault(f"{path}: {head}.{name} is {value!r}, expected a number of at least 0")
    return lesson_of(head, table)
