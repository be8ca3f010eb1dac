"""The table of rooms is the house as it stands: no room is missing, none has gone."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = sorted(path.parent for path in (ROOT / "oracle").rglob("__init__.py"))
_OTHERS = ("clients", "contracts", "hardhat", "migrations", "deploy", "tests")


def _named() -> set[str]:
    table = (ROOT / "docs" / "rooms.md").read_text()
    firsts = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    return {path.rstrip("/") for first in firsts for path in re.findall(r"`([^`]+)`", first)}


@pytest.mark.parametrize("room", [str(room.relative_to(ROOT)) for room in ROOMS if room.name != "oracle"])
def test_table__when_a_room_is_in_the_tree__then_the_table_names_it(room: str) -> None:
    assert room in _named()


@pytest.mark.parametrize("folder", _OTHERS)
def test_table__when_a_folder_stands_beside_the_package__then_the_table_names_it(folder: str) -> None:
    assert folder in _named()


def test_table__when_it_names_a_room__then_it_is_there() -> None:
    assert [name for name in sorted(_named()) if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(ROOT)))
def test_room__when_entered__then_a_sentence_says_what_it_is_for(room: Path) -> None:
    told = ast.get_docstring(ast.parse((room / "__init__.py").read_text()))
    assert told is not None
    assert told.strip().endswith(".")
    assert "\n\n" not in told


def test_readme__when_somebody_looks_for_the_table__then_it_leads_there_within_two_screens() -> None:
    readme = (ROOT / "README.md").read_text()
    assert "(docs/rooms.md)" in readme
    assert len(readme.splitlines()) <= 100
