"""schemathesis against the document: no answer that it does not describe, and none of 500 and more."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from oracle.assessment.request import Address, AssessmentRequest, BlockRef
from oracle.chain.contracts import BlockReader, ModelState, OracleContract, RequestState
from oracle.chain.rpc import connect
from oracle.config.api import ApiSettings
from oracle.config.model import ModelSettings
from oracle.config.privacy import PrivacySettings
from oracle.history.collect import Reading
from oracle.history.identity.labels import Labels
from oracle.models import registry
from oracle.models.inference import Model
from oracle.pipeline.context import Context
from oracle.store.requests import to_request
from oracle.store.tables import RequestRow
from oracle.web.api.application import OPERATIONS
from tests.store.test_requests import CHAIN, ORACLE
from tests.unit.models.wallets import SITUATIONS
from tests.web.conftest import Door, opened
from tests.web.records import row, wallet

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
EXAMPLES = 12
# It never ends: its own tests read it.
NAMES = [one.name for one in OPERATIONS if (one.scope is not None or one.limited) and one.name != "getEvents"]


class Costs(OracleContract):
    """The contract's calldata, without a chain."""

    async def asking_costs(self, user: Address) -> tuple[int, int, bool]:
        return 10**15, 0, False

    async def requests(self, first_block: int, last_block: int, blocks: BlockReader) -> list[AssessmentRequest]:
        return [to_request(RequestRow(**row(last_block, wallet(last_block + 1))))]

    async def state_of(self, request_id: int, block_hash: str | None = None) -> RequestState:
        return RequestState.PENDING

    async def signers(self, block_hash: str | None = None) -> tuple[tuple[Address, ...], int, bytes]:
        return (wallet(7),), 1, bytes(32)

    async def registry(self) -> Any:
        return Nothing()


class Nothing:
    """A registry that knows no model."""

    async def model(self, model_id: bytes) -> Any:
        return SimpleNamespace(state=ModelState.NONE)

    async def history_table(self) -> None:
        return None


class Histories:
    """Every wallet is the same."""

    table_hash = "0x" + "00" * 32

    async def read(self, wallet: Address, at: BlockRef) -> Reading:
        return Reading(SITUATIONS["indebted"].history, 1)


@pytest.fixture
async def described(engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Door]:
    async def block(_: object, number: int) -> BlockRef:
        return BlockRef(number, f"0x{number:064x}", 1_700_000_000)

    monkeypatch.setattr("oracle.web.api.previews.block_ref", block)
    model = Model.open(registry.load())
    w3 = connect("http://127.0.0.1:1", 1.0)
    context = SimpleNamespace(
        chain_id=CHAIN,
        oracle=Costs(w3, ORACLE, CHAIN),
        model=model,
        answering=lambda: model,
        shadow=None,
        models=ModelSettings(),
        histories=Histories(),
        head=BlockRef(100, "0x" + "64" * 32, 1_700_000_000),
        chain=SimpleNamespace(confirmations=12, log_range=1_000),
        w3=None,
        labels=Labels({}),
        declined_labels=frozenset(),
        privacy=PrivacySettings(take_proofs=True),
        sealing_key=bytes(32),
    )
    unlimited = {"burst": 100_000, "requests_per_minute": 1_000_000}
    unlimited |= {"public_burst": 100_000, "public_per_minute": 1_000_000}
    async with opened(engine, ApiSettings(enabled=True, **unlimited)) as door:
        door.context = cast(Context, context)
        async with door.api.sessions.begin() as session:
            for number in range(3):
                await session.execute(insert(RequestRow).values(row(number, wallet(number + 1))))  # type: ignore[arg-type]
        yield door
    await w3.provider.disconnect()


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
@pytest.mark.parametrize("name", NAMES)
async def test_contract__whatever_is_sent__then_an_answer_that_is_described(
    described: Door, name: str, mode: GenerationMode
) -> None:
    response = await described.client.get(described.server.make_url("/v1/openapi.json"))
    document: dict[str, Any] = await response.json()
    operation = schemathesis.openapi.from_dict(document).find_operation_by_id(name)
    if mode is GenerationMode.NEGATIVE and not (operation.body or any(operation.iter_parameters())):
        return  # nothing can be wrong with it
    headers = {"Authorization": f"Bearer {described.key}"}
    base = str(described.server.make_url("/v1")).rstrip("/")

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case: schemathesis.Case) -> None:
        with requests.Session() as session:
            case.call_and_validate(base_url=base, session=session, headers=headers, checks=CHECKS)

    await asyncio.to_thread(run)
