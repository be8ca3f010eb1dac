"""`risk-oracle passport …`: what a borrower states of themselves, committed to, and checked."""

import resource
import sys
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from oracle.commands.common import JsonOption, tell

if TYPE_CHECKING:
    from oracle.passports.schema import Field, Group

passport_app = typer.Typer(no_args_is_help=True)

PassportArgument = Annotated[Path, typer.Argument(metavar="PASSPORT", help="Passport file, or an opening's.")]
OpeningArgument = Annotated[
    Path, typer.Argument(metavar="OPENING", help="Opening file, as `passport commit` wrote it.")
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")]


@passport_app.callback()
def private() -> None:
    """Private credit data: yours, committed to, and shown to nobody by accident."""
    # Whatever ends such a command leaves no picture of its memory.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


@passport_app.command("new")
def passport_new(
    passport: Annotated[Path, typer.Argument(metavar="PASSPORT", help="File to write, readable by you alone.")],
    source: Annotated[
        Path | None,
        typer.Option("--from", help="JSON to take the fields from; - is the standard input. Else you are asked."),
    ] = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write a passport: asked field by field with unit and range, or from JSON.

    Leave an answer empty for what is unknown. What is outside its range is refused, never clipped.
    """
    from oracle.passports.passport import Passport
    from oracle.passports.private_files import read_private, refuse_existing, write_private
    from oracle.passports.schema import GROUPS

    # Before twenty questions, not after.
    refuse_existing(passport, replace=force)
    if source is None:
        made = Passport(*(_asked(group) for group in GROUPS.values()))
    else:
        made = Passport.parse(sys.stdin.buffer.read() if str(source) == "-" else read_private(source))
    write_private(passport, made.as_json(), replace=force)
    stated = [group.title.lower() for name, group in GROUPS.items() if made.values(name) is not None]
    told = {"file": str(passport), "groups": [name for name in GROUPS if made.values(name) is not None]}
    tell(told, f"{passport}: a passport as {' and '.join(stated)}; yours alone to read", as_json=as_json)


@passport_app.command("show")
def passport_show(passport: PassportArgument, as_json: JsonOption = False) -> None:
    """Show a passport's fields with their units, and how each is encoded for the circuit; never the salt."""
    from oracle.commands.passport_view import described, viewed
    from oracle.passports.private_files import read_passport

    found, opening = read_passport(passport)
    warn_if_readable(passport)
    view = viewed(found, opening)
    tell(view, described(view), as_json=as_json)


@passport_app.command("commit")
def passport_commit(
    passport: PassportArgument,
    opening: Annotated[
        Path, typer.Argument(metavar="OPENING", help="File to write the opening to, readable by you alone.")
    ],
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Commit to a passport with a fresh salt: write the opening, print the commitment to ask with.

    Make one for each request: two requests with one commitment are linkable. Who loses the opening cannot answer.
    """
    from oracle.passports.opening import commit, new_salt, to_hex32
    from oracle.passports.private_files import OpeningFile, read_passport, write_private
    from oracle.passports.schema import SCHEMA_HASH

    found, _ = read_passport(passport)
    warn_if_readable(passport)
    made = commit(found, new_salt())
    write_private(opening, OpeningFile(found, made).as_json(), replace=force)
    told = {
        "file": str(opening),
        "commitment": to_hex32(made.commitment),
        "commitment_decimal": str(made.commitment),
        "schema_hash": f"0x{SCHEMA_HASH.hex()}",
    }
    tell(
        told,
        f"commitment {told['commitment']}\nopening in {opening}: keep it until the answer is there",
        as_json=as_json,
    )


@passport_app.command("verify")
def passport_verify(
    passport: PassportArgument,
    commitment: Annotated[
        str | None, typer.Option(help="The commitment that it should open: 0x and 64 hex digits, or decimal.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check a passport or an opening: schema, ranges, salt, and that it opens a commitment.

    Exit code 1 when a claim fails.
    """
    from oracle.commands.claims import tell_claims
    from oracle.commands.passport_checks import claims_of

    tell_claims(claims_of(passport, commitment), as_json=as_json)


def _asked(group: "Group") -> dict[str, Decimal | None] | None:
    typer.echo(f"\n{group.title}. {group.description}", err=True)
    if not typer.confirm("State it?", err=True):
        return None
    return {field.name: _value(field) for field in group.fields}


def _value(field: "Field") -> Decimal | None:
    feature = field.feature
    typer.echo(f"{field.title}: {field.description} Empty: unknown.", err=True)
    while True:
        text = typer.prompt(
            f"  {feature.unit}, {feature.low} to {feature.high}", default="", show_default=False, err=True
        ).strip()
        if not text:
            return None
        try:
            if field.takes(value := Decimal(text)):
                return value
        except InvalidOperation:
            pass
        typer.echo(f"  expected {field.expected.replace('null', 'nothing')}", err=True)


def warn_if_readable(path: Path) -> None:
    """Say so when others than its owner may read a private file."""
    from oracle.passports.private_files import others_may_read

    if others_may_read(path):
        typer.echo(f"warning: others than you may read {path}: chmod 600 {path}", err=True)
