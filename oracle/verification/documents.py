"""Answers as the HTTP API tells them, in JSON: what is checked of them, and whether what stands beside it fits."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from oracle.assessment.errors import InvalidRequest
from oracle.assessment.report import Batch, Report
from oracle.assessment.request import AssessmentRequest, to_address, to_request_id
from oracle.chain.answers import GivenAnswer, alone
from oracle.chain.contracts import OracleContract, request_hash
from oracle.verification.answers import answer_of_calldata
from oracle.verification.claims import Answer, Claim, instances_of, message_of

_MOST: Final = 64
_OPEN: Final = "open"
_HASH_BYTES: Final = 32


def request_id_of(document: Mapping[str, Any]) -> int:
    """Return which request a document is about; raises InvalidRequest for one that does not say."""
    given = document.get("request_id")
    try:
        return to_request_id(given if isinstance(given, str) else json.dumps(given))
    except InvalidRequest as error:
        raise InvalidRequest(f"request_id: {error}") from None


def answer_of_document(request: AssessmentRequest, document: Mapping[str, Any]) -> Answer:
    """Return the answer that a document holds: by its `calldata`, or the parts of it that `…/proof` gives.

    Raises InvalidRequest that names the field at fault.
    """
    if "calldata" in document:
        answer = answer_of_calldata(request, _bytes(document, "calldata", "a call of provideAssessment"))
        return replace(answer, told=_told(document))
    block = document.get("block")
    if not isinstance(block, Mapping):
        raise InvalidRequest("block: expected number and hash; or give calldata, of a call of provideAssessment")
    signatures, proof = _signatures(document), _bytes(document, "proof", "a proof")
    hash_of_block = f"0x{_hash(block, 'hash', 'block.hash').hex()}"
    if document.get("statement") == _OPEN:
        words = tuple(
            _uint({"it": one}, "it", f"instances.{place}") for place, one in enumerate(_list(document, "instances"))
        )
        batch = Batch(_hash(document, "model_id"), (request_id_of(document),), (hash_of_block,), words)
        given = alone(request_hash(request), batch, _uint(block, "number", "block.number", 64), signatures, proof)
        return Answer(request, given, told=_told(document))
    report = Report(
        request_id=request_id_of(document),
        model_id=_hash(document, "model_id"),
        block_number=_uint(block, "number", "block.number", 64),
        block_hash=hash_of_block,
        feature_commitment=_uint(document, "feature_commitment"),
        outputs=tuple(_int(one, f"outputs.{place}") for place, one in enumerate(_list(document, "outputs"))),
    )
    given = GivenAnswer(request_hash(request), report, signatures, proof)
    return Answer(request, given, told=_told(document))


def document_claim(oracle: OracleContract, answer: Answer, document: Mapping[str, Any]) -> Claim:
    """Return whether all that a document says fits the answer in it, so that none of it is believed unchecked.

    The scores that it tells are left to the claim about scores.
    """
    given, request = answer.given, answer.request
    report = given.report
    numbers = instances_of(answer)
    fits: dict[str, Callable[[], bool]] = {
        "chain_id": lambda: document["chain_id"] == oracle.domain.chain_id,
        "to": lambda: to_address(str(document["to"])) == oracle.address,
        "model_id": lambda: _hash(document, "model_id") == report.model_id,
        "proof": lambda: _bytes(document, "proof", "a proof") == given.proof,
        "signatures": lambda: _signatures(document) == given.signatures,
        "data_commitment": lambda: _uint(document, "data_commitment") == request.data_commitment,
        "instances": lambda: tuple(_int(one, "instances") for one in _list(document, "instances")) == numbers,
        "report_typed_data": lambda: _is_message(oracle, answer, document["report_typed_data"]),
    }
    told = [name for name in fits if name in document]
    differing = [name for name in told if not fits[name]()]
    if differing:
        return Claim("document", False, f"what it says of {', '.join(differing)} is not what was answered")
    return Claim("document", True, "what it says beside the answer fits it" if told else "it says the answer alone")


def _told(document: Mapping[str, Any]) -> Mapping[str, Any] | None:
    told = document.get("assessment")
    if told is not None and not isinstance(told, Mapping):
        raise InvalidRequest("assessment: expected an object")
    return told


def _is_message(oracle: OracleContract, answer: Answer, typed: Any) -> bool:
    """Say whether typed data are the report's, for the set of signers that they name."""
    try:
        digest = bytes.fromhex(typed["message"]["signerSetDigest"].removeprefix("0x"))
        domain, message = typed["domain"], typed["message"]
    except (AttributeError, KeyError, TypeError, ValueError):
        return False
    expected = message_of(oracle, answer, digest)
    return (
        (typed.get("types"), typed.get("primaryType")) == (expected["types"], expected["primaryType"])
        and _plain(domain) == _plain(expected["domain"])
        and _plain(message) == _plain(expected["message"])
    )


def _plain(values: Any) -> dict[str, str]:
    if not isinstance(values, Mapping):
        return {}
    return {
        name: f"0x{value.hex()}" if isinstance(value, bytes) else str(value).lower() for name, value in values.items()
    }


def _uint(source: Mapping[str, Any], name: str, place: str = "", bits: int = 256) -> int:
    value = _int(source.get(name), place or name)
    if not 0 <= value < 1 << bits:
        raise InvalidRequest(f"{place or name}: expected an integer from 0 to below 2^{bits}")
    return value


def _int(value: Any, place: str) -> int:
    text = str(value)
    if isinstance(value, bool | float) or not text.removeprefix("-").isdecimal() or not text.isascii():
        raise InvalidRequest(f"{place}: expected an integer, as a text of decimal digits")
    if len(text) > 80 or not -(1 << 255) <= int(text) < 1 << 256:
        raise InvalidRequest(f"{place}: expected an integer of 256 bits")
    return int(text)


def _list(document: Mapping[str, Any], name: str) -> list[Any]:
    found = document.get(name)
    if not isinstance(found, list) or len(found) > _MOST:
        raise InvalidRequest(f"{name}: expected a list of at most {_MOST}")
    return found


def _signatures(document: Mapping[str, Any]) -> tuple[bytes, ...]:
    listed = _list(document, "signatures")
    return tuple(_bytes({"it": one}, "it", "a signature", f"signatures.{place}") for place, one in enumerate(listed))


def _hash(source: Mapping[str, Any], name: str, place: str = "") -> bytes:
    found = _bytes(source, name, "32 bytes", place)
    if len(found) != _HASH_BYTES:
        raise InvalidRequest(f"{place or name}: expected 0x and 64 hex digits")
    return found


def _bytes(source: Mapping[str, Any], name: str, what: str, place: str = "") -> bytes:
    value = source.get(name)
    try:
        if not isinstance(value, str) or not value.startswith("0x"):
            raise ValueError
        return bytes.fromhex(value[2:])
    except ValueError:
        raise InvalidRequest(f"{place or name}: expected 0x and hex digits, of {what}") from None
