"""A wallet that delegated its code (EIP-7702) used up nonces without transactions: no gap, whichever source tells."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from web3 import AsyncWeb3, Web3

from oracle.assessment.errors import HistoryIncomplete
from oracle.assessment.history import TransactionHistory
from oracle.assessment.request import BlockRef, to_address
from oracle.devnet.machinery.accounts import ETHER, named_account
from oracle.devnet.machinery.anvil import Anvil
from oracle.history.reading.memory import WalletMemory
from oracle.history.reading.reader import ChainReader
from oracle.history.transactions.etherscan import EtherscanTransactionSource
from oracle.history.transactions.etherscan_client import EtherscanClient
from oracle.history.transactions.otterscan import TransactionSource
from tests.history.etherscan_server import KEY, EtherscanServer, Tamper
from tests.history.test_wallets import connected
from tests.support.faulty_node import FaultyNode, refuse
from tests.support.played import block_at

NOBODY = "0x" + "00" * 20


@dataclass(frozen=True)
class Delegator:
    """A wallet that delegated, paid somebody, and took its delegation back."""

    chain: Anvil
    account: LocalAccount
    tip: BlockRef

    async def read(self, kind: str, reader: ChainReader, at: BlockRef, tamper: Tamper | None = None) -> Any:
        """Read the wallet's transactions from a kind of source."""
        wallet = to_address(self.account.address)
        if kind == "node":
            return await TransactionSource(reader, page_size=100).read(wallet, at)
        async with EtherscanServer(self.chain) as server:
            server.tamper = tamper or server.tamper
            async with EtherscanClient(server.url, self.chain.chain_id, key=KEY, requests_per_second=1_000) as client:
                return await EtherscanTransactionSource(reader, client).read(wallet, at)


async def send(
    chain: Anvil,
    account: LocalAccount,
    nonce: int,
    *,
    delegate: str | None = None,
    other: tuple[LocalAccount, int] | None = None,
) -> None:
    """Send a wallet's transaction, which delegates its code to an address when one is given.

    With `other`, it delegates that one's code, whose next nonce this is.
    """
    fields: dict[str, Any] = {
        "type": 2,
        "chainId": chain.chain_id,
        "nonce": nonce,
        "gas": 100_000,
        "maxFeePerGas": 10**10,
        "maxPriorityFeePerGas": 10**9,
        "to": account.address if delegate else named_account("somebody").address,
        "value": 0 if delegate else 1,
        "data": "0x",
    }
    if delegate:
        signer, its_nonce = other or (account, nonce + 1)
        authorization = signer.sign_authorization({"chainId": chain.chain_id, "address": delegate, "nonce": its_nonce})
        fields |= {"type": 4, "authorizationList": [authorization]}
    raw = Account.sign_transaction(fields, account.key).raw_transaction
    receipt = await chain.rpc("eth_sendRawTransactionSync", Web3.to_hex(raw))
    assert int(receipt["status"], 16) == 1


@pytest.fixture
async def delegator(chain: Anvil) -> Delegator:
    account = named_account("delegator")
    await chain.set_balance(account.address, ETHER)
    await send(chain, account, 0, delegate=named_account("code").address)
    await send(chain, account, 2)
    await send(chain, account, 3, delegate=NOBODY)
    await send(chain, account, 5)
    return Delegator(chain, account, await block_at(chain, 4))


@pytest.fixture
async def web3(chain: Anvil) -> AsyncIterator[AsyncWeb3[Any]]:
    async with connected(chain.rpc_url) as client:
        yield client


@pytest.mark.parametrize("kind", ["node", "api"])
@pytest.mark.parametrize(("block", "sent"), [(1, 1), (2, 2), (3, 3), (4, 4)])
async def test_transactions__when_the_wallet_delegated_and_revoked__then_complete_from_each_source(
    delegator: Delegator, web3: AsyncWeb3[Any], kind: str, block: int, sent: int
) -> None:
    reader, at = ChainReader(web3), await block_at(delegator.chain, block)
    if block >= 3:
        assert await reader.code(to_address(delegator.account.address), at.hash) == b""
    history = await delegator.read(kind, reader, at)
    assert (history.sent_count, history.failed_count) == (sent, 0)


@pytest.mark.parametrize("kind", ["node", "api"])
async def test_transactions__when_read_in_parts__then_as_at_once(
    delegator: Delegator, web3: AsyncWeb3[Any], kind: str
) -> None:
    wallet, kept, history = to_address(delegator.account.address), {}, TransactionHistory()
    for block in (1, 2, 3, 4):
        at = await block_at(delegator.chain, block)
        memory = WalletMemory(at, wallet, kept)
        history = await delegator.read(kind, ChainReader(web3, memory=memory), at)
        kept = {**kept, **memory.changed()}
    assert history == await delegator.read(kind, ChainReader(web3), delegator.tip)


