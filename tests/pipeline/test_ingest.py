"""The event source on a real chain and a real database: nothing is lost or doubled, whatever the chain does."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import psycopg
import pytest
from sqlalchemy import make_url
from structlog.testing import capture_logs

from oracle.assessment.states import State
from oracle.chain.pool import PoolProvider
from oracle.pipeline.ingest import follow_chain, search_new_blocks
from tests.support.event_source import Ingest

# ------------------------------------------------------------------ searching


async def test_search__when_requests_lie_in_several_ranges__then_each_is_found_once(ingest: Ingest) -> None:
    ingest.context.chain = ingest.context.chain.model_copy(update={"log_range": 2})
    for _ in range(3):
        await ingest.oracle.ask()
        await ingest.chain.mine(3)
    await ingest.oracle.ask()
    assert await ingest.search() == 4
    assert ingest.context.woken["collect"].is_set()
    assert await ingest.search() == 0
    assert await ingest.states() == {State.REQUESTED: 4}
    head = await ingest.chain.block_number()
    assert await ingest.next_block() == head + 1
    assert ingest.context.head is not None
    assert ingest.context.head.number == head


async def test_search__when_the_daemon_restarts__then_it_goes_on_from_the_cursor(ingest: Ingest) -> None:
    await ingest.oracle.ask()
    await ingest.search()
    await ingest.work_on(1)
    await ingest.oracle.ask()
    await ingest.restart()
    # A start block that would hide the second request proves that the cursor decides.
    ingest.context.chain = ingest.context.chain.model_copy(update={"start_block": 10_000})
    assert await ingest.search() == 1
    assert await ingest.states() == {State.PROVEN: 1, State.REQUESTED: 1}


async def test_search__when_the_endpoint_dies_half_way__then_the_done_ranges_stay_done(ingest: Ingest) -> None:
    ingest.context.chain = ingest.context.chain.model_copy(update={"log_range": 1})
    await ingest.oracle.ask()
    await ingest.chain.mine(30)
    await ingest.oracle.ask()
    searching = asyncio.create_task(ingest.search())

    async def well_under_way() -> bool:
        return await ingest.next_block() >= 10

    await until(well_under_way)
    searching.cancel()
    with suppress(asyncio.CancelledError):
        await searching
    done = await ingest.next_block()
    assert 10 <= done < 36
    await ingest.restart()
    await ingest.search()
    assert await ingest.states() == {State.REQUESTED: 2}
    assert await ingest.steps(1) == ["requested"]


async def test_search__when_two_daemons_follow__then_each_request_is_stored_once(ingest: Ingest) -> None:
    for _ in range(3):
        await ingest.oracle.ask()
    other = replace(ingest.context, head=None)
    found = await asyncio.gather(ingest.search(), search_new_blocks(other))
    assert sorted(found) == [0, 3]
    assert await ingest.steps(1) == ["requested"]


async def test_search__when_the_start_block_is_still_to_come__then_nothing_is_searched_until_then(
    ingest: Ingest,
) -> None:
    head = await ingest.chain.block_number()
    ingest.context.chain = ingest.context.chain.model_copy(update={"start_block": head + 5})
    await ingest.oracle.ask()
    assert await ingest.search() == 0
    await ingest.chain.mine(10)
    assert await ingest.search() == 0
    assert await ingest.next_block() == await ingest.chain.block_number() + 1


# ------------------------------------------------------------------ reorganisations


async def test_reorganisation__when_a_request_is_gone__then_vanished_and_the_others_stay(ingest: Ingest) -> None:
    await ingest.oracle.ask()
    await ingest.search()
    await ingest.work_on(1)
    await ingest.oracle.ask()
    await ingest.search()
    await ingest.work_on(2)
    await ingest.chain.rpc("anvil_rollback", 1)
    await ingest.chain.mine(2)
    assert await ingest.search() == 0
    assert await ingest.states() == {State.PROVEN: 1, State.VANISHED: 1}
    assert await ingest.next_block() == await ingest.chain.block_number() + 1


async def test_reorganisation__when_a_request_is_made_again__then_it_starts_anew_in_its_new_block(
    ingest: Ingest,
) -> None:
    await ingest.oracle.ask(1)
    await ingest.search()
    await ingest.work_on(1, State.SUBMITTED)
    before = await ingest.row(1)
    await ingest.chain.rpc("anvil_rollback", 1)
    await ingest.chain.mine()
    sent = await ingest.oracle.ask(2)
    assert await ingest.search() == 1
    row = await ingest.row(1)
    assert (row.id, row.state, int(row.data_commitment)) == (before.id, State.REQUESTED, 2)
    assert (row.block_number, row.transaction_hash) == (sent.block, sent.transaction_hash)
    assert row.block_hash != before.block_hash
    assert (row.proof, row.scores) == (None, None)
    assert await ingest.steps(1) == ["requested", "submitted", "vanished", "requested"]


async def test_reorganisation__when_the_blocks_have_the_same_numbers__then_noticed_by_their_hashes(
    ingest: Ingest,
) -> None:
    await ingest.oracle.ask()
    await ingest.search()
    height = await ingest.chain.block_number()
    await ingest.chain.rpc("anvil_rollback", 1)
    await ingest.chain.warp(100)
    assert await ingest.chain.block_number() == height
    assert await ingest.search() == 0
    assert await ingest.states() == {State.VANISHED: 1}


async def test_head__when_it_goes_backwards__then_survived_and_found_again_on_the_way_up(ingest: Ingest) -> None:
    await ingest.oracle.ask()
    await ingest.search()
    await ingest.oracle.ask()
    await ingest.chain.mine(2)
    await ingest.search()
    await ingest.chain.rpc("anvil_rollback", 3)
    assert await ingest.search() == 0
    head = await ingest.chain.block_number()
    assert await ingest.states() == {State.REQUESTED: 1, State.VANISHED: 1}
    assert await ingest.next_block() == head + 1
    assert ingest.context.head is not None
    assert ingest.context.head.number == head
    await ingest.oracle.ask()
    assert await ingest.search() == 1
    assert await ingest.states() == {State.REQUESTED: 2}


async def test_reorganisation__when_it_follows_a_long_absence__then_deep_requests_keep_their_work(
    ingest: Ingest,
) -> None:
    ingest.context.chain = ingest.context.chain.model_copy(update={"log_range": 2_000})
    await ingest.oracle.ask()
    await ingest.search()
    await ingest.work_on(1, State.FINAL)
    await ingest.oracle.ask()
    await ingest.chain.mine(150)
    await ingest.search()
    await ingest.work_on(2, State.FINAL)
    await ingest.chain.rpc("anvil_rollback", 1)
    await ingest.chain.mine(2)
    await ingest.search()
    assert await ingest.states() == {State.FINAL: 2}
    assert (await ingest.row(2)).proof == b"proof"


async def test_reorganisation__when_it_comes_right_after_the_first_search__then_deep_requests_keep_their_work(
    ingest: Ingest,
) -> None:
    ingest.context.chain = ingest.context.chain.model_copy(update={"log_range": 2_000})
    await ingest.oracle.ask()
    await ingest.chain.mine(150)
    await ingest.search()
    await ingest.work_on(1)
    await ingest.chain.rpc("anvil_rollback", 2)
    await ingest.chain.mine()
    await ingest.search()
    assert await ingest.states() == {State.PROVEN: 1}


async def test_reorganisation__when_no_request_was_ever_made__then_the_search_does_not_start_all_over(
    ingest: Ingest,
) -> None:
    ingest.context.chain = ingest.context.chain.model_copy(update={"log_range": 2_000})
    await ingest.chain.mine(150)
    await ingest.search()
    head = await ingest.chain.block_number()
    await ingest.chain.rpc("anvil_rollback", 1)
    await ingest.chain.mine()
    with capture_logs() as lines:
        await ingest.search()
    (told,) = [line for line in lines if line["event"] == "chain_reorganised"]
    assert head - 70 < told["back_to_block"] <= head


async def test_reorganisation__when_a_request_lies_between_searches__then_its_own_block_is_what_counts(
    ingest: Ingest,
) -> None:
    # The daemon looks rarely: between two looks lie a request that stays and the blocks that go.
    await ingest.search()
    await ingest.oracle.ask()
    await ingest.chain.mine(3)
    await ingest.search()
    await ingest.work_on(1)
    await ingest.chain.rpc("anvil_rollback", 2)
    await ingest.chain.mine(3)
    await ingest.search()
    assert await ingest.states() == {State.PROVEN: 1}


# ------------------------------------------------------------------ following


@asynccontextmanager
async def following(ingest: Ingest) -> AsyncIterator[asyncio.Event]:
    woken = asyncio.Event()
    task = asyncio.create_task(follow_chain(ingest.context, woken))
    yield woken
    assert not task.done(), "the event source gave up"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def until(what: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await what():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def until_found(ingest: Ingest, count: int) -> None:
    async def found() -> bool:
        return sum((await ingest.states()).values()) >= count

    await until(found)


async def until_part(ingest: Ingest, name: str, ok: bool) -> None:
    async def changed() -> bool:
        return name in ingest.context.health.parts and ingest.context.health.parts[name].ok is ok

    await until(changed)


async def test_follow__when_woken__then_it_looks_at_once(ingest: Ingest) -> None:
    ingest.context.chain = ingest.context.chain.model_copy(update={"poll_seconds": 60.0})
    async with following(ingest) as woken:
        await ingest.oracle.ask()
        woken.set()
        await until_found(ingest, 1)


async def test_follow__when_the_endpoint_is_away_for_a_while__then_unwell_and_well_again(ingest: Ingest) -> None:
    async with following(ingest):
        await ingest.oracle.ask()
        await until_found(ingest, 1)
        pool = ingest.oracle.w3.provider
        assert isinstance(pool, PoolProvider)
        provider = pool.endpoints[0].provider
        url, provider.endpoint_uri = provider.endpoint_uri, "http://127.0.0.1:1/5ec2e7"  # type: ignore[assignment]
        await until_part(ingest, "chain", False)
        assert "5ec2e7" not in ingest.context.health.parts["chain"].text
        provider.endpoint_uri = url
        await ingest.oracle.ask()
        await until_found(ingest, 2)
        await until_part(ingest, "chain", True)


async def test_follow__when_the_database_is_away_for_a_while__then_waited_out(
    ingest: Ingest, postgres_url: str
) -> None:
    name = ingest.engine.url.database
    maintenance = make_url(postgres_url).set(drivername="postgresql").render_as_string(False)
    async with following(ingest):
        await ingest.oracle.ask()
        await until_found(ingest, 1)
        with psycopg.connect(maintenance, autocommit=True) as connection:
            connection.execute(f"alter database {name} allow_connections false")
            # Each is waited for: none may live on to serve a query half-way.
            end = "select pg_terminate_backend(pid, 30000) from pg_stat_activity where datname = %s"
            connection.execute(end, [name])
            await until_part(ingest, "database", False)
            connection.execute(f"alter database {name} allow_connections true")
        await ingest.oracle.ask()
        await until_found(ingest, 2)
