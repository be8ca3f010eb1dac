"""Whom a refusal binds: a refused wallet tries four ways to plain terms, and the lender pays on none of them."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from eth_account.signers.local import LocalAccount

from oracle.chain.contracts import RequestState
from oracle.chain.reverts import explain_revert
from oracle.devnet.machinery.accounts import ETHER, named_account
from oracle.devnet.machinery.anvil import RpcError
from oracle.devnet.stack import Stack
from oracle.devnet.wallets.borrowing import LoanRequest, loan_arguments, request_loan
from oracle.devnet.wallets.stage import DAY_SECONDS
from oracle.processes import ProgramError

LISTED: Final = "listed"
"""The account that stands on the operator's list of sanctioned addresses."""

_UNOPENED: Final = 0xDEAD
_ANSWER_SECONDS: Final = 120.0
_LATER_DAYS: Final = 10

Say = Callable[[str], None]


def list_a_wallet(stack: Stack) -> None:
    """Put one account on the operator's list, before the daemon starts."""
    file = Path(stack.folder) / "sanctioned.csv"
    file.write_text(f"address,label,source\n{named_account(LISTED).address},sanctioned,the demo's list\n")
    with stack.settings_file.open("a") as settings:
        settings.write(f'\n[labels]\ndecline = ["sanctioned"]\n[[labels.lists]]\nfile = "{file}"\ndate = 2026-01-01\n')


async def four_ways(stack: Stack, refused: LocalAccount, reviewed: tuple[LocalAccount, int] | None, say: Say) -> None:
    """Try each way and say how it ends.

    `refused` was answered with a high risk; `reviewed` is a borrower with a loan in review. Raises ProgramError when
    the lender would pay.
    """
    listed = named_account(LISTED)
    await stack.chain.set_balance(listed.address, 10 * ETHER)

    order = (ETHER // 20, ETHER // 10, 60 * DAY_SECONDS, 0, 0, 0)
    arguments = await loan_arguments(stack.transactor, stack.lender, refused, order, _UNOPENED)
    value = hex(order[1] + stack.lender.fee_wei)
    said = await _refusal(stack, refused, "requestLoan", *arguments, value=value)
    say(f"1  asks again with data that nobody can open: {said}")

    asked = await _ask(stack, listed)
    await _until(stack, asked, RequestState.DECLINED)
    say(f"2  is on the operator's list, is declined unassessed: {await _said(stack, listed, asked.loan_id)}")

    asked = await _ask(stack, refused)
    await _until(stack, asked, RequestState.ANSWERED)
    said = await _said(stack, refused, asked.loan_id, days=_LATER_DAYS)
    say(f"3  lets the answer go stale before anybody settles it, {_LATER_DAYS} days: {said}")

    if reviewed is None:
        raise ProgramError("no wallet of the demo is in review: the fourth way cannot be shown")
    said = await _said(stack, *reviewed, days=_LATER_DAYS)
    say(f"4  lets its review outlive the answer, {_LATER_DAYS} days: {said}")


async def _ask(stack: Stack, account: LocalAccount) -> LoanRequest:
    return await request_loan(stack.transactor, stack.lender, account, ETHER // 20, ETHER // 10, 60 * DAY_SECONDS)


async def _until(stack: Stack, asked: LoanRequest, state: RequestState) -> None:
    deadline = time.monotonic() + _ANSWER_SECONDS
    while RequestState(await stack.transactor.read(stack.lender.oracle, "stateOf", asked.request_id)) is not state:
        if time.monotonic() > deadline:
            raise ProgramError(
                f"request {asked.request_id} is not {state.name.lower()} yet:\n{stack.daemons[-1].tail(40)}"
            )
        await asyncio.sleep(0.05)


async def _said(stack: Stack, borrower: LocalAccount, loan_id: int, days: int = 0) -> str:
    """Return what the lender says to the borrower who wants plain terms, after so many days."""
    at = await stack.chain.timestamp() + days * DAY_SECONDS
    return await _refusal(stack, borrower, "takePlainTerms", loan_id, at=at)


async def _refusal(
    stack: Stack, borrower: LocalAccount, function: str, *arguments: Any, value: str = "0x0", at: int | None = None
) -> str:
    lending = stack.lender.lending
    call = {"from": borrower.address, "to": lending.address, "data": lending.encode(function, *arguments)}
    then = () if at is None else ({}, {"time": hex(at)})
    try:
        await stack.chain.rpc("eth_call", call | {"value": value}, "latest", *then)
    except RpcError as error:
        data = error.payload.get("data", "0x")
        return str(explain_revert(bytes.fromhex(data[2:]) if isinstance(data, str) else b""))
    raise ProgramError(f"the lender takes {function} of {borrower.address}, which it must refuse")
