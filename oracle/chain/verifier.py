"""The generated verifier contract, asked as anybody may ask it."""

from typing import Final

from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.exceptions import BadFunctionCallOutput, ContractCustomError, ContractLogicError

from oracle.assessment.request import Address
from oracle.chain.rpc import endpoint_faults

_ABI: Final = [
    {
        "type": "function",
        "name": "verifyProof",
        "stateMutability": "view",
        "inputs": [{"name": "proof", "type": "bytes"}, {"name": "instances", "type": "uint256[]"}],
        "outputs": [{"name": "", "type": "bool"}],
    }
]


async def takes_proof(
    w3: AsyncWeb3[AsyncHTTPProvider], verifier: Address, proof: bytes, instances: tuple[int, ...]
) -> bool:
    """Return whether a deployed verifier takes a proof with these instances."""
    contract = w3.eth.contract(w3.to_checksum_address(verifier), abi=_ABI)
    try:
        with endpoint_faults():
            return bool(await contract.functions.verifyProof(proof, list(instances)).call())
    except (BadFunctionCallOutput, ContractCustomError, ContractLogicError):
        return False  # how a generated verifier refuses
