"""The composition root: builds every part from the settings, checks them, and runs them until told to stop."""

import asyncio
import contextlib
import multiprocessing
import os
import signal
from collections.abc import AsyncIterator
from functools import partial

import structlog
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker

from oracle.assessment.request import Address
from oracle.chain import rpc
from oracle.chain.contracts import OracleContract
from oracle.chain.fees import fee_policy
from oracle.chain.signer import Signer
from oracle.chain.transactions import TransactionClient
from oracle.chain.wakeup import wake_on_logs
from oracle.config.settings import Settings
from oracle.exit_codes import ExitCode
from oracle.history.identity.labels import load_labels
from oracle.models.inference import Model
from oracle.models.registry import ShippedModel
from oracle.pipeline.context import Context
from oracle.pipeline.health import Health
from oracle.pipeline.history import Histories
from oracle.pipeline.history_stores import PostgresEventStore, PostgresHistoryStore
from oracle.pipeline.ingest import follow_chain
from oracle.pipeline.jobs import upkeep
from oracle.pipeline.open_lane import follow_open
from oracle.pipeline.supervision import Run, supervise
from oracle.pipeline.upkeep.endpoints import watch_endpoints
from oracle.pipeline.worker import STAGES, concurrency, run_stages
from oracle.proving.prover import Prover
from oracle.refusals import together
from oracle.startup import (
    check_chain,
    check_database,
    check_keys_fit,
    check_model,
    check_privacy,
    check_signer,
    fleet_of,
    load_keys,
    patiently,
    settle_heap,
)
from oracle.store import database
from oracle.web.api.application import parts_of
from oracle.web.api.service import Api
from oracle.web.dashboard.parts import Parts, page_engine
from oracle.web.server import Watched, serve

# An operator's patience is ten seconds.
_LONGEST_STOP_SECONDS = 9.0
PARTS = ("database", "chain", "signer", "model", "prover", "pipeline")


async def run(settings: Settings, database_url: str, *, upgrade: bool = False) -> None:
    """Serve until SIGTERM or SIGINT; raises what made it stop otherwise. `upgrade` brings the schema here first.

    Claims in hand are rolled back when it stops, so another daemon, or the next start, takes them up at once.
    """
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("run() must be awaited in a task")
    log = structlog.get_logger("daemon")
    stopping = False

    def stop(name: str) -> None:
        nonlocal stopping
        if not stopping:
            stopping = True
            log.info("stopping", signal=name)
            task.cancel()
            loop.call_later(_LONGEST_STOP_SECONDS, _give_up)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number.name)
    try:
        await _serve(settings, database_url, upgrade)
    except asyncio.CancelledError:
        if not stopping:
            raise
        log.info("stopped")
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


def _give_up() -> None:
    # Nothing is lost by it: what is in hand is not committed, and so is taken up again at the next start.
    structlog.get_logger("daemon").error("stop_took_too_long", seconds=_LONGEST_STOP_SECONDS)
    for child in multiprocessing.active_children():
        child.kill()
    os._exit(ExitCode.FAULT)


async def _serve(settings: Settings, database_url: str, upgrade: bool) -> None:
    log = structlog.get_logger("daemon")
    watched = Watched(Health())
    watched.health.expect(*PARTS)
    if settings.api.enabled:
        chain = settings.chain
        watched.api = Api.of(settings.api, chain.chain_id, Address(chain.oracle), database_url, lambda: watched.context)
    watched.dashboard = _dashboard(settings, database_url, watched)
    runner, port = await serve(watched, settings.web.host, settings.web.port)
    log.info("started", pid=os.getpid(), web_port=port)
    try:
        async with _context(settings, database_url, watched.health, upgrade) as context:
            watched.context = context
            settle_heap()
            woken = asyncio.Event()
            log.info("serving", oracle=context.address, chain_id=context.chain_id, signer=context.signer.address)
            # Ready means that work is taken up: the parts above are well a moment earlier.
            watched.health.set("pipeline", True)
            async with asyncio.TaskGroup() as group:
                parts = _parts(context, settings.chain.ws_url, woken)
                if watched.api is not None:
                    parts |= parts_of(watched.api)
                for name, part in parts.items():
                    group.create_task(supervise(context.health, name, part), name=name)
    finally:
        await runner.cleanup()
        if watched.api is not None:
            await watched.api.close()


def _dashboard(settings: Settings, database_url: str, watched: Watched) -> Parts:
    """Return what the dashboard's pages work with; they answer before the daemon serves, and say what it waits for."""
    return Parts(
        engine=page_engine(database_url),
        chain_id=settings.chain.chain_id,
        oracle=Address(settings.chain.oracle),
        settings=settings.dashboard,
        settings_shown=settings.model_dump(mode="json"),
        model_directory=settings.model.directory,
        health=watched.health,
        context=lambda: watched.context,
    )


