"""Terms by rule: what the network's terms are distilled from, computed exactly for each loan of the book."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from oracle.assessment.features import FEATURES
from oracle.assessment.outputs import OUTPUTS
from oracle.models.fixed_point import OUTPUT_BITS
from oracle.models.integer import IntegerNetwork
from oracle.models.policy import Policy
from oracle.training.book import Book
from oracle.training.split import TRAIN

Floats = npt.NDArray[np.float64]

DURATIONS_DAYS: Final = (1, 3, 7, 14, 30, 60, 90, 120, 180, 270, 365)

_NAMES = [feature.name for feature in FEATURES]
_VOLATILITY, _DURATION = _NAMES.index("market_volatility"), _NAMES.index("loan_duration")
_PROBABILITY = [output.name for output in OUTPUTS].index("probability_of_default")
_FULL_DURATION_DAYS = next(output.full_scale for output in OUTPUTS if output.name == "duration")


@dataclass(frozen=True, slots=True)
class Terms:
    """The rules' answers for each loan: fractions of the full scales of `duration` and `maximum_ltv`."""

    duration: Floats
    maximum_ltv: Floats


def probability_of_default(
    network: IntegerNetwork, chain: npt.NDArray[np.int64], private: npt.NDArray[np.int64]
) -> Floats:
    """Return the quantised probability of default of encoded rows."""
    outputs = network(torch.from_numpy(chain), torch.from_numpy(private))
    return np.asarray(outputs[:, _PROBABILITY].numpy() / 2**OUTPUT_BITS)


def apply_rules(network: IntegerNetwork, book: Book, policy: Policy) -> Terms:
    """Return the terms of every loan.

    Maximum LTV: the LTV at which the collateral's `shortfall_quantile` drop over the loan's duration still covers
    debt and liquidation bonus, capped by the policy and reduced by the probability of default. Duration: the
    longest on a grid up to which the probability of default stays under the policy's cap, all else equal.
    """
    now = probability_of_default(network, book.chain, book.private)
    volatility = _decoded(_VOLATILITY, book.chain[:, _VOLATILITY])
    days = _decoded(_DURATION, book.chain[:, _DURATION])
    spread = volatility * np.sqrt(days / 365)
    train = book.part == TRAIN
    # The quantile of the worst drop in units of volatility and time, from the training period's real paths.
    worst = np.quantile(-np.log(book.lowest_ratio[train]) / spread[train], 1 - policy.shortfall_quantile)
    covered = np.exp(-worst * spread) / (1 + policy.liquidation_bonus)
    maximum_ltv = np.minimum(covered, policy.maximum_ltv) * (1 - now)
    return Terms(_longest_duration(network, book, policy), maximum_ltv)


def _longest_duration(network: IntegerNetwork, book: Book, policy: Policy) -> Floats:
    longest = np.zeros(len(book.chain))
    open_rows = np.ones(len(book.chain), dtype=bool)
    for days in DURATIONS_DAYS:
        chain = book.chain.copy()
        chain[:, _DURATION] = FEATURES[_DURATION].encode(Decimal(days))
        open_rows &= probability_of_default(network, chain, book.private) <= policy.duration_cap_default
        longest[open_rows] = days
    return longest / _FULL_DURATION_DAYS


def _decoded(index: int, encoded: npt.NDArray[np.int64]) -> Floats:
    by_code = {int(code): float(FEATURES[index].decode(int(code))) for code in np.unique(encoded)}
    return np.array([by_code[int(code)] for code in encoded])
