"""The local chain: its clock, its snapshots, its ports, and the real Aave on it."""

import os
from pathlib import Path

import pytest
from web3 import AsyncHTTPProvider, AsyncWeb3, WebSocketProvider

from oracle.devnet.machinery import node
from oracle.devnet.machinery.accounts import ETHER, Transactor, named_account
from oracle.devnet.machinery.anvil import Anvil, RpcError, free_port
from oracle.devnet.machinery.artifacts import aave_v3
from oracle.devnet.protocols.aave import RESERVES, deploy_aave
from oracle.processes import ProgramError


async def test_anvil__when_started_twice__then_two_chains_with_their_own_ids() -> None:
    async with Anvil(chain_id=1001) as first, Anvil(chain_id=1002) as second:
        assert first.rpc_url != second.rpc_url
        for chain in (first, second):
            web3 = AsyncWeb3(AsyncHTTPProvider(chain.rpc_url))
            assert await web3.eth.chain_id == chain.chain_id
            await web3.provider.disconnect()
        async with AsyncWeb3(WebSocketProvider(second.ws_url)) as web3:
            assert await web3.eth.chain_id == 1002


async def test_anvil__when_left__then_process_is_gone() -> None:
    async with Anvil() as chain:
        pid = chain.pid
        assert pid is not None
        os.kill(pid, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_anvil__when_port_is_taken__then_error_and_no_process() -> None:
    port = free_port()
    async with Anvil(port=port):
        second = Anvil(chain_id=5, port=port)
        with pytest.raises(ProgramError, match=f"did not start on port {port}"):
            await second.__aenter__()
        assert second.pid is None


async def test_clock__when_warped__then_blocks_follow() -> None:
    async with Anvil(genesis_timestamp=1_700_000_000) as chain:
        assert await chain.timestamp() == 1_700_000_000
        await chain.warp(86_400)
        assert await chain.timestamp() == 1_700_086_400
        await chain.mine(5, interval_seconds=12)
        assert await chain.block_number() == 6


async def test_revert__when_snapshot_was_taken__then_state_is_back_and_snapshot_used_up(chain: Anvil) -> None:
    wallet = named_account("someone").address
    snapshot = await chain.snapshot()
    await chain.set_balance(wallet, 5 * ETHER)
    await chain.mine(3)
    await chain.revert(snapshot)
    assert await chain.block_number() == 0
    assert int(await chain.rpc("eth_getBalance", wallet, "latest"), 16) == 0
    with pytest.raises(ProgramError):
        await chain.revert(snapshot)


async def test_state__when_six_hundred_blocks_old__then_still_served(chain: Anvil) -> None:
    wallet = named_account("someone").address
    await chain.set_balance(wallet, 5 * ETHER)
    # Two blocks: a balance that is set belongs to the newest block, and would rewrite it.
    await chain.mine(2)
    await chain.set_balance(wallet, 6 * ETHER)
    await chain.mine(600)
    assert int(await chain.rpc("eth_getBalance", wallet, "0x1"), 16) == 5 * ETHER


async def test_rpc__when_method_is_unknown__then_error_carries_the_answer(chain: Anvil) -> None:
    with pytest.raises(RpcError, match="no_such_method") as raised:
        await chain.rpc("no_such_method")
    assert raised.value.payload["code"] == -32601


async def test_send__when_transaction_fails__then_error_gives_the_contracts_reason(chain: Anvil) -> None:
    transactor, owner = Transactor(chain), named_account("owner")
    await chain.set_balance(owner.address, ETHER)
    token = await transactor.deploy(owner, aave_v3("mocks/tokens/MintableERC20"), "Token", "TKN", 6)
    with pytest.raises(ProgramError, match="exceeds balance"):
        await transactor.call(owner, token, "transfer", named_account("someone").address, 1)
    failed = await transactor.call(owner, token, "transfer", named_account("someone").address, 1, fails=True)
    assert not failed.succeeded
    assert [sent.succeeded for sent in transactor.sent] == [True, False, False]


async def test_aave__when_deployed__then_every_reserve_is_listed_priced_and_funded(chain: Anvil) -> None:
    transactor, owner = Transactor(chain), named_account("owner")
    await chain.set_balance(owner.address, 20_000 * ETHER)
    market = await deploy_aave(transactor, owner)
    expected_usd = 0
    for reserve in RESERVES:
        token = market.tokens[reserve.symbol].address
        assert await transactor.read(market.oracle, "getAssetPrice", token) == reserve.price_usd * 10**8
        data = await transactor.read(market.data_provider, "getReserveConfigurationData", token)
        assert data[:4] == (reserve.decimals, reserve.ltv, reserve.liquidation_threshold, reserve.bonus)
        expected_usd += reserve.liquidity * int(reserve.price_usd) * 10**8 // 10**reserve.decimals
    account = await transactor.read(market.pool, "getUserAccountData", owner.address)
    assert account[0] == expected_usd


def test_foundry_binary__when_packages_are_missing__then_error_names_make_setup(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="make setup"):
        node.foundry_binary("anvil", tmp_path)


def test_npm_package__when_version_differs__then_error_names_both() -> None:
    with pytest.raises(ProgramError, match=r"is 1\.19\.3, expected 9\.9\.9"):
        node.npm_package("@aave/core-v3", "9.9.9")


def test_node_binary__when_set_up__then_it_is_there() -> None:
    assert node.node_binary().is_file()
