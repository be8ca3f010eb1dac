"""Promoting a model to the chain's registry, and rolling back: checks first, then one governed call after another."""

from pathlib import Path

from eth_utils.crypto import keccak

from oracle.assessment.errors import ConfigurationFault, OracleError
from oracle.assessment.request import Address
from oracle.chain.contracts import ModelState, RegisteredModel, Statement, require_code
from oracle.chain.governance import Proposal
from oracle.commands.compiled_verifier import compiled_verifier
from oracle.commands.governing import Desk, moment
from oracle.models.registry import ModelFault, OpenCircuit, ShippedModel, find, find_open
from oracle.pipeline.fitting import check_fit, probe
from oracle.pipeline.models import check_facts, keys_of, named
from oracle.proving.prover import Prover
from oracle.proving.verifier_code import VerifierCode

Provable = ShippedModel | OpenCircuit


async def promote(desk: Desk, model: Provable, verifier: Address | None, build: Path) -> bool:
    """Take a model, or a model's open circuit, as far as the registry lets it go now: deploy, propose, activate.

    Run again, it goes on where it stopped. `build` holds the compiled verifier. Returns whether the model is the
    primary now; raises ConfigurationFault for a model or keys that do not fit, NotGovernor, Reverted, CallFailed.
    """
    registered = await desk.registry.model(model.model_id)
    if registered.state is ModelState.RETIRED:
        raise ConfigurationFault(
            f"{named(model)} was retired, and a registry takes an id only once: promote another model, "
            "or train this one again"
        )
    if registered.state is ModelState.ACTIVE:
        primary, _ = await desk.registry.active(opened=_is_open(model))
        if primary == model.model_id:
            desk.say(f"{named(model)} is the {'open model' if _is_open(model) else 'primary'}: nothing to do")
            await _note_misfit(desk, model, registered.verifier)
            return True
        raise ConfigurationFault(f"{named(model)} is the active shadow: `risk-oracle models rollback` brings it back")
    expired = registered.state is ModelState.PROPOSED and await _is_expired(desk, registered)
    if expired:
        desk.say(f"the proposal of {named(model)} was not activated in time and expired: it is made again")
    if registered.state is ModelState.NONE or expired:
        deployed = verifier or (registered.verifier if expired else None)
        if not await _propose(desk, model, deployed, build):
            return False
        registered = await desk.registry.model(model.model_id)
        await check_facts(desk.w3, registered, model)
    else:
        await check_facts(desk.w3, registered, model)
        await _check_proof(desk, model, registered.verifier)
    if registered.activatable_at > await desk.now():
        desk.say(f"{named(model)} is proposed; run this again from {moment(registered.activatable_at)} to activate it")
        return False
    primary, shadow = await desk.registry.active(opened=_is_open(model))
    if shadow is not None:
        desk.say(f"the shadow until now, model 0x{shadow.hex()}, retires for good with it")
    if not await desk.act(f"activate {named(model)}", desk.governance.activate(model.model_id)):
        return False
    option, kind = (" --open", "open model") if _is_open(model) else ("", "primary")
    before = "" if primary is None else f"; 0x{primary.hex()} is its shadow, for `risk-oracle models rollback{option}`"
    desk.say(f"{named(model)} is the {kind}{before}")
    return True


async def roll_back(desk: Desk, *, opened: bool = False) -> bool:
    """Make the shadow the primary again, which retires the primary for good; returns whether that is done.

    With `opened`, of the models with open statements.
    """
    primary, shadow = await desk.registry.active(opened=opened)
    if primary is None or shadow is None:
        raise ConfigurationFault(
            f"registry {desk.registry.address} has no shadow to roll back to: promote another model instead"
        )
    try:
        directory = desk.settings.model.directory
        to = (find_open(shadow, directory) if opened else None) or find(shadow, directory)
    except ModelFault as fault:
        desk.say(f"note: daemons here cannot answer with it: {fault}")
        name = f"model 0x{shadow.hex()}"
    else:
        name = named(to)
        await _note_misfit(desk, to, (await desk.registry.model(shadow)).verifier)
    if not await desk.act(f"roll back to {name}", desk.governance.roll_back(opened=opened)):
        return False
    desk.say(f"{name} is the primary again; 0x{primary.hex()} is retired for good")
    return True


