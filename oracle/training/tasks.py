"""The judged tasks: a table of one of the public sets in, encoded rows with labels out; bad tables are refused."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from oracle.assessment.features import FEATURES, PRIVATE_FEATURES
from oracle.assessment.history import USD, MarketState, TermLoanHistory
from oracle.assessment.term_loans import late_share
from oracle.models.network import FRAUD, HOME
from oracle.training.accounts import encode_flow
from oracle.training.borrowers import PastLoans, liquidations_of, term_loans_of
from oracle.training.checks import UnusableData
from oracle.training.draw import TOKEN_DECIMALS, TOKEN_PRICES, loans_at
from oracle.training.files import find_file, read_rows
from oracle.training.judged import (
    DEFAULT_OUTPUT,
    FRAUD_OUTPUT,
    LATE_SHARE,
    Judged,
    fingerprints_of_rows,
    fingerprints_of_wallets,
)
from oracle.training.passports import Passports, card_passports, encode_column, home_passports
from oracle.training.repeats import refuse_straddling, repeat_notes
from oracle.training.tables import KEYS, columns_beside, file_of, needed_columns, own_names

Codes = npt.NDArray[np.int64]

REPEAT_DAYS: Final = 90
_DAY = 86_400
_FEATURE: Final = {feature.name: index for index, feature in enumerate(FEATURES)}
_NO_SEED = 0
# Loans in dollars, at any time: only how long they were out counts.
_DOLLARS: Final = MarketState(coin_price_usd=USD, token_prices_usd=TOKEN_PRICES, token_decimals=TOKEN_DECIMALS)
_NOW: Final = 2_000_000_000


_TABLE: Final = {
    "fraud": "fraud",
    "fraud-extra": "fraud_extra",
    "rocifi": "loans",
    "repeat-liquidation": "liquidations",
    "uci": "card",
    "hmeq": "home",
}
# What one row is of, where a second row of the same is a repetition.
_ROW_KEY: Final = {"fraud": "Address", "fraud_extra": "Address", "loans": "loan_id"}


def load(task: str, path: Path, columns: Path | None = None) -> Judged:
    """Read a task's table from a file, or the folder of one; raises UnusableData that names file, column and fault.

    The order of rows makes no difference. Rows that stand there twice are told in the notes, and refused where they are
    on both sides of a split that the file has a column for. Rows carry the fingerprints by which a model's folder tells
    those that it was trained on. `columns` is a COLUMNS file; without it, one beside the data is used.
    """
    if task not in _TABLE:
        raise UnusableData(f"no task {task!r}: expected {', '.join(_TABLE)} or book")
    name = _TABLE[task]
    file = find_file(path, file_of(Path(), name))
    whole = read_rows(file).reset_index(drop=True)
    own = own_names(columns or columns_beside(file, path), name)
    frame = needed_columns(whole, name, file, own)
    if (key := KEYS.get(name)) is not None:
        frame = frame.assign(**{key: frame[key].astype(str).str.strip().str.lower()})
    refuse_straddling(whole, None if key is None else frame[key], str(file))
    notes = repeat_notes(whole, _ROW_KEY.get(name))
    if file != path:
        notes = (*notes, f"read {file}")
    order = frame.sort_values(list(frame.columns)).index
    judged = _judged(task, frame.loc[order].reset_index(drop=True), whole.loc[order].reset_index(drop=True), file)
    return replace(judged, notes=(*judged.notes, *notes))


def _judged(task: str, frame: pd.DataFrame, whole: pd.DataFrame, path: Path) -> Judged:
    if task == "fraud":
        return judged_accounts(frame, whole)
    if task == "fraud-extra":
        return judged_extra(frame, path)
    if task == "rocifi":
        return judged_loans(*loans_by_borrower(frame, _NO_SEED))
    if task == "repeat-liquidation":
        return judged_liquidations(frame, path)
    return judged_passports((card_passports if task == "uci" else home_passports)(frame, _NO_SEED))


def judged_accounts(frame: pd.DataFrame, whole: pd.DataFrame) -> Judged:
    """Accounts with FLAG; those without any flow, and those whose ERC-20 columns are missing, are shown apart.

    `whole` are the same rows with every column of the file.
    """
    encoded = encode_flow(frame)
    flow = (frame["Sent tnx"] > 0) | (frame["Received Tnx"] > 0)
    populations = {"with_flow": flow.to_numpy(dtype=bool)}
    if "Total ERC20 tnxs" in whole:
        populations["with_erc20_columns"] = whole["Total ERC20 tnxs"].notna().to_numpy(dtype=bool)
    return Judged(
        output=FRAUD_OUTPUT,
        chain=_flow_rows(encoded),
        private=no_private(len(frame)),
        labels=frame["FLAG"].to_numpy(dtype=np.int64),
        learned=encoded,
        together=_joined(pd.factorize(frame["Address"])[0], np.unique(encoded, axis=0, return_inverse=True)[1]),
        populations=populations,
        notes=(
            "no ERC-20 column and no life span is read; accounts without flow are all labelled fraud: see with_flow",
        ),
        fingerprints=np.stack(
            [fingerprints_of_rows("fraud", encoded), fingerprints_of_wallets("fraud", frame["Address"])], axis=1
        ),
    )


def _joined(first: npt.NDArray[np.intp], second: npt.NDArray[np.intp]) -> Codes:
    """Return a number (n,) that rows share when a chain of equal `first` or `second` joins them."""
    ends = first.max() + 1 + second.ravel()
    edges = coo_array((np.ones(len(first)), (first, ends)), shape=(ends.max() + 1,) * 2)
    return np.asarray(connected_components(edges, directed=False)[1][first], dtype=np.int64)


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
        fingerprints=fingerprints_of_wallets("fraud", frame["Address"])[:, None],
    )


_RECIPIENTS_OF_SENT = 0.66


def loans_by_borrower(frame: pd.DataFrame, seed: int) -> tuple[list[PastLoans], Codes]:
    """Return the judged loans of a table of RociFi loans, and a number (n,) that a borrower's loans share."""
    several = frame["borrower"].duplicated(keep=False)
    loans = term_loans_of(frame[~several], seed)
    borrowers = list(range(len(loans)))
    # A history holds a borrower's own loans alone, so borrowers can be read one by one.
    for _, own in frame[several].groupby("borrower", sort=True):
        theirs = term_loans_of(own, seed)
        borrowers += [len(loans)] * len(theirs)
        loans += theirs
    return loans, np.array(borrowers, dtype=np.int64)


