"""The contracts, with typed methods: the only place that names a function or an event of theirs."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import astuple, dataclass
from enum import IntEnum
from typing import Any, Final

from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hexbytes import HexBytes
from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.contract import AsyncContract
from web3.exceptions import BadFunctionCallOutput, ContractLogicError
from web3.types import BlockIdentifier, EventData, RPCEndpoint

from oracle.assessment.errors import ConfigurationFault, TransientFault
from oracle.assessment.outputs import OUTPUTS
from oracle.assessment.report import (
    DOMAIN_NAME,
    DOMAIN_VERSION,
    Batch,
    Domain,
    Report,
    batch_message,
    decline_message,
    report_message,
)
from oracle.assessment.request import Address, AssessmentRequest, BlockRef, LoanTerms, to_address
from oracle.chain.abi import abi
from oracle.chain.reverts import explain_refusal
from oracle.chain.rpc import endpoint_faults, refusal
from oracle.nodes.refusals import Refusal, node_error

_ESTIMATE: Final = RPCEndpoint("eth_estimateGas")
_TERMS_ABI: Final = ["address", "uint128", "address", "uint128", "uint32"]
REQUEST_ABI: Final = ["address", "address", f"({','.join(_TERMS_ABI)})", "bytes32", "uint96", *["uint64"] * 3]
"""The types of a request's fields, in their order."""


class RequestState(IntEnum):
    """What the contract says about a request."""

    NONE = 0
    PENDING = 1
    ANSWERED = 2
    DECLINED = 3
    CANCELLED = 4


class Statement(IntEnum):
    """What a model's proofs show, as the registry says it."""

    COMMITTED = 0
    OPEN = 1
    OPEN_PACKED = 2


class ModelState(IntEnum):
    """What the registry says about a model."""

    NONE = 0
    PROPOSED = 1
    ACTIVE = 2
    RETIRED = 3


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """A model as the registry holds it.

    `output_scales` has one entry an output, `batch_size` is the assessments in one proof, `statement` what it shows;
    `activatable_at` in Unix seconds.
    """

    verifier: Address
    verifier_code_hash: bytes
    feature_spec_hash: bytes
    neutral_commitment: int
    output_scales: tuple[int, ...]
    batch_size: int
    statement: Statement
    state: ModelState
    activatable_at: int


def terms_hash(terms: LoanTerms) -> bytes:
    """Return the Keccak-256 of the ABI encoding of loan terms."""
    return keccak(encode(_TERMS_ABI, astuple(terms)))


def request_hash(request: AssessmentRequest) -> bytes:
    """Return the Keccak-256 of the ABI encoding of a request, as the contract stores its upper 31 bytes."""
    return keccak(encode(REQUEST_ABI, _request_tuple(request)))


def outputs_hash(outputs: Sequence[int]) -> bytes:
    """Return the Keccak-256 of the outputs as packed 256-bit signed words."""
    return keccak(b"".join(output.to_bytes(32, "big", signed=True) for output in outputs))


async def require_code(w3: AsyncWeb3[AsyncHTTPProvider], address: Address, name: str) -> bytes:
    """Return the code at an address; raises ConfigurationFault when there is none."""
    with endpoint_faults():
        code = await w3.eth.get_code(w3.to_checksum_address(address))
    if not code:
        raise ConfigurationFault(f"{name}: there is no contract at {address} on this chain; correct the address")
    return bytes(code)


