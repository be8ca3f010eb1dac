"""What a transaction may cost: EIP-1559 fees for a first try and for a replacement. Pure."""

from dataclasses import dataclass
from typing import Final

GWEI: Final = 10**9

# Nodes accept a replacement only when both fees rise by a tenth; an eighth leaves room for rounding.
_REPLACEMENT_NUMERATOR: Final = 9
_REPLACEMENT_DENOMINATOR: Final = 8


@dataclass(frozen=True, slots=True)
class Fees:
    """EIP-1559 fees per gas, in wei."""

    max_fee_wei: int
    priority_fee_wei: int


@dataclass(frozen=True, slots=True)
class FeePolicy:
    """The operator's limits, in wei per gas."""

    max_fee_wei: int
    priority_fee_wei: int

    def first(self, base_fee_wei: int) -> Fees | None:
        """Return fees that survive six full blocks in a row (the base fee doubles); None when over the limit: wait."""
        if base_fee_wei + self.priority_fee_wei > self.max_fee_wei:
            return None
        return Fees(min(2 * base_fee_wei + self.priority_fee_wei, self.max_fee_wei), self.priority_fee_wei)

    def replacement(self, base_fee_wei: int, previous: Fees) -> Fees | None:
        """Return fees high enough to replace `previous`; None when the limit forbids it: wait."""
        fresh = self.first(base_fee_wei)
        if fresh is None:
            return None
        fees = Fees(
            max(fresh.max_fee_wei, _raised(previous.max_fee_wei)),
            max(fresh.priority_fee_wei, _raised(previous.priority_fee_wei)),
        )
        return fees if fees.priority_fee_wei <= fees.max_fee_wei <= self.max_fee_wei else None


def _raised(fee_wei: int) -> int:
    return fee_wei * _REPLACEMENT_NUMERATOR // _REPLACEMENT_DENOMINATOR + 1
