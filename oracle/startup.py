"""What must be true before the daemon serves: each check refuses with what is wrong and what to do."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from eth_utils.crypto import keccak
from sqlalchemy.ext.asyncio import AsyncEngine
from web3 import AsyncHTTPProvider, AsyncWeb3

from oracle.assessment.errors import ConfigurationFault, TransientFault
from oracle.cancellation import raise_if_cancelled
from oracle.chain.contracts import ModelState, OracleContract, require_code
from oracle.chain.rpc import check_chain_id
from oracle.chain.signer import Signer
from oracle.config import DEVELOPMENT_CHAIN_IDS
from oracle.models.registry import ShippedModel
from oracle.pipeline.health import Health
from oracle.proving.keys import Keys
from oracle.store.database import DatabaseUnreachable, check_schema

T = TypeVar("T")

_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 15.0


async def patiently(health: Health, part: str, attempt: Callable[[], Awaitable[T]]) -> T:
    """Return what `attempt` gives, waiting out faults that can pass; the part is unwell until then."""
    log = structlog.get_logger("startup")
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            result = await attempt()
        except (TransientFault, DatabaseUnreachable) as fault:
            health.set(part, False, str(fault))
            raise_if_cancelled()
            log.warning("waiting", part=part, error=str(fault), retry_seconds=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
        else:
            health.set(part, True)
            return result


async def check_database(health: Health, engine: AsyncEngine) -> None:
    """Wait for the database; refuse a schema that is behind or ahead."""
    await patiently(health, "database", lambda: check_schema(engine))


async def check_chain(health: Health, w3: AsyncWeb3[AsyncHTTPProvider], oracle: OracleContract, chain_id: int) -> None:
    """Wait for the endpoint; refuse another chain, or an address where no such oracle stands."""

    async def attempt() -> None:
        await check_chain_id(w3, chain_id)
        await require_code(w3, oracle.address, "chain.oracle")
        await oracle.check_interface()

    await patiently(health, "chain", attempt)


async def check_signer(health: Health, oracle: OracleContract, signer: Signer) -> bytes:
    """Refuse a key that the contract does not know; return the digest of its set of signers."""
    signers, threshold, digest = await patiently(health, "signer", oracle.signers)
    if signer.address not in signers:
        raise ConfigurationFault(
            f"signer.key belongs to {signer.address}, which is not a registered signer of {oracle.address}: "
            f"use the key of one of {', '.join(signers)}, or have this one registered"
        )
    if threshold != 1:
        raise ConfigurationFault(
            f"oracle {oracle.address} wants {threshold} signatures a report; this daemon gives one"
        )
    return digest


async def check_model(
    health: Health, w3: AsyncWeb3[AsyncHTTPProvider], oracle: OracleContract, model: ShippedModel
) -> None:
    """Refuse a model that is not active in the registry, or is registered with other facts than it has here."""
    registry = await patiently(health, "model", oracle.registry)
    await patiently(health, "model", lambda: require_code(w3, registry.address, "the oracle's registry"))
    registered = await patiently(health, "model", lambda: registry.model(model.model_id))
    name = f"model {model.name} (0x{model.model_id.hex()})"
    if registered.state is not ModelState.ACTIVE:
        state = registered.state.name.lower()
        health.set("model", False, f"{name} is {state} in the registry")
        raise ConfigurationFault(
            f"{name} is not active in registry {registry.address} (state: {state}): "
            "run the model that is, with model.name, or have this one activated"
        )
    facts = {
        "feature spec hash": (registered.feature_spec_hash.hex(), model.feature_spec_hash.hex()),
        "output scales": (registered.output_scales, tuple(model.output_scales)),
        "neutral commitment": (registered.neutral_commitment, model.neutral_commitment),
    }
    for fact, (there, here) in facts.items():
        if there != here:
            raise ConfigurationFault(f"{name}: its {fact} is {there} in the registry and {here} here: they must agree")
    code = await patiently(health, "model", lambda: require_code(w3, registered.verifier, f"the verifier of {name}"))
    if keccak(code) != registered.verifier_code_hash:
        raise ConfigurationFault(
            f"{name}: the code of its verifier {registered.verifier} is not what was registered: do not use this oracle"
        )


def check_reference_string(keys: Keys, chain_id: int) -> None:
    """Refuse a development reference string on any chain that is not for development."""
    if keys.is_development and chain_id not in DEVELOPMENT_CHAIN_IDS:
        raise ConfigurationFault(
            f"the keys in {keys.folder} were made with a development reference string: whoever made it can forge "
            f"proofs. It is refused on chain {chain_id} (allowed: {sorted(DEVELOPMENT_CHAIN_IDS)}); "
            "run `risk-oracle setup --srs production`"
        )
