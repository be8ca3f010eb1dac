"""Compound V3's events: what each did to an account, told from its balance afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from oracle.history.abi import Event
from oracle.history.logs import Log

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


def base_moves(logs: Sequence[Log], balance_after: int) -> BaseMoves:
    """Return what the base token's logs of one block mean, given the account's signed balance at the block's end.

    A supply repays what is owed first, a withdrawal borrows what was not there: so each is told from the balance
    before it, going back from the last.
    """
    moves, balance = BaseMoves(), balance_after
    for log in reversed(logs):
        topic = log.topics[0]
        if topic == SUPPLY.topic:
            (amount,) = SUPPLY.decode(log.data)
            balance -= amount
            repaid = max(0, min(amount, -balance))
            moves += BaseMoves(supplied=amount - repaid, repaid=repaid)
        elif topic == WITHDRAW.topic:
            (amount,) = WITHDRAW.decode(log.data)
            balance += amount
            withdrawn = max(0, min(amount, balance))
            moves += BaseMoves(withdrawn=withdrawn, borrowed=amount - withdrawn)
        elif topic == ABSORB_DEBT.topic:
            # The protocol pays the debt off: no repayment of the borrower's.
            balance -= ABSORB_DEBT.decode(log.data)[0]
    return moves
