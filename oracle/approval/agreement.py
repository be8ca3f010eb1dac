"""Whose word a party waits for before it opens what shall be recorded: the applicant's, that it may be.

A party that was told of a registry says so with its input. The applicant answers with its agreement, an EIP-712 message
that its account signed, and no share is given before it is there and checked: who was denied signs no denial after.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from oracle.approval.decision import DecisionFault, registry_domain, request_of
from oracle.approval.decision_file import Agreement
from oracle.approval.errors import ApprovalError, Refused
from oracle.approval.fields import APPLICANT
from oracle.assessment.request import Address

MOST_CHARACTERS: Final = 2_000
"""Of a message's text: an agreement that a key signed has some eight hundred."""


class AgreementWanted(ApprovalError):
    """Bank or agency give no share before the applicant agreed that the decision is recorded; nothing was opened."""


class _Said(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    chain_id: Annotated[int, Field(ge=1, lt=2**256)]
    registry: Annotated[str, Field(pattern=r"^0x[0-9a-f]{40}$")]
    panel: Annotated[int, Field(ge=1, lt=2**32)]


@dataclass(frozen=True)
class Recording:
    """Where a decision shall be recorded: a panel of a registry of approvals on a chain."""

    chain_id: int
    registry: Address
    panel: int

    def __str__(self) -> str:
        return f"panel {self.panel} of registry {self.registry} on chain {self.chain_id}"

    def written(self) -> str:
        """Return what a party says of it with its input."""
        return json.dumps(asdict(self), separators=(",", ":"))

    def checked(self, session: str, number: int, model: str, text: str) -> Agreement:
        """Return the agreement that a text is; raises DecisionFault unless it is to record this decision here."""
        found = Agreement.parse(text)
        asked = found.application
        if found.domain != registry_domain(self.chain_id, self.registry) or asked.panel != self.panel:
            there = f"panel {asked.panel} of registry {found.domain.contract} on chain {found.domain.chain_id}"
            raise DecisionFault(f"the agreement is for {there}, the decision shall be recorded by {self}")
        if asked.request != request_of(session, number) or asked.model_hash.hex() != model:
            raise DecisionFault(f"the agreement is not about application {number} of session {session}")
        found.check()
        return found


def wanted_by(said: Mapping[str, str]) -> Recording | None:
    """Return where a decision shall be recorded by what the parties said with their inputs, None for nowhere.

    Raises Refused for a text that says nothing, and AgreementWanted where two want it in two places.
    """
    places: dict[str, Recording] = {}
    for party, text in said.items():
        if text and party != APPLICANT:
            try:
                known = _Said.model_validate_json(text)
            except ValidationError as error:
                raise Refused(party, "input", "it does not say where the decision shall be recorded") from error
            places[party] = Recording(known.chain_id, Address(known.registry), known.panel)
    found = list(places.values())
    if any(place != found[0] for place in found):
        told = "; ".join(f"{party} by {place}" for party, place in places.items())
        raise AgreementWanted(f"the decision shall be recorded in two places, and one agreement fits one: {told}")
    return found[0] if found else None


def one_line(text: str) -> str:
    """Return an agreement's text as a message carries it; raises DecisionFault for one that is none, or too long."""
    short = json.dumps(json.loads(Agreement.parse(text).written()), separators=(",", ":"))
    if len(short) > MOST_CHARACTERS:
        raise DecisionFault(
            "the agreement's signature is longer than a key's: an account that is a contract cannot agree"
        )
    return short
