"""`risk-oracle contracts check` against real contracts: it needs no Node, and sees a single changed byte."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from web3 import Web3

from oracle.devnet.anvil import Anvil
from oracle.devnet.artifacts import Deployed, project, verifier
from oracle.devnet.processes import DevnetError
from oracle.models.registry import load
from tests.chain.oracle_on_chain import OracleOnChain, oracle_on

DAY = 86_400
POLICY = (7_000, 2_000, 0, 9_000, 3_000, 800, 365 * DAY, 7 * DAY)
MODEL = load("credit-v1")


@pytest_asyncio.fixture
async def oracle() -> AsyncIterator[OracleOnChain]:
    async with Anvil() as chain, oracle_on(chain) as deployed:
        yield deployed


async def _register(oracle: OracleOnChain, checker: Deployed) -> None:
    code = await oracle.chain.rpc("eth_getCode", checker.address, "latest")
    spec = (checker.address, Web3.keccak(hexstr=code), MODEL.feature_spec_hash, MODEL.neutral_commitment)
    scales = bytes(MODEL.output_scales).ljust(32, b"\0")
    await oracle.transactor.call(oracle.owner, oracle.registry, "propose", MODEL.model_id, (*spec, scales, 1))


async def _verifier(oracle: OracleOnChain) -> Deployed:
    try:
        return await oracle.transactor.deploy(oracle.owner, verifier(MODEL.name))
    except DevnetError as error:
        pytest.skip(f"the verifier is not compiled: {error}")


async def _check(oracle: OracleOnChain, folder: Path, *lenders: str, chain_id: int | None = None) -> tuple[int, str]:
    file = folder / "check.toml"
    file.write_text(
        f'[chain]\nrpc_url = "{oracle.chain.rpc_url}"\nchain_id = {chain_id or oracle.chain.chain_id}\n'
        f'oracle = "{oracle.deployed.address}"\n[history]\ncoin_price_feed = "0x{"11" * 20}"\n'
        + "".join(f'[[history.lenders]]\nname = "lender"\naddress = "{lender}"\n' for lender in lenders)
    )
    command = [str(Path(sys.executable).with_name("risk-oracle")), "contracts", "check", "--config", str(file)]
    child = await asyncio.create_subprocess_exec(
        *command, env={"PATH": "/nowhere"}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await child.communicate()
    return child.returncode or 0, said.decode()


def _line(said: str, address: str) -> str:
    return next(line for line in said.splitlines() if address.lower() in line.lower())


async def test_check__when_all_is_as_released__then_each_contract_is_named_as_the_same(
    oracle: OracleOnChain, tmp_path: Path
) -> None:
    checker = await _verifier(oracle)
    await _register(oracle, checker)
    lending = await oracle.transactor.deploy(
        oracle.owner, project("SmartLending"), oracle.manager.address, oracle.deployed.address, POLICY
    )
    code, said = await _check(oracle, tmp_path, lending.address, oracle.manager.address)
    assert code == 0, said
    for contract in (oracle.deployed, oracle.registry, checker, lending):
        assert _line(said, contract.address).startswith("same "), said
    assert "and as built" in _line(said, checker.address)
    # A lender of somebody else is no fault.
    assert _line(said, oracle.manager.address).startswith("foreign ")


async def test_check__when_one_byte_of_the_oracle_differs__then_it_says_so(
    oracle: OracleOnChain, tmp_path: Path
) -> None:
    await _register(oracle, await _verifier(oracle))
    code = await oracle.chain.rpc("eth_getCode", oracle.deployed.address, "latest")
    changed = code[:-2] + f"{int(code[-2:], 16) ^ 1:02x}"
    await oracle.chain.rpc("anvil_setCode", oracle.deployed.address, changed)
    exit_code, said = await _check(oracle, tmp_path)
    assert exit_code == 1, said
    assert _line(said, oracle.deployed.address).startswith("DIFFERENT")
    assert _line(said, oracle.registry.address).startswith("same ")


async def test_check__when_the_verifier_says_yes_to_all__then_it_says_so(oracle: OracleOnChain, tmp_path: Path) -> None:
    checker = await _verifier(oracle)
    await oracle.chain.rpc("anvil_setCode", checker.address, "0x60015f5260205ff3")
    # Registered with the hash of the code that is there: only the build tells that it is another.
    await _register(oracle, checker)
    code, said = await _check(oracle, tmp_path)
    assert code == 1, said
    assert _line(said, checker.address).startswith("DIFFERENT")
    assert "as registered, but not as built" in said


async def test_check__when_the_model_is_not_registered__then_it_says_so(oracle: OracleOnChain, tmp_path: Path) -> None:
    code, said = await _check(oracle, tmp_path)
    assert code == 1, said
    assert "is not in the registry" in said


async def test_check__when_chain_or_address_are_wrong__then_one_message_says_so(
    oracle: OracleOnChain, tmp_path: Path
) -> None:
    code, said = await _check(oracle, tmp_path, chain_id=oracle.chain.chain_id + 1)
    assert code == 2, said
    assert "chain_id" in said
    assert "Traceback" not in said
    await oracle.chain.rpc("anvil_setCode", oracle.deployed.address, "0x")
    code, said = await _check(oracle, tmp_path)
    assert code == 2, said
    assert "there is no contract at" in said
    await oracle.chain.rpc("anvil_setCode", oracle.deployed.address, "0x60015f5260205ff3")
    code, said = await _check(oracle, tmp_path)
    assert code == 2, said
    assert "DIFFERENT" in said
    assert "Traceback" not in said
