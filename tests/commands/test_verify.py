"""`risk-oracle verify` with words that name nothing: each is refused in a line, before anything is asked."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from oracle.assessment.errors import OracleError
from oracle.cli import app

NOWHERE = "http://127.0.0.1:1"
ORACLE = "0x" + "11" * 20


def refused(what: str, rpc: str = NOWHERE, oracle: str = ORACLE) -> str:
    result = CliRunner().invoke(app, ["verify", what, "--rpc", rpc, "--oracle", oracle])
    assert isinstance(result.exception, OracleError), repr(result.exception)
    said = str(result.exception)
    assert len(said) < 500
    return said


@pytest.mark.parametrize("oracle", ["0x123", "", "vitalik.eth"])
def test_verify__of_no_contract__says_what_an_address_is(oracle: str) -> None:
    assert "--oracle" in refused("3", oracle=oracle)


@pytest.mark.parametrize("rpc", ["", "ws://127.0.0.1:1", "nonsense", "file:///etc/passwd"])
def test_verify__at_no_endpoint__says_what_one_is(rpc: str) -> None:
    assert "--rpc" in refused("3", rpc=rpc)


@pytest.fixture
def _chain(monkeypatch: pytest.MonkeyPatch) -> None:
    async def one(_: str) -> int:
        return 1

    monkeypatch.setattr("oracle.chain.rpc.chain_id_at", one)


@pytest.mark.usefixtures("_chain")
@pytest.mark.parametrize("what", ["9" * 78, "9" * 5_000, "\u0663"])
def test_verify__of_a_number_that_is_no_id__says_what_one_is(what: str) -> None:
    assert "is no request's id" in refused(what)


@pytest.mark.usefixtures("_chain")
@pytest.mark.parametrize(
    "given", ["9" * 5_000, "x" * 100_000, str(2**256), "-1", "1e3", "", -3, 3.0, True, None, [1] * 9_999, {"a": 1}]
)
def test_verify__of_a_file_without_an_id__names_the_field(tmp_path: Path, given: object) -> None:
    path = tmp_path / "answer.json"
    path.write_text(json.dumps({"request_id": given, "calldata": "0x"}))
    assert "request_id" in refused(str(path))
