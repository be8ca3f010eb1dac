"""The operator's hands on the registry: one governed call at a time, made, scheduled, or printed."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.types import Nonce
from web3.utils import get_create_address

from oracle.assessment.errors import ConfigurationFault, OracleError, TransientFault
from oracle.assessment.request import Address, to_address
from oracle.chain import rpc
from oracle.chain.contracts import ModelRegistry, OracleContract
from oracle.chain.fees import fee_policy
from oracle.chain.governance import Governance, Permission
from oracle.chain.signer import Call, Signer
from oracle.chain.transactions import Mined, TransactionClient
from oracle.config.settings import AuditSettings

_GAS_MARGIN_PERCENT = 20
_CREATION = Address("0x")


class NotGovernor(ConfigurationFault):
    """The access manager gives the key no role for the call."""


class CallFailed(OracleError):
    """A transaction was mined and reverted, or was not mined in time."""


@dataclass(slots=True)
class Desk:
    """What the commands on the registry work with; without `signer`, calls are printed instead of made."""

    settings: AuditSettings
    w3: AsyncWeb3[AsyncHTTPProvider]
    registry: ModelRegistry
    governance: Governance
    signer: Signer | None
    say: Callable[[str], None]
    patience_seconds: float = 600.0

    async def act(self, what: str, data: bytes) -> bool:
        """Make a call of the registry; False when somebody, or time, must do something first.

        Raises NotGovernor when the key has no role for it, Reverted when the registry refuses, CallFailed.
        """
        if self.signer is None:
            self.say(f"{what}: to be sent by the registry's governor")
            self.say(_call(self.registry.address, data))
            return False
        permission = await self.permitted(what, data)
        if not permission.immediate and not await self._scheduled(what, data):
            return False
        mined = await self.send(self.registry.address, data)
        self.say(f"{what}: done in block {mined.block_number}, {mined.gas_used} gas, {mined.hash}")
        return True

    async def permitted(self, what: str, data: bytes) -> Permission:
        """Return how the key may make a call of the registry; raises NotGovernor when it never may."""
        if self.signer is None:
            raise ConfigurationFault("without a key nothing can be sent: leave --calldata out")
        permission = await self.governance.permission(self.signer.address, data)
        if not permission.immediate and not permission.delay_seconds:
            raise NotGovernor(
                f"{what}: the access manager {await self.governance.manager()} gives {self.signer.address} no role for "
                f"this on registry {self.registry.address}. Run with the governor's key (--key-file), or with "
                "--calldata, which prints what a multisig or a DAO has to send"
            )
        return permission

    async def deploy(self, code: bytes) -> Address:
        """Create a contract, which needs no role; return its address."""
        if self.signer is None:
            raise ConfigurationFault("a contract can only be deployed with a key: leave --calldata out")
        nonce = await TransactionClient(self.w3).nonce(self.signer.address)
        await self.send(None, code, nonce)
        return to_address(get_create_address(self.w3.to_checksum_address(self.signer.address), Nonce(nonce)))

    async def send(self, to: Address | None, data: bytes, nonce: int | None = None) -> Mined:
        """Sign and send one transaction, and wait until it is mined."""
        signer, client, limits = self.signer, TransactionClient(self.w3), self.settings.transactions
        if signer is None:
            raise ConfigurationFault("a transaction can only be sent with a key: leave --calldata out")
        gas = await self.governance.gas_of(signer.address, to, data)
        policy = fee_policy(
            self.settings.chain.chain_id,
            limits.max_fee_gwei,
            limits.priority_fee_gwei,
            limits.max_priority_fee_gwei,
        )
        fees = policy.first(await client.base_fee_wei(), await client.suggested_tip_wei())
        if fees is None:
            raise TransientFault("the base fee is above transactions.max_fee_gwei: wait, or raise the limit")
        call = Call(_CREATION if to is None else to, data, gas * (100 + _GAS_MARGIN_PERCENT) // 100)
        nonce = await client.nonce(signer.address) if nonce is None else nonce
        signed = signer.sign_transaction(call, self.settings.chain.chain_id, nonce, fees)
        await client.broadcast(signed.raw)
        mined = await self._mined(client, signed.hash)
        if not mined.succeeded:
            raise CallFailed(f"transaction {mined.hash} was mined in block {mined.block_number} but reverted")
        return mined

    async def now(self) -> int:
        """Return the chain's time, Unix seconds."""
        return (await rpc.block_ref(self.w3, "latest")).timestamp

    async def _scheduled(self, what: str, data: bytes) -> bool:
        """Say whether a call that must wait on the manager's schedule has waited; put it there when it is not."""
        if self.signer is None:
            raise ConfigurationFault("a call can only be scheduled with a key: leave --calldata out")
        since = await self.governance.scheduled_at(self.signer.address, data)
        if not since:
            await self.send(await self.governance.manager(), self.governance.schedule(data))
            since = await self.governance.scheduled_at(self.signer.address, data)
        if since > await self.now():
            self.say(f"{what}: scheduled with the access manager; run this again from {moment(since)}")
            return False
        return True

    async def _mined(self, client: TransactionClient, transaction_hash: str) -> Mined:
        deadline = time.monotonic() + self.patience_seconds
        while True:
            mined = await client.receipt(transaction_hash)
            if mined is not None:
                return mined
            if time.monotonic() > deadline:
                raise CallFailed(
                    f"transaction {transaction_hash} was not mined within {self.patience_seconds:g} s: look for it "
                    "with a block explorer before running this again (a daemon with the same key may take its nonce)"
                )
            await asyncio.sleep(min(self.settings.chain.poll_seconds, 1.0))


@asynccontextmanager
async def desk(settings: AuditSettings, signer: Signer | None, say: Callable[[str], None]) -> AsyncIterator[Desk]:
    """Give the desk of the settings' chain; raises ConfigurationFault on another chain or without the oracle's code."""
    chain = settings.chain
    w3 = rpc.connect(
        chain.rpc_urls, chain.request_timeout_seconds, chain_id=chain.chain_id, max_lag_blocks=chain.max_head_lag
    )
    try:
        await rpc.check_chain_id(w3, chain.chain_id)
        oracle = OracleContract(w3, Address(chain.oracle), chain.chain_id)
        await oracle.check_interface()
        registry = await oracle.registry()
        yield Desk(settings, w3, registry, Governance(w3, registry.address), signer, say)
    finally:
        await w3.provider.disconnect()


def moment(seconds: int) -> str:
    """Return a Unix time for people."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _call(to: Address, data: bytes) -> str:
    return f"  to    {to}\n  data  0x{data.hex()}"
