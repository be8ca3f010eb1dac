"""The cursor: how far was searched, and which blocks a reorganisation can fall back to."""

import asyncio

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from oracle.store import cursor
from tests.store.test_requests import CHAIN, ORACLE, OTHER_ORACLE

Sessions = async_sessionmaker[AsyncSession]


async def next_block(sessions: Sessions, start: int = 100) -> int:
    async with sessions.begin() as session:
        return await cursor.next_block(session, CHAIN, ORACLE, start)


async def search(sessions: Sessions, *to: int, depth: int = 64) -> None:
    for number in to:
        async with sessions.begin() as session:
            await cursor.next_block(session, CHAIN, ORACLE, 100)
            await cursor.advance(session, CHAIN, ORACLE, number, f"0x{number}", number - depth)


async def known(sessions: Sessions) -> list[int]:
    async with sessions() as session:
        return [number for number, _ in await cursor.known_blocks(session, CHAIN, ORACLE)]


async def test_cursor__when_new__then_it_starts_where_told_and_only_then(sessions: Sessions) -> None:
    assert await next_block(sessions, 100) == 100
    assert await next_block(sessions, 5) == 100


async def test_cursor__when_advanced__then_the_next_start_continues(sessions: Sessions) -> None:
    await search(sessions, 100, 105)
    assert await next_block(sessions) == 106
    async with sessions() as session:
        assert await cursor.known_blocks(session, CHAIN, ORACLE) == [(105, "0x105"), (100, "0x100")]


async def test_cursor__when_the_search_is_rolled_back__then_it_did_not_happen(sessions: Sessions) -> None:
    await search(sessions, 100)
    async with sessions() as session:
        await cursor.next_block(session, CHAIN, ORACLE, 100)
        await cursor.advance(session, CHAIN, ORACLE, 200, "0x200", 0)
        await session.rollback()
    assert (await next_block(sessions), await known(sessions)) == (101, [100])


async def test_cursor__when_one_searches__then_a_second_daemon_waits(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        await cursor.next_block(session, CHAIN, ORACLE, 100)
        second = asyncio.create_task(next_block(sessions))
        await asyncio.sleep(0.1)
        assert not second.done()
        await cursor.advance(session, CHAIN, ORACLE, 150, "0x150", 0)
    assert await second == 151


async def test_blocks__when_deep__then_forgotten_but_for_the_newest_of_the_deep(sessions: Sessions) -> None:
    await search(sessions, *range(100, 200, 10), depth=30)
    assert await known(sessions) == [190, 180, 170, 160]
    await search(sessions, 197, depth=30)
    assert await known(sessions) == [197, 190, 180, 170, 160]


async def test_blocks__when_the_search_jumped_far__then_an_old_one_stays_to_stand_on(sessions: Sessions) -> None:
    # A daemon that was away for long: without 105 a reorganisation of 5000 would void everything since the start.
    await search(sessions, 100, 105, 5_000)
    assert await known(sessions) == [5_000, 105]
    await search(sessions, 5_001)
    assert await known(sessions) == [5_001, 5_000, 105]
    await search(sessions, 5_064)
    assert await known(sessions) == [5_064, 5_001, 5_000]


async def test_rewind__when_back__then_searched_again_from_there_and_hashes_above_are_gone(sessions: Sessions) -> None:
    await search(sessions, 100, 101, 102, 103)
    async with sessions.begin() as session:
        await cursor.rewind(session, CHAIN, ORACLE, 102)
    assert (await next_block(sessions), await known(sessions)) == (102, [101, 100])


async def test_rewind__when_told_to_go_forward__then_no_block_is_skipped(sessions: Sessions) -> None:
    await search(sessions, 100, 101)
    async with sessions.begin() as session:
        await cursor.rewind(session, CHAIN, ORACLE, 500)
    assert (await next_block(sessions), await known(sessions)) == (102, [101, 100])


async def test_advance__when_a_block_is_searched_again__then_its_new_hash(sessions: Sessions) -> None:
    await search(sessions, 100)
    async with sessions.begin() as session:
        await cursor.rewind(session, CHAIN, ORACLE, 100)
        await cursor.advance(session, CHAIN, ORACLE, 100, "0xnew", 0)
        assert await cursor.known_blocks(session, CHAIN, ORACLE) == [(100, "0xnew")]


async def test_cursor__when_another_oracle_is_served__then_its_own(sessions: Sessions) -> None:
    await search(sessions, 100, 101)
    async with sessions.begin() as session:
        assert await cursor.next_block(session, CHAIN, OTHER_ORACLE, 7) == 7
        assert await cursor.known_blocks(session, CHAIN, OTHER_ORACLE) == []
