"""What must be true before the daemon serves: each check refuses with what is wrong and what to do."""

import asyncio
import gc
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from typing import TypeVar

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine
from web3 import AsyncHTTPProvider, AsyncWeb3

from oracle.assessment.errors import ConfigurationFault, TransientFault
from oracle.cancellation import apart, raise_if_cancelled
from oracle.chain.contracts import OracleContract, require_code
from oracle.chain.rpc import check_chain_id
from oracle.chain.signer import Signer
from oracle.config.model import ModelSettings
from oracle.config.privacy import PrivacySettings
from oracle.config.proving import ProvingSettings
from oracle.models.inference import Model
from oracle.models.registry import ShippedModel
from oracle.pipeline.fitting import check_fit
from oracle.pipeline.health import Health
from oracle.pipeline.models import chosen_model, chosen_shadow, keys_of, own_ceremony
from oracle.pipeline.private.key_files import KeyFiles, check_files
from oracle.proving.fleet.fleet import Fleet
from oracle.proving.fleet.security import Certificates
from oracle.proving.keys import Keys
from oracle.proving.prover import Prover
from oracle.store.database import check_schema, migrate

T = TypeVar("T")

_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 15.0


def settle_heap() -> None:
    """Take what the start has built out of the collector's sight: it stays for the process's whole life.

    Without it each full collection walks the libraries' and the model's hundreds of thousands of objects, and every
    request of that moment waits a quarter of a second for it.
    """
    gc.collect()
    gc.freeze()


async def patiently(health: Health, part: str, attempt: Callable[[], Awaitable[T]]) -> T:
    """Return what `attempt` gives, waiting out faults that can pass; the part is unwell until then."""
    log = structlog.get_logger("startup")
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            result = await apart(attempt())
        except TransientFault as fault:
            health.set(part, False, str(fault))
            raise_if_cancelled()
            log.warning("waiting", part=part, error=str(fault), retry_seconds=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
        else:
            health.set(part, True)
            return result


async def check_database(health: Health, engine: AsyncEngine, *, upgrade: bool = False) -> None:
    """Wait for the database; refuse a schema that is ahead, or behind: with `upgrade` that one is brought here."""
    await patiently(health, "database", lambda: migrate(engine) if upgrade else check_schema(engine))


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
    health: Health, w3: AsyncWeb3[AsyncHTTPProvider], oracle: OracleContract, settings: ModelSettings
) -> tuple[ShippedModel, Model | None]:
    """Return the model that answers and the one that runs beside it.

    Refuses a primary that is not here, a model that is not active, and one registered with other facts than it has.
    """

    async def attempt() -> tuple[ShippedModel, ShippedModel | None]:
        registry = await oracle.registry()
        await require_code(w3, registry.address, "the oracle's registry")
        model = await chosen_model(w3, registry, settings)
        try:
            return model, await chosen_shadow(registry, settings, model.model_id)
        except ConfigurationFault as fault:
            if settings.shadow is not None:
                raise
            structlog.get_logger("startup").warning("shadow_not_here", error=str(fault))
            return model, None

    try:
        model, shadow = await patiently(health, "model", attempt)
    except ConfigurationFault as fault:
        health.set("model", False, str(fault))
        raise
    return model, None if shadow is None else Model.open(shadow)


def load_keys(model: ShippedModel, settings: ModelSettings, chain_id: int) -> Keys:
    """Return the model's keys, checked to the bit; refuses a development reference string where it is not allowed."""
    if (own := own_ceremony(settings)) is not None:
        # Its pins allow keys on a public chain that this release knows nothing of: never without a word.
        structlog.get_logger("startup").warning(
            "own_ceremony_trusted", ceremony=own.name, file=str(settings.ceremony), sizes=sorted(own.sha256)
        )
    return keys_of(model, settings, chain_id)


async def check_privacy(health: Health, settings: PrivacySettings, prover: Prover) -> bytes | None:
    """Return the public key that openings are sealed to, None where none are taken; refuses key files without keys.

    The prover's process reads them: this one never holds what an opening could be read with.
    """
    files = KeyFiles.of(settings)
    if files is None:
        return None
    try:
        return await patiently(health, "prover", lambda: prover.ask(check_files, files))
    except ConfigurationFault as fault:
        health.set("prover", False, str(fault))
        raise


def fleet_of(settings: ProvingSettings) -> Fleet | None:
    """Return the fleet that the settings name, None without one; raises ConfigurationFault where Dask is missing."""
    if settings.scheduler is None:
        return None
    if find_spec("distributed") is None:
        raise ConfigurationFault("proving.scheduler needs more packages: pip install 'risk-oracle[fleet]'")
    certificates = Certificates(settings.authority, settings.certificate, settings.key_file)
    return Fleet(settings.scheduler, certificates, settings.timeout_seconds)


async def check_keys_fit(
    health: Health,
    w3: AsyncWeb3[AsyncHTTPProvider],
    oracle: OracleContract,
    model: ShippedModel,
    keys: Keys,
    prover: Prover,
) -> None:
    """Refuse keys whose proofs the model's verifier on the chain does not take: every answer would be refused there."""

    async def attempt() -> str:
        registry = await oracle.registry()
        return await check_fit(w3, model, keys, (await registry.model(model.model_id)).verifier, prover)

    try:
        how = await patiently(health, "prover", attempt)
    except ConfigurationFault as fault:
        health.set("prover", False, str(fault))
        raise
    structlog.get_logger("startup").info("keys_fit", model=model.name, how=how)
