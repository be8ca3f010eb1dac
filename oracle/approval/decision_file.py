"""A decision on its way from one party to the next: a JSON file with its fields, its registry, and who signed so far.

Nothing in it is secret. Whoever reads it takes no field on trust: the outcome is computed from the messages, the
accounts are the panel's and the applicant's, and a signature that is not its party's is refused when it is added.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError as EthereumFault
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from oracle.approval.decision import Application, Decision, DecisionFault, Outcome, registry_domain
from oracle.approval.fields import APPLICANT, PARTIES
from oracle.assessment.report import Domain
from oracle.assessment.request import Address, to_address

_HALF_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141 // 2
_MOST_SIGNATURE_BYTES: Final = 8_192

_Address = Annotated[str, Field(pattern=r"^0x[0-9a-f]{40}$")]
_Word = Annotated[str, Field(pattern=r"^0x[0-9a-f]{64}$")]
_Hex = Annotated[str, Field(pattern=r"^0x([0-9a-f]{2})*$", max_length=2 + 2 * _MOST_SIGNATURE_BYTES)]
_Time = Annotated[int, Field(ge=0, lt=2**64)]
_Number = Annotated[int, Field(ge=1, lt=2**32)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


Known = TypeVar("Known", bound=_Strict)


class _Agreed(_Strict):
    kind: Literal["agreement"] = "agreement"
    chain_id: Annotated[int, Field(ge=1)]
    registry: _Address
    panel: _Number
    applicant: _Address
    request: _Word
    model_hash: _Word
    data_commitment: _Word
    signature: _Hex


class _Written(_Strict):
    kind: Literal["decision"] = "decision"
    chain_id: Annotated[int, Field(ge=1)]
    registry: _Address
    panel: _Number
    accounts: dict[Literal["applicant", "bank", "agency"], _Address]
    request: _Word
    model_hash: _Word
    applicant_input: _Word
    bank_input: _Word
    agency_input: _Word
    evaluation_key: _Word
    output: _Word
    data_commitment: _Word
    approved: bool
    years_bin: Annotated[int, Field(ge=0, le=255)]
    decided_at: _Time
    valid_until: _Time
    signatures: dict[Literal["applicant", "bank", "agency"], _Hex] = {}


@dataclass(frozen=True)
class Agreement:
    """An applicant's word, given beforehand, that what is decided may be recorded."""

    domain: Domain
    application: Application
    signature: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the agreement of a JSON text; raises DecisionFault. Who signed it is for `check` to say."""
        known = _read(_Agreed, text, "an applicant's agreement (`approval decision agree`)")
        application = Application(
            known.panel, Address(known.applicant), *map(_raw, (known.request, known.model_hash, known.data_commitment))
        )
        return cls(registry_domain(known.chain_id, Address(known.registry)), application, _raw(known.signature))

    def check(self, *, contract: bool = False) -> None:
        """Raise DecisionFault unless its applicant's key signed it; of a `contract` only the chain knows."""
        if not contract and not signed_by(
            self.application.applicant, self.application.message(self.domain), self.signature
        ):
            raise DecisionFault(f"the agreement is not signed by its applicant {self.application.applicant}")

    def written(self) -> str:
        """Return it as JSON."""
        asked = self.application
        known = _Agreed(
            chain_id=self.domain.chain_id,
            registry=self.domain.contract,
            panel=asked.panel,
            applicant=asked.applicant,
            request=_hex(asked.request),
            model_hash=_hex(asked.model_hash),
            data_commitment=_hex(asked.data_commitment),
            signature=_hex(self.signature),
        )
        return known.model_dump_json(indent=2) + "\n"