class ModelRegistry:
    """Reads the registry of models."""

    def __init__(self, w3: AsyncWeb3[AsyncHTTPProvider], address: Address) -> None:
        self.address = address
        self._w3 = w3
        self._contract = w3.eth.contract(w3.to_checksum_address(address), abi=abi("ModelRegistry"), decode_tuples=True)

    async def model(self, model_id: bytes) -> RegisteredModel:
        """Return a model's entry; its state is NONE when it was never proposed."""
        found = await _read(self._contract, "model", model_id)
        spec = found.spec
        return RegisteredModel(
            verifier=to_address(spec.verifier),
            verifier_code_hash=bytes(spec.verifierCodeHash),
            feature_spec_hash=bytes(spec.featureSpecHash),
            neutral_commitment=spec.neutralCommitment,
            output_scales=tuple(spec.outputScales[: len(OUTPUTS)]),
            batch_size=spec.batchSize,
            statement=Statement(spec.statement),
            state=ModelState(found.state),
            activatable_at=found.activatableAt,
        )

    async def history_table(self) -> tuple[str, str] | None:
        """Return hash (0x and hex digits) and place of the published history table; None while there is none."""
        found = bytes(await _read(self._contract, "historyTableHash"))
        return (f"0x{found.hex()}", str(await _read(self._contract, "historyTableUri"))) if any(found) else None

    async def active(self, *, opened: bool = False) -> tuple[bytes | None, bytes | None]:
        """Return the ids of the primary model, which answers, and of the shadow; None for one that there is not.

        Of those with open statements, which answer beside the others, when `opened`.
        """
        names = ("openModel", "openShadowModel") if opened else ("primaryModel", "shadowModel")
        primary, shadow = [bytes(await _read(self._contract, name)) for name in names]
        # An activation between the two reads names the former primary twice.
        return primary if any(primary) else None, shadow if any(shadow) and shadow != primary else None

    async def activation_window_seconds(self) -> int:
        """Return for how long a proposal may be activated once its timelock has run out."""
        window: int = await _read(self._contract, "ACTIVATION_WINDOW")
        return window


BlockReader = Callable[[int, str], Awaitable[BlockRef]]
"""Gives the block that a log names by number and hash."""


