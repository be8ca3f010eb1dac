"""`risk-oracle approval identity|session|serve|party|apply`: each party and the server, a process each."""

import asyncio
import contextlib
import json
import signal
from collections.abc import Coroutine
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from oracle.assessment.errors import ConfigurationFault
from oracle.commands import approval_running as running
from oracle.commands.common import JsonOption, run_job, tell

if TYPE_CHECKING:
    from oracle.approval.session_file import Session

approval_processes_app = typer.Typer()

_SessionFile = Annotated[Path, typer.Argument(metavar="SESSION", help="The session's file, from `approval session`.")]
_KeyOption = Annotated[Path, typer.Option("--key", help="This party's key file, from `approval identity`.")]
_PythonOption = Annotated[
    Path | None, typer.Option("--python", help="The engine's Python (build/approval-python, from make).")
]
_PatienceOption = Annotated[
    float, typer.Option("--patience", min=1, help="Seconds to wait for any one message, and for the server.")
]


class Attending(StrEnum):
    """The parties that stay."""

    BANK = "bank"
    AGENCY = "agency"


@approval_processes_app.command("identity")
def approval_identity(
    file: Annotated[Path, typer.Argument(help="The key file: made where there is none, never replaced.")],
    as_json: JsonOption = False,
) -> None:
    """Make a party's keys, or read them, and print their public half, for whoever puts the session together."""
    from oracle.approval.identity import Identity

    public = Identity.of_file(file).public
    half = {"signing": public.signing.hex(), "sealing": public.sealing.hex()}
    tell(half, json.dumps(half), as_json=as_json)


@approval_processes_app.command("session")
def approval_session(
    applicant: Annotated[Path, typer.Option(help="The applicant's public half, as it printed it.")],
    bank: Annotated[Path, typer.Option(help="The bank's.")],
    agency: Annotated[Path, typer.Option(help="The credit agency's.")],
    server: Annotated[Path, typer.Option(help="The evaluating server's.")],
    url: Annotated[str, typer.Option(help="Where the parties reach the server: https://host[:port][/path].")],
    out: Annotated[Path, typer.Option(help="The file to write; one that is there is never replaced.")],
    model: Annotated[str, typer.Option(help="fair, reference, or a model file.")] = "fair",
    as_json: JsonOption = False,
) -> None:
    """Put a session together from four public halves and a model, and write the file that all four are given."""
    from oracle.approval.model import load_model
    from oracle.approval.session_file import Session, read_public_half

    halves = {"applicant": applicant, "bank": bank, "agency": agency, "server": server}
    session = Session.begin({name: read_public_half(file) for name, file in halves.items()}, load_model(model), url)
    try:
        with out.open("x", encoding="utf-8") as stream:
            stream.write(session.written())
    except OSError as error:
        raise ConfigurationFault(f"--out: {out} cannot be written: {error.strerror}") from error
    address = urlsplit(session.server)
    if address.scheme == "http" and address.hostname not in ("127.0.0.1", "localhost", "::1"):
        typer.echo("http: whoever listens on the way learns when somebody applies, and what was decided", err=True)
    told = {"session": session.id, "model": session.model.name, "digest": session.model.digest, "file": str(out)}
    tell(told, f"{out}: session {session.id}, model {session.model.name}, {session.model.digest}", as_json=as_json)


@approval_processes_app.command("serve")
def approval_serve(
    session: _SessionFile,
    key: _KeyOption,
    folder: Annotated[Path, typer.Option(help="Where accepted messages are kept; `approval replay` reads it.")],
    host: Annotated[str, typer.Option(help="Address to listen on; put a proxy with TLS before it.")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(help="Port to listen on (that of the session's address).")] = None,
    python: _PythonOption = None,
) -> None:
    """Serve a session until stopped: carry its messages and evaluate, without a share of the key.

    Started again with the same folder it goes on from the messages that it had accepted.
    """
    _configure_log()
    known = _read(session)
    listening = port or urlsplit(known.server).port or (443 if known.server.startswith("https") else 80)
    run_job(_until_stopped(running.serve(known, key, folder, host, listening, python)))


