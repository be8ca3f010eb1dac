"""An answer of the running daemon, checked by a stranger who has an endpoint alone; and forged ones, each named."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from eth_account import Account
from eth_account.messages import encode_typed_data

from oracle.assessment.report import Report
from oracle.assessment.request import Address, AssessmentRequest
from oracle.assessment.states import State
from oracle.chain.contracts import OracleContract
from oracle.chain.rpc import connect
from oracle.devnet.machinery.accounts import named_account
from oracle.devnet.stack import Stack
from oracle.pipeline.answer import report_of
from oracle.store.requests import to_request
from oracle.store.tables import RequestRow
from tests.daemon.watching import ask, requests, until_state

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

_NAMES = ["request", "block", "signatures", "model", "proof", "scores", "features"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def answered(stack: Stack) -> AsyncIterator[RequestRow]:
    await stack.start_daemon()
    number = (await ask(stack, "verified")).request_id
    await until_state(stack, number, State.FINAL)
    stack.stop_daemons()
    yield (await requests(stack))[number]


@pytest.fixture(scope="module")
def table(stack: Stack) -> Path:
    path = stack.folder / "table.json"
    command = [*_risk_oracle(), "contracts", "history-table", "--out", str(path), "--config", str(stack.settings_file)]
    subprocess.run(command, check=True, capture_output=True)
    return path


def _risk_oracle() -> list[str]:
    return [str(Path(sys.executable).with_name("risk-oracle"))]


def run(stack: Stack, what: str, *options: str) -> subprocess.CompletedProcess[str]:
    where = ["--rpc", stack.chain.rpc_url, "--oracle", stack.contracts.oracle.address]
    return subprocess.run(
        [*_risk_oracle(), "verify", what, *where, *options], capture_output=True, text=True, check=False
    )


def verify(stack: Stack, what: str, *options: str) -> tuple[int, dict[str, tuple[Any, str]]]:
    """Return the exit code, and by name whether each claim holds and what was found."""
    ended = run(stack, what, "--json", *options)
    assert ended.returncode in (0, 1), ended.stderr
    claims = json.loads(ended.stdout)["claims"]
    return ended.returncode, {claim["name"]: (claim["holds"], claim["text"]) for claim in claims}


def failing(found: dict[str, tuple[Any, str]]) -> list[str]:
    return [name for name, (holds, _) in found.items() if holds is not True]


class Forger:
    """Writes files of answers; the operator's key signs whatever it is told to."""

    def __init__(self, stack: Stack, row: RequestRow) -> None:
        self.stack, self.request, self.report = stack, to_request(row), report_of(row)
        assert row.proof is not None
        self.proof, self.key = row.proof, named_account("operator").key

    async def write(
        self,
        *,
        request: AssessmentRequest | None = None,
        report: Report | None = None,
        proof: bytes | None = None,
        key: Any = None,
    ) -> str:
        w3 = connect(self.stack.chain.rpc_url, 30.0)
        oracle = OracleContract(w3, Address(self.stack.contracts.oracle.address.lower()), self.stack.chain.chain_id)
        try:
            _, _, digest = await oracle.signers()
        finally:
            await w3.provider.disconnect()
        request, report = request or self.request, report or self.report
        message = encode_typed_data(full_message=oracle.report_message(request, report, digest))
        signature = bytes(Account.sign_message(message, key or self.key).signature)
        calldata = oracle.answer(request, report, [signature], proof or self.proof)
        path = self.stack.folder / "answer.json"
        path.write_text(json.dumps({"request_id": str(self.request.request_id), "calldata": f"0x{calldata.hex()}"}))
        return str(path)


async def test_verify__of_an_answer_on_the_chain__finds_every_claim_true(
    stack: Stack, answered: RequestRow, table: Path
) -> None:
    code, found = verify(stack, str(answered.request_id), "--table", str(table))
    assert (code, list(found), failing(found)) == (0, _NAMES, [])
    assert "as the contract logged" in found["scores"][1]
    assert named_account("operator").address.lower() in found["signatures"][1]


async def test_verify__of_an_answer_in_a_file__says_what_does_not_hold(stack: Stack, answered: RequestRow) -> None:
    forger, report = Forger(stack, answered), report_of(answered)
    code, found = verify(stack, await forger.write(), "--no-features")
    assert (code, failing(found)) == (0, [])

    def but(**changes: Any) -> Report:
        fields = {name: getattr(report, name) for name in Report.__slots__} | changes
        return Report(**fields)

    better = (*report.outputs[:3], report.outputs[3] + 1, *report.outputs[4:])
    broken = bytes([*forger.proof[:-1], forger.proof[-1] ^ 1])
    for changed, failed in (
        ({"key": named_account("stranger").key}, ["signatures"]),
        ({"report": but(outputs=better)}, ["proof"]),
        ({"report": but(feature_commitment=report.feature_commitment + 1)}, ["proof"]),
        ({"proof": broken}, ["proof"]),
        ({"report": but(block_number=report.block_number - 1)}, ["block"]),
        ({"report": but(block_hash="0x" + "17" * 32)}, ["block"]),
        ({"report": but(model_id=b"\x17" * 32)}, ["model", "proof", "scores"]),
    ):
        code, found = verify(stack, await forger.write(**changed), "--no-features")
        assert (code, failing(found)) == (1, failed), changed


async def test_verify__when_the_wallet_read_is_another__finds_the_features_false(
    stack: Stack, answered: RequestRow, table: Path
) -> None:
    forger = Forger(stack, answered)
    report = Report(**{name: getattr(forger.report, name) for name in Report.__slots__} | {"feature_commitment": 17})
    code, found = verify(stack, await forger.write(report=report), "--table", str(table))
    assert (code, failing(found)) == (1, ["proof", "features"])


async def test_verify__of_what_is_no_answer__is_refused_in_words(stack: Stack, answered: RequestRow) -> None:
    path = stack.folder / "nonsense.json"
    number = str(answered.request_id)
    for text, said in (
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        (json.dumps({"request_id": "-1", "calldata": "0x"}), "request_id"),
        (json.dumps({"request_id": number, "calldata": "0xzz"}), "calldata"),
        (json.dumps({"request_id": number, "calldata": "0x12345678"}), "hands in no answer"),
        (json.dumps({"request_id": "999", "calldata": "0x"}), "logged no request 999"),
    ):
        path.write_text(text)
        ended = run(stack, str(path))
        assert ended.returncode == 2, ended.stderr
        assert said in ended.stderr
        assert "Traceback" not in ended.stderr
