"""Who sends and signs by hand: a key that is here, or one that a wallet keeps and signs with when asked."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NoReturn, Protocol, Self

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from hexbytes import HexBytes
from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.types import RPCEndpoint

from oracle.assessment.errors import ConfigurationFault, OracleError
from oracle.assessment.request import Address, to_address
from oracle.chain.http_session import CancellableHttpProvider
from oracle.chain.rpc import endpoint_faults
from oracle.chain.transactions import TransactionClient

# A person may have to find the device, read the transaction and press a button.
_PERSON_SECONDS: Final = 600.0
# Nodes and most wallets, and clef.
_SIGNING_METHODS: Final = ("eth_signTransaction", "account_signTransaction")
# EIP-1193.
_DENIED_BY_PERSON: Final = 4001
_SIGNED_FIELDS: Final = ("chainId", "nonce", "to", "value", "data")

Note = Callable[[str], None]
"""Hears a transaction's hash, before the network does where that is possible."""


class SigningRefused(OracleError):
    """The wallet did not sign: it was told not to, it is locked, or it does not hold the account."""


class SendingAccount(Protocol):
    """An account that sends EIP-1559 transactions, as web3 writes their fields (numbers, and `data` in hex)."""

    @property
    def address(self) -> Address:
        """The account."""

    async def send(self, w3: AsyncWeb3[AsyncHTTPProvider], transaction: dict[str, Any], note: Note) -> None:
        """Sign and send; `note` hears the hash."""

    async def sign_message(self, message: dict[str, Any]) -> bytes:
        """Return the signature of an EIP-712 message, as `eth_signTypedData_v4` takes it; raises SigningRefused."""

    async def check(self, chain_id: int) -> None:
        """Raise ConfigurationFault unless the account can send on this chain."""


class KeyAccount:
    """An account whose private key is in this process; it never leaves this object."""

    def __init__(self, key: LocalAccount) -> None:
        self._key = key
        self.address: Address = to_address(key.address)

    @classmethod
    def from_keystore(cls, file: Path, password: str) -> Self:
        """Decrypt a keystore file (geth's and most wallets' JSON); raises ConfigurationFault."""
        content = _text_of(file, "--keystore")
        try:
            return cls(Account.from_key(Account.decrypt(json.loads(content), password)))
        except json.JSONDecodeError:
            raise ConfigurationFault(
                f"--keystore {file} is not a keystore: expected a wallet's encrypted JSON"
            ) from None
        except (KeyError, TypeError, ValueError) as error:
            # Without the cause: its frames hold the password.
            why = "the password is wrong" if "MAC" in str(error) else "it is not a keystore that can be read"
            raise ConfigurationFault(f"--keystore {file} cannot be opened: {why}") from None

    @classmethod
    def from_key_file(cls, file: Path) -> Self:
        """Read a file that holds one private key in hex; raises ConfigurationFault."""
        text = _text_of(file, "--key-file").strip()
        try:
            return cls(Account.from_key(text))
        except (ValueError, TypeError):
            raise ConfigurationFault(f"--key-file {file} does not hold a private key: expected 64 hex digits") from None

    def __repr__(self) -> str:
        return f"KeyAccount({self.address})"

    def __getstate__(self) -> NoReturn:
        raise TypeError("an account is not pickled or copied: its key never leaves this process")

    async def sign_message(self, message: dict[str, Any]) -> bytes:
        """Return r ‖ s ‖ v, with low s."""
        return bytes(self._key.sign_typed_data(full_message=message).signature)

    async def check(self, chain_id: int) -> None:
        """A key signs for any chain."""

    async def send(self, w3: AsyncWeb3[AsyncHTTPProvider], transaction: dict[str, Any], note: Note) -> None:
        """Sign and send; the hash is noted first."""
        signed = self._key.sign_transaction(transaction)
        note(signed.hash.to_0x_hex())
        await TransactionClient(w3).broadcast(bytes(signed.raw_transaction))


