"""Whether the contracts that the settings lead to are this release's: their code, byte for byte."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final, Literal

from eth_utils.crypto import keccak
from web3 import AsyncHTTPProvider, AsyncWeb3

from oracle.assessment.errors import ConfigurationFault
from oracle.assessment.request import Address
from oracle.chain import rpc
from oracle.chain.contracts import ModelRegistry, ModelState, NoAnswer, OracleContract
from oracle.config import AuditSettings
from oracle.models.registry import DEFAULT_MODEL, ModelFault, ShippedModel, find, load

LENDERS: Final = ("SmartLending", "TokenLender")


@dataclass(frozen=True, slots=True)
class Runtime:
    """A contract's runtime code as released: its length, the SHA-256 of it with zeros for immutables, and their places.

    An immutable is a value that the constructor writes into the code; a place is its first byte and its length.
    """

    bytes: int
    sha256: str
    immutables: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found at one contract's address; `code_hash` is Keccak-256 of the code there.

    A lender that is not of this project is "foreign", which is no fault.
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
        name: Runtime(code["bytes"], code["sha256"], tuple((start, length) for start, length in code["immutables"]))
        for name, code in content.items()
    }


async def check_contracts(settings: AuditSettings, build: Path) -> list[Verdict]:
    """Compare oracle, registry, verifier and the configured lenders with this release.

    `build` holds the compiled verifier, where there is one. Raises ConfigurationFault on another chain or where the
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
        verdicts.append(_compare(lender.address, await _code(w3, lender.address), LENDERS))
    try:
        registry = await oracle.registry()
        verdicts.append(_compare(registry.address, await _code(w3, registry.address), ("ModelRegistry",)))
        verdicts.append(await _check_active(w3, registry, settings, build))
    except NoAnswer as error:
        raise ConfigurationFault(
            "\n".join([*map(str, verdicts), f"{error}: registry and verifier could not be found"])
        ) from error
    return verdicts


async def _check_active(
    w3: AsyncWeb3[AsyncHTTPProvider], registry: ModelRegistry, settings: AuditSettings, build: Path
) -> Verdict:
    """Compare the verifier of the model that the settings name, or else of the registry's primary."""
    primary, _ = await registry.active()
    try:
        if settings.model.name is not None or primary is None:
            model = load(settings.model.name or DEFAULT_MODEL, settings.model.directory)
        else:
            model = find(primary, settings.model.directory)
    except ModelFault as fault:
        return Verdict("Halo2Verifier", registry.address, "DIFFERENT", str(fault), b"")
    return await _check_verifier(w3, registry, model, build)


async def _check_verifier(
    w3: AsyncWeb3[AsyncHTTPProvider], registry: ModelRegistry, model: ShippedModel, build: Path
) -> Verdict:
    registered = await registry.model(model.model_id)
    name = f"model {model.name} (0x{model.model_id.hex()})"
    if registered.state is ModelState.NONE:
        return Verdict("Halo2Verifier", registered.verifier, "DIFFERENT", f"{name} is not in the registry", b"")
    code = await _code(w3, registered.verifier)
    found, state = keccak(code), f"{name} is {registered.state.name.lower()}"
    if found != registered.verifier_code_hash:
        finding = f"registered with code hash 0x{registered.verifier_code_hash.hex()}; {state}"
        return Verdict("Halo2Verifier", registered.verifier, "DIFFERENT", finding, found)
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
        runtime = released()[name]
        if len(code) == runtime.bytes and _digest(code, runtime) == runtime.sha256:
            return Verdict(name, address, "same", "as released", keccak(code))
    lengths = " or ".join(str(released()[name].bytes) for name in names)
    finding = f"{len(code)} bytes, which are not the {lengths} of this release's {expected}"
    if names == LENDERS and code:
        return Verdict("lender", address, "foreign", "not a lender of this release", keccak(code))
    return Verdict(expected, address, "DIFFERENT", finding if code else "no code there", keccak(code))


def _digest(code: bytes, runtime: Runtime) -> str:
    masked = bytearray(code)
    for start, length in runtime.immutables:
        masked[start : start + length] = bytes(length)
    return hashlib.sha256(masked).hexdigest()


async def _code(w3: AsyncWeb3[AsyncHTTPProvider], address: str) -> bytes:
    with rpc.endpoint_faults():
        return bytes(await w3.eth.get_code(w3.to_checksum_address(address)))
