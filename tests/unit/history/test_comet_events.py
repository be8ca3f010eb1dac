"""What a Comet's logs mean for an account, on ABI-encoded logs: its contracts come in no package to run here."""

from hypothesis import given
from hypothesis import strategies as st

from oracle.history.abi import address_topic
from oracle.history.comet_events import ABSORB_DEBT, SUPPLY, WITHDRAW, BaseMoves, base_moves
from oracle.history.logs import Log
from tests.unit.history.log_of import CONTRACT, log_of

USER = address_topic(CONTRACT)


def supply(amount: int) -> Log:
    return log_of(SUPPLY, USER, USER, data=(amount,))


def withdraw(amount: int) -> Log:
    return log_of(WITHDRAW, USER, USER, data=(amount,))


def test_base_moves__when_supply_leaves_a_debt__then_all_of_it_repaid() -> None:
    assert base_moves([supply(30)], -70) == BaseMoves(repaid=30)


def test_base_moves__when_supply_exceeds_the_debt__then_the_rest_is_a_deposit() -> None:
    assert base_moves([supply(100)], 60) == BaseMoves(repaid=40, supplied=60)


def test_base_moves__when_withdrawal_exceeds_the_deposit__then_the_rest_is_borrowed() -> None:
    assert base_moves([withdraw(100)], -75) == BaseMoves(withdrawn=25, borrowed=75)


def test_base_moves__when_absorbed__then_the_borrower_repaid_nothing() -> None:
    absorbed = log_of(ABSORB_DEBT, USER, USER, data=(500, 500 * 10**8))
    assert base_moves([withdraw(480), absorbed], 20) == BaseMoves(borrowed=480)


@given(
    start=st.integers(-(10**12), 10**12),
    steps=st.lists(st.tuples(st.booleans(), st.integers(0, 10**12)), max_size=12),
)
def test_base_moves__when_many_in_a_block__then_equal_to_a_running_account(
    start: int, steps: list[tuple[bool, int]]
) -> None:
    balance, expected, logs = start, BaseMoves(), []
    for supplies, amount in steps:
        if supplies:
            repaid = min(amount, max(0, -balance))
            expected += BaseMoves(supplied=amount - repaid, repaid=repaid)
            balance += amount
            logs.append(supply(amount))
        else:
            withdrawn = min(amount, max(0, balance))
            expected += BaseMoves(withdrawn=withdrawn, borrowed=amount - withdrawn)
            balance -= amount
            logs.append(withdraw(amount))
    assert base_moves(logs, balance) == expected
