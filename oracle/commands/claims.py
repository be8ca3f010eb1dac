"""Claims as a command tells them, and the exit code that follows from them."""

import json
from collections.abc import Sequence
from typing import Final, Protocol

import typer

from oracle.exit_codes import ExitCode

_WORDS: Final[dict[bool | None, str]] = {True: "holds", False: "FAILS", None: "untold"}


class Claim(Protocol):
    """What was checked, whether it holds (None: nobody could tell), and what was found."""

    @property
    def name(self) -> str: ...
    @property
    def holds(self) -> bool | None: ...
    @property
    def text(self) -> str: ...


def tell_claims(claims: Sequence[Claim], *, as_json: bool) -> None:
    """Print claims; end the command with DIFFERENT when one fails, UNAVAILABLE when one could not be told."""
    verdicts = {claim.holds for claim in claims}
    if as_json:
        holds = False if False in verdicts else None if None in verdicts else True
        told = [{"name": claim.name, "holds": claim.holds, "text": claim.text} for claim in claims]
        typer.echo(json.dumps({"holds": holds, "claims": told}, indent=2))
    else:
        typer.echo("\n".join(f"{_WORDS[claim.holds]:7} {claim.name:11} {claim.text}" for claim in claims))
    if False in verdicts:
        raise typer.Exit(ExitCode.DIFFERENT)
    if None in verdicts:
        raise typer.Exit(ExitCode.UNAVAILABLE)
