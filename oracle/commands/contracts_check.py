"""Whether the contracts that the settings lead to are this release's: their code, byte for byte."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from eth_utils.crypto import keccak
from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.exceptions import BadFunctionCallOutput, ContractLogicError

from oracle.assessment.errors import ConfigurationFault
from oracle.assessment.request import NATIVE_COIN, Address, to_address
from oracle.chain import rpc
from oracle.chain.abi import abi
from oracle.chain.contracts import NoAnswer, OracleContract
from oracle.commands.verdict import Verdict, code_at
from oracle.commands.verifier_check import check_models
from oracle.config.markets import LenderSettings
from oracle.config.settings import AuditSettings

LENDERS: Final = ("SmartLending", "TokenLender")
# A lender that takes no private data asks nobody.
_NOBODY: Final = NATIVE_COIN


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

    A verifier is compared with what there is of: the release's digest, the compiled one in `build`, the keys here.
    Raises ConfigurationFault on another chain or where the oracle's address has no code, TransientFault when the
    endpoint does not answer.
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
    code = await code_at(w3, oracle.address)
    if not code:
        raise ConfigurationFault(
            f"chain.oracle: there is no contract at {oracle.address} on this chain; correct the address"
        )
    verdicts = [_compare(oracle.address, code, ("AIRiskOracle",))]
    for lender in settings.history.lenders:
        verdicts.append(await _check_lender(w3, lender, oracle.address))
        if verdicts[-1].status == "same":
            verdicts += await _check_issuers(w3, lender.address, {verdict.address for verdict in verdicts})
    try:
        registry = await oracle.registry()
        verdicts.append(_compare(registry.address, await code_at(w3, registry.address), ("ModelRegistry",)))
        verdicts += await check_models(w3, registry, settings, build)
    except NoAnswer as error:
        raise ConfigurationFault(
            "\n".join([*map(str, verdicts), f"{error}: registry and verifier could not be found"])
        ) from error
    return verdicts


async def _check_lender(w3: AsyncWeb3[AsyncHTTPProvider], lender: LenderSettings, oracle: Address) -> Verdict:
    """Compare a lender's code, and the oracle that it asks, unless the settings call it another project's."""
    code = await code_at(w3, lender.address)
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


async def _check_issuers(w3: AsyncWeb3[AsyncHTTPProvider], lender: str, known: set[str]) -> list[Verdict]:
    """Compare whose word a lender takes, and the registries that this asks, unless they are `known`."""
    accepted = await _named(w3, lender, "SmartLending", "acceptedIssuers")
    if accepted == _NOBODY or accepted in known:
        return []
    verdicts = [_compare(accepted, await code_at(w3, accepted), ("AcceptedIssuers", "AcceptedApprovals"))]
    if verdicts[0].status == "same":
        asked = {"registry": "IssuerRegistry"}
        if verdicts[0].contract == "AcceptedApprovals":
            asked["approvals"] = "ApprovalRegistry"
        for view, contract in asked.items():
            registry = await _named(w3, accepted, verdicts[0].contract, view)
            if registry not in known:
                verdicts.append(_compare(registry, await code_at(w3, registry), (contract,)))
    return verdicts


async def _oracle_of(w3: AsyncWeb3[AsyncHTTPProvider], lender: str) -> Address:
    # Every lender of this project has it, under the same name.
    return await _named(w3, lender, "SmartLending", "oracle")


async def _named(w3: AsyncWeb3[AsyncHTTPProvider], address: str, contract: str, view: str) -> Address:
    """Return the address that a contract names by a view of its own."""
    called = w3.eth.contract(w3.to_checksum_address(address), abi=abi(contract)).functions[view]()
    try:
        with rpc.endpoint_faults():
            return to_address(await called.call())
    except (BadFunctionCallOutput, ContractLogicError) as error:
        raise NoAnswer(f"the contract at {address} does not name its {view}: the RPC endpoint is behind") from error


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
