"""The page of commands, from the command line's own declarations."""

import re
from collections.abc import Iterator
from typing import Any

import typer

from oracle.cli import app
from oracle.exit_codes import MEANINGS


def page() -> str:
    """Return the page: a heading for each command, with its usage, its words and its options."""
    lines = ["# Commands", "", "What `risk-oracle --help` tells, command by command.", ""]
    for words, command in commands(typer.main.get_command(app), ("risk-oracle",)):
        lines += _command(words, command)
    lines += ["## Exit codes", "", "| code | meaning |", "|---|---|"]
    lines += [f"| {int(code)} | {meaning} |" for code, meaning in MEANINGS.items()]
    return "\n".join(lines) + "\n"


def commands(command: Any, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield each command below one, with the words that call it."""
    for name, inner in sorted(getattr(command, "commands", {}).items()):
        if hasattr(inner, "commands"):
            yield from commands(inner, (*words, name))
        elif not inner.hidden:
            yield (*words, name), inner


def _command(words: tuple[str, ...], command: Any) -> list[str]:
    context = command.make_context(" ".join(words), [], resilient_parsing=True)
    usage = " ".join([*words, *command.collect_usage_pieces(context)])
    lines = [f"## {' '.join(words[1:])}", "", _text(command.help), "", "```text", usage, "```", ""]
    records = [record for one in command.params if (record := one.get_help_record(context)) is not None]
    if records:
        lines += ["| option | meaning |", "|---|---|"]
        lines += [f"| `{_cell(name)}` | {_text(_cell(meaning))} |" for name, meaning in records]
        lines.append("")
    return lines


def _text(told: str | None) -> str:
    # A line that begins with \b keeps its breaks on a terminal; here a paragraph is a paragraph.
    return re.sub(r"[\b]\n?", "", told or "").replace("<", "&lt;").strip()


def _cell(told: str) -> str:
    return " ".join(told.split()).replace("|", r"\|")
