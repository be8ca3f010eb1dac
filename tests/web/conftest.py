"""The API on a real database, served as the daemon serves it, without the daemon's process."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp import ClientResponse, ClientSession
from aiohttp.test_utils import TestServer
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from oracle.assessment.request import Address, BlockRef
from oracle.config.api import ApiSettings
from oracle.history.collect import Reading
from oracle.history.identity.labels import Flag, Labels
from oracle.models import registry
from oracle.models.inference import Model
from oracle.pipeline.context import Context
from oracle.pipeline.health import Health
from oracle.store import api_keys
from oracle.store.api_keys import Scope
from oracle.web.api.service import Api
from oracle.web.server import Watched, application
from tests.store.test_requests import CHAIN, ORACLE
from tests.unit.models.wallets import SITUATIONS

PATH = "/v1/oracle/assess"

WALLET = "0x" + "11" * 20
LOAN: dict[str, Any] = {"user_address": WALLET, "loan_amount": str(10**18), "loan_duration": 30, "collateral": "0"}
SITUATION = SITUATIONS["indebted"]

Sessions = async_sessionmaker[AsyncSession]


@dataclass
class Door:
    """A client at the API's door; `context` may be set to a daemon's parts."""

    api: Api
    server: TestServer
    client: ClientSession
    key: str
    context: Context | None = None

    @property
    def url(self) -> str:
        return str(self.server.make_url("/v1"))

    async def ask(self, method: str, path: str, key: str | None = None, **options: Any) -> ClientResponse:
        headers = {"Authorization": f"Bearer {key or self.key}", **options.pop("headers", {})}
        response = await self.client.request(method, self.server.make_url(path), headers=headers, **options)
        await response.read()
        return response

    async def get(self, path: str, **options: Any) -> dict[str, Any]:
        response = await self.ask("GET", path, **options)
        assert response.status == 200, await response.text()
        return cast(dict[str, Any], await response.json())

    async def problem(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        return await problem_in(await self.ask(method, path, **options))

    async def new_key(self, scopes: Sequence[Scope] = tuple(Scope), **options: Any) -> str:
        async with self.api.sessions.begin() as session:
            return (await api_keys.create(session, "test", scopes, **options)).key


async def problem_in(response: ClientResponse) -> dict[str, Any]:
    """Return the problem that an answer is; fails for one in another form."""
    assert response.content_type == "application/problem+json", await response.text()
    found = cast(dict[str, Any], await response.json())
    assert found["status"] == response.status
    assert found["request_id"] == response.headers["X-Request-Id"]
    return found


@pytest.fixture
def api_settings() -> ApiSettings:
    """Tests override it by parametrisation of their own."""
    return ApiSettings(enabled=True, burst=100_000, requests_per_minute=1_000_000)


@pytest.fixture
async def door(engine: AsyncEngine, api_settings: ApiSettings) -> AsyncIterator[Door]:
    async with opened(engine, api_settings) as door:
        yield door


class opened:  # noqa: N801
    """The API of a database with its settings, for as long as it is entered."""

    def __init__(self, engine: AsyncEngine, settings: ApiSettings) -> None:
        self._engine, self._settings = engine, settings

    async def __aenter__(self) -> Door:
        api = Api(self._settings, CHAIN, ORACLE, self._engine, lambda: self._door.context)
        self._server = TestServer(application(Watched(Health(), api=api)))
        await self._server.start_server()
        self._client = ClientSession()
        self._door = Door(api, self._server, self._client, "")
        self._door.key = await self._door.new_key()
        return self._door

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()
        await self._server.close()


class Sources:
    """Histories that count who reads."""

    def __init__(self) -> None:
        self.read_wallets: list[Address] = []
        self.fault: Exception | None = None
        self.reading = asyncio.Event()
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    async def read(self, wallet: Address, at: BlockRef) -> Reading:
        self.read_wallets.append(wallet)
        self.reading.set()
        await self.may_go_on.wait()
        if self.fault is not None:
            raise self.fault
        return Reading(replace(SITUATION.history, wallet=wallet, block=at), 1)


@pytest.fixture
def sources() -> Sources:
    return Sources()


@pytest.fixture
def previewing(door: Door, sources: Sources, monkeypatch: pytest.MonkeyPatch) -> Door:
    """A door whose daemon has a model, and wallets without a chain."""
    model = Model.open(registry.load())

    async def block(_: object, number: int) -> BlockRef:
        return BlockRef(number, f"0x{number:064x}", 1_700_000_000)

    monkeypatch.setattr("oracle.web.api.previews.block_ref", block)
    door.context = cast(
        Context,
        SimpleNamespace(
            model=model,
            answering=lambda: model,
            histories=sources,
            head=BlockRef(100, "0x" + "64" * 32, 1_700_000_000),
            chain=SimpleNamespace(confirmations=12),
            w3=None,
            labels=Labels({Address("0x" + "66" * 20): (Flag("sanctioned", "list", "2026-01-01"),)}),
            declined_labels=frozenset({"sanctioned"}),
        ),
    )
    return door


async def assess(door: Door, **body: Any) -> dict[str, Any]:
    response = await door.ask("POST", PATH, json=LOAN | body)
    assert response.status == 200, await response.text()
    return cast(dict[str, Any], await response.json())
