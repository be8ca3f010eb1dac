"""What the commands on decisions share: the session, what its messages say, the registry, and the keys."""

import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from oracle.assessment.errors import ConfigurationFault
from oracle.assessment.request import Address
from oracle.commands.deployment.means import Means

if TYPE_CHECKING:
    from oracle.approval.decision import Outcome
    from oracle.chain.accounts import SendingAccount
    from oracle.chain.approvals import ApprovalRegistry, Panel

_SECONDS = 30.0


def outcome_in(
    folder: Path, model: str, session: Path | None, *, application: int | None = None, request: bytes = b""
) -> "Outcome":
    """Return what the messages of a folder say about an application, or about the one of a registry's request.

    With a session's file every message's signature is checked, and the model is the session's. Raises Undecided,
    Refused, ModelFault, ConfigurationFault.
    """
    from oracle.approval.decision import Undecided, outcome_of, read_transcript, request_of
    from oracle.approval.layout import Layout
    from oracle.approval.model import load_model
    from oracle.approval.session_file import read_session

    known = None if session is None else read_session(session)
    layout = Layout(load_model(model) if known is None else known.model)
    transcript = read_transcript(folder, layout, None if known is None else known.roster)
    if known is not None and transcript.session != known.id:
        raise ConfigurationFault(f"{folder} is of session {transcript.session}, {session} of {known.id}")
    numbers = range(1, transcript.last_application + 1)
    found = application or next((one for one in numbers if request_of(transcript.session, one) == request), None)
    if found is None:
        raise Undecided(f"no application in {folder} is request 0x{request.hex()}: it is another session's")
    return outcome_of(transcript, found, layout)


@asynccontextmanager
async def registry_at(rpc_url: str, address: Address) -> AsyncIterator[tuple["ApprovalRegistry", int, int]]:
    """Give a registry, its chain's id, and the chain's time in Unix seconds."""
    from oracle.chain import rpc
    from oracle.chain.approvals import ApprovalRegistry

    w3 = rpc.connect(rpc_url, _SECONDS)
    try:
        with rpc.endpoint_faults():
            chain_id = await w3.eth.chain_id
        yield ApprovalRegistry(w3, address), chain_id, (await rpc.block_ref(w3, "latest")).timestamp
    finally:
        await w3.provider.disconnect()


async def panel_of(registry: "ApprovalRegistry", number: int, *, stopped: bool = False) -> "Panel":
    """Return a panel; raises ConfigurationFault where there is none, or it was `stopped` and that matters."""
    found = await registry.panel(number)
    if found is None:
        raise ConfigurationFault(f"registry {registry.address} has no panel {number}")
    if not found.active and not stopped:
        raise ConfigurationFault(f"panel {number} ({found.name}) was stopped: the registry records nothing of it")
    return found


def account_of(means: Means) -> "SendingAccount":
    """Open the account of the options; raises ConfigurationFault."""
    means.check()
    return means.account(_password, lambda line: typer.echo(line, err=True))


def word_of(text: str, option: str = "--commitment") -> bytes:
    """Return 32 bytes of an option; raises BadParameter."""
    if not re.fullmatch(r"0x[0-9a-fA-F]{64}", text):
        raise typer.BadParameter("expected 0x and 64 hex digits", param_hint=option)
    return bytes.fromhex(text[2:])


def hex_of(text: str) -> bytes:
    """Return a signature's bytes; raises BadParameter."""
    if not re.fullmatch(r"0x([0-9a-fA-F]{2})+", text):
        raise typer.BadParameter("expected 0x and hex digits", param_hint="--signature")
    return bytes.fromhex(text[2:])


def text_of(file: Path) -> str:
    """Return a file's text; raises ConfigurationFault."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationFault(f"{file} cannot be read: {error}") from error


def write_new(file: Path, text: str) -> None:
    """Write a file that is not there yet; raises ConfigurationFault: what others signed is not overwritten."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        raise ConfigurationFault(f"{file} exists: name another file") from None
    except OSError as error:
        raise ConfigurationFault(f"{file} cannot be written: {error.strerror}") from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)


def _password() -> str:
    if not sys.stdin.isatty():
        raise ConfigurationFault("the keystore needs its password, and nobody is here to type it: --password-file FILE")
    return str(typer.prompt("Password of the keystore", hide_input=True, err=True))
