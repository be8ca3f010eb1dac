"""One call of a contract, sent by whoever pays for it and waited for: what commands do that keep no ledger."""

from typing import Final

from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.exceptions import ContractCustomError, ContractLogicError, TimeExhausted

from oracle.assessment.errors import ConfigurationFault, TransientFault
from oracle.assessment.request import Address
from oracle.chain.accounts import SendingAccount
from oracle.chain.reverts import Reverted, from_web3
from oracle.chain.rpc import endpoint_faults

_GAS_MARGIN_PERCENT: Final = 20
_SECONDS: Final = 120.0


async def send_call(
    w3: AsyncWeb3[AsyncHTTPProvider], account: SendingAccount, to: Address, data: bytes, chain_id: int
) -> str:
    """Send a call and wait for it; return its hash.

    Raises ConfigurationFault for another chain or an empty address, Reverted where the contract refuses, and
    TransientFault when it is not mined in time.
    """
    sender, target = w3.to_checksum_address(account.address), w3.to_checksum_address(to)
    hashes: list[str] = []
    with endpoint_faults():
        if (found := await w3.eth.chain_id) != chain_id:
            raise ConfigurationFault(f"the endpoint is of chain {found}, the registry is on {chain_id}")
        if not await w3.eth.get_code(target):
            raise ConfigurationFault(f"there is no registry at {to} on chain {chain_id}")
        try:
            gas = await w3.eth.estimate_gas({"from": sender, "to": target, "data": data})
        except (ContractCustomError, ContractLogicError) as error:
            raise from_web3(error) from error
        latest = await w3.eth.get_block("latest")
        tip = await w3.eth.max_priority_fee
        transaction = {
            "type": 2,
            "chainId": chain_id,
            "nonce": await w3.eth.get_transaction_count(sender, "pending"),
            "to": target,
            "value": 0,
            "data": f"0x{data.hex()}",
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
        raise Reverted("", f"transaction {hashes[-1]} was mined and reverted: something came before it; look again")
    return hashes[-1]
