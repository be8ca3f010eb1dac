"""Every event that the program logs, found in its source."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_LEVELS: Final = {"debug", "info", "warning", "error", "exception", "critical"}


@dataclass(frozen=True)
class LoggedEvent:
    """An event's name (`*` for what is put in at run time) and level, and where it is logged."""

    name: str
    level: str
    place: str


def logged_events(package: Path) -> Iterator[LoggedEvent]:
    """Yield what the files below a package log; raises AssertionError for a name that cannot be read there."""
    for file in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _LEVELS:
                logger = ast.unparse(node.func.value)
                if "log" in logger.lower() and not logger.startswith("logging."):
                    place = f"{file.relative_to(package.parent)}:{node.lineno}"
                    level = "error" if node.func.attr == "exception" else node.func.attr
                    for name in _names(node.args[0], place):
                        yield LoggedEvent(name, level, place)


def _names(event: ast.expr, place: str) -> list[str]:
    if isinstance(event, ast.Constant) and isinstance(event.value, str):
        return [event.value]
    if isinstance(event, ast.IfExp):
        return [*_names(event.body, place), *_names(event.orelse, place)]
    if isinstance(event, ast.JoinedStr):
        return ["".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in event.values)]
    raise AssertionError(f"{place} logs an event whose name only the running program knows: {ast.unparse(event)}")
