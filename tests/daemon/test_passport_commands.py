"""A borrower's commands against a running daemon and its chain: from a passport to the answer, both ways."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from oracle.assessment.states import State
from oracle.devnet.stack import Stack, local_stack
from oracle.models.inference import Model
from oracle.passports.private_files import read_opening
from tests.daemon.watching import until_state
from tests.support.commanding import Ended, command
from tests.support.passports import CARD, HOME, content_of
from tests.support.private_data import ask_with

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with local_stack(tmp_path_factory.mktemp("stack"), histories=False, durable=False, privacy=True) as running:
        await running.start_daemon()
        yield running


@pytest.fixture(autouse=True)
def _own_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


async def committed(folder: Path, name: str) -> Path:
    """Return the file of a fresh opening."""
    passport, opening = folder / "passport.json", folder / f"{name}.json"
    content = json.dumps(content_of(HOME, CARD))
    await asyncio.to_thread(command, "passport", "new", passport, "--force", "--from", "-", answers=content)
    made = await asyncio.to_thread(command, "passport", "commit", passport, opening)
    assert made.code == 0, made.error
    return opening


async def hand_in(stack: Stack, way: str, opening: Path, number: int, *options: object, json_too: bool = True) -> Ended:
    where = ("--url", f"http://127.0.0.1:{stack.settings.web.port}", "--oracle", stack.contracts.oracle.address)
    words = (way, opening, number, *where, "--rpc", stack.chain.rpc_url, *options, *(["--json"] if json_too else []))
    return await asyncio.to_thread(command, "passport", *words)


async def test_prove__request_on_the_chain__is_answered_with_the_borrowers_own_proof(
    stack: Stack, tmp_path: Path
) -> None:
    opening = await committed(tmp_path, "proves")
    held = read_opening(opening).opening
    number = await ask_with(stack, "proves", held.commitment)
    # At once: the command waits until the daemon has read the wallet.
    told = (await hand_in(stack, "prove", opening, number, "--cache", tmp_path / "keys")).json
    row = await until_state(stack, number, State.FINAL)
    assert row.features is not None
    inferred = Model.open(stack.model).infer(row.features["encoded"], held.tensor)
    assert [int(text) for text in told["outputs"]] == list(inferred.outputs) == row.outputs
    assert told["assessment"]["basis_points"]["score"] == inferred.scores.score_bps
    assert told["downloaded_bytes"] <= 45_000_000
    over = await hand_in(stack, "prove", opening, number, "--cache", tmp_path / "keys")
    assert (over.code, "waits for no private data: it is final" in over.error) == (2, True)


async def test_open__request_on_the_chain__is_answered_with_the_sealed_opening(stack: Stack, tmp_path: Path) -> None:
    opening, other = await committed(tmp_path, "opens"), await committed(tmp_path, "other")
    held = read_opening(opening).opening
    number = await ask_with(stack, "opens", held.commitment)
    mistaken = await hand_in(stack, "open", other, number)
    assert (mistaken.code, "the request is committed to" in mistaken.error) == (2, True)
    nowhere = await hand_in(stack, "open", opening, number + 1, "--wait", 0)
    assert nowhere.code == 3
    elsewhere = await hand_in(stack, "open", opening, number, "--chain-id", 1)
    assert (elsewhere.code, "--rpc is on chain" in elsewhere.error) == (2, True)
    told = (await hand_in(stack, "open", opening, number)).json
    assert told["linked_requests"] == []
    row = await until_state(stack, number, State.FINAL)
    assert row.features is not None
    assert row.outputs == list(Model.open(stack.model).infer(row.features["encoded"], held.tensor).outputs)
