"""One deed after another: each is sent once, whatever interrupts it, and done when it is mined."""

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.exceptions import ContractCustomError, ContractLogicError
from web3.types import Nonce
from web3.utils import get_create_address

from oracle.assessment.errors import ConfigurationFault, OracleError, TransientFault
from oracle.assessment.request import to_address
from oracle.chain.accounts import SendingAccount
from oracle.chain.fees import GWEI, FeePolicy, Fees, fee_policy
from oracle.chain.reverts import from_web3
from oracle.chain.rpc import EndpointRefused, endpoint_faults
from oracle.chain.transactions import InsufficientFunds, Mined, TransactionClient
from oracle.commands.deployment.journal import Deed, Journal

_AGAIN: Final = "then run this again: it goes on from here"
_GAS_MARGIN_PERCENT: Final = 20
_COIN: Final = 10**18


class Differs(ConfigurationFault):
    """What is wanted now is not what an earlier run did."""


class NotDone(OracleError):
    """A deed cannot be done as things are; the records say how far it went."""


class NotYet(TransientFault):
    """A deed waits for the chain, or for its fees: the same again, later, can help."""


@dataclass(slots=True)
class Doer:
    """Does deeds and notes them; fees are bounded by `max_fee_gwei`, waiting by `patience_seconds`."""

    w3: AsyncWeb3[AsyncHTTPProvider]
    account: SendingAccount
    journal: Journal
    say: Callable[[str], None]
    max_fee_gwei: int = 200
    patience_seconds: float = 600.0
    pause_seconds: float = 1.0

    async def create(self, name: str, code: bytes, arguments: dict[str, str], constructor: bytes = b"") -> Deed:
        """Create a contract, or find it created; raises Differs, NotDone, NotYet."""
        deed = await self.do(name, None, code, arguments, constructor=constructor)
        if deed.address is None or not await self._code(deed.address):
            raise Differs(
                f"{self.journal.file} says that {name} was created at {deed.address}, where there is no code: this is "
                "another chain with the same id, or one that was started anew. Begin another deployment with --records"
            )
        return deed

    async def do(
        self,
        name: str,
        to: str | None,
        data: bytes,
        arguments: dict[str, str],
        value_wei: int = 0,
        constructor: bytes = b"",
    ) -> Deed:
        """Send one transaction and wait until it is mined, or find it done; raises as `create` does, and Reverted."""
        digest = hashlib.sha256(f"{to} {value_wei} {data.hex()}".encode()).hexdigest()
        deed = self.journal.deeds.get(name)
        if deed is not None and deed.digest != digest:
            self._tell_difference(name, deed, arguments)
        if deed is not None and deed.block is None and await self._was_lost(deed):
            deed = None
        if deed is None:
            deed = await self._begun(name, to, digest, arguments)
            deed.constructor = constructor.hex()
        if deed.block is None:
            await self._carry_out(name, deed, to, data, value_wei)
        return deed

    def forget(self, name: str) -> None:
        """Strike a deed that the chain does not know of, so that it is done again."""
        self.journal.deeds.pop(name, None)
        self.journal.write()

    async def code_at(self, address: str) -> bytes:
        """Return the code at an address."""
        return await self._code(address)

    async def balance_wei(self, address: str | None = None) -> int:
        """Return the balance of an address; of the deployer without one."""
        return await TransactionClient(self.w3).balance_wei(to_address(address or self.account.address))

    async def base_fee_and_tip_wei(self) -> tuple[int, int]:
        """Return the newest block's base fee, and the tip that is paid besides."""
        client = TransactionClient(self.w3)
        return await client.base_fee_wei(), self._policy.tip_wei(await client.suggested_tip_wei())

    @property
    def _policy(self) -> FeePolicy:
        return fee_policy(self.journal.chain_id, Decimal(self.max_fee_gwei))

    async def _begun(self, name: str, to: str | None, digest: str, arguments: dict[str, str]) -> Deed:
        sender = self.w3.to_checksum_address(self.account.address)
        with endpoint_faults():
            nonce = int(await self.w3.eth.get_transaction_count(sender, "pending"))
            head = int(await self.w3.eth.block_number)
        created = to_address(get_create_address(sender, Nonce(nonce))) if to is None else None
        deed = Deed(nonce, digest, arguments, created, head)
        self.journal.deeds[name] = deed
        return deed

    async def _carry_out(self, name: str, deed: Deed, to: str | None, data: bytes, value_wei: int) -> None:
        client = TransactionClient(self.w3)
        mined = await self._mined(client, deed, patience_seconds=0.0)
        if mined is None and not await self._stands(deed):
            await self._send(name, deed, to, data, value_wei)
            mined = await self._mined(client, deed, self.patience_seconds)
        if mined is None and not await self._stands(deed):
            raise NotYet(
                f"{name}: transaction {deed.hashes[-1]} was not mined within {self.patience_seconds:g} s. It is in "
                f"{self.journal.file}: run this again, which raises its fee"
            )
        if mined is not None and not mined.succeeded:
            self.forget(name)
            raise NotDone(
                f"{name}: transaction {mined.hash} was mined in block {mined.block_number} and failed: mend the cause, "
                f"{_AGAIN}"
            )
        # Without a receipt the exact block is not known: nothing can have happened before it was begun.
        deed.block = deed.noted_at_block if mined is None else mined.block_number
        self.journal.write()
        gas = "" if mined is None else f", {mined.gas_used:,} gas"
        where = "" if deed.address is None else f" at {self.w3.to_checksum_address(deed.address)}"
        self.say(f"{name}: done{where}, block {deed.block}{gas}")

    async def _send(self, name: str, deed: Deed, to: str | None, data: bytes, value_wei: int) -> None:
        fees = await self._fees(deed)
        transaction: dict[str, Any] = {
            "type": 2,
            "chainId": self.journal.chain_id,
            "nonce": deed.nonce,
            "value": value_wei,
            "data": "0x" + data.hex(),
            "maxFeePerGas": fees.max_fee_wei,
            "maxPriorityFeePerGas": fees.priority_fee_wei,
        }
        if to is not None:
            transaction["to"] = self.w3.to_checksum_address(to)
        gas = await self._gas(name, transaction)
        transaction["gas"] = gas * (100 + _GAS_MARGIN_PERCENT) // 100
        await self._check_funds(name, transaction["gas"] * fees.max_fee_wei + value_wei)
        deed.fees = (fees.max_fee_wei, fees.priority_fee_wei)
        # A wallet that sends by itself tells the hash only afterwards: until then the nonce stands for it.
        self.journal.write()

        def note(transaction_hash: str) -> None:
            if transaction_hash not in deed.hashes:
                deed.hashes.append(transaction_hash)
            self.journal.write()

        try:
            await self.account.send(self.w3, transaction, note)
        except (EndpointRefused, InsufficientFunds) as error:
            raise NotDone(f"{name} was not taken: {error}. Mend the cause, {_AGAIN}") from error

    async def _fees(self, deed: Deed) -> Fees:
        base, tip = await self.base_fee_and_tip_wei()
        policy = self._policy
        before = Fees(*deed.fees) if deed.hashes and deed.fees is not None else None
        fees = policy.first(base, tip) if before is None else policy.replacement(base, tip, before)
        if fees is None:
            raise NotYet(
                f"the base fee is {base / GWEI:.3f} gwei, and with the tip above --max-fee-gwei {self.max_fee_gwei}: "
                f"wait or raise the limit, {_AGAIN}"
            )
        return fees

    async def _gas(self, name: str, transaction: dict[str, Any]) -> int:
        asked: dict[str, Any] = {key: transaction[key] for key in ("to", "data", "value") if key in transaction}
        asked["from"] = self.w3.to_checksum_address(self.account.address)
        # As of the next block: where nobody else sends, the newest one may be older than a timelock's end. Some
        # endpoints know no next block.
        refusal: EndpointRefused | None = None
        for block in ("pending", "latest"):
            try:
                with endpoint_faults():
                    return int(await self.w3.eth.estimate_gas(asked, block))  # type: ignore[arg-type]
            except (ContractCustomError, ContractLogicError) as error:
                raise from_web3(error) from error
            except EndpointRefused as error:
                refusal = error
        raise NotDone(f"{name} cannot be sent: {refusal}. Mend the cause, {_AGAIN}") from refusal

    async def _check_funds(self, name: str, needed_wei: int) -> None:
        balance = await self.balance_wei()
        if balance < needed_wei:
            raise NotDone(
                f"{name}: deployer {self.account.address} holds {coins(balance)} coins, and this may cost "
                f"{coins(needed_wei)}: send coins there, {_AGAIN}"
            )

    async def _mined(self, client: TransactionClient, deed: Deed, patience_seconds: float) -> Mined | None:
        deadline = time.monotonic() + patience_seconds
        while True:
            for transaction_hash in reversed(deed.hashes):
                if (mined := await client.receipt(transaction_hash)) is not None:
                    return mined
            if time.monotonic() >= deadline:
                return None
            await asyncio.sleep(self.pause_seconds)

    async def _stands(self, deed: Deed) -> bool:
        """Whether the contract is there without a receipt: a wallet sent it, and we were stopped before it said."""
        return deed.address is not None and bool(await self._code(deed.address))

    async def _was_lost(self, deed: Deed) -> bool:
        """Whether a deed in hand can no longer happen: its nonce went to another transaction."""
        client = TransactionClient(self.w3)
        spent = await client.nonce(self.account.address) > deed.nonce
        return spent and await self._mined(client, deed, 0.0) is None and not await self._stands(deed)

    def _tell_difference(self, name: str, deed: Deed, arguments: dict[str, str]) -> None:
        differing = [
            f"{key} differ{'' if key.endswith('s') else 's'} from the first run's: "
            f"{deed.arguments.get(key, 'not given')} then, {arguments.get(key, 'not given')} now"
            for key in sorted(deed.arguments.keys() | arguments.keys())
            if deed.arguments.get(key) != arguments.get(key)
        ] or ["its code differs from the first run's, which was another release's"]
        raise Differs(
            f"{name}: {'; '.join(differing)}. What stands on the chain stays: go on with the first run's, have the "
            f"admin change it there, or begin another deployment with --records ({self.journal.file} holds the first)"
        )

    async def _code(self, address: str) -> bytes:
        with endpoint_faults():
            return bytes(await self.w3.eth.get_code(self.w3.to_checksum_address(address)))


def coins(wei: int) -> str:
    """Return an amount of wei in coins, for people."""
    return f"{wei / _COIN:.6f}".rstrip("0").rstrip(".")
