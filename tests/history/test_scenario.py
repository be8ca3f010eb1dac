"""Hundreds of random lives at five protocols: the features from the chain equal those from the ledger.

`RISK_ORACLE_SCENARIO_WALLETS` sets how many wallets live (`make test-long`: 400), `RISK_ORACLE_SCENARIO_SEED` which.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio
import torch
from web3 import AsyncHTTPProvider, AsyncWeb3

from oracle.assessment.engineering import engineer
from oracle.assessment.features import PRIVATE_FEATURES
from oracle.assessment.history import (
    USD,
    WAD,
    ExchangeHistory,
    LendingHistory,
    MarketState,
    SocialRecord,
    TransactionHistory,
    WalletHistory,
)
from oracle.assessment.outputs import decode_outputs
from oracle.assessment.request import NATIVE_COIN, Address, BlockRef, LoanTerms, to_address
from oracle.devnet.machinery.accounts import ETHER, GWEI
from oracle.devnet.machinery.anvil import Anvil
from oracle.devnet.scenario.building import build_world
from oracle.devnet.scenario.play import Books, Played, Scenario
from oracle.devnet.scenario.world import RESERVE, World
from oracle.history.collect import Services, Sources, build_sources, collect_history, read_history
from oracle.history.market.rounds import realised_volatility_ppm
from oracle.history.merge import merge_exchanges, merge_lending, merge_term_loans
from oracle.history.reading.event_index import EventIndex
from oracle.history.reading.event_store import MemoryEventStore
from oracle.history.reading.memory import Stored
from oracle.history.reading.reader import ChainReader
from oracle.models.export import WEIGHTS
from oracle.models.integer import IntegerNetwork
from oracle.models.registry import SHIPPED, load
from oracle.models.table_weights import load_table_weights
from oracle.models.weights import load_weights
from oracle.training.table_pipeline import BATCH_MODEL
from tests.history.ledger_history import expected_transactions
from tests.support.faulty_node import FaultyNode, late

WALLETS = int(os.environ.get("RISK_ORACLE_SCENARIO_WALLETS", "100"))
SEED = int(os.environ.get("RISK_ORACLE_SCENARIO_SEED", "4"))
BOOKS = 3
DAY = 86_400
TERMS = LoanTerms(NATIVE_COIN, ETHER, NATIVE_COIN, 2 * ETHER, 30 * DAY)

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300 + 4 * WALLETS)]


class OneMarket:
    """The market, read once a block: it is the same for every wallet."""

    name = "market"

    def __init__(self, source: Any) -> None:
        self._source = source
        self._states: dict[str, asyncio.Task[MarketState]] = {}

    async def read(self, wallet: Address, at: BlockRef) -> MarketState:
        if at.hash not in self._states:
            self._states[at.hash] = asyncio.create_task(self._source.read(wallet, at))
        return await self._states[at.hash]


@dataclass(frozen=True)
class Lived:
    """A world after its scenario, and the sources that read it."""

    world: World
    scenario: Scenario
    played: Played
    reader: ChainReader
    sources: Sources

    def expected(self, wallet: Address, books: Books) -> WalletHistory:
        """Return the ledger's history of a wallet; what all wallets deposited is not in it."""
        own = [sent for sent in self.world.transactor.sent if wallet in (sent.sender, sent.recipient)]
        tokens = self.world.v3.tokens.items()
        swaps = books.router_swaps[wallet].items()
        through_routers = [ExchangeHistory(swap_count=count, protocols=frozenset({name})) for name, count in swaps]
        scenario: Any = SimpleNamespace(transactor=SimpleNamespace(sent=own))
        return WalletHistory(
            chain_id=self.world.transactor.chain.chain_id,
            wallet=wallet,
            block=books.at,
            lending=merge_lending(books.lending[wallet]),
            term_loans=merge_term_loans(books.term_loans[wallet]),
            transactions=self._transactions(scenario, wallet, books),
            social=SocialRecord(),
            market=MarketState(
                coin_price_usd=self._price(books.at.timestamp) or 0,
                volatility_ppm=self._volatility(books.at.timestamp),
                base_fee_wei=12 * GWEI,
                token_prices_usd={
                    to_address(token.address): self._token_price(symbol, books.at) for symbol, token in tokens
                },
                token_decimals={to_address(token.address): RESERVE[symbol].decimals for symbol, token in tokens},
            ),
            exchanges=merge_exchanges([*books.exchanges[wallet], *through_routers]),
        )

    def _transactions(self, scenario: Any, wallet: Address, books: Books) -> TransactionHistory:
        world, number = self.world, books.at.number
        plain = expected_transactions(scenario, wallet, number)
        inside = sum(one.wei for one in world.inside if one.wallet == wallet and one.block <= number)
        return replace(
            plain,
            balance_wei=plain.balance_wei + inside,
            router_swaps=books.router_swaps[wallet],
            inner_calls_unread=wallet in world.contracts
            or any(signer == wallet and block <= number for block, signer in world.authorised),
        )

    def _price(self, at: int) -> int | None:
        return next((price for time, price in reversed(self.world.ether_prices) if time <= at), None)

    def _token_price(self, symbol: str, at: BlockRef) -> int:
        return (self._price(at.timestamp) or 0) if symbol == "WETH" else int(RESERVE[symbol].price_usd * USD)

    def _volatility(self, at: int) -> int | None:
        days = [self._price(at - day * DAY) for day in range(30, -1, -1)]
        return realised_volatility_ppm([price for price in days if price is not None])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lived() -> AsyncIterator[Lived]:
    async with Anvil(genesis_timestamp=1_700_000_000) as chain:
        world = await build_world(chain)
        scenario = await Scenario.open(world, seed=SEED, wallets=WALLETS)
        played = await scenario.play(books=BOOKS)
        web3: AsyncWeb3[Any] = AsyncWeb3(AsyncHTTPProvider(chain.rpc_url))
        reader = ChainReader(web3)
        index = EventIndex(MemoryEventStore(), chain.chain_id)
        sources = build_sources(reader, world.configuration, Services(event_index=index))
        try:
            yield Lived(world, scenario, played, reader, replace(sources, market=OneMarket(sources.market)))
        finally:
            await web3.provider.disconnect()


