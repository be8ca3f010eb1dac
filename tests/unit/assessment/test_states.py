"""The table of states agrees with itself, with the worker's claims and with the contract's reasons."""

import re
from pathlib import Path

from oracle.assessment.errors import DeclineReason
from oracle.assessment.states import STAGE_OF, STATES, State

CONTRACT = Path(__file__).parents[3] / "contracts" / "interfaces" / "IAIRiskOracle.sol"


def test_states__when_listed__then_each_has_a_row_and_fits_its_column() -> None:
    assert set(STATES) == set(State)
    assert all(len(state.value) <= 16 for state in State)
    assert all(row.meaning for row in STATES.values())


def test_stages__when_claimed__then_no_two_states_share_one() -> None:
    stages = [row.stage for row in STATES.values() if row.stage is not None]
    assert len(stages) == len(set(stages)) == len(STAGE_OF)
    assert all(STATES[state].stage == stage for stage, state in STAGE_OF.items())


def test_states__when_nothing_leads_onward__then_they_are_the_six_ends() -> None:
    ends = {state for state, row in STATES.items() if row.stage is None}
    assert ends == {State.FINAL, State.DECLINED, State.CLOSED, State.EXPIRED, State.VANISHED, State.DEAD}


def test_states__when_the_network_may_know__then_a_transaction_was_entered_before() -> None:
    knowing = {state for state, row in STATES.items() if row.network_may_know}
    assert knowing == {State.SUBMITTED, State.CONFIRMED, State.FINAL, State.DECLINED}


def test_decline_reasons__when_compared_with_the_contract__then_the_same_numbers() -> None:
    body = re.search(r"enum DeclineReason \{([^}]*)\}", CONTRACT.read_text())
    assert body is not None
    names = [name.strip() for name in body.group(1).split(",")]
    assert names[0] == "None"
    assert {reason.name.replace("_", "").lower(): reason.value for reason in DeclineReason} == {
        name.lower(): number for number, name in enumerate(names) if number
    }
