"""Parts that fall: told, started again, and well once they run; the others never notice."""

import asyncio

import pytest
from structlog.testing import capture_logs

from oracle.assessment.errors import TransientFault
from oracle.pipeline import supervision
from oracle.pipeline.health import Health
from oracle.pipeline.supervision import supervise


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "_FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(supervision, "_STEADY_SECONDS", 0.001)


class Part:
    """A loop that falls over each of some faults, and runs then."""

    def __init__(self, *faults: Exception) -> None:
        self.faults = list(faults)
        self.running = asyncio.Event()

    async def run(self) -> None:
        if self.faults:
            raise self.faults.pop(0)
        self.running.set()
        await asyncio.Event().wait()


async def supervised(health: Health, part: Part) -> asyncio.Task[None]:
    task = asyncio.create_task(supervise(health, "part", part.run))
    await part.running.wait()
    return task


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_part__that_falls__starts_again_and_is_well_when_it_runs() -> None:
    health = Health()
    with capture_logs() as said:
        task = await supervised(health, Part(ValueError("odd"), ExceptionGroup("odd", [KeyError("x")])))
        await health.recovered.wait()
    await ended(task)
    assert [line["event"] for line in said] == ["part_fell", "part_fell", "part_works_again"]
    assert [line.get("exc_info") for line in said[:2]] == [True, True], "a fault of ours comes with its trace"
    assert health.recovered.is_set()


async def test_part__that_falls_over_what_can_pass__is_a_line_without_a_trace() -> None:
    with capture_logs() as said:
        await ended(await supervised(Health(), Part(TransientFault("away"))))
    [line] = [line for line in said if line["event"] == "part_fell"]
    assert (line["log_level"], line.get("exc_info")) == ("warning", None)


async def test_part__while_it_is_down__makes_the_daemon_unready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "_FIRST_PAUSE_SECONDS", 600.0)
    health = Health()
    health.set("chain", True)
    task = asyncio.create_task(supervise(health, "part", Part(ValueError("odd")).run))
    while "part" not in health.parts:  # noqa: ASYNC110
        await asyncio.sleep(0)
    assert not health.ready
    assert "ValueError: odd" in health.parts["part"].text
    await ended(task)


async def test_part__that_never_falls__is_no_part_of_readiness() -> None:
    health = Health()
    task = await supervised(health, Part())
    await asyncio.sleep(0.01)
    assert health.parts == {}
    await ended(task)


async def test_others__when_one_falls__go_on() -> None:
    health, well = Health(), Part()
    falling = Part(*[ValueError("odd")] * 3)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(supervise(health, name, part.run)) for name, part in (("a", well), ("b", falling))]
        await falling.running.wait()
        assert well.running.is_set()
        for task in tasks:
            task.cancel()


async def test_part__that_falls_by_a_group_of_tasks__starts_again() -> None:
    part = Part()
    falls = 0

    async def fail() -> None:
        raise ValueError("odd")

    async def run() -> None:
        nonlocal falls
        while falls < 3:
            falls += 1
            async with asyncio.TaskGroup() as group:
                group.create_task(fail())
        await part.run()

    task = asyncio.create_task(supervise(Health(), "part", run))
    async with asyncio.timeout(30):
        await part.running.wait()
    assert falls == 3
    await ended(task)
