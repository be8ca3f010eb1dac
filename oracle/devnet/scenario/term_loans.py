"""The term lenders in the scenario: loans asked for, taken, repaid on time and late, left overdue, and defaulted."""

from dataclasses import dataclass, replace
from random import Random
from typing import Final

from eth_account.signers.local import LocalAccount

from oracle.assessment.history import TermLoan, TermLoanHistory
from oracle.assessment.request import NATIVE_COIN, Address, to_address
from oracle.devnet.machinery.accounts import ETHER
from oracle.devnet.machinery.artifacts import Deployed
from oracle.devnet.protocols.term_desks import GRACE_DIVISOR, GRACE_SECONDS, HIGHEST_LTV_BPS, LATE_RATE_BPS, RATE_BPS
from oracle.devnet.scenario.world import Wallet, World

_BPS: Final = 10_000
_YEAR: Final = 365 * 86_400
_LIQUIDATION_BONUS_BPS: Final = 100
_COMMITMENT: Final = (1).to_bytes(32, "big")
_HOURS: Final = (10, 300)
_ANY_RATE: Final = 2**16 - 1


@dataclass(slots=True)
class Lent:
    """One loan of the ledger: what the reader must find of it, and its number at the lender."""

    number: int
    loan: TermLoan
    defaulted: bool = False


class TermDesk:
    """One lender with its ledger; `in_dollars` says that it lends dollars, and takes them back."""

    def __init__(self, world: World, contract: Deployed, *, in_dollars: bool) -> None:
        self.world = world
        self.name = contract.name
        self._contract = contract
        self._in_dollars = in_dollars
        self._lent: dict[str, list[Lent]] = {}
        self._claims: dict[str, int] = {}
        self._asked = 0

    async def act(self, wallet: Wallet, random: Random) -> None:
        """Let a wallet ask for a loan, pay one back, fetch its collateral, or ask and think better of it."""
        open_loans = self.open_loans(wallet.address)
        choice = random.random()
        if self._claims.get(wallet.address) and choice < 0.2:
            await self._claim(wallet)
        elif open_loans and choice < 0.75:
            await self._repay(wallet, random.choice(open_loans))
        else:
            await self._ask(wallet, random, taken=choice < 0.95)

    def open_loans(self, address: str) -> list[Lent]:
        """Return a wallet's loans that are not ended."""
        return [one for one in self._lent.get(address, ()) if one.loan.ended_at is None]

    async def default_one(self, hunter: LocalAccount) -> None:
        """Let the hunter end the first loan that is late beyond its grace: of coins alone, the others stay overdue."""
        if self._in_dollars:
            return
        for address, lent in self._lent.items():
            for one in lent:
                loan = one.loan
                grace = min(GRACE_SECONDS, (loan.due_at - loan.taken_at) // GRACE_DIVISOR)
                if loan.ended_at is None and self.world.clock > loan.due_at + grace:
                    await self.world.call(hunter, self._contract, "liquidate", one.number)
                    bonus = loan.collateral * _LIQUIDATION_BONUS_BPS // _BPS
                    seized = min(self._owed(loan), loan.collateral - bonus) + bonus
                    self._credit(address, loan.collateral - seized)
                    one.loan, one.defaulted = replace(loan, ended_at=self.world.clock, late=True), True
                    return

    def history(self, address: str) -> TermLoanHistory:
        """Return what the source must find of a wallet now."""
        lent = self._lent.get(address, [])
        loans = [one.loan for one in lent]
        ended = [loan for loan in loans if loan.ended_at is not None]
        defaulted = sum(one.defaulted for one in lent)
        late = sum(loan.late for loan in ended) - defaulted
        return TermLoanHistory(
            taken=len(loans),
            repaid_on_time=len(ended) - late - defaulted,
            repaid_late=late,
            defaulted=defaulted,
            first_taken_at=min((loan.taken_at for loan in loans), default=None),
            lenders=frozenset({self.name} if loans else ()),
            loans=tuple(loans),
        )

    async def _ask(self, wallet: Wallet, random: Random, *, taken: bool) -> None:
        world, collateral = self.world, ETHER // random.randint(2, 20)
        worth = collateral * world.v3.feeds.prices["WETH"] // 10**20 if self._in_dollars else collateral
        principal = worth * random.randint(500, HIGHEST_LTV_BPS - 100) // _BPS
        seconds = random.randint(*_HOURS) * 3_600
        order = (principal, collateral, seconds, 0, 0, _ANY_RATE)
        # The oracle of this stack asks for no signature.
        consent = (2**40, b"")
        value = collateral + world.desks.fee_wei
        await world.call(wallet, self._contract, "requestLoan", order, _COMMITMENT, consent, value=value)
        self._asked += 1
        if not taken:
            await world.call(wallet, self._contract, "withdrawApplication", self._asked)
            self._credit(wallet.address, collateral)
            return
        await world.call(wallet, self._contract, "settle", self._asked)
        if not self._in_dollars:
            world.moved(wallet.address, principal)
        token = to_address(world.v3.tokens["USDC"].address) if self._in_dollars else NATIVE_COIN
        loan = TermLoan(
            lender=self.name,
            principal_token=Address(token),
            principal=principal,
            collateral_token=NATIVE_COIN,
            collateral=collateral,
            taken_at=world.clock,
            due_at=world.clock + seconds,
        )
        self._lent.setdefault(wallet.address, []).append(Lent(self._asked, loan))

    async def _repay(self, wallet: Wallet, lent: Lent) -> None:
        world, loan = self.world, lent.loan
        if self._in_dollars:
            most = 2 * loan.principal
            await world.give(wallet, "USDC", most, self._contract)
            await world.call(wallet, self._contract, "repay", lent.number, most)
        else:
            # To the wei, a second from now: nothing comes back.
            await world.call(wallet, self._contract, "repay", lent.number, value=self._owed(loan, in_seconds=1))
        lent.loan = replace(loan, ended_at=world.clock, late=world.clock > loan.due_at)
        self._credit(wallet.address, loan.collateral)

    async def _claim(self, wallet: Wallet) -> None:
        await self.world.call(wallet, self._contract, "claim", wallet.address)
        self.world.moved(wallet.address, self._claims.pop(wallet.address))

    def _credit(self, address: str, wei: int) -> None:
        self._claims[address] = self._claims.get(address, 0) + wei

    def _owed(self, loan: TermLoan, *, in_seconds: int = 0) -> int:
        now = self.world.clock + in_seconds
        weight = RATE_BPS * (now - loan.taken_at) + LATE_RATE_BPS * max(now - loan.due_at, 0)
        return loan.principal - (-loan.principal * weight // (_BPS * _YEAR))
