"""What a transaction may cost: EIP-1559 fees for a first try and for a replacement. Pure."""

from dataclasses import dataclass
from decimal import Decimal
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
class Tips:
    """What a network's block producers get per gas, in wei: never less, when nobody says how much, never more."""

    least_wei: int
    usual_wei: int
    most_wei: int


_ROLLUP: Final = Tips(10**3, 10**6, GWEI // 10)
_POLYGON: Final = Tips(30 * GWEI, 35 * GWEI, 500 * GWEI)
_ANY: Final = Tips(0, GWEI, 10 * GWEI)
_BY_CHAIN_ID: Final = {
    1: Tips(GWEI // 100, GWEI, 5 * GWEI),
    # Polygon's nodes ignore what pays less than 25 gwei; its proof-of-stake chain and its test network.
    137: _POLYGON,
    80002: _POLYGON,
    # Rollups, where a whole base fee is a few million wei: Optimism, Base, Arbitrum One and Nova, their test networks.
    **dict.fromkeys((10, 8453, 42161, 42170, 11155420, 84532, 421614), _ROLLUP),
}


def tips_of(chain_id: int, least_wei: int | None = None, most_wei: int | None = None) -> Tips:
    """Return a network's tips, with the operator's bounds in the place of its own."""
    known = _BY_CHAIN_ID.get(chain_id, _ANY)
    least = known.least_wei if least_wei is None else least_wei
    most = max(known.most_wei, least) if most_wei is None else most_wei
    least = min(least, most)
    return Tips(least, min(max(known.usual_wei, least), most), most)


@dataclass(frozen=True, slots=True)
class FeePolicy:
    """The operator's limit, in wei per gas, and the tips of the network."""

    max_fee_wei: int
    tips: Tips

    def tip_wei(self, suggested_wei: int | None) -> int:
        """Return what a node suggests (None: nothing), within the bounds."""
        if suggested_wei is None:
            return self.tips.usual_wei
        return min(max(suggested_wei, self.tips.least_wei), self.tips.most_wei)

    def first(self, base_fee_wei: int, suggested_tip_wei: int | None) -> Fees | None:
        """Return fees that survive six full blocks in a row (the base fee doubles); None when over the limit: wait."""
        tip = self.tip_wei(suggested_tip_wei)
        if base_fee_wei + tip > self.max_fee_wei:
            return None
        return Fees(min(2 * base_fee_wei + tip, self.max_fee_wei), tip)

    def replacement(self, base_fee_wei: int, suggested_tip_wei: int | None, previous: Fees) -> Fees | None:
        """Return fees high enough to replace `previous`; None when the limit forbids it: wait."""
        fresh = self.first(base_fee_wei, suggested_tip_wei)
        if fresh is None:
            return None
        fees = Fees(
            max(fresh.max_fee_wei, _raised(previous.max_fee_wei)),
            max(fresh.priority_fee_wei, _raised(previous.priority_fee_wei)),
        )
        return fees if fees.priority_fee_wei <= fees.max_fee_wei <= self.max_fee_wei else None

    def after_refusal(self, base_fee_wei: int, previous: Fees) -> Fees | None:
        """Return fees with twice the tip, for a node that found `previous` too little; None when the limits forbid it.

        An eighth at a time, a node that wants 25 gwei where 1 was offered would be 28 tries away.
        """
        tip = min(2 * previous.priority_fee_wei, self.tips.most_wei)
        if tip < _raised(previous.priority_fee_wei):
            return None
        return self.replacement(base_fee_wei, tip, previous)


def fee_policy(
    chain_id: int, max_fee_gwei: Decimal, least_gwei: Decimal | None = None, most_gwei: Decimal | None = None
) -> FeePolicy:
    """Return the policy on a network, from the operator's settings in gwei."""
    least, most = (None if gwei is None else int(gwei * GWEI) for gwei in (least_gwei, most_gwei))
    return FeePolicy(int(max_fee_gwei * GWEI), tips_of(chain_id, least, most))


def _raised(fee_wei: int) -> int:
    return fee_wei * _REPLACEMENT_NUMERATOR // _REPLACEMENT_DENOMINATOR + 1
