"""A whole lane in one process, for showing and for tests: three parties, their server on a loopback port, four engines.

In the field each of them is a process of its own on a host of its own; here, too, they share nothing but HTTP messages.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp
from aiohttp import web

from oracle.approval.board import Board
from oracle.approval.engine_process import Engine
from oracle.approval.examples import Forms
from oracle.approval.fields import PARTIES
from oracle.approval.identity import Identity, PublicIdentity, session_id
from oracle.approval.layout import Layout, first_of
from oracle.approval.party import Outcome, Party
from oracle.approval.transcript import SERVER

_PATIENCE_SECONDS: Final = 120.0
_FAREWELL_SECONDS: Final = 1.0


@dataclass(frozen=True)
class LocalLane:
    """What runs. `http` is a client that the parties may share; one of their own serves them as well."""

    session: str
    layout: Layout
    roster: Mapping[str, PublicIdentity]
    identities: Mapping[str, Identity]
    engines: Mapping[str, Engine]
    board: Board
    parties: Mapping[str, Party]
    http: aiohttp.ClientSession
    url: str
    folder: Path

    async def join(self) -> None:
        """Make the joint keys, and the first blinds; raises what a party raises."""
        await asyncio.gather(*(party.join(self.http) for party in self.parties.values()))
        await self.blind(1)

    async def blind(self, number: int) -> None:
        """Make the blinds of application `number`; raises what a party raises."""
        await asyncio.gather(*(party.blind(self.http, number) for party in self.parties.values()))

    async def apply(self, number: int, forms: Forms) -> list[Outcome]:
        """Take application `number` to its end and return what each party knows then, in the parties' order.

        Raises what a party raises.
        """
        parties = [self.parties[name] for name in PARTIES]
        outcomes = await asyncio.gather(*(party.apply(self.http, number, forms[party.name]) for party in parties))
        for party in parties:
            party.vault.drop_form(number)
        if first_of(number + 1) > number:
            await self.blind(number + 1)
        return outcomes


@contextlib.asynccontextmanager
async def local_lane(
    program: Path,
    folder: Path,
    layout: Layout,
    *,
    identities: Mapping[str, Identity] | None = None,
    nonce: bytes | None = None,
    patience_seconds: float = _PATIENCE_SECONDS,
    server_engine: type[Engine] = Engine,
) -> AsyncIterator[LocalLane]:
    """Start all of it, without joint keys yet; on leaving nothing of it runs any more.

    `program` is the engine's Python. Without `identities` each of the four gets a key file in `folder`, which holds the
    server's messages and the parties' locked shares as well. Raises EngineFault where an engine does not start.
    """
    if identities is None:
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True, mode=0o700)
        identities = {name: Identity.of_file(folder / f"{name}.key") for name in (*PARTIES, SERVER)}
    roster = {name: identity.public for name, identity in identities.items()}
    session = session_id(roster, layout.model.digest, os.urandom(16) if nonce is None else nonce)
    async with contextlib.AsyncExitStack() as stack:
        engines = {}
        for name in (*PARTIES, SERVER):
            kind = server_engine if name == SERVER else Engine
            engines[name] = await stack.enter_async_context(kind(program, folder / f"{name}.log"))
        board = Board(session, layout, roster, identities[SERVER], engines[SERVER], folder / "board")
        await board.resume()
        # Whoever still waits for a message when it ends waits in vain.
        runner = web.AppRunner(board.application(), access_log=None, shutdown_timeout=_FAREWELL_SECONDS)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        http = await stack.enter_async_context(aiohttp.ClientSession())
        parties = {
            name: Party(
                name,
                session,
                layout,
                roster,
                identities[name],
                engines[name],
                url,
                folder / name,
                patience_seconds=patience_seconds,
            )
            for name in PARTIES
        }
        yield LocalLane(session, layout, roster, identities, engines, board, parties, http, url, folder)
