"""A term lender read from a script: loans that are open, with what backs them, in coins or in a token."""

import pytest

from oracle.assessment.errors import HistoryIncomplete
from oracle.assessment.history import WAD, TermLoan
from oracle.assessment.request import NATIVE_COIN, Address, BlockRef
from oracle.history.configuration import TermLender
from oracle.history.lending import term_loans
from oracle.history.lending.term_loans import (
    LOAN_APPROVED,
    LOAN_DEFAULTED,
    LOAN_REPAID,
    LOAN_REQUESTED,
    TermLoanSource,
)
from oracle.history.reading.abi import Event, address_topic
from oracle.history.reading.logs import Log
from tests.unit.history.log_of import CONTRACT, log_of
from tests.unit.history.scripted_node import ScriptedNode

WALLET, TOKEN = Address("0x" + "11" * 20), Address("0x" + "22" * 20)
AT = BlockRef(30, f"0x{30:064x}", 30_000)
LENDER = TermLender("desk", CONTRACT, 1)


def log(event: Event, loan: int, *data: object, block: int) -> Log:
    return log_of(event, f"0x{loan:064x}", address_topic(WALLET), data=data, block=block, index=loan)


def requested(loan: int, collateral: int, block: int = 2) -> Log:
    return log(LOAN_REQUESTED, loan, 7, WAD, collateral, 9_000, block=block)


def approved(loan: int, principal: int, due_at: int, block: int = 5) -> Log:
    return log(LOAN_APPROVED, loan, principal, 900, due_at, block=block)


def node(*logs: Log) -> ScriptedNode:
    script = ScriptedNode(logs=list(logs))
    script.reverts(CONTRACT, term_loans._ASSET, ())
    return script


async def test_term_loans__when_open_late_and_defaulted__then_each_with_its_times_and_collateral() -> None:
    script = node(
        requested(1, 2 * WAD),
        requested(2, 3 * WAD),
        requested(4, 9 * WAD),  # refused, withdrawn or still waiting: no loan
        approved(1, WAD, 9_000),
        approved(2, WAD, 9_000, block=6),
        approved(3, WAD, 40_000, block=7),
        log(LOAN_REPAID, 1, WAD, True, block=20),
        log(LOAN_DEFAULTED, 2, WAD, 0, block=21),
    )
    found = await TermLoanSource(script.reader, LENDER, span_blocks=100).read(WALLET, AT)
    assert (found.taken, found.repaid_on_time, found.repaid_late, found.defaulted) == (3, 0, 1, 1)
    assert found.first_taken_at == 5_000
    assert found.loans == (
        TermLoan("desk", NATIVE_COIN, WAD, NATIVE_COIN, 2 * WAD, 5_000, 9_000, 20_000, True),
        TermLoan("desk", NATIVE_COIN, WAD, NATIVE_COIN, 3 * WAD, 6_000, 9_000, 21_000, True),
        TermLoan("desk", NATIVE_COIN, WAD, NATIVE_COIN, 0, 7_000, 40_000),
    )


async def test_term_loans__when_the_lender_is_a_vault_of_a_token__then_the_principal_is_in_that() -> None:
    script = node(requested(1, 2 * WAD), approved(1, 500, 40_000))
    script.answers(CONTRACT, term_loans._ASSET, (), (TOKEN,))
    found = await TermLoanSource(script.reader, LENDER, span_blocks=100).read(WALLET, AT)
    assert [(loan.principal_token, loan.collateral_token) for loan in found.loans] == [(TOKEN, NATIVE_COIN)]


async def test_term_loans__when_one_ended_that_was_never_paid_out__then_a_gap() -> None:
    script = node(requested(1, WAD), log(LOAN_REPAID, 1, WAD, False, block=20))
    with pytest.raises(HistoryIncomplete, match="loan 1 of desk ended in block 20"):
        await TermLoanSource(script.reader, LENDER, span_blocks=100).read(WALLET, AT)


async def test_term_loans__when_only_asked_for__then_there_is_none() -> None:
    found = await TermLoanSource(node(requested(1, WAD)).reader, LENDER, span_blocks=100).read(WALLET, AT)
    assert (found.taken, found.loans, found.lenders) == (0, (), frozenset())
