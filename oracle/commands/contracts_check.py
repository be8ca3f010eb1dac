"""Whether the contracts that the settings lead to are this release's: their code, byte for byte."""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final, Literal

from eth_utils.crypto import keccak
from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.exceptions import BadFunctionCallOutput, ContractLogicError

from oracle.assessment.errors import ConfigurationFault
from oracle.assessment.request import Address, to_address
from oracle.chain import rpc
from oracle.chain.abi import abi
from oracle.chain.contracts import ModelRegistry, ModelState, NoAnswer, OracleContract
from oracle.config.markets import LenderSettings
from oracle.config.model import ModelSettings
from oracle.config.settings import AuditSettings
from oracle.models.registry import DEFAULT_MODEL, ModelFault, ShippedModel, find, load
from oracle.pipeline.models import NO_SHADOW, different_facts

LENDERS: Final = ("SmartLending", "TokenLender")


@dataclass(frozen=True, slots=True)
class Runtime:
    """A contract's runtime code as released: its length, the SHA-256 of it with zeros for immutables, and their places.

    An immutable is a value that the constructor writes into the code, often in several places; a place is its first
    byte and its length.
    """

    size: int
    sha256: str
    immutables: tuple[tuple[tuple[int, int], ...], ...]

    def is_of(self, code: bytes) -> bool:
        """Whether code on a chain is this one, with any values for its immutables: one each."""
        masked = bytearray(code)
        for places in self.immutables:
            # Two values for one immutable are none that a constructor could have written: that code was made by hand.
            if len({code[start : start + length] for start, length in places}) != 1:
                return False
            for start, length in places:
                masked[start : start + length] = bytes(length)
        return len(code) == self.size and hashlib.sha256(masked).hexdigest() == self.sha256


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found at one contract's address; `code_hash` is Keccak-256 of the code there.

    A lender that the settings call another project's is "foreign", which is no fault.
    """

    contract: str
    address: str
    status: Literal["same", "foreign", "DIFFERENT"]
    finding: str
    code_hash: bytes

    def __str__(self) -> str:
        return f"{self.status:9} {self.contract:13} {self.address} 0x{self.code_hash.hex()}  {self.finding}"


@cache
def released() -> dict[str, Runtime]:
    """Return this release's contracts by name, as the Solidity build wrote them."""
    content = json.loads((files("oracle.chain") / "abi" / "runtime.json").read_text())
    return {
        name: Runtime(
            code["bytes"],
            code["sha256"],
            tuple(tuple((start, length) for start, length in places) for places in code["immutables"]),
        )
        for name, code in content.items()
    }


async def check_contracts(settings: AuditSettings, build: Path) -> list[Verdict]:
    """Compare oracle, registry, verifiers and the configured lenders with this release.

    `build` holds the compiled verifiers, where there are any. Raises ConfigurationFault on another chain or where the
    oracle's address has no code, TransientFault when the endpoint does not answer.
    """
    chain = settings.chain
    w3 = rpc.connect(
        chain.rpc_urls,
        chain.request_timeout_seconds,
        chain_id=chain.chain_id,
        max_lag_blocks=chain.max_head_lag,
        ask_two=chain.two_endpoints_agree,
    )
    try:
        await rpc.check_chain_id(w3, chain.chain_id)
        return await _check(w3, settings, build)
    finally:
        await w3.provider.disconnect()


async def _check(w3: AsyncWeb3[AsyncHTTPProvider], settings: AuditSettings, build: Path) -> list[Verdict]:
    oracle = OracleContract(w3, Address(settings.chain.oracle), settings.chain.chain_id)
    code = await _code(w3, oracle.address)
    if not code:
        raise ConfigurationFault(
            f"chain.oracle: there is no contract at {oracle.address} on this chain; correct the address"
        )
    verdicts = [_compare(oracle.address, code, ("AIRiskOracle",))]
    for lender in settings.history.lenders:
        verdicts.append(await _check_lender(w3, lender, oracle.address))
    try:
        registry = await oracle.registry()
        verdicts.append(_compare(registry.address, await _code(w3, registry.address), ("ModelRegistry",)))
        verdicts += await _check_models(w3, registry, settings.model, build)
    except NoAnswer as error:
        raise ConfigurationFault(
            "\n".join([*map(str, verdicts), f"{error}: registry and verifier could not be found"])
        ) from error
    return verdicts


async def _check_lender(w3: AsyncWeb3[AsyncHTTPProvider], lender: LenderSettings, oracle: Address) -> Verdict:
    """Compare a lender's code, and the oracle that it asks, unless the settings call it another project's."""
    code = await _code(w3, lender.address)
    if lender.foreign and code:
        return Verdict("lender", lender.address, "foreign", "another project's, as the settings say", keccak(code))
    verdict = _compare(lender.address, code, LENDERS)
    if verdict.status == "DIFFERENT":
        hint = "; `foreign = true` in its [[history.lenders]] says that it is another project's" if code else ""
        return replace(verdict, contract="lender", finding=verdict.finding + hint)
    # The address of the oracle is an immutable: code as released may ask any oracle.
    asked = await _oracle_of(w3, lender.address)
    if asked != oracle:
        return replace(verdict, status="DIFFERENT", finding=f"as released, but asks another oracle: {asked}")
    return replace(verdict, finding="as released, asks this oracle")


