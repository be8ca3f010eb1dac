"""The registry's governed calls: their calldata, and whether the access manager lets somebody make them."""

from dataclasses import dataclass
from typing import Any, Final

from eth_abi.abi import encode
from eth_utils.crypto import keccak
from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.exceptions import BadFunctionCallOutput, ContractCustomError, ContractLogicError

from oracle.assessment.outputs import OUTPUTS
from oracle.assessment.request import Address, to_address
from oracle.chain.abi import abi
from oracle.chain.contracts import NoAnswer, Statement
from oracle.chain.reverts import from_web3
from oracle.chain.rpc import endpoint_faults


def _view(name: str, inputs: list[str], outputs: list[str]) -> dict[str, Any]:
    return {
        "type": "function",
        "name": name,
        "stateMutability": "view",
        "inputs": [{"name": f"a{place}", "type": kind} for place, kind in enumerate(inputs)],
        "outputs": [{"name": f"b{place}", "type": kind} for place, kind in enumerate(outputs)],
    }


# OpenZeppelin's AccessManager 5: what is asked of it here.
_MANAGER: Final = [
    _view("canCall", ["address", "address", "bytes4"], ["bool", "uint32"]),
    _view("getSchedule", ["bytes32"], ["uint48"]),
    _view("schedule", ["address", "bytes", "uint48"], ["bytes32", "uint32"]),
]


@dataclass(frozen=True, slots=True)
class Permission:
    """Whether a call may be made at once, or else after how many seconds on the manager's schedule; 0: never."""

    immediate: bool
    delay_seconds: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a proposal tells the registry of a model; `output_scales` in bits, one an output."""

    verifier: Address
    verifier_code_hash: bytes
    feature_spec_hash: bytes
    neutral_commitment: int
    output_scales: tuple[int, ...]
    batch_size: int = 1
    statement: Statement = Statement.COMMITTED


class Governance:
    """Encodes the registry's governed calls and asks its access manager about them."""

    def __init__(self, w3: AsyncWeb3[AsyncHTTPProvider], registry: Address) -> None:
        self.registry = registry
        self._w3 = w3
        self._contract = w3.eth.contract(w3.to_checksum_address(registry), abi=abi("ModelRegistry"))

    def propose(self, model_id: bytes, proposal: Proposal) -> bytes:
        """Return the calldata of a proposal."""
        scales = bytes(proposal.output_scales)
        spec = (
            self._w3.to_checksum_address(proposal.verifier),
            proposal.verifier_code_hash,
            proposal.feature_spec_hash,
            proposal.neutral_commitment,
            scales + bytes(32 - len(OUTPUTS)),
            proposal.batch_size,
            int(proposal.statement),
        )
        return self._calldata("propose", model_id, spec)

    def activate(self, model_id: bytes) -> bytes:
        """Return the calldata that makes a proposed model the primary."""
        return self._calldata("activate", model_id)

    def roll_back(self, *, opened: bool = False) -> bytes:
        """Return the calldata that makes the shadow the primary again; `opened`: of the models with open statements."""
        return self._calldata("rollBackOpen" if opened else "rollBack")

    def retire(self, model_id: bytes) -> bytes:
        """Return the calldata that withdraws a proposal, or retires a shadow or the open primary."""
        return self._calldata("retire", model_id)

    def publish_history_table(self, table_hash: str, uri: str) -> bytes:
        """Return the calldata that publishes the hash and the place of the history table."""
        return self._calldata("publishHistoryTable", _bytes(table_hash), uri)

    async def manager(self) -> Address:
        """Return the access manager that decides who governs the registry."""
        return to_address(await self._ask(self._contract.functions.authority()))

    async def permission(self, caller: Address, data: bytes) -> Permission:
        """Return whether the manager lets `caller` make a call of the registry."""
        manager = self._at(await self.manager())
        target = self._w3.to_checksum_address(self.registry)
        asked = manager.functions.canCall(self._w3.to_checksum_address(caller), target, data[:4])
        immediate, delay_seconds = await self._ask(asked)
        return Permission(immediate, delay_seconds)

    async def scheduled_at(self, caller: Address, data: bytes) -> int:
        """Return from when (Unix seconds) a scheduled call may be made, 0 while it is not scheduled."""
        manager = self._at(await self.manager())
        operation = keccak(encode(["address", "address", "bytes"], [caller, self.registry, data]))
        scheduled: int = await self._ask(manager.functions.getSchedule(operation))
        return scheduled

    def schedule(self, data: bytes) -> bytes:
        """Return the calldata, for the manager, that schedules a call of the registry as early as its delay allows."""
        manager = self._at(self.registry)
        return _bytes(manager.encode_abi("schedule", args=[self._w3.to_checksum_address(self.registry), data, 0]))

    async def gas_of(self, sender: Address, to: Address | None, data: bytes) -> int:
        """Run a call (or, without `to`, a contract's creation) at the head; raises Reverted, in words, when refused."""
        call: dict[str, Any] = {"from": self._w3.to_checksum_address(sender), "data": data}
        if to is not None:
            call["to"] = self._w3.to_checksum_address(to)
        try:
            with endpoint_faults():
                return await self._w3.eth.estimate_gas(call)  # type: ignore[arg-type]
        except (ContractCustomError, ContractLogicError) as error:
            raise from_web3(error) from error

    def _at(self, manager: Address) -> Any:
        return self._w3.eth.contract(self._w3.to_checksum_address(manager), abi=_MANAGER)

    def _calldata(self, name: str, *arguments: Any) -> bytes:
        return _bytes(self._contract.encode_abi(name, args=list(arguments)))

    async def _ask(self, function: Any) -> Any:
        try:
            with endpoint_faults():
                return await function.call()
        except (BadFunctionCallOutput, ContractLogicError) as error:
            raise NoAnswer(
                f"registry {self.registry} or its access manager does not answer {function.fn_name}: "
                "the RPC endpoint is behind, or they are not the contracts that they should be"
            ) from error


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
