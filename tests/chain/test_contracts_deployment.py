"""The deployment script on a local chain: complete, and idempotent."""

import asyncio
import json
import os
import shutil
import sys
import tomllib
from collections.abc import Iterator

import pytest

from oracle.devnet.machinery.accounts import ETHER, Transactor, named_account
from oracle.devnet.machinery.anvil import Anvil
from oracle.devnet.machinery.artifacts import aave_v3, project
from oracle.devnet.machinery.node import REPOSITORY

DEPLOYMENT = f"test-{os.getpid()}"
RECORDS = REPOSITORY / "hardhat" / "ignition" / "deployments" / DEPLOYMENT
OUT = REPOSITORY / "build" / "deployment"


@pytest.fixture(autouse=True)
def _no_records_left() -> Iterator[None]:
    yield
    shutil.rmtree(RECORDS, ignore_errors=True)
    for path in OUT.glob(f"{DEPLOYMENT}.*"):
        path.unlink()


async def _deploy(chain: Anvil, *arguments: str) -> tuple[int, str]:
    deployer = named_account("deployer").address
    required = ("local", "--signer", deployer, "--payee", deployer, "--deployment-id", DEPLOYMENT)
    return await _run(chain, "deploy.py", *required, *arguments)


async def _token_and_feed(chain: Anvil) -> tuple[str, str]:
    """A real ERC-20 and a real price feed: what a token pool is deployed for."""
    owner = named_account("token owner")
    await chain.set_balance(owner.address, 1_000 * ETHER)
    transactor = Transactor(chain)
    token = await transactor.deploy(owner, aave_v3("mocks/tokens/MintableERC20"), "Dollar", "USD", 6)
    feed = await transactor.deploy(owner, project("PriceFeed"), "ETH / USD", 2_000 * 10**8)
    return token.address, feed.address


async def _run(chain: Anvil, script: str, *arguments: str) -> tuple[int, str]:
    deployer = named_account("deployer")
    environment = os.environ | {
        "RISK_ORACLE_RPC_URL": chain.rpc_url,
        "RISK_ORACLE_DEPLOYER_KEY": "0x" + bytes(deployer.key).hex(),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(REPOSITORY / "hardhat" / "scripts" / script),
        *arguments,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


async def test_deploy__when_run_twice__then_the_model_is_active_and_the_second_run_sends_nothing() -> None:
    async with Anvil() as chain:
        await chain.set_balance(named_account("deployer").address, 1_000 * ETHER)
        token, feed = await _token_and_feed(chain)
        arguments = ("--activate", "--asset", token, "--price-feed", feed)
        code, output = await _deploy(chain, *arguments)
        assert code == 0, output
        addresses = json.loads((RECORDS / "deployed_addresses.json").read_text())
        registry = project("ModelRegistry").at(addresses["RiskOracle#ModelRegistry"])
        primary = await chain.rpc(
            "eth_call", {"to": registry.address, "data": registry.encode("primaryModel")}, "latest"
        )
        assert int(primary, 16) != 0
        settings = tomllib.loads((OUT / f"{DEPLOYMENT}.toml").read_text())["chain"]
        assert settings["oracle"] == addresses["RiskOracle#AIRiskOracle"]
        for block, deployed in ((settings["start_block"], True), (settings["start_block"] - 1, False)):
            code = await chain.rpc("eth_getCode", settings["oracle"], hex(block))
            assert (code != "0x") == deployed

        height = await chain.block_number()
        code, output = await _deploy(chain, *arguments)
        assert code == 0, output
        assert await chain.block_number() == height

        pool = project("TokenLender").at(addresses["TokenLender#TokenLender"])
        asset = await chain.rpc("eth_call", {"to": pool.address, "data": pool.encode("asset")}, "latest")
        assert int(asset, 16) == int(token, 16)


async def test_deploy__when_run_again_after_the_node_forgot_old_states__then_the_settings_still_say_the_block() -> None:
    async with Anvil(states_in_memory=2) as chain:
        await chain.set_balance(named_account("deployer").address, 1_000 * ETHER)
        code, output = await _deploy(chain)
        assert code == 0, output
        settings = (OUT / f"{DEPLOYMENT}.toml").read_text()
        (OUT / f"{DEPLOYMENT}.toml").unlink()
        await chain.mine(200)
        code, output = await _deploy(chain)
        assert code == 0, output
        assert (OUT / f"{DEPLOYMENT}.toml").read_text() == settings


async def test_deploy__when_a_token_comes_without_its_price__then_it_is_refused_before_anything_is_sent() -> None:
    async with Anvil() as chain:
        code, output = await _deploy(chain, "--asset", named_account("token").address)
        assert code != 0
        assert "--price-feed" in output
        assert await chain.block_number() == 0


async def test_deploy__when_the_deployer_has_no_coins__then_it_says_so_and_a_later_run_goes_on() -> None:
    async with Anvil() as chain:
        code, output = await _deploy(chain)
        assert code != 0
        assert "run this again" in output
        await chain.set_balance(named_account("deployer").address, 1_000 * ETHER)
        code, output = await _deploy(chain)
        assert code == 0, output
