"""Follows the registry while the daemon runs: changes the model that answers, and the one that runs beside it."""

import asyncio
from typing import Final

import structlog

from oracle.assessment.errors import ConfigurationFault, TransientFault
from oracle.chain.contracts import ModelRegistry
from oracle.models.inference import Model
from oracle.models.registry import ShippedModel
from oracle.pipeline.context import Context
from oracle.pipeline.fitting import check_fit
from oracle.pipeline.models import chosen_model, chosen_shadow, keys_of, named
from oracle.pipeline.open_lane import follow_open
from oracle.proving.errors import ProverUnavailable, ProvingFailed
from oracle.proving.keys import Keys
from oracle.proving.prover import Prover

_PART: Final = "model"


async def follow_registry(context: Context) -> None:
    """Look at the registry once, and do what its answer asks for; one look at a time."""
    async with context.following:
        try:
            registry = await context.oracle.registry()
            await _follow_primary(context, registry)
            await _follow_shadow(context, registry)
            await follow_open(context, registry)
        except TransientFault:
            return  # the event source reports the endpoint


async def _follow_primary(context: Context, registry: ModelRegistry) -> None:
    answering = context.model.source
    active = await registry.active()
    wanted = answering.model_id if context.models.name is not None else active[0]
    if wanted == answering.model_id and wanted in active:
        _well(context)
        return
    try:
        model = await chosen_model(context.w3, registry, context.models)
        keys = await asyncio.to_thread(keys_of, model, context.models, context.chain_id)
        await _change(context, registry, model, keys)
    except (ConfigurationFault, ProverUnavailable, ProvingFailed) as fault:
        # An answer of the one before it still counts while that is active: then only the operator is told.
        _unwell(context, str(fault), withdrawn=answering.model_id not in active)
        return
    structlog.get_logger("models").warning("model_changed", before=named(answering), now=named(model))
    _well(context)


async def _change(context: Context, registry: ModelRegistry, model: ShippedModel, keys: Keys) -> None:
    prover = Prover(model.directory, keys.folder)
    try:
        verifier = (await registry.model(model.model_id)).verifier
        await check_fit(context.w3, model, keys, verifier, prover, context.refused)
        network = await asyncio.to_thread(Model.open, model)
        await prover.__aenter__()
    except BaseException:
        await prover.close()
        raise
    # Both at once, without an await between: no stage may see one model's weights with the other's keys.
    before, context.model, context.prover = context.prover, network, prover
    async with context.proving:
        await before.close()


async def _follow_shadow(context: Context, registry: ModelRegistry) -> None:
    log = structlog.get_logger("models")
    try:
        wanted = await chosen_shadow(registry, context.models, context.model.source.model_id)
        if wanted is not None and (context.shadow is None or context.shadow.source.model_id != wanted.model_id):
            context.shadow = await asyncio.to_thread(Model.open, wanted)
            log.info("shadow_changed", shadow=named(wanted))
        elif wanted is None:
            context.shadow = None
        context.shadow_fault = ""
    except ConfigurationFault as fault:
        # It is beside the answer: a shadow that is not here stops nothing.
        if str(fault) != context.shadow_fault:
            log.warning("shadow_not_here", error=str(fault))
        context.shadow, context.shadow_fault = None, str(fault)


def _well(context: Context) -> None:
    context.withdrawn = ""
    if context.health.set(_PART, True):
        structlog.get_logger("models").info("model_active", model=named(context.model.source))


def _unwell(context: Context, fault: str, *, withdrawn: bool) -> None:
    before = context.model.source
    state = "requests wait" if withdrawn else f"{named(before)} still answers"
    context.withdrawn = fault if withdrawn else ""
    if context.health.set(_PART, False, f"{fault} ({state})"):
        structlog.get_logger("models").error("model_unwell", error=fault, state=state)
