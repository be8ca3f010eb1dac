"""Checks at once: every refusal is told, what waits for ever holds nobody up, a fault is no refusal."""

import asyncio

import pytest

from oracle.assessment.errors import ConfigurationFault, TransientFault
from oracle.refusals import together


async def gives(value: str, after: asyncio.Event | None = None) -> str:
    if after is not None:
        await after.wait()
    return value


async def refuses(words: str, after: asyncio.Event | None = None) -> str:
    if after is not None:
        await after.wait()
    raise ConfigurationFault(words)


async def breaks() -> str:
    raise TransientFault("away")


async def test_together__when_all_is_well__then_what_each_gives() -> None:
    assert await together(gives("a"), gives("b"), gives("c")) == ("a", "b", "c")


async def test_together__when_one_refuses_later__then_both_are_told_in_order() -> None:
    later = asyncio.Event()
    asyncio.get_running_loop().call_later(0.01, later.set)
    with pytest.raises(ConfigurationFault) as refused:
        await together(refuses("the first", after=later), gives("b"), refuses("the third"))
    assert str(refused.value).splitlines() == ["the first", "the third"]


async def test_together__when_two_refuse_alike__then_it_is_told_once() -> None:
    with pytest.raises(ConfigurationFault) as refused:
        await together(refuses("the same"), refuses("the same"))
    assert str(refused.value) == "the same"


async def test_together__when_another_waits_for_ever__then_it_is_cancelled_and_the_refusal_told() -> None:
    ended = asyncio.Event()

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(ConfigurationFault, match="wrong chain"):
        await together(waits(), refuses("wrong chain"), others_seconds=0.01)
    assert ended.is_set()


async def test_together__when_one_breaks__then_that_is_raised_as_it_is() -> None:
    with pytest.raises(TransientFault, match="away"):
        await together(refuses("wrong chain"), breaks())


async def test_together__when_cancelled__then_its_checks_are_too() -> None:
    ended = asyncio.Event()

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    outer = asyncio.ensure_future(together(waits(), waits()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    outer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await outer
    assert ended.is_set()
