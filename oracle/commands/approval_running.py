"""What the processes of an encrypted approval do: a server, a party that stays, an applicant."""

import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from oracle.assessment.errors import ConfigurationFault
from oracle.commands.approval_registry import text_of

if TYPE_CHECKING:
    import aiohttp

    from oracle.approval.agreement import Recording
    from oracle.approval.answers import AskedAnswers
    from oracle.approval.errors import Refused
    from oracle.approval.fields import Answer
    from oracle.approval.messages import Message, Sender
    from oracle.approval.party import Outcome, Party
    from oracle.approval.session_file import Session

ASK: Final = "ask"
"""Stands for a file of answers: they are asked for at the terminal."""

Tell = Callable[[dict[str, Any]], None]

_CONNECT_SECONDS: Final = 10.0
_SILENT_CONNECTION_SECONDS: Final = 90.0
_WITHDRAWN: Final = "the applicant withdrew it"


async def serve(session: "Session", key: Path, folder: Path, host: str, port: int, python: Path | None) -> None:
    """Serve a session until cancelled; raises ConfigurationFault for a port that cannot be had."""
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


async def stay(
    name: "Sender",
    session: "Session",
    key: Path,
    folder: Path,
    answers: str,
    patience: float,
    python: Path | None,
    as_json: bool,
    place: "Recording | None" = None,
) -> None:
    """Be a party that stays, until cancelled: a line goes to standard output for each decision."""
    from oracle.approval.answers import AnswersFile
    from oracle.approval.attendance import attend

    def decided(number: int, outcome: "Outcome") -> None:
        if as_json:
            typer.echo(json.dumps(_told(number, outcome)))
            return
        typer.echo(f"application {number}: {'approved' if outcome.approved else 'denied'}")
        for note in outcome.notes:
            typer.echo(f"  clipped: {note}")

    async with _party(name, session, key, folder, patience, python, place) as (party, http):
        await attend(party, http, _asked(session, name) if answers == ASK else AnswersFile(Path(answers)), decided)


async def apply(
    session: "Session",
    key: Path,
    folder: Path,
    answers: "Path | Mapping[str, Answer]",
    agreed: Path | None,
    patience: float,
    anew: bool,
    python: Path | None,
    tell: Tell,
) -> None:
    """Take part in one application, the one that was left open or the next, and `tell` what came of it."""
    from oracle.approval.answers import AnswersFile
    from oracle.approval.fields import APPLICANT

    agreement = None if agreed is None else text_of(agreed)
    async with _party(APPLICANT, session, key, folder, patience, python) as (party, http):
        await party.join(http)
        left = [number for number in party.vault.forms() if _began(party, number)]
        if anew:
            for number in left:
                await party.give_up(http, number, _WITHDRAWN)
            await party.catch_up(http)
            left = []
        number = left[0] if left else party.next_number()
        form = AnswersFile(answers).of(number) if isinstance(answers, Path) else answers
        outcome = await party.apply(http, number, form, agreed=agreement)
        # Told first: while its answers are kept, an application is one whose outcome nobody was told.
        tell(_told(number, outcome))
        party.vault.drop_form(number)


def recording(registry: str | None, chain_id: int | None, panel: int | None) -> "Recording | None":
    """Return where decisions are recorded by these options, all or none of them; raises ConfigurationFault."""
    from oracle.approval.agreement import Recording
    from oracle.commands.deployment.means import address_of

    if registry is None and chain_id is None and panel is None:
        return None
    if registry is None or chain_id is None or panel is None:
        raise ConfigurationFault("--registry, --chain-id and --panel go together: where decisions are recorded")
    return Recording(chain_id, address_of("--registry", registry), panel)


def typed_form(session: "Session", key: Path, folder: Path, anew: bool) -> "Mapping[str, Answer]":
    """Return the answers of the application that was left open, as they were typed then, or ask for them."""
    from oracle.approval.fields import APPLICANT
    from oracle.approval.vault import Vault

    vault = Vault(folder, session.id, APPLICANT, session.identity_of(APPLICANT, key))
    left = [] if anew else vault.forms()
    return (vault.form(left[0]) if left else None) or _asked(session, APPLICANT).form()


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
    name: "Sender",
    session: "Session",
    key: Path,
    folder: Path,
    patience: float,
    python: Path | None,
    place: "Recording | None" = None,
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
            recording=place,
        )
        yield party, http


def _asked(session: "Session", party: str) -> "AskedAnswers":
    from oracle.approval.answers import AskedAnswers

    def ask(question: str) -> str:
        return str(typer.prompt(question, default="", show_default=False, err=True))

    return AskedAnswers(session.model, party, ask, lambda line: typer.echo(line, err=True))
