"""What the daemon's tests ask of it, and how they watch it."""

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

from eth_account.signers.local import LocalAccount
from sqlalchemy import select
from sqlalchemy.ext.asyncio import async_sessionmaker

from oracle.assessment.request import to_address
from oracle.assessment.states import State
from oracle.devnet.machinery.accounts import ETHER, named_account
from oracle.devnet.stack import Stack
from oracle.devnet.wallets.borrowing import LoanRequest, request_loan
from oracle.store import database
from oracle.store.tables import RequestRow, TransactionRow, TransitionRow


async def borrower(stack: Stack, name: str) -> LocalAccount:
    """Return a funded account of a name."""
    account = named_account(name)
    await stack.chain.set_balance(to_address(account.address), 100 * ETHER)
    return account


async def ask(stack: Stack, name: str, principal_wei: int = ETHER) -> LoanRequest:
    """Let a fresh borrower ask for a loan of 30 days against twice its principal."""
    account = await borrower(stack, name)
    return await request_loan(stack.transactor, stack.lender, account, principal_wei, 2 * principal_wei, 30 * 86_400)


async def rows(stack: Stack, table: type[Any]) -> Sequence[Any]:
    """Return all rows of a table, by id."""
    engine = database.connect(stack.database_url, pool_size=1)
    try:
        async with async_sessionmaker(engine)() as session:
            return (await session.scalars(select(table).order_by(table.id))).all()
    finally:
        await engine.dispose()


async def requests(stack: Stack) -> dict[int, RequestRow]:
    """Return all requests by their id on the chain."""
    return {int(row.request_id): row for row in await rows(stack, RequestRow)}


async def transactions(stack: Stack) -> Sequence[TransactionRow]:
    """Return the whole ledger."""
    return await rows(stack, TransactionRow)


async def transitions(stack: Stack) -> Sequence[TransitionRow]:
    """Return the whole audit log."""
    return await rows(stack, TransitionRow)


async def until(stack: Stack, condition: Callable[[dict[int, RequestRow]], bool], seconds: float = 120.0) -> None:
    """Wait for a condition on the requests; fails with what the daemon said last."""
    deadline = time.monotonic() + seconds
    while not condition(found := await requests(stack)):
        if time.monotonic() > deadline:
            states = {number: (row.state, row.fault) for number, row in found.items()}
            said = stack.daemons[-1].tail(30) if stack.daemons else "no daemon runs"
            raise AssertionError(f"still {states} after {seconds:g} s; the daemon said:\n{said}")
        await asyncio.sleep(0.05)


async def until_state(stack: Stack, request_id: int, *states: State, seconds: float = 120.0) -> RequestRow:
    """Wait until a request is in one of the states, and return its row."""
    await until(stack, lambda found: request_id in found and found[request_id].state in states, seconds)
    return (await requests(stack))[request_id]


async def until_reached(stack: Stack, state: State, request_ids: Collection[int], seconds: float = 120.0) -> None:
    """Wait until one of the requests is, or was, in a state: also one that lasts shorter than a look takes."""
    deadline = time.monotonic() + seconds
    while True:
        found = await requests(stack)
        wanted = {row.id for number, row in found.items() if number in request_ids}
        if any(step.target == state for step in await transitions(stack) if step.request in wanted):
            return
        if time.monotonic() > deadline:
            states = {number: (row.state, row.fault) for number, row in found.items()}
            raise AssertionError(f"none of {request_ids} got to {state} in {seconds:g} s: {states}")
        await asyncio.sleep(0.02)


async def until_said(stack: Stack, words: str, seconds: float = 120.0) -> None:
    """Wait until the newest daemon has logged some words."""
    deadline = time.monotonic() + seconds
    while words not in stack.daemons[-1].log.read_text(errors="replace"):
        assert time.monotonic() < deadline, f"no {words} in {stack.daemons[-1].tail(30)}"
        await asyncio.sleep(0.1)


async def events(stack: Stack, name: str) -> list[dict[str, Any]]:
    """Return the oracle contract's logs of an event."""
    event = stack.contracts.oracle.codec.events[name]()
    logs = await stack.chain.rpc(
        "eth_getLogs", {"address": stack.contracts.oracle.address, "fromBlock": "0x0", "topics": [event.topic]}
    )
    return [dict(log) for log in logs]
