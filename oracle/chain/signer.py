"""The operator's key: EIP-712 signatures and signed transactions. The key never leaves this object."""

from dataclasses import dataclass
from typing import Any, NoReturn

from eth_account import Account
from eth_account.signers.local import LocalAccount

from oracle.assessment.errors import ConfigurationFault
from oracle.assessment.request import Address, to_address
from oracle.chain.fees import Fees


@dataclass(frozen=True, slots=True)
class Call:
    """What a transaction does: target, calldata, gas limit, and the coins that go with it."""

    to: Address
    data: bytes
    gas_limit: int
    value_wei: int = 0


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """A signed EIP-1559 transaction as it is broadcast, and its hash."""

    raw: bytes
    hash: str


class Signer:
    """A local private key (hex with 0x); raises ConfigurationFault for what is not one."""

    def __init__(self, private_key: str) -> None:
        try:
            self._account: LocalAccount = Account.from_key(private_key)
        except (ValueError, TypeError):
            # Without the cause: its text may hold the key.
            raise ConfigurationFault("signer.key is not a private key of the curve secp256k1") from None
        self.address: Address = to_address(self._account.address)

    def __repr__(self) -> str:
        return f"Signer({self.address})"

    def __getstate__(self) -> NoReturn:
        raise TypeError("a signer is not pickled or copied: its key never leaves this process")

    def sign_message(self, message: dict[str, Any]) -> bytes:
        """Return the 65-byte low-s signature (r ‖ s ‖ v) of an EIP-712 message."""
        return bytes(self._account.sign_typed_data(full_message=message).signature)

    def sign_transaction(self, call: Call, chain_id: int, nonce: int, fees: Fees) -> SignedTransaction:
        """Return a signed transaction; the same arguments give the same bytes."""
        signed = self._account.sign_transaction(
            {
                "type": 2,
                "chainId": chain_id,
                "nonce": nonce,
                "to": bytes.fromhex(call.to[2:]),
                "value": call.value_wei,
                "data": call.data,
                "gas": call.gas_limit,
                "maxFeePerGas": fees.max_fee_wei,
                "maxPriorityFeePerGas": fees.priority_fee_wei,
            }
        )
        return SignedTransaction(bytes(signed.raw_transaction), signed.hash.to_0x_hex())
