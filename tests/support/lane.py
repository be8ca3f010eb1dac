"""A whole lane for tests: three parties, their server on a loopback port, four engines, one joint key."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web

from oracle.approval.board import Board
from oracle.approval.engine_process import DEFAULT_PYTHON, Engine
from oracle.approval.fields import PARTIES, Answer
from oracle.approval.identity import Identity, PublicIdentity, session_id
from oracle.approval.layout import Layout
from oracle.approval.model import load_model
from oracle.approval.party import Outcome, Party
from oracle.approval.transcript import SERVER

ENGINE_PYTHON = Path(__file__).parents[2] / DEFAULT_PYTHON
NO_ENGINE = "no Python here that openfhe has a module for: make approval-python says what is missing"
ANSWERS: dict[str, dict[str, Answer]] = {
    "applicant": {
        "own_car": True,
        "own_property": True,
        "mobile_phone": True,
        "annual_income": 270_000,
        "income_type": "Working",
        "education_type": "Higher education",
        "occupation_type": "Managers",
        "housing_type": "House / apartment",
    },
    "bank": {"account_months": 10},
    "agency": {"employed": True, "years_employed": 9},
}


@dataclass
class Lane:
    """What runs."""

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
    used: list[int] = field(default_factory=lambda: [0])
    cheated: set[int] = field(default_factory=set)

    def next(self) -> int:
        """Return the next application's number."""
        self.used.append(self.board.transcript.last_application + 1)
        return self.used[-1]

    async def apply(self, number: int, answers: Mapping[str, Mapping[str, Answer]]) -> list[Outcome]:
        """Take an application to its end at all three."""
        return list(
            await asyncio.gather(*(self.parties[name].apply(self.http, number, answers[name]) for name in PARTIES))
        )


def identities() -> tuple[dict[str, Identity], dict[str, PublicIdentity]]:
    """Return the four's keys, the same in each run."""
    known = {name: Identity(bytes([number]) * 32) for number, name in enumerate((*PARTIES, SERVER), 1)}
    return known, {name: one.public for name, one in known.items()}


@contextlib.asynccontextmanager
async def running_lane(folder: Path, model: str = "fair") -> AsyncIterator[Lane]:
    """Start it all and make the joint key."""
    known, roster = identities()
    layout = Layout(load_model(model))
    session = session_id(roster, layout.model.digest, b"test")
    async with contextlib.AsyncExitStack() as stack:
        engines = {
            name: await stack.enter_async_context(Engine(ENGINE_PYTHON, folder / f"{name}.log"))
            for name in (*PARTIES, SERVER)
        }
        board = Board(session, layout, roster, known[SERVER], engines[SERVER], folder / "board")
        await board.resume()
        runner = web.AppRunner(board.application())
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        http = await stack.enter_async_context(aiohttp.ClientSession())
        parties = {
            name: Party(name, session, layout, roster, known[name], engines[name], url, folder / name)
            for name in PARTIES
        }
        lane = Lane(session, layout, roster, known, engines, board, parties, http, url, folder)
        await asyncio.gather(*(party.join(http) for party in parties.values()))
        yield lane
