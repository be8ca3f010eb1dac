"""The loan book: semi-synthetic, every ingredient real, their combination drawn.

A row is a loan that begins on a day of the price table. Its borrower combines, drawn independently: a real loan
history with its outcome, perhaps a real open position, perhaps a real liquidation with what followed, a real
account's flow, perhaps real credit passports of the same repayment outcome. Its leverage is a real position's. A
credit event within the loan's duration is any of:

    the borrower failed to repay            (decided by the drawn loan's real outcome)
    the open position was liquidated        (decided by the collateral's real price path)
    the collateral fell below debt + bonus  (decided by the collateral's real price path)
    the wallet was liquidated again         (decided by what really followed)

The share of failures is set, not measured: the source's own level is unverified.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from oracle.assessment.engineering import engineer
from oracle.models.training.accounts import Accounts
from oracle.models.training.borrowers import read_instalments, read_liquidations, read_positions, read_term_loans
from oracle.models.training.draw import COLLATERAL, FAILURE_SHARE, Drawer, Row, Sources, failure_share
from oracle.models.training.market import read_market
from oracle.models.training.passports import read_card, read_home
from oracle.models.training.split import TEST, TRAIN, VALIDATION

SIZES: Final[dict[int, int]] = {TRAIN: 10_000, VALIDATION: 2_000, TEST: 2_500}

_SECONDS_A_WEEK = 7 * 86_400


@dataclass(frozen=True, slots=True)
class Book:
    """`chain` (n, 32) and `private` (n, 24) encoded integers, `event` (n,) 0 or 1, `part` (n,), `week` of the start.

    `values` holds the features in their units, for baselines and rules; `failed` (n,) is the repayment part of the
    event, `liquidated` (n,) all else; `weight` (n,) undoes the larger share of failures in training; `structural` (n,)
    is the event's probability for a coin without drift at the volatility of the start; `margin` as in Row;
    `spread` (n,) volatility times the root of the duration in years; `other` (n,) the probability of failure or repeat;
    `lowest_ratio` (n,) the collateral's lowest price within the duration, over its price at the start.
    """

    chain: npt.NDArray[np.int64]
    private: npt.NDArray[np.int64]
    event: npt.NDArray[np.int64]
    failed: npt.NDArray[np.int64]
    liquidated: npt.NDArray[np.int64]
    part: npt.NDArray[np.int8]
    week: npt.NDArray[np.int64]
    weight: npt.NDArray[np.float64]
    values: list[dict[str, Decimal | None]]
    lowest_ratio: npt.NDArray[np.float64]
    margin: npt.NDArray[np.float64]
    spread: npt.NDArray[np.float64]
    other: npt.NDArray[np.float64]
    structural: npt.NDArray[np.float64]


def make_book(
    data_dir: Path, accounts: Accounts, seed: int, say: Callable[[str], None], sizes: dict[int, int] = SIZES
) -> Book:
    """Draw a book of so many loans in each part; deterministic by seed."""
    market = read_market(data_dir, (COLLATERAL,))
    sources = Sources(
        market=market,
        volatility=market.volatility(),
        loans=read_term_loans(data_dir, seed),
        instalments=read_instalments(data_dir, seed),
        positions=read_positions(data_dir, seed),
        liquidations=read_liquidations(data_dir, seed),
        home=read_home(data_dir, seed),
        card=read_card(data_dir, seed),
        accounts=accounts,
    )
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    parts: list[int] = []
    for part, size in sizes.items():
        draw = Drawer(sources, part, rng)
        rows.extend(draw.row() for _ in range(size))
        parts.extend([part] * size)
        say(f"loan book: {len(rows)} of {sum(sizes.values())} loans drawn")
    vectors = [engineer(row.history, row.terms) for row in rows]
    margin = np.array([row.margin for row in rows])
    spread = np.array([row.volatility * np.sqrt(row.days / 365) for row in rows])
    other = np.array([1 - (1 - row.failure) * (1 - row.again) for row in rows])
    return Book(
        chain=np.array([vector.encoded for vector in vectors], dtype=np.int64),
        private=np.stack([row.private for row in rows]),
        event=np.array([row.failed or row.liquidated for row in rows], dtype=np.int64),
        failed=np.array([row.failed for row in rows], dtype=np.int64),
        liquidated=np.array([row.liquidated for row in rows], dtype=np.int64),
        part=np.array(parts, dtype=np.int8),
        weight=_weights(np.array([row.failed for row in rows]), np.array(parts)),
        week=np.array([row.history.block.timestamp // _SECONDS_A_WEEK for row in rows], dtype=np.int64),
        values=[vector.values for vector in vectors],
        lowest_ratio=np.array([row.lowest_ratio for row in rows]),
        margin=margin,
        spread=spread,
        other=other,
        structural=1 - (1 - other) * (1 - crossing_probability(margin, spread)),
    )


def crossing_probability(margin: npt.NDArray[np.float64], spread: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the probability that a coin without drift falls below 1 / margin (reflection principle)."""
    return np.where(margin <= 1, 1.0, 2 * ndtr(-np.log(np.maximum(margin, 1.0)) / spread))


def _weights(failed: npt.NDArray[np.bool_], part: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    drawn = np.array([failure_share(int(own)) for own in part])
    return np.where(failed, FAILURE_SHARE / drawn, (1 - FAILURE_SHARE) / (1 - drawn))
