"""The report that signers vouch for, and its EIP-712 form; the contract builds the same digest."""

from dataclasses import dataclass
from typing import Any, Final

from oracle.assessment.request import Address, AssessmentRequest

DOMAIN_NAME: Final = "AIRiskOracle"
DOMAIN_VERSION: Final = "1"

_DOMAIN_FIELDS: Final = [
    {"name": "name", "type": "string"},
    {"name": "version", "type": "string"},
    {"name": "chainId", "type": "uint256"},
    {"name": "verifyingContract", "type": "address"},
]

_REPORT_FIELDS: Final = [
    {"name": "requestId", "type": "uint256"},
    {"name": "user", "type": "address"},
    {"name": "requester", "type": "address"},
    {"name": "termsHash", "type": "bytes32"},
    {"name": "dataCommitment", "type": "bytes32"},
    {"name": "modelId", "type": "bytes32"},
    {"name": "blockNumber", "type": "uint64"},
    {"name": "blockHash", "type": "bytes32"},
    {"name": "featureCommitment", "type": "uint256"},
    {"name": "outputsHash", "type": "bytes32"},
    {"name": "signerSetDigest", "type": "bytes32"},
]

_BATCH_FIELDS: Final = [
    {"name": "modelId", "type": "bytes32"},
    {"name": "answersHash", "type": "bytes32"},
    {"name": "wordsHash", "type": "bytes32"},
    {"name": "signerSetDigest", "type": "bytes32"},
]

_DECLINE_FIELDS: Final = [
    {"name": "requestId", "type": "uint256"},
    {"name": "requestHash", "type": "bytes32"},
    {"name": "reason", "type": "uint8"},
    {"name": "signerSetDigest", "type": "bytes32"},
]


@dataclass(frozen=True, slots=True)
class Domain:
    """An EIP-712 domain: one contract on one chain, the oracle's unless it has another name."""

    chain_id: int
    contract: Address
    name: str = DOMAIN_NAME
    version: str = DOMAIN_VERSION

    def message(self, primary_type: str, fields: list[dict[str, str]], values: dict[str, Any]) -> dict[str, Any]:
        """Return the full EIP-712 message (the JSON shape of eth_signTypedData_v4)."""
        return {
            "types": {"EIP712Domain": _DOMAIN_FIELDS, primary_type: fields},
            "primaryType": primary_type,
            "domain": {
                "name": self.name,
                "version": self.version,
                "chainId": self.chain_id,
                "verifyingContract": self.contract,
            },
            "message": values,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """An answer as it goes on-chain: `outputs` are the circuit's signed fixed-point outputs.

    Of an open statement the chain features stand in `feature_words`, and there is no commitment to them.
    """

    request_id: int
    model_id: bytes
    block_number: int
    block_hash: str
    feature_commitment: int | None
    outputs: tuple[int, ...]
    feature_words: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """Answers to requests without private data by one proof: `words` are its public instances, features first."""

    model_id: bytes
    request_ids: tuple[int, ...]
    block_hashes: tuple[str, ...]
    words: tuple[int, ...]


def report_message(
    domain: Domain,
    request: AssessmentRequest,
    report: Report,
    *,
    terms_hash: bytes,
    outputs_hash: bytes,
    signer_set_digest: bytes,
) -> dict[str, Any]:
    """Return the EIP-712 message of a committed statement's report; the three hashes are Keccak-256 over encodings."""
    return domain.message(
        "Report",
        _REPORT_FIELDS,
        {
            "requestId": report.request_id,
            "user": request.user,
            "requester": request.requester,
            "termsHash": terms_hash,
            "dataCommitment": request.data_commitment.to_bytes(32, "big"),
            "modelId": report.model_id,
            "blockNumber": report.block_number,
            "blockHash": bytes.fromhex(report.block_hash.removeprefix("0x")),
            "featureCommitment": report.feature_commitment,
            "outputsHash": outputs_hash,
            "signerSetDigest": signer_set_digest,
        },
    )


def batch_message(
    domain: Domain, model_id: bytes, answers_hash: bytes, words_hash: bytes, signer_set_digest: bytes
) -> dict[str, Any]:
    """Return the EIP-712 message of a batch.

    `answers_hash` is Keccak-256 over (id, hash of the request's ABI encoding, block hash) of each request, in order,
    `words_hash` that of the proof's words.
    """
    return domain.message(
        "Batch",
        _BATCH_FIELDS,
        {
            "modelId": model_id,
            "answersHash": answers_hash,
            "wordsHash": words_hash,
            "signerSetDigest": signer_set_digest,
        },
    )


def decline_message(
    domain: Domain, request_id: int, request_hash: bytes, reason: int, signer_set_digest: bytes
) -> dict[str, Any]:
    """Return the EIP-712 message by which signers decline a request.

    `request_hash` is Keccak-256 over its ABI encoding: after a reorganisation the id may be another request's.
    """
    return domain.message(
        "Decline",
        _DECLINE_FIELDS,
        {"requestId": request_id, "requestHash": request_hash, "reason": reason, "signerSetDigest": signer_set_digest},
    )