@approval_processes_app.command("party")
def approval_party(
    name: Annotated[Attending, typer.Argument(help="Which party this is.")],
    session: _SessionFile,
    key: _KeyOption,
    folder: Annotated[Path, typer.Option(help="Where this party's key share is kept, locked by its key file.")],
    answers: Annotated[
        str,
        typer.Option(help="JSON file: answers by field for all, or by application number; or `ask`, at the terminal."),
    ],
    registry: Annotated[
        str | None, typer.Option(help="Where its decisions are recorded: no share before the applicant agreed to that.")
    ] = None,
    chain_id: Annotated[int | None, typer.Option(min=1, help="That registry's chain; with --registry.")] = None,
    panel: Annotated[int | None, typer.Option(min=1, help="The panel's number there; with --registry.")] = None,
    patience: _PatienceOption = 120.0,
    python: _PythonOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Be the bank or the agency until stopped: make the joint keys, answer each application, open its decision.

    The file of answers is read anew for each application; one that it does not answer waits for it. A party that is
    started again goes on where it was.
    """
    _configure_log()
    known = _read(session)
    place = running.recording(registry, chain_id, panel)
    work = running.stay(name.value, known, key, folder, answers, patience, python, as_json, place)
    if answers != running.ASK:
        run_job(_until_stopped(work))
        return
    # A question at the terminal cannot be taken back: there a signal ends the process as it ends any.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    run_job(work)


@approval_processes_app.command("apply")
def approval_apply(
    session: _SessionFile,
    key: _KeyOption,
    folder: Annotated[Path, typer.Option(help="Where the applicant's key share is kept, locked by its key file.")],
    answers: Annotated[str, typer.Option(help="JSON file of the form's answers by field; or `ask`, at the terminal.")],
    agreed: Annotated[
        Path | None, typer.Option(help="Your agreement that the decision is recorded (`approval decision agree`).")
    ] = None,
    patience: _PatienceOption = 120.0,
    anew: Annotated[bool, typer.Option("--anew", help="End an application that was left open, and begin another.")] = (
        False
    ),
    python: _PythonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Apply: take part as the applicant in one application, and print its decision, and what would change a denial.

    Exit code 0 when a decision was opened, whichever it is; 75 when somebody did not answer in time: the same command
    takes the application up where it was left; 2 when a message, the keys or the answers were refused, the shares
    opened nothing, or bank or agency record decisions and you did not agree to that: the message says how.
    """
    known = _read(session)
    # Asked before anything runs: whoever thinks it over holds up nobody, and may still go.
    typed = running.typed_form(known, key, folder, anew) if answers == running.ASK else None
    tell_outcome = _outcome(as_json)
    run_job(running.apply(known, key, folder, typed or Path(answers), agreed, patience, anew, python, tell_outcome))


def _outcome(as_json: bool) -> running.Tell:
    def outcome(told: dict[str, Any]) -> None:
        lines = [f"application {told['application']}: {'approved' if told['approved'] else 'denied'}"]
        lines += [f"  clipped: {note}" for note in told["notes"]]
        lines += [
            f"  {field}: {'no higher level would do' if level is None else f'{level} would do'}"
            for field, level in told["changes"].items()
        ]
        tell(told, "\n".join(lines), as_json=as_json)

    return outcome


def _read(file: Path) -> "Session":
    from oracle.approval.session_file import read_session

    return read_session(file)


def _configure_log() -> None:
    from oracle import log
    from oracle.config.logging import LogSettings

    log.configure(LogSettings())


async def _until_stopped(job: Coroutine[Any, Any, None]) -> None:
    """Run a job that ends by a fault alone; a signal ends it in order."""
    task = asyncio.create_task(job)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
