"""A Comet read from a script: deposits, debts, collateral and absorption of one wallet, in dollars of each block."""

import pytest

from oracle.assessment.errors import HistoryIncomplete
from oracle.assessment.history import USD, WAD, LendingHistory
from oracle.assessment.request import Address, BlockRef
from oracle.history.lending import comet
from oracle.history.lending.comet_events import (
    ABSORB_COLLATERAL,
    ABSORB_DEBT,
    SUPPLY,
    SUPPLY_COLLATERAL,
    WITHDRAW,
    WITHDRAW_COLLATERAL,
)
from oracle.history.market import rounds
from oracle.history.markets import CometMarket
from oracle.history.reading.abi import address_topic
from oracle.history.reading.logs import Log
from tests.unit.history.log_of import CONTRACT, log_of
from tests.unit.history.scripted_node import ScriptedNode

WALLET = Address("0x" + "11" * 20)
OTHER = address_topic(Address("0x" + "22" * 20))
ASSET, BASE_FEED, ASSET_FEED = (Address("0x" + digit * 20) for digit in ("a1", "b1", "b2"))
UNIT_FEED = Address("0x" + "b3" * 20)
USER, TOKEN = address_topic(WALLET), address_topic(ASSET)
MILLION = 10**6
AT = BlockRef(9, f"0x{9:064x}", 9_000)
ETHER_USD = (1, 2_000 * USD, 500, 500, 1)


