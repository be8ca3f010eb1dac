"""Transactions on a real chain: sent twice, replaced, unpayable, followed to their block."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from oracle.assessment.request import Address
from oracle.chain import rpc
from oracle.chain.fees import GWEI, Fees, fee_policy
from oracle.chain.rpc import EndpointUnreachable
from oracle.chain.signer import Call, SignedTransaction, Signer
from oracle.chain.transactions import InsufficientFunds, TransactionClient, Underpriced
from oracle.devnet.machinery.anvil import Anvil

KEY = "0x" + "42" * 32
SIGNER = Signer(KEY)
SINK = Address("0x" + "ab" * 20)
FEES = Fees(100 * GWEI, GWEI)


@pytest.fixture
async def client(chain: Anvil) -> AsyncIterator[TransactionClient]:
    await chain.set_balance(SIGNER.address, 10**18)
    # Mined when the test says so: left to itself anvil mines a moment after it answered.
    await chain.rpc("evm_setAutomine", False)
    w3 = rpc.connect(chain.rpc_url, 10.0)
    yield TransactionClient(w3)
    await w3.provider.disconnect()


def signed(nonce: int = 0, fees: Fees = FEES, data: bytes = b"") -> SignedTransaction:
    return SIGNER.sign_transaction(Call(SINK, data, 30_000), 31337, nonce, fees)


async def test_receipt__when_not_known_or_not_mined__then_none(chain: Anvil, client: TransactionClient) -> None:
    assert await client.receipt("0x" + "00" * 32) is None
    await client.broadcast(signed().raw)
    assert await client.receipt(signed().hash) is None


async def test_receipt__when_mined__then_where_and_at_what_price(chain: Anvil, client: TransactionClient) -> None:
    await client.broadcast(signed().raw)
    await chain.mine()
    mined = await client.receipt(signed().hash)
    assert mined is not None
    block = await chain.rpc("eth_getBlockByNumber", "latest", False)
    assert (mined.hash, mined.block_number, mined.block_hash) == (signed().hash, 1, block["hash"])
    assert mined.succeeded
    assert mined.gas_used == 21_000
    assert mined.gas_price_wei == int(block["baseFeePerGas"], 16) + GWEI


async def test_receipt__when_its_block_is_reorganised_away__then_none_again(
    chain: Anvil, client: TransactionClient
) -> None:
    await client.broadcast(signed().raw)
    await chain.mine()
    assert await client.receipt(signed().hash) is not None
    await chain.rpc("anvil_rollback", 1)
    assert await client.receipt(signed().hash) is None


async def test_broadcast__when_sent_twice_and_again_after_it_was_mined__then_no_fault_and_one_transaction(
    chain: Anvil, client: TransactionClient
) -> None:
    await client.broadcast(signed().raw)
    await client.broadcast(signed().raw)
    await chain.mine()
    assert await client.receipt(signed().hash) is not None
    await client.broadcast(signed().raw)
    await chain.mine()
    assert await client.nonce(SIGNER.address) == 1


async def test_broadcast__when_its_nonce_was_spent_by_another__then_no_fault_and_no_receipt(
    chain: Anvil, client: TransactionClient
) -> None:
    await client.broadcast(signed(data=b"\x01").raw)
    await chain.mine()
    await client.broadcast(signed().raw)
    await chain.mine()
    assert await client.receipt(signed().hash) is None
    assert await client.nonce(SIGNER.address) == 1


async def test_broadcast__when_replaced_by_the_policys_fees__then_the_node_takes_the_dearer_one(
    chain: Anvil, client: TransactionClient
) -> None:
    policy = fee_policy(31337, Decimal(200), Decimal(1))
    first = policy.first(await client.base_fee_wei(), None)
    assert first is not None
    second = policy.replacement(await client.base_fee_wei(), None, first)
    assert second is not None
    await client.broadcast(signed(fees=first).raw)
    await client.broadcast(signed(fees=second).raw)
    await chain.mine()
    assert await client.receipt(signed(fees=first).hash) is None
    assert await client.receipt(signed(fees=second).hash) is not None


async def test_broadcast__when_the_replacement_is_too_cheap__then_a_fault_that_can_pass(
    chain: Anvil, client: TransactionClient
) -> None:
    await client.broadcast(signed().raw)
    with pytest.raises(Underpriced, match=r"wants higher fees .*underpriced"):
        await client.broadcast(signed(data=b"\x01").raw)


async def test_broadcast__when_the_account_cannot_pay__then_told_to_send_coins(
    chain: Anvil, client: TransactionClient
) -> None:
    await chain.set_balance(SIGNER.address, 1)
    with pytest.raises(InsufficientFunds, match="cannot pay for gas; send coins to it"):
        await client.broadcast(signed().raw)
    assert await client.balance_wei(SIGNER.address) == 1


async def test_broadcast__when_the_bytes_are_no_transaction__then_a_fault_without_the_bytes(
    client: TransactionClient,
) -> None:
    with pytest.raises(EndpointUnreachable, match="refused a call"):
        await client.broadcast(b"\x02\xff")


async def test_nonce__when_a_transaction_waits__then_only_mined_ones_count(
    chain: Anvil, client: TransactionClient
) -> None:
    await client.broadcast(signed().raw)
    assert await client.nonce(SIGNER.address) == 0
    await chain.mine()
    assert await client.nonce(SIGNER.address) == 1


async def test_base_fee__when_asked__then_the_newest_blocks(chain: Anvil, client: TransactionClient) -> None:
    await chain.rpc("anvil_setNextBlockBaseFeePerGas", hex(7 * GWEI))
    await chain.mine()
    assert await client.base_fee_wei() == 7 * GWEI
