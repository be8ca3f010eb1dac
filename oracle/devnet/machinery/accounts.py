"""Accounts of the local stack and the transactions they sign, each noted in a ledger as it is mined."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from eth_account import Account
from eth_account.signers.local import LocalAccount
from web3 import Web3

from oracle.assessment.request import Address, to_address
from oracle.devnet.machinery.anvil import Anvil
from oracle.devnet.machinery.artifacts import Artifact, Deployed
from oracle.processes import ProgramError

GWEI: Final = 10**9
ETHER: Final = 10**18
NOBODY: Final = "0x" + "00" * 20
"""The zero address: in place of accepted issuers, a lender that takes no private data."""
_MAX_FEE_WEI: Final = 30 * GWEI
_PRIORITY_FEE_WEI: Final = 1 * GWEI
_TRANSFER_GAS: Final = 21_000
_CALL_GAS: Final = 3_000_000
_DEPLOY_GAS: Final = 12_000_000


@dataclass(frozen=True, slots=True)
class Sent:
    """One mined transaction, noted by its sender: value and fee in wei, `timestamp` of its block.

    `recipient` is None when it created the contract at `created`.
    """

    block: int
    timestamp: int
    sender: Address
    recipient: Address | None
    value_wei: int
    fee_wei: int
    succeeded: bool
    created: Address | None
    transaction_hash: str


def named_account(name: str) -> LocalAccount:
    """Return the account of a name: the same key in every run. For local chains only."""
    account: LocalAccount = Account.from_key(Web3.keccak(text=f"risk-oracle local chain: {name}"))
    return account


class Transactor:
    """Signs, sends and waits: one transaction a block, each at the time its story wants.

    `sent` is the ledger of everything that was mined through it, in order. Every block gets the same base fee: left
    to itself it would fall to nothing within a hundred nearly empty blocks.
    """

    def __init__(self, chain: Anvil, *, base_fee_wei: int = 12 * GWEI) -> None:
        self.chain = chain
        self._base_fee_wei = base_fee_wei
        self.sent: list[Sent] = []

    async def send(
        self,
        sender: LocalAccount,
        to: str | None,
        data: str = "0x",
        value: int = 0,
        *,
        at: int | None = None,
        fails: bool = False,
        gas: int | None = None,
        authorizations: Sequence[Any] = (),
    ) -> Sent:
        """Mine one transaction, at the Unix time `at` if given; `value` in wei, `to` None creates a contract.

        With signed `authorizations` it delegates their signers' code (EIP-7702). Raises ProgramError when it fails
        (with `fails`: when it does not).
        """
        if at is not None:
            await self.chain.warp_to(at)
        await self.chain.rpc("anvil_setNextBlockBaseFeePerGas", hex(self._base_fee_wei))
        fields: dict[str, Any] = {
            "chainId": self.chain.chain_id,
            # Each is mined when the next begins; the pool may still hold it, and knows no nonces of authorisations.
            "nonce": int(await self.chain.rpc("eth_getTransactionCount", sender.address, "latest"), 16),
            "gas": gas or _gas_limit(to, data),
            "maxFeePerGas": _MAX_FEE_WEI,
            "maxPriorityFeePerGas": _PRIORITY_FEE_WEI,
            "value": value,
            "data": data,
        }
        if to is not None:
            fields["to"] = Web3.to_checksum_address(to)
        if authorizations:
            fields |= {"type": 4, "authorizationList": list(authorizations)}
        raw = sender.sign_transaction(fields).raw_transaction
        receipt = await self.chain.rpc("eth_sendRawTransactionSync", Web3.to_hex(raw))
        noted = await self._note(sender, to, value, receipt)
        if noted.succeeded == fails:
            raise ProgramError(
                f"transaction {noted.transaction_hash} of {sender.address} to {to} "
                f"{'succeeded, it was meant to fail' if fails else 'failed: ' + await self._reason(fields, sender)}"
            )
        return noted

    async def call(
        self,
        sender: LocalAccount,
        contract: Deployed,
        function: str,
        *arguments: Any,
        value: int = 0,
        at: int | None = None,
        fails: bool = False,
        gas: int | None = None,
    ) -> Sent:
        """Mine one call of a contract's function; see `send`."""
        return await self.send(
            sender, contract.address, contract.encode(function, *arguments), value, at=at, fails=fails, gas=gas
        )

    async def read(self, contract: Deployed, function: str, *arguments: Any) -> Any:
        """Return what a view function answers at the newest block: its only value, or a tuple of them."""
        call = {"to": contract.address, "data": contract.encode(function, *arguments)}
        answer = await self.chain.rpc("eth_call", call, "latest")
        codec = contract.codec.get_function_by_name(function)
        outputs = [_abi_type(output) for output in codec.abi["outputs"]]
        values = Web3().codec.decode(outputs, bytes.fromhex(answer[2:]))
        return values[0] if len(values) == 1 else values

    async def deploy(
        self,
        sender: LocalAccount,
        artifact: Artifact,
        *arguments: Any,
        libraries: Mapping[str, str] | None = None,
        at: int | None = None,
    ) -> Deployed:
        """Mine a contract's creation and return it."""
        noted = await self.send(sender, None, artifact.creation_code(arguments, libraries), at=at)
        if noted.created is None:
            raise ProgramError(f"the receipt of {artifact.name}'s creation names no contract")
        return artifact.at(noted.created)

    async def _note(self, sender: LocalAccount, to: str | None, value: int, receipt: dict[str, Any]) -> Sent:
        block = await self.chain.rpc("eth_getBlockByHash", receipt["blockHash"], False)
        noted = Sent(
            block=int(receipt["blockNumber"], 16),
            timestamp=int(block["timestamp"], 16),
            sender=to_address(sender.address),
            recipient=None if to is None else to_address(to),
            value_wei=value,
            fee_wei=int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16),
            succeeded=int(receipt["status"], 16) == 1,
            created=to_address(receipt["contractAddress"]) if to is None else None,
            transaction_hash=receipt["transactionHash"],
        )
        self.sent.append(noted)
        return noted

    async def _reason(self, fields: dict[str, Any], sender: LocalAccount) -> str:
        call = {"from": sender.address, "data": fields["data"], "value": hex(fields["value"])}
        if "to" in fields:
            call["to"] = fields["to"]
        try:
            await self.chain.rpc("eth_call", call, "latest")
        except ProgramError as error:
            return str(error)
        return "no reason given"


def _gas_limit(to: str | None, data: str) -> int:
    if to is None:
        return _DEPLOY_GAS
    # The sender must hold the limit at the maximum fee: a small wallet cannot afford a generous one.
    return _TRANSFER_GAS if data == "0x" else _CALL_GAS


def _abi_type(parameter: Mapping[str, Any]) -> str:
    kind = str(parameter["type"])
    if not kind.startswith("tuple"):
        return kind
    return "(" + ",".join(_abi_type(part) for part in parameter["components"]) + ")" + kind[len("tuple") :]
