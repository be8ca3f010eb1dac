"""The stage on which wallets act: the chain, the market, and an agenda in chain time."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from eth_account.signers.local import LocalAccount

from oracle.assessment.request import to_address
from oracle.devnet.machinery.accounts import Sent, Transactor
from oracle.devnet.protocols.aave import Aave
from oracle.devnet.protocols.attestations import AttestationService
from oracle.devnet.protocols.names import NameService
from oracle.devnet.wallets.borrowing import Lender
from oracle.devnet.wallets.ledger import Deed, DeedKind, Ledger, PricePoint

DAY_SECONDS: Final = 86_400

Act = Callable[[int], Awaitable[None]]
Amount = Decimal | int | str


@dataclass
class Stage:
    """Chain, market, lender, names, attestations and the agenda; `start` is the Unix time of day 0."""

    transactor: Transactor
    market: Aave
    start: int
    lender: Lender | None = None
    names: NameService | None = None
    attestations: AttestationService | None = None
    ledger: Ledger = field(default_factory=Ledger)
    _agenda: list[tuple[int, Act]] = field(default_factory=list)

    def plan(self, day: float, act: Act) -> None:
        """Put an act on the agenda; acts of one moment happen in the order in which they were planned."""
        self._agenda.append((self.start + round(day * DAY_SECONDS), act))

    async def play(self) -> None:
        """Do everything on the agenda in the order of its times."""
        agenda, self._agenda = sorted(self._agenda, key=lambda entry: entry[0]), []
        # Blocks need growing times: acts of one moment follow each other a second apart.
        clock = await self.transactor.chain.timestamp()
        for moment, act in agenda:
            clock = max(moment, clock + 1)
            await act(clock)

    async def publish_price(self, symbol: str, price_usd: Decimal, at: int) -> None:
        """Publish a price and note it."""
        answer = await self.market.feeds.publish(self.transactor, symbol, price_usd, at=at)
        self.ledger.prices.append(PricePoint(self.transactor.sent[-1].block, at, symbol, answer))

    def smallest_units(self, symbol: str, amount: Amount) -> int:
        """Return an amount of whole units in the token's smallest unit."""
        return int(Decimal(amount).scaleb(self.market.parameters[symbol].decimals))

    def value_usd(self, symbol: str, amount: int) -> int:
        """Return what an amount in smallest units is worth now, in 1e-8 USD."""
        decimals = self.market.parameters[symbol].decimals
        return amount * self.market.feeds.prices[symbol] // int(10**decimals)

    def note(self, sent: Sent, wallet: LocalAccount, kind: DeedKind, usd: int = 0) -> None:
        """Write a deed down."""
        self.ledger.deeds.append(Deed(sent.block, sent.timestamp, to_address(wallet.address), kind, usd))
