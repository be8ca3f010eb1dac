"""Sending and following transactions; what is remembered of them is the caller's business."""

import statistics
from dataclasses import dataclass
from typing import Any, Final

from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.exceptions import TransactionNotFound
from web3.types import BlockIdentifier, RPCEndpoint

from oracle.assessment.errors import TransientFault
from oracle.assessment.request import Address
from oracle.chain.rpc import EndpointUnreachable, endpoint_faults

# How nodes (geth, erigon, nethermind, besu, reth, anvil) say that they hold this very transaction already.
_KNOWN: Final = ("already known", "already imported", "known transaction", "alreadyknown", "already in pool")
_NONCE_SPENT: Final = ("nonce too low", "oldnonce", "nonce is too low")
# "replacement transaction underpriced" too: a form with lower fees is in the node's pool.
_UNDERPRICED: Final = ("underpriced", "feetoolow", "fee too low", "gas tip cap", "below minimum", "min gas price")
_TIP_BLOCKS: Final = 10
_TIP_PERCENTILE: Final = 40


class InsufficientFunds(TransientFault):
    """The sending account cannot pay for the transaction."""


class Underpriced(TransientFault):
    """A node finds the fees of a transaction too low to keep it."""


@dataclass(frozen=True, slots=True)
class Mined:
    """Where a transaction ended up; gas in units, price in wei."""

    hash: str
    block_number: int
    block_hash: str
    succeeded: bool
    gas_used: int
    gas_price_wei: int


class TransactionClient:
    """Broadcasts signed transactions and reads their receipts."""

    def __init__(self, w3: AsyncWeb3[AsyncHTTPProvider]) -> None:
        self._w3 = w3

    async def broadcast(self, raw: bytes) -> None:
        """Send a signed transaction; sending it twice, or after it was mined, is no fault.

        Raises InsufficientFunds, Underpriced, or EndpointUnreachable for any other refusal.
        """
        try:
            with endpoint_faults():
                await self._w3.eth.send_raw_transaction(raw)
        except EndpointUnreachable as error:
            text = str(error).lower()
            if any(phrase in text for phrase in (*_KNOWN, *_NONCE_SPENT)):
                return
            if "insufficient funds" in text:
                raise InsufficientFunds(
                    f"the signer's account cannot pay for gas; send coins to it ({error})"
                ) from error
            if any(phrase in text for phrase in _UNDERPRICED):
                raise Underpriced(f"a node wants higher fees ({error})") from error
            raise

    async def receipt(self, transaction_hash: str) -> Mined | None:
        """Return where a transaction was mined on the present chain, None while it was not."""
        try:
            with endpoint_faults():
                receipt = await self._w3.eth.get_transaction_receipt(transaction_hash)  # type: ignore[arg-type]
        except TransactionNotFound:
            return None
        return Mined(
            hash=transaction_hash,
            block_number=receipt["blockNumber"],
            block_hash=receipt["blockHash"].to_0x_hex(),
            succeeded=receipt["status"] == 1,
            gas_used=receipt["gasUsed"],
            gas_price_wei=receipt["effectiveGasPrice"],
        )

    async def knows(self, transaction_hash: str) -> bool:
        """Say whether any endpoint knows a transaction, mined or not: receipts come later than what they are of."""
        try:
            with endpoint_faults():
                await self._w3.eth.get_transaction(transaction_hash)  # type: ignore[arg-type]
        except TransactionNotFound:
            return False
        return True

    async def nonce(self, sender: Address) -> int:
        """Return how many transactions of an account are mined."""
        return await self._count(sender, "latest")

    async def pending_nonce(self, sender: Address) -> int:
        """Return how many are mined or can be, one after the other, from what the node holds."""
        return await self._count(sender, "pending")

    async def suggested_tip_wei(self) -> int | None:
        """Return the tip that the node suggests, or that recent blocks paid; None when it says neither."""
        suggested = await self._ask("eth_maxPriorityFeePerGas")
        if suggested is not None:
            return int(suggested, 16)
        paid = await self._ask("eth_feeHistory", hex(_TIP_BLOCKS), "latest", [_TIP_PERCENTILE])
        rewards = [int(reward[0], 16) for reward in (paid or {}).get("reward") or () if reward]
        return int(statistics.median(rewards)) if rewards else None

    async def balance_wei(self, account: Address) -> int:
        """Return an account's native balance."""
        with endpoint_faults():
            return await self._w3.eth.get_balance(self._w3.to_checksum_address(account))

    async def base_fee_wei(self) -> int:
        """Return the base fee of the newest block, 0 on a chain without one."""
        with endpoint_faults():
            block = await self._w3.eth.get_block("latest")
        return block.get("baseFeePerGas", 0)

    async def _count(self, sender: Address, at: BlockIdentifier) -> int:
        with endpoint_faults():
            return await self._w3.eth.get_transaction_count(self._w3.to_checksum_address(sender), at)

    async def _ask(self, method: str, *params: Any) -> Any:
        """Return a node's answer, None where it refuses: some do not know the method."""
        with endpoint_faults():
            answer = await self._w3.provider.make_request(RPCEndpoint(method), list(params))
        return answer.get("result")
