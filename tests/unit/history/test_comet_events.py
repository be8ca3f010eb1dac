"""What a Comet's logs mean for an account, on ABI-encoded logs: its contracts come in no package to run here."""

from hypothesis import given
from hypothesis import strategies as st

from oracle.history.lending.comet_events import ABSORB_DEBT, SUPPLY, WITHDRAW, BaseMoves, Indices, base_moves
from oracle.history.reading.abi import address_topic
from oracle.history.reading.logs import Log
from tests.unit.history.log_of import CONTRACT, log_of

USER = address_topic(CONTRACT)
SCALE = 10**15
NO_INTEREST = Indices(SCALE, SCALE)


def supply(amount: int) -> Log:
    return log_of(SUPPLY, USER, USER, data=(amount,))


def withdraw(amount: int) -> Log:
    return log_of(WITHDRAW, USER, USER, data=(amount,))


def test_base_moves__when_supply_leaves_a_debt__then_all_of_it_repaid() -> None:
    assert base_moves([supply(30)], -100, NO_INTEREST) == (BaseMoves(repaid=30), -70)


def test_base_moves__when_supply_exceeds_the_debt__then_the_rest_is_a_deposit() -> None:
    assert base_moves([supply(100)], -40, NO_INTEREST) == (BaseMoves(repaid=40, supplied=60), 60)


def test_base_moves__when_withdrawal_exceeds_the_deposit__then_the_rest_is_borrowed() -> None:
    assert base_moves([withdraw(100)], 25, NO_INTEREST) == (BaseMoves(withdrawn=25, borrowed=75), -75)


def test_base_moves__when_absorbed__then_the_borrower_repaid_nothing() -> None:
    absorbed = log_of(ABSORB_DEBT, USER, USER, data=(500, 500 * 10**8))
    assert base_moves([withdraw(480), absorbed], 0, NO_INTEREST) == (BaseMoves(borrowed=480), 20)


def test_base_moves__when_a_debt_bore_interest__then_it_is_repaid_with_it() -> None:
    indices = Indices(SCALE, 2 * SCALE)
    assert base_moves([supply(250)], -100, indices) == (BaseMoves(repaid=200, supplied=50), 50)


def test_base_moves__when_amounts_are_no_whole_principal__then_rounded_in_the_comets_favour() -> None:
    indices = Indices(SCALE * 3 // 2, SCALE * 3 // 2)
    # A deposit of 100 is 66.67 of principal, which is worth 99; a debt of 100 is 66.67 too, and 67 of it are worth 100.
    assert base_moves([supply(100)], 0, indices)[1] == 66
    assert base_moves([withdraw(100)], 0, indices)[1] == -67
    assert (indices.balance(66), indices.balance(-67)) == (99, -100)


STEPS = st.lists(st.tuples(st.booleans(), st.integers(0, 10**12)), max_size=12)
AMOUNTS = st.integers(-(10**12), 10**12)


def as_logs(steps: list[tuple[bool, int]]) -> list[Log]:
    return [supply(amount) if supplies else withdraw(amount) for supplies, amount in steps]


@given(start=AMOUNTS, steps=STEPS)
def test_base_moves__when_many_in_a_block__then_equal_to_a_running_account(
    start: int, steps: list[tuple[bool, int]]
) -> None:
    balance, expected = start, BaseMoves()
    for supplies, amount in steps:
        if supplies:
            repaid = min(amount, max(0, -balance))
            expected += BaseMoves(supplied=amount - repaid, repaid=repaid)
            balance += amount
        else:
            withdrawn = min(amount, max(0, balance))
            expected += BaseMoves(withdrawn=withdrawn, borrowed=amount - withdrawn)
            balance -= amount
    assert base_moves(as_logs(steps), start, NO_INTEREST) == (expected, balance)


@given(start=AMOUNTS, steps=STEPS, grown=st.tuples(st.integers(0, SCALE), st.integers(0, SCALE)))
def test_base_moves__when_there_was_interest__then_every_amount_counts_once_and_rounding_is_the_comets(
    start: int, steps: list[tuple[bool, int]], grown: tuple[int, int]
) -> None:
    indices = Indices(SCALE + grown[0], SCALE + grown[1])
    moves, principal = base_moves(as_logs(steps), start, indices)
    assert moves.supplied + moves.repaid == sum(amount for supplies, amount in steps if supplies)
    assert moves.withdrawn + moves.borrowed == sum(amount for supplies, amount in steps if not supplies)
    moved = moves.supplied + moves.repaid - moves.withdrawn - moves.borrowed
    lost = indices.balance(start) + moved - indices.balance(principal)
    assert 0 <= lost <= 2 * len(steps)
