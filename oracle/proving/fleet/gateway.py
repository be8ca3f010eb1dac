"""The gateway: a process between the daemon and a Dask scheduler, because Dask runs what it is sent.

A line of JSON in is an order with its number, a line out is the answer to it, in whatever order they come. It is
started with no secret of the daemon's in reach: no environment but PATH, no file but the certificates. Orders go on
while the scheduler is away for a moment; when it is gone for good this process ends, and what was asked is the
daemon's to do.
"""

import asyncio
import json
import logging
import sys
from typing import Any

from distributed import Client, wait
from distributed.client import FutureCancelledError

from oracle.proving.fleet.on_worker import prove
from oracle.proving.fleet.order import RESOURCE
from oracle.proving.fleet.security import Certificates, security_of

_CONNECT_SECONDS = 10


async def main(settings: dict[str, Any]) -> int:
    """Carry orders until standard input ends, or the scheduler does."""
    given = [settings[name] for name in ("authority", "certificate", "key")]
    security = security_of(Certificates(*given))
    try:
        client = await Client(  # type: ignore[no-untyped-call]
            settings["scheduler"], asynchronous=True, security=security, timeout=_CONNECT_SECONDS
        )
    except (OSError, ValueError) as error:
        sys.stderr.write(f"no Dask scheduler answers at {settings['scheduler']}: {error}\n")
        return 1
    _say({"ready": True})
    orders = asyncio.create_task(_carry(client, settings["timeout_seconds"]))
    gone = asyncio.create_task(_until_gone(client))
    done, _ = await asyncio.wait([orders, gone], return_when=asyncio.FIRST_COMPLETED)
    await client.close(timeout=1)
    return 0 if orders in done else 1


async def _carry(client: Any, timeout_seconds: float) -> None:
    reader = asyncio.StreamReader(limit=1 << 20)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with asyncio.TaskGroup() as group:
        while line := await reader.readline():
            group.create_task(_one(client, json.loads(line), timeout_seconds))


async def _one(client: Any, asked: dict[str, Any], timeout_seconds: float) -> None:
    number = asked.pop("number")
    try:
        answer = await _answer(client, asked, timeout_seconds)
    except TimeoutError:
        answer = {"lost": f"no worker of the fleet made the proof in {timeout_seconds:g} s"}
    except (Exception, FutureCancelledError) as error:
        # The border to the library: whatever becomes of one order, the others go on.
        answer = {"lost": f"the Dask scheduler is gone, or refused the order: {type(error).__name__}"}
    _say({"number": number, **answer})


async def _answer(client: Any, asked: dict[str, Any], timeout_seconds: float) -> dict[str, Any]:
    future = client.submit(prove, asked, pure=False, resources={RESOURCE: 1})
    try:
        await wait(future, timeout=timeout_seconds)  # type: ignore[no-untyped-call]
        if future.status == "finished":
            return dict(await future)
        # What it failed with would be run here to be read, so it is not read.
        return {"lost": f"the fleet's task ended as {future.status}: its workers died with it"}
    finally:
        future.release()


async def _until_gone(client: Any) -> None:
    away = 0
    while away < 3:
        await asyncio.sleep(1)
        away = 0 if client.status == "running" else away + 1
    sys.stderr.write("the Dask scheduler is gone\n")


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer, separators=(",", ":")) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    logging.getLogger("distributed").setLevel(logging.ERROR)
    sys.exit(asyncio.run(main(json.loads(sys.argv[1]))))