class WalletAccount:
    """An account that a wallet's RPC endpoint signs for: a hardware wallet's (Frame), clef, or a node that holds it.

    It is asked to sign (`eth_signTransaction`, clef's `account_signTransaction`), and where it does not sign what it
    does not send, to send (`eth_sendTransaction`).
    """

    def __init__(self, address: Address, url: str) -> None:
        self.address = address
        # Nothing is asked twice: each question is a person's work.
        self._provider = CancellableHttpProvider(
            url, request_kwargs={"timeout": _PERSON_SECONDS}, exception_retry_configuration=None
        )

    async def check(self, chain_id: int) -> None:
        """Raise ConfigurationFault when the wallet is set to another chain or does not have the account."""
        try:
            with endpoint_faults():
                chain = await self._ask("eth_chainId")
                accounts = await self._ask("eth_accounts")
        finally:
            await self._provider.disconnect()
        # clef knows no chain of its own: each transaction names its own.
        if isinstance(chain.get("result"), str) and int(chain["result"], 16) != chain_id:
            raise ConfigurationFault(
                f"the wallet is set to chain {int(chain['result'], 16)}, --chain-id says {chain_id}: switch it"
            )
        held = accounts.get("result")
        if isinstance(held, list) and self.address not in {str(one).lower() for one in held}:
            raise ConfigurationFault(
                f"the wallet does not show account {self.address} to this program: unlock it, or allow the access; "
                f"it shows {', '.join(map(str, held)) or 'none'}"
            )

    async def sign_message(self, message: dict[str, Any]) -> bytes:
        """Have the wallet show and sign it; what comes back is the caller's to check. Raises SigningRefused."""
        try:
            with endpoint_faults():
                answer = await self._ask("eth_signTypedData_v4", self.address, json.dumps(message))
        finally:
            await self._provider.disconnect()
        if "error" in answer:
            raise SigningRefused(f"the wallet did not sign: {_message(answer['error'])}")
        try:
            return bytes(HexBytes(answer["result"]))
        except (TypeError, ValueError):
            raise SigningRefused("the wallet gave back what is no signature") from None

    async def send(self, w3: AsyncWeb3[AsyncHTTPProvider], transaction: dict[str, Any], note: Note) -> None:
        """Have it signed and send it here, or have the wallet send it; raises SigningRefused."""
        fields = {name: hex(value) if isinstance(value, int) else value for name, value in transaction.items()}
        fields["from"] = self.address
        try:
            with endpoint_faults():
                raw = await self._signed(fields)
                if raw is None:
                    note(await self._sent(fields))
                    return
        finally:
            await self._provider.disconnect()
        self._check_signed(raw, transaction)
        note(HexBytes(w3.keccak(raw)).to_0x_hex())
        await TransactionClient(w3).broadcast(bytes(raw))

    async def _signed(self, fields: dict[str, Any]) -> HexBytes | None:
        """Return the signed transaction, None from a wallet that signs only what it sends itself."""
        for method in _SIGNING_METHODS:
            answer = await self._ask(method, fields)
            if "error" in answer:
                _raise_if_denied(answer["error"])
                continue
            signed = answer["result"]
            raw = signed.get("raw") if isinstance(signed, dict) else signed
            if not raw:
                raise SigningRefused("the wallet signed nothing: nothing was sent")
            return HexBytes(raw)
        return None

    async def _sent(self, fields: dict[str, Any]) -> str:
        answer = await self._ask("eth_sendTransaction", fields)
        if "error" in answer:
            raise SigningRefused(f"the wallet did not sign: {_message(answer['error'])}")
        return str(answer["result"])

    def _check_signed(self, raw: HexBytes, transaction: dict[str, Any]) -> None:
        """Raise SigningRefused unless the wallet signed this transaction, as this account."""
        sender = to_address(Account.recover_transaction(raw))
        signed = TypedTransaction.from_bytes(raw).as_dict()
        differing = [name for name in _SIGNED_FIELDS if not _same(signed.get(name), transaction.get(name, b""))]
        if sender != self.address or differing:
            what = f"as {sender}" if sender != self.address else f"with another {', '.join(differing)}"
            raise SigningRefused(f"the wallet signed {what}: nothing was sent")

    async def _ask(self, method: str, *params: Any) -> dict[str, Any]:
        return dict(await self._provider.make_request(RPCEndpoint(method), list(params)))


def _raise_if_denied(error: Any) -> None:
    """Raise SigningRefused when a person said no; any other error may be of a wallet that knows no such method."""
    if isinstance(error, dict) and error.get("code") == _DENIED_BY_PERSON:
        raise SigningRefused(f"the wallet did not sign: {_message(error)}")


def _message(error: Any) -> str:
    return str(error.get("message", error)) if isinstance(error, dict) else str(error)


def _same(one: Any, other: Any) -> bool:
    return _plain(one) == _plain(other)


def _plain(value: Any) -> int | bytes:
    return value if isinstance(value, int) else bytes(HexBytes(value or b""))


def _text_of(file: Path, option: str) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ConfigurationFault(f"{option} {file} cannot be read: {reason}") from None
