"""A daemon with a fleet: its answers are proven elsewhere while there is a prover, and here once there is none."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from oracle.assessment.states import State
from oracle.commands.doctor_model import _examine_fleet
from oracle.commands.findings import Findings
from oracle.devnet.stack import Stack
from oracle.proving.keys import read_keys
from tests.daemon.watching import ask, transitions, until_state
from tests.support.fleet import Machines, machines

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    with machines(tmp_path_factory.mktemp("fleet")) as running:
        yield running


async def said_of_proof(stack: Stack, name: str) -> str:
    """Let somebody ask; return what the audit log says of the proof."""
    row = await until_state(stack, (await ask(stack, name)).request_id, State.FINAL)
    [step] = [step for step in await transitions(stack) if step.request == row.id and step.target == State.PROVEN]
    return step.reason


async def examined(stack: Stack) -> tuple[str, str]:
    findings = Findings()
    settings = stack.settings
    keys = read_keys(Path(settings.model.keys))
    await _examine_fleet(findings, stack.model, keys, settings)
    [line] = findings.lines
    return line.level, line.found


async def test_daemon__with_a_fleet_that_dies__answers_all_the_same(stack: Stack, fleet: Machines) -> None:
    prover = fleet.add(Path(stack.settings.model.keys))
    text = stack.settings_file.read_text()
    stack.settings_file.write_text(f'{text}\n[proving]\nscheduler = "{fleet.address}"\n')
    daemon = await stack.start_daemon()
    assert "by the fleet in" in await said_of_proof(stack, "with a fleet")
    assert (await examined(stack))[0] == "ok"
    prover.stop()
    fleet.scheduler.stop()
    assert "by the fleet" not in await said_of_proof(stack, "without")
    assert "fleet_made_no_proof" in daemon.log.read_text()
    level, found = await examined(stack)
    assert (level, "no Dask scheduler answers" in found) == ("warning", True)
