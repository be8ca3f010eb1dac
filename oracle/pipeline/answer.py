"""The answer that a proven row stands for: by a committed statement, or by an open one, its features in the clear."""

from collections.abc import Sequence
from typing import Any

from oracle.assessment.report import Batch, Report
from oracle.assessment.request import FIELD_MODULUS
from oracle.assessment.words import feature_words
from oracle.chain.contracts import OracleContract, request_hash
from oracle.store.requests import to_request
from oracle.store.tables import RequestRow


def answering_model(row: RequestRow) -> bytes:
    """Return the id under which a row's proof answers: its model's, or that of the model's open circuit."""
    if row.model_id is None:
        raise ValueError(f"request {row.request_id} is {row.state} without a model")
    return bytes.fromhex((row.open_model_id or row.model_id)[2:])


def instances_of(row: RequestRow) -> tuple[int, ...]:
    """Return the public instances that a row's proof shows."""
    if row.outputs is None:
        raise ValueError(f"request {row.request_id} is {row.state} without outputs")
    if row.open_model_id is not None and row.features is not None:
        shown: tuple[int, ...] = feature_words(row.features["encoded"])
    elif row.feature_commitment is not None:
        shown = (int(row.feature_commitment), int(row.data_commitment))
    else:
        raise ValueError(f"request {row.request_id} is {row.state} without a proof")
    return (*shown, *(output % FIELD_MODULUS for output in row.outputs))


def report_of(row: RequestRow) -> Report:
    """Return the report of a committed statement that a proven row stands for."""
    if row.model_id is None or row.feature_commitment is None or row.outputs is None:
        raise ValueError(f"request {row.request_id} is {row.state} without a proof")
    return Report(
        request_id=int(row.request_id),
        model_id=bytes.fromhex(row.model_id[2:]),
        block_number=row.block_number,
        block_hash=row.block_hash,
        feature_commitment=int(row.feature_commitment),
        outputs=tuple(row.outputs),
    )


def message_of(oracle: OracleContract, row: RequestRow, signer_set_digest: bytes) -> dict[str, Any]:
    """Return the EIP-712 message that the row's signers sign."""
    request = to_request(row)
    if row.open_model_id is None:
        return oracle.report_message(request, report_of(row), signer_set_digest)
    return oracle.batch_message([request_hash(request)], _batch_of(row), signer_set_digest)


def calldata_of(oracle: OracleContract, row: RequestRow, signatures: Sequence[bytes]) -> bytes:
    """Return the calldata that hands a row's answer in."""
    if row.proof is None:
        raise ValueError(f"request {row.request_id} is {row.state} without a proof")
    request = to_request(row)
    if row.open_model_id is None:
        return oracle.answer(request, report_of(row), signatures, row.proof)
    return oracle.answer_batch([request], _batch_of(row), signatures, row.proof)


def _batch_of(row: RequestRow) -> Batch:
    return Batch(answering_model(row), (int(row.request_id),), (row.block_hash,), instances_of(row))
