"""The claims of an answer, each checked against the chain by itself, with nothing of the operator's."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_keys.exceptions import BadSignature
from eth_utils.crypto import keccak
from eth_utils.exceptions import ValidationError
from web3 import AsyncHTTPProvider, AsyncWeb3

from oracle.assessment.errors import BlockUnavailable
from oracle.assessment.outputs import Scores, decode_outputs
from oracle.assessment.report import Report
from oracle.assessment.request import FIELD_MODULUS, AssessmentRequest, to_address
from oracle.chain.answers import GivenAnswer, with_row
from oracle.chain.contracts import ModelState, NoAnswer, OracleContract, RegisteredModel, request_hash
from oracle.chain.rpc import endpoint_faults
from oracle.chain.verifier import takes_proof
from oracle.verification.told import told_scores


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim: `holds` is None where the endpoint could not tell; `text` says what was found."""

    name: str
    holds: bool | None
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to check: the request as the chain logged it, and what was handed in for it.

    `block_hash` and `logged` are those of the block and the log of the request's answer on the chain, None while there
    is none: the signers are then those of now. `told` are the scores that stand beside it there.
    """

    request: AssessmentRequest
    given: GivenAnswer
    block_hash: str | None = None
    logged: Scores | None = None
    told: Mapping[str, Any] | None = None


async def claims_of(w3: AsyncWeb3[AsyncHTTPProvider], oracle: OracleContract, answer: Answer) -> AsyncIterator[Claim]:
    """Yield the claims that chain data decide: request, block, signatures, model, proof, scores."""
    yield _request(answer)
    yield _block(answer)
    yield await _signatures(oracle, answer)
    report = answer.given.report
    model = await (await oracle.registry()).model(report.model_id)
    if model.state in (ModelState.NONE, ModelState.PROPOSED):
        text = f"0x{report.model_id.hex()} is {model.state.name.lower()} in the registry: nobody activated it"
        for name in ("model", "proof", "scores"):
            yield Claim(name, False, text)
        return
    yield await _model(w3, report.model_id, model)
    try:
        answer = replace(answer, given=with_row(answer.given, model))
    except ValueError as error:
        for name in ("proof", "scores"):
            yield Claim(name, False, str(error))
        return
    yield await _proof(w3, answer, model)
    yield _scores(answer, model)


def _request(answer: Answer) -> Claim:
    same = answer.given.request_hash == request_hash(answer.request)
    user, number = answer.request.user, answer.request.request_id
    if answer.given.report.request_id != number:
        return Claim("request", False, f"the report answers request {answer.given.report.request_id}, not {number}")
    text = f"it answers request {number} of {user}, as the chain logged it"
    return Claim(
        "request", same, text if same else f"what was handed in is not request {number} as the chain logged it"
    )


def _block(answer: Answer) -> Claim:
    report, asked = answer.given.report, answer.request.block
    if (report.block_number, report.block_hash) == (asked.number, asked.hash):
        return Claim("block", True, f"the report is of block {asked.number}, {asked.hash}, in which it was asked")
    said = f"the report is of block {report.block_number}, {report.block_hash}"
    return Claim("block", False, f"{said}; it was asked in {asked.number}, {asked.hash}")


async def _signatures(oracle: OracleContract, answer: Answer) -> Claim:
    try:
        registered, threshold, digest = await oracle.signers(answer.block_hash)
    except (NoAnswer, BlockUnavailable) as error:
        return Claim("signatures", None, f"the endpoint does not say who signed then: {error}")
    message = encode_typed_data(full_message=message_of(oracle, answer, digest))
    signed = set()
    for number, signature in enumerate(answer.given.signatures, start=1):
        try:
            signer = to_address(Account.recover_message(message, signature=signature))
        except (BadSignature, ValidationError, ValueError) as error:
            return Claim("signatures", False, f"signature {number} is none: {error}")
        if signer not in registered:
            return Claim(
                "signatures", False, f"signature {number} is of {signer}, who was no signer, or of another report"
            )
        signed.add(signer)
    if len(signed) < threshold:
        return Claim("signatures", False, f"{len(signed)} of {len(registered)} signers signed, {threshold} must")
    return Claim(
        "signatures", True, f"signed by {', '.join(sorted(signed))}; {threshold} of {len(registered)} must sign"
    )


def message_of(oracle: OracleContract, answer: Answer, signer_set_digest: bytes) -> dict[str, Any]:
    """Return the EIP-712 message that the signers of an answer signed: over its report, or over its whole batch."""
    given = answer.given
    if given.shared is None:
        return oracle.report_message(answer.request, given.report, signer_set_digest)
    return oracle.batch_message(given.shared.request_hashes, given.shared.batch, signer_set_digest)


def instances_of(answer: Answer) -> tuple[int, ...]:
    """Return the public instances that the proof of an answer must show."""
    given = answer.given
    if given.shared is not None:
        return given.shared.batch.words
    if given.report.feature_commitment is None:
        raise ValueError("the report of a committed statement has no feature commitment")
    outputs = (one % FIELD_MODULUS for one in given.report.outputs)
    return (given.report.feature_commitment, answer.request.data_commitment, *outputs)


async def _model(w3: AsyncWeb3[AsyncHTTPProvider], model_id: bytes, model: RegisteredModel) -> Claim:
    with endpoint_faults():
        code = bytes(await w3.eth.get_code(w3.to_checksum_address(model.verifier)))
    if keccak(code) != model.verifier_code_hash:
        return Claim("model", False, f"the code at its verifier {model.verifier} is not what was registered")
    state = model.state.name.lower()
    return Claim("model", True, f"0x{model_id.hex()} is {state}; its verifier {model.verifier} has the registered code")


async def _proof(w3: AsyncWeb3[AsyncHTTPProvider], answer: Answer, model: RegisteredModel) -> Claim:
    holds = await takes_proof(w3, model.verifier, answer.given.proof, instances_of(answer))
    said = "takes" if holds else "refuses"
    if answer.given.shared is None:
        return Claim("proof", holds, f"the verifier {said} the proof for these commitments and outputs")
    if answer.request.data_commitment != model.neutral_commitment:
        return Claim("proof", False, "the request commits to private data, which are no part of an open statement")
    return Claim("proof", holds, f"the verifier {said} the proof for these features and outputs, all in the clear")


def _scores(answer: Answer, model: RegisteredModel) -> Claim:
    try:
        scores = decode_outputs(answer.given.report.outputs, model.output_scales)
    except ValueError as error:
        return Claim("scores", False, str(error))
    text = (
        f"{scores.category.name.lower()} risk, score {scores.score_bps / 100:g}, default "
        f"{scores.probability_of_default_bps / 100:g} %, fraud {scores.fraud_likelihood_bps / 100:g} %"
    )
    if answer.told is not None and answer.told != told_scores(scores):
        return Claim("scores", False, f"other scores are told beside it than its outputs decode to: {text}")
    if answer.logged is None:
        return Claim("scores", True, f"{text}; not on the chain yet")
    if answer.logged != scores:
        differing = [name for name, value in asdict(scores).items() if value != getattr(answer.logged, name)]
        return Claim("scores", False, f"the contract logged others than the outputs say: {', '.join(differing)}")
    return Claim("scores", True, f"{text}, as the contract logged")


def features_claim(report: Report, commitment: int, words: tuple[int, ...], table: Mapping[str, Any]) -> Claim:
    """Return what recomputed features say of an answer's report: `commitment` and `words` are theirs."""
    if report.feature_commitment is None and report.feature_words == words:
        return Claim("features", True, f"recomputed at the block, to the very words; history table {table['hash']}")
    if report.feature_commitment == commitment:
        return Claim(
            "features", True, f"recomputed at the block, to the committed bytes; history table {table['hash']}"
        )
    other = "" if table["same"] is not False else ", which is not the published one: read by that with --table"
    if report.feature_commitment is None:
        found, said = ", ".join(map(hex, words)), ", ".join(map(hex, report.feature_words))
        text = f"recomputed they give the words {found}, the answer has {said}"
    else:
        text = f"recomputed they give commitment {commitment}, the report says {report.feature_commitment}"
    return Claim("features", False, f"{text}; history table {table['hash']}{other}")
