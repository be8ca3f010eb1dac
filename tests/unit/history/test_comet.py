"""A Comet read from a script: deposits, debts, collateral and absorption of one wallet, in dollars of each block."""

from oracle.assessment.history import USD, WAD, LendingHistory
from oracle.assessment.request import Address, BlockRef
from oracle.history import comet, rounds
from oracle.history.abi import address_topic
from oracle.history.comet_events import (
    ABSORB_COLLATERAL,
    ABSORB_DEBT,
    SUPPLY,
    SUPPLY_COLLATERAL,
    WITHDRAW,
    WITHDRAW_COLLATERAL,
)
from oracle.history.markets import CometMarket
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
    for block, deposit, debt in ((1, 0, 0), (2, 0, 600), (3, 0, 400), (7, 50, 0), (8, 50, 0), (9, 0, 300)):
        script.answers(CONTRACT, comet._DEPOSIT, (WALLET,), (deposit * MILLION,), block=block)
        script.answers(CONTRACT, comet._DEBT, (WALLET,), (debt * MILLION,), block=block)
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
