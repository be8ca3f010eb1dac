"""The model's open circuit beside it: requests without private data are proven with features in the clear, for less."""

import asyncio
from dataclasses import dataclass
from typing import Final

import structlog

from oracle.assessment.errors import ConfigurationFault
from oracle.chain.contracts import ModelRegistry
from oracle.models.registry import OpenCircuit
from oracle.pipeline.context import Context
from oracle.pipeline.fitting import check_fit
from oracle.pipeline.models import check_facts, keys_of, named
from oracle.proving.errors import ProverUnavailable, ProvingFailed
from oracle.proving.prover import Prover

_LOG: Final = "models"


@dataclass(frozen=True, slots=True)
class OpenLane:
    """An open circuit that the registry has as its open model, with its prover; it belongs to the model `model_id`."""

    circuit: OpenCircuit
    model_id: bytes
    prover: Prover


async def follow_open(context: Context, registry: ModelRegistry) -> None:
    """Take the answering model's open circuit up while the registry has it as the open model, and let it go after.

    Without it, and where its keys are missing or do not fit, requests are answered by committed statements: nothing
    waits.
    """
    model = context.model.source
    circuit = model.open_circuit
    if circuit is None or (await registry.active(opened=True))[0] != circuit.model_id:
        await _take(context, None)
        return
    if context.open is not None and context.open.model_id == model.model_id:
        return
    try:
        lane = await _opened(context, registry, circuit)
    except (ConfigurationFault, ProverUnavailable, ProvingFailed) as fault:
        if str(fault) != context.open_fault:
            structlog.get_logger(_LOG).warning("open_circuit_not_used", circuit=named(circuit), error=str(fault))
        context.open_fault = str(fault)
        await _take(context, None)
        return
    await _take(context, lane)


async def _opened(context: Context, registry: ModelRegistry, circuit: OpenCircuit) -> OpenLane:
    registered = await registry.model(circuit.model_id)
    await check_facts(context.w3, registered, circuit)
    keys = await asyncio.to_thread(keys_of, circuit, context.models, context.chain_id)
    prover = Prover(circuit.directory, keys.folder)
    try:
        await prover.__aenter__()
        await check_fit(context.w3, circuit, keys, registered.verifier, prover, context.refused)
    except BaseException:
        await prover.close()
        raise
    return OpenLane(circuit, context.model.source.model_id, prover)


async def _take(context: Context, lane: OpenLane | None) -> None:
    before, context.open = context.open, lane
    if lane is not None:
        context.open_fault = ""
    if before is not None:
        async with context.proving:
            await before.prover.close()
    if (before is None) != (lane is None) or (before and lane and before.circuit != lane.circuit):
        which = None if lane is None else named(lane.circuit)
        structlog.get_logger(_LOG).info("open_circuit_changed", circuit=which)
