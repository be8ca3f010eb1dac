"""Draw the rows of the loan book: one wallet, one loan, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from oracle.assessment.features import PRIVATE_FEATURES
from oracle.assessment.history import (
    USD,
    WAD,
    LendingHistory,
    MarketState,
    SocialRecord,
    TermLoan,
    TermLoanHistory,
    TransactionHistory,
    WalletHistory,
)
from oracle.assessment.request import Address, BlockRef, LoanTerms
from oracle.models.policy import POLICY, Policy
from oracle.training.accounts import Accounts
from oracle.training.borrowers import EndedLoan, Liquidations, PastLoans, Positions
from oracle.training.checks import UnusableData
from oracle.training.market import Market
from oracle.training.passports import Passports
from oracle.training.split import TEST, TRAIN, VALIDATION

PERIODS: Final[dict[int, tuple[str, str]]] = {
    TRAIN: ("2021-02-01", "2022-03-31"),
    VALIDATION: ("2022-04-01", "2022-07-31"),
    TEST: ("2022-08-01", "2023-02-25"),
}
"""A loan begins and ends inside its part's period, so no test price is seen in training."""

LIQUIDATED: Final[dict[int, tuple[str, str]]] = {
    TRAIN: PERIODS[TRAIN],
    VALIDATION: PERIODS[VALIDATION],
    TEST: (PERIODS[TEST][0], "2026-01-30"),
}
"""When a part's liquidations happened and were followed. The last part's go on beyond its prices, towards the end of
what is known: its own period saw 15 of its wallets' liquidations, and none repeated."""

COLLATERAL: Final = "WETH"
"""The chain's own coin: the lender takes it, and the model sees its volatility."""
FAILURE_SHARE: Final = 0.04
# Failures are drawn more often in training, and weighed down again: more of them to learn from, at the same odds.
_TRAINING_FAILURE_SHARE = 0.25
_POSITION_SHARE = 0.4
_LIQUIDATED_SHARE = 0.06
_HOME_SHARE, _CARD_SHARE = 0.25, 0.15
# New loans are drawn from the riskier side of real leverage, for a book of about 60 / 30 / 10 low, medium and high.
_LEVERAGE_TILT = 0.7
_INSTALMENT_SHARE = 0.2
_HISTORY_WEIGHT = 6.0
_UNSECURED_SHARE = 0.02
_SHORTEST_DAYS, _LONGEST_DAYS = 5, 90

PRINCIPAL_TOKEN: Final = Address("0x" + "01" * 20)
"""The dollar that loans are drawn in; of it and of the collateral, one token is one dollar."""
_COLLATERAL_TOKEN: Final = Address("0x" + "02" * 20)
_TOKEN_DECIMALS: Final = 6
TOKEN_PRICES: Final = {PRINCIPAL_TOKEN: USD, _COLLATERAL_TOKEN: USD}
TOKEN_DECIMALS: Final = dict.fromkeys(TOKEN_PRICES, _TOKEN_DECIMALS)
_CHAIN_ID = 1
_DAY = 86_400

Rng = np.random.Generator


@dataclass(frozen=True, slots=True)
class Sources:
    """Everything that rows are drawn from; `volatility` is by day of the market's calendar."""

    market: Market
    volatility: npt.NDArray[np.float64]
    loans: list[PastLoans]
    instalments: list[PastLoans]
    positions: Positions
    liquidations: Liquidations
    home: Passports
    card: Passports
    accounts: Accounts


@dataclass(frozen=True, slots=True)
class Row:
    """One loan: wallet, terms, private features, and what came of it (see the book's docstring).

    `margin`: by how many times the collateral (of the loan or the open position, whichever is nearer) exceeds what
    would be liquidated. `again`: the share of liquidated wallets that were liquidated again within the duration.
    `failure`: the probability that a borrower with this history of lateness fails to repay. `liquidated_on`: the day of
    the earlier liquidation that was drawn, if any.
    """

    history: WalletHistory
    terms: LoanTerms
    private: npt.NDArray[np.int64]
    failed: bool
    liquidated: bool
    lowest_ratio: float
    margin: float
    volatility: float
    days: int
    again: float
    failure: float
    liquidated_on: np.datetime64 | None


