"""Sending and following transactions; what is remembered of them is the caller's business."""

from dataclasses import dataclass
from typing import Final

from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.exceptions import TransactionNotFound

from oracle.assessment.errors import TransientFault
from oracle.assessment.request import Address
from oracle.chain.rpc import EndpointUnreachable, endpoint_faults

# How nodes (geth, erigon, nethermind, besu, reth, anvil) say that they hold this very transaction already.
_KNOWN: Final = ("already known", "already imported", "known transaction", "alreadyknown", "already in pool")
_NONCE_SPENT: Final = ("nonce too low", "oldnonce", "nonce is too low")


class InsufficientFunds(TransientFault):
    """The sending account cannot pay for the transaction."""


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

        Raises InsufficientFunds, or EndpointUnreachable for any other refusal.
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

    async def nonce(self, sender: Address) -> int:
        """Return how many transactions of an account are mined."""
        with endpoint_faults():
            return await self._w3.eth.get_transaction_count(self._w3.to_checksum_address(sender), "latest")

    async def balance_wei(self, account: Address) -> int:
        """Return an account's native balance."""
        with endpoint_faults():
            return await self._w3.eth.get_balance(self._w3.to_checksum_address(account))

    async def base_fee_wei(self) -> int:
        """Return the base fee of the newest block, 0 on a chain without one."""
        with endpoint_faults():
            block = await self._w3.eth.get_block("latest")
        return block.get("baseFeePerGas", 0)
