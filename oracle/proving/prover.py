"""The prover as the daemon sees it: one worker process, awaited, replaced when it dies, gone when closed."""

import asyncio
import contextlib
import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from oracle.proving import worker
from oracle.proving.circuit import read_circuit
from oracle.proving.commitment import check_chain, check_private
from oracle.proving.errors import ProverUnavailable
from oracle.proving.keys import Keys, check_keys
from oracle.proving.worker import Proof

__all__ = ["Proof", "Prover"]

Answer = TypeVar("Answer")


class Prover:
    """Proves and verifies in a process of its own, because EZKL holds the interpreter's lock.

    Use it as an async context manager. Entering validates the keys (KeysFault) and starts the worker; every later
    worker proves with the same keys, or not at all.
    A cancelled `prove` leaves the worker running its proof to the end; the next one waits for it.
    """

    def __init__(self, model_dir: Path, keys_dir: Path) -> None:
        self._model_dir = model_dir
        self._keys_dir = keys_dir
        self._pool: ProcessPoolExecutor | None = None
        self._worker: tuple[int, Path] | None = None
        self._starting = asyncio.Lock()
        self._closed = False
        self._keys: Keys | None = None

    async def __aenter__(self) -> Self:
        circuit = read_circuit(self._model_dir)
        self._keys = await asyncio.to_thread(check_keys, self._keys_dir, circuit.model_id)
        await self._live_pool()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def worker_pid(self) -> int | None:
        """The worker's process id, None while there is no worker."""
        return None if self._worker is None else self._worker[0]

    @property
    def keys(self) -> Keys:
        """The keys that every proof is made with; raises ProverUnavailable before the first entering."""
        if self._keys is None:
            raise ProverUnavailable("the prover has not checked its keys yet")
        return self._keys

    async def prove(self, chain: Sequence[int], private: Sequence[int]) -> Proof:
        """Prove one assessment over the 32 encoded chain features and the 24 private ones with 5 salt integers.

        Raises UnprovableInput for tensors outside their ranges, ProvingFailed when EZKL refuses, and
        ProverUnavailable when the worker died (try again) or was closed.
        """
        check_chain(chain)
        check_private(private)
        return await self._ask(worker.prove, tuple(chain), tuple(private))

    async def prove_open(self, chain: Sequence[int]) -> Proof:
        """Prove one assessment without private data, with the keys of an open circuit; raises as `prove` does."""
        check_chain(chain)
        return await self._ask(worker.prove, tuple(chain))

    async def verify(self, proof: Proof) -> bool:
        """Return whether the proof holds for its instances, as the contract would find."""
        return await self._ask(worker.verify, proof.proof, proof.instances)

    async def ask(self, job: Callable[..., Answer], *arguments: object) -> Answer:
        """Run a function in the worker's process: what it reads and makes on its way never is in this one.

        Raises what it raises, and ProverUnavailable as `prove` does.
        """
        return await self._ask(job, *arguments)

    async def close(self) -> None:
        """End the worker at once, also in the middle of a proof; safe to call twice."""
        self._closed = True
        self._drop(kill=True)

    async def _ask(self, job: Callable[..., Answer], *arguments: object) -> Answer:
        pool = await self._live_pool()
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, job, *arguments)
        except BrokenProcessPool as error:
            if self._pool is pool:
                self._drop(kill=False)
            reason = "was closed" if self._closed else "died in the middle of its work: a fresh one takes the next"
            raise ProverUnavailable(f"the prover's worker process {reason}") from error

    async def _live_pool(self) -> ProcessPoolExecutor:
        async with self._starting:
            if self._closed:
                raise ProverUnavailable("the prover is closed")
            if self._pool is None:
                self._pool = ProcessPoolExecutor(
                    max_workers=1,
                    mp_context=multiprocessing.get_context("spawn"),
                    initializer=worker.start,
                    initargs=(self._model_dir, self._keys_dir, os.getpid(), self._keys),
                )
                try:
                    ready = asyncio.get_running_loop().run_in_executor(self._pool, worker.scratch_folder)
                    self._worker = await ready
                except BrokenProcessPool as error:
                    self._drop(kill=False)
                    raise ProverUnavailable("the prover's worker process did not start: see its error above") from error
                except asyncio.CancelledError:
                    self._drop(kill=False)
                    raise
            return self._pool

    def _drop(self, *, kill: bool) -> None:
        pool, self._pool = self._pool, None
        ended, self._worker = self._worker, None
        if ended is not None:
            pid, scratch = ended
            if kill:
                with contextlib.suppress(ProcessLookupError):  # it died before us
                    os.kill(pid, signal.SIGKILL)
            shutil.rmtree(scratch, ignore_errors=True)
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)