async def deploy_verifier(desk: Desk, model: Provable, build: Path) -> Address:
    """Deploy a model's compiled verifier, see that it takes a proof made with the keys here, and return its address."""
    address = await _deploy(desk, model, build)
    await _check_proof(desk, model, address)
    return address


async def _is_expired(desk: Desk, registered: RegisteredModel) -> bool:
    """Return whether the registry takes no activation of a proposal any more."""
    return await desk.now() > registered.activatable_at + await desk.registry.activation_window_seconds()


async def _propose(desk: Desk, model: Provable, verifier: Address | None, build: Path) -> bool:
    runtime = _compiled(desk, model, build).runtime
    if verifier is None:
        if desk.signer is None:
            raise ConfigurationFault(
                "--calldata needs --verifier ADDRESS: deploy it with any key by `risk-oracle models deploy-verifier`"
            )
        # Asked before the deployment is paid for; the access manager looks at the function, not at its arguments.
        sample = desk.governance.propose(model.model_id, _proposal(model, desk.registry.address, bytes(32)))
        await desk.permitted(f"propose {named(model)}", sample)
        verifier = await _deploy(desk, model, build)
    code = await require_code(desk.w3, verifier, "--verifier")
    if code != runtime:
        raise ConfigurationFault(f"the code at {verifier} is not the verifier of {named(model)}'s keys that are here")
    await _check_proof(desk, model, verifier)
    data = desk.governance.propose(model.model_id, _proposal(model, verifier, keccak(code)))
    return await desk.act(f"propose {named(model)} with verifier {verifier}", data)


async def _deploy(desk: Desk, model: Provable, build: Path) -> Address:
    address = await desk.deploy(_compiled(desk, model, build).creation)
    desk.say(f"verifier of {named(model)} deployed at {address}")
    return address


def _proposal(model: Provable, verifier: Address, code_hash: bytes) -> Proposal:
    facts = (model.feature_spec_hash, model.neutral_commitment, model.output_scales, model.batch_size)
    return Proposal(verifier, code_hash, *facts, Statement[model.statement.upper()])


def _is_open(model: Provable) -> bool:
    return isinstance(model, OpenCircuit)


async def _note_misfit(desk: Desk, model: Provable, verifier: Address) -> None:
    """Say when daemons with these settings could not answer with a model; it stops nothing: others may."""
    try:
        keys = keys_of(model, desk.settings.model, desk.settings.chain.chain_id)
        prover = Prover(model.directory, keys.folder)
        try:
            await check_fit(desk.w3, model, keys, verifier, prover)
        finally:
            await prover.close()
    except OracleError as fault:
        desk.say(f"note: daemons here cannot answer with it: {fault}")


async def _check_proof(desk: Desk, model: Provable, verifier: Address) -> None:
    """Raise ConfigurationFault unless the deployed verifier takes a proof made with the keys that are here."""
    keys = keys_of(model, desk.settings.model, desk.settings.chain.chain_id)
    async with Prover(model.directory, keys.folder) as prover:
        await probe(desk.w3, model, keys, verifier, prover)
    desk.say(f"verifier {verifier} takes a proof of {named(model)}")


def _compiled(desk: Desk, model: Provable, build: Path) -> VerifierCode:
    """Return the code of the verifier of the keys that are here; raises ConfigurationFault for keys that do not fit."""
    keys = keys_of(model, desk.settings.model, desk.settings.chain.chain_id)
    return compiled_verifier(keys, model.name, build)
