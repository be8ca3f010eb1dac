"""`risk-oracle requests show`: a request in words and as JSON, wherever it stands, and why it has its scores."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from typer.testing import CliRunner

from oracle.assessment.errors import InvalidRequest
from oracle.assessment.states import State
from oracle.cli import app
from oracle.store import explanations
from oracle.store.explanations import Told
from tests.pipeline.scoring import collected, scored
from tests.store.test_requests import CHAIN, ORACLE, moved, request, row_of, stored

Sessions = async_sessionmaker[AsyncSession]
Show = Callable[..., str]


@pytest.fixture
def show(engine: AsyncEngine, tmp_path: Path) -> Show:
    """Run the command in a thread: it has an event loop of its own."""
    settings = tmp_path / "risk-oracle.toml"
    settings.write_text(
        f'[chain]\nrpc_url = "http://127.0.0.1:1"\nchain_id = {CHAIN}\noracle = "{ORACLE}"\n'
        f'[history]\ncoin_price_feed = "{ORACLE}"\n[signer]\nkey = "0x{"11" * 32}"\n'
        f'[database]\nurl = "{engine.url.render_as_string(hide_password=False)}"\n'
    )

    def run(*options: str) -> str:
        result = CliRunner().invoke(app, ["requests", "show", *options, "--config", str(settings)])
        if result.exception is not None:
            raise result.exception
        return result.stdout

    return run


async def test_show__just_arrived__says_where_it_stands_and_nothing_of_scores(sessions: Sessions, show: Show) -> None:
    await stored(sessions, request(1))
    text = await asyncio.to_thread(show, "1")
    assert text.startswith("request 1: requested, user 0x1111")
    assert "logged in block 1" in text
    assert "score" not in text
    found = json.loads(await asyncio.to_thread(show, "1", "--json"))
    assert (found["scores"], found["explanation"], found["model_id"]) == (None, None, None)


async def test_show__scored__tells_reasons_and_recourse_in_words_and_as_json(sessions: Sessions, show: Show) -> None:
    await collected(sessions)
    await scored(sessions)
    text = await asyncio.to_thread(show, "1")
    assert "  health factor of the open debt 1.10 (good standing: none (no debt: as safe as can be)) lowers" in text
    assert "\nrecourse: repay " in text
    found = json.loads(await asyncio.to_thread(show, "1", "--json"))
    assert f"\n{found['scores']['category']} risk, score {found['scores']['score_bps'] / 100:.1f}, default " in text
    assert found["explanation"]["outputs"]["score"]["reasons"][0]["feature"] == "health_factor"
    assert found["explanation"]["thin"] is False
    for reason in found["explanation"]["outputs"]["score"]["reasons"]:
        assert reason["text"] in text


async def test_show__explanation_failed__says_so(sessions: Sessions, show: Show) -> None:
    await stored(sessions, request(1))
    async with sessions.begin() as session:
        told = Told("0x01", thin=False, content=None, fault="ValueError: odd")
        await explanations.put(session, (await row_of(sessions, 1)).id, told)
    assert "\nnot explained: ValueError: odd\n" in await asyncio.to_thread(show, "1")


async def test_show__declined__names_the_reason(sessions: Sessions, show: Show) -> None:
    await stored(sessions, request(1))
    await moved(sessions, 1, State.DECLINING, decline_reason=3)
    assert "\ndeclined: private_data_not_opened\n" in await asyncio.to_thread(show, "1")


async def test_show__unknown_request__is_refused(sessions: Sessions, show: Show) -> None:
    with pytest.raises(InvalidRequest, match=r"request 7 of oracle .* is not known here"):
        await asyncio.to_thread(show, "7")
