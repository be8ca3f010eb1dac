"""A comptroller read from a script: prices that were in ether once, and debts whose borrowing is missing."""

from dataclasses import replace

import pytest

from oracle.assessment.errors import HistoryIncomplete
from oracle.assessment.history import USD, WAD
from oracle.assessment.request import Address, BlockRef
from oracle.history.lending import compound_v2_prices as prices
from oracle.history.lending.compound_v2 import (
    BORROW,
    LIQUIDATION,
    MINT,
    MINT_BEHALF,
    REPAY,
    STABLECOIN_LIQUIDATION,
    CompoundV2Source,
)
from oracle.history.markets import CompoundV2Market
from oracle.history.reading.abi import Function
from oracle.history.reading.event_index import EventIndex
from oracle.history.reading.event_store import MemoryEventStore
from oracle.history.reading.logs import Log
from tests.unit.history.log_of import CONTRACT, log_of
from tests.unit.history.scripted_node import ScriptedNode

WALLET, OTHER = Address("0x" + "11" * 20), Address("0x" + "22" * 20)
ORACLE, USDC = Address("0x" + "c2" * 20), Address("0x" + "c4" * 20)
ETHER_MARKET, DOLLARS, BITCOIN = (Address("0x" + digits * 20) for digits in ("d1", "d2", "d3"))
MILLION = 10**6
CHANGE = 20
"""The oracle counts in dollars from this block on."""

MARKET = CompoundV2Market("compound-v2", CONTRACT, 1, None, 5, CHANGE, DOLLARS)
FORK = CompoundV2Market("fork", CONTRACT, 1)
AT = BlockRef(30, f"0x{30:064x}", 30_000)


