"""What a wallet can do on the stage: one verb an act, planned for a day, noted in the ledger when it is done."""

from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from oracle.assessment.request import Address, to_address
from oracle.devnet.machinery.accounts import ETHER, named_account
from oracle.devnet.machinery.artifacts import Deployed, aave_v3
from oracle.devnet.protocols.aave import LIQUIDATION_PROTOCOL_FEE_BPS
from oracle.devnet.protocols.names import name_node
from oracle.devnet.wallets.borrowing import Lender, request_loan
from oracle.devnet.wallets.ledger import DeedKind
from oracle.devnet.wallets.stage import DAY_SECONDS, Amount, Stage
from oracle.processes import ProgramError

_VARIABLE_RATE: Final = 2
_BASIS_POINTS: Final = 10_000


class Actor:
    """One wallet of a story. Each verb plans an act on a day; amounts are whole units."""

    def __init__(self, stage: Stage, name: str) -> None:
        self.name = name
        self.account = named_account(name)
        self._stage = stage
        self._loans: list[int] = []

    @property
    def address(self) -> Address:
        """The wallet."""
        return to_address(self.account.address)

    def pay(self, day: float, to: "Actor", coins: Amount) -> None:
        """Send coins to somebody."""
        value = _wei(coins)

        async def act(at: int) -> None:
            await self._stage.transactor.send(self.account, to.address, value=value, at=at)

        self._stage.plan(day, act)

    def wrap(self, day: float, coins: Amount) -> None:
        """Turn coins into WETH."""
        self._call(day, self._stage.market.tokens["WETH"], "deposit", value=_wei(coins))

    def give(self, day: float, to: "Actor", symbol: str, amount: Amount) -> None:
        """Hand somebody freshly minted tokens, as an exchange's withdrawal would."""
        units = self._stage.smallest_units(symbol, amount)
        self._call(day, self._stage.market.tokens[symbol], "mint(address,uint256)", to.account.address, units)

    def approve(self, day: float, symbol: str) -> None:
        """Let the pool take tokens."""
        self._call(day, self._stage.market.tokens[symbol], "approve", self._stage.market.pool.address, 2**256 - 1)

    def supply(self, day: float, symbol: str, amount: Amount) -> None:
        """Supply to the pool."""
        self._lend(day, DeedKind.SUPPLY, symbol, amount)

    def withdraw(self, day: float, symbol: str, amount: Amount) -> None:
        """Withdraw from the pool."""
        self._lend(day, DeedKind.WITHDRAW, symbol, amount)

    def borrow(self, day: float, symbol: str, amount: Amount) -> None:
        """Borrow at the variable rate."""
        self._lend(day, DeedKind.BORROW, symbol, amount)

    def repay(self, day: float, symbol: str, amount: Amount) -> None:
        """Repay a part of the debt; `amount` must not exceed it."""
        self._lend(day, DeedKind.REPAY, symbol, amount)

    def overdraw(self, day: float, symbol: str, amount: Amount) -> None:
        """Try to withdraw what the debt does not allow: a transaction that fails."""
        units = self._stage.smallest_units(symbol, amount)
        token = self._stage.market.tokens[symbol].address
        self._call(day, self._stage.market.pool, "withdraw", token, units, self.account.address, fails=True)

    def take_name(self, day: float, name: str) -> None:
        """Have a name registered to the wallet and claim it; does nothing on a stage without a name service."""
        names = self._stage.names
        if names is None:
            return

        async def register(at: int) -> None:
            await self._stage.transactor.call(
                names.registrar, names.contract, "register", name_node(name), self.account.address, at=at
            )

        self._stage.plan(day, register)
        self._call(day, names.contract, "claim", name)

    def be_attested(self, day: float, layout: str, *values: Any, first: timedelta | None = None) -> None:
        """Have something attested of the wallet; does nothing on a stage without an attestation service.

        `first` puts the moment that lies so long before the act, in Unix seconds, before the other values.
        """
        service = self._stage.attestations
        if service is None:
            return

        async def attest(at: int) -> None:
            since = () if first is None else (at - int(first.total_seconds()),)
            await service.attest(self._stage.transactor, self.account.address, layout, (*since, *values), at=at)

        self._stage.plan(day, attest)

    def create_contract(self, day: float) -> None:
        """Deploy a contract of one's own."""

        async def act(at: int) -> None:
            artifact = aave_v3("mocks/tokens/MintableERC20")
            await self._stage.transactor.deploy(self.account, artifact, self.name, "OWN", 18, at=at)

        self._stage.plan(day, act)

    def liquidate(self, day: float, victim: "Actor", debt: str, amount: Amount, collateral: str) -> None:
        """Repay somebody's debt for their collateral and the bonus."""
        stage = self._stage
        market = stage.market
        units = stage.smallest_units(debt, amount)

        async def act(at: int) -> None:
            arguments = (market.tokens[collateral].address, market.tokens[debt].address, victim.account.address)
            sent = await stage.transactor.call(
                self.account, market.pool, "liquidationCall", *arguments, units, False, at=at
            )
            seized_usd = _seized_usd(stage.value_usd(debt, units), market.parameters[collateral].bonus)
            stage.note(sent, victim.account, DeedKind.LIQUIDATED, seized_usd)

        stage.plan(day, act)

    def request_loan(self, day: float, principal: Amount, collateral: Amount, days: int) -> None:
        """Ask the term lender for coins, with the wallet's signed consent."""

        async def act(at: int) -> None:
            request = await request_loan(
                self._stage.transactor,
                self._lender,
                self.account,
                _wei(principal),
                _wei(collateral),
                days * DAY_SECONDS,
                at,
            )
            self._loans.append(request.loan_id)

        self._stage.plan(day, act)

    def take_plain_terms(self, day: float) -> None:
        """Take the newest requested loan on plain terms, after the oracle's deadline."""

        async def act(at: int) -> None:
            sent = await self._stage.transactor.call(
                self.account, self._lender.lending, "takePlainTerms", self._loans[-1], at=at
            )
            self._stage.note(sent, self.account, DeedKind.LOAN_TAKEN)

        self._stage.plan(day, act)

    def repay_loan(self, day: float, *, late: bool) -> None:
        """Repay the newest loan; `late` says whether the story means it to be after maturity."""

        async def act(at: int) -> None:
            lending, loan = self._lender.lending, self._loans[-1]
            owed = await self._stage.transactor.read(lending, "owed", loan)
            # Interest runs on until the block; what is too much comes back.
            value = int(owed) + ETHER // 100
            sent = await self._stage.transactor.call(self.account, lending, "repay", loan, value=value, at=at)
            self._stage.note(sent, self.account, DeedKind.LOAN_REPAID_LATE if late else DeedKind.LOAN_REPAID)

        self._stage.plan(day, act)

    @property
    def _lender(self) -> Lender:
        if self._stage.lender is None:
            raise ProgramError(f"{self.name} wants a term loan, but no lender is deployed on this stage")
        return self._stage.lender

    def _lend(self, day: float, kind: DeedKind, symbol: str, amount: Amount) -> None:
        stage = self._stage
        units = stage.smallest_units(symbol, amount)
        token = stage.market.tokens[symbol].address
        owner = self.account.address
        arguments: dict[DeedKind, tuple[object, ...]] = {
            DeedKind.SUPPLY: (token, units, owner, 0),
            DeedKind.WITHDRAW: (token, units, owner),
            DeedKind.BORROW: (token, units, _VARIABLE_RATE, 0, owner),
            DeedKind.REPAY: (token, units, _VARIABLE_RATE, owner),
        }

        async def act(at: int) -> None:
            sent = await stage.transactor.call(self.account, stage.market.pool, kind.value, *arguments[kind], at=at)
            stage.note(sent, self.account, kind, stage.value_usd(symbol, units))

        stage.plan(day, act)

    def _call(
        self, day: float, contract: Deployed, function: str, *arguments: object, value: int = 0, fails: bool = False
    ) -> None:
        async def act(at: int) -> None:
            await self._stage.transactor.call(
                self.account, contract, function, *arguments, value=value, at=at, fails=fails
            )

        self._stage.plan(day, act)


def _wei(coins: Amount) -> int:
    return int(Decimal(coins) * ETHER)


def _seized_usd(debt_usd: int, bonus_bps: int) -> int:
    """Return what a liquidation takes from the borrower for the liquidator, in 1e-8 USD.

    The protocol keeps its share of the bonus, which Aave's event leaves out.
    """
    gross = debt_usd * bonus_bps // _BASIS_POINTS
    return gross - (gross - debt_usd) * LIQUIDATION_PROTOCOL_FEE_BPS // _BASIS_POINTS
