"""The states of a request inside the daemon, what each waits for, and what the network may know by then."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Where a request stands; the value is what the database stores."""

    REQUESTED = "requested"
    AWAITING_PROOF = "awaiting_proof"
    COLLECTED = "collected"
    SCORED = "scored"
    PROVEN = "proven"
    SIGNED = "signed"
    SUBMITTED = "submitted"
    CONFIRMED = "confirmed"
    DECLINING = "declining"
    SETTLING = "settling"
    FINAL = "final"
    DECLINED = "declined"
    CLOSED = "closed"
    EXPIRED = "expired"
    VANISHED = "vanished"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class StateRow:
    """One row: the stage that takes a request onward, whether the network may have seen our transaction."""

    stage: str | None
    network_may_know: bool
    meaning: str


STATES: Final[dict[State, StateRow]] = {
    State.REQUESTED: StateRow("collect", False, "logged by the contract"),
    State.AWAITING_PROOF: StateRow("await_data", False, "waiting for the borrower's private data, or a proof of them"),
    State.COLLECTED: StateRow("score", False, "history read and features made"),
    State.SCORED: StateRow("prove", False, "model run"),
    State.PROVEN: StateRow("sign", False, "proof made and verified here"),
    State.SIGNED: StateRow("submit", False, "report signed"),
    State.DECLINING: StateRow("decline", False, "a permanent cause: the fee shall go back"),
    State.SUBMITTED: StateRow("confirm", True, "transaction in the ledger, perhaps in the mempool, perhaps mined"),
    State.CONFIRMED: StateRow("finalize", True, "mined with success, not yet deep enough"),
    State.SETTLING: StateRow("settle", False, "over at the chain's head without us, not yet deep enough"),
    State.FINAL: StateRow(None, True, "answered, deep enough to stay"),
    State.DECLINED: StateRow(None, True, "declined on-chain, deep enough to stay"),
    State.CLOSED: StateRow(None, False, "settled without us, deep enough to stay: answered by another, cancelled"),
    State.EXPIRED: StateRow(None, False, "its deadline passed before an answer was mined, deep enough to stay"),
    State.VANISHED: StateRow(None, False, "a reorganisation removed it; it comes back when it is logged again"),
    State.DEAD: StateRow(None, False, "gave up after repeated faults; `risk-oracle requests requeue` brings it back"),
}

STAGE_OF: Final[dict[str, State]] = {row.stage: state for state, row in STATES.items() if row.stage is not None}
"""The state that each stage claims."""
