"""The host as the doctor sees it: database, clock, disk, port, and who may read the files that hold secrets."""

import asyncio
import shutil
import stat
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import aiohttp
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from oracle.commands.common import engine_of
from oracle.commands.findings import Findings
from oracle.config.settings import ENVIRONMENT_PREFIX, AuditSettings
from oracle.store import database

_CLOCK_SECONDS: Final = 60
_DATABASE_SECONDS: Final = 15
_LITTLE_DISK: Final = 2 * 1024**3
_NO_DISK: Final = 200 * 1024**2
_PROBE: Final = aiohttp.ClientTimeout(total=3)


async def examine_database(findings: Findings, settings: AuditSettings) -> None:
    """Look whether the database answers, takes writes, and has this version's schema."""
    subject = "database"
    if settings.database.url is None:
        findings.warn(
            subject,
            f"database.url is not set: an embedded server in {settings.database.directory}, not started for this",
            "name a server in database.url for anything that must last",
        )
        return
    with findings.about(subject):
        async with engine_of(settings) as engine:
            try:
                async with asyncio.timeout(_DATABASE_SECONDS):
                    await database.check_schema(engine)
                    async with engine.connect() as connection:
                        read_only = (await connection.scalar(text("show transaction_read_only"))) == "on"
                        version = await connection.scalar(text("show server_version"))
            except TimeoutError:
                findings.fault(subject, f"no answer in {_DATABASE_SECONDS} s", "see that the server runs")
                return
            except SQLAlchemyError as error:
                findings.fault(subject, f"it answers, but refuses a query: {type(error).__name__}")
                return
        if read_only:
            findings.fault(
                subject, "it takes no writes (a standby, or default_transaction_read_only)", "name the primary"
            )
        else:
            findings.ok(subject, f"Postgres {version}, its schema is this version's")


def examine_markets(findings: Findings, settings: AuditSettings) -> None:
    """Look whether any market is configured: what a wallet did where nothing looks counts as nothing."""
    history = settings.history
    tables = ("aave_v3", "aave_v2", "compound_v2", "compound_v3", "maker", "uniswap_v2", "uniswap_v3", "lenders")
    counts = {name: number for name in tables if (number := len(getattr(history, name)))}
    if not any(name not in ("uniswap_v2", "uniswap_v3") for name in counts):
        findings.warn(
            "markets",
            "no lending market or lender is configured: every wallet reads as one that never borrowed",
            "name the chain's markets in [[history.…]], or the network whose registry has them in history.network",
        )
    else:
        findings.ok("markets", ", ".join(f"{name}: {number}" for name, number in counts.items()))


def examine_clock(findings: Findings, now: float, head_seconds: float | None) -> None:
    """Compare this host's clock with the chain's head: a block is never of the future."""
    subject = "clock"
    if head_seconds is None:
        findings.unknown(subject, "no RPC endpoint's head to compare it with")
    elif head_seconds - now > _CLOCK_SECONDS:
        findings.warn(
            subject,
            f"this host's clock is {head_seconds - now:.0f} s behind the chain's newest block",
            "synchronise it (NTP): deadlines and ages are told wrongly",
        )
    else:
        findings.ok(subject, "not behind the chain's newest block")


def examine_disk(findings: Findings, settings: AuditSettings) -> None:
    """Look how much room is left where keys and the embedded server's data lie."""
    folders = {"keys": settings.model.keys}
    if settings.database.url is None:
        folders["embedded database"] = settings.database.directory
    for what, folder in folders.items():
        there = next(one for one in (folder.absolute(), *folder.absolute().parents) if one.exists())
        free = shutil.disk_usage(there).free
        found = f"{free / 1024**3:.1f} GiB free where the {what} are or would be ({there})"
        if free < _NO_DISK:
            findings.fault("disk", found, "make room")
        elif free < _LITTLE_DISK:
            findings.warn("disk", found, "make room: keys take 50 to 300 MB a model, a database grows")
        else:
            findings.ok("disk", found)


async def examine_port(findings: Findings, settings: AuditSettings) -> None:
    """Look whether the daemon's port is free, or a daemon answers there."""
    subject, host, port = "web port", settings.web.host, settings.web.port
    try:
        server = await asyncio.start_server(lambda *_: None, host, port)
    except OSError as error:
        ready = await _daemon_at(host, port)
        if ready is not None:
            findings.ok(subject, f"a daemon answers at {host}:{port}: {'ready' if ready else 'not ready, see /readyz'}")
        else:
            findings.fault(subject, f"{host}:{port} cannot be listened on ({error.strerror})", "set another web.port")
        return
    server.close()
    await server.wait_closed()
    findings.ok(subject, f"{host}:{port} is free: no daemon runs here")


async def _daemon_at(host: str, port: int) -> bool | None:
    """Return whether the daemon that answers at a port is ready, None when there is no daemon."""
    at = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104 - asked, not listened on
    try:
        async with (
            aiohttp.ClientSession(timeout=_PROBE) as session,
            session.get(f"http://{at}:{port}/readyz") as answer,
        ):
            content = await answer.json(content_type=None)
            return bool(content["ready"])
    except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError):
        return None


def examine_secret_files(findings: Findings, config: Path | None, environment: Mapping[str, str]) -> None:
    """Look who may read the files that hold secrets: those that the settings name, and their own with any in it."""
    open_files = 0
    for file, why in dict(_secret_files(config, environment)).items():
        try:
            mode = stat.S_IMODE(file.stat().st_mode)
        except OSError:
            continue  # reading the settings told it
        if mode & 0o077:
            open_files += 1
            findings.warn(
                "secret files",
                f"{file} ({why}) has mode {mode:04o}: others than its owner may read it",
                f"chmod 600 {file}, owned by the daemon's user",
            )
    if not open_files:
        findings.ok("secret files", "none that others than their owner may read")


def _secret_files(config: Path | None, environment: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    content = {} if config is None else tomllib.loads(config.read_text(encoding="utf-8"))
    for section, table in content.items():
        if not isinstance(table, dict):
            continue
        for key, value in table.items():
            if key.endswith("_file") and isinstance(value, str):
                yield Path(value), f"{section}.{key}"
            elif config is not None and (section, key) in {("signer", "key"), ("database", "password")}:
                yield config, f"it holds {section}.{key}"
    for name, value in environment.items():
        if name.startswith(ENVIRONMENT_PREFIX) and name.endswith("_FILE"):
            yield Path(value), name
