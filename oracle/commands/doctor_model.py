"""The models as the doctor sees them: which answers, whether its keys are whole and fit the verifier on the chain."""

import asyncio
from typing import Final

from web3 import AsyncHTTPProvider, AsyncWeb3

from oracle.assessment.errors import ConfigurationFault
from oracle.assessment.features import FEATURES
from oracle.chain.contracts import ModelRegistry, OracleContract
from oracle.commands.findings import Findings
from oracle.config.chain import DEVELOPMENT_CHAIN_IDS
from oracle.config.settings import AuditSettings
from oracle.models.registry import ShippedModel
from oracle.pipeline.fitting import check_fit
from oracle.pipeline.models import chosen_model, chosen_shadow, keys_of, named, own_ceremony
from oracle.proving.commitment import commit_chain
from oracle.proving.errors import KeysFault
from oracle.proving.fleet.fleet import FleetUnavailable
from oracle.proving.keys import Keys
from oracle.proving.prover import Prover
from oracle.startup import fleet_of

_ANY_FEATURES: Final = (0,) * len(FEATURES)


async def examine_models(
    findings: Findings, w3: AsyncWeb3[AsyncHTTPProvider], oracle: OracleContract, settings: AuditSettings
) -> None:
    """Look at the model that answers, its keys and their verifier, and at those of the one that would come back."""
    registry = await findings.ask("model", oracle.registry())
    if registry is None:
        findings.unknown("keys", "the registry was not found")
        return
    model = await findings.ask("model", chosen_model(w3, registry, settings.model))
    if model is None:
        findings.unknown("keys", "no model may answer")
        return
    findings.ok("model", f"{named(model)} answers, and is registered with the facts that it has here")
    with findings.about("keys"):
        keys = await asyncio.to_thread(keys_of, model, settings.model, settings.chain.chain_id)
        _say_ceremony(findings, keys, settings)
        await _examine_fit(findings, w3, registry, model, keys)
        await _examine_fleet(findings, model, keys, settings)
    await _examine_shadow(findings, w3, registry, model, settings)


def _say_ceremony(findings: Findings, keys: Keys, settings: AuditSettings) -> None:
    own = own_ceremony(settings.model)
    ceremony, whole = keys.ceremony(own), f"{keys.folder} is whole"
    if ceremony is None:
        findings.ok("keys", f"{whole}; a development reference string, allowed on {sorted(DEVELOPMENT_CHAIN_IDS)} only")
    elif ceremony is own:
        findings.warn(
            "keys",
            f"{whole}; its reference string is of ceremony {ceremony.name}, which {settings.model.ceremony} alone pins",
            "see that nobody alone knows its secret, with which proofs are forged",
        )
    else:
        findings.ok("keys", f"{whole}; its reference string is of ceremony {ceremony.name}")


async def _examine_fit(
    findings: Findings, w3: AsyncWeb3[AsyncHTTPProvider], registry: ModelRegistry, model: ShippedModel, keys: Keys
) -> None:
    prover = Prover(model.directory, keys.folder)
    try:
        verifier = (await registry.model(model.model_id)).verifier
        how = await findings.ask("verifier", check_fit(w3, model, keys, verifier, prover))
        if how is not None:
            findings.ok("verifier", f"{verifier} fits the keys: {how}")
    finally:
        await prover.close()


async def _examine_fleet(findings: Findings, model: ShippedModel, keys: Keys, settings: AuditSettings) -> None:
    """Let the fleet make a proof, where the settings name one, and verify it here."""
    fleet = fleet_of(settings.proving)
    if fleet is None:
        return
    async with fleet, Prover(model.directory, keys.folder) as prover:
        try:
            proof = await fleet.prove(keys, _ANY_FEATURES)
        except FleetUnavailable as fault:
            findings.warn(
                "fleet", str(fault), "this machine makes the proofs meanwhile; start its scheduler and provers"
            )
            return
        if proof.instances[0] == commit_chain(_ANY_FEATURES) and await prover.verify(proof):
            findings.ok("fleet", f"{settings.proving.scheduler} made a proof in {proof.seconds:.1f} s that holds here")
        else:
            findings.fault("fleet", "it made a proof that does not hold here", "find out whose machine does that")


async def _examine_shadow(
    findings: Findings,
    w3: AsyncWeb3[AsyncHTTPProvider],
    registry: ModelRegistry,
    model: ShippedModel,
    settings: AuditSettings,
) -> None:
    """Look at the registry's other active model: after a rollback it answers, and then needs keys that fit."""
    remedy = "make its keys (`risk-oracle setup --model NAME`) before a rollback needs them"
    try:
        shadow = await chosen_shadow(registry, settings.model, model.model_id)
        if shadow is None or shadow.model_id not in await registry.active():
            return
        keys = await asyncio.to_thread(keys_of, shadow, settings.model, settings.chain.chain_id)
    except KeysFault as fault:
        findings.warn("shadow's keys", str(fault), remedy)
    except ConfigurationFault as fault:
        findings.warn("shadow", str(fault), "put its folder here: after a rollback it is the one that answers")
    else:
        prover = Prover(shadow.directory, keys.folder)
        try:
            how = await check_fit(w3, shadow, keys, (await registry.model(shadow.model_id)).verifier, prover)
            findings.ok("shadow's keys", f"{keys.folder} is whole and fits its verifier: {how}")
        except ConfigurationFault as fault:
            findings.warn("shadow's keys", str(fault), "after a rollback this daemon could not answer")
        finally:
            await prover.close()
