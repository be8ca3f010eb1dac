"""A local stack for the daemon's tests: real chain, Aave, contracts, Postgres; the daemon is its own process."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from oracle.devnet.stack import Stack, local_stack
from oracle.processes import ProgramError


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """A stack of the module's own, without wallet histories."""
    async with local_stack(tmp_path_factory.mktemp("stack"), histories=False, durable=False) as running:
        yield running


async def refusal(stack: Stack, settings_text: str) -> str:
    """Start a daemon on other settings, which it must refuse with exit code 2; return what it said."""
    original = stack.settings_file
    stack.settings_file = original.with_name("changed.toml")
    stack.settings_file.write_text(settings_text)
    try:
        daemon = await stack.start_daemon("refused", wait=False)
        assert daemon.wait(120) == 2, daemon.tail()
        return daemon.tail(30)
    except ProgramError as error:
        raise AssertionError(str(error)) from error
    finally:
        stack.stop_daemons()
        (stack.folder / "refused.log").unlink(missing_ok=True)
        stack.settings_file = original


def changed(settings_file: Path, key: str, value: str) -> str:
    """Return a settings file's text with one key set to another TOML value."""
    text, count = re.subn(rf"(?m)^{key} = .*$", f"{key} = {value}", settings_file.read_text())
    assert count == 1, f"{key} stands {count} times in {settings_file}"
    return text
