"""A running daemon and the operator's commands: promote, answer with the new model, roll back, answer with the old."""

import asyncio
import time
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import async_sessionmaker
from typer.testing import CliRunner

from oracle.assessment.states import State
from oracle.cli import app
from oracle.devnet.machinery.accounts import named_account
from oracle.devnet.stack import Stack
from oracle.store import database
from oracle.store.model_tables import ShadowScoreRow
from tests.daemon.conftest import changed
from tests.daemon.watching import ask, until_state
from tests.support.second_model import TwoModels

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def command(*words: str) -> str:
    """Run a command of the operator's, which must end well, and return what it said."""
    done = await asyncio.to_thread(CliRunner().invoke, app, ["models", *words])
    assert done.exit_code == 0, done.output
    return done.output


async def until_said(stack: Stack, words: str, seconds: float = 120.0) -> None:
    """Wait until the daemon's log has these words."""
    deadline = time.monotonic() + seconds
    while words not in stack.daemons[-1].tail(10_000):
        assert time.monotonic() < deadline, stack.daemons[-1].tail(30)
        await asyncio.sleep(0.1)


async def answered_by(stack: Stack, borrower: str) -> bytes:
    asked = await ask(stack, borrower)
    row = await until_state(stack, asked.request_id, State.FINAL, seconds=120)
    assert row.model_id is not None
    return bytes.fromhex(row.model_id[2:])


async def test_daemon__while_the_operator_promotes_and_rolls_back__answers_with_what_the_registry_says(
    stack: Stack, two_models: TwoModels, tmp_path: Path
) -> None:
    first, second = two_models.first, two_models.second
    text = changed(stack.settings_file, "keys", f'"{two_models.keys}"\nfollow_seconds = 0.5')
    stack.settings_file.write_text(text)
    stack.settings_file.write_text(changed(stack.settings_file, "directory", f'"{two_models.directory}"'))
    key_file = tmp_path / "governor.key"
    key_file.write_text(named_account("owner").key.to_0x_hex())
    options = ("-c", str(stack.settings_file))
    governor = (*options, "--key-file", str(key_file))
    await stack.start_daemon()

    said = await command("promote", second.name, "--build", str(two_models.build), *governor)
    assert "takes a proof of model credit-next" in said
    assert f"0x{first.model_id.hex()} is its shadow" in said
    await until_said(stack, "model_changed")
    assert await answered_by(stack, "after") == second.model_id
    engine = database.connect(stack.database_url, pool_size=1)
    try:
        async with async_sessionmaker(engine)() as session:
            [beside] = await session.scalars(select(ShadowScoreRow))
    finally:
        await engine.dispose()
    assert (beside.model_id, beside.answered_by) == (f"0x{first.model_id.hex()}", f"0x{second.model_id.hex()}")
    listed = (await command("list", *options)).splitlines()
    assert [line.split()[-1] for line in listed] == ["shadow", "primary"]
    assert "requests" in await command("shadow", *options)
    assert "nothing was measured yet" in await command("drift", *options)

    # Not waited for: scored with either, it must end with the one that the registry takes.
    await command("rollback", *governor)
    assert await answered_by(stack, "rolled back") == first.model_id