@pytest.mark.parametrize("moment", range(BOOKS))
async def test_history__when_wallets_lived_at_random__then_features_equal_the_ledgers(
    lived: Lived, moment: int
) -> None:
    books = lived.played.books[moment]
    for wallet in lived.played.wallets:
        found = await read_history(lived.reader, lived.sources, wallet, books.at)
        expected = lived.expected(wallet, books)
        locked = found.market.total_value_locked_usd
        expected = replace(expected, market=replace(expected.market, total_value_locked_usd=locked))
        assert found == expected, f"wallet {wallet} at block {books.at.number}"
        assert found.term_loans.loans == expected.term_loans.loans
        assert found.lending.health_factor_wad == worst_factor(books.lending[wallet])
        assert engineer(found, TERMS) == engineer(expected, TERMS)


async def test_scenario__when_played__then_everything_that_can_happen_did(lived: Lived) -> None:
    """A generator that stops doing something would make the comparison above say nothing about it."""
    if WALLETS < 100:
        pytest.skip(f"{WALLETS} wallets are too few for everything to happen, at least 100 are needed")
    last = lived.played.books[-1]
    for place, name in enumerate(("aave-v3", "aave-v2", "venus")):
        lending = [histories[place] for histories in last.lending.values()]
        sums = ("supplied_usd", "withdrawn_usd", "borrowed_usd", "repaid_usd", "liquidated_usd", "debt_usd")
        missing = [field for field in sums if not any(getattr(one, field) for one in lending)]
        assert not missing, f"nothing in {missing} at {name}"
    for place, name in enumerate(("uniswap-v2", "uniswap-v3")):
        trades = [histories[place] for histories in last.exchanges.values()]
        assert any(one.swap_count for one in trades), f"no swaps at {name}"
        assert any(one.open_positions for one in trades), f"no liquidity at {name}"
        assert any(one.liquidity_count > one.open_positions for one in trades), f"no liquidity taken back at {name}"
    assert any(not sent.succeeded for sent in lived.world.transactor.sent)
    _check_later_acts(lived, last)
    assert any(histories != [LendingHistory()] * 3 for histories in lived.played.books[0].lending.values())


def worst_factor(markets: Sequence[LendingHistory]) -> int | None:
    """Return the health factor of the worst market; one with less than a dollar of debt is as good as ten at least."""
    factors = [
        one.health_factor_wad if one.debt_usd >= USD else max(one.health_factor_wad, 10 * WAD)
        for one in markets
        if one.health_factor_wad is not None
    ]
    return min(factors, default=None)


