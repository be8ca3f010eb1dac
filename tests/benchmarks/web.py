"""How fast the HTTP API and the dashboard answer over a generated database: one JSON object at the end.

Ten thousand, a hundred thousand and a million requests, each with five changes of state; numbers as arguments measure
other sizes. `api_p95_ms` is the 95th percentile of two hundred calls of each route, one after the other, of requests
and wallets drawn at random; `preview_p95_ms` that of a hundred clients who ask about one warm wallet at the same time,
twenty times each. `pages_p95_ms` is that of fifty calls of each page by somebody who is signed in;
`queries_per_second_with_…_viewers` counts the dashboard's statements; `pipeline_slowdown_percent` and
`changes_per_second` are of web_pages.py. Clients and server share one process and its event loop, so both are in the
figures, but for those who look while requests go their way. The chain is left out: a preview's wallet is read once, and
how long that takes is what `make bench-history` measures.
"""

import asyncio
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast

import structlog
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker

from oracle.assessment.request import Address, BlockRef
from oracle.config.api import ApiSettings
from oracle.config.dashboard import DashboardSettings
from oracle.config.model import ModelSettings
from oracle.history.collect import Reading
from oracle.history.identity.labels import Labels
from oracle.models import registry
from oracle.models.inference import Model
from oracle.pipeline.context import Context
from oracle.pipeline.health import Health
from oracle.startup import settle_heap
from oracle.store import api_keys, database
from oracle.store.api_keys import Scope
from oracle.store.embedded import EmbeddedPostgres, create_database
from oracle.web.api import previews
from oracle.web.api.service import Api
from oracle.web.dashboard.parts import Parts, page_engine
from oracle.web.server import Watched, application
from tests.benchmarks import web_pages
from tests.store.test_requests import CHAIN, ORACLE
from tests.unit.models.wallets import SITUATIONS
from tests.web.records import wallet

SIZES: Final = (10_000, 100_000, 1_000_000)
CALLS: Final = 200
PAGE_CALLS: Final = 50
PAGES_READ: Final = 500
GROWING: Final = ("pages_p95_ms", "api_p95_ms", "preview_p95_ms", "metrics_ms")
CLIENTS: Final = 100
CALLS_A_CLIENT: Final = 20
_REQUESTS_A_WALLET: Final = 20
_WITH_PROOF: Final = 1_000


class Histories:
    """Every wallet is the same, and read at once."""

    async def read(self, asked: Address, at: BlockRef) -> Reading:
        return Reading(SITUATIONS["indebted"].history, 1)


async def _block(_: object, number: int) -> BlockRef:
    return BlockRef(number, f"0x{number:064x}", 1_700_000_000)


def context(engine: AsyncEngine) -> Context:
    """What the API needs of a daemon's parts."""
    model = Model.open(registry.load())
    return cast(
        Context,
        SimpleNamespace(
            chain_id=CHAIN,
            address=ORACLE,
            sessions=async_sessionmaker(engine),
            model=model,
            answering=lambda: model,
            shadow=None,
            models=ModelSettings(),
            histories=Histories(),
            head=BlockRef(100, "0x" + "64" * 32, 1_700_000_000),
            chain=SimpleNamespace(confirmations=12),
            w3=None,
            labels=Labels({}),
            declined_labels=frozenset(),
        ),
    )


async def with_proofs(engine: AsyncEngine) -> None:
    """Give some requests a proof and an explanation of the usual size."""
    async with engine.begin() as connection:
        await connection.execute(
            text(
                "update requests set proof = decode(repeat('ab', 3840), 'hex'), outputs = '[1, 2]', "
                "feature_commitment = 7, signatures = '[\"0x01\"]' where request_id <= :some"
            ),
            {"some": _WITH_PROOF},
        )
        await connection.execute(
            text(
                "insert into explanations (request, model_id, thin, content) select id, model_id, false, "
                "jsonb_build_object('category', 'low', 'outputs', jsonb_build_object('score', "
                "jsonb_build_object('points', 84.5, 'baseline', 50.0, 'others', 0.5, 'reasons', "
                "(select jsonb_agg(jsonb_build_object('points', n * 2.5, 'text', repeat('word ', 60))) "
                "from generate_series(1, 12) as n))), "
                "'recourse', '[]'::jsonb, 'clipped', '[]'::jsonb) from requests where request_id <= :some"
            ),
            {"some": _WITH_PROOF},
        )


def p95(milliseconds: list[float]) -> float:
    """Return the 95th percentile."""
    return round(sorted(milliseconds)[int(len(milliseconds) * 0.95)], 2)


async def timed(call: Callable[[], Awaitable[int]], expected: int = 200) -> float:
    """Return how many milliseconds a call took; raises where its status is another."""
    began = time.perf_counter()
    status = await call()
    if status != expected:
        raise RuntimeError(f"HTTP {status}")
    return (time.perf_counter() - began) * 1_000


