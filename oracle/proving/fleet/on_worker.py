"""The worker's side: a Dask worker of one slot, with a prover's process beside it and keys of its own.

It keeps nothing of anybody's: features come in, a proof goes out. Keys are made where it runs (`risk-oracle setup`),
checked as the daemon's are, and an order that names others is refused.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from oracle.assessment.errors import ConfigurationFault, OracleError
from oracle.assessment.features import NEUTRAL_PRIVATE
from oracle.proving.circuit import read_circuit
from oracle.proving.fleet.order import RESOURCE, named_keys, told
from oracle.proving.fleet.security import Certificates, security_of
from oracle.proving.keys import check_keys
from oracle.proving.prover import Prover

_JOIN_SECONDS = 20

_provers: dict[str, tuple[dict[str, str], Prover]] = {}


async def prove(asked: dict[str, Any]) -> dict[str, Any]:
    """Follow an order on the worker where it was put; what goes wrong is said in the answer, never raised."""
    wanted = asked["keys"]
    kept = _provers.get(str(wanted.get("model_id")))
    if kept is None:
        return {"refused": f"this worker has no keys of model 0x{wanted.get('model_id')}"}
    names, prover = kept
    if names != wanted:
        other = ", ".join(sorted(name for name in wanted if names.get(name) != wanted[name]))
        return {"refused": f"this worker has other keys of model 0x{names['model_id']} ({other}): make them anew"}
    try:
        return told(await prover.prove(asked["chain"], NEUTRAL_PRIVATE))
    except OracleError as fault:
        return {"refused": str(fault)}


async def serve(
    scheduler: str,
    model_dir: Path,
    keys_dir: Path,
    certificates: Certificates,
    say: Callable[[str], None],
    name: str | None = None,
) -> None:
    """Make proofs for a scheduler until SIGTERM or SIGINT; raises KeysFault, ConfigurationFault for no scheduler."""
    from distributed import Worker

    circuit = read_circuit(model_dir)
    keys = await asyncio.to_thread(check_keys, keys_dir, circuit.model_id)
    async with Prover(model_dir, keys_dir) as prover:
        _provers[circuit.model_id.hex()] = (named_keys(keys), prover)
        worker = Worker(
            scheduler,
            nthreads=1,
            resources={RESOURCE: 1},
            name=name or f"prover-{os.getpid()}",
            security=security_of(certificates),
            dashboard=False,
            dashboard_address=None,
            death_timeout=_JOIN_SECONDS,
            silence_logs=40,
        )
        try:
            await asyncio.wait_for(worker, _JOIN_SECONDS)
        except (TimeoutError, OSError, ValueError) as error:
            raise ConfigurationFault(f"no Dask scheduler takes this worker at {scheduler}: {error}") from error
        say(f"proofs of model 0x{circuit.model_id.hex()} are made here for {scheduler}, as {worker.name}")
        try:
            await _until_told(worker)
        finally:
            with contextlib.suppress(TimeoutError, OSError):
                await asyncio.wait_for(worker.close(reason="ended"), _JOIN_SECONDS)
            _provers.clear()


async def _until_told(worker: Any) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    waits = [asyncio.create_task(ended.wait()), asyncio.create_task(worker.finished())]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for task in waits:
        task.cancel()