class OracleContract:
    """Reads and addresses one AIRiskOracle; `domain` is its EIP-712 domain."""

    def __init__(self, w3: AsyncWeb3[AsyncHTTPProvider], address: Address, chain_id: int) -> None:
        self.address = address
        self.domain = Domain(chain_id, address)
        self._w3 = w3
        self._contract = w3.eth.contract(w3.to_checksum_address(address), abi=abi("AIRiskOracle"), decode_tuples=True)

    async def check_interface(self) -> None:
        """Raise ConfigurationFault unless the contract names itself as the oracle that this version speaks to."""
        try:
            _, name, version, *_ = await self._view("eip712Domain")
        except NoAnswer as error:
            raise ConfigurationFault(
                f"the contract at {self.address} does not answer like an AIRiskOracle: correct chain.oracle"
            ) from error
        if (name, version) != (DOMAIN_NAME, DOMAIN_VERSION):
            raise ConfigurationFault(
                f"the contract at {self.address} is {name!r} version {version!r}, this daemon speaks to "
                f"{DOMAIN_NAME!r} version {DOMAIN_VERSION!r}: run the release that belongs to it, "
                "or correct chain.oracle"
            )

    async def registry(self) -> ModelRegistry:
        """Return the registry that the oracle asks."""
        return ModelRegistry(self._w3, to_address(await self._view("registry")))

    async def signers(self, block_hash: str | None = None) -> tuple[tuple[Address, ...], int, bytes]:
        """Return the registered signers, how many must sign, and the digest of that set; at the head or a block."""
        block: BlockIdentifier = "latest" if block_hash is None else HexBytes(block_hash)
        found, threshold, digest = [
            await _read(self._contract, name, block=block) for name in ("signers", "threshold", "signerSetDigest")
        ]
        return tuple(to_address(signer) for signer in found), threshold, bytes(digest)

    async def state_of(self, request_id: int, block_hash: str | None = None) -> RequestState:
        """Return what the contract says about a request, at the chain's head or at a block."""
        block: BlockIdentifier = "latest" if block_hash is None else HexBytes(block_hash)
        return RequestState(await _read(self._contract, "stateOf", request_id, block=block))

    async def request_count(self, block_hash: str) -> int:
        """Return how many requests were ever made, at a block; ids run from 1 to it without a gap."""
        count: int = await _read(self._contract, "requestCount", block=HexBytes(block_hash))
        return count

    async def requests(self, first_block: int, last_block: int, blocks: BlockReader) -> list[AssessmentRequest]:
        """Return the requests logged in a range of blocks, both ends included, in the order of the chain."""
        event = self._contract.events.AssessmentRequested()
        with endpoint_faults():
            logs = await event.get_logs(from_block=first_block, to_block=last_block)
        return [_to_request(log, await blocks(log["blockNumber"], log["blockHash"].to_0x_hex())) for log in logs]

    def request_topics(self, request_id: int) -> list[str]:
        """Return the topics that the log of one request begins with."""
        topic = self._contract.events.AssessmentRequested().topic
        return [topic, f"0x{request_id:064x}"]

    def requested_filter(self) -> dict[str, Any]:
        """Return the log filter of the request event, for a subscription."""
        topic = self._contract.events.AssessmentRequested().topic
        return {"address": self._contract.address, "topics": [topic]}

    async def asking_costs(self, user: Address) -> tuple[int, int, bool]:
        """Return the fee of a request in wei, the user's nonce for consents, and whether requests are paused."""
        nonce: int = await self._view("nonces", to_checksum_address(user))
        return int(await self._view("fee")), nonce, bool(await self._view("paused"))

    def ask(self, terms: LoanTerms, data_commitment: int) -> bytes:
        """Return the calldata of `requestAssessment`, for the borrower to send."""
        return self._calldata("requestAssessment", _terms_tuple(terms), data_commitment.to_bytes(32, "big"))

    def ask_for(
        self, user: Address, terms: LoanTerms, data_commitment: int, valid_until: int, signature: bytes
    ) -> bytes:
        """Return the calldata of `requestAssessmentFor`, for whom the consent names as the requester."""
        commitment, consent = data_commitment.to_bytes(32, "big"), (valid_until, signature)
        return self._calldata(
            "requestAssessmentFor", to_checksum_address(user), _terms_tuple(terms), commitment, consent
        )

    def answer(self, request: AssessmentRequest, report: Report, signatures: Sequence[bytes], proof: bytes) -> bytes:
        """Return the calldata of `provideAssessment`."""
        return self._calldata("provideAssessment", _request_tuple(request), _report_tuple(report), signatures, proof)

    def answer_batch(
        self, requests: Sequence[AssessmentRequest], batch: Batch, signatures: Sequence[bytes], proof: bytes
    ) -> bytes:
        """Return the calldata of `provideBatch`, of requests in the order of the batch."""
        hashes = [bytes.fromhex(one.removeprefix("0x")) for one in batch.block_hashes]
        shown = (batch.model_id, list(batch.request_ids), hashes, list(batch.words))
        return self._calldata("provideBatch", [_request_tuple(one) for one in requests], shown, signatures, proof)

    def decline(self, request: AssessmentRequest, reason: int, signatures: Sequence[bytes]) -> bytes:
        """Return the calldata of `declineAssessment`."""
        return self._calldata("declineAssessment", _request_tuple(request), request.request_id, reason, signatures)

    def fee_bounds(self, minimum_wei: int, maximum_wei: int) -> bytes:
        """Return the calldata of `setFeeBounds`, for the administrator: between them the fee follows the base fee."""
        return self._calldata("setFeeBounds", minimum_wei, maximum_wei)

    def report_message(self, request: AssessmentRequest, report: Report, signer_set_digest: bytes) -> dict[str, Any]:
        """Return the EIP-712 message that a signer of the report signs."""
        return report_message(
            self.domain,
            request,
            report,
            terms_hash=terms_hash(request.terms),
            outputs_hash=outputs_hash(report.outputs),
            signer_set_digest=signer_set_digest,
        )

    def batch_message(self, request_hashes: Sequence[bytes], batch: Batch, signer_set_digest: bytes) -> dict[str, Any]:
        """Return the EIP-712 message that a signer of a batch signs; each request is told by its `request_hash`."""
        parts = zip(batch.request_ids, request_hashes, batch.block_hashes, strict=True)
        answers = b"".join(
            number.to_bytes(32, "big") + asked + bytes.fromhex(block.removeprefix("0x"))
            for number, asked, block in parts
        )
        words = b"".join(word.to_bytes(32, "big") for word in batch.words)
        return batch_message(self.domain, batch.model_id, keccak(answers), keccak(words), signer_set_digest)

    def decline_message(self, request: AssessmentRequest, reason: int, signer_set_digest: bytes) -> dict[str, Any]:
        """Return the EIP-712 message that a signer of a refusal signs."""
        return decline_message(self.domain, request.request_id, request_hash(request), reason, signer_set_digest)

    async def gas_of(self, sender: Address, data: bytes, value_wei: int = 0) -> int:
        """Run a call to the oracle at the chain's head without sending it, and return the gas it needs.

        Raises Reverted, in words, when the contract would refuse it; without a name where the node does not give it.
        """
        call = {"from": sender, "to": self._contract.address, "data": "0x" + data.hex(), "value": hex(value_wei)}
        # Not through web3, which knows a revert by some nodes' words alone.
        with endpoint_faults():
            answer = await self._w3.provider.make_request(_ESTIMATE, [call, "latest"])
        if answer.get("error") is None:
            return int(str(answer["result"]), 16)
        error = node_error(_ESTIMATE, answer["error"])
        reverted = explain_refusal(error)
        if error.kind is Refusal.REVERTED or reverted.name:
            raise reverted
        raise refusal(error)

    async def _view(self, name: str, *arguments: Any) -> Any:
        return await _read(self._contract, name, *arguments)

    def _calldata(self, name: str, *arguments: Any) -> bytes:
        return bytes.fromhex(self._contract.encode_abi(name, args=list(arguments)).removeprefix("0x"))


