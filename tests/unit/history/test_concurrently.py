"""Reads at once: all of them in order, or the first error; and never more under way than it takes."""

import asyncio

import pytest

from oracle.history.reading.concurrently import all_of


class Counted:
    """Reads that note how many are under way."""

    def __init__(self) -> None:
        self.now = self.most = self.begun = 0

    async def read(self, number: int, fails: bool = False) -> int:
        self.begun += 1
        self.now += 1
        self.most = max(self.most, self.now)
        # Later ones end sooner: an order that only the numbers can put right.
        for _ in range(7 - number % 7):
            await asyncio.sleep(0)
        self.now -= 1
        if fails:
            raise ValueError(f"read {number}")
        return number


async def test_all_of__when_many__then_in_order_and_a_few_at_a_time() -> None:
    counted = Counted()
    assert await all_of(counted.read(number) for number in range(1_000)) == list(range(1_000))
    assert counted.begun == 1_000
    assert 32 <= counted.most <= 64


async def test_all_of__when_none__then_nothing() -> None:
    assert await all_of(()) == []


@pytest.mark.filterwarnings("error")
async def test_all_of__when_one_fails__then_its_own_error_and_the_rest_is_not_begun() -> None:
    counted = Counted()
    # A list: its coroutines exist already, and must not be left behind.
    reads = [counted.read(number, fails=number == 5) for number in range(500)]
    with pytest.raises(ValueError, match="read 5"):
        await all_of(reads)
    assert counted.begun < 200


@pytest.mark.filterwarnings("error")
async def test_all_of__when_cancelled__then_all_are() -> None:
    counted = Counted()
    endless = [asyncio.Event().wait() for _ in range(100)]
    reading = asyncio.create_task(all_of([*endless, counted.read(1)]))
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert counted.begun == 0
