"""A borrower at the lending contract: consent, request, decision."""

import time
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from eth_account.signers.local import LocalAccount

from oracle.devnet.machinery.accounts import Sent, Transactor
from oracle.devnet.machinery.artifacts import Deployed

_ANY_RATE: Final = 2**16 - 1
_CONSENT_SECONDS: Final = 3600


class LoanState(IntEnum):
    """What the lending contract says about a loan."""

    NONE = 0
    REQUESTED = 1
    REVIEW = 2
    ACTIVE = 3
    REFUSED = 4
    REPAID = 5
    DEFAULTED = 6
    WITHDRAWN = 7


@dataclass(frozen=True)
class Lender:
    """The lending contract and its oracle; `data_commitment` is the neutral one of the model, the fee in wei."""

    oracle: Deployed
    lending: Deployed
    fee_wei: int
    data_commitment: int


@dataclass(frozen=True)
class LoanRequest:
    """A request as it was mined; `mined_at` is the wall clock's Unix time when its receipt was there."""

    loan_id: int
    request_id: int
    sent: Sent
    mined_at: float


@dataclass(frozen=True)
class Decision:
    """What the lender decided; the principal that was paid out in wei, the rate in basis points a year."""

    state: LoanState
    principal_wei: int
    interest_rate_bps: int
    duration_seconds: int


async def request_loan(
    transactor: Transactor,
    lender: Lender,
    borrower: LocalAccount,
    principal_wei: int,
    collateral_wei: int,
    duration_seconds: int,
    at: int | None = None,
) -> LoanRequest:
    """Sign the consent and ask for a loan of coins against coins; the oracle's fee is paid on top.

    The borrower takes whatever the lender grants: the least principal and duration are zero, the dearest rate is any.
    """
    order = (principal_wei, collateral_wei, duration_seconds, 0, 0, _ANY_RATE)
    arguments = await loan_arguments(transactor, lender, borrower, order, lender.data_commitment, at=at)
    sent = await transactor.call(
        borrower,
        lender.lending,
        "requestLoan",
        *arguments,
        value=collateral_wei + lender.fee_wei,
        at=at,
    )
    mined_at = time.time()
    # One transaction a block: the newest of each is ours.
    loan_id = int(await transactor.read(lender.lending, "loanCount"))
    return LoanRequest(loan_id, int(await transactor.read(lender.oracle, "requestCount")), sent, mined_at)


async def loan_arguments(
    transactor: Transactor,
    lender: Lender,
    borrower: LocalAccount,
    order: tuple[int, ...],
    data_commitment: int,
    at: int | None = None,
) -> tuple[Any, ...]:
    """Return what `requestLoan` takes, with the borrower's consent to exactly this."""
    commitment = data_commitment.to_bytes(32, "big")
    terms = await transactor.read(lender.lending, "judgedTerms", order)
    valid_until = (at or await transactor.chain.timestamp()) + _CONSENT_SECONDS
    digest = await transactor.read(
        lender.oracle, "consentDigest", borrower.address, lender.lending.address, terms, commitment, valid_until
    )
    return order, commitment, (valid_until, borrower.unsafe_sign_hash(digest).signature)


async def settle(transactor: Transactor, lender: Lender, anyone: LocalAccount, loan_id: int) -> Decision:
    """Let the lender decide on the answer, and return what it decided."""
    await transactor.call(anyone, lender.lending, "settle", loan_id)
    return await decision(transactor, lender, loan_id)


async def decision(transactor: Transactor, lender: Lender, loan_id: int) -> Decision:
    """Return where a loan stands."""
    loan = await transactor.read(lender.lending, "loan", loan_id)
    names = [part["name"] for part in lender.lending.codec.get_function_by_name("loan").abi["outputs"][0]["components"]]
    fields = dict(zip(names, loan, strict=True))
    return Decision(
        LoanState(fields["state"]), int(fields["principal"]), int(fields["interestRate"]), int(fields["duration"])
    )
