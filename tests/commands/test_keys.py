"""`risk-oracle keys …`: keys are made, shown once, listed without their secret, rotated and revoked."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from typer.testing import CliRunner

from oracle.assessment.errors import InvalidRequest
from oracle.cli import app
from oracle.store import api_keys
from tests.store.test_requests import CHAIN, ORACLE

Sessions = async_sessionmaker[AsyncSession]
Run = Callable[..., Awaitable[str]]


@pytest.fixture
def run(engine: AsyncEngine, tmp_path: Path) -> Run:
    """Run `keys` in a thread, since it has an event loop of its own; returns standard output."""
    file = tmp_path / "risk-oracle.toml"
    file.write_text(
        f'[chain]\nrpc_url = "http://127.0.0.1:1"\nchain_id = {CHAIN}\noracle = "{ORACLE}"\n'
        f'[history]\ncoin_price_feed = "{ORACLE}"\n'
        f'[database]\nurl = "{engine.url.render_as_string(hide_password=False)}"\n'
    )

    async def invoke(*words: str) -> str:
        result = await asyncio.to_thread(CliRunner().invoke, app, ["keys", *words, "--config", str(file)])
        if isinstance(result.exception, SystemExit):
            raise typer.BadParameter(" ".join(result.stderr.replace("│", "").split()))
        if result.exception is not None:
            raise result.exception
        return result.stdout

    return invoke


async def made(run: Run, *words: str) -> dict[str, str]:
    return dict(json.loads(await run("create", "--name", "Acme", "--scope", "read", "--json", *words)))


async def admitted(sessions: Sessions, key: str) -> list[str]:
    async with sessions() as session:
        return (await api_keys.admit(session, key)).scopes


async def test_create__then_the_key_is_shown_once_and_only_its_digest_is_kept(
    run: Run, sessions: Sessions, engine: AsyncEngine
) -> None:
    found = await made(run, "--scope", "assess")
    assert await admitted(sessions, found["key"]) == ["assess", "read"]
    secret = found["key"].rpartition(found["id"])[2]
    async with engine.connect() as connection:
        stored = str((await connection.execute(text("select * from api_keys"))).all())
    assert secret.strip("_") not in stored
    assert secret.strip("_") not in await run("list", "--json") + await run("list")


async def test_create__then_it_ends_when_it_was_told_to(run: Run) -> None:
    found = await made(run, "--expires", "2d")
    ends = datetime.fromisoformat(found["expires_at"])
    assert timedelta(days=1, hours=23) < ends - datetime.now(UTC) <= timedelta(days=2)
    assert (await made(run, "--expires", "never"))["expires_at"] is None


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--name", "x", "--scope", "admin"], "admin"),
        (["--name", " ", "--scope", "read"], "printable"),
        (["--name", "a\nb", "--scope", "read"], "printable"),
        (["--name", "x", "--scope", "read", "--expires", "soon"], "no span of time"),
        (["--name", "x", "--scope", "read", "--expires", "0d"], "of no use"),
        (["--name", "x", "--scope", "read", "--expires", "999999w"], "beyond the calendar"),
    ],
)
async def test_create__with_a_wrong_option__then_refused_and_nothing_made(
    run: Run, words: list[str], named: str
) -> None:
    with pytest.raises(typer.BadParameter, match=named):
        await run("create", *words)
    assert json.loads(await run("list", "--json")) == {"keys": []}


async def test_revoke__then_it_is_refused_at_once_and_again_is_no_fault(run: Run, sessions: Sessions) -> None:
    found = await made(run)
    await run("revoke", found["id"])
    await run("revoke", found["id"])
    with pytest.raises(api_keys.KeyRefused, match="was revoked at"):
        await admitted(sessions, found["key"])
    assert json.loads(await run("list", "--json"))["keys"][0]["state"] == "revoked"


async def test_revoke__when_there_is_no_such_key__then_said(run: Run) -> None:
    with pytest.raises(InvalidRequest, match="there is no key 00"):
        await run("revoke", "00")


async def test_rotate__then_both_are_taken_until_the_overlap_ends(run: Run, sessions: Sessions) -> None:
    old = await made(run, "--per-minute", "7")
    new = json.loads(await run("rotate", old["id"], "--json"))
    assert await admitted(sessions, old["key"]) == await admitted(sessions, new["key"]) == ["read"]
    rows = {one["id"]: one for one in json.loads(await run("list", "--json"))["keys"]}
    assert (rows[new["id"]]["replaces"], rows[new["id"]]["requests_per_minute"]) == (old["id"], 7)
    ends = datetime.fromisoformat(rows[old["id"]]["expires_at"])
    assert ends - datetime.now(UTC) <= timedelta(hours=24)


async def test_rotate__without_an_overlap__then_the_old_one_ends_now(run: Run, sessions: Sessions) -> None:
    old = await made(run)
    await run("rotate", old["id"], "--overlap", "0s")
    with pytest.raises(api_keys.KeyRefused, match="expired at"):
        await admitted(sessions, old["key"])
    with pytest.raises(InvalidRequest, match="ended already"):
        await run("rotate", old["id"])


@pytest.mark.parametrize("change", ["another_secret", "another_id", "shape", "empty"])
async def test_admit__when_the_key_is_not_ours__then_refused_without_repeating_it(
    run: Run, sessions: Sessions, change: str
) -> None:
    key = (await made(run))["key"]
    wrong = {
        "another_secret": key[:-1] + ("A" if key[-1] != "A" else "B"),
        "another_id": key.replace(key[4:20], "0" * 16),
        "shape": key + "\n",
        "empty": "",
    }[change]
    with pytest.raises(api_keys.KeyRefused) as refused:
        await admitted(sessions, wrong)
    assert key[-20:-1] not in str(refused.value)
