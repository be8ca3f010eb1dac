"""A daemon's stages while the registry changes: who answers, what is scored again, what waits, what is only told.

tests/daemon/test_model_change.py lets a running daemon prove and answer with each model.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.testing import capture_logs

from oracle.assessment import canonical
from oracle.assessment.errors import ConfigurationFault
from oracle.assessment.states import State
from oracle.chain.signer import Signer
from oracle.commands import promotion
from oracle.commands.governing import Desk, desk
from oracle.config.model import ModelSettings
from oracle.config.settings import AuditSettings
from oracle.models.registry import ShippedModel
from oracle.pipeline.context import Context
from oracle.pipeline.models import chosen_model
from oracle.pipeline.upkeep.follow_registry import follow_registry
from oracle.pipeline.worker import run_once
from oracle.proving.making import setup
from oracle.proving.prover import Prover
from oracle.store import requests
from oracle.store.model_tables import ShadowScoreRow
from oracle.store.tables import RequestRow
from tests.commands.test_promotion import taken
from tests.support.event_source import Ingest
from tests.support.second_model import TwoModels
from tests.unit.models.wallets import SITUATIONS, features

NOW = SITUATIONS["indebted"]
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass
class Following:
    """A daemon's parts that follow the registry, and hands to change it."""

    ingest: Ingest
    models: TwoModels

    @property
    def context(self) -> Context:
        return self.ingest.context

    @property
    def answering(self) -> str:
        return self.context.model.source.name

    async def promote(self, model: ShippedModel) -> None:
        async with self._desk() as at:
            assert await promotion.promote(at, model, None, self.models.build)

    async def roll_back(self) -> None:
        async with self._desk() as at:
            assert await promotion.roll_back(at)

    async def activate_elsewhere(self, number: int) -> None:
        """Activate a model that is not here, with the first one's facts."""
        on_chain, model_id = self.ingest.oracle, number.to_bytes(32, "big")
        [verifier, *facts], *_ = await on_chain.transactor.read(on_chain.registry, "model", self.models.first.model_id)
        spec = (on_chain.w3.to_checksum_address(verifier), *facts)
        await on_chain.transactor.call(on_chain.owner, on_chain.registry, "propose", model_id, spec)
        await on_chain.transactor.call(on_chain.owner, on_chain.registry, "activate", model_id)

    async def ask(self, number: int) -> None:
        """Let the user make request `number`, and leave it as the first stage does."""
        await self.ingest.oracle.ask(self.models.first.neutral_commitment)
        await self.ingest.search()
        vector = features(NOW)
        values = {name: None if value is None else str(value) for name, value in vector.values.items()}
        async with self.context.sessions.begin() as session:
            row = await self._row(session, number)
            row.history = canonical.plain(NOW.history)
            row.features = {"values": values, "encoded": list(vector.encoded)}
            await requests.move(session, row, State.COLLECTED, "test")

    async def run(self, number: int, *stages: str) -> RequestRow:
        """Run stages, one after the other, and return the request's row."""
        for stage in stages:
            async with self.context.sessions.begin() as session:
                # Due now, however long it was to rest.
                (await self._row(session, number)).run_after = LONG_AGO
            assert await run_once(self.context, stage), stage
        return await self.ingest.row(number)

    async def _row(self, session: AsyncSession, number: int) -> RequestRow:
        return await requests.find(session, self.context.chain_id, self.context.address, number, lock=True)

    def _desk(self) -> AbstractAsyncContextManager[Desk]:
        on_chain = self.ingest.oracle
        settings = AuditSettings.model_validate(
            {
                "chain": {
                    "rpc_url": on_chain.chain.rpc_url,
                    "chain_id": on_chain.chain.chain_id,
                    "oracle": on_chain.deployed.address,
                    "poll_seconds": 0.05,
                },
                "history": {"coin_price_feed": on_chain.deployed.address},
                "model": {"directory": self.models.directory, "keys": self.models.keys},
            }
        )
        return desk(settings, Signer(on_chain.owner.key.to_0x_hex()), lambda _: None)


@pytest.fixture
async def following(ingest: Ingest, two_models: TwoModels, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Following]:
    monkeypatch.setattr(promotion, "_check_proof", taken)
    context = ingest.context
    context.models = ModelSettings(directory=two_models.directory, keys=two_models.keys)
    _, _, context.signer_set_digest = await ingest.oracle.contract.signers()
    found = Following(ingest, two_models)
    await found.promote(two_models.first)
    try:
        # The loans' collateral has no price, so nothing is explained here; saying so in colours takes seconds.
        with capture_logs():
            yield found
    finally:
        await context.prover.close()


