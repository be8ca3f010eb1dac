"""A fleet of provers as the daemon sees it: an order goes out, a proof comes back, or the reason why none does."""

import asyncio
import contextlib
import itertools
import json
import os
import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final, Self

import structlog

from oracle.assessment.errors import TransientFault
from oracle.proving.commitment import check_chain
from oracle.proving.fleet.order import named_keys, order, proof_from
from oracle.proving.fleet.security import Certificates
from oracle.proving.keys import Keys
from oracle.proving.worker import Proof

_START_SECONDS: Final = 30.0
_AGAIN_SECONDS: Final = 15.0
_LINE_BYTES: Final = 1 << 20


class FleetUnavailable(TransientFault):
    """The fleet made no proof: there is no scheduler, no worker with these keys, or it took too long."""


class Fleet:
    """Dask workers behind a gateway process, which is started with the first order and again after it ended.

    Use it as an async context manager. A proof that comes back shows nothing until it was verified here.
    """

    def __init__(self, scheduler: str, certificates: Certificates, timeout_seconds: float) -> None:
        certificates.check(scheduler)
        self._settings = {
            "scheduler": scheduler,
            "timeout_seconds": timeout_seconds,
            **{name: _text(getattr(certificates, name)) for name in ("authority", "certificate", "key")},
        }
        self._patience = timeout_seconds + 5
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._not_before = 0.0
        self._why = ""
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def prove(self, keys: Keys, chain: Sequence[int]) -> Proof:
        """Return a worker's proof of encoded chain features with the neutral private ones.

        It is not verified yet. Raises UnprovableInput, and FleetUnavailable with the reason.
        """
        check_chain(chain)
        answer = await self._ask(order(named_keys(keys), chain))
        if "lost" in answer:
            raise self._gone(str(answer["lost"]))
        if "refused" in answer:
            raise FleetUnavailable(str(answer["refused"]))
        try:
            return proof_from(answer)
        except ValueError as error:
            raise FleetUnavailable(f"a worker of the fleet answered with no proof: {error}") from error

    async def close(self) -> None:
        """End the gateway; what is under way raises FleetUnavailable."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
        if self._reading is not None:
            await self._reading

    async def _ask(self, asked: dict[str, Any]) -> dict[str, Any]:
        process = await self._gateway()
        number = next(self._numbers)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            if process.stdin is None:
                raise FleetUnavailable("the gateway has no pipe")
            process.stdin.write(json.dumps({"number": number, **asked}).encode() + b"\n")
            await process.stdin.drain()
            async with asyncio.timeout(self._patience):
                return dict(await answer)
        except (OSError, TimeoutError) as error:
            raise FleetUnavailable(f"the fleet's gateway does not answer: {type(error).__name__}") from error
        finally:
            self._waiting.pop(number, None)

    async def _gateway(self) -> asyncio.subprocess.Process:
        async with self._starting:
            # Who proved in vain a moment ago lets nobody else wait for the same.
            if (left := self._not_before - time.monotonic()) > 0:
                raise FleetUnavailable(f"{self._why}; tried again in {left:.0f} s")
            if self._process is not None and self._process.returncode is None:
                return self._process
            self._process = await self._started()
            self._reading = asyncio.create_task(self._read(self._process))
            structlog.get_logger("fleet").info("fleet_joined", scheduler=self._settings["scheduler"])
            return self._process

    async def _started(self) -> asyncio.subprocess.Process:
        # Whatever a scheduler makes it run finds no secret: none of the daemon's environment, none of its files open.
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "oracle.proving.fleet.gateway", json.dumps(self._settings),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env=environment, limit=_LINE_BYTES,
        )  # fmt: skip
        line = b""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_START_SECONDS):
                line = await process.stdout.readline() if process.stdout else b""
        if line.strip() == b'{"ready":true}':
            return process
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        said = (await process.stderr.read()).decode(errors="replace") if process.stderr else ""
        await process.wait()
        lines = said.strip().splitlines()
        raise self._gone(lines[-1] if lines else f"the fleet's gateway was not ready within {_START_SECONDS:g} s")

    def _gone(self, why: str) -> FleetUnavailable:
        """Return the fault, and let the next orders know it for a while."""
        self._why, self._not_before = why, time.monotonic() + _AGAIN_SECONDS
        return FleetUnavailable(why)

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        """Hand answers to those who wait, until the gateway ends; then nobody waits any longer."""
        noise = asyncio.create_task(_drained(process.stderr))
        while process.stdout is not None and (line := await process.stdout.readline()):
            try:
                answer = json.loads(line)
                waiting = self._waiting.get(answer["number"])
            except (ValueError, KeyError, TypeError):
                process.kill()
                break
            if waiting is not None and not waiting.done():
                waiting.set_result(answer)
        await process.wait()
        why = (await noise).strip() or "the fleet's gateway ended"
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(FleetUnavailable(why))


async def _drained(stream: asyncio.StreamReader | None) -> str:
    last = b""
    while stream is not None and (line := await stream.readline()):
        last = line
    return last.decode(errors="replace")


def _text(value: object) -> str | None:
    return None if value is None else str(value)