def _parts(context: Context, ws_url: SecretStr | None, woken: asyncio.Event) -> dict[str, Run]:
    """Return what runs for as long as the daemon, by name."""
    parts: dict[str, Run] = {
        "events": partial(follow_chain, context, woken),
        "stages": partial(run_stages, context),
        "jobs": partial(upkeep, context),
        "endpoints": partial(watch_endpoints, context.w3, context.health),
    }
    if ws_url is not None:
        requested = context.oracle.requested_filter()
        parts["wakeup"] = partial(wake_on_logs, ws_url.get_secret_value(), requested, woken)
    return parts


@contextlib.asynccontextmanager
async def _context(settings: Settings, database_url: str, health: Health, upgrade: bool) -> AsyncIterator[Context]:
    """Build and check every part; what cannot be right refuses to start, what can pass is waited for."""
    chain, limits = settings.chain, settings.transactions
    signer = Signer(settings.signer.key.get_secret_value())
    async with contextlib.AsyncExitStack() as stack:
        w3 = rpc.connect(
            chain.rpc_urls,
            chain.request_timeout_seconds,
            chain_id=chain.chain_id,
            max_lag_blocks=chain.max_head_lag,
            ask_two=chain.two_endpoints_agree,
        )
        stack.push_async_callback(w3.provider.disconnect)
        oracle = OracleContract(w3, Address(chain.oracle), chain.chain_id)
        # The pool must never make one stage wait for another's work; collecting reads and fills an index besides.
        proofs = settings.proving.at_once if settings.proving.scheduler is not None else 1
        workers = sum(concurrency(settings.worker, name, proofs) for name in (*STAGES, "collect"))
        engine: AsyncEngine = database.connect(database_url, pool_size=workers + 8)
        stack.push_async_callback(engine.dispose)
        sessions = async_sessionmaker(engine, expire_on_commit=False)
        histories = Histories(
            w3, settings.history, chain.chain_id, PostgresEventStore(sessions), PostgresHistoryStore(sessions)
        )
        stack.push_async_callback(histories.close)

        async def check_what_answers() -> tuple[ShippedModel, Model | None, Prover]:
            model, shadow = await check_model(health, w3, oracle, settings.model)
            health.set("prover", False, "loading the keys")
            keys = await asyncio.to_thread(load_keys, model, settings.model, chain.chain_id)
            prover = Prover(model.directory, keys.folder)
            stack.push_async_callback(prover.close)
            # Its process can die here as it can later, for want of memory for one: that says nothing of the settings.
            await patiently(health, "prover", prover.__aenter__)
            await check_keys_fit(health, w3, oracle, model, keys, prover)
            return model, shadow, prover

        async def check_what_the_chain_says() -> tuple[bytes, tuple[ShippedModel, Model | None, Prover]]:
            await check_chain(health, w3, oracle, chain.chain_id)
            await patiently(health, "chain", histories.check_transactions)
            return await together(check_signer(health, oracle, signer), check_what_answers())

        labels, _, (digest, (model, shadow, prover)) = await together(
            asyncio.to_thread(load_labels, [(one.file, one.date) for one in settings.labels.lists]),
            check_database(health, engine, upgrade=upgrade),
            check_what_the_chain_says(),
        )
        sealing_key = await check_privacy(health, settings.privacy, prover)
        fleet = fleet_of(settings.proving)
        if fleet is not None:
            await stack.enter_async_context(fleet)
        context = Context(
            chain_id=chain.chain_id,
            w3=w3,
            chain=chain,
            worker=settings.worker,
            transactions=limits,
            sessions=sessions,
            oracle=oracle,
            client=TransactionClient(w3),
            fees=fee_policy(
                chain.chain_id, limits.max_fee_gwei, limits.priority_fee_gwei, limits.max_priority_fee_gwei
            ),
            signer=signer,
            signer_set_digest=digest,
            histories=histories,
            labels=labels,
            declined_labels=frozenset(settings.labels.decline),
            model=Model.open(model),
            prover=prover,
            health=health,
            models=settings.model,
            drift=settings.drift,
            privacy=settings.privacy,
            sealing_key=sealing_key,
            fleet=fleet,
            proofs_at_once=proofs,
            lenders=settings.history.lenders,
            shadow=shadow,
        )
        await follow_open(context, await oracle.registry())
        try:
            yield context
        finally:
            # The registry may have changed the model, and with it the prover.
            await context.prover.close()
            if context.open is not None:
                await context.open.prover.close()
