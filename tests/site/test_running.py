"""Every command of ours that a page names, run: here on a local stack as the pages have them, or by the test named."""

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from sqlalchemy.ext.asyncio import async_sessionmaker

from oracle.assessment.states import State
from oracle.devnet.machinery.accounts import named_account
from oracle.devnet.machinery.node import REPOSITORY
from oracle.devnet.stack import Stack, local_stack
from oracle.passports.private_files import read_opening
from oracle.store import api_keys, database, requests
from oracle.store.api_keys import Scope
from tests.daemon.watching import ask, until_state
from tests.site.test_commands import PAGES, commands
from tests.support.board import asked
from tests.support.commanding import Ended, command
from tests.support.passports import CARD, HOME, content_of
from tests.support.private_data import ask_with

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

# What takes a chain, a folder or minutes of its own, and the test that runs it.
ELSEWHERE: Final = {
    "approval apply": "tests/approval/test_processes.py",
    "approval decision": "tests/approval/test_decision_on_chain.py",
    "approval identity": "tests/support/approval_processes.py",
    "approval party": "tests/support/approval_processes.py",
    "approval replay": "tests/approval/test_demo.py",
    "approval serve": "tests/support/approval_processes.py",
    "approval session": "tests/support/approval_processes.py",
    "contracts deploy": "tests/commands/test_contracts_deploy.py",
    "dashboard": "tests/web/dashboard/test_alone.py",
    "init": "tests/commands/test_init.py",
    "issuer check": "tests/issuers/test_commands.py",
    "issuer obtain": "tests/issuers/test_commands.py",
    "issuer revoke": "tests/issuers/test_commands.py",
    "models evaluate": "tests/unit/training/test_evaluate.py",
    "models promote": "tests/daemon/test_model_change.py",
    "models retire": "tests/daemon/test_open_statements.py",
    "models publish-history-table": "tests/commands/test_audit.py",
    "models rollback": "tests/daemon/test_model_change.py",
    "models score": "tests/unit/training/test_scoring.py",
    "models search": "tests/unit/training/test_search.py",
    "models train": "tests/training/test_training.py",
    "prover serve": "tests/support/fleet.py",
    "run": "tests/daemon/test_setting_up.py",
    "setup": "tests/proving/test_making.py",
}
MAKE: Final = {
    "bench-approval": "takes minutes: tests/approval/test_lane.py runs its rows and its attacks",
    "bench-approval-peer": "installs 6 GB for a comparison: run by hand, its figures are on the page",
    "contracts": "runs before these tests, as part of `make test`",
    "demo": "tests/devnet/test_demo.py",
    "demo-approval": "tests/approval/test_demo.py",
    "docs": "tests/site/test_site.py",
    "test": "is what runs these tests",
}
_DEAD: Final = 1_000_000


