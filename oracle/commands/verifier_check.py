"""Verifiers on the chain, compared with all that is here to compare with: the release's digest, a build, the keys."""

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from eth_utils.crypto import keccak
from web3 import AsyncHTTPProvider, AsyncWeb3

from oracle.chain.contracts import ModelRegistry, ModelState, RegisteredModel
from oracle.commands.verdict import Verdict, code_at
from oracle.config.chain import DEVELOPMENT_CHAIN_IDS
from oracle.config.model import ModelSettings
from oracle.config.settings import AuditSettings
from oracle.models.registry import DEFAULT_MODEL, ModelFault, OpenCircuit, ShippedModel, find, find_open, load
from oracle.pipeline.fitting import KeysDoNotFit, check_fit
from oracle.pipeline.models import NO_SHADOW, different_facts, own_ceremony
from oracle.proving.errors import KeysFault, ProverUnavailable, ProvingFailed
from oracle.proving.key_folders import find_keys, open_beside
from oracle.proving.keys import check_keys
from oracle.proving.known_verifiers import released_verifiers
from oracle.proving.prover import Prover

_CONTRACT = "Halo2Verifier"


async def check_models(
    w3: AsyncWeb3[AsyncHTTPProvider], registry: ModelRegistry, settings: AuditSettings, build: Path
) -> list[Verdict]:
    """Compare the verifier of each model whose answers count (primaries and shadows), and of the one that is named."""
    found = [*await registry.active(), *await registry.active(opened=True)]
    roles = ("primary", "shadow", "open primary", "open shadow")
    active = {model_id: role for model_id, role in zip(found, roles, strict=True) if model_id is not None}
    verdicts = [await _check_active(w3, registry, model_id, role, settings, build) for model_id, role in active.items()]
    if settings.model.name is None and active:
        return verdicts
    try:
        named = load(settings.model.name or DEFAULT_MODEL, settings.model.directory)
    except ModelFault as fault:
        return [*verdicts, Verdict(_CONTRACT, registry.address, "DIFFERENT", str(fault), b"")]
    if named.model_id not in active:
        verdicts.append(await _check_verifier(w3, registry, named, "", settings, build))
    return verdicts


async def _check_active(
    w3: AsyncWeb3[AsyncHTTPProvider],
    registry: ModelRegistry,
    model_id: bytes,
    role: str,
    settings: AuditSettings,
    build: Path,
) -> Verdict:
    try:
        model = _known(model_id, settings.model)
    except ModelFault as fault:
        verifier = (await registry.model(model_id)).verifier
        finding = f"the registry's {role}, whose answers count, is no model known here: {fault}"
        return Verdict(_CONTRACT, verifier, "DIFFERENT", finding, keccak(await code_at(w3, verifier)))
    return await _check_verifier(w3, registry, model, f" as the {role}", settings, build)


def _known(model_id: bytes, settings: ModelSettings) -> ShippedModel | OpenCircuit:
    """Return the model of an id; the settings may name the folder of one that lies elsewhere than the others."""
    for name in (settings.name, settings.shadow):
        if name is None or name == NO_SHADOW:
            continue
        with suppress(ModelFault):
            named = load(name, settings.directory)
            if named.model_id == model_id:
                return named
    return find_open(model_id, settings.directory) or find(model_id, settings.directory)


@dataclass(slots=True)
class _Evidence:
    """What a verifier's code was compared with, what contradicts it, and what could not be compared, and why."""

    same: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    @property
    def status(self) -> Literal["same", "unchecked", "DIFFERENT"]:
        if self.different:
            return "DIFFERENT"
        return "same" if self.same else "unchecked"

    def __str__(self) -> str:
        parts = ["as registered"]
        if self.different:
            parts.append(f"but {'; '.join(self.different)}")
        if self.same:
            parts.append(f"and {'; '.join(self.same)}")
        if self.missing:
            only = "" if self.same or self.different else "which is the registry's own word; "
            parts.append(f"{only}not compared with {'; nor with '.join(self.missing)}")
        return ", ".join(parts)


