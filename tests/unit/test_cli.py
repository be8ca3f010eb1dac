"""The command line: what prints data prints it as JSON too."""

from collections.abc import Iterator
from typing import Any, Final

import typer

from oracle.cli import app

# They serve, show help, or say step by step what they do for minutes; what they make is files and transactions.
WITHOUT: Final = {
    "help", "run", "dashboard", "issuer serve", "approval serve", "approval page", "prover serve", "contracts deploy",
    "models train", "models train-batch", "models search",
    "models promote",
    "models retire",
    "models rollback", "models publish-history-table", "models deploy-verifier", "models reference",
}  # fmt: skip


def _leaves(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        yield " ".join(words), command
        return
    for name, one in command.commands.items():
        yield from _leaves(one, (*words, name))


def test_commands__when_they_print_data__then_as_json_too() -> None:
    found = dict(_leaves(typer.main.get_command(app)))
    with_json = {name for name, one in found.items() if any("--json" in param.opts for param in one.params)}
    assert set(found) - with_json == WITHOUT
