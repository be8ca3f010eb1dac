"""The deployment in order: access manager, registries, oracle, lenders, the model behind its timelock, who governs."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from eth_utils.crypto import keccak

from oracle.assessment.errors import ConfigurationFault
from oracle.assessment.features import FEATURES, NEUTRAL_PRIVATE
from oracle.assessment.request import Address, to_address
from oracle.chain.contracts import ModelRegistry, ModelState, OracleContract
from oracle.chain.creation import creation_code, creation_size
from oracle.chain.governance import Governance, Proposal
from oracle.chain.reverts import Reverted
from oracle.chain.rpc import block_ref
from oracle.chain.verifier import takes_proof
from oracle.commands.contracts_check import released
from oracle.commands.deployment.deeds import Differs, Doer, NotDone, coins
from oracle.commands.deployment.journal import Deed
from oracle.commands.deployment.roles import Roles
from oracle.commands.deployment.wanted import Policy, Wanted
from oracle.commands.governing import moment
from oracle.models.registry import ShippedModel
from oracle.pipeline.models import check_facts, named
from oracle.proving.keys import Keys
from oracle.proving.prover import Prover
from oracle.proving.verifier_code import VerifierCode

VERIFIER: Final = "Halo2Verifier"
PRICE_FEED: Final = "PriceFeed"
_SAMPLE: Final = (0,) * len(FEATURES)
_FEED_DECIMALS: Final = 8
_TIMELOCK_PAUSE_SECONDS: Final = 2.0
# Measured: storage and calls of the constructors, and the calls after them, per deployment.
_GAS_BESIDE_THE_CODE: Final = 2_500_000
_GAS_A_CODE_BYTE: Final = 216
_ANSWERS_IN_RESERVE: Final = 12
_GAS_OF_AN_ANSWER: Final = 1_000_000
_GWEI: Final = 10**9


@dataclass(frozen=True, slots=True)
class Part:
    """A deployed contract, and the block that it is there since."""

    address: Address
    block: int


@dataclass(slots=True)
class Deployment:
    """Does what is wanted as far as time and roles let it; run again, it goes on."""

    doer: Doer
    wanted: Wanted
    model: ShippedModel
    keys: Keys
    verifier: VerifierCode
    say: Callable[[str], None]
    fund_wei: int = 0
    coin_price_usd: int | None = None
    wait_seconds: float = 180.0

    async def run(self) -> bool:
        """Deploy what is missing; False while the registry's timelock runs longer than we wait.

        Raises Differs, NotDone, Reverted, ConfigurationFault.
        """
        await self._check_means()
        manager = await self._create("AccessManager", {"admin": self.doer.account.address})
        lock = self.wanted.timelock_seconds
        registry = await self._create("ModelRegistry", {"manager": manager.address, "timelock_seconds": lock})
        oracle = await self._create("AIRiskOracle", self._oracle_arguments(manager, registry))
        await self._let_the_fee_follow(oracle)
        if self.coin_price_usd is not None:
            price = self.coin_price_usd * 10**_FEED_DECIMALS
            await self._create(PRICE_FEED, {"description": "COIN / USD", "price": price})
        issuers = await self._create("IssuerRegistry", {"manager": manager.address})
        approvals: Part | None = None
        if self.wanted.approvals:
            approvals = await self._create("ApprovalRegistry", {"manager": manager.address})
        if self.wanted.lends:
            arguments = {"manager": manager.address, "registry": issuers.address}
            if approvals is not None:
                arguments["approvals"] = approvals.address
            accepted = await self._create(self._accepted, arguments)
            await self._lenders({"manager": manager.address, "oracle": oracle.address, "accepted": accepted.address})
        await self._fund()
        answering = await self._bring_model(registry)
        roles = Roles(self.doer, manager.address, self.wanted)
        await roles.give_guardian(oracle.address, issuers.address, None if approvals is None else approvals.address)
        if answering:
            await roles.hand_over()
        return answering

    def part(self, name: str) -> Part | None:
        """Return a contract that was deployed, None for one that was not."""
        deed = self.doer.journal.deeds.get(name)
        if deed is None or deed.address is None or deed.block is None:
            return None
        return Part(to_address(deed.address), deed.block)

    async def tell_funds(self) -> None:
        """Say which signers cannot pay for their answers yet."""
        base, tip = await self.doer.base_fee_and_tip_wei()
        for signer in self.wanted.signers:
            needed = _ANSWERS_IN_RESERVE * _GAS_OF_AN_ANSWER * (base + tip)
            if (balance := await self.doer.balance_wei(signer)) < needed:
                self.say(
                    f"signer {signer} holds {coins(balance)} coins: send it {coins(needed)} or more, for "
                    f"{_ANSWERS_IN_RESERVE} answers, or the daemon will not be ready"
                )

    async def _create(self, name: str, arguments: dict[str, Any]) -> Part:
        shown = {key: _shown(value) for key, value in arguments.items()}
        code = creation_code(name, *map(_plain, arguments.values()))
        deed = await self.doer.create(name, code, shown, code[creation_size(name) :])
        found = await self._part_of(name, deed)
        runtime = released().get(name)
        if runtime is not None and not runtime.is_of(await self.doer.code_at(found.address)):
            raise NotDone(
                f"the code of {name} at {found.address} is not this release's: the endpoint lies, or is behind"
            )
        return found

    async def _part_of(self, name: str, deed: Deed) -> Part:
        if deed.address is None or deed.block is None:
            raise NotDone(f"{name} was not created")
        return Part(to_address(deed.address), deed.block)

    def _oracle_arguments(self, manager: Part, registry: Part) -> dict[str, Any]:
        wanted = self.wanted
        return {
            "manager": manager.address,
            "registry": registry.address,
            "signers": sorted(wanted.signers, key=lambda one: int(one, 16)),
            "threshold": wanted.threshold,
            "fee_wei": wanted.fee_wei,
            "request_lifetime_seconds": wanted.request_lifetime_seconds,
            "assessment_lifetime_seconds": wanted.assessment_lifetime_seconds,
            "payee": wanted.payee,
            "check_block_hash": wanted.check_block_hash,
        }

    async def _let_the_fee_follow(self, oracle: Part) -> None:
        bounds = self.wanted.minimum_fee_wei, self.wanted.maximum_fee_wei
        if bounds[1]:
            data = OracleContract(self.doer.w3, oracle.address, self.doer.journal.chain_id).fee_bounds(*bounds)
            told = {"minimum_wei": str(bounds[0]), "maximum_wei": str(bounds[1])}
            await self.doer.do("bounds of the fee", oracle.address, data, told)

    @property
    def _accepted(self) -> str:
        return "AcceptedApprovals" if self.wanted.approvals else "AcceptedIssuers"

    async def _lenders(self, place: dict[str, Any]) -> None:
        if self.wanted.lender:
            await self._create("SmartLending", place | {"policy": self.wanted.policy})
        if self.wanted.asset is not None:
            await self._create("TokenLender", place | self._token_lender_arguments())

    def _token_lender_arguments(self) -> dict[str, Any]:
        wanted = self.wanted
        return {
            "policy": wanted.token_policy,
            "asset": wanted.asset,
            "price_feed": wanted.price_feed,
            "liquidation_ltv_bps": wanted.liquidation_ltv_bps,
            "maximum_price_age_seconds": wanted.maximum_price_age_seconds,
        }

    async def _check_means(self) -> None:
        """Refuse before the first transaction when the deployer cannot pay for all of them."""
        if self.doer.journal.deeds:
            return
        names = ["AccessManager", "ModelRegistry", "AIRiskOracle", "IssuerRegistry"]
        names += ["ApprovalRegistry"] * self.wanted.approvals + [self._accepted] * self.wanted.lends
        names += ["SmartLending"] * self.wanted.lender + ["TokenLender"] * (self.wanted.asset is not None)
        size = sum(map(creation_size, names)) + len(self.verifier.creation)
        gas = size * _GAS_A_CODE_BYTE + _GAS_BESIDE_THE_CODE
        base, tip = await self.doer.base_fee_and_tip_wei()
        needed = gas * (base + tip) + self.fund_wei
        balance = await self.doer.balance_wei()
        address = self.doer.w3.to_checksum_address(self.doer.account.address)
        self.say(
            f"about {gas:,} gas, {coins(needed)} coins at {(base + tip) / _GWEI:.3f} gwei; deployer {address} holds "
            f"{coins(balance)}"
        )
        if balance < needed:
            raise NotDone(f"deployer {address} cannot pay for that: send coins there, then run this again")

    async def _fund(self) -> None:
        if not self.fund_wei:
            return
        for signer in self.wanted.signers:
            name = f"coins for signer {signer}"
            deed = self.doer.journal.deeds.get(name)
            begun = deed is not None and deed.block is None
            # What a wallet sent while nobody listened shows in the balance only.
            if (deed is None or begun) and await self.doer.balance_wei(signer) >= self.fund_wei:
                self.say(f"{name}: it holds enough")
                continue
            await self.doer.do(name, signer, b"", {"amount_wei": str(self.fund_wei)}, self.fund_wei)

    # ------------------------------------------------------------ the model

    async def _bring_model(self, registry: Part) -> bool:
        entries = ModelRegistry(self.doer.w3, registry.address)
        governance = Governance(self.doer.w3, registry.address)
        registered = await entries.model(self.model.model_id)
        if registered.state is ModelState.NONE:
            verifier = await self._deploy_verifier(governance)
            await self._govern(
                governance, "proposal of the model", governance.propose(self.model.model_id, self._proposal(verifier))
            )
            registered = await entries.model(self.model.model_id)
        await check_facts(self.doer.w3, registered, self.model)
        if await self.doer.code_at(registered.verifier) != self.verifier.runtime:
            raise Differs(
                f"the keys differ from the first run's: verifier {registered.verifier}, which {named(self.model)} is "
                f"registered with, is not that of {self.keys.folder}. Use the first run's keys, or begin another "
                f"deployment with --records ({self.doer.journal.file} holds the first)"
            )
        if registered.state is ModelState.RETIRED:
            raise ConfigurationFault(f"{named(self.model)} was retired, and a registry takes an id only once")
        if registered.state is ModelState.ACTIVE:
            self.say(f"{named(self.model)} is active")
            return True
        return await self._activate(governance, registered.activatable_at)

    async def _deploy_verifier(self, governance: Governance) -> Address:
        deed = await self.doer.create(VERIFIER, self.verifier.creation, {"keys": str(self.keys.sha256["Verifier.sol"])})
        part = await self._part_of(VERIFIER, deed)
        if await self.doer.code_at(part.address) != self.verifier.runtime:
            raise NotDone(f"the code at {part.address} is not the verifier's: the endpoint lies, or is behind")
        async with Prover(self.model.directory, self.keys.folder) as prover:
            proof = await prover.prove(_SAMPLE, NEUTRAL_PRIVATE)
        if not await takes_proof(self.doer.w3, part.address, proof.proof, proof.instances):
            raise ConfigurationFault(
                f"the verifier at {part.address} refuses a proof made with the keys in {self.keys.folder}: make them "
                "again with `risk-oracle setup`"
            )
        self.say(f"{VERIFIER}: takes a proof made with the keys in {self.keys.folder}")
        return part.address

    def _proposal(self, verifier: Address) -> Proposal:
        model = self.model
        code_hash = keccak(self.verifier.runtime)
        return Proposal(verifier, code_hash, model.feature_spec_hash, model.neutral_commitment, model.output_scales)

    async def _activate(self, governance: Governance, activatable_at: int) -> bool:
        deadline = time.monotonic() + self.wait_seconds
        # Where nobody else sends, the newest block is old: then our clock is nearer to the next one's time.
        now = max((await block_ref(self.doer.w3, "latest")).timestamp, time.time())
        remaining = activatable_at - now
        if remaining > self.wait_seconds:
            self.say(f"{named(self.model)} is proposed; run this again from {moment(activatable_at)} to activate it")
            return False
        if remaining > 0:
            self.say(f"waiting for the registry's timelock, until {moment(activatable_at)}")
            await asyncio.sleep(remaining)
        while True:
            try:
                await self._govern(governance, "activation of the model", governance.activate(self.model.model_id))
            except Reverted as fault:
                # The newest block may be older than the timelock's end for a while.
                if fault.name != "TimelockRunning" or time.monotonic() > deadline:
                    raise
                await asyncio.sleep(_TIMELOCK_PAUSE_SECONDS)
            else:
                return True

    async def _govern(self, governance: Governance, name: str, data: bytes) -> None:
        """Make a call of the registry that its state says is still to be made."""
        permission = await governance.permission(self.doer.account.address, data)
        if not permission.immediate:
            raise ConfigurationFault(
                f"{name}: the access manager no longer lets deployer {self.doer.account.address} do it: whoever "
                "governs does it with `risk-oracle models promote`"
            )
        deed = self.doer.journal.deeds.get(name)
        if deed is not None and deed.block is not None:
            self.doer.forget(name)
        await self.doer.do(name, governance.registry, data, {"model": self.model.name})


def _plain(value: Any) -> Any:
    """Return an argument as the ABI takes it."""
    if isinstance(value, Policy):
        return tuple(value.model_dump().values())
    return value


def _shown(value: Any) -> str:
    if isinstance(value, Policy):
        return ", ".join(f"{key} {number}" for key, number in value.model_dump().items())
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