def _check_later_acts(lived: Lived, last: Books) -> None:
    scenario, world = lived.scenario, lived.world
    assert any(sum(one.debt_usd >= USD for one in markets) > 1 for markets in last.lending.values())
    assert scenario.lenders[0].modes_entered > 0
    assert scenario.venus.minted > 0
    assert scenario.venus.liquidated > 0
    assert all(scenario.routers.seen[form] for form in scenario.routers.forms)
    assert len(scenario.delegations.seen) == 4, "delegated and revoked, each by itself and by a sponsor"
    driven = [wallet for wallet in last.lending if wallet in world.contracts]
    assert any(one.event_count for wallet in driven for one in last.lending[wallet])
    loans = [history for desks in last.term_loans.values() for history in desks]
    counts = ("repaid_on_time", "repaid_late", "defaulted")
    missing = [field for field in counts if not any(getattr(one, field) for one in loans)]
    assert not missing, f"no term loan {missing}"
    still_open = [loan for history in loans for loan in history.loans if loan.ended_at is None]
    assert {loan.due_at < last.at.timestamp for loan in still_open} == {True, False}, "open loans, overdue and not"
    assert len({loan.lender for loan in still_open}) == 2


LOANS = (
    LoanTerms(NATIVE_COIN, ETHER, NATIVE_COIN, 2 * ETHER, 30 * DAY),
    LoanTerms(NATIVE_COIN, ETHER, NATIVE_COIN, 5 * ETHER // 4, 14 * DAY),
    LoanTerms(NATIVE_COIN, 3 * ETHER, NATIVE_COIN, 10 * ETHER, 90 * DAY),
    LoanTerms(NATIVE_COIN, ETHER, NATIVE_COIN, 11 * ETHER // 10, 60 * DAY),
)


async def test_models__when_wallets_lived_at_random__then_the_batch_model_mostly_gives_the_single_ones_category(
    lived: Lived,
) -> None:
    histories = [lived.expected(wallet, books) for books in lived.played.books for wallet in lived.played.wallets]
    chain = torch.tensor([engineer(history, terms).encoded for history in histories for terms in LOANS])
    batch = load_table_weights(SHIPPED / BATCH_MODEL / WEIGHTS)
    single = IntegerNetwork.of(load_weights(load().directory / WEIGHTS))
    nothing = torch.zeros(len(chain), len(PRIVATE_FEATURES), dtype=torch.int64)

    assert batch.fits(chain).all()
    categories = [
        [decode_outputs(row, scales).category for row in outputs.tolist()]
        for outputs, scales in ((batch(chain), batch.scales.tolist()), (single(chain, nothing), load().output_scales))
    ]
    same = sum(own == other for own, other in zip(*categories, strict=True))
    assert same >= 0.95 * len(chain)


class Shelf:
    """A store of findings that notes what is put into it."""

    def __init__(self) -> None:
        self.kept: dict[Address, dict[str, Stored]] = {}
        self.put: list[Address] = []

    async def load(self, chain_id: int, wallet: Address) -> Mapping[str, Stored]:
        return self.kept.get(wallet, {})

    async def save(self, chain_id: int, wallet: Address, found: Mapping[str, Stored]) -> None:
        self.kept.setdefault(wallet, {}).update(found)
        self.put.append(wallet)


async def test_memory__when_answers_come_in_another_order__then_nothing_else_is_kept(lived: Lived) -> None:
    books, chain, shelf = lived.played.books[-1], lived.world.transactor.chain, Shelf()
    busiest = sorted(lived.played.wallets, key=lambda one: -sum(part.event_count for part in books.lending[one]))[:6]
    services = Services(event_index=EventIndex(MemoryEventStore(), chain.chain_id), store=shelf)
    readings = []
    for parity in (0, 1):
        async with FaultyNode(chain.rpc_url, late(parity, 0.01)) as node:
            web3: AsyncWeb3[Any] = AsyncWeb3(AsyncHTTPProvider(node.url))
            shelf.put.clear()
            reads = (collect_history(web3, lived.world.configuration, one, books.at, services) for one in busiest)
            readings.append([await read for read in reads])
            await web3.provider.disconnect()
            assert shelf.put == (busiest if parity == 0 else [])
    assert readings[0] == readings[1]