async def measure(url: str, requests: int) -> dict[str, Any]:
    """Fill a database and measure every route over it."""
    engine = database.connect(url, pool_size=10)
    await database.migrate(engine)
    began = time.perf_counter()
    async with engine.begin() as connection:
        await web_pages.store(connection, requests, requests // _REQUESTS_A_WALLET)
    async with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        await connection.execute(text("vacuum analyze"))
    await with_proofs(engine)
    print(f"{requests:,} requests stored in {time.perf_counter() - began:.0f} s", file=sys.stderr)
    parts = context(engine)
    api = Api(
        ApiSettings(enabled=True, requests_per_minute=1_000_000, burst=100_000), CHAIN, ORACLE, engine, lambda: parts
    )
    async with api.sessions.begin() as session:
        key = (await api_keys.create(session, "bench", list(Scope))).key
    dashboard = Parts(page_engine(url), CHAIN, ORACLE, DashboardSettings(), health=Health())
    server = TestServer(application(Watched(Health(), context=parts, api=api, dashboard=dashboard)))
    await server.start_server()
    headers = {"Authorization": f"Bearer {key}"}
    async with ClientSession(headers=headers) as client:

        async def get(path: str) -> int:
            async with client.get(server.make_url(path)) as response:
                await response.read()
                return response.status

        chance = random.Random(7)  # noqa: S311
        paths: dict[str, Callable[[], str]] = {
            "/v1/assessments/{address}": lambda: f"/v1/assessments/{wallet(chance.randrange(1, requests // 20))}",
            "/v1/requests/{request_id}": lambda: f"/v1/requests/{chance.randrange(1, requests)}",
            "/v1/requests/{request_id}/proof": lambda: f"/v1/requests/{chance.randrange(1, _WITH_PROOF)}/proof",
            "/v1/requests/{request_id}/explanation": (
                lambda: f"/v1/requests/{chance.randrange(1, _WITH_PROOF)}/explanation"
            ),
            "/v1/models": lambda: "/v1/models",
            "/v1/models/{model_id}/card": lambda: f"/v1/models/0x{parts.model.source.model_id.hex()}/card",
        }
        found: dict[str, float] = {}
        for route, path in {**paths, "/metrics": lambda: "/metrics"}.items():
            await get(path())
            found[route] = p95([await timed(lambda path=path: get(path())) for _ in range(CALLS)])  # type: ignore[misc]
        metrics_ms = found.pop("/metrics")
        preview_ms, errors = await preview(client, str(server.make_url("/v1/oracle/assess")))
    board = await measure_pages(engine, server, dashboard, requests)
    await server.close()
    await engine.dispose()
    return {
        "rows": requests,
        "transitions": requests * 5,
        **board,
        "api_p95_ms": found,
        "preview_p95_ms": preview_ms,
        "preview_errors": errors,
        "metrics_ms": metrics_ms,
    }


async def measure_pages(engine: AsyncEngine, server: TestServer, parts: Parts, requests: int) -> dict[str, Any]:
    """Measure every page, what viewers cost, and what the stages feel of both."""
    chance, address = random.Random(8), str(server.make_url("")).rstrip("/")  # noqa: S311
    async with web_pages.signed_in(engine, server) as browser:

        async def get(path: str) -> int:
            async with browser.get(address + path) as response:
                await response.read()
                return response.status

        paths = web_pages.pages(requests, chance)
        found: dict[str, float] = {}
        for name, path in paths.items():
            await get(path())
            found[name] = p95([await timed(lambda path=path: get(path())) for _ in range(PAGE_CALLS)])  # type: ignore[misc]
        one, fifty = [await web_pages.queries_a_second(parts, browser, address, viewers) for viewers in (1, 50)]

        drawn = [chance.choice(list(paths.values()))() for _ in range(PAGES_READ)]
        slower = await web_pages.slowdown_percent(engine, browser, address, drawn, requests * 2)
    return {
        "pages_p95_ms": found,
        "queries_per_second_with_1_viewer": one,
        "queries_per_second_with_50_viewers": fifty,
        "pipeline_slowdown_percent": slower,
        "changes_per_second": await web_pages.transition_cost(engine, requests * 3),
    }


async def preview(client: ClientSession, url: str) -> tuple[float, int]:
    """Let a hundred clients ask about a warm wallet at once; return the 95th percentile and how many failed."""
    body = {"user_address": wallet(1), "loan_amount": str(10**18), "loan_duration": 30, "collateral": "0"}
    errors = 0

    async def ask() -> int:
        async with client.post(url, json=body) as response:
            await response.read()
            return response.status

    async def one() -> list[float]:
        nonlocal errors
        took = []
        for _ in range(CALLS_A_CLIENT):
            try:
                took.append(await timed(ask))
            except RuntimeError:
                errors += 1
        return took

    await ask()
    found = await asyncio.gather(*(one() for _ in range(CLIENTS)))
    return p95([each for took in found for each in took]), errors


async def main(sizes: list[int]) -> None:
    """Measure each size, the largest last."""
    previews.block_ref = _block  # type: ignore[assignment]
    settle_heap()
    growth: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres(Path(folder) / "postgres", durable=False) as server:
        for size in sorted(sizes):
            found = await measure(create_database(server, f"web_{size}"), size)
            growth[str(size)] = {name: found[name] for name in GROWING}
            print(json.dumps(found), file=sys.stderr)
    print(json.dumps(found | {"growth": growth, "load_average": os.getloadavg()[0]}))


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    asyncio.run(main([int(number) for number in sys.argv[1:]] or list(SIZES)))
