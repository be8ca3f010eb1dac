"""MakerDAO read from a script: the vaults of a wallet and of its proxy, one of which was barked at."""

from dataclasses import replace

import pytest
from eth_abi.abi import encode

from oracle.assessment.errors import HistoryIncomplete
from oracle.assessment.history import USD, WAD, LendingHistory
from oracle.assessment.request import NATIVE_COIN, Address, BlockRef
from oracle.history.lending import maker
from oracle.history.lending.maker_events import BARK, BITE, FROB, FROB_TOPIC
from oracle.history.markets import MakerVaults
from oracle.history.reading.abi import address_topic
from oracle.history.reading.logs import Log
from tests.unit.history.log_of import log_of
from tests.unit.history.scripted_node import ScriptedNode

WALLET, PROXY, MANAGER, REGISTRY, VAT, SPOTTER, DOG = (Address("0x" + digit * 40) for digit in "1234567")
URNS = (Address("0x" + "a1" * 20), Address("0x" + "a2" * 20))
ILK = b"ETH-A".ljust(32, b"\0")
RAY = 10**27
AT = BlockRef(9, f"0x{9:064x}", 9_000)
MARKET = MakerVaults("maker", MANAGER, REGISTRY, VAT, SPOTTER, DOG, 1)


def frob(urn: Address, dink: int, dart: int, block: int) -> Log:
    call = FROB.selector + encode(FROB.inputs, (ILK, urn, urn, urn, dink, dart))
    data = (32).to_bytes(32, "big") + (224).to_bytes(32, "big") + call.ljust(224, b"\0")
    topics = (FROB_TOPIC, "0x" + ILK.hex(), address_topic(urn), address_topic(urn))
    return Log(VAT, topics, data, block, f"0x{block:064x}", 0)


def node(*, proxy: Address = PROXY) -> ScriptedNode:
    """Return a script with one vault of the wallet and one of its proxy; ether falls from 3,000 to 2,400 at block 7."""
    script = ScriptedNode()
    script.answers(REGISTRY, maker._PROXY, (WALLET,), (proxy,))
    for number, (owner, urn) in enumerate(zip((WALLET, PROXY), URNS, strict=True), start=1):
        script.answers(MANAGER, maker._COUNT, (owner,), (1,))
        script.answers(MANAGER, maker._FIRST, (owner,), (number,))
        script.answers(MANAGER, maker._LIST, (number,), (0, 0))
        script.answers(MANAGER, maker._VAULT_URN, (number,), (urn,))
        script.answers(MANAGER, maker._VAULT_ILK, (number,), (ILK,))
    script.answers(SPOTTER, maker._SPOTTER_ILK, (ILK,), (NATIVE_COIN, RAY * 3 // 2))
    script.answers(VAT, maker._ILK, (ILK,), (0, RAY, 2_000 * RAY, 0, 0))
    for block in (7, 8, 9):
        script.answers(VAT, maker._ILK, (ILK,), (0, RAY * 2, 1_600 * RAY, 0, 0), block=block)
    script.answers(VAT, maker._URN, (ILK, URNS[0]), (5 * WAD, 1_000 * WAD))
    script.answers(VAT, maker._URN, (ILK, URNS[1]), (0, 0))
    barked = log_of(
        BARK, "0x" + ILK.hex(), address_topic(URNS[1]), "0x" + "00" * 32, data=(WAD, WAD, WAD, DOG), block=8
    )
    script.logs = [
        frob(URNS[0], 5 * WAD, 2_000 * WAD, 2),
        frob(URNS[1], WAD, 0, 3),
        frob(URNS[0], 0, -1_000 * WAD, 7),
        Log(DOG, barked.topics, barked.data, 8, barked.block_hash, 0),
    ]
    return script


async def test_maker__when_read__then_both_owners_vaults_in_dollars_of_each_block() -> None:
    source = maker.MakerSource(node().reader, MARKET, span_blocks=4)
    assert await source.read(WALLET, AT) == LendingHistory(
        supplied_usd=15_000 * USD + 3_000 * USD,
        borrowed_usd=2_000 * USD,
        repaid_usd=2_000 * USD,
        liquidation_count=1,
        liquidated_usd=2_400 * USD,
        event_count=4,
        first_borrow_at=2_000,
        collateral_usd=12_000 * USD,
        debt_usd=2_000 * USD,
        health_factor_wad=4 * WAD,
        protocols=frozenset({"maker"}),
    )


async def test_maker__when_there_is_no_proxy__then_the_wallets_own_vaults_only() -> None:
    source = maker.MakerSource(node(proxy=NATIVE_COIN).reader, MARKET, span_blocks=4)
    history = await source.read(WALLET, AT)
    assert (history.supplied_usd, history.liquidation_count) == (15_000 * USD, 0)


CATS = (Address("0x" + "8" * 40), Address("0x" + "9" * 40))


def bite(urn: Address, ink: int, art: int, block: int, cat: Address) -> Log:
    log = log_of(BITE, "0x" + ILK.hex(), address_topic(urn), data=(ink, art, art, DOG, 1), block=block)
    return replace(log, address=cat)


@pytest.mark.parametrize("cat", CATS)
async def test_maker__when_bitten_by_either_of_the_first_liquidation_contracts__then_liquidated(cat: Address) -> None:
    script = node()
    script.answers(VAT, maker._URN, (ILK, URNS[1]), (0, 500 * WAD))
    script.logs += [frob(URNS[1], 0, 800 * WAD, 4), bite(URNS[1], WAD, 300 * WAD, 5, cat)]
    script.logs = [log for log in script.logs if log.address != DOG]
    history = await maker.MakerSource(script.reader, replace(MARKET, cat=CATS), span_blocks=4).read(WALLET, AT)
    assert (history.liquidation_count, history.liquidated_usd) == (1, 3_000 * USD)
    with pytest.raises(HistoryIncomplete, match="the settings do not name"):
        await maker.MakerSource(script.reader, MARKET, span_blocks=4).read(WALLET, AT)


@pytest.mark.parametrize("art", [1_000 * WAD + 1, 999 * WAD, 0], ids=["more", "less", "gone"])
async def test_maker__when_a_debt_is_not_explained_by_the_vaults_calls__then_a_gap(art: int) -> None:
    script = node()
    script.answers(VAT, maker._URN, (ILK, URNS[0]), (5 * WAD, art))
    with pytest.raises(HistoryIncomplete, match="ETH-A at block 9, their calls and liquidations explain"):
        await maker.MakerSource(script.reader, MARKET, span_blocks=4).read(WALLET, AT)


async def test_maker__when_a_debt_was_moved_between_vaults_of_the_wallets_own__then_no_gap() -> None:
    script = node()
    script.logs = [log for log in script.logs if log.address != DOG]
    script.answers(VAT, maker._URN, (ILK, URNS[0]), (5 * WAD, 400 * WAD))
    script.answers(VAT, maker._URN, (ILK, URNS[1]), (WAD, 600 * WAD))
    history = await maker.MakerSource(script.reader, MARKET, span_blocks=4).read(WALLET, AT)
    assert history.debt_usd == 2_000 * USD
