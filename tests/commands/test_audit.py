"""`risk-oracle features`: the same bytes twice, and from different endpoints; no key is needed to check an answer."""

import asyncio
import hashlib
import json
import sys
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from oracle.assessment.canonical import history_hash, plain
from oracle.assessment.engineering import engineer
from oracle.assessment.features import FEATURES
from oracle.assessment.request import NATIVE_COIN, LoanTerms
from oracle.devnet.machinery.accounts import named_account
from oracle.history.collect import collect_history
from oracle.history.configuration import AttestationSchema
from oracle.proving.commitment import commit_chain
from tests.history.test_wallets import connected
from tests.support.faulty_node import FaultyNode, honest
from tests.support.played import Played

pytestmark = pytest.mark.asyncio(loop_scope="session")


def _settings(played: Played, url: str, folder: Path, **history: int) -> Path:
    one, loans = played.configuration.aave_v3[0], played.configuration.term_lenders[0]
    file = folder / "audit.toml"
    file.write_text(
        f"""
[chain]
rpc_url = "{url}"
chain_id = {played.chain.chain_id}
oracle = "0x{"11" * 20}"

[history]
coin_price_feed = "{played.configuration.coin_price_feed.address}"
ens_registry = "{played.configuration.ens_registry}"
{chr(10).join(f"{key} = {value}" for key, value in history.items())}

[[history.aave_v3]]
addresses_provider = "{one.addresses_provider}"
pool = "{one.pool}"
start_block = {one.start_block}

[[history.lenders]]
name = "{loans.name}"
address = "{loans.address}"
start_block = {loans.start_block}

{chr(10).join(_attestations(one) for one in played.configuration.attestations)}
"""
    )
    return file


def _attestations(one: AttestationSchema) -> str:
    values = {"schema_uid" if name == "schema" else name: value for name, value in asdict(one).items()}
    return "\n".join(["[[history.attestations]]", *(f"{name} = {_toml(value)}" for name, value in values.items())])


def _toml(value: Any) -> str:
    return json.dumps(list(value) if isinstance(value, tuple) else value)


async def _features(file: Path, wallet: str, block: int, *more: str) -> tuple[int, bytes, str]:
    command = [str(Path(sys.executable).with_name("risk-oracle")), "features", "--config", str(file)]
    command += ["--address", wallet, "--block", str(block), *more]
    child = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    said, complained = await child.communicate()
    return child.returncode or 0, said, complained.decode()


async def test_features__when_read_from_two_endpoints__then_same_bytes(played: Played, tmp_path: Path) -> None:
    wallet, at = played.wallet("edge"), played.blocks["crash"]
    code, first, complained = await _features(
        _settings(played, played.chain.rpc_url, tmp_path), wallet, at.number, "--json"
    )
    assert code == 0, complained
    async with FaultyNode(played.chain.rpc_url, honest) as node:
        other = _settings(played, node.url, tmp_path, log_range=37)
        assert (await _features(other, wallet, at.number, "--json"))[1] == first
        assert node.calls["eth_getLogs"] > 3


async def test_features__then_history_features_and_commitment_are_the_daemons(played: Played, tmp_path: Path) -> None:
    wallet, at = played.wallet("liquidated"), played.blocks["end"]
    loan = ("--principal", str(3 * 10**18), "--collateral", str(5 * 10**18), "--days", "10", "--json")
    file = _settings(played, played.chain.rpc_url, tmp_path)
    code, said, complained = await _features(file, wallet, at.number, *loan)
    assert code == 0, complained
    found: dict[str, Any] = json.loads(said)
    async with connected(played.chain.rpc_url) as web3:
        history = await collect_history(web3, played.configuration, wallet, at)
    vector = engineer(history, LoanTerms(NATIVE_COIN, 3 * 10**18, NATIVE_COIN, 5 * 10**18, 864_000))
    assert [found["features"][feature.name]["encoded"] for feature in FEATURES] == list(vector.encoded)
    assert found["feature_commitment"] == str(commit_chain(vector.encoded))
    assert found["history_hash"] == history_hash(json.loads(found["history_encoding"]))
    assert found["history"]["lending"]["liquidation_count"] == 2


async def test_features__when_others_attested_of_the_wallet__then_it_is_counted_as_the_daemon_does(
    played: Played, tmp_path: Path
) -> None:
    wallet, at = played.wallet("careful"), played.blocks["end"]
    file = _settings(played, played.chain.rpc_url, tmp_path)
    code, said, complained = await _features(file, wallet, at.number, "--json")
    assert code == 0, complained
    found: dict[str, Any] = json.loads(said)
    assert found["history"]["social"]["verifications"] == ["developer", "ens", "personhood"]
    assert Decimal(found["features"]["verification_count"]["value"]) == 3
    async with connected(played.chain.rpc_url) as web3:
        history = await collect_history(web3, played.configuration, wallet, at)
    assert found["history_hash"] == history_hash(plain(history))


