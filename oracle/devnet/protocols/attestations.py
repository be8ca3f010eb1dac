"""The real Ethereum Attestation Service on the local chain: its registries, two schemas, and who attests by them."""

from dataclasses import dataclass
from typing import Any, Final

from eth_abi.abi import encode
from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak
from web3 import Web3

from oracle.devnet.machinery.accounts import Transactor
from oracle.devnet.machinery.artifacts import EAS, Deployed, packaged

PERSON: Final = "bool isPerson"
DEVELOPER: Final = "uint64 createdAt,uint32 contributions"
DEVELOPER_DAYS: Final = 365
DEVELOPER_CONTRIBUTIONS: Final = 50

_NO_RESOLVER: Final = "0x" + "00" * 20


@dataclass(frozen=True)
class AttestationService:
    """The deployed service; `attester` is the one that counts."""

    contract: Deployed
    schemas: Deployed
    attester: LocalAccount
    start_block: int

    def uid(self, layout: str) -> bytes:
        """Return a schema's UID, as the schema registry makes it: of layout, resolver and whether it can be revoked."""
        return schema_uid(layout)

    async def attest(
        self,
        transactor: Transactor,
        recipient: str,
        layout: str,
        values: tuple[Any, ...],
        *,
        by: LocalAccount | None = None,
        expires_at: int = 0,
        at: int | None = None,
    ) -> bytes:
        """Attest by a schema, as its attester or somebody else; return the attestation's UID."""
        types = [part.split()[0] for part in layout.split(",")]
        request = (Web3.to_checksum_address(recipient), expires_at, True, bytes(32), encode(types, values), 0)
        sender = by or self.attester
        sent = await transactor.call(sender, self.contract, "attest", (self.uid(layout), request), at=at)
        receipt = await transactor.chain.rpc("eth_getTransactionReceipt", sent.transaction_hash)
        [log] = receipt["logs"]
        return bytes.fromhex(log["data"][2:])

    async def revoke(self, transactor: Transactor, layout: str, uid: bytes, *, by: LocalAccount | None = None) -> None:
        """Take an attestation back."""
        await transactor.call(by or self.attester, self.contract, "revoke", (self.uid(layout), (uid, 0)))


async def deploy_attestations(
    transactor: Transactor, owner: LocalAccount, attester: LocalAccount
) -> AttestationService:
    """Deploy the service and register the schemas."""
    start_block = await transactor.chain.block_number() + 1
    schemas = await transactor.deploy(owner, packaged(EAS, "SchemaRegistry"))
    contract = await transactor.deploy(owner, packaged(EAS, "EAS"), schemas.address)
    for layout in (PERSON, DEVELOPER):
        await transactor.call(owner, schemas, "register", layout, _NO_RESOLVER, True)
    return AttestationService(contract, schemas, attester, start_block)


def schema_uid(layout: str) -> bytes:
    """Return the UID of a revocable schema without a resolver."""
    return keccak(layout.encode() + bytes(20) + b"\x01")


def attestation_settings(service: AttestationService) -> str:
    """Return the settings by which the service's attestations count."""
    return f"""[[history.attestations]]
name = "local-person"
registry = "{service.contract.address}"
schema_uid = "0x{service.uid(PERSON).hex()}"
attesters = ["{service.attester.address}"]
verifies = "personhood"
start_block = {service.start_block}
layout = "{PERSON}"
flag_field = "isPerson"

[[history.attestations]]
name = "local-developer"
registry = "{service.contract.address}"
schema_uid = "0x{service.uid(DEVELOPER).hex()}"
attesters = ["{service.attester.address}"]
verifies = "developer"
start_block = {service.start_block}
layout = "{DEVELOPER}"
created_field = "createdAt"
minimum_age_days = {DEVELOPER_DAYS}
standing_field = "contributions"
minimum_standing = {DEVELOPER_CONTRIBUTIONS}
"""