class NoAnswer(TransientFault):
    """A contract that was there before gave no answer: the endpoint lags behind or lost state."""


async def _read(contract: AsyncContract, name: str, *arguments: Any, block: BlockIdentifier = "latest") -> Any:
    try:
        with endpoint_faults():
            return await contract.functions[name](*arguments).call(block_identifier=block)
    except (BadFunctionCallOutput, ContractLogicError) as error:
        raise NoAnswer(
            f"the contract at {to_address(contract.address)} does not answer {name}: "
            "the RPC endpoint is behind, or it is not the contract that it should be"
        ) from error


def _to_request(log: EventData, block: BlockRef) -> AssessmentRequest:
    logged = log["args"]
    terms = logged["terms"]
    if logged["blockNumber"] != block.number:
        raise ConfigurationFault(
            f"request {logged['requestId']} says block {logged['blockNumber']} and was logged in block {block.number}: "
            "the contract counts another chain's blocks, so its answers would name the wrong one; "
            "deploy this release's oracle"
        )
    return AssessmentRequest(
        request_id=logged["requestId"],
        user=to_address(logged["user"]),
        requester=to_address(logged["requester"]),
        terms=LoanTerms(
            principal_token=to_address(terms.principalToken),
            principal=terms.principal,
            collateral_token=to_address(terms.collateralToken),
            collateral=terms.collateral,
            duration_seconds=terms.duration,
        ),
        data_commitment=int.from_bytes(logged["dataCommitment"], "big"),
        fee_wei=logged["fee"],
        requested_at=logged["requestedAt"],
        deadline=logged["deadline"],
        block=block,
        transaction_hash=log["transactionHash"].to_0x_hex(),
    )


def _terms_tuple(terms: LoanTerms) -> tuple[Any, ...]:
    return (
        to_checksum_address(terms.principal_token),
        terms.principal,
        to_checksum_address(terms.collateral_token),
        terms.collateral,
        terms.duration_seconds,
    )


def _request_tuple(request: AssessmentRequest) -> tuple[Any, ...]:
    return (
        to_checksum_address(request.user),
        to_checksum_address(request.requester),
        _terms_tuple(request.terms),
        request.data_commitment.to_bytes(32, "big"),
        request.fee_wei,
        request.requested_at,
        request.deadline,
        request.block.number,
    )


def _report_tuple(report: Report) -> tuple[Any, ...]:
    return (
        report.request_id,
        report.model_id,
        report.block_number,
        bytes.fromhex(report.block_hash.removeprefix("0x")),
        report.feature_commitment,
        list(report.outputs),
    )