class Drawer:
    """Draws rows of one part of the split. Leverage is so that collateral covers debt and the policy's bonus."""

    def __init__(self, sources: Sources, part: int, rng: Rng, policy: Policy = POLICY) -> None:
        self._sources, self._part, self._rng, self._policy = sources, part, rng, policy
        self._first, self._last = (sources.market.day(date) for date in PERIODS[part])
        self._accounts = np.flatnonzero((sources.accounts.part == part) & (sources.accounts.fraud == 0))
        self._positions = np.flatnonzero(sources.positions.part == part)
        self._loans, self._instalments = (
            {
                failed: [loan for loan in loans if loan.part == part and loan.failed is failed]
                for failed in (False, True)
            }
            for loans in (sources.loans, sources.instalments)
        )
        # Borrowers with a history are few: drawn more often, equally in both outcomes, so the odds stay as they are.
        self._loan_odds = {failed: _history_odds(loans) for failed, loans in self._loans.items()}
        self._failure_by_late = _failure_by_late(self._instalments)
        self._passports = [
            (
                share,
                passports,
                {bad: np.flatnonzero((passports.part == part) & (passports.bad == bad)) for bad in (0, 1)},
            )
            for share, passports in ((_HOME_SHARE, sources.home), (_CARD_SHARE, sources.card))
        ]
        tilt = sources.positions.health_factor[self._positions] ** -_LEVERAGE_TILT
        self._leverage_odds = tilt / tilt.sum()
        start, self._followed_until = (np.datetime64(date) for date in LIQUIDATED[part])
        liquidations = sources.liquidations
        # Both by wallet and by time. In the order of their days: those early enough for a loan's duration come first.
        own = np.flatnonzero((liquidations.part == part) & (liquidations.day >= start))
        self._liquidations = own[np.argsort(liquidations.day[own], kind="stable")]
        self._liquidation_days = liquidations.day[self._liquidations]

    def row(self) -> Row:
        """Draw one loan."""
        rng, sources = self._rng, self._sources
        days = int(np.exp(rng.uniform(np.log(_SHORTEST_DAYS), np.log(_LONGEST_DAYS))))
        start = int(rng.integers(self._first, self._last - days))
        failed = bool(rng.random() < failure_share(self._part))
        past, failure = self._past_loans(failed)
        lowest = sources.market.lowest_ratio(COLLATERAL, start, days)
        now = int(sources.market.days[start].timestamp())
        ltv = self._loan_to_value()
        margin, again, repeated, liquidated_on = 1 / (ltv * (1 + self._policy.liquidation_bonus)), 0.0, False, None
        lending: dict[str, Any] = {
            "borrowed_usd": int(past.borrowed_usd * USD),
            "repaid_usd": int(past.repaid_usd * USD),
            "liquidation_count": past.price_liquidated,
            "protocols": frozenset(),
        }
        if rng.random() < _POSITION_SHARE:
            margin = min(margin, self._open_position(lending, now))
        if rng.random() < _LIQUIDATED_SHARE:
            repeated, again, liquidated_on = self._liquidated(lending, days)
        taken = past.on_time + past.late + past.defaulted + past.price_liquidated
        history = WalletHistory(
            chain_id=_CHAIN_ID,
            wallet=PRINCIPAL_TOKEN,
            block=BlockRef(start, "0x" + "00" * 32, now),
            lending=LendingHistory(**lending),
            term_loans=TermLoanHistory(
                taken=taken,
                repaid_on_time=past.on_time,
                repaid_late=past.late,
                defaulted=past.defaulted,
                first_taken_at=now - int(past.first_days_ago * _DAY) if taken else None,
                lenders=frozenset({"term-lender"}) if taken else frozenset(),
                loans=loans_at(past.ended, now),
            ),
            transactions=self._account(now, int(sources.market.close["WETH"].iloc[start] * USD)),
            social=SocialRecord(),
            market=MarketState(
                coin_price_usd=int(sources.market.close["WETH"].iloc[start] * USD),
                volatility_ppm=int(sources.volatility[start] * 10**6),
                base_fee_wei=30 * 10**9,
                token_prices_usd=TOKEN_PRICES,
                token_decimals=TOKEN_DECIMALS,
            ),
        )
        return Row(
            history=history,
            terms=self._terms(ltv, days),
            private=self._passport(failed),
            failed=failed,
            liquidated=repeated or lowest * margin < 1.0,
            lowest_ratio=lowest,
            margin=margin,
            volatility=float(sources.volatility[start]),
            days=days,
            again=again,
            failure=failure,
            liquidated_on=liquidated_on,
        )

    def _past_loans(self, failed: bool) -> tuple[PastLoans, float]:
        if self._rng.random() < _INSTALMENT_SHARE:
            loans = self._instalments[failed]
            loan = loans[int(self._rng.integers(len(loans)))]
            return loan, self._failure_by_late[loan.late]
        loans = self._loans[failed]
        return loans[int(self._rng.choice(len(loans), p=self._loan_odds[failed]))], FAILURE_SHARE

    def _loan_to_value(self) -> float:
        if self._rng.random() < _UNSECURED_SHARE:
            return 2.0
        health = self._sources.positions.health_factor[int(self._rng.choice(self._positions, p=self._leverage_odds))]
        return float(1 / (health * (1 + self._policy.liquidation_bonus)))

    def _open_position(self, lending: dict[str, Any], now: int) -> float:
        rng, positions = self._rng, self._sources.positions
        index = int(rng.choice(self._positions))
        debt, collateral = int(positions.debt_usd[index] * USD), int(positions.collateral_usd[index] * USD)
        repaid = float(rng.uniform(0.0, 0.95))
        health_factor = float(positions.health_factor[index])
        lending["borrowed_usd"] += int(debt / (1 - repaid))
        lending["repaid_usd"] += int(debt * repaid / (1 - repaid))
        lending.update(
            supplied_usd=int(collateral * rng.uniform(1.0, 2.0)),
            collateral_usd=collateral,
            debt_usd=debt,
            health_factor_wad=int(health_factor * WAD),
            first_borrow_at=now - int(rng.uniform(5, 700) * _DAY),
            protocols=frozenset({"aave"}),
        )
        return health_factor

    def _liquidated(self, lending: dict[str, Any], days: int) -> tuple[bool, float, np.datetime64]:
        liquidations = self._sources.liquidations
        # What followed within the duration must be known by the end of the part's period.
        latest = self._followed_until - np.timedelta64(days, "D")
        known = self._liquidations[: np.searchsorted(self._liquidation_days, latest, side="right")]
        if not len(known):
            raise UnusableData(
                f"no wallet of this part was liquidated from {LIQUIDATED[self._part][0]} to {latest}: what followed"
                f" within {days} days by {self._followed_until} is unknown"
            )
        index = int(self._rng.choice(known))
        lending["liquidation_count"] += int(liquidations.count[index])
        again = liquidations.again_within(days)
        return bool(again[index]), float(again[known].mean()), liquidations.day[index]

    def _account(self, now: int, coin_price_usd: int) -> TransactionHistory:
        row = self._sources.accounts.raw.iloc[int(self._rng.choice(self._accounts))]
        sent, received = int(row["Sent tnx"]), int(row["Received Tnx"])
        sending, receiving = (
            int(row[f"Avg min between {kind} tnx"] * 60 * count)
            for kind, count in (("sent", sent), ("received", received))
        )
        senders, recipients = int(row["Unique Received From Addresses"]), int(row["Unique Sent To Addresses"])
        return TransactionHistory(
            sent_count=sent,
            received_count=received,
            first_sent_at=now - sending if sent else None,
            last_sent_at=now if sent else None,
            first_received_at=now - receiving if received else None,
            last_received_at=now if received else None,
            sent_wei=int(row["avg val sent"] * sent * WAD),
            min_sent_wei=int(row["min val sent"] * WAD) if sent else None,
            received_wei=int(row["avg val received"] * received * WAD),
            min_received_wei=int(row["min value received"] * WAD) if received else None,
            max_received_wei=int(row["max value received"] * WAD) if received else None,
            senders=senders,
            recipients=recipients,
            counterparties=senders + recipients,
            balance_wei=int(max(row["total ether balance"], 0.0) * WAD),
        )

    def _passport(self, failed: bool) -> npt.NDArray[np.int64]:
        private = np.zeros(len(PRIVATE_FEATURES), dtype=np.int64)
        for share, passports, members in self._passports:
            if self._rng.random() < share:
                private[passports.columns] = passports.encoded[int(self._rng.choice(members[int(failed)]))]
        return private

    def _terms(self, ltv: float, days: int) -> LoanTerms:
        principal = int(self._rng.uniform(100, 50_000) * 10**_TOKEN_DECIMALS)
        collateral = 0 if ltv >= 2.0 else int(principal / ltv)
        return LoanTerms(PRINCIPAL_TOKEN, principal, _COLLATERAL_TOKEN, collateral, days * _DAY)


