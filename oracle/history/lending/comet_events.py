"""Compound V3's events, and what each did to an account, in the Comet's own arithmetic (presentValue, principalValue).

Its base token can also be sent from account to account, which may make a debt or pay one off. Of that it logs no more
than the deposits that went and came (as `Transfer`), so it shows in an account's principal alone: that moves with
nothing else but the events here, and bears no interest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from oracle.history.reading.abi import Event
from oracle.history.reading.logs import Log

SUPPLY: Final = Event("Supply", ("address", "address", "uint256"), ("uint256",))  # from*, dst*, amount
WITHDRAW: Final = Event("Withdraw", ("address", "address", "uint256"), ("uint256",))  # src*, to*, amount
SUPPLY_COLLATERAL: Final = Event(
    "SupplyCollateral", ("address", "address", "address", "uint256"), ("uint256",)
)  # from*, dst*, asset*, amount
WITHDRAW_COLLATERAL: Final = Event(
    "WithdrawCollateral", ("address", "address", "address", "uint256"), ("uint256",)
)  # src*, to*, asset*, amount
ABSORB_DEBT: Final = Event(
    "AbsorbDebt", ("address", "address", "uint256", "uint256"), ("uint256", "uint256")
)  # absorber*, borrower*, basePaidOut, usdValue
ABSORB_COLLATERAL: Final = Event(
    "AbsorbCollateral", ("address", "address", "address", "uint256", "uint256"), ("uint256", "uint256")
)  # absorber*, borrower*, asset*, collateralAbsorbed, usdValue

# The account stands in the first indexed parameter of what it takes out, in the second of what it is given.
OF_FIRST: Final = (WITHDRAW.topic, WITHDRAW_COLLATERAL.topic)
OF_SECOND: Final = (SUPPLY.topic, SUPPLY_COLLATERAL.topic, ABSORB_DEBT.topic, ABSORB_COLLATERAL.topic)

# Anybody may supply for an account; who paid stands in the first.
SUPPLIES: Final = (SUPPLY.topic, SUPPLY_COLLATERAL.topic)

# Those that move the base token, in which debts are.
OF_BASE: Final = (SUPPLY.topic, WITHDRAW.topic, ABSORB_DEBT.topic)

_INDEX_SCALE: Final = 10**15


@dataclass(frozen=True, slots=True)
class Indices:
    """What one of principal is worth, times 1e15: the interest on deposits and on debts up to a block."""

    supply: int
    borrow: int

    def balance(self, principal: int) -> int:
        """Return what a principal amounts to, a debt below 0; rounded towards 0."""
        if principal >= 0:
            return principal * self.supply // _INDEX_SCALE
        return -(-principal * self.borrow // _INDEX_SCALE)

    def principal(self, balance: int) -> int:
        """Return the principal of a balance; rounded down, as the Comet does in its own favour."""
        if balance >= 0:
            return balance * _INDEX_SCALE // self.supply
        return balance * _INDEX_SCALE // self.borrow


@dataclass(frozen=True, slots=True)
class BaseMoves:
    """What happened to the base token, in its smallest unit: a debt and a deposit are one balance with two signs."""

    supplied: int = 0
    withdrawn: int = 0
    borrowed: int = 0
    repaid: int = 0

    def __add__(self, other: "BaseMoves") -> "BaseMoves":
        return BaseMoves(
            self.supplied + other.supplied,
            self.withdrawn + other.withdrawn,
            self.borrowed + other.borrowed,
            self.repaid + other.repaid,
        )


def base_moves(logs: Sequence[Log], principal: int, indices: Indices) -> tuple[BaseMoves, int]:
    """Return what the base token's logs of one block mean for an account, and its principal after them.

    A supply repays what is owed first, a withdrawal borrows what was not there: so each is told from the balance
    before it, going on from the account's principal before the block.
    """
    moves = BaseMoves()
    for log in logs:
        topic, balance = log.topics[0], indices.balance(principal)
        if topic == SUPPLY.topic:
            (amount,) = SUPPLY.decode(log.data)
            repaid = min(amount, max(0, -balance))
            moves += BaseMoves(supplied=amount - repaid, repaid=repaid)
            balance += amount
        elif topic == WITHDRAW.topic:
            (amount,) = WITHDRAW.decode(log.data)
            withdrawn = min(amount, max(0, balance))
            moves += BaseMoves(withdrawn=withdrawn, borrowed=amount - withdrawn)
            balance -= amount
        elif topic == ABSORB_DEBT.topic:
            # The protocol pays the debt off: no repayment of the borrower's.
            balance += ABSORB_DEBT.decode(log.data)[0]
        else:
            continue
        principal = indices.principal(balance)
    return moves, principal