def judged_loans(loans: list[PastLoans], borrowers: Codes) -> Judged:
    """RociFi loans of 1 USD and more: the borrower's earlier outcomes, at a fixed neutral loan."""
    if not loans:
        raise UnusableData("no loan of 1 USD or more with outcome repaid or liquidated_maturity: nothing can be judged")
    chain = np.repeat(neutral_loan()[None], len(loans), axis=0)
    for row, loan in zip(chain, loans, strict=True):
        values = {
            "repayment_rate": Decimal(repr(loan.repaid_usd / loan.borrowed_usd)) if loan.borrowed_usd else None,
            "late_share": late_share(_term_loans(loan), _DOLLARS, _NOW),
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
        groups=borrowers,
        heuristics={"fewest_earlier_repaid_loans": -counts[:, 0].astype(float)},
        populations={"with_history": counts[:, :4].sum(axis=1) > 0, "latest_quarter": _latest(starts)},
        starts=starts,
        known=np.array([loan.end for loan in loans]),
        notes=("the level of the source's base rate is unverified; the model assumes another",),
        fingerprints=fingerprints_of_wallets("loans", (loan.borrower for loan in loans))[:, None],
    )


def _term_loans(loan: PastLoans) -> TermLoanHistory:
    return TermLoanHistory(
        repaid_on_time=loan.on_time,
        repaid_late=loan.late,
        defaulted=loan.defaulted,
        loans=loans_at(loan.ended, _NOW),
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
        fingerprints=fingerprints_of_wallets("liquidations", events.wallets[events.wallet[seen]])[:, None],
    )


def judged_passports(passports: Passports) -> Judged:
    """Applicants by their passport alone, at a fixed neutral loan."""
    table = "home" if passports.columns == HOME else "card"
    return Judged(
        output=DEFAULT_OUTPUT,
        chain=np.repeat(neutral_loan()[None], len(passports.bad), axis=0),
        private=passports.private(),
        labels=passports.bad,
        learned=passports.encoded,
        notes=("the probability is that of a 30-day loan at the assumed share of failures, not the table's level",),
        fingerprints=fingerprints_of_rows(table, passports.encoded)[:, None],
    )


def neutral_loan(days: int = 30) -> Codes:
    """Return an encoded row: no history, a loan at half the collateral's value in an ordinary market."""
    typical = {"loan_to_value": "0.5", "collateral_buffer": "1", "loan_duration": str(days), "market_volatility": "0.8"}
    return np.array(
        [feature.encode(Decimal(typical[feature.name]) if feature.name in typical else None) for feature in FEATURES],
        dtype=np.int64,
    )


def _latest(starts: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    return np.asarray(starts >= np.nanquantile(starts, 1 - LATE_SHARE))


def no_private(rows: int) -> Codes:
    """Return absent private features (rows, 24)."""
    return np.zeros((rows, len(PRIVATE_FEATURES)), dtype=np.int64)


def _flow_rows(encoded: Codes) -> Codes:
    chain = np.zeros((len(encoded), len(FEATURES)), dtype=np.int64)
    chain[:, FRAUD] = encoded
    return chain
