"""A running daemon behind nodes that answer badly: the same proven numbers as from an honest one, or a clear no."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from eth_account.signers.local import LocalAccount

from oracle.assessment.canonical import history_hash, plain
from oracle.assessment.engineering import engineer
from oracle.assessment.errors import DeclineReason
from oracle.assessment.outputs import decode_outputs
from oracle.assessment.request import Address, to_address
from oracle.assessment.states import State
from oracle.chain.rpc import connect
from oracle.devnet.machinery.accounts import ETHER
from oracle.devnet.machinery.anvil import Anvil
from oracle.devnet.stack import Stack
from oracle.models.inference import Model
from oracle.pipeline.history import Histories
from oracle.store.requests import to_request
from oracle.store.tables import RequestRow
from tests.daemon.conftest import changed
from tests.daemon.faults import WIDEST, Fault, Switchboard, faults, without_newest
from tests.daemon.watching import ask, borrower, requests, transitions, until, until_said, until_state
from tests.support.faulty_node import FaultyNode, honest

# A dozen proofs, on a machine that may be busy.
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(900)]

_PATIENCE_SECONDS = 600.0
_MILLION = 10**6
_WORKER = "\n[worker]\nretry_seconds = 0.5\nconcurrency = 8\n"


@dataclass(frozen=True)
class Wired:
    """A stack whose daemon reads through `foreign`, which is away at first, and `node`, which does as it is told."""

    stack: Stack
    foreign: FaultyNode
    node: FaultyNode
    switchboard: Switchboard


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def wired(stack: Stack) -> AsyncIterator[Wired]:
    switchboard = Switchboard()
    chain = stack.chain.rpc_url
    async with FaultyNode(chain, lambda *_: 503) as foreign, FaultyNode(chain, switchboard) as node:
        text = changed(stack.settings_file, "rpc_url", f'["{foreign.url}", "{node.url}"]\nrequest_timeout_seconds = 5')
        stack.settings_file = stack.settings_file.with_name("faulty.toml")
        stack.settings_file.write_text(text + _WORKER)
        try:
            await stack.start_daemon("faulty")
            yield Wired(stack, foreign, node, switchboard)
        finally:
            stack.stop_daemons()


async def live(stack: Stack, name: str) -> LocalAccount:
    """Let a wallet wrap, supply, borrow and repay, so that there is something to get wrong."""
    wallet, call, market = await borrower(stack, name), stack.transactor.call, stack.market
    weth, usdc = market.tokens["WETH"], market.tokens["USDC"]
    await call(wallet, weth, "deposit", value=5 * ETHER)
    for token in (weth, usdc):
        await call(wallet, token, "approve", market.pool.address, 2**256 - 1)
    await call(wallet, market.pool, "supply", weth.address, 4 * ETHER, wallet.address, 0)
    await call(wallet, market.pool, "borrow", usdc.address, 3_000 * _MILLION, 2, 0, wallet.address)
    await call(wallet, market.pool, "repay", usdc.address, 1_000 * _MILLION, 2, wallet.address)
    return wallet


async def check_as_from_an_honest_node(stack: Stack, rows: list[RequestRow]) -> None:
    """Compare what was found and proven with what the chain itself says, read anew."""
    settings = stack.settings
    w3 = connect(stack.chain.rpc_url, 60.0)
    histories, model = Histories(w3, settings.history, stack.chain.chain_id), Model.open(stack.model)
    try:
        for row in rows:
            request = to_request(row)
            history = (await histories.read(request.user, request.block)).history
            assert history.lending.event_count == 3
            assert row.history_hash == history_hash(plain(history)), request.user
            encoded = engineer(history, request.terms).encoded
            assert row.features is not None
            assert row.features["encoded"] == list(encoded)
            assert row.outputs == list(model.infer(encoded).outputs)
            stored = await stack.transactor.read(stack.contracts.oracle, "assessmentOf", request.request_id)
            scores = decode_outputs(row.outputs, stack.model.output_scales)
            assert stored[:4] == (
                scores.category,
                scores.score_bps,
                scores.probability_of_default_bps,
                scores.fraud_likelihood_bps,
            )
    finally:
        await histories.close()
        await w3.provider.disconnect()


async def test_daemon__when_nodes_answer_badly__then_it_proves_what_an_honest_one_says(wired: Wired) -> None:
    stack, given = wired.stack, faults()
    async with Anvil(chain_id=1337) as other:
        # Back, but as another chain's: it must never be asked for more than which one it is.
        wired.foreign.target, wired.foreign.tamper = other.rpc_url, honest
        wired.foreign.calls.clear()
        asked: dict[int, Fault] = {}
        for fault in given:
            wallet = await live(stack, fault.name)
            wired.switchboard.faults[_address(wallet)] = fault
        for fault in given:
            asked[(await ask(stack, fault.name)).request_id] = fault
        lasting = {number: fault for number, fault in asked.items() if fault.reason}
        await until(
            stack,
            lambda found: all(
                number in found and fault.reason in (found[number].fault or "") for number, fault in lasting.items()
            ),
            _PATIENCE_SECONDS,
        )
        for fault in lasting.values():
            fault.end()
        await until(
            stack,
            lambda found: all(number in found and _ended(found[number]) for number in asked),
            _PATIENCE_SECONDS,
        )
        await until_said(stack, "endpoint_of_another_chain")
        assert set(wired.foreign.calls) == {"eth_chainId"}
    rows = {number: row for number, row in (await requests(stack)).items() if number in asked}
    assert {asked[number].name: row.state for number, row in rows.items() if row.state != State.FINAL} == {}
    assert [fault.name for fault in given if not fault.used] == []
    log = await transitions(stack)
    for number, fault in asked.items():
        said = [step.reason for step in log if step.request == rows[number].id]
        if fault.reason:
            assert any("failed" in reason and fault.reason in reason for reason in said), (fault.name, said)
    (limited,) = (wallet for wallet, fault in wired.switchboard.faults.items() if fault.name == "result limit")
    assert max(wired.switchboard.spans[limited]) <= WIDEST
    assert len(wired.switchboard.spans[limited]) > 10
    await check_as_from_an_honest_node(stack, list(rows.values()))


async def test_daemon__when_a_gap_lasts_until_the_deadline__then_it_declines_and_says_why(wired: Wired) -> None:
    stack = wired.stack
    gap = Fault("gap that stays", "ots_searchTransactionsBefore", _gap, 10**9, "its index has a gap")
    wired.switchboard.faults[_address(await live(stack, gap.name))] = gap
    number = (await ask(stack, gap.name)).request_id
    await until(stack, lambda found: number in found and found[number].attempts > 0)
    waiting = (await requests(stack))[number]
    assert waiting.state == State.REQUESTED
    assert gap.reason in (waiting.fault or "")
    await stack.chain.warp(3 * (int(waiting.deadline) - int(waiting.requested_at)) // 4 + 60)
    declined = await until_state(stack, number, State.DECLINED)
    assert declined.decline_reason == DeclineReason.HISTORY_UNAVAILABLE
    assert (declined.outputs, declined.proof) == (None, None)
    said = [step.reason for step in await transitions(stack) if step.request == declined.id]
    assert any("no complete history before the deadline" in reason and gap.reason in reason for reason in said)


def _gap(params: list[object], true: dict[str, object]) -> dict[str, object]:
    page = true["result"]
    assert isinstance(page, dict)
    return {"result": without_newest(page)}


def _address(wallet: LocalAccount) -> Address:
    return to_address(wallet.address)


def _ended(row: RequestRow) -> bool:
    return row.state in (State.FINAL, State.DECLINED, State.DEAD, State.EXPIRED, State.CLOSED)
