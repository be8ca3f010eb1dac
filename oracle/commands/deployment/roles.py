"""Who governs in the end: the roles of the access manager, given and given up."""

from typing import Any, Final

from oracle.assessment.errors import ConfigurationFault
from oracle.chain.rpc import endpoint_faults
from oracle.commands.deployment.deeds import Doer
from oracle.commands.deployment.wanted import Wanted

# OpenZeppelin's AccessManager 5.
_ADMIN_ROLE: Final = 0
_GUARDIAN_ROLE: Final = 1
_PAUSE: Final = "pause()"
_SUSPEND: Final = "suspend(bytes32)"
_SUSPEND_PANEL: Final = "suspend(uint32)"


def _function(name: str, inputs: list[str], outputs: list[str], mutability: str = "nonpayable") -> dict[str, Any]:
    return {
        "type": "function",
        "name": name,
        "stateMutability": mutability,
        "inputs": [{"name": f"a{place}", "type": kind} for place, kind in enumerate(inputs)],
        "outputs": [{"name": f"b{place}", "type": kind} for place, kind in enumerate(outputs)],
    }


_MANAGER: Final = [
    _function("hasRole", ["uint64", "address"], ["bool", "uint32"], "view"),
    _function("getTargetFunctionRole", ["address", "bytes4"], ["uint64"], "view"),
    _function("grantRole", ["uint64", "address", "uint32"], []),
    _function("renounceRole", ["uint64", "address"], []),
    _function("setTargetFunctionRole", ["address", "bytes4[]", "uint64"], []),
]


class Roles:
    """Gives the roles of an access manager that are wanted, as long as the deployer is its admin."""

    def __init__(self, doer: Doer, manager: str, wanted: Wanted) -> None:
        self._doer = doer
        self._manager = doer.w3.eth.contract(doer.w3.to_checksum_address(manager), abi=_MANAGER)
        self._deployer = doer.account.address
        self._guardian = wanted.guardian
        self._admin = wanted.admin or self._deployer
        self._delay_seconds = wanted.admin_delay_seconds

    async def give_guardian(self, oracle: str, issuers: str, approvals: str | None) -> None:
        """Let the guardian, and the admin, stop requests, issuers and panels at once; the admin alone starts them."""
        if self._guardian is None or not await self._governs():
            return
        stopped = [("requests", oracle, _PAUSE), ("an issuer", issuers, _SUSPEND)]
        if approvals is not None:
            stopped.append(("a panel", approvals, _SUSPEND_PANEL))
        for what, contract, function in stopped:
            selector = bytes(self._doer.w3.keccak(text=function)[:4])
            target = self._checksummed(contract)
            if await self._ask("getTargetFunctionRole", target, selector) != _GUARDIAN_ROLE:
                name = f"the guardian's role may stop {what}"
                await self._do(name, "setTargetFunctionRole", target, [selector], _GUARDIAN_ROLE)
        for account in sorted({self._guardian, self._admin}):
            await self._grant(_GUARDIAN_ROLE, account, 0, "guardian")

    async def hand_over(self) -> None:
        """Make the wanted admin the admin, whose acts are announced for its delay; the deployer has no role then."""
        if self._admin == self._deployer:
            return
        if not await self._governs():
            if not (await self._ask("hasRole", _ADMIN_ROLE, self._checksummed(self._admin)))[0]:
                raise ConfigurationFault(
                    f"admin differs from the first run's: {self._admin} has no role, and the deployer {self._deployer} "
                    "gave its own up. The admin names another one on the access manager"
                )
            return
        await self._grant(_ADMIN_ROLE, self._admin, self._delay_seconds, "admin")
        await self._do("the deployer gives up its role", "renounceRole", _ADMIN_ROLE, self._checksummed(self._deployer))

    async def _governs(self) -> bool:
        return bool((await self._ask("hasRole", _ADMIN_ROLE, self._checksummed(self._deployer)))[0])

    async def _grant(self, role: int, account: str, delay_seconds: int, name: str) -> None:
        held, delay = await self._ask("hasRole", role, self._checksummed(account))
        if held and delay != delay_seconds:
            raise ConfigurationFault(
                f"{name} {account} has its role with a delay of {delay} s, {delay_seconds} s is wanted now: the admin "
                "changes it on the access manager"
            )
        if not held:
            await self._do(f"{name} {account}", "grantRole", role, self._checksummed(account), delay_seconds)

    async def _do(self, name: str, function: str, *arguments: Any) -> None:
        data = bytes.fromhex(self._manager.encode_abi(function, args=list(arguments)).removeprefix("0x"))
        if (deed := self._doer.journal.deeds.get(name)) is not None and deed.block is not None:
            self._doer.forget(name)
        shown = {f"argument {place}": str(argument) for place, argument in enumerate(arguments)}
        await self._doer.do(name, self._manager.address, data, shown)

    async def _ask(self, function: str, *arguments: Any) -> Any:
        with endpoint_faults():
            return await self._manager.functions[function](*arguments).call()

    def _checksummed(self, account: str) -> str:
        return self._doer.w3.to_checksum_address(account)
