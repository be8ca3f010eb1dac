"""A decision as a contract takes it: what an application's messages say, as typed data that the three parties sign.

Everything but panel, account, private data and times follows from the messages: whoever has them computes it anew.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from eth_abi.abi import encode
from eth_account.messages import encode_typed_data
from eth_hash.auto import keccak

from oracle.approval.errors import ApprovalError, Refused
from oracle.approval.fields import PARTIES
from oracle.approval.identity import PublicIdentity
from oracle.approval.layout import Layout
from oracle.approval.messages import Message, read
from oracle.approval.transcript import APPROVED, SERVER, Transcript
from oracle.assessment.report import Domain
from oracle.assessment.request import Address

DOMAIN_NAME: Final = "AI Risk Oracle Approvals"
LONGEST_DAYS: Final = 366
"""How long after it was taken a decision may count, at most: the registry takes no longer one."""
_DAY: Final = 86_400
_EXPLAINED: Final = "years_employed"

_APPLICATION: Final = [
    {"name": "panel", "type": "uint32"},
    {"name": "applicant", "type": "address"},
    {"name": "request", "type": "bytes32"},
    {"name": "modelHash", "type": "bytes32"},
    {"name": "dataCommitment", "type": "bytes32"},
]
_DECISION: Final = [
    *_APPLICATION[:4],
    {"name": "applicantInput", "type": "bytes32"},
    {"name": "bankInput", "type": "bytes32"},
    {"name": "agencyInput", "type": "bytes32"},
    {"name": "evaluationKey", "type": "bytes32"},
    {"name": "output", "type": "bytes32"},
    _APPLICATION[4],
    {"name": "approved", "type": "bool"},
    {"name": "yearsBin", "type": "uint8"},
    {"name": "decidedAt", "type": "uint64"},
    {"name": "validUntil", "type": "uint64"},
]


_REVOCATION: Final = [{"name": "panel", "type": "uint32"}, {"name": "request", "type": "bytes32"}]


class Undecided(ApprovalError):
    """An application's messages hold no decision that all three agreed upon."""


class DecisionFault(ApprovalError):
    """A decision is not what the messages, the panel or the registry allow."""


@dataclass(frozen=True, slots=True)
class Application:
    """What an applicant agrees to before anything is opened: whatever is decided on this request may be recorded.

    Hashes and `data_commitment` are 32 bytes, the last all zero where no private data go with it.
    """

    panel: int
    applicant: Address
    request: bytes
    model_hash: bytes
    data_commitment: bytes

    def message(self, domain: Domain) -> dict[str, Any]:
        """Return the EIP-712 message."""
        values = (self.panel, self.applicant, self.request, self.model_hash, self.data_commitment)
        return domain.message("Application", _APPLICATION, _named(_APPLICATION, values))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an application's messages give, the same for whoever has them; hashes are Keccak-256, 32 bytes each.

    `years_bin` is the lowest level of years of employment that would have been approved, from 1 on; 0 for none.
    """

    request: bytes
    model_hash: bytes
    applicant_input: bytes
    bank_input: bytes
    agency_input: bytes
    evaluation_key: bytes
    output: bytes
    approved: bool
    years_bin: int


@dataclass(frozen=True, slots=True)
class Decision:
    """What bank, agency and applicant sign; times in Unix seconds."""

    panel: int
    applicant: Address
    outcome: Outcome
    data_commitment: bytes
    decided_at: int
    valid_until: int

    @property
    def application(self) -> Application:
        """What the applicant agreed to when it applied."""
        return Application(
            self.panel, self.applicant, self.outcome.request, self.outcome.model_hash, self.data_commitment
        )

    def values(self) -> tuple[Any, ...]:
        """Return its fields in the order of the contract's struct."""
        request, model_hash, *hashes, approved, years_bin = (
            getattr(self.outcome, one.name) for one in fields(self.outcome)
        )
        begun = (self.panel, self.applicant, request, model_hash, *hashes, self.data_commitment)
        return (*begun, approved, years_bin, self.decided_at, self.valid_until)

    def message(self, domain: Domain) -> dict[str, Any]:
        """Return the EIP-712 message."""
        return domain.message("Decision", _DECISION, _named(_DECISION, self.values()))

    def digest(self, domain: Domain) -> bytes:
        """Return the 32 bytes that are signed."""
        return typed_digest(self.message(domain))

    def check_times(self) -> None:
        """Raise DecisionFault for times that no registry takes."""
        if not 0 < self.decided_at <= self.valid_until <= self.decided_at + LONGEST_DAYS * _DAY:
            raise DecisionFault(
                f"decided at {self.decided_at} and valid until {self.valid_until}: a decision counts {LONGEST_DAYS} "
                "days at most, in Unix seconds"
            )