@dataclass(frozen=True)
class DecisionFile:
    """A decision, the accounts of the three, and the signatures that were added so far."""

    domain: Domain
    decision: Decision
    accounts: Mapping[str, Address]
    signatures: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def missing(self) -> list[str]:
        """Who has still to sign."""
        return [party for party in PARTIES if party not in self.signatures]

    def party_of(self, account: Address) -> str:
        """Return whose account this is; raises DecisionFault where it is none of the three."""
        for party, theirs in self.accounts.items():
            if theirs == account:
                return party
        known = ", ".join(f"{party} {theirs}" for party, theirs in self.accounts.items())
        raise DecisionFault(f"{account} is no party of this decision: {known}")

    def with_signature(self, party: str, signature: bytes, *, contract: bool = False) -> Self:
        """Return it with a party's signature; raises DecisionFault for one that is not the party's.

        With `contract` the party's account is a contract, whose own rules only the chain can ask.
        """
        message = self.decision.message(self.domain)
        if not contract and not signed_by(self.accounts[party], message, signature):
            raise DecisionFault(
                f"the signature is not that of the {party}'s account {self.accounts[party]}: if that is a contract, "
                "say so with --contract"
            )
        return replace(self, signatures={**self.signatures, party: signature})

    def with_agreement(self, agreement: Agreement, *, contract: bool = False) -> Self:
        """Return it with what its applicant agreed to beforehand for a signature: enough for a denial, and no more."""
        if self.decision.outcome.approved:
            raise DecisionFault("an approval is signed by its applicant: an agreement is enough for a denial alone")
        if (agreement.domain, agreement.application) != (self.domain, self.decision.application):
            raise DecisionFault("the agreement is about another request, panel, model, registry, or private data")
        agreement.check(contract=contract)
        return replace(self, signatures={**self.signatures, APPLICANT: agreement.signature})

    def check_outcome(self, outcome: Outcome) -> None:
        """Raise DecisionFault, which names the fields, unless its outcome is the one that the messages give."""
        own = self.decision.outcome
        differing = [one.name for one in fields(Outcome) if getattr(own, one.name) != getattr(outcome, one.name)]
        if differing:
            raise DecisionFault(f"the messages say otherwise about {', '.join(differing)}: nothing was signed")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the decision of a JSON text; raises DecisionFault that names the field."""
        known = _read(_Written, text, "a decision (`approval decision show --out`)")
        if set(known.accounts) != set(PARTIES) or len(set(known.accounts.values())) != len(PARTIES):
            raise DecisionFault(
                "a decision has three accounts, the applicant's, the bank's and the agency's, each another"
            )
        words = {one.name: _raw(getattr(known, one.name)) for one in fields(Outcome) if one.name not in _PLAIN}
        outcome = Outcome(**words, approved=known.approved, years_bin=known.years_bin)
        accounts = {party: Address(known.accounts[party]) for party in PARTIES}
        commitment = _raw(known.data_commitment)
        times = (known.decided_at, known.valid_until)
        decision = Decision(known.panel, accounts[APPLICANT], outcome, commitment, *times)
        decision.check_times()
        signatures = {str(party): _raw(one) for party, one in known.signatures.items()}
        return cls(registry_domain(known.chain_id, Address(known.registry)), decision, accounts, signatures)

    def plain(self) -> dict[str, Any]:
        """Return it as JSON's plain values."""
        decision, outcome = self.decision, self.decision.outcome
        shown = {one.name: getattr(outcome, one.name) for one in fields(Outcome)}
        known = _Written.model_validate(
            {
                "chain_id": self.domain.chain_id,
                "registry": self.domain.contract,
                "panel": decision.panel,
                "accounts": dict(self.accounts),
                "data_commitment": _hex(decision.data_commitment),
                "decided_at": decision.decided_at,
                "valid_until": decision.valid_until,
                "signatures": {party: _hex(one) for party, one in self.signatures.items()},
            }
            | {name: _hex(value) if isinstance(value, bytes) else value for name, value in shown.items()}
        )
        return known.model_dump(mode="json")

    def write(self, file: Path) -> None:
        """Write it, whole or not at all: what was signed before is not lost."""
        part = file.with_name(f"{file.name}.part")
        part.write_text(json.dumps(self.plain(), indent=2) + "\n", encoding="utf-8")
        os.replace(part, file)


_PLAIN: Final = ("approved", "years_bin")


def signed_by(account: Address, message: dict[str, Any], signature: bytes) -> bool:
    """Tell whether a key's account signed an EIP-712 message: 65 bytes r ‖ s ‖ v, low s, as the registry takes it."""
    if len(signature) != 65 or signature[64] not in (27, 28) or int.from_bytes(signature[32:64], "big") > _HALF_ORDER:
        return False
    try:
        found = Account.recover_message(encode_typed_data(full_message=message), signature=signature)
    except (BadSignature, EthereumFault, ValueError):
        return False
    return to_address(found) == account


def _read(kind: type[Known], text: str, what: str) -> Known:
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise DecisionFault(f"this is not {what}: {place}: {first['msg']}") from error


def _raw(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def _hex(value: bytes) -> str:
    return f"0x{value.hex()}"