async def test_features__when_asked_for_people__then_lines(played: Played, tmp_path: Path) -> None:
    file = _settings(played, played.chain.rpc_url, tmp_path)
    code, said, _ = await _features(file, played.wallet("edge"), played.blocks["end"].number)
    assert code == 0
    assert "history hash 0x" in said.decode()
    assert "health_factor" in said.decode()


async def test_features__when_block_is_not_there__then_exit_code_2_and_says_so(played: Played, tmp_path: Path) -> None:
    file = _settings(played, played.chain.rpc_url, tmp_path)
    code, said, complained = await _features(file, played.wallet("edge"), 10**7, "--json")
    assert (code, said) == (2, b"")
    assert "does not serve block 10000000" in complained


async def _said(*arguments: str) -> tuple[int, bytes, str]:
    command = [str(Path(sys.executable).with_name("risk-oracle")), *arguments]
    child = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    said, complained = await child.communicate()
    return child.returncode or 0, said, complained.decode()


def _of_the_oracle(played: Played, folder: Path) -> Path:
    settings = _settings(played, played.chain.rpc_url, folder)
    settings.write_text(settings.read_text().replace(f"0x{'11' * 20}", str(played.lender.oracle.address)))
    return settings


async def test_request__when_read_with_an_endpoint_and_the_table_alone__then_its_wallet_block_and_terms(
    played: Played, tmp_path: Path
) -> None:
    settings, table = _settings(played, played.chain.rpc_url, tmp_path), tmp_path / "table.json"
    code, said, complained = await _said("contracts", "history-table", "--config", str(settings), "--out", str(table))
    assert code == 0, complained
    assert said.decode().strip() == "0x" + hashlib.sha256(table.read_bytes()).hexdigest()
    alone = (
        "--rpc",
        played.chain.rpc_url,
        "--oracle",
        str(played.lender.oracle.address),
        "--table",
        str(table),
        "--json",
    )
    code, answer, complained = await _said("features", "--request", "1", *alone)
    assert code == 0, complained
    found = json.loads(answer)
    block, terms = found["history"]["block"]["number"], found["terms"]
    assert found["request"]["id"] == 1
    wallet, at = found["history"]["wallet"], await played.block(block)
    async with connected(played.chain.rpc_url) as web3:
        history = await collect_history(web3, played.configuration, wallet, at)
    assert str(commit_chain(engineer(history, LoanTerms(**terms)).encoded)) == found["feature_commitment"]
    assert int(found["feature_commitment_hex"], 16) == int(found["feature_commitment"])
    assert found["history_table"] == {"hash": said.decode().strip(), "published": None, "uri": None, "same": None}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--request", "999999"), "logged no request 999999"),
        (("--request", "1", "--block", "2"), "--request names wallet and block itself"),
        ((), "name what to read"),
    ],
)
async def test_features__when_it_is_not_said_what_to_read__then_a_sentence(
    played: Played, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    code, _, complained = await _said("features", "--config", str(_of_the_oracle(played, tmp_path)), *arguments)
    assert code == 2
    assert message in complained
    assert "Traceback" not in complained


async def test_table__when_another_is_published__then_features_say_so(played: Played, tmp_path: Path) -> None:
    settings, key = _of_the_oracle(played, tmp_path), tmp_path / "governor.key"
    key.write_text(named_account("owner").key.hex())
    key.chmod(0o600)
    wallet, block = played.wallet("edge"), played.blocks["end"].number
    snapshot = await played.chain.snapshot()
    publish = ("models", "publish-history-table", "--config", str(settings), "--key-file", str(key), "--uri")
    try:
        code, _, complained = await _said(*publish, "https://oracle.example/table.json")
        assert code == 0, complained
        code, said, complained = await _features(settings, wallet, block)
        assert code == 0, complained
        assert "the published one (https://oracle.example/table.json)" in said.decode()
        another = f'[[history.lenders]]\nname = "another"\naddress = "{played.configuration.coin_price_feed.address}"\n'
        settings.write_text(f"{settings.read_text()}\n{another}")
        code, said, complained = await _features(settings, wallet, block)
        assert code == 0, complained
        assert "is NOT the published one" in said.decode()
    finally:
        await played.chain.revert(snapshot)
