"""The judged tasks: a table of one of the public sets in, encoded rows with labels out; bad tables are refused."""

from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from oracle.assessment.features import FEATURES, PRIVATE_FEATURES
from oracle.models.network import FRAUD
from oracle.models.training.accounts import encode_flow
from oracle.models.training.borrowers import PastLoans, liquidations_of, term_loans_of
from oracle.models.training.checks import UnusableData
from oracle.models.training.passports import Passports, card_passports, encode_column, home_passports
from oracle.models.training.split import TRAIN
from oracle.models.training.tables import read_file

Codes = npt.NDArray[np.int64]

FRAUD_OUTPUT: Final = "fraud_likelihood"
DEFAULT_OUTPUT: Final = "probability_of_default"
REPEAT_DAYS: Final = 90
LATE_SHARE: Final = 0.25
"""The share of rows, the latest, that a split by time judges."""
_DAY = 86_400
_FEATURE: Final = {feature.name: index for index, feature in enumerate(FEATURES)}
_NO_SEED = 0


@dataclass(frozen=True, slots=True)
class Judged:
    """Rows: `chain` (n, 32), `private` (n, 24), `labels` (n,), the output that is judged.

    `groups` (n,) are resampled whole. `heuristics` are scores (n,) that need no learning. `populations` (n,) bool are
    judged apart. `kept` marks the rows of the source that are judged. `learned` (n, columns) is for learned baselines.
    `starts` and `known` (n,): when a row begins, and when its outcome is known, in seconds; where the source has dates.
    """

    output: str
    chain: Codes
    private: Codes
    labels: Codes
    learned: Codes
    groups: Codes | None = None
    heuristics: dict[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    populations: dict[str, npt.NDArray[np.bool_]] = field(default_factory=dict)
    kept: npt.NDArray[np.bool_] | None = None
    starts: npt.NDArray[np.float64] | None = None
    known: npt.NDArray[np.float64] | None = None
    notes: tuple[str, ...] = ()

    def only(self, rows: npt.NDArray[np.bool_]) -> "Judged":
        """Return a part of the rows."""
        return Judged(
            output=self.output,
            chain=self.chain[rows],
            private=self.private[rows],
            labels=self.labels[rows],
            learned=self.learned[rows],
            groups=None if self.groups is None else self.groups[rows],
            heuristics={name: values[rows] for name, values in self.heuristics.items()},
            populations={name: mask[rows] for name, mask in self.populations.items()},
            starts=None if self.starts is None else self.starts[rows],
            known=None if self.known is None else self.known[rows],
            notes=self.notes,
        )

    def by_time(self, part: npt.NDArray[np.int8]) -> "tuple[Judged, Judged]":
        """Return what to judge and what to fit on when the split is by wallet and by time, both.

        Judged: the latest LATE_SHARE of the rows, of wallets outside the training part. Fitted on: rows of wallets of
        the training part whose outcome was known before those begin. Raises UnusableData without dates.
        """
        if self.starts is None or self.known is None:
            raise UnusableData("this set has no dates: it cannot be split by time")
        cut = np.quantile(self.starts, 1 - LATE_SHARE)
        return self.only((part != TRAIN) & (self.starts >= cut)), self.only((part == TRAIN) & (self.known < cut))


def load(task: str, path: Path) -> Judged:
    """Read a task's table; raises UnusableData that names the file, the column and what is wrong with it."""
    if task == "fraud":
        return judged_accounts(read_file(path, "fraud"), path)
    if task == "fraud-extra":
        return judged_extra(read_file(path, "fraud_extra"), path)
    if task == "rocifi":
        return judged_loans(term_loans_of(read_file(path, "loans"), _NO_SEED))
    if task == "repeat-liquidation":
        return judged_liquidations(read_file(path, "liquidations"), path)
    if task == "uci":
        return judged_passports(card_passports(read_file(path, "card"), _NO_SEED))
    if task == "hmeq":
        return judged_passports(home_passports(read_file(path, "home"), _NO_SEED))
    raise UnusableData(f"no task {task!r}: expected fraud, fraud-extra, rocifi, repeat-liquidation, uci, hmeq or book")


def judged_accounts(frame: pd.DataFrame, path: Path) -> Judged:
    """Accounts with FLAG; those without any flow, and those whose ERC-20 columns are missing, are shown apart."""
    encoded = encode_flow(frame)
    flow = (frame["Sent tnx"] > 0) | (frame["Received Tnx"] > 0)
    populations = {"with_flow": flow.to_numpy(dtype=bool)}
    whole = pd.read_parquet(path)
    if "Total ERC20 tnxs" in whole:
        populations["with_erc20_columns"] = whole["Total ERC20 tnxs"].notna().to_numpy(dtype=bool)
    return Judged(
        output=FRAUD_OUTPUT,
        chain=_flow_rows(encoded),
        private=no_private(len(frame)),
        labels=frame["FLAG"].to_numpy(dtype=np.int64),
        learned=encoded,
        populations=populations,
        notes=(
            "no ERC-20 column and no life span is read; accounts without flow are all labelled fraud: see with_flow",
        ),
    )


def judged_extra(frame: pd.DataFrame, path: Path) -> Judged:
    """Accounts of the other collection, which lacks three columns: they are rebuilt from what it has.

    Received is total over mean value; sent is the rest of all transactions; recipients are as many as in the first
    collection for so many sent (its median: two thirds of the count's logarithm).
    """
    if set(frame["FLAG"].unique()) != {1}:
        raise UnusableData(f"{path}: this collection has FLAG 1 only; give a table with both classes as --task fraud")
    mean = frame["avg val received"].to_numpy(dtype=float)
    total = frame["total ether received"].to_numpy(dtype=float)
    received = np.where(mean > 0, np.rint(total / np.where(mean > 0, mean, 1)), 0)
    sent = np.maximum(frame["total transactions (including tnx to create contract"].to_numpy(dtype=float) - received, 0)
    rebuilt = frame.assign(
        **{
            "Sent tnx": sent,
            "Received Tnx": received,
            "Unique Sent To Addresses": np.rint(np.expm1(np.log1p(sent) * _RECIPIENTS_OF_SENT)),
        }
    )
    encoded = encode_flow(rebuilt)
    return Judged(
        output=FRAUD_OUTPUT,
        chain=_flow_rows(encoded),
        private=no_private(len(frame)),
        labels=np.ones(len(frame), dtype=np.int64),
        learned=encoded,
        populations={"with_flow": (sent + received) > 0},
        notes=("no negatives: recall at the threshold that 1 % of the first collection's honest accounts exceed",),
    )


_RECIPIENTS_OF_SENT = 0.66


def judged_loans(loans: list[PastLoans]) -> Judged:
    """RociFi loans of 1 USD and more: the borrower's earlier outcomes, at a fixed neutral loan."""
    chain = np.repeat(neutral_loan()[None], len(loans), axis=0)
    for row, loan in zip(chain, loans, strict=True):
        resolved = loan.on_time + loan.late + loan.defaulted
        values = {
            "repayment_rate": Decimal(repr(loan.repaid_usd / loan.borrowed_usd)) if loan.borrowed_usd else None,
            "late_share": Decimal(loan.late + loan.defaulted) / resolved if resolved else None,
            "liquidation_risk": Decimal(loan.price_liquidated) / (loan.price_liquidated + 1),
        }
        for name, value in values.items():
            row[_FEATURE[name]] = FEATURES[_FEATURE[name]].encode(value)
    counts = np.array(
        [[loan.on_time, loan.late, loan.defaulted, loan.price_liquidated, loan.first_days_ago] for loan in loans]
    ).astype(np.int64)
    starts = np.array([loan.start for loan in loans])
    return Judged(
        output=DEFAULT_OUTPUT,
        chain=chain,
        private=no_private(len(loans)),
        labels=np.array([loan.failed for loan in loans], dtype=np.int64),
        learned=counts,
        heuristics={"fewest_earlier_repaid_loans": -counts[:, 0].astype(float)},
        populations={"with_history": counts[:, :4].sum(axis=1) > 0, "latest_quarter": _latest(starts)},
        starts=starts,
        known=np.array([loan.end for loan in loans]),
        notes=("the level of the source's base rate is unverified; the model assumes another",),
    )


def judged_liquidations(frame: pd.DataFrame, path: Path) -> Judged:
    """Days on which a wallet was liquidated: is it again, after the next day, within 90? The last 90 are left out."""
    events = liquidations_of(frame, _NO_SEED)
    seen = events.day <= events.day.max() - np.timedelta64(REPEAT_DAYS, "D")
    if not seen.any():
        raise UnusableData(f"{path} covers less than {REPEAT_DAYS} days: no outcome is known")
    count = events.count[seen]
    chain = np.repeat(neutral_loan(days=REPEAT_DAYS)[None], len(count), axis=0)
    risk = FEATURES[_FEATURE["liquidation_risk"]]
    starts = events.day[seen].astype("datetime64[s]").astype(np.float64)
    chain[:, _FEATURE["liquidation_risk"]] = encode_column(risk, count / (count + 1))
    return Judged(
        output=DEFAULT_OUTPUT,
        chain=chain,
        private=no_private(len(count)),
        labels=events.again_within(REPEAT_DAYS)[seen].astype(np.int64),
        learned=count[:, None],
        groups=events.wallet[seen],
        heuristics={"times_liquidated_so_far": count.astype(float)},
        populations={"latest_quarter": _latest(starts)},
        kept=seen,
        starts=starts,
        known=starts + REPEAT_DAYS * _DAY,
        notes=("without positions or prices of these wallets: the count of liquidations is all that is known",),
    )


def judged_passports(passports: Passports) -> Judged:
    """Applicants by their passport alone, at a fixed neutral loan."""
    return Judged(
        output=DEFAULT_OUTPUT,
        chain=np.repeat(neutral_loan()[None], len(passports.bad), axis=0),
        private=passports.private(),
        labels=passports.bad,
        learned=passports.encoded,
        notes=("the probability is that of a 30-day loan at the assumed share of failures, not the table's level",),
    )


def neutral_loan(days: int = 30) -> Codes:
    """Return an encoded row: no history, a loan at half the collateral's value in an ordinary market."""
    typical = {"loan_to_value": "0.5", "collateral_buffer": "1", "loan_duration": str(days), "market_volatility": "0.8"}
    return np.array(
        [feature.encode(Decimal(typical[feature.name]) if feature.name in typical else None) for feature in FEATURES],
        dtype=np.int64,
    )


def _latest(starts: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    return np.asarray(starts >= np.quantile(starts, 1 - LATE_SHARE))


def no_private(rows: int) -> Codes:
    """Return absent private features (rows, 24)."""
    return np.zeros((rows, len(PRIVATE_FEATURES)), dtype=np.int64)


def _flow_rows(encoded: Codes) -> Codes:
    chain = np.zeros((len(encoded), len(FEATURES)), dtype=np.int64)
    chain[:, FRAUD] = encoded
    return chain
