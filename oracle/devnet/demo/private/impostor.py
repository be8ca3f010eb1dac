"""Somebody who would rather be a better borrower: what they try, and what the contracts say."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp
from eth_account.signers.local import LocalAccount
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from oracle.assessment.report import Report
from oracle.assessment.request import to_address
from oracle.chain import rpc
from oracle.chain.contracts import OracleContract
from oracle.chain.signer import Signer
from oracle.devnet.demo.private.bank import Bank
from oracle.devnet.demo.private.desk import DAY_SECONDS, Ask, Desk, refused
from oracle.devnet.machinery.accounts import ETHER
from oracle.devnet.stack import Stack
from oracle.issuers.obtaining import Obtained
from oracle.passports.opening import commit, new_salt
from oracle.passports.passport import Passport
from oracle.proving.commitment import commit_chain
from oracle.proving.prover import Prover
from oracle.store import requests
from oracle.store.requests import to_request

_COIN: Final = "0x" + "00" * 20
_ASK: Final = Ask(2_000, 2, 30)
_COINS: Final = 10


@dataclass(frozen=True)
class Impostor:
    """Whoever it is; `victim` is a borrower whose papers fell into their hands."""

    account: LocalAccount
    victim: Obtained
    invented: Passport

    async def at_the_desk(self, desk: Desk, bank: Bank) -> AsyncIterator[tuple[str, str]]:
        """Yield what is tried at the lender, and the refusal; raises ProgramError where one is missing."""
        theirs, own = self.victim, commit(self.invented, new_salt())
        # Rich enough for collateral and fee: nothing but the papers may stand in the way.
        await desk.stack.chain.set_balance(to_address(self.account.address), _COINS * ETHER)
        yield (
            "another's commitment, with the paper that came with it",
            await desk.refusal(self.account, _ASK, theirs.opening.commitment, theirs.attestation),
        )
        yield (
            "an invented passport, under another's paper",
            await desk.refusal(self.account, _ASK, own.commitment, theirs.attestation),
        )
        yield "an invented passport, under no paper", await desk.refusal(self.account, _ASK, own.commitment, None)
        papers = await bank.issue(self.account)
        await bank.revoke(desk.stack, papers.opening.commitment)
        yield (
            "a paper that the bank has withdrawn",
            await desk.refusal(self.account, _ASK, papers.opening.commitment, papers.attestation),
        )

    async def with_another_history(
        self, stack: Stack, sessions: async_sessionmaker[AsyncSession], victims_features: tuple[int, ...]
    ) -> AsyncIterator[tuple[str, str]]:
        """Yield what is said to a proof of the invented passport over the victim's chain features."""
        own = commit(self.invented, new_salt())
        terms = (_COIN, ETHER, _COIN, 2 * ETHER, 30 * DAY_SECONDS)
        committed = own.commitment.to_bytes(32, "big")
        oracle, transactor = stack.contracts.oracle, stack.transactor
        await transactor.call(self.account, oracle, "requestAssessment", terms, committed, value=stack.lender.fee_wei)
        request_id = int(await transactor.read(oracle, "requestCount"))
        url = f"http://127.0.0.1:{stack.settings.web.port}/v1"
        own_features = await features_of(url, request_id)
        async with Prover(stack.model.directory, Path(stack.settings.model.keys or "")) as prover:
            proof = await prover.prove(victims_features, own.tensor)
        body = {"proof": f"0x{proof.proof.hex()}", "outputs": [str(value) for value in proof.outputs]}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{url}/passports/{request_id}/proof", json=body) as answer,
        ):
            yield "a proof over another's history, at the daemon", f"{answer.status}: {(await answer.json())['detail']}"
        yield (
            "the same, signed by an operator who looks away, at the contract",
            await _signed_anyway(stack, sessions, request_id, commit_chain(own_features), proof.proof, proof.outputs),
        )


async def features_of(url: str, request_id: int) -> tuple[int, ...]:
    """Return the encoded chain features that the daemon publishes of a request, once it has read them."""
    async with aiohttp.ClientSession() as session:
        while True:
            async with session.get(f"{url}/requests/{request_id}/features") as answer:
                told = await answer.json()
                if answer.status == 200:
                    return tuple(told["encoded"])
                await asyncio.sleep(float(answer.headers.get("Retry-After", "1")))


async def _signed_anyway(
    stack: Stack,
    sessions: async_sessionmaker[AsyncSession],
    request_id: int,
    feature_commitment: int,
    proof: bytes,
    outputs: tuple[int, ...],
) -> str:
    settings = stack.settings
    async with sessions() as session:
        row = await requests.find(session, stack.chain.chain_id, stack.oracle_address, request_id)
    request = to_request(row)
    at = request.block
    report = Report(request_id, stack.model.model_id, at.number, at.hash, feature_commitment, outputs)
    w3 = rpc.connect(settings.chain.rpc_urls, settings.chain.request_timeout_seconds)
    try:
        oracle = OracleContract(w3, stack.oracle_address, stack.chain.chain_id)
        _, _, digest = await oracle.signers()
    finally:
        await w3.provider.disconnect()
    signer = Signer(settings.signer.key.get_secret_value())
    signature = signer.sign_message(oracle.report_message(request, report, digest))
    data = oracle.answer(request, report, [signature], proof)
    call = {"from": signer.address, "to": oracle.address, "data": f"0x{data.hex()}"}
    return await refused(stack, call, hex(request.block.number))
