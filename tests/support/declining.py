"""Requests that are declined: transactions of the daemon's, on a real chain, that need no proof."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from eth_account import Account
from sqlalchemy import func, select, update
from web3 import AsyncHTTPProvider, AsyncWeb3

from oracle.assessment.errors import DeclineReason
from oracle.assessment.request import Address
from oracle.assessment.states import State
from oracle.chain.contracts import OracleContract
from oracle.chain.rpc import block_ref
from oracle.chain.transactions import TransactionClient
from oracle.devnet.machinery.accounts import GWEI, named_account
from oracle.pipeline.worker import run_once
from oracle.store import ledger, requests
from oracle.store.tables import BroadcastRow, RequestRow, TransactionRow
from tests.support.event_source import Ingest


async def ask(ingest: Ingest) -> None:
    """Make a request and let the event source find it."""
    await ingest.oracle.ask()
    await ingest.search()


async def ask_and_decline(ingest: Ingest, request_id: int = 1) -> None:
    """Make a request, and take it to where the worker would enter the refusal of it."""
    await ask(ingest)
    await declining(ingest, request_id)


async def declining(ingest: Ingest, request_id: int = 1) -> None:
    """Take a request to where the worker would enter the refusal of it."""
    context = ingest.context
    _, _, context.signer_set_digest = await ingest.oracle.contract.signers()
    async with context.sessions.begin() as session:
        row = await requests.find(session, context.chain_id, context.address, request_id, lock=True)
        row.decline_reason = DeclineReason.OPERATOR_POLICY.value
        await requests.move(session, row, State.DECLINING, "test")


async def step(ingest: Ingest, stage: str, requests_due: int = 1) -> None:
    """Let a stage take requests that may have been resting, at the chain's head of now."""
    ingest.context.head = await block_ref(ingest.context.w3, "latest")
    async with ingest.context.sessions.begin() as session:
        await session.execute(update(RequestRow).values(run_after=func.now()))
    for _ in range(requests_due):
        assert await run_once(ingest.context, stage), f"no request for {stage}: {await ingest.states()}"


async def confirm_all(ingest: Ingest) -> None:
    """Let the stage look until nothing is submitted any more; the node may mine before or after it answers."""
    for _ in range(40):
        if State.SUBMITTED not in await ingest.states():
            return
        await step(ingest, "confirm")
    raise AssertionError(f"still {await ingest.states()}")


async def mined(ingest: Ingest, nonce_after: int) -> None:
    """Mine a block and expect the signer's count after it; an automatic block may be on its way."""
    await ingest.chain.mine()
    assert await ingest.context.client.nonce(ingest.context.signer.address) == nonce_after


async def rollback(ingest: Ingest, blocks: int, mine: int = 1) -> None:
    """Take blocks away for good, put others in their place, and let the event source see it."""
    await ingest.chain.rpc("anvil_rollback", blocks)
    await ingest.chain.mine(mine)
    await ingest.search()


async def transactions(ingest: Ingest) -> Sequence[TransactionRow]:
    """Return the whole ledger by nonce."""
    async with ingest.context.sessions() as session:
        return (await session.scalars(select(TransactionRow).order_by(TransactionRow.nonce))).all()


async def forms(ingest: Ingest, nonce: int) -> Sequence[BroadcastRow]:
    """Return the signed forms of a nonce, newest first."""
    async with ingest.context.sessions() as session:
        one = await session.scalar(select(TransactionRow).where(TransactionRow.nonce == nonce))
        assert one is not None, f"no transaction holds nonce {nonce}"
        return await ledger.broadcasts(session, one)


async def on_chain(ingest: Ingest, nonce: int) -> tuple[int, bool, int]:
    """Return gas used, success and calldata bytes of the signer's mined transaction of a nonce."""
    head = await ingest.chain.block_number()
    signer = ingest.context.signer.address
    for number in range(head, 0, -1):
        block = await ingest.chain.rpc("eth_getBlockByNumber", hex(number), True)
        for one in block["transactions"]:
            if one["from"].lower() == signer and int(one["nonce"], 16) == nonce:
                receipt = await ingest.chain.rpc("eth_getTransactionReceipt", one["hash"])
                return int(receipt["gasUsed"], 16), receipt["status"] == "0x1", len(one["input"]) // 2 - 1
    raise AssertionError(f"nonce {nonce} of {signer} was never mined")


def foreign(ingest: Ingest, nonce: int, gwei: int = 300) -> str:
    """Return a signed transaction of the signer's key that the daemon knows nothing of."""
    key = named_account("signer").key
    fields = {
        "chainId": ingest.chain.chain_id,
        "nonce": nonce,
        "to": AsyncWeb3.to_checksum_address(ingest.context.signer.address),
        "value": 1,
        "gas": 21_000,
        "maxFeePerGas": gwei * GWEI,
        "maxPriorityFeePerGas": gwei * GWEI,
    }
    return "0x" + bytes(Account.sign_transaction(fields, key).raw_transaction).hex()


async def send_foreign(ingest: Ingest, nonce: int) -> None:
    """Send a transaction of the signer's key from outside, and mine it."""
    await ingest.chain.rpc("eth_sendRawTransaction", foreign(ingest, nonce))
    await ingest.chain.mine()


async def settle_as_stranger(ingest: Ingest, request_id: int = 1) -> None:
    """Let somebody else hand in a refusal that is signed by the oracle's signer."""
    context = ingest.context
    request = requests.to_request(await ingest.row(request_id))
    _, _, digest = await ingest.oracle.contract.signers()
    reason = DeclineReason.OPERATOR_POLICY.value
    signature = context.signer.sign_message(context.oracle.decline_message(request, reason, digest))
    data = context.oracle.decline(request, reason, [signature])
    await ingest.oracle.transactor.send(ingest.oracle.owner, ingest.oracle.deployed.address, "0x" + data.hex())
    await ingest.search()


async def make_older(ingest: Ingest, seconds: float) -> None:
    """Let every transaction have been sent, and waited for, so much earlier."""
    earlier = datetime.now(UTC) - timedelta(seconds=seconds)
    async with ingest.context.sessions.begin() as session:
        await session.execute(update(BroadcastRow).values(created_at=earlier))
        waited_for = TransactionRow.next_since.is_not(None)
        await session.execute(update(TransactionRow).where(waited_for).values(next_since=earlier))


def talk_through(ingest: Ingest, w3: AsyncWeb3[AsyncHTTPProvider]) -> None:
    """Let the daemon's parts use another endpoint."""
    context = ingest.context
    context.w3, context.client = w3, TransactionClient(w3)
    context.oracle = OracleContract(w3, Address(context.address), context.chain_id)