class Reader:
    """Somebody who types what the pages say, with the names, addresses and files of a stack of one's own."""

    def __init__(self, stack: Stack, folder: Path, answered: int) -> None:
        self._stack = stack
        self._folder = folder
        self._answered = answered
        self._key = ""

    async def run(self, words: list[str]) -> Ended:
        """Run a command as a page has it."""
        typed = "a long pass phrase\n" if words[:1] == ["operators"] and words[1] in ("add", "passwd") else None
        if words[:2] == ["passport", "new"]:
            words, typed = [*words, "--from", "-"], json.dumps(content_of(HOME, CARD))
        filled = [await self._filled(words, place) for place in range(len(words))]
        ended = await asyncio.to_thread(command, *filled, answers=typed)
        if words[:2] == ["keys", "create"]:
            [self._key] = re.findall(r"\b[0-9a-f]{16}\b", ended.output + ended.error)[:1]
        return ended

    async def _filled(self, words: list[str], place: int) -> str:
        word, before = words[place], words[place - 1]
        url = f"http://127.0.0.1:{self._stack.settings.web.port}"
        if before == "--rpc":
            return self._stack.chain.rpc_url
        if before == "--url":
            return url
        if before == "--oracle":
            return self._stack.oracle_address
        if before == "--chain-id":
            return str(self._stack.chain.chain_id)
        if before in ("rotate", "revoke"):
            return self._key
        if before == "--folder":
            return str(self._folder / Path(word).name)
        if before == "requeue":
            return str(_DEAD)
        if words[0] == "passport" and word == "17":
            opening = read_opening(self._folder / "opening.json").opening
            return str(await ask_with(self._stack, " ".join(words), opening.commitment))
        return str(self._answered) if word in ("17", "1") else word


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reader(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Reader]:
    folder = tmp_path_factory.mktemp("reader")
    async with local_stack(tmp_path_factory.mktemp("stack"), histories=False, durable=False, privacy=True) as stack:
        shutil.copy(stack.settings_file, folder / "risk-oracle.toml")
        shutil.copytree(stack.model.directory, folder / "models" / "mine")
        await stack.start_daemon()
        answered = (await ask(stack, "reader")).request_id
        await until_state(stack, answered, State.FINAL)
        engine = database.connect(stack.database_url, pool_size=1)
        where = (stack.chain.chain_id, stack.oracle_address)
        async with async_sessionmaker(engine).begin() as session:
            await requests.add(session, *where, [asked(_DEAD, timedelta())])
            row = await requests.find(session, *where, _DEAD, lock=True)
            await requests.move(session, row, State.DEAD, "gave up")
            key = (await api_keys.create(session, "reader", [Scope.READ])).key
        await engine.dispose()
        url = f"http://127.0.0.1:{stack.settings.web.port}/v1/requests/{answered}/proof"
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {key}"}) as http, http.get(url) as answer:
            (folder / "answer.json").write_bytes(await answer.read())
        table = web.Application()
        table.router.add_static("/", folder)
        async with TestServer(table) as server:
            await _publish_table(stack, folder, str(server.make_url("/published.json")))
            yield Reader(stack, folder, answered)


async def _publish_table(stack: Stack, folder: Path, uri: str) -> None:
    key = folder / "governor.key"
    key.touch(mode=0o600)
    key.write_text(named_account("owner").key.hex())
    table = ("contracts", "history-table", "--out", folder / "published.json")
    publish = ("models", "publish-history-table", "--uri", uri, "--key-file", key)
    for words in (table, publish):
        ended = await asyncio.to_thread(command, *words, "--config", stack.settings_file)
        assert ended.code == 0, ended.error


@pytest.fixture
def _in_the_readers_folder(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(reader._folder)
    for name in ("XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(reader._folder / name))


def ours() -> list[list[str]]:
    """Return the words of each command of ours, in the order of the pages, each once."""
    found: dict[tuple[str, ...], None] = {}
    for page in PAGES:
        found |= {tuple(words[1:]): None for words in commands(page) if Path(words[0]).name == "risk-oracle"}
    return [list(words) for words in found]


def elsewhere(words: list[str]) -> str | None:
    """Return the name under which another test runs a command, None where none does."""
    return next((name for name in ELSEWHERE if words[: len(name.split())] == name.split()), None)


@pytest.mark.usefixtures("_in_the_readers_folder")
async def test_commands__typed_as_the_pages_have_them__then_each_does_its_work(reader: Reader) -> None:
    here = [words for words in ours() if elsewhere(words) is None]
    assert len(here) >= 40
    failed = []
    for words in here:
        ended = await reader.run(words)
        if ended.code != 0:
            failed.append(f"risk-oracle {' '.join(words)}: {ended.code}: {ended.output}{ended.error}")
    assert not failed, "\n".join(failed)


async def test_commands__run_elsewhere__then_the_test_named_has_their_words_and_no_name_is_left_over() -> None:
    left_to_others = {elsewhere(words) for words in ours()} - {None}
    assert left_to_others == set(ELSEWHERE)
    targets = {words[1] for page in PAGES for words in commands(page) if words[0] == "make"}
    assert targets == set(MAKE)
    for name, test in (ELSEWHERE | MAKE).items():
        if test.startswith("tests/"):
            text = (REPOSITORY / test).read_text()
            for word in name.split():
                assert re.search(rf"\b{word}\b", text), f"{test} runs no {name}"