async def _check_verifier(
    w3: AsyncWeb3[AsyncHTTPProvider],
    registry: ModelRegistry,
    model: ShippedModel | OpenCircuit,
    role: str,
    settings: AuditSettings,
    build: Path,
) -> Verdict:
    registered = await registry.model(model.model_id)
    name = f"model {model.name} (0x{model.model_id.hex()})"
    if registered.state is ModelState.NONE:
        return Verdict(_CONTRACT, registered.verifier, "DIFFERENT", f"{name} is not in the registry", b"")
    code = await code_at(w3, registered.verifier)
    found, state = keccak(code), f"{name} is {registered.state.name.lower()}{role}"
    if found != registered.verifier_code_hash:
        finding = f"registered with code hash 0x{registered.verifier_code_hash.hex()}; {state}"
        return Verdict(_CONTRACT, registered.verifier, "DIFFERENT", finding, found)
    if differing := different_facts(registered, model):
        return Verdict(_CONTRACT, registered.verifier, "DIFFERENT", f"{'; '.join(differing)}; {state}", found)
    evidence = _Evidence()
    _compare_with_release(evidence, model, found, settings)
    _compare_with_build(evidence, model, code, build)
    # A proof takes seconds, and adds nothing to code that is known to be another.
    if not evidence.different:
        await _compare_with_keys(evidence, w3, model, registered, settings)
    return Verdict(
        _CONTRACT,
        registered.verifier,
        evidence.status,
        f"{evidence}; {state}",
        found,
        compared=(*evidence.different, *evidence.same),
        not_compared=tuple(evidence.missing),
    )


def _compare_with_release(
    evidence: _Evidence, model: ShippedModel | OpenCircuit, code_hash: bytes, settings: AuditSettings
) -> None:
    released = released_verifiers().get(model.model_id)
    if released is None:
        evidence.missing.append("the release (it ships no digest of this model's verifier)")
    elif released.code_hash == code_hash:
        evidence.same.append("as released, byte for byte")
    elif settings.chain.chain_id in DEVELOPMENT_CHAIN_IDS or settings.model.ceremony is not None:
        evidence.missing.append("the release (its digest is of the shipped ceremony's keys)")
    else:
        evidence.different.append(f"not as released, with code hash 0x{released.code_hash.hex()}")


def _compare_with_build(evidence: _Evidence, model: ShippedModel | OpenCircuit, code: bytes, build: Path) -> None:
    artifact = build / "verifiers" / model.name / "Verifier.sol" / "Halo2Verifier.json"
    try:
        built = bytes.fromhex(json.loads(artifact.read_text())["deployedBytecode"].removeprefix("0x"))
    except FileNotFoundError:
        evidence.missing.append(f"a build ({artifact} is not there)")
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        evidence.missing.append(f"a build ({artifact} is not what a build writes: {error!r})")
    else:
        (evidence.same if built == code else evidence.different).append(
            f"{'' if built == code else 'not '}as built in {build}"
        )


async def _compare_with_keys(
    evidence: _Evidence,
    w3: AsyncWeb3[AsyncHTTPProvider],
    model: ShippedModel | OpenCircuit,
    registered: RegisteredModel,
    settings: AuditSettings,
) -> None:
    own = own_ceremony(settings.model)
    try:
        place = open_beside(settings.model.keys) if isinstance(model, OpenCircuit) else settings.model.keys
        folder = find_keys(place, model.model_id)
        keys = await asyncio.to_thread(check_keys, folder, model.model_id)
    except KeysFault as fault:
        evidence.missing.append(f"keys ({fault})")
        return
    prover = Prover(model.directory, keys.folder)
    try:
        how = await check_fit(w3, model, keys, registered.verifier, prover)
    except KeysDoNotFit as fault:
        evidence.different.append(str(fault))
    except (ProverUnavailable, ProvingFailed) as fault:
        evidence.missing.append(f"keys (no proof could be made with those in {folder}: {fault})")
    else:
        if keys.ceremony(own) is None and settings.chain.chain_id not in DEVELOPMENT_CHAIN_IDS:
            evidence.different.append(
                f"it takes proofs of the keys in {folder}, which were made with a development reference string: "
                "whoever made it can forge answers of this oracle"
            )
        else:
            evidence.same.append(f"it fits the keys in {folder}: {how}")
    finally:
        await prover.close()
