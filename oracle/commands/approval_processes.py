"""`risk-oracle approval identity|session|serve|party|apply`: each party and the server, a process each."""

import asyncio
import contextlib
import json
import signal
from collections.abc import AsyncIterator, Coroutine
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import urlsplit

import typer

from oracle.assessment.errors import ConfigurationFault
from oracle.commands.common import JsonOption, run_job, tell

if TYPE_CHECKING:
    import aiohttp

    from oracle.approval.answers import Answers
    from oracle.approval.errors import Refused
    from oracle.approval.messages import Message, Sender
    from oracle.approval.party import Outcome, Party
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
_CONNECT_SECONDS: Final = 10.0
_SILENT_CONNECTION_SECONDS: Final = 90.0
_WITHDRAWN: Final = "the applicant withdrew it"


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
    run_job(_until_stopped(_serve(known, key, folder, host, listening, python)))


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
    run_job(_until_stopped(_attend(name.value, known, key, folder, answers, patience, python, as_json)))


@approval_processes_app.command("apply")
def approval_apply(
    session: _SessionFile,
    key: _KeyOption,
    folder: Annotated[Path, typer.Option(help="Where the applicant's key share is kept, locked by its key file.")],
    answers: Annotated[str, typer.Option(help="JSON file of the form's answers by field; or `ask`, at the terminal.")],
    patience: _PatienceOption = 120.0,
    anew: Annotated[bool, typer.Option("--anew", help="End an application that was left open, and begin another.")] = (
        False
    ),
    python: _PythonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Apply: take part as the applicant in one application, and print its decision, and what would change a denial.

    Exit code 0 when a decision was opened, whichever it is; 75 when somebody did not answer in time: the same command
    takes the application up where it was left; 2 when a message, the keys or the answers were refused, or the shares
    opened nothing.
    """
    told = run_job(_apply(_read(session), key, folder, answers, patience, anew, python))
    lines = [f"application {told['application']}: {'approved' if told['approved'] else 'denied'}"]
    lines += [f"  clipped: {note}" for note in told["notes"]]
    lines += [
        f"  {field}: {'no higher level would do' if level is None else f'{level} would do'}"
        for field, level in told["changes"].items()
    ]
    tell(told, "\n".join(lines), as_json=as_json)


async def _serve(session: "Session", key: Path, folder: Path, host: str, port: int, python: Path | None) -> None:
    import structlog
    from aiohttp import web

    from oracle.approval.board import Board
    from oracle.approval.engine_process import Engine, engine_python
    from oracle.approval.layout import Layout
    from oracle.approval.transcript import SERVER
    from oracle.approval.vault import held

    identity, program = session.identity_of(SERVER, key), engine_python(python)
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(held(folder))
        engine = await stack.enter_async_context(Engine(program, folder / "engine.log"))
        layout = Layout(session.model)
        board = Board(session.id, layout, session.roster, identity, engine, folder, notice=_noticed)
        await board.resume()
        runner = web.AppRunner(board.application(), access_log=None, shutdown_timeout=2.0)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise ConfigurationFault(f"--port: cannot listen on {host}:{port}: {error.strerror}") from error
        structlog.get_logger("approval").info(
            "approval_served", session=session.id, port=port, messages=len(board.transcript.messages)
        )
        await board.failed()


def _noticed(about: "Message | Refused") -> None:
    import structlog

    from oracle.approval.errors import Refused

    logger = structlog.get_logger("approval")
    if isinstance(about, Refused):
        logger.warning("approval_message_refused", party=about.party, kind=about.kind, reason=about.why)
    elif about.head.kind == "abort":
        logger.warning(
            "approval_ended", application=about.head.application, party=about.head.party, reason=about.head.said
        )
    else:
        logger.info(
            "approval_message_accepted",
            application=about.head.application,
            kind=about.head.kind,
            party=about.head.party,
        )


async def _attend(
    name: "Sender",
    session: "Session",
    key: Path,
    folder: Path,
    answers: str,
    patience: float,
    python: Path | None,
    as_json: bool,
) -> None:
    from oracle.approval.attendance import attend

    def decided(number: int, outcome: "Outcome") -> None:
        if as_json:
            typer.echo(json.dumps(_told(number, outcome)))
            return
        typer.echo(f"application {number}: {'approved' if outcome.approved else 'denied'}")
        for note in outcome.notes:
            typer.echo(f"  clipped: {note}")

    async with _party(name, session, key, folder, patience, python) as (party, http):
        await attend(party, http, _answers(answers, session, name), decided)


async def _apply(
    session: "Session", key: Path, folder: Path, answers: str, patience: float, anew: bool, python: Path | None
) -> dict[str, Any]:
    from oracle.approval.fields import APPLICANT

    async with _party(APPLICANT, session, key, folder, patience, python) as (party, http):
        source = _answers(answers, session, APPLICANT)
        await party.join(http)
        left = [number for number in party.vault.forms() if _began(party, number)]
        if anew:
            for number in left:
                await party.give_up(http, number, _WITHDRAWN)
            await party.catch_up(http)
            left = []
        number = left[0] if left else party.next_number()
        outcome = await party.apply(http, number, dict(await asyncio.to_thread(source.of, number)))
        told = _told(number, outcome)
        party.vault.drop_form(number)
        return told


def _began(party: "Party", number: int) -> bool:
    return party.transcript.get(number, "input", party.name) is not None


def _told(number: int, outcome: "Outcome") -> dict[str, Any]:
    return {
        "application": number,
        "approved": outcome.approved,
        "changes": dict(outcome.changes),
        "notes": list(outcome.notes),
    }


@contextlib.asynccontextmanager
async def _party(
    name: "Sender", session: "Session", key: Path, folder: Path, patience: float, python: Path | None
) -> AsyncIterator[tuple["Party", "aiohttp.ClientSession"]]:
    import aiohttp

    from oracle.approval.engine_process import Engine, engine_python
    from oracle.approval.layout import Layout
    from oracle.approval.party import Party
    from oracle.approval.vault import held

    identity, program = session.identity_of(name, key), engine_python(python)
    # A connection on which nothing comes for longer than any answer takes is dead; how long one lasts is the line's.
    timeout = aiohttp.ClientTimeout(
        total=None, sock_connect=_CONNECT_SECONDS, sock_read=max(_SILENT_CONNECTION_SECONDS, patience)
    )
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(held(folder))
        engine = await stack.enter_async_context(Engine(program, folder / "engine.log"))
        http = await stack.enter_async_context(aiohttp.ClientSession(timeout=timeout))
        layout = Layout(session.model)
        party = Party(
            name,
            session.id,
            layout,
            session.roster,
            identity,
            engine,
            session.server,
            folder,
            patience_seconds=patience,
        )
        yield party, http


def _answers(named: str, session: "Session", party: str) -> "Answers":
    from oracle.approval.answers import AnswersFile, AskedAnswers

    if named != "ask":
        return AnswersFile(Path(named))

    def ask(question: str) -> str:
        return str(typer.prompt(question, default="", show_default=False, err=True))

    return AskedAnswers(session.model, party, ask, lambda line: typer.echo(line, err=True))


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
