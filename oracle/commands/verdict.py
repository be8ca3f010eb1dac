"""What a comparison of code on the chain found."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from web3 import AsyncHTTPProvider, AsyncWeb3

from oracle.chain import rpc


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found at one contract's address; `code_hash` is Keccak-256 of the code there.

    A lender that the settings call another project's is "foreign", which is no fault; a verifier of which there is only
    the registry's word is "unchecked". `compared` and `not_compared` say with what, a phrase each.
    """

    contract: str
    address: str
    status: Literal["same", "foreign", "unchecked", "DIFFERENT"]
    finding: str
    code_hash: bytes
    compared: tuple[str, ...] = ()
    not_compared: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.status:9} {self.contract:13} {self.address} 0x{self.code_hash.hex()}  {self.finding}"

    def as_json(self) -> dict[str, Any]:
        """Return the verdict's fields for JSON."""
        return asdict(self) | {"code_hash": f"0x{self.code_hash.hex()}"}


async def code_at(w3: AsyncWeb3[AsyncHTTPProvider], address: str) -> bytes:
    """Return the code at an address, empty where there is none."""
    with rpc.endpoint_faults():
        return bytes(await w3.eth.get_code(w3.to_checksum_address(address)))
