"""What is known of real borrowers: their earlier term loans, their open positions, their liquidations."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from oracle.training.checks import check_apart
from oracle.training.split import split_of
from oracle.training.tables import read_table

_DAY = 86_400
_TERM_DAYS = 30
_SMALLEST_USD = 1.0
_UNKNOWN_BORROWER = "0x" + "00" * 20
_PAID_LATE = 5
_ETH_USD_AT_SNAPSHOT = 1_750.0
_LARGEST_HEALTH_FACTOR = 20.0
_LARGEST_COIN_DEBT = 0.5


@dataclass(frozen=True, slots=True)
class EndedLoan:
    """One loan that was over: what was lent, how many seconds before the judged one it began and ended, and whether it
    was late or failed."""

    usd: float
    began_before: int
    ended_before: int
    late: bool


@dataclass(frozen=True, slots=True)
class PastLoans:
    """One resolved loan: what its borrower had done before it began, and whether it was then repaid.

    `start` and `end` are Unix seconds, 0 where the source has no dates; `ended` are the loans that `on_time`, `late`
    and `defaulted` count, empty where the source has no amounts.
    """

    on_time: int
    late: int
    defaulted: int
    price_liquidated: int
    borrowed_usd: float
    repaid_usd: float
    first_days_ago: float
    failed: bool
    part: int
    start: float = 0.0
    end: float = 0.0
    borrower: str = ""
    ended: tuple[EndedLoan, ...] = ()


def read_term_loans(data_dir: Path, seed: int) -> list[PastLoans]:
    """Return loans of 1 USD and more that ended in repayment or in failure to repay at maturity.

    A loan begins at its issue date or, when that is unknown, 30 days before its first payment: taking payment dates as
    starts leaks the outcome. History counts only what had ended by then. Split by borrower.
    """
    return term_loans_of(read_table(data_dir, "loans"), seed)


def term_loans_of(frame: pd.DataFrame, seed: int) -> list[PastLoans]:
    """Return the judged loans of a table of RociFi loans; see read_term_loans."""
    frame = frame[(frame["borrower"] != _UNKNOWN_BORROWER) & ~frame["outcome"].isin(["open", "partial"])].copy()
    frame["start"] = frame["issue_ts"].fillna(frame["first_repay_ts"] - _TERM_DAYS * _DAY)
    frame["end"] = frame["liquidation_ts"].fillna(frame["last_repay_ts"])
    frame["usd"] = frame["principal_usd"].fillna(frame["repaid_usd"])
    frame["part"] = split_of((borrower.encode() for borrower in frame["borrower"]), seed)
    check_apart(frame["borrower"], frame["part"].to_numpy(dtype=np.int8), "borrowers")
    loans: list[PastLoans] = []
    for borrower, own in frame.groupby("borrower", sort=True):
        ends = own["end"].to_numpy(dtype=float)
        judged = own[(own["usd"] >= _SMALLEST_USD) & (own["outcome"] != "liquidated_price")]
        for start, end, outcome, part in zip(
            judged["start"], judged["end"], judged["outcome"], judged["part"], strict=True
        ):
            failed = outcome == "liquidated_maturity"
            loans.append(_past(own[ends < start], float(start), float(end), failed, int(part), str(borrower)))
    return loans


def _past(before: pd.DataFrame, start: float, end: float, failed: bool, part: int, borrower: str) -> PastLoans:
    repaid = before["outcome"] == "repaid"
    late = repaid & (before["loan_status"] == _PAID_LATE)
    first = float(before["start"].to_numpy(dtype=float).min()) if len(before) else start
    failed_before = before["outcome"] == "liquidated_maturity"
    return PastLoans(
        on_time=int((repaid & ~late).sum()),
        late=int(late.sum()),
        defaulted=int(failed_before.sum()),
        price_liquidated=int((before["outcome"] == "liquidated_price").sum()),
        borrowed_usd=float(before["usd"].sum()),
        repaid_usd=float(before.loc[repaid, "usd"].sum()),
        first_days_ago=(start - first) / _DAY,
        failed=failed,
        part=part,
        start=start,
        end=end,
        borrower=borrower,
        ended=tuple(
            EndedLoan(float(usd), int(start - began), int(start - ended), bool(is_late))
            for usd, began, ended, is_late in zip(
                *(before.loc[repaid | failed_before, name] for name in ("usd", "start", "end")),
                (late | failed_before)[repaid | failed_before],
                strict=True,
            )
        ),
    )


def read_instalments(data_dir: Path, seed: int) -> list[PastLoans]:
    """Return credit card clients as borrowers: six monthly due dates, each met or late, and then default or not.

    A stand-in for term loans paid late, of which the on-chain source has next to none. No demographics are read.
    """
    frame = read_table(data_dir, "instalments")
    months = frame.drop(columns="default_next_month").to_numpy()
    late = (months > 0).sum(axis=1)
    part = split_of((row.tobytes() for row in months), seed)
    count = months.shape[1]
    return [
        PastLoans(
            on_time=count - int(own_late),
            late=int(own_late),
            defaulted=0,
            price_liquidated=0,
            borrowed_usd=0.0,
            repaid_usd=0.0,
            first_days_ago=float(_TERM_DAYS * count),
            failed=bool(failed),
            part=int(own_part),
        )
        for own_late, failed, own_part in zip(late, frame["default_next_month"], part, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Positions:
    """Open positions of real borrowers whose debt is mostly not in the collateral's coin; USD, split by wallet."""

    collateral_usd: npt.NDArray[np.float64]
    debt_usd: npt.NDArray[np.float64]
    health_factor: npt.NDArray[np.float64]
    part: npt.NDArray[np.int8]


