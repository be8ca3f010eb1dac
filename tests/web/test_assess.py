"""Previews by `POST /v1/oracle/assess`: what the model would say, for many at once, and what would be declined."""

import asyncio
from dataclasses import replace
from typing import cast

import pytest
from eth_utils.address import to_checksum_address
from sqlalchemy.ext.asyncio import AsyncEngine

from oracle.assessment.errors import ConfigurationFault, HistoryIncomplete, UnsupportedAsset
from oracle.assessment.request import NATIVE_COIN, LoanTerms
from oracle.config.api import ApiSettings
from oracle.pipeline.context import Context
from tests.unit.models.wallets import features
from tests.web.conftest import LOAN, PATH, SITUATION, WALLET, Door, Sources, assess, opened


async def test_preview__then_what_the_model_says_at_the_newest_confirmed_block(previewing: Door) -> None:
    found = await assess(previewing)
    terms = LoanTerms(NATIVE_COIN, 10**18, NATIVE_COIN, 0, 30 * 86_400)
    context = cast(Context, previewing.context)
    expected = context.model.infer(features(replace(SITUATION, terms=terms)).encoded).scores
    assert found["assessment"]["basis_points"]["score"] == expected.score_bps
    assert found["assessment"]["recommended_terms"]["duration_days"] == expected.duration_days
    assert found["block"]["number"] == 100 - 12 + 1
    assert (found["mode"], found["thin"]) == ("preview", False)
    assert found["address"] == to_checksum_address(WALLET)


async def test_preview__when_a_hundred_ask_at_once__then_the_wallet_is_read_once_and_remembered(
    previewing: Door, sources: Sources
) -> None:
    sources.may_go_on.clear()
    asked = [asyncio.create_task(assess(previewing)) for _ in range(100)]
    await sources.reading.wait()
    sources.may_go_on.set()
    found = await asyncio.gather(*asked)
    assert all(one == found[0] for one in found)
    await assess(previewing, loan_amount="5")
    assert sources.read_wallets == [WALLET]


async def test_preview__when_its_time_is_over__then_read_again(previewing: Door, sources: Sources) -> None:
    now = [0.0]
    previewing.api.previews._clock = lambda: now[0]
    await assess(previewing)
    now[0] = previewing.api.settings.preview_seconds + 1
    await assess(previewing)
    assert len(sources.read_wallets) == 2


async def test_preview__when_the_first_client_goes_away__then_the_others_get_theirs(
    previewing: Door, sources: Sources
) -> None:
    sources.may_go_on.clear()
    first = asyncio.create_task(assess(previewing))
    await sources.reading.wait()
    second = asyncio.create_task(assess(previewing))
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    sources.may_go_on.set()
    assert (await second)["mode"] == "preview"


@pytest.mark.parametrize(
    ("fault", "status", "reason"),
    [
        (UnsupportedAsset("token 0xcc has no price"), 422, "unsupported_asset"),
        (HistoryIncomplete("a page is missing"), 503, None),
        (ConfigurationFault("of ours"), 500, None),
    ],
)
async def test_preview__when_the_wallet_cannot_be_read__then_said_and_not_remembered(
    previewing: Door, sources: Sources, fault: Exception, status: int, reason: str | None
) -> None:
    sources.fault = fault
    found = await previewing.problem("POST", PATH, json=LOAN)
    assert (found["status"], found.get("decline_reason")) == (status, reason)
    sources.fault = None
    await assess(previewing)


async def test_preview__of_a_wallet_that_the_operator_declines__then_said_without_reading_it(
    previewing: Door, sources: Sources
) -> None:
    found = await previewing.problem("POST", PATH, json=LOAN | {"user_address": "0x" + "66" * 20})
    assert (found["type"], found["decline_reason"]) == ("urn:risk-oracle:problem:declined", "operator_policy")
    assert sources.read_wallets == []


async def test_preview__when_a_token_has_no_price__then_a_problem_with_the_reason(previewing: Door) -> None:
    found = await previewing.problem("POST", PATH, json=LOAN | {"loan_token": "0x" + "cc" * 20})
    assert (found["status"], found["decline_reason"]) == (422, "unsupported_asset")


async def test_preview__beyond_the_time_limit__then_503(
    engine: AsyncEngine, previewing: Door, sources: Sources
) -> None:
    sources.may_go_on.clear()
    async with opened(engine, ApiSettings(enabled=True, time_limit_seconds=0.1)) as hasty:
        hasty.context = previewing.context
        response = await hasty.ask("POST", PATH, json=LOAN)
        assert (response.status, "Retry-After" in response.headers) == (503, True)
        await hasty.api.previews.close()