@pytest.mark.parametrize("kind", ["node", "api"])
async def test_transactions__when_it_delegated_in_a_part_before_and_another_revoked__then_complete(
    chain: Anvil, web3: AsyncWeb3[Any], kind: str
) -> None:
    account, sponsor = named_account("delegator"), named_account("sponsor")
    for one in (account, sponsor):
        await chain.set_balance(one.address, ETHER)
    await send(chain, account, 0, delegate=named_account("code").address)
    await send(chain, account, 2)
    await send(chain, sponsor, 0, delegate=NOBODY, other=(account, 3))
    kept: dict[str, Any] = {}
    for block in (1, 3):
        at = await block_at(chain, block)
        memory = WalletMemory(at, to_address(account.address), kept)
        history = await Delegator(chain, account, at).read(kind, ChainReader(web3, memory=memory), at)
        kept = {**kept, **memory.changed()}
    assert history.sent_count == 2


async def test_transactions__when_one_is_missing_behind_no_delegation__then_incomplete(
    chain: Anvil, web3: AsyncWeb3[Any]
) -> None:
    account = named_account("payer")
    await chain.set_balance(account.address, ETHER)
    for nonce in range(4):
        await send(chain, account, nonce)
    payer = Delegator(chain, account, await block_at(chain, 4))

    def without_third(action: str, answer: dict[str, Any]) -> dict[str, Any]:
        rows = answer["result"]
        return {**answer, "result": [row for row in rows if row["nonce"] != "2"]} if action == "txlist" else answer

    with pytest.raises(HistoryIncomplete, match="its index has a gap"):
        await payer.read("api", ChainReader(web3), payer.tip, without_third)


@pytest.fixture
async def sponsored(chain: Anvil) -> Delegator:
    account, sponsor = named_account("delegator"), named_account("sponsor")
    for one in (account, sponsor):
        await chain.set_balance(one.address, ETHER)
    await send(chain, sponsor, 0, delegate=named_account("code").address, other=(account, 0))
    await send(chain, account, 1)
    await send(chain, sponsor, 1, delegate=NOBODY, other=(account, 2))
    return Delegator(chain, account, await block_at(chain, 3))


@pytest.mark.parametrize("kind", ["node", "api"])
@pytest.mark.parametrize(("block", "sent"), [(1, 0), (2, 1), (3, 1)])
async def test_transactions__when_a_sponsor_sent_delegation_and_revocation__then_readable_and_marked(
    sponsored: Delegator, web3: AsyncWeb3[Any], kind: str, block: int, sent: int
) -> None:
    history = await sponsored.read(kind, ChainReader(web3), await block_at(sponsored.chain, block))
    assert (history.sent_count, history.inner_calls_unread) == (sent, True)


@pytest.mark.parametrize("missing", [0, 2, 3, 5])
async def test_transactions__when_a_delegated_wallets_is_left_out__then_told_by_its_nonce(
    delegator: Delegator, web3: AsyncWeb3[Any], missing: int
) -> None:
    def without(action: str, answer: dict[str, Any]) -> dict[str, Any]:
        if action != "txlist":
            return answer
        return {**answer, "result": [row for row in answer["result"] if row["nonce"] != str(missing)]}

    with pytest.raises(HistoryIncomplete, match=f"used nonce {missing} and 0 more"):
        await delegator.read("api", ChainReader(web3), delegator.tip, without)


async def test_transactions__when_the_node_cannot_tell_a_nonce__then_incomplete_in_words(
    delegator: Delegator, chain: Anvil
) -> None:
    def lacking(method: str, _: list[Any], true: dict[str, Any]) -> Any:
        return refuse(-32603, "unimplemented") if method.endswith("BySenderAndNonce") else true

    async with FaultyNode(chain.rpc_url, lacking) as node, connected(node.url) as client:
        with pytest.raises(HistoryIncomplete, match=r"nonce 1: a delegation of its code .* or the index has a gap"):
            await delegator.read("api", ChainReader(client), delegator.tip)


async def test_transactions__when_the_node_has_the_newer_method_alone__then_that_one_is_asked(
    delegator: Delegator, chain: Anvil
) -> None:
    def newer(method: str, params: list[Any], true: dict[str, Any]) -> Any:
        if method == "ots_getTransactionBySenderAndNonce":
            return refuse(-32601, "the method does not exist")
        if method == "eth_getTransactionBySenderAndNonce":
            return {"result": {"nonce": params[1]} if int(params[1], 16) in (0, 2, 3, 5) else None}
        return true

    async with FaultyNode(chain.rpc_url, newer) as node, connected(node.url) as client:
        history = await delegator.read("node", ChainReader(client), delegator.tip)
    assert history.sent_count == 4


@pytest.mark.parametrize("kind", ["node", "api"])
async def test_transactions__when_the_wallet_is_a_contract__then_marked(
    chain: Anvil, web3: AsyncWeb3[Any], kind: str
) -> None:
    account = named_account("safe")
    await chain.rpc("anvil_setCode", account.address, "0x00")
    await chain.mine(1)
    safe = Delegator(chain, account, await block_at(chain, 1))
    assert (await safe.read(kind, ChainReader(web3), safe.tip)).inner_calls_unread


async def test_transactions__when_the_wallet_acts_by_itself_alone__then_not_marked(
    chain: Anvil, web3: AsyncWeb3[Any]
) -> None:
    account = named_account("payer")
    await chain.set_balance(account.address, ETHER)
    await send(chain, account, 0)
    payer = Delegator(chain, account, await block_at(chain, 1))
    assert not (await payer.read("node", ChainReader(web3), payer.tip)).inner_calls_unread
