"""Answers as they were handed in: what stands in a transaction's calldata, and what the contract logged of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from eth_abi.abi import decode, encode
from eth_abi.codec import ABIDecoder
from eth_abi.decoding import ContextFramesBytesIO
from eth_abi.exceptions import DecodingError
from eth_abi.registry import registry
from eth_utils.crypto import keccak

from oracle.assessment.outputs import Scores
from oracle.assessment.report import Batch, Report
from oracle.assessment.words import FEATURE_WORDS, outputs_of
from oracle.chain.contracts import REQUEST_ABI, RegisteredModel, Statement

_REQUEST: Final = f"({','.join(REQUEST_ABI)})"
_REPORT: Final = "(uint256,bytes32,uint64,bytes32,uint256,int256[])"
_ONE: Final = f"{_REQUEST},{_REPORT},bytes[],bytes"
_ASSESSMENT: Final = "(uint8,uint16,uint16,uint16,uint16,uint16,uint16,uint16,uint40,uint40,uint40,uint16,bool)"
_GIVEN_BATCH: Final = "(bytes32,uint256[],bytes32[],uint256[])"
_OPEN: Final = f"{_REQUEST}[],{_GIVEN_BATCH},bytes[],bytes"
_SINGLE: Final = keccak(text=f"provideAssessment({_ONE})")[:4]
_BATCH: Final = keccak(text=f"provideAssessments(({_ONE})[])")[:4]

_OF_BATCH: Final = keccak(text=f"provideBatch({_OPEN})")[:4]

# Decoding reads each byte twice at most: where an array begins, and what is in it.
_MOST_READS: Final = 4

ANSWERED_TOPIC: Final = "0x" + keccak(text=f"AssessmentProvided(uint256,address,bytes32,{_ASSESSMENT})").hex()
"""First topic of the log of an answer; the second is the request's id, the fourth the model's."""


class _ReadOnce(ContextFramesBytesIO):
    """Calldata whose offsets may lead to the same bytes again and again: a short text of gigabytes."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)  # type: ignore[no-untyped-call]
        self._left = _MOST_READS * len(content)

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        self._left -= len(found)
        if self._left < 0:
            raise DecodingError("its parts overlap")
        return found


class _Decoder(ABIDecoder):
    stream_class = _ReadOnce


_DECODER: Final = _Decoder(registry)


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """One answer of a call: `request_hash` is Keccak-256 of the request as it was handed in.

    `shared` is None for a committed statement; the report of an open one has the features' words in it.
    """

    request_hash: bytes
    report: Report
    signatures: tuple[bytes, ...]
    proof: bytes
    shared: "Shared | None" = None


@dataclass(frozen=True, slots=True)
class Shared:
    """What an answer of an open statement shares with the others of its proof, and which `row` of it is its own."""

    batch: Batch
    request_hashes: tuple[bytes, ...]
    row: int = 0


def answers_in(calldata: bytes) -> list[GivenAnswer]:
    """Return the answers that a call hands in; raises ValueError for calldata of anything else."""
    selector, arguments = calldata[:4], calldata[4:]
    try:
        if selector == _SINGLE:
            return [_given(_DECODER.decode([_REQUEST, _REPORT, "bytes[]", "bytes"], arguments))]
        if selector == _BATCH:
            return [_given(one) for one in _DECODER.decode([f"({_ONE})[]"], arguments)[0]]
        if selector == _OF_BATCH:
            return _given_batch(*_DECODER.decode([f"{_REQUEST}[]", _GIVEN_BATCH, "bytes[]", "bytes"], arguments))
    except (DecodingError, OverflowError) as error:
        raise ValueError(f"the calldata is cut off or damaged: {error}") from error
    raise ValueError(f"calldata that begins with 0x{selector.hex()} hands in no answer")


def logged_scores(data: bytes) -> Scores:
    """Return the scores that the log of an answer says; raises ValueError for other data."""
    try:
        (assessment,) = decode([_ASSESSMENT], data)
    except DecodingError as error:
        raise ValueError(f"the log is no answer's: {error}") from error
    return Scores(*assessment[:8])


def _given(one: Sequence[Any]) -> GivenAnswer:
    request, (request_id, model_id, number, block_hash, commitment, outputs), signatures, proof = one
    report = Report(request_id, bytes(model_id), number, f"0x{block_hash.hex()}", commitment, tuple(outputs))
    return GivenAnswer(_hash_of(request), report, tuple(bytes(one) for one in signatures), bytes(proof))


def _given_batch(
    requests: Sequence[Any], given: Sequence[Any], signatures: Sequence[bytes], proof: bytes
) -> list[GivenAnswer]:
    model_id, request_ids, block_hashes, words = given
    batch = Batch(bytes(model_id), tuple(request_ids), tuple(f"0x{one.hex()}" for one in block_hashes), tuple(words))
    if not len(requests) == len(request_ids) == len(block_hashes):
        raise ValueError("the batch has not as many ids and block hashes as requests")
    shared = Shared(batch, tuple(_hash_of(one) for one in requests))
    signed = tuple(bytes(one) for one in signatures)
    return [_of_row(replace(shared, row=row), int(one[-1]), signed, bytes(proof)) for row, one in enumerate(requests)]


def alone(
    request_hash: bytes, batch: Batch, block_number: int, signatures: tuple[bytes, ...], proof: bytes
) -> GivenAnswer:
    """Return the one answer of a batch of one request."""
    return _of_row(Shared(batch, (request_hash,)), block_number, signatures, proof)


def _of_row(shared: Shared, block_number: int, signatures: tuple[bytes, ...], proof: bytes) -> GivenAnswer:
    batch, row = shared.batch, shared.row
    words = batch.words[FEATURE_WORDS * row : FEATURE_WORDS * (row + 1)]
    # Where its outputs stand follows from the model's packing, which only the registry tells: see `with_row`.
    report = Report(
        batch.request_ids[row], batch.model_id, block_number, batch.block_hashes[row], None, (), feature_words=words
    )
    return GivenAnswer(shared.request_hashes[row], report, signatures, proof, shared)


def with_row(given: GivenAnswer, model: RegisteredModel) -> GivenAnswer:
    """Return an answer with the outputs that its row of an open statement shows, as the model packs them.

    Raises ValueError for words that are not so many, or for an answer whose statement is not its model's.
    """
    if (given.shared is not None) != (model.statement is not Statement.COMMITTED):
        raise ValueError(f"it was handed in as another statement than its model's, which is {model.statement.name}")
    if given.shared is None:
        return given
    packed = model.statement is Statement.OPEN_PACKED
    outputs = outputs_of(given.shared.batch.words, model.batch_size, given.shared.row, packed=packed)
    return replace(given, report=replace(given.report, outputs=outputs))


def _hash_of(request: Sequence[Any]) -> bytes:
    return keccak(encode(REQUEST_ABI, tuple(request)))