def revocation(domain: Domain, panel: int, request: bytes) -> dict[str, Any]:
    """Return the EIP-712 message by which a panel's bank or agency takes a request's decision back."""
    return domain.message("Revocation", _REVOCATION, _named(_REVOCATION, (panel, request)))


def registry_domain(chain_id: int, registry: Address) -> Domain:
    """Return the EIP-712 domain of a registry of approvals."""
    return Domain(chain_id, registry, DOMAIN_NAME)


def typed_digest(message: dict[str, Any]) -> bytes:
    """Return the 32-byte digest of an EIP-712 message."""
    encoded = encode_typed_data(full_message=message)
    return keccak(b"\x19" + encoded.version + encoded.header + encoded.body)


def request_of(session: str, application: int) -> bytes:
    """Return the registry's name for an application of a session: keccak256(abi.encode(bytes16, uint256))."""
    return keccak(encode(["bytes16", "uint256"], [bytes.fromhex(session), application]))


def outcome_of(transcript: Transcript, application: int, layout: Layout) -> Outcome:
    """Return what was decided; raises Undecided where a message is missing or the application was ended."""
    if (end := transcript.ended(application)) is not None:
        raise Undecided(f"application {application} was ended by {end.head.party}: {end.head.said}")
    inputs, evaluated = transcript.all_of(application, "input"), transcript.get(application, "evaluated", SERVER)
    said = transcript.all_of(application, "decision")
    if inputs is None or evaluated is None or said is None:
        raise Undecided(f"application {application} is not decided: {_missing(transcript, application)}")
    approved = said[0].head.said == APPROVED
    blinds = transcript.blinds_of(application) or []
    applicant, bank, agency = (_hash_of(transcript, pair) for pair in zip(inputs, blinds, strict=True))
    return Outcome(
        request_of(transcript.session, application),
        bytes.fromhex(transcript.model),
        applicant,
        bank,
        agency,
        _hash_of(transcript, _keys(transcript)),
        _hash_of(transcript, [evaluated]),
        approved,
        0 if approved else _years_bin(transcript, application, layout),
    )


class _Anybody(PublicIdentity):
    def signed(self, message: bytes, signature: bytes) -> bool:
        return True


_UNKNOWN: Final = dict.fromkeys((*PARTIES, SERVER), _Anybody(b"", b""))


def read_transcript(folder: Path, layout: Layout, roster: Mapping[str, PublicIdentity] | None = None) -> Transcript:
    """Return the accepted messages of a server's folder, checked as a party checks them; signatures with a roster.

    Raises Refused for one that does not fit, and Undecided where there are none.
    """
    transcript: Transcript | None = None
    for file in sorted(folder.glob("*.message")):
        message = read(file.read_bytes(), _UNKNOWN if roster is None else roster, str(file))
        if transcript is None:
            transcript = Transcript(message.head.session, layout.model.digest)
        transcript.accept(message)
    if transcript is None:
        raise Undecided(f"{folder} holds no messages: name the folder that the server keeps them in")
    return transcript


def _years_bin(transcript: Transcript, application: int, layout: Layout) -> int:
    opened = transcript.all_of(application, "whatifs")
    if opened is None:
        raise Undecided(f"application {application} was denied and not explained: {_missing(transcript, application)}")
    try:
        answers = json.loads(opened[0].head.said)
    except (ValueError, RecursionError):
        answers = None
    asked = layout.what_ifs
    if not isinstance(answers, list) or len(answers) != len(asked) or any(type(one) is not bool for one in answers):
        raise Refused(PARTIES[0], "whatifs", f"it does not say yes or no to each of {len(asked)} what-ifs")
    named = [one for one, yes in zip(asked, answers, strict=True) if yes and one.field == _EXPLAINED]
    return min((what_if.level + 1 for what_if in named), default=0)


def _missing(transcript: Transcript, application: int) -> str:
    for kind in ("input", "evaluated", "decision", "whatifs"):
        if waited := transcript.missing(application, kind):
            return f"{waited[0]}'s {kind} message is not there"
    return "nothing is missing"


def _keys(transcript: Transcript) -> list[Message]:
    keys, products = transcript.all_of(0, "keys"), transcript.all_of(0, "product")
    if keys is None or products is None:
        raise Undecided("the parts of the joint keys are not all there")
    return [*keys, *products]


def _hash_of(transcript: Transcript, messages: Iterable[Message]) -> bytes:
    whole = keccak.new(b"")
    for message in messages:
        # In the order of the protocol, whichever the sender wrote them in.
        for name in transcript.sizes[message.head.kind]:
            whole.update(message.parts[name])
    return whole.digest()


def _named(types: list[dict[str, str]], values: tuple[Any, ...]) -> dict[str, Any]:
    return {one["name"]: value for one, value in zip(types, values, strict=True)}