def read_positions(data_dir: Path, seed: int) -> Positions:
    """Return the positions of June 2023 with a health factor from 1 to 20."""
    v2, v3 = read_table(data_dir, "positions_v2"), read_table(data_dir, "positions_v3")
    v2 = v2.assign(coin_share=v2["ethdebt"] / v2["debt"].clip(lower=1e-9), usd=_ETH_USD_AT_SNAPSHOT)
    v3 = v3.assign(coin_share=v3["ethdebt_calc"] / v3["debt"].clip(lower=1e-9), usd=1.0)
    both = pd.concat([v2, v3])
    both = both[both["healthf"].between(1.0, _LARGEST_HEALTH_FACTOR) & (both["coin_share"] < _LARGEST_COIN_DEBT)]
    return Positions(
        collateral_usd=(both["collateral"] * both["usd"]).to_numpy(),
        debt_usd=(both["debt"] * both["usd"]).to_numpy(),
        health_factor=both["healthf"].to_numpy(),
        part=split_of((str(user).encode() for user in both["user"]), seed),
    )


@dataclass(frozen=True, slots=True)
class Liquidations:
    """One row a liquidated wallet and day: how often by then, and how many days to the next (infinite: none seen).

    `days_to_later` leaves out the very next day, which belongs to the same event: everywhere that a wallet is said to
    be liquidated again, this is meant. `wallet` are places among `wallets`, their addresses.
    """

    count: npt.NDArray[np.int64]
    days_to_later: npt.NDArray[np.float64]
    day: npt.NDArray[np.datetime64]
    wallet: npt.NDArray[np.int64]
    wallets: npt.NDArray[np.object_]
    part: npt.NDArray[np.int8]

    def again_within(self, days: int) -> npt.NDArray[np.bool_]:
        """Return whether (n,) the wallet was liquidated again, after the next day and within `days`."""
        return np.asarray(self.days_to_later <= days)


def read_liquidations(data_dir: Path, seed: int) -> Liquidations:
    """Return liquidation days of Aave borrowers with what followed; several on one day count as one."""
    return liquidations_of(read_table(data_dir, "liquidations"), seed)


def liquidations_of(frame: pd.DataFrame, seed: int) -> Liquidations:
    """Return the liquidation days of a table of liquidations; see read_liquidations."""
    frame = frame.copy()
    frame["day"] = pd.to_datetime(frame["timestamp"], unit="s").dt.floor("D")
    days = frame[["liquidatee", "day"]].drop_duplicates().sort_values(["liquidatee", "day"]).reset_index(drop=True)
    groups = days.groupby("liquidatee")["day"]
    wait, second = ((groups.shift(-ahead) - days["day"]).dt.days.to_numpy(dtype=float) for ahead in (1, 2))
    later = np.where(wait > 1, wait, second)
    part = split_of((str(user).encode() for user in days["liquidatee"]), seed)
    wallet, wallets = pd.factorize(days["liquidatee"])
    check_apart(days["liquidatee"], part, "liquidated wallets")
    return Liquidations(
        count=np.asarray(groups.cumcount() + 1, dtype=np.int64),
        days_to_later=np.where(np.isnan(later), np.inf, later),
        day=days["day"].to_numpy(dtype="datetime64[D]"),
        wallet=np.asarray(wallet, dtype=np.int64),
        wallets=np.asarray(wallets, dtype=np.object_),
        part=part,
    )
