"""Calls made again with an Idempotency-Key: the same answer, and nothing done twice."""

import asyncio
from typing import Any, cast

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from oracle.assessment.errors import HistoryIncomplete
from oracle.web.server import Watched, application
from tests.web.conftest import LOAN, PATH, Door, Sources


async def again(door: Door, once: str, **body: Any) -> Any:
    return await door.ask("POST", PATH, json=LOAN | body, headers={"Idempotency-Key": once})


async def test_again__with_the_same_body__then_the_same_answer_and_no_work(previewing: Door, sources: Sources) -> None:
    first = await again(previewing, "one")
    previewing.api.previews._kept.clear()
    second = await again(previewing, "one")
    assert (await first.read(), first.status) == (await second.read(), second.status)
    assert second.headers["Idempotency-Replayed"] == "true"
    assert len(sources.read_wallets) == 1


async def test_again__with_another_body__then_422_that_names_the_header(previewing: Door) -> None:
    await again(previewing, "one")
    response = await again(previewing, "one", loan_amount="2")
    assert response.status == 422
    assert (await response.json())["errors"][0]["field"] == "header.Idempotency-Key"


async def test_again__by_another_key__then_a_call_of_its_own(previewing: Door) -> None:
    await again(previewing, "one")
    other = await previewing.new_key()
    response = await previewing.ask("POST", PATH, key=other, json=LOAN | {"loan_amount": "2"},
                                    headers={"Idempotency-Key": "one"})  # fmt: skip
    assert response.status == 200


async def test_again__while_the_first_is_at_work__then_409_and_then_its_answer(
    previewing: Door, sources: Sources
) -> None:
    sources.may_go_on.clear()
    first = asyncio.create_task(again(previewing, "one"))
    await sources.reading.wait()
    assert (await again(previewing, "one")).status == 409
    sources.may_go_on.set()
    assert (await first).status == 200
    assert (await again(previewing, "one")).status == 200


async def test_again__after_a_fault_that_passes__then_worked_on(previewing: Door, sources: Sources) -> None:
    sources.fault = HistoryIncomplete("gap")
    assert (await again(previewing, "one")).status == 503
    sources.fault = None
    assert (await again(previewing, "one")).status == 200


async def test_again__after_a_refusal__then_the_same_refusal(previewing: Door) -> None:
    token = "0x" + "cc" * 20
    first, second = [await again(previewing, "one", loan_token=token) for _ in range(2)]
    assert (first.status, second.status, await first.read()) == (422, 422, await second.read())


async def test_again__when_a_day_is_over_or_the_first_died__then_worked_on(
    previewing: Door, engine: AsyncEngine
) -> None:
    await again(previewing, "one")
    for change in ("created_at = now() - interval '25 hours'",
                   "status = null, body = null, created_at = now() - interval '2 minutes'"):  # fmt: skip
        async with engine.begin() as connection:
            await connection.execute(text(f"update api_answers set {change}"))  # noqa: S608
        assert (await again(previewing, "one", loan_amount="3")).status in (200, 422)
    assert (await again(previewing, "one", loan_amount="3")).headers.get("Idempotency-Replayed") == "true"


@pytest.mark.parametrize("once", ["", " ", "a" * 256, "ä"])
async def test_again__with_a_wrong_key__then_422(previewing: Door, once: str) -> None:
    response = await again(previewing, once)
    assert response.status == 422


def test_watched__without_an_api__then_there_is_none() -> None:
    app = application(Watched(cast(Any, None)))
    assert [resource.canonical for resource in app.router.resources()] == ["/healthz", "/readyz", "/metrics"]