async def test_activation__while_a_request_is_scored__is_followed_and_it_is_scored_again_with_the_new_model(
    following: Following,
) -> None:
    first, second = following.models.first, following.models.second
    await following.ask(1)
    row = await following.run(1, "score")
    assert row.model_id == "0x" + first.model_id.hex()
    before = dict(row.scores or {})

    await following.promote(second)
    await follow_registry(following.context)
    assert following.answering == second.name
    assert following.context.shadow is not None
    assert following.context.shadow.source == first
    assert following.context.health.parts["model"].ok

    row = await following.run(1, "prove")
    assert row.state == State.COLLECTED
    row = await following.run(1, "score")
    assert (row.state, row.model_id) == (State.SCORED, "0x" + second.model_id.hex())
    assert row.scores is not None
    assert row.scores["score_bps"] == pytest.approx(before["score_bps"] - 625, abs=1)
    async with following.context.sessions() as session:
        [beside] = await session.scalars(select(ShadowScoreRow))
    assert beside.model_id == "0x" + first.model_id.hex()
    assert beside.scores == before


async def test_roll_back__while_a_request_is_signed__is_noticed_by_the_revert_and_scored_again(
    following: Following,
) -> None:
    context, second = following.context, following.models.second
    await following.promote(second)
    await following.ask(1)
    await following.run(1, "score")
    async with context.sessions.begin() as session:
        row = await requests.find(session, context.chain_id, context.address, 1, lock=True)
        # As if proven by the second model: the registry is asked before the proof is looked at.
        row.model_id, row.proof, row.feature_commitment = "0x" + second.model_id.hex(), b"\x01" * 32, 5
        await requests.move(session, row, State.PROVEN, "test")
    await following.run(1, "sign")
    await following.roll_back()
    row = await following.run(1, "submit")
    assert row.state == State.COLLECTED
    assert following.answering == following.models.first.name
    row = await following.run(1, "score")
    assert row.model_id == "0x" + following.models.first.model_id.hex()


async def test_activation__of_a_model_that_is_not_here__is_told_while_the_shadow_answers_and_then_requests_wait(
    following: Following,
) -> None:
    context, first = following.context, following.models.first
    await following.ask(1)
    await following.activate_elsewhere(7)
    await follow_registry(context)
    part = context.health.parts["model"]
    assert not part.ok
    assert f"model 0x{7:064x} is not here" in part.text
    assert f"{first.name} (0x{first.model_id.hex()}) still answers" in part.text
    assert context.answering().source == first

    await following.activate_elsewhere(8)
    await follow_registry(context)
    assert "requests wait" in context.health.parts["model"].text
    row = await following.run(1, "score")
    assert row.state == State.COLLECTED
    assert "waiting: ModelWithdrawn" in (row.fault or "")

    # It comes back by itself once a model that is here is active again.
    await following.promote(following.models.second)
    await follow_registry(context)
    assert context.health.parts["model"].ok
    row = await following.run(1, "score")
    assert (row.state, row.model_id) == (State.SCORED, "0x" + following.models.second.model_id.hex())


async def test_activation__of_a_model_whose_keys_do_not_fit_its_verifier__is_told_after_one_proof_and_not_answered_with(
    following: Following, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, first, second = following.context, following.models.first, following.models.second
    # Made anew after the verifier was deployed, as after `setup` in another folder.
    await asyncio.to_thread(setup, second.directory, tmp_path / second.name)
    (tmp_path / first.name).symlink_to(following.models.keys / first.name)
    context.models = ModelSettings(directory=following.models.directory, keys=tmp_path)
    await following.promote(second)
    await follow_registry(context)
    part = context.health.parts["model"]
    assert not part.ok
    assert "generated from other keys" in part.text
    assert f"{first.name} (0x{first.model_id.hex()}) still answers" in part.text
    assert following.answering == first.name

    with monkeypatch.context() as patch:
        patch.setattr(Prover, "prove", None)
        await follow_registry(context)
        assert "generated from other keys" in part.text

    context.models = ModelSettings(directory=following.models.directory, keys=following.models.keys)
    await follow_registry(context)
    assert context.health.parts["model"].ok
    assert following.answering == second.name


async def test_named_model__is_kept_while_active_and_refused_once_retired(following: Following) -> None:
    context, first = following.context, following.models.first
    context.models = ModelSettings(name=first.name, directory=following.models.directory, keys=following.models.keys)
    await following.activate_elsewhere(7)
    await follow_registry(context)
    assert context.health.parts["model"].ok
    assert context.answering().source == first
    await following.activate_elsewhere(8)
    await follow_registry(context)
    assert "is not active in registry" in context.health.parts["model"].text
    assert "(state: retired)" in context.health.parts["model"].text
    assert context.withdrawn
    registry = await context.oracle.registry()
    with pytest.raises(ConfigurationFault, match=r"not active .*state: retired.*leave model\.name out"):
        await chosen_model(context.w3, registry, context.models)


async def test_named_shadow__runs_beside_and_off_means_none(following: Following) -> None:
    context, second = following.context, following.models.second
    context.models = ModelSettings(directory=following.models.directory, keys=following.models.keys, shadow=second.name)
    await follow_registry(context)
    assert context.shadow is not None
    assert context.shadow.source == second
    await following.promote(second)
    context.models = context.models.model_copy(update={"shadow": "off"})
    await follow_registry(context)
    assert following.answering == second.name
    assert context.shadow is None
