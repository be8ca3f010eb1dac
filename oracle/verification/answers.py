"""Where an answer is taken from: the chain's log and the transaction that it stands in, or a call somebody holds."""

from dataclasses import replace

from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.exceptions import TransactionNotFound

from oracle.assessment.errors import HistoryIncomplete, InvalidRequest
from oracle.assessment.request import AssessmentRequest
from oracle.chain import rpc
from oracle.chain.answers import ANSWERED_TOPIC, GivenAnswer, answers_in, logged_scores
from oracle.chain.contracts import OracleContract, RequestState
from oracle.history.reading.logs import Log, read_logs
from oracle.history.reading.reader import ChainReader
from oracle.verification.claims import Answer


async def answer_on_chain(
    w3: AsyncWeb3[AsyncHTTPProvider], oracle: OracleContract, request: AssessmentRequest, log_range: int
) -> Answer:
    """Return the answer that the chain has of a request, from its log and the calldata of its transaction.

    Raises InvalidRequest where there is none, or where another contract handed it in, whose call says nothing of it.
    """
    number = request.request_id
    state = await oracle.state_of(number)
    if state is not RequestState.ANSWERED:
        raise InvalidRequest(f"request {number} is {state.name.lower()}: there is no answer of it on the chain")
    log = await _log(w3, oracle, request, log_range)
    if log is None or log.transaction_hash is None:
        raise HistoryIncomplete(f"request {number} is answered, but the endpoint has no log of it: ask another one")
    try:
        with rpc.endpoint_faults():
            transaction = await w3.eth.get_transaction(log.transaction_hash)  # type: ignore[arg-type]
    except TransactionNotFound as error:
        raise HistoryIncomplete(f"the endpoint does not have {log.transaction_hash}: ask another one") from error
    given = _one(request, bytes(transaction["input"]))
    mined = await rpc.block_ref(w3, log.block_number)
    return Answer(request, given, mined.hash, logged_scores(log.data))


def answer_of_calldata(request: AssessmentRequest, calldata: bytes) -> Answer:
    """Return an answer that is not on the chain yet; raises InvalidRequest for other calldata, or another request's."""
    return Answer(request, _one(request, calldata))


async def placed(w3: AsyncWeb3[AsyncHTTPProvider], oracle: OracleContract, answer: Answer, log_range: int) -> Answer:
    """Return an answer that somebody holds with what the chain has of its request: the signers' block, the scores."""
    if await oracle.state_of(answer.request.request_id) is not RequestState.ANSWERED:
        return answer
    log = await _log(w3, oracle, answer.request, log_range)
    if log is None:
        raise HistoryIncomplete(f"request {answer.request.request_id} is answered, but the endpoint has no log of it")
    mined = await rpc.block_ref(w3, log.block_number)
    return replace(answer, block_hash=mined.hash, logged=logged_scores(log.data))


def _one(request: AssessmentRequest, calldata: bytes) -> GivenAnswer:
    try:
        given = answers_in(calldata)
    except ValueError as error:
        raise InvalidRequest(f"no answer of request {request.request_id} can be read: {error}") from error
    for one in given:
        if one.report.request_id == request.request_id:
            return one
    raise InvalidRequest(f"the call answers {len(given)} requests, and request {request.request_id} is none of them")


async def _log(
    w3: AsyncWeb3[AsyncHTTPProvider], oracle: OracleContract, request: AssessmentRequest, log_range: int
) -> Log | None:
    head, reader = await rpc.block_ref(w3, "latest"), ChainReader(w3)
    topics = [ANSWERED_TOPIC, f"0x{request.request_id:064x}"]
    async for logs in read_logs(reader, [oracle.address], topics, request.block.number, head.number, log_range):
        for log in logs:
            return log
    return None
