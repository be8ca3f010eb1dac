"""The deployment of the contracts on a local chain: complete, and idempotent."""

import asyncio
from pathlib import Path

import pytest
from web3 import Web3

from oracle.devnet.machinery.accounts import ETHER, Transactor, named_account
from oracle.devnet.machinery.anvil import Anvil
from oracle.devnet.machinery.artifacts import Artifact, aave_v3, project
from tests.support.deploying import SETTINGS, Operator


@pytest.fixture
async def operator(chain: Anvil, tmp_path: Path) -> Operator:
    """An operator with coins on a development chain."""
    operator = Operator(chain, tmp_path)
    await operator.fund()
    return operator


async def _token_and_feed(chain: Anvil) -> tuple[str, str]:
    """A real ERC-20 and a real price feed: what a token pool is deployed for."""
    owner = named_account("token owner")
    await chain.set_balance(owner.address, 1_000 * ETHER)
    transactor = Transactor(chain)
    token = await transactor.deploy(owner, aave_v3("mocks/tokens/MintableERC20"), "Dollar", "USD", 6)
    feed = await transactor.deploy(owner, project("PriceFeed"), "ETH / USD", 2_000 * 10**8)
    return token.address, feed.address


async def _ask(chain: Anvil, artifact: Artifact, address: str, view: str) -> int:
    deployed = artifact.at(address)
    return int(await chain.rpc("eth_call", {"to": deployed.address, "data": deployed.encode(view)}, "latest"), 16)


async def test_deploy__when_run_twice__then_the_model_is_active_and_the_second_run_sends_nothing(
    operator: Operator,
) -> None:
    chain = operator.chain
    token, feed = await _token_and_feed(chain)
    arguments = ("--lender", "--asset", token, "--price-feed", feed)
    done = await operator.deploy(*arguments)
    assert done.code == 0, done.said
    addresses, records = operator.addresses, operator.records
    assert await _ask(chain, project("ModelRegistry"), addresses["ModelRegistry"], "primaryModel") != 0
    settings = operator.settings["chain"]
    assert settings["oracle"] == Web3.to_checksum_address(addresses["AIRiskOracle"])
    for block, deployed in ((settings["start_block"], True), (settings["start_block"] - 1, False)):
        code = await chain.rpc("eth_getCode", settings["oracle"], hex(block))
        assert (code != "0x") == deployed

    height = await chain.block_number()
    written = (operator.folder / SETTINGS).read_text()
    again = await operator.deploy(*arguments)
    assert again.code == 0, again.said
    assert await chain.block_number() == height
    assert operator.records == records
    assert (operator.folder / SETTINGS).read_text() == written
    assert not (operator.folder / f"{SETTINGS}.new").exists()

    assert await _ask(chain, project("TokenLender"), addresses["TokenLender"], "asset") == int(token, 16)
    for name in ("SmartLending", "TokenLender"):
        assert await _ask(chain, project(name), addresses[name], "oracle") == int(addresses["AIRiskOracle"], 16)
        accepted = await _ask(chain, project(name), addresses[name], "acceptedIssuers")
        assert accepted == int(addresses["AcceptedIssuers"], 16)
    registry = await _ask(chain, project("AcceptedIssuers"), addresses["AcceptedIssuers"], "registry")
    assert registry == int(addresses["IssuerRegistry"], 16)


async def test_deploy__when_run_again_after_the_node_forgot_old_states__then_the_settings_still_say_the_block(
    tmp_path: Path,
) -> None:
    async with Anvil(states_in_memory=2) as chain:
        operator = Operator(chain, tmp_path)
        await operator.fund()
        done = await operator.deploy()
        assert done.code == 0, done.said
        settings = (tmp_path / SETTINGS).read_text()
        (tmp_path / SETTINGS).unlink()
        await chain.mine(200)
        done = await operator.deploy()
        assert done.code == 0, done.said
        assert (tmp_path / SETTINGS).read_text() == settings


async def test_deploy__when_a_token_comes_without_its_price__then_it_is_refused_before_anything_is_sent(
    operator: Operator,
) -> None:
    done = await operator.deploy("--asset", named_account("token").address)
    assert done.code == 2
    assert "--price-feed" in done.said
    assert await operator.chain.block_number() == 0


async def test_deploy__when_the_deployer_has_no_coins__then_it_says_so_and_a_later_run_goes_on(
    chain: Anvil, tmp_path: Path
) -> None:
    operator = Operator(chain, tmp_path)
    done = await operator.deploy()
    assert done.code == 2
    assert operator.deployer.address in done.said
    assert "run this again" in done.said
    await operator.fund()
    done = await operator.deploy()
    assert done.code == 0, done.said


async def test_deploy__when_the_coins_run_out_on_the_way__then_a_later_run_goes_on_to_the_same_addresses(
    operator: Operator,
) -> None:
    chain = operator.chain
    # Mined when the test says so: what is sent before the coins go is mined, what is sent after cannot be paid for.
    await chain.rpc("evm_setAutomine", False)
    running = asyncio.create_task(operator.deploy())
    for _ in ("AccessManager", "ModelRegistry"):
        while not (await chain.rpc("eth_getBlockByNumber", "pending", False))["transactions"]:
            if running.done():
                pytest.fail((await running).said)
            await asyncio.sleep(0.02)
        await chain.mine()
    await chain.set_balance(operator.deployer.address, 1)
    done = await running
    await chain.mine_every(1)
    assert done.code == 2
    assert "run this again" in done.said
    first = operator.addresses
    await operator.fund()
    done = await operator.deploy()
    assert done.code == 0, done.said
    assert first.items() <= operator.addresses.items()
