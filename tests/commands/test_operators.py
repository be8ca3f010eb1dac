"""`risk-oracle operators`: accounts by the command line; a password is never on it, and never told."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from typer.testing import CliRunner, Result

from oracle.cli import app
from oracle.store import operators
from oracle.store.operators import OperatorFault
from oracle.web.dashboard import passwords
from tests.store.test_requests import CHAIN, ORACLE

PASSWORD = "a long enough one"
OTHER = "another long one"


@pytest.fixture
def operate(engine: AsyncEngine, tmp_path: Path) -> Any:
    """Run the command in a thread: it has an event loop of its own."""
    settings = tmp_path / "risk-oracle.toml"
    settings.write_text(
        f'[chain]\nrpc_url = "http://127.0.0.1:1"\nchain_id = {CHAIN}\noracle = "{ORACLE}"\n'
        f'[history]\ncoin_price_feed = "{ORACLE}"\n'
        f'[database]\nurl = "{engine.url.render_as_string(hide_password=False)}"\n'
    )

    async def run(*words: str, typed: str = "") -> Result:
        command = ["operators", *words, "--config", str(settings)]
        return await asyncio.to_thread(CliRunner().invoke, app, command, input=typed)

    return run


async def test_operators__added_listed_changed_and_removed(
    operate: Any, sessions: async_sessionmaker[AsyncSession]
) -> None:
    added = await operate("add", "Ada", "--role", "operator", typed=f"{PASSWORD}\n")
    assert added.exit_code == 0, added.output
    assert PASSWORD not in added.output
    found = json.loads((await operate("list", "--json")).output)["operators"]
    assert [(one["name"], one["role"]) for one in found] == [("ada", "operator")]
    async with sessions() as session:
        row = await operators.find(session, "ada")
    assert row is not None
    assert await passwords.fits(row.password_hash, PASSWORD)
    assert (await operate("passwd", "ada", typed=f"{OTHER}\n")).exit_code == 0
    async with sessions() as session:
        row = await operators.find(session, "ada")
        acted = [one.action for one in await operators.actions(session)]
    assert row is not None
    assert await passwords.fits(row.password_hash, OTHER)
    assert not await passwords.fits(row.password_hash, PASSWORD)
    assert (await operate("remove", "ada")).exit_code == 0
    assert "there is no account" in (await operate("list")).output
    assert acted == ["change_password", "add_account"]


@pytest.mark.parametrize(
    ("words", "typed", "said"),
    [
        (("add", "ada"), "short\n", "the password has 5 characters: expected 12 to 1,024"),
        (("add", "a b"), f"{PASSWORD}\n", "is no name for an account"),
        (("add", "../x"), f"{PASSWORD}\n", "is no name for an account"),
        (("remove", "nobody"), "", "there is no account 'nobody'"),
        (("passwd", "nobody"), f"{PASSWORD}\n", "there is no account 'nobody'"),
    ],
)
async def test_operators__when_it_cannot_be__says_why(
    operate: Any, words: tuple[str, ...], typed: str, said: str
) -> None:
    result = await operate(*words, typed=typed)
    assert isinstance(result.exception, OperatorFault)
    assert said in str(result.exception)
    assert PASSWORD not in str(result.exception)


async def test_operators__twice_the_same_name__is_refused(operate: Any) -> None:
    assert (await operate("add", "ada", typed=f"{PASSWORD}\n")).exit_code == 0
    assert "is there already" in str((await operate("add", "ADA", typed=f"{PASSWORD}\n")).exception)


async def test_operators__without_a_password_on_standard_input__asks_for_one(operate: Any) -> None:
    result = await operate("add", "ada")
    assert result.exit_code == 64