def node() -> ScriptedNode:
    """Return a comptroller whose ether costs 400 dollars up to block 18, then 500; a bitcoin of 8 digits is 50."""
    script = ScriptedNode()
    script.answers(CONTRACT, prices._ALL_MARKETS, (), ([ETHER_MARKET, DOLLARS, BITCOIN],))
    script.answers(CONTRACT, prices._ASSETS_IN, (WALLET,), ([ETHER_MARKET, DOLLARS],))
    script.answers(CONTRACT, prices._ORACLE, (), (ORACLE,))
    script.answers(DOLLARS, prices._UNDERLYING, (), (USDC,))
    script.answers(USDC, prices._DECIMALS, (), (6,))
    for market in (ETHER_MARKET, DOLLARS):
        script.answers(market, prices._SNAPSHOT, (WALLET,), (0, 0, 0, WAD))
        script.answers(CONTRACT, prices._MARKET, (market,), (True, WAD * 3 // 4))
    for block in range(1, 31):
        # USD for a smallest unit, times 1e36; before the change ether for one: ether is always worth 1 then.
        ether_usd, unit = 400 if block < 19 else 500, 1 if block >= CHANGE else 400 if block < 19 else 500
        price(script, ETHER_MARKET, ether_usd * 10**18 // unit, block)
        price(script, DOLLARS, 10**30 // unit, block)
        price(script, BITCOIN, 50 * ether_usd * 10**28 // unit, block)
    return script


def price(script: ScriptedNode, market: Address, value: int, block: int) -> None:
    script.answers(ORACLE, prices._UNDERLYING_PRICE, (market,), (value,), block=block)


def block(number: int) -> prices.Block:
    return prices.Block(number, f"0x{number:064x}")


@pytest.mark.parametrize(("number", "ether_usd"), [(5, 400), (18, 400), (19, 500), (20, 500), (21, 500)])
async def test_value__when_the_oracle_counts_in_ether_or_in_dollars__then_dollars_of_that_block(
    number: int, ether_usd: int
) -> None:
    found = prices.ComptrollerPrices(node().reader, MARKET)
    assert await found.value_usd(ETHER_MARKET, 3 * WAD, block(number)) == 3 * ether_usd * USD
    assert await found.value_usd(DOLLARS, 250 * MILLION, block(number)) == 250 * USD
    assert await found.value_usd(BITCOIN, 10**8 // 2, block(number)) == 25 * ether_usd * USD


@pytest.mark.parametrize(("number", "dollars"), [(CHANGE - 1, 500), (CHANGE, 490), (CHANGE + 1, 490)])
async def test_value__when_the_dollar_token_is_not_worth_one__then_it_is_a_dollar_before_the_change_alone(
    number: int, dollars: int
) -> None:
    script = node()
    for since in (CHANGE, CHANGE + 1):
        price(script, ETHER_MARKET, 490 * 10**18, since)
        price(script, DOLLARS, 98 * 10**28, since)
    found = prices.ComptrollerPrices(script.reader, MARKET)
    assert await found.value_usd(ETHER_MARKET, WAD, block(number)) == dollars * USD


async def test_value__when_the_unit_changes_within_the_last_block_before__then_dollars_in_either() -> None:
    script = node()
    price(script, ETHER_MARKET, 500 * 10**18, CHANGE - 1)
    price(script, DOLLARS, 10**30, CHANGE - 1)
    found = prices.ComptrollerPrices(script.reader, MARKET)
    assert await found.value_usd(ETHER_MARKET, 3 * WAD, block(CHANGE - 1)) == 1_500 * USD


async def test_value__when_a_dollar_is_no_round_part_of_an_ether__then_rounded_down_once() -> None:
    script = node()
    price(script, DOLLARS, 4_323_789_123_456_789_012_345_678_901, 18)
    found = prices.ComptrollerPrices(script.reader, MARKET)
    assert await found.value_usd(ETHER_MARKET, WAD, block(18)) == 10**38 // 4_323_789_123_456_789_012_345_678_901
    assert await found.value_usd(DOLLARS, MILLION, block(18)) == USD


async def test_value__when_a_fork_always_counted_in_dollars__then_its_oracles_word_at_every_block() -> None:
    found = prices.ComptrollerPrices(node().reader, FORK)
    assert [await found.value_usd(ETHER_MARKET, WAD, block(number)) for number in (18, 20)] == [USD, 500 * USD]


async def test_value__when_older_than_what_is_known_of_the_oracle__then_a_gap() -> None:
    found = prices.ComptrollerPrices(node().reader, MARKET)
    with pytest.raises(HistoryIncomplete, match="was used in block 4; what its oracle answered before block 5"):
        await found.value_usd(ETHER_MARKET, WAD, block(4))


def source(script: ScriptedNode, market: CompoundV2Market = MARKET) -> CompoundV2Source:
    return CompoundV2Source(script.reader, market, EventIndex(MemoryEventStore(), 1), span_blocks=100)


def mint(amount: int, number: int) -> Log:
    return replace(log_of(MINT, data=(WALLET, amount, 1), block=number), address=ETHER_MARKET)


def borrow(amount: int, number: int, index: int = 0) -> Log:
    log = log_of(BORROW, data=(WALLET, amount, 0, 0), block=number, index=index)
    return replace(log, address=DOLLARS)


def repay(amount: int, number: int, payer: Address = WALLET) -> Log:
    return replace(log_of(REPAY, data=(payer, WALLET, amount, 0, 0), block=number, index=2), address=DOLLARS)


def liquidation(number: int) -> Log:
    log = log_of(LIQUIDATION, data=(OTHER, WALLET, 7, ETHER_MARKET, WAD), block=number, index=3)
    return replace(log, address=DOLLARS)


def owe(script: ScriptedNode, amount: int) -> None:
    script.answers(DOLLARS, prices._SNAPSHOT, (WALLET,), (0, 0, amount, WAD))
    script.answers(DOLLARS, prices._DEBT_NOW, (WALLET,), (amount,))


async def test_compound_v2__when_used_before_and_after_the_oracles_change__then_all_sums_are_dollars() -> None:
    script = node()
    script.logs = [mint(2 * WAD, 10), borrow(300 * MILLION, 11), mint(WAD, 25), repay(50 * MILLION, 26)]
    owe(script, 250 * MILLION)
    history = await source(script).read(WALLET, AT)
    assert (history.supplied_usd, history.borrowed_usd) == (800 * USD + 500 * USD, 300 * USD)
    assert (history.repaid_usd, history.debt_usd) == (50 * USD, 250 * USD)


async def test_compound_v2__when_asked_before_the_oracles_change__then_the_position_is_in_dollars_too() -> None:
    script = node()
    script.logs = [mint(2 * WAD, 10), borrow(300 * MILLION, 11)]
    owe(script, 300 * MILLION)
    script.answers(ETHER_MARKET, prices._SNAPSHOT, (WALLET,), (0, 2 * WAD, 0, WAD))
    script.answers(ETHER_MARKET, prices._RATE_NOW, (), (WAD,))
    history = await source(script).read(WALLET, BlockRef(15, f"0x{15:064x}", 15_000))
    assert (history.collateral_usd, history.debt_usd) == (800 * USD, 300 * USD)
    assert history.health_factor_wad == 2 * WAD


@pytest.mark.parametrize(
    ("logs", "owed", "words"),
    [
        ([mint(WAD, 10)], 7 * MILLION, "is in debt at compound-v2, but there is no event of borrowing"),
        ([mint(WAD, 10), repay(MILLION, 12)], 0, "paid back in block 12, but there is no event of borrowing before"),
        ([repay(MILLION, 12, OTHER)], 0, "paid back in block 12"),
        ([repay(MILLION, 12), borrow(MILLION, 13)], MILLION, "paid back in block 12"),
        ([liquidation(14)], 0, "paid back in block 14"),
    ],
    ids=["debt", "repaid", "repaid by another", "borrowed later", "liquidated"],
)
async def test_compound_v2__when_a_debt_lacks_its_borrowing__then_a_gap(logs: list[Log], owed: int, words: str) -> None:
    script = node()
    script.answers(ETHER_MARKET, prices._EXCHANGE_RATE, (), (WAD,))
    script.logs = logs
    if owed:
        owe(script, owed)
    with pytest.raises(HistoryIncomplete, match=words):
        await source(script).read(WALLET, AT)


async def test_compound_v2__when_nothing_of_no_debt_is_repaid__then_no_gap() -> None:
    script = node()
    # `repayBorrow` of everything succeeds without a debt, and logs a repayment of nothing.
    script.logs = [repay(0, 12)]
    history = await source(script).read(WALLET, AT)
    assert (history.repaid_usd, history.event_count) == (0, 1)


async def test_compound_v2__when_repaid_within_the_borrowings_block__then_no_gap() -> None:
    script = node()
    script.logs = [borrow(MILLION, 12, index=4), repay(MILLION, 12)]
    assert (await source(script).read(WALLET, AT)).repaid_usd == USD


async def test_compound_v2__when_nothing_is_borrowed__then_no_borrowing_age_begins() -> None:
    script = node()
    script.logs = [mint(WAD, 22), borrow(0, 23)]
    history = await source(script).read(WALLET, AT)
    assert (history.first_borrow_at, history.borrowed_usd) == (None, 0)
    script.logs += [borrow(300 * MILLION, 27)]
    assert (await source(script).read(WALLET, AT)).first_borrow_at == 27_000


async def test_compound_v2__when_borrowed_and_repaid_in_one_block__then_it_is_no_record() -> None:
    script = node()
    script.logs = [borrow(300 * MILLION, 22), repay(300 * MILLION, 22), borrow(100 * MILLION, 25)]
    history = await source(script).read(WALLET, AT)
    assert (history.borrowed_usd, history.repaid_usd) == (400 * USD, 300 * USD)
    assert history.returned_at_once_usd == 300 * USD
    assert history.first_borrow_at == 25_000


async def test_compound_v2__when_less_than_a_dollar_is_borrowed__then_no_borrowing_age_begins() -> None:
    script = node()
    script.logs = [borrow(MILLION - 1, 23)]
    assert (await source(script).read(WALLET, AT)).first_borrow_at is None


def mint_behalf(payer: Address, number: int) -> Log:
    return replace(log_of(MINT_BEHALF, data=(payer, WALLET, WAD, 1), block=number), address=ETHER_MARKET)


async def test_compound_v2__when_a_stranger_supplied_for_the_wallet__then_it_used_nothing() -> None:
    script = node()
    script.logs = [mint_behalf(OTHER, 23)]
    history = await source(script).read(WALLET, AT)
    assert (history.supplied_usd, history.protocols) == (500 * USD, frozenset())
    script.logs += [mint(WAD, 24)]
    assert (await source(script).read(WALLET, AT)).protocols == {"compound-v2"}


# Venus since its liquidation threshold: listed, factor, flag, threshold, incentive, pool, may be borrowed.
WITH_THRESHOLD = Function("markets", ("address",), ("bool", "uint256", "bool", "uint256", "uint256", "uint96", "bool"))
ALONE = Function("markets", ("address",), ("bool", "uint256", "uint256"))
POOL_MARKET = Function("poolMarkets", ("uint96", "address"), WITH_THRESHOLD.outputs)


def venus(script: ScriptedNode, threshold: int = WAD * 4 // 5) -> ScriptedNode:
    """Give the wallet 1,000 dollars of ether, and a debt of 500."""
    script.answers(ETHER_MARKET, prices._SNAPSHOT, (WALLET,), (0, 2 * WAD, 0, WAD))
    script.answers(ETHER_MARKET, prices._RATE_NOW, (), (WAD,))
    for market in (ETHER_MARKET, DOLLARS):
        answer = (True, WAD * 3 // 4, False, threshold, 11 * WAD // 10, 0, True)
        script.answers(CONTRACT, WITH_THRESHOLD, (market,), answer)
    script.logs = [borrow(500 * MILLION, 25)]
    owe(script, 500 * MILLION)
    return script


def pools(script: ScriptedNode, pool: int) -> None:
    script.reverts(CONTRACT, prices._EFFECTIVE_FACTOR, (WALLET, ETHER_MARKET, 1))
    script.answers(CONTRACT, prices._USERS_POOL, (WALLET,), (pool,))


async def health(script: ScriptedNode) -> float:
    factor = (await source(script, FORK).read(WALLET, AT)).health_factor_wad
    assert factor is not None
    return factor / WAD


async def test_venus__when_it_liquidates_by_a_threshold__then_health_follows_that_and_not_the_factor() -> None:
    script = venus(node())
    pools(script, 0)
    assert await health(script) == pytest.approx(1.6)


async def test_venus__when_the_user_is_in_another_pool__then_health_follows_that_pools_threshold() -> None:
    script = venus(node())
    pools(script, 2)
    answer = (True, WAD * 9 // 10, False, WAD * 95 // 100, 11 * WAD // 10, 2, True)
    script.answers(CONTRACT, POOL_MARKET, (2, ETHER_MARKET), answer)
    assert await health(script) == pytest.approx(1.9)
    # Where the pool does not list the market, the core's threshold holds.
    script.answers(CONTRACT, POOL_MARKET, (2, ETHER_MARKET), (False, 0, False, 0, 0, 0, False))
    assert await health(script) == pytest.approx(1.6)


async def test_venus__when_it_tells_the_accounts_own_factor__then_that() -> None:
    script = venus(node())
    script.answers(CONTRACT, prices._EFFECTIVE_FACTOR, (WALLET, ETHER_MARKET, 1), (WAD * 85 // 100,))
    assert await health(script) == pytest.approx(1.7)


@pytest.mark.parametrize(("third", "expected"), [(WAD * 4 // 5, 1.6), (1, 1.5), (0, 1.5)])
async def test_fork__when_the_third_word_is_a_threshold_or_a_flag__then_told_apart(third: int, expected: float) -> None:
    script = venus(node())
    for market in (ETHER_MARKET, DOLLARS):
        script.answers(CONTRACT, ALONE, (market,), (True, WAD * 3 // 4, third))
    assert await health(script) == pytest.approx(expected)


async def test_venus__when_its_stablecoins_debt_is_liquidated__then_that_counts() -> None:
    controller = Address("0x" + "e1" * 20)
    script = node()
    script.answers(ETHER_MARKET, prices._EXCHANGE_RATE, (), (WAD,))
    script.answers(controller, prices._VAI_OWED, (WALLET,), (0,))
    taken = log_of(STABLECOIN_LIQUIDATION, data=(OTHER, WALLET, 7, ETHER_MARKET, WAD), block=26)
    script.logs = [borrow(500 * MILLION, 25), replace(taken, address=controller)]
    history = await source(script, replace(FORK, vai_controller=controller)).read(WALLET, AT)
    assert (history.liquidation_count, history.liquidated_usd) == (1, 500 * USD)


async def test_venus__when_only_its_stablecoin_was_ever_owed__then_its_liquidation_is_no_gap() -> None:
    controller = Address("0x" + "e1" * 20)
    script = node()
    script.answers(ETHER_MARKET, prices._EXCHANGE_RATE, (), (WAD,))
    script.answers(controller, prices._VAI_OWED, (WALLET,), (9 * WAD,))
    taken = log_of(STABLECOIN_LIQUIDATION, data=(OTHER, WALLET, 7, ETHER_MARKET, WAD), block=26)
    script.logs = [mint(WAD, 25), replace(taken, address=controller)]
    history = await source(script, replace(FORK, vai_controller=controller)).read(WALLET, AT)
    assert (history.liquidation_count, history.debt_usd) == (1, 9 * USD)


async def test_oracle__when_it_reverts_for_one_market__then_its_holder_is_declined_in_words_and_nobody_else() -> None:
    script = venus(node())
    pools(script, 0)
    script.reverts(ORACLE, prices._UNDERLYING_PRICE, (BITCOIN,))
    for number in range(1, 31):
        script._answers.pop((ORACLE, prices._UNDERLYING_PRICE.call_data(BITCOIN), f"0x{number:064x}"), None)
    assert await health(script) == pytest.approx(1.6)
    script.answers(CONTRACT, prices._ASSETS_IN, (WALLET,), ([ETHER_MARKET, DOLLARS, BITCOIN],))
    script.answers(BITCOIN, prices._SNAPSHOT, (WALLET,), (0, 1, 0, WAD))
    script.answers(BITCOIN, prices._RATE_NOW, (), (WAD,))
    script.answers(CONTRACT, ALONE, (BITCOIN,), (True, WAD * 3 // 4, 0))
    with pytest.raises(HistoryIncomplete, match=f"no price for market {BITCOIN}"):
        await health(script)


async def test_oracle__when_a_stranger_supplies_what_has_no_price__then_it_counts_for_nothing() -> None:
    script = venus(node())
    pools(script, 0)
    script.reverts(ORACLE, prices._UNDERLYING_PRICE, (BITCOIN,))
    for number in range(1, 31):
        script._answers.pop((ORACLE, prices._UNDERLYING_PRICE.call_data(BITCOIN), f"0x{number:064x}"), None)
    script.logs += [replace(mint_behalf(OTHER, 26), address=BITCOIN)]
    assert (await source(script, FORK).read(WALLET, AT)).supplied_usd == 0
    script.logs += [replace(mint(WAD, 27), address=BITCOIN)]
    with pytest.raises(HistoryIncomplete, match="no price"):
        await source(script, FORK).read(WALLET, AT)