def loans_at(ended: Sequence[EndedLoan], now: int) -> tuple[TermLoan, ...]:
    """Return loans as a history holds them at a Unix time, in dollars of PRINCIPAL_TOKEN."""
    return tuple(
        TermLoan(
            lender="term-lender",
            principal_token=PRINCIPAL_TOKEN,
            principal=int(loan.usd * 10**_TOKEN_DECIMALS),
            collateral_token=_COLLATERAL_TOKEN,
            collateral=0,
            taken_at=now - loan.began_before,
            due_at=now - loan.ended_before,
            ended_at=now - loan.ended_before,
            late=loan.late,
        )
        for loan in ended
    )


def failure_share(part: int) -> float:
    """Return the share of borrowers who fail to repay that a part is drawn with."""
    return _TRAINING_FAILURE_SHARE if part == TRAIN else FAILURE_SHARE


def _failure_by_late(instalments: dict[bool, list[PastLoans]]) -> dict[int, float]:
    # Bayes: the assumed share of failures, and how often each number of late months was seen with either outcome.
    seen = {
        failed: np.bincount([loan.late for loan in loans], minlength=7) + 1.0 for failed, loans in instalments.items()
    }
    odds = FAILURE_SHARE / (1 - FAILURE_SHARE) * (seen[True] / seen[True].sum()) / (seen[False] / seen[False].sum())
    return {late: float(own / (1 + own)) for late, own in enumerate(odds)}


def _history_odds(loans: list[PastLoans]) -> npt.NDArray[np.float64]:
    known = np.array([loan.on_time + loan.late + loan.defaulted + loan.price_liquidated > 0 for loan in loans])
    weights = np.where(known, _HISTORY_WEIGHT, 1.0)
    return np.asarray(weights / weights.sum())
