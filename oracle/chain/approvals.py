"""The registry of approvals on a chain: its panels, what is recorded there, and the call that records."""

from dataclasses import dataclass
from typing import Any

from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.exceptions import BadFunctionCallOutput, ContractCustomError, ContractLogicError

from oracle.assessment.errors import ConfigurationFault
from oracle.assessment.request import Address, to_address
from oracle.chain.abi import abi
from oracle.chain.reverts import Reverted, from_web3
from oracle.chain.rpc import endpoint_faults


@dataclass(frozen=True, slots=True)
class Panel:
    """A bank and an agency that decide together."""

    bank: Address
    agency: Address
    active: bool
    name: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """A decision that was recorded; times in Unix seconds, `revoked_at` zero while it stands."""

    applicant: Address
    decided_at: int
    valid_until: int
    approved: bool
    years_bin: int
    model_hash: bytes
    data_commitment: bytes
    digest: bytes
    revoked_at: int


class ApprovalRegistry:
    """Reads of one registry; each raises ConfigurationFault where none is at its address, and TransientFault."""

    def __init__(self, w3: AsyncWeb3[AsyncHTTPProvider], address: Address) -> None:
        self.address = address
        self.w3 = w3
        self._contract = w3.eth.contract(w3.to_checksum_address(address), abi=abi("ApprovalRegistry"))

    async def panel(self, number: int) -> Panel | None:
        """Return a panel, None where there is none of that number."""
        bank, active, agency, name = await self._ask("panelOf", number)
        return Panel(to_address(bank), to_address(agency), active, name) if int(bank, 16) else None

    async def recorded(self, panel: int, request: bytes) -> Recorded | None:
        """Return what a panel's decision on a request is, None while nothing is recorded."""
        found = await self._ask("decisionOf", panel, request)
        applicant, decided_at, valid_until, approved, years_bin, model_hash, data_commitment, digest = found
        if not decided_at:
            return None
        revoked_at = await self.revoked_at(panel, request)
        times, said = (decided_at, valid_until), (approved, years_bin, model_hash, data_commitment, digest)
        return Recorded(to_address(applicant), *times, *said, revoked_at)

    async def revoked_at(self, panel: int, request: bytes) -> int:
        """Return when a panel's request was revoked, in Unix seconds; 0 while it is not."""
        return int(await self._ask("revokedAt", panel, request))

    async def newest(self, panel: int, applicant: Address) -> bytes:
        """Return the request of a panel's newest decision on an applicant; zeros while there is none."""
        return bytes(await self._ask("newestOf", panel, self.w3.to_checksum_address(applicant)))

    async def standing(self, panel: int, applicant: Address) -> Reverted | None:
        """Return why a panel's newest decision on an applicant is no approval now; None where it is one."""
        try:
            await self._ask("check", panel, self.w3.to_checksum_address(applicant))
        except Reverted as refusal:
            if not refusal.name:
                raise
            return refusal
        return None

    def record_call(self, decision: tuple[Any, ...], signatures: tuple[bytes, bytes, bytes]) -> bytes:
        """Return the calldata that records a decision: its fields in the order of the contract's struct."""
        panel, applicant, *rest = decision
        given = (panel, self.w3.to_checksum_address(applicant), *rest)
        encoded: str = self._contract.encode_abi("record", args=[given, signatures])
        return bytes.fromhex(encoded.removeprefix("0x"))

    def revoke_call(self, panel: int, request: bytes, signature: bytes | None = None) -> bytes:
        """Return the calldata that revokes a request: by whoever sends it, or by whose signature goes with it."""
        if signature is None:
            encoded: str = self._contract.encode_abi("revoke", args=[panel, request])
        else:
            encoded = self._contract.encode_abi("revokeBySignature", args=[panel, request, signature])
        return bytes.fromhex(encoded.removeprefix("0x"))

    async def _ask(self, function: str, *arguments: Any) -> Any:
        try:
            with endpoint_faults():
                return await self._contract.functions[function](*arguments).call()
        except BadFunctionCallOutput as error:
            raise ConfigurationFault(
                f"there is no registry of approvals at {self.address}, nothing there answers {function}: is that its "
                "address, and the endpoint one of its chain?"
            ) from error
        except (ContractCustomError, ContractLogicError) as error:
            raise from_web3(error) from error