def node() -> ScriptedNode:
    """Return a market of a 6-decimals dollar; its collateral has 18 decimals and is worth 1,000, then 500."""
    script = ScriptedNode()
    script.answers(CONTRACT, comet._BASE_FEED, (), (BASE_FEED,))
    script.answers(CONTRACT, comet._BASE_SCALE, (), (MILLION,))
    script.answers(CONTRACT, comet.PRICE, (BASE_FEED,), (USD,))
    script.answers(CONTRACT, comet.PRICE, (ASSET_FEED,), (1_000 * USD,))
    for block in (7, 8, 9):
        script.answers(CONTRACT, comet.PRICE, (ASSET_FEED,), (500 * USD,), block=block)
    asset = (0, ASSET, ASSET_FEED, WAD, WAD * 8 // 10, WAD * 9 // 10, WAD * 95 // 100, 10**30)
    script.answers(CONTRACT, comet.ASSET, (ASSET,), asset)
    script.answers(CONTRACT, comet._ASSET_AT, (0,), asset)
    script.answers(CONTRACT, comet._ASSET_COUNT, (), (1,))
    script.answers(CONTRACT, comet._COLLATERAL, (WALLET, ASSET), (2 * WAD, 0))
    for block, balance in enumerate((0, 0, -600, -400, -400, -400, -400, 50, 50, -300)):
        hold(script, balance * MILLION, block)
    interest(script, 1, 1)
    script.logs = [
        log_of(SUPPLY_COLLATERAL, OTHER, USER, TOKEN, data=(3 * WAD,), block=1),
        log_of(WITHDRAW, USER, OTHER, data=(600 * MILLION,), block=2),
        log_of(SUPPLY, OTHER, USER, data=(200 * MILLION,), block=3),
        log_of(ABSORB_COLLATERAL, OTHER, USER, TOKEN, data=(WAD, 500 * USD), block=7, index=1),
        log_of(ABSORB_DEBT, OTHER, USER, data=(450 * MILLION, 450 * USD), block=7, index=2),
        log_of(WITHDRAW_COLLATERAL, USER, OTHER, TOKEN, data=(WAD // 2,), block=8),
        log_of(WITHDRAW, USER, USER, data=(350 * MILLION,), block=9),
        # Another's account, paid for by this wallet.
        log_of(SUPPLY, USER, OTHER, data=(999 * MILLION,), block=9, index=1),
    ]
    return script


def hold(script: ScriptedNode, principal: int, block: int) -> None:
    """Script a wallet's principal at a block; what it owes is the same, as long as there is no interest."""
    script.answers(CONTRACT, comet._ACCOUNT, (WALLET,), (principal, 0, 0, 0, 0), block=block)
    script.answers(CONTRACT, comet._DEBT, (WALLET,), (max(0, -principal),), block=block)


def interest(script: ScriptedNode, supply: int, borrow: int, block: int = 0) -> None:
    """Script how many times as much a principal has become."""
    totals = (supply * 10**15, borrow * 10**15, 0, 0, 0, 0, 0, 0)
    script.answers(CONTRACT, comet._TOTALS, (), totals, block=block)


def sent(logs: list[Log], **principals: int) -> ScriptedNode:
    """Return a market where the wallet's logs are these, and its principal (in millions) that of the latest `b…`."""
    script, millions = node(), 0
    script.logs = logs
    for block in range(1, 10):
        millions = principals.get(f"b{block}", millions)
        hold(script, millions * MILLION, block)
    return script


def supply(millions: int, block: int, index: int = 0) -> Log:
    return log_of(SUPPLY, OTHER, USER, data=(millions * MILLION,), block=block, index=index)


def withdraw(millions: int, block: int, index: int = 0) -> Log:
    return log_of(WITHDRAW, USER, OTHER, data=(millions * MILLION,), block=block, index=index)


async def read(script: ScriptedNode) -> LendingHistory:
    return await comet.CometSource(script.reader, CometMarket("comet", CONTRACT, None, 1), span_blocks=4).read(
        WALLET, AT
    )


@pytest.mark.parametrize(
    ("script", "until"),
    [
        (sent([], b5=-300), 9),
        (sent([supply(300, 7)], b5=-300, b7=0), 7),
        (sent([withdraw(600, 2)], b2=-600, b5=-900), 9),
        (sent([withdraw(600, 2), supply(100, 7)], b2=-600, b5=-900, b7=-800), 7),
        (sent([log_of(SUPPLY_COLLATERAL, OTHER, USER, TOKEN, data=(WAD,), block=4)], b4=-300), 4),
    ],
    ids=["all of it", "and paid back", "more of it", "more, and some paid back", "beside its collateral"],
)
async def test_comet__when_a_debt_was_made_by_sending_the_base_token__then_a_gap(
    script: ScriptedNode, until: int
) -> None:
    with pytest.raises(HistoryIncomplete, match=f"into debt at comet up to block {until} by no event of borrowing"):
        await read(script)


@pytest.mark.parametrize(
    "script",
    [
        # 100 borrowed and 50 of it paid back by another; or 50 received first, and 50 withdrawn, 50 borrowed.
        sent([withdraw(100, 5)], b5=-50),
        sent([withdraw(100, 2), supply(30, 5)], b2=-100, b5=-90),
        sent([supply(100, 5), withdraw(20, 5, 1)], b5=0),
    ],
    ids=["received", "sent on", "sent from a deposit"],
)
async def test_comet__when_the_base_token_was_sent_in_the_block_of_an_event__then_a_gap(script: ScriptedNode) -> None:
    with pytest.raises(HistoryIncomplete, match="moved in block 5 by more than its events tell"):
        await read(script)


@pytest.mark.parametrize(
    ("script", "repaid"),
    [
        (sent([withdraw(600, 2)], b2=-600, b5=-100), 500),
        (sent([withdraw(600, 2)], b2=-600, b5=40), 600),
        (sent([withdraw(600, 2), supply(100, 7)], b2=-600, b5=-450, b7=-350), 150 + 100),
        (sent([withdraw(600, 2), supply(100, 7)], b2=-600, b5=20, b7=120), 600),
    ],
    ids=["some", "all", "some, then more", "all, then a deposit"],
)
async def test_comet__when_another_account_sent_what_the_wallet_owed__then_that_is_repaid(
    script: ScriptedNode, repaid: int
) -> None:
    history = await read(script)
    assert (history.borrowed_usd, history.repaid_usd) == (600 * USD, repaid * USD)
    assert history.first_borrow_at == 2_000


@pytest.mark.parametrize(
    "script",
    [
        sent([supply(100, 2), withdraw(30, 7)], b2=100, b5=500, b7=470),
        sent([supply(100, 2), withdraw(30, 7)], b2=100, b5=30, b7=0),
        sent([supply(100, 2), withdraw(30, 7)], b2=100, b7=70, b9=500),
    ],
    ids=["received", "sent", "received since"],
)
async def test_comet__when_deposits_were_sent__then_they_are_no_use_of_the_protocol(script: ScriptedNode) -> None:
    history = await read(script)
    assert (history.supplied_usd, history.withdrawn_usd, history.borrowed_usd) == (100 * USD, 30 * USD, 0)
    assert (history.event_count, history.repaid_usd) == (2, 0)


async def test_comet__when_a_debt_bore_interest__then_that_is_no_borrowing_and_is_repaid() -> None:
    script = sent([withdraw(600, 2), supply(1_250, 7)], b2=-600, b7=50)
    interest(script, 1, 2, block=7)
    history = await read(script)
    assert (history.borrowed_usd, history.repaid_usd, history.supplied_usd) == (600 * USD, 1_200 * USD, 50 * USD)


async def test_comet__when_read__then_sums_at_each_blocks_prices_and_the_position() -> None:
    source = comet.CometSource(node().reader, CometMarket("comet", CONTRACT, None, 1), span_blocks=4)
    assert await source.read(WALLET, AT) == LendingHistory(
        supplied_usd=3_000 * USD,
        withdrawn_usd=250 * USD + 50 * USD,
        borrowed_usd=600 * USD + 300 * USD,
        repaid_usd=200 * USD,
        liquidation_count=1,
        liquidated_usd=500 * USD,
        event_count=7,
        first_borrow_at=2_000,
        collateral_usd=1_000 * USD,
        debt_usd=300 * USD,
        health_factor_wad=3 * WAD,
        protocols=frozenset({"comet"}),
    )


async def test_comet__when_its_prices_are_in_ether__then_the_unit_feed_makes_dollars() -> None:
    script = node()
    script.answers(UNIT_FEED, comet._DECIMALS, (), (8,))
    script.answers(UNIT_FEED, rounds._LATEST_ROUND_DATA, (), ETHER_USD)
    source = comet.CometSource(script.reader, CometMarket("comet", CONTRACT, UNIT_FEED, 1), span_blocks=4)
    history = await source.read(WALLET, AT)
    assert (history.supplied_usd, history.debt_usd) == (3_000 * 2_000 * USD, 300 * 2_000 * USD)


async def test_comet__when_asked_before_its_start__then_nothing() -> None:
    source = comet.CometSource(node().reader, CometMarket("comet", CONTRACT, None, 10), span_blocks=4)
    assert await source.read(WALLET, AT) == LendingHistory()
