"""What a borrower's commands share: the daemon's doors, its faults as this program tells them, what it must tell."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from ipaddress import ip_address
from urllib.parse import urlsplit

import aiohttp
import typer

from oracle.assessment.errors import ConfigurationFault, InvalidFeature, InvalidRequest, OracleError, TransientFault
from oracle.assessment.features import FEATURES, encode_all
from oracle.assessment.request import Address, to_address
from oracle.client.answers import Features
from oracle.client.borrower import Borrower
from oracle.client.calls import AnswerUnreadable, ApiRefused
from oracle.exit_codes import ExitCode
from oracle.passports.opening import Opening
from oracle.passports.schema import SCHEMA_HASH, SCHEMA_ID

WANTED = "opening_or_proof"
_LONGEST_SHOWN = 500


class DaemonRefused(OracleError):
    """The daemon refused what it was given, or gave what does not hold."""


class DaemonAway(TransientFault):
    """The daemon cannot be reached, or has no time now."""


@asynccontextmanager
async def daemon_at(url: str) -> AsyncIterator[Borrower]:
    """Give the doors of the daemon at a URL; its refusals become OracleErrors. Raises ConfigurationFault for no URL."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationFault("--url: expected the operator's API, a URL that starts with https:// (or http://)")
    try:
        async with Borrower(url) as borrower:
            yield borrower
    except ApiRefused as refused:
        told = _printable(str(refused))
        if refused.status == 429 or refused.status >= 500:
            raise DaemonAway(f"the daemon at {url} has no time now: {told}") from None
        raise DaemonRefused(f"the daemon at {url} refused: {told}") from None
    except AnswerUnreadable as error:
        raise DaemonRefused(f"the daemon at {url} does not speak this API: {_printable(str(error))}") from None
    except (aiohttp.ClientError, TimeoutError) as error:
        raise DaemonAway(
            f"the daemon at {url} cannot be reached: {_printable(str(error) or 'it took too long')}"
        ) from None


async def features_of(borrower: Borrower, request_id: int, seconds: float) -> Features:
    """Return what the daemon collected; ends the command with UNFINISHED while it did not, after so many seconds."""
    try:
        return await borrower.features(request_id, seconds=seconds)
    except ApiRefused as refused:
        if not refused.is_not_yet:
            raise
        typer.echo(
            f"risk-oracle: request {request_id} is not there yet ({_printable(str(refused))}): run this again, or wait "
            "longer with --wait",
            err=True,
        )
        raise typer.Exit(ExitCode.UNFINISHED) from None


async def sealing_key_of(borrower: Borrower, url: str, pinned: str | None) -> bytes:
    """Return the daemon's sealing key; raises DaemonRefused when it is not `pinned`, or takes no passport of ours.

    Without a pinned key the way to the daemon must be private, or anybody on it could name a key of their own.
    """
    if pinned is None and not is_private_way(url):
        raise ConfigurationFault(
            "--url: over http:// anybody on the way can name a key of their own and read the opening: take https://, "
            "or give the key that the operator published with --sealing-key"
        )
    told = await borrower.sealing_key()
    if pinned is not None and told.sealing_key.lower() != pinned.lower():
        raise DaemonRefused(
            f"the daemon tells the sealing key {told.sealing_key}, --sealing-key is another: nothing was sent. Ask the "
            "operator, elsewhere, which one is theirs"
        )
    if f"0x{SCHEMA_HASH.hex()}" not in [schema.hash.lower() for schema in told.schemas]:
        names = _printable(", ".join(schema.id for schema in told.schemas)) or "none"
        raise DaemonRefused(f"the daemon takes passports of {names}, this release makes {SCHEMA_ID}: nothing was sent")
    return bytes.fromhex(told.sealing_key[2:])


def check_wanted(features: Features, request_id: int, opening: Opening) -> None:
    """Raise DaemonRefused unless the daemon waits for private data of this request, and AnotherCommitment."""
    if features.request_id != request_id:
        raise DaemonRefused(f"the daemon answered about request {features.request_id}, asked was {request_id}")
    opening.require(features.data_commitment)
    if features.wants != WANTED:
        raise DaemonRefused(
            f"request {request_id} waits for no private data: it is {_printable(features.state)}; nothing was sent"
        )
    if features.deadline <= time.time():
        raise DaemonRefused(f"request {request_id} ran out {int(time.time() - features.deadline)} s ago: ask again")


def check_told(features: Features) -> None:
    """Raise DaemonRefused unless the values that the daemon tells are those that it encoded."""
    try:
        told = encode_all(FEATURES, {name: _number(value) for name, value in features.values.items()})
    except (InvalidFeature, ArithmeticError, ValueError) as error:
        raise DaemonRefused(f"the daemon tells features that this release does not know: {error}") from None
    if told != tuple(features.encoded):
        wrong = [row.name for row, one, other in zip(FEATURES, told, features.encoded, strict=True) if one != other]
        raise DaemonRefused(f"the daemon tells values of {', '.join(wrong)} that its encoded features do not hold")


def is_private_way(url: str) -> bool:
    """Return whether nobody on the way can put another key in the place of the daemon's: TLS, or this machine."""
    return urlsplit(url).scheme == "https" or is_on_this_machine(url)


def is_on_this_machine(url: str) -> bool:
    """Return whether a URL names this machine, as one of a local chain does."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def address_of(option: str, text: str) -> Address:
    """Return an option's address; raises ConfigurationFault that names the option."""
    try:
        return to_address(text)
    except InvalidRequest as error:
        raise ConfigurationFault(f"{option}: {error}") from None


def _number(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def _printable(text: str) -> str:
    """Return a stranger's text as a terminal may show it."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in text[:_LONGEST_SHOWN])
    return shown if len(text) <= _LONGEST_SHOWN else f"{shown}…"