async def _oracle_of(w3: AsyncWeb3[AsyncHTTPProvider], lender: str) -> Address:
    # Every lender of this project has it, under the same name.
    contract = w3.eth.contract(w3.to_checksum_address(lender), abi=abi("SmartLending"))
    try:
        with rpc.endpoint_faults():
            return to_address(await contract.functions.oracle().call())
    except (BadFunctionCallOutput, ContractLogicError) as error:
        raise NoAnswer(f"the lender at {lender} does not name its oracle: the RPC endpoint is behind") from error


async def _check_models(
    w3: AsyncWeb3[AsyncHTTPProvider], registry: ModelRegistry, settings: ModelSettings, build: Path
) -> list[Verdict]:
    """Compare the verifier of each model whose answers count (primary and shadow), and of the one that is named."""
    primary, shadow = await registry.active()
    active = {model_id: role for model_id, role in ((primary, "primary"), (shadow, "shadow")) if model_id is not None}
    verdicts = [await _check_active(w3, registry, model_id, role, settings, build) for model_id, role in active.items()]
    if settings.name is None and active:
        return verdicts
    try:
        named = load(settings.name or DEFAULT_MODEL, settings.directory)
    except ModelFault as fault:
        return [*verdicts, Verdict("Halo2Verifier", registry.address, "DIFFERENT", str(fault), b"")]
    if named.model_id not in active:
        verdicts.append(await _check_verifier(w3, registry, named, "", build))
    return verdicts


async def _check_active(
    w3: AsyncWeb3[AsyncHTTPProvider],
    registry: ModelRegistry,
    model_id: bytes,
    role: str,
    settings: ModelSettings,
    build: Path,
) -> Verdict:
    try:
        model = _known(model_id, settings)
    except ModelFault as fault:
        verifier = (await registry.model(model_id)).verifier
        finding = f"the registry's {role}, whose answers count, is no model known here: {fault}"
        return Verdict("Halo2Verifier", verifier, "DIFFERENT", finding, keccak(await _code(w3, verifier)))
    return await _check_verifier(w3, registry, model, f" as the {role}", build)


def _known(model_id: bytes, settings: ModelSettings) -> ShippedModel:
    """Return the model of an id; the settings may name the folder of one that lies elsewhere than the others."""
    for name in (settings.name, settings.shadow):
        if name is None or name == NO_SHADOW:
            continue
        with suppress(ModelFault):
            named = load(name, settings.directory)
            if named.model_id == model_id:
                return named
    return find(model_id, settings.directory)


async def _check_verifier(
    w3: AsyncWeb3[AsyncHTTPProvider], registry: ModelRegistry, model: ShippedModel, role: str, build: Path
) -> Verdict:
    registered = await registry.model(model.model_id)
    name = f"model {model.name} (0x{model.model_id.hex()})"
    if registered.state is ModelState.NONE:
        return Verdict("Halo2Verifier", registered.verifier, "DIFFERENT", f"{name} is not in the registry", b"")
    code = await _code(w3, registered.verifier)
    found, state = keccak(code), f"{name} is {registered.state.name.lower()}{role}"
    if found != registered.verifier_code_hash:
        finding = f"registered with code hash 0x{registered.verifier_code_hash.hex()}; {state}"
        return Verdict("Halo2Verifier", registered.verifier, "DIFFERENT", finding, found)
    if differing := different_facts(registered, model):
        return Verdict("Halo2Verifier", registered.verifier, "DIFFERENT", f"{'; '.join(differing)}; {state}", found)
    artifact = build / "verifiers" / model.name / "Verifier.sol" / "Halo2Verifier.json"
    if not artifact.is_file():
        finding = f"as registered; {artifact} is not there: not compared with a build; {state}"
        return Verdict("Halo2Verifier", registered.verifier, "same", finding, found)
    built = bytes.fromhex(json.loads(artifact.read_text())["deployedBytecode"].removeprefix("0x"))
    finding = f"as registered, {'and' if built == code else 'but not'} as built in {build}; {state}"
    return Verdict("Halo2Verifier", registered.verifier, "same" if built == code else "DIFFERENT", finding, found)


def _compare(address: str, code: bytes, names: Sequence[str]) -> Verdict:
    """Compare code with released contracts of which it may be any."""
    expected = " or ".join(names)
    for name in names:
        if released()[name].is_of(code):
            return Verdict(name, address, "same", "as released", keccak(code))
    lengths = " or ".join(str(released()[name].size) for name in names)
    finding = (
        f"{len(code)} bytes, which are not the {lengths} of this release's {expected} as a constructor leaves them"
    )
    return Verdict(expected, address, "DIFFERENT", finding if code else "no code there", keccak(code))


async def _code(w3: AsyncWeb3[AsyncHTTPProvider], address: str) -> bytes:
    with rpc.endpoint_faults():
        return bytes(await w3.eth.get_code(w3.to_checksum_address(address)))
