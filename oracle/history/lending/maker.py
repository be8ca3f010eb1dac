"""MakerDAO: what a wallet put into its vaults, drew and paid back, what was bitten or barked at, and its position.

The vaults are those that the wallet, or its proxy, owns in the vault manager at the block. A dai counts as a dollar.
What they owe must be what their calls and liquidations add up to: a debt that came from elsewhere (a `fork`), or went
there, is a gap, since nothing tells when it was borrowed and whether it was repaid.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from oracle.assessment.errors import HistoryIncomplete
from oracle.assessment.history import LendingHistory
from oracle.assessment.request import NATIVE_COIN, Address, BlockRef
from oracle.history.lending.activity import Activity, Position, lending_history
from oracle.history.lending.maker_events import BARK, BITE, FROB_TOPIC, VaultChange, vault_change, vault_taken
from oracle.history.markets import MakerVaults
from oracle.history.reading.abi import Function, address_topic
from oracle.history.reading.concurrently import Memo, all_of
from oracle.history.reading.doers import did_itself
from oracle.history.reading.logs import Log, Topics, read_logs
from oracle.history.reading.reader import ChainReader

_PROXY: Final = Function("proxies", ("address",), ("address",))
_COUNT: Final = Function("count", ("address",), ("uint256",))
_FIRST: Final = Function("first", ("address",), ("uint256",))
_LIST: Final = Function("list", ("uint256",), ("uint256", "uint256"))  # previous, next
_VAULT_URN: Final = Function("urns", ("uint256",), ("address",))
_VAULT_ILK: Final = Function("ilks", ("uint256",), ("bytes32",))
_ILK: Final = Function("ilks", ("bytes32",), ("uint256",) * 5)  # total debt, rate, spot, line, dust
_URN: Final = Function("urns", ("bytes32", "address"), ("uint256", "uint256"))  # ink, art
_SPOTTER_ILK: Final = Function("ilks", ("bytes32",), ("address", "uint256"))  # price feed, liquidation ratio

Place = tuple[str, str]
"""A vault by its collateral type and its urn, as topics."""

# Amounts have 18 decimals, rates and prices 27, dollars here 8.
_DEBT_SCALE: Final = 10**37
_COLLATERAL_SCALE: Final = 10**64


@dataclass(frozen=True, slots=True)
class Terms:
    """A collateral type at a block, with 27 decimals: dai a unit of debt, price over ratio, and the ratio."""

    rate: int
    spot: int
    ratio: int

    def debt_usd(self, art: int) -> int:
        """Return normalised debt in 1e-8 USD."""
        return art * self.rate // _DEBT_SCALE

    def collateral_usd(self, ink: int) -> int:
        """Return collateral in 1e-8 USD."""
        return ink * self.spot * self.ratio // _COLLATERAL_SCALE

    def backing_usd(self, ink: int) -> int:
        """Return the debt that collateral may carry, in 1e-8 USD."""
        return ink * self.spot // _DEBT_SCALE


@dataclass(frozen=True, slots=True)
class Vault:
    """One vault: its collateral type and its place in the vat."""

    ilk: bytes
    urn: Address


@dataclass
class VaultActivity(Activity):
    """What changes of vaults add up to; `explained` is the normalised debt that they leave in each."""

    explained: Counter[Place] = field(default_factory=Counter)

    def add(self, change: VaultChange, terms: Terms, log: Log) -> None:
        """Add one change of a vault, at the terms of its block."""
        self.events += 1
        vault = log.topics[2]
        collateral, debt = terms.collateral_usd(abs(change.collateral)), terms.debt_usd(abs(change.debt))
        if change.collateral > 0:
            self.supply(log, vault, collateral)
        elif change.collateral < 0:
            self.withdraw(log, vault, collateral)
        if change.debt > 0:
            self.borrow(log, vault, debt)
        elif change.debt < 0:
            self.repay(log, vault, debt)
        # Anybody may add collateral to a vault, or pay its debt.
        self.used = self.used or change.collateral < 0 or change.debt > 0
        self.explained[log.topics[1], vault] += change.debt

    def take(self, taken: VaultChange, terms: Terms, log: Log) -> None:
        """Add a liquidation, at the terms of its block."""
        self.events += 1
        self.liquidations += 1
        self.liquidated_usd += terms.collateral_usd(-taken.collateral)
        self.explained[log.topics[1], log.topics[2]] += taken.debt


class MakerSource:
    """A wallet's vaults as a source of lending history."""

    def __init__(self, reader: ChainReader, market: MakerVaults, *, span_blocks: int) -> None:
        self._reader = reader
        self._market = market
        self._span_blocks = span_blocks

    @property
    def name(self) -> str:
        """The protocol's name."""
        return self._market.name

    async def read(self, wallet: Address, at: BlockRef) -> LendingHistory:
        """Return what the wallet did in the vaults that it owns at the block; see Source for the errors."""
        if at.number < self._market.start_block:
            return LendingHistory()
        vaults = await self._vaults(wallet, at.hash)
        if not vaults:
            return LendingHistory()
        terms: Memo[tuple[bytes, str], Terms] = Memo(self._terms)
        urns = [address_topic(vault.urn) for vault in vaults]
        ilk_of = {address_topic(vault.urn): vault.ilk for vault in vaults}
        activity, given = VaultActivity(), []
        for log in await self._logs([self._market.vat], [FROB_TOPIC, None, urns], at):
            activity.add(vault_change(log), await terms.get((ilk_of[log.topics[2]], log.block_hash)), log)
            given.append(log)
        for log in await self._logs([self._market.dog, *self._market.cats], [[BARK.topic, BITE.topic], None, urns], at):
            activity.take(vault_taken(log), await terms.get((ilk_of[log.topics[2]], log.block_hash)), log)
        activity.used = activity.used or await did_itself(self._reader, wallet, given)
        position, owed = Position(), dict[Place, int]()
        for vault in vaults:
            ink, art = await self._reader.call(self._market.vat, _URN, vault.ilk, vault.urn, block_hash=at.hash)
            now = await terms.get((vault.ilk, at.hash))
            position += Position(now.collateral_usd(ink), now.backing_usd(ink), now.debt_usd(art))
            owed["0x" + vault.ilk.hex(), address_topic(vault.urn)] = art
        self._check_explained(wallet, activity.explained, owed, at)
        return await lending_history(self._reader, self.name, activity, position, position.health_factor_wad)

    def _check_explained(
        self, wallet: Address, explained: Mapping[Place, int], owed: Mapping[Place, int], at: BlockRef
    ) -> None:
        """Raise HistoryIncomplete where a debt is not what was drawn, less what was repaid and liquidated.

        What a wallet moved between vaults of its own adds up again over those of one collateral type.
        """
        for ilk in sorted({ilk for ilk, _ in owed}):
            vaults = [place for place in owed if place[0] == ilk]
            told = [max(0, explained.get(place, 0)) for place in vaults]
            art = [owed[place] for place in vaults]
            if art != told and sum(art) != sum(told):
                name = bytes.fromhex(ilk[2:]).rstrip(b"\0").decode(errors="replace")
                raise HistoryIncomplete(
                    f"the vaults of {wallet} at {self.name} owe {sum(art)} of {name} at block {at.number}, their calls "
                    f"and liquidations explain {sum(told)}: the debt was moved from vault to vault, or taken by a "
                    "liquidation contract that the settings do not name (`cat`)"
                )

    async def _vaults(self, wallet: Address, block: str) -> list[Vault]:
        (proxy,) = await self._reader.call(self._market.proxy_registry, _PROXY, wallet, block_hash=block)
        owners = [wallet] + ([Address(str(proxy).lower())] if str(proxy).lower() != NATIVE_COIN else [])
        numbers = [number for owner in owners for number in await self._numbers(owner, block)]
        return await all_of(self._vault(number, block) for number in numbers)

    async def _numbers(self, owner: Address, block: str) -> list[int]:
        manager = self._market.manager
        (count,) = await self._reader.call(manager, _COUNT, owner, block_hash=block)
        (number,) = await self._reader.call(manager, _FIRST, owner, block_hash=block)
        numbers: list[int] = []
        while number and len(numbers) < count:
            numbers.append(number)
            _, number = await self._reader.call(manager, _LIST, number, block_hash=block)
        return numbers

    async def _vault(self, number: int, block: str) -> Vault:
        (urn,), (ilk,) = await all_of(
            self._reader.call(self._market.manager, question, number, block_hash=block)
            for question in (_VAULT_URN, _VAULT_ILK)
        )
        return Vault(ilk, Address(str(urn).lower()))

    async def _terms(self, key: tuple[bytes, str]) -> Terms:
        ilk, block = key
        (_, rate, spot, _, _), (_, ratio) = await all_of(
            [
                self._reader.call(self._market.vat, _ILK, ilk, block_hash=block),
                self._reader.call(self._market.spotter, _SPOTTER_ILK, ilk, block_hash=block),
            ]
        )
        return Terms(rate, spot, ratio)

    async def _logs(self, contracts: Sequence[Address], topics: Topics, at: BlockRef) -> list[Log]:
        ranges = read_logs(self._reader, contracts, topics, self._market.start_block, at.number, self._span_blocks)
        return [log async for logs in ranges for log in logs]
