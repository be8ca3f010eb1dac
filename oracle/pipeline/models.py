"""Which model answers: what the chain's registry says is active, checked against what is here."""

import asyncio

from eth_utils.crypto import keccak
from web3 import AsyncHTTPProvider, AsyncWeb3

from oracle.assessment.errors import ConfigurationFault
from oracle.chain.contracts import ModelRegistry, ModelState, RegisteredModel, require_code
from oracle.config.chain import DEVELOPMENT_CHAIN_IDS
from oracle.config.model import ModelSettings
from oracle.models.registry import OpenCircuit, ShippedModel, find, load
from oracle.proving.ceremony import Ceremony, read_ceremony
from oracle.proving.key_folders import find_keys, open_beside
from oracle.proving.keys import SRS, Keys, check_keys

NO_SHADOW = "off"


async def chosen_model(
    w3: AsyncWeb3[AsyncHTTPProvider], registry: ModelRegistry, settings: ModelSettings
) -> ShippedModel:
    """Return the model that is to answer: the one that the settings name, otherwise the registry's primary.

    Raises ConfigurationFault when there is none, it is not here, it is not active, or it is registered with other
    facts than it has here.
    """
    if settings.name is not None:
        model = await asyncio.to_thread(load, settings.name, settings.directory)
    else:
        primary, _ = await registry.active()
        if primary is None:
            raise ConfigurationFault(
                f"registry {registry.address} has no active model: have one activated (`risk-oracle models promote`)"
            )
        model = await asyncio.to_thread(find, primary, settings.directory)
    await check_registered(w3, registry, model)
    return model


async def chosen_shadow(registry: ModelRegistry, settings: ModelSettings, answering: bytes) -> ShippedModel | None:
    """Return the model to run beside the one of id `answering`, None for none.

    Raises ConfigurationFault when the one that is named, or the registry's other active one, is not here.
    """
    if settings.shadow == NO_SHADOW:
        return None
    if settings.shadow is not None:
        named = await asyncio.to_thread(load, settings.shadow, settings.directory)
        return None if named.model_id == answering else named
    other = next((one for one in await registry.active() if one not in (None, answering)), None)
    return None if other is None else await asyncio.to_thread(find, other, settings.directory)


async def check_registered(w3: AsyncWeb3[AsyncHTTPProvider], registry: ModelRegistry, model: ShippedModel) -> None:
    """Raise ConfigurationFault unless the model is active in the registry, with the facts that it has here."""
    registered = await registry.model(model.model_id)
    if registered.state is not ModelState.ACTIVE:
        raise ConfigurationFault(
            f"{named(model)} is not active in registry {registry.address} (state: {registered.state.name.lower()}): "
            "leave model.name out to run the registry's primary, or have this one activated"
        )
    await check_facts(w3, registered, model)


def different_facts(registered: RegisteredModel, model: ShippedModel | OpenCircuit) -> list[str]:
    """Return what the registry says otherwise than the model folder, a phrase each."""
    facts = {
        "feature spec hash": (registered.feature_spec_hash.hex(), model.feature_spec_hash.hex()),
        "output scales": (registered.output_scales, tuple(model.output_scales)),
        "neutral commitment": (registered.neutral_commitment, model.neutral_commitment),
        "batch size": (registered.batch_size, model.batch_size),
        "statement": (registered.statement.name.lower(), model.statement),
    }
    return [
        f"its {fact} is {there} in the registry and {here} here"
        for fact, (there, here) in facts.items()
        if there != here
    ]


async def check_facts(
    w3: AsyncWeb3[AsyncHTTPProvider], registered: RegisteredModel, model: ShippedModel | OpenCircuit
) -> None:
    """Raise ConfigurationFault where the registry, or the verifier's code, says otherwise than the model folder."""
    if differing := different_facts(registered, model):
        raise ConfigurationFault(f"{named(model)}: {'; '.join(differing)}: they must agree")
    code = await require_code(w3, registered.verifier, f"the verifier of {named(model)}")
    if keccak(code) != registered.verifier_code_hash:
        raise ConfigurationFault(
            f"{named(model)}: the code of its verifier {registered.verifier} is not what was registered: "
            "do not use this oracle"
        )


def keys_of(model: ShippedModel | OpenCircuit, settings: ModelSettings, chain_id: int) -> Keys:
    """Return the model's keys, every file of them hashed.

    Raises KeysFault when there are none or a file is corrupt, ConfigurationFault for a development reference string on
    a chain that is not for development.
    """
    folder = open_beside(settings.keys) if isinstance(model, OpenCircuit) else settings.keys
    keys = check_keys(find_keys(folder, model.model_id), model.model_id)
    check_reference_string(keys, chain_id, own_ceremony(settings))
    return keys


def own_ceremony(settings: ModelSettings) -> Ceremony | None:
    """Return the ceremony that the operator trusts beside the shipped one; raises KeysFault when its file is wrong."""
    return None if settings.ceremony is None else read_ceremony(settings.ceremony)


def check_reference_string(keys: Keys, chain_id: int, own: Ceremony | None = None) -> None:
    """Refuse keys of no ceremony, the shipped one or the operator's `own`, on any chain that is not for development."""
    if chain_id in DEVELOPMENT_CHAIN_IDS or keys.ceremony(own) is not None:
        return
    raise ConfigurationFault(
        f"the keys in {keys.folder} were made with a development reference string: whoever made it can forge "
        f"proofs. It is refused on chain {chain_id} (allowed: {sorted(DEVELOPMENT_CHAIN_IDS)}); its SHA-256 is "
        f"{keys.sha256[SRS]}, which is no ceremony's for 2^{keys.logrows} rows. Run `risk-oracle setup --srs "
        "production`; the verifier on the chain must be that of the new keys"
    )


def named(model: ShippedModel | OpenCircuit) -> str:
    """Return a model's name and id, for people."""
    return f"model {model.name} (0x{model.model_id.hex()})"
