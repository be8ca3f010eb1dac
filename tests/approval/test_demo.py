"""`make demo-approval` and the replay of what it left, as a reader of the page runs them."""

from pathlib import Path

import pytest

from tests.support.commanding import command
from tests.support.lane import ENGINE_PYTHON, NO_ENGINE

pytestmark = [pytest.mark.skipif(not ENGINE_PYTHON.exists(), reason=NO_ENGINE), pytest.mark.timeout(300)]


def test_demo__then_one_is_approved_one_denied_and_told_why_and_a_replay_is_equal(tmp_path: Path) -> None:
    python = ("--python", ENGINE_PYTHON)
    told = command("approval", "demo", "--folder", tmp_path, "--json", *python).json
    assert told["application_1"]["approved"] is True
    denied = told["application_2"]
    assert denied["approved"] is False
    assert "years_employed" in denied
    again = command("approval", "replay", f"{told['folder']}/board", "--json", *python).json
    assert again == {"1": True, "2": True}
