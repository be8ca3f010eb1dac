"""The loan book: semi-synthetic, every ingredient real, their combination drawn.

A row is a loan that begins on a day of the price table. Its borrower combines, drawn independently: a real loan
history with its outcome, perhaps a real open position, perhaps a real liquidation with what followed, a real
account's flow, perhaps real credit passports of the same repayment outcome. Its leverage is a real position's. A
credit event within the loan's duration is any of:

    the borrower failed to repay            (decided by the drawn loan's real outcome)
    the open position was liquidated        (decided by the collateral's real price path)
    the collateral fell below debt + bonus  (decided by the collateral's real price path)
    the wallet was liquidated again         (decided by what really followed)

Prices, and liquidations with what followed, lie inside the part's own time (see `draw`). Loan histories, positions,
accounts and passports do not: they are undated, or of other years than the prices, and are split by wallet alone.

The share of failures is set, not measured: the source's own level is unverified.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from oracle.assessment.engineering import engineer
from oracle.models.policy import POLICY, Policy
from oracle.training.accounts import Accounts
from oracle.training.borrowers import read_instalments, read_liquidations, read_positions, read_term_loans
from oracle.training.draw import COLLATERAL, FAILURE_SHARE, Drawer, Sources, failure_share
from oracle.training.market import read_market
from oracle.training.passports import read_card, read_home
from oracle.training.split import TEST, TRAIN, VALIDATION
from oracle.training.workers import InProcess, Workers

SIZES: Final[dict[int, int]] = {TRAIN: 10_000, VALIDATION: 2_000, TEST: 2_500}

_SECONDS_A_WEEK = 7 * 86_400
_PIECE = 500


@dataclass(frozen=True, slots=True)
class Book:
    """`chain` (n, 32) and `private` (n, 24) encoded integers, `event` (n,) 0 or 1, `part` (n,), `week` of the start.

    `failed` (n,) is the repayment part of the event, `liquidated` (n,) all else; `weight` (n,) undoes the larger share
    of failures in training; `structural` (n,) is the event's probability for a coin without drift at the volatility of
    the start; `margin` as in Row; `spread` (n,) volatility times the root of the duration in years; `other` (n,) the
    probability of failure or repeat; `lowest_ratio` (n,) the collateral's lowest price within the duration, over its
    price at the start.
    """

    chain: npt.NDArray[np.int64]
    private: npt.NDArray[np.int64]
    event: npt.NDArray[np.int64]
    failed: npt.NDArray[np.int64]
    liquidated: npt.NDArray[np.int64]
    part: npt.NDArray[np.int8]
    week: npt.NDArray[np.int64]
    weight: npt.NDArray[np.float64]
    lowest_ratio: npt.NDArray[np.float64]
    margin: npt.NDArray[np.float64]
    spread: npt.NDArray[np.float64]
    other: npt.NDArray[np.float64]
    structural: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Piece:
    """So many loans of one part, drawn from a random stream of their own: pieces can be drawn anywhere."""

    part: int
    number: int
    count: int


def make_book(
    data_dir: Path,
    accounts: Accounts,
    seed: int,
    *,
    sizes: dict[int, int] = SIZES,
    workers: Workers | None = None,
    policy: Policy = POLICY,
) -> Book:
    """Draw a book of so many loans in each part; deterministic by seed, each part whatever the other sizes are."""
    sources = read_sources(data_dir, accounts, seed)
    return joined((workers or InProcess()).map(draw_piece, pieces_of(sizes), sources, seed, policy))


def read_sources(data_dir: Path, accounts: Accounts, seed: int) -> Sources:
    """Return everything that loans are drawn from."""
    market = read_market(data_dir, (COLLATERAL,))
    return Sources(
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


def pieces_of(sizes: dict[int, int]) -> list[Piece]:
    """Return the pieces of a book of so many loans in each part."""
    return [
        Piece(part, start // _PIECE, min(_PIECE, size - start))
        for part, size in sizes.items()
        for start in range(0, size, _PIECE)
    ]


def joined(pieces: Sequence[Book]) -> Book:
    """Return one book of all pieces."""
    return Book(*(np.concatenate([getattr(piece, field.name) for piece in pieces]) for field in fields(Book)))


def draw_piece(piece: Piece, sources: Sources, seed: int, policy: Policy = POLICY) -> Book:
    """Draw and engineer one piece of the book."""
    draw = Drawer(sources, piece.part, np.random.default_rng([seed, piece.part, piece.number]), policy)
    rows = [draw.row() for _ in range(piece.count)]
    margin = np.array([row.margin for row in rows])
    spread = np.array([row.volatility * np.sqrt(row.days / 365) for row in rows])
    other = np.array([1 - (1 - row.failure) * (1 - row.again) for row in rows])
    failed = np.array([row.failed for row in rows])
    part = np.full(piece.count, piece.part, dtype=np.int8)
    return Book(
        chain=np.array([engineer(row.history, row.terms).encoded for row in rows], dtype=np.int64),
        private=np.stack([row.private for row in rows]),
        event=np.array([row.failed or row.liquidated for row in rows], dtype=np.int64),
        failed=failed.astype(np.int64),
        liquidated=np.array([row.liquidated for row in rows], dtype=np.int64),
        part=part,
        week=np.array([row.history.block.timestamp // _SECONDS_A_WEEK for row in rows], dtype=np.int64),
        weight=_weights(failed, part),
        lowest_ratio=np.array([row.lowest_ratio for row in rows]),
        margin=margin,
        spread=spread,
        other=other,
        structural=1 - (1 - other) * (1 - crossing_probability(margin, spread)),
    )


def crossing_probability(margin: npt.NDArray[np.float64], spread: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the probability that a coin without drift falls below 1 / margin (reflection principle)."""
    return np.where(margin <= 1, 1.0, 2 * ndtr(-np.log(np.maximum(margin, 1.0)) / spread))


def _weights(failed: npt.NDArray[np.bool_], part: npt.NDArray[np.int8]) -> npt.NDArray[np.float64]:
    drawn = np.array([failure_share(int(own)) for own in part])
    return np.where(failed, FAILURE_SHARE / drawn, (1 - FAILURE_SHARE) / (1 - drawn))
