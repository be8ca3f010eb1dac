"""A dishonest operator: its own key signs a better score than the proof shows, and the contract refuses."""

from dataclasses import replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from oracle.assessment.report import Report
from oracle.chain import rpc
from oracle.chain.contracts import OracleContract
from oracle.chain.reverts import explain_revert
from oracle.chain.signer import Signer
from oracle.devnet.machinery.anvil import RpcError
from oracle.devnet.stack import Stack
from oracle.pipeline.answer import report_of
from oracle.processes import ProgramError
from oracle.store import requests
from oracle.store.requests import to_request

_SCORE = 3
"""Place of the score among the circuit's outputs."""


async def tampered_answer_refused(
    stack: Stack, sessions: async_sessionmaker[AsyncSession], request_id: int
) -> tuple[str, str]:
    """Replay an answer at its request's block, once as it was and once with a better score, both properly signed.

    Returns what the contract said to each; raises ProgramError unless it took the first and refused the second.
    """
    settings = stack.settings
    w3 = rpc.connect(settings.chain.rpc_urls, settings.chain.request_timeout_seconds)
    try:
        oracle = OracleContract(w3, stack.oracle_address, stack.chain.chain_id)
        _, _, digest = await oracle.signers()
    finally:
        await w3.provider.disconnect()
    signer = Signer(settings.signer.key.get_secret_value())
    async with sessions() as session:
        row = await requests.find(session, stack.chain.chain_id, stack.oracle_address, request_id)
    request, honest, proof = to_request(row), report_of(row), row.proof or b""

    async def answer(report: Report) -> str | None:
        signature = signer.sign_message(oracle.report_message(request, report, digest))
        data = oracle.answer(request, report, [signature], proof)
        call = {"from": signer.address, "to": oracle.address, "data": "0x" + data.hex()}
        try:
            # At the request's own block it is still open, so nothing but the proof can stand in the way.
            await stack.chain.rpc("eth_call", call, hex(request.block.number))
        except RpcError as error:
            return str(explain_revert(_revert_data(error.payload)))
        return None

    outputs = list(honest.outputs)
    outputs[_SCORE] += 1 << stack.model.output_scales[_SCORE] >> 3
    refusal, truth = await answer(replace(honest, outputs=tuple(outputs))), await answer(honest)
    if truth is not None:
        raise ProgramError(f"the contract refused the true answer to request {request_id}: {truth}")
    if refusal is None:
        raise ProgramError(f"the contract took a tampered answer to request {request_id}")
    return "the true report is accepted", f"the report with 12.5 points more is refused: {refusal}"


def _revert_data(payload: dict[str, Any]) -> bytes:
    data = payload.get("data", "0x")
    return bytes.fromhex(data[2:]) if isinstance(data, str) else b""
