"""Taking back an attestation on the chain: the issuer signs, and anybody may send it to the registry."""

from dataclasses import dataclass
from typing import Final

from eth_abi.abi import encode
from eth_utils.crypto import keccak
from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.exceptions import ContractCustomError, ContractLogicError, TimeExhausted

from oracle.assessment.errors import ConfigurationFault, TransientFault
from oracle.assessment.request import Address
from oracle.chain.accounts import SendingAccount
from oracle.chain.rpc import endpoint_faults
from oracle.issuers.errors import IssuingRefused
from oracle.issuers.signing import AttestationKey, RegistryDomain

_FIELDS: Final = [{"name": "issuer", "type": "bytes32"}, {"name": "dataCommitment", "type": "bytes32"}]
_SELECTOR: Final = keccak(text="revokeBySignature(bytes32,bytes32,bytes)")[:4]
_GAS_MARGIN_PERCENT: Final = 20
_SECONDS: Final = 120.0


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
    sender, to = w3.to_checksum_address(account.address), w3.to_checksum_address(call.to)
    hashes: list[str] = []
    with endpoint_faults():
        if (found := await w3.eth.chain_id) != chain_id:
            raise ConfigurationFault(f"the endpoint is of chain {found}, the issuer's registry is on {chain_id}")
        if not await w3.eth.get_code(to):
            raise ConfigurationFault(f"there is no registry at {call.to} on chain {chain_id}")
        try:
            gas = await w3.eth.estimate_gas({"from": sender, "to": to, "data": call.data})
        except (ContractCustomError, ContractLogicError):
            raise NotRevoked(
                f"registry {call.to} refuses the revocation: does it know this issuer, and is the registry the one of "
                "the issuer's settings?"
            ) from None
        latest = await w3.eth.get_block("latest")
        tip = await w3.eth.max_priority_fee
        transaction = {
            "type": 2,
            "chainId": chain_id,
            "nonce": await w3.eth.get_transaction_count(sender, "pending"),
            "to": to,
            "value": 0,
            "data": f"0x{call.data.hex()}",
            "gas": gas * (100 + _GAS_MARGIN_PERCENT) // 100,
            "maxFeePerGas": 2 * latest.get("baseFeePerGas", 0) + tip,
            "maxPriorityFeePerGas": tip,
        }
        await account.send(w3, transaction, hashes.append)
        try:
            receipt = await w3.eth.wait_for_transaction_receipt(hashes[-1], timeout=_SECONDS)  # type: ignore[arg-type] # hex
        except TimeExhausted:
            raise TransientFault(f"transaction {hashes[-1]} was not mined within {_SECONDS:g} s: look for it") from None
    if receipt["status"] != 1:
        raise NotRevoked(f"transaction {hashes[-1]} reverted: does the registry know this issuer?")
    return hashes[-1]
