"""Taking back an attestation on the chain: the issuer signs, and anybody may send it to the registry."""

from dataclasses import dataclass
from typing import Final

from eth_abi.abi import encode
from eth_utils.crypto import keccak
from web3 import AsyncHTTPProvider, AsyncWeb3

from oracle.assessment.request import Address
from oracle.chain import sending
from oracle.chain.accounts import SendingAccount
from oracle.chain.reverts import Reverted
from oracle.issuers.errors import IssuingRefused
from oracle.issuers.signing import AttestationKey, RegistryDomain

_FIELDS: Final = [{"name": "issuer", "type": "bytes32"}, {"name": "dataCommitment", "type": "bytes32"}]
_SELECTOR: Final = keccak(text="revokeBySignature(bytes32,bytes32,bytes)")[:4]


class NotRevoked(IssuingRefused):
    """The registry did not take the revocation."""


@dataclass(frozen=True, slots=True)
class RegistryCall:
    """What is to be sent to the registry, by anybody."""

    to: Address
    data: bytes


def revocation_call(key: AttestationKey, domain: RegistryDomain, data_commitment: int) -> RegistryCall:
    """Return the signed call that revokes one commitment of this key's issuer."""
    issuer, commitment = key.public.issuer_id, data_commitment.to_bytes(32, "big")
    values = {"issuer": issuer, "dataCommitment": commitment}
    signature = key.sign(domain.message("DataRevocation", _FIELDS, values))
    arguments = encode(["bytes32", "bytes32", "bytes"], [issuer, commitment, signature])
    return RegistryCall(domain.registry, _SELECTOR + arguments)


async def send_call(
    w3: AsyncWeb3[AsyncHTTPProvider], account: SendingAccount, call: RegistryCall, chain_id: int
) -> str:
    """Send a call and wait for it; return its hash. Raises NotRevoked, ConfigurationFault, TransientFault."""
    try:
        return await sending.send_call(w3, account, call.to, call.data, chain_id)
    except Reverted as refusal:
        raise NotRevoked(
            f"registry {call.to} refuses the revocation: does it know this issuer, and is the registry the one of the "
            f"issuer's settings? ({refusal})"
        ) from None
