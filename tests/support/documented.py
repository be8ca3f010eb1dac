"""Commands as documentation writes them: found in code blocks and comments, and parsed as the program would."""

import re
import shlex
from collections.abc import Iterator
from typing import Any

import typer

from oracle.cli import app

_FENCED = re.compile(r"^ *```(?:sh|bash|console)?\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"^(?: {4}|#   )(.+)$", re.MULTILINE)
_INLINE = re.compile(r"`(risk-oracle [^`]+)`")


def commands_in(text: str) -> Iterator[list[str]]:
    """Yield the words of each command in a page's blocks, or in a unit's or compose file's comments."""
    blocks = [*_FENCED.findall(text), "\n".join(_INDENTED.findall(_FENCED.sub("", text)))]
    for line in "\n".join(blocks).replace("\\\n", " ").splitlines():
        yield from _of_line(line)


def commands_inline(text: str) -> Iterator[list[str]]:
    """Yield those that stand within a sentence, without the ones that only hint at what follows."""
    for line in _INLINE.findall(_FENCED.sub("", text)):
        if not re.search(r"[…|<>]|\b[A-Z]{2,}\b", line):
            yield from _of_line(line)


def _of_line(line: str) -> Iterator[list[str]]:
    for words in re.findall(r"(?:^|[\s/])risk-oracle ((?:(?! #|&&|\||;).)+)", line):
        parsed = shlex.split(words)
        # Package, user and service names stand in other programs' commands.
        if not line.lstrip().startswith(("useradd", "install ", "systemctl", "journalctl", "docker", "pip")) and parsed:
            yield parsed


def parse(words: list[str]) -> None:
    """Parse a command without running it; raises the parser's error for an unknown command or option."""
    command, left = _found(words)
    assert not hasattr(command, "commands") or left, f"{words} is only a group of commands"
    if left[:1] not in (["--version"], ["--help"], ["-h"]):
        command.make_context("risk-oracle", left).close()


def exists(words: list[str]) -> None:
    """Look a command up, its arguments left out; raises AssertionError when there is none of that name."""
    _found(words)


def _found(words: list[str]) -> tuple[Any, list[str]]:
    command: Any = typer.main.get_command(app)
    left = list(words)
    while hasattr(command, "commands") and left and not left[0].startswith("-"):
        name = left.pop(0)
        assert name in command.commands, f"risk-oracle {' '.join(words)}: there is no {name}"
        command = command.commands[name]
    return command, left
