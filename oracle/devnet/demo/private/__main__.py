"""`make demo-private`: loans on private data from end to end on a local chain, told as it happens."""

import argparse
import asyncio
import shutil
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import Final

from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from oracle.assessment.request import to_address
from oracle.devnet.demo.ending import run_told
from oracle.devnet.demo.private.bank import Bank, open_bank, run_json
from oracle.devnet.demo.private.customers import CUSTOMERS, IMPOSTOR, INVENTED, OF_THE_IMPOSTOR, OPENING, Customer
from oracle.devnet.demo.private.desk import USDC, Desk, open_desk
from oracle.devnet.demo.private.impostor import Impostor, features_of
from oracle.devnet.demo.reference_path import reference_path
from oracle.devnet.demo.story import tell, wait_for_answer
from oracle.devnet.machinery.accounts import named_account
from oracle.devnet.machinery.node import REPOSITORY
from oracle.devnet.stack import Stack, local_stack
from oracle.devnet.wallets.borrowing import Decision, LoanRequest, LoanState, settle
from oracle.issuers.obtaining import Obtained
from oracle.issuers.signing import KeyType
from oracle.passports.private_files import OpeningFile, write_private
from oracle.store import database

FOLDER: Final = REPOSITORY / "build" / "demo-private"


async def demo(console: Console, folder: Path) -> None:
    """Show everything once."""
    started = time.monotonic()
    shutil.rmtree(folder, ignore_errors=True)

    def say(line: str) -> None:
        console.print(f"[dim]{time.monotonic() - started:6.1f} s[/]  {line}", soft_wrap=True)

    async with local_stack(folder, say=say, durable=False, privacy=True) as stack:
        wallets = stack.wallets
        records = {to_address(wallets[one.wallet].actor.account.address): one.passport for one in CUSTOMERS.values()}
        records[to_address(wallets[IMPOSTOR].actor.account.address)] = OF_THE_IMPOSTOR
        say("opening a bank: its records, its service, and its P-256 key in the registry of issuers")
        bank = await open_bank(stack, records, KeyType.P256)
        try:
            say("opening a desk that lends dollars, and takes private data only under the bank's word")
            desk = await open_desk(stack)
            say("starting the daemon: risk-oracle run")
            await stack.start_daemon()
            await _tell_all(console, stack, bank, desk)
        finally:
            await asyncio.to_thread(bank.service.stop, 12)
    console.rule("[bold]the reference lender's way[/]: one server that sees everything, in order", align="left")
    with tempfile.TemporaryDirectory() as scratch:
        reference_path(Path(scratch), lambda line: console.print(f"  {line}", soft_wrap=True))
    say("nothing is left running")


async def _tell_all(console: Console, stack: Stack, bank: Bank, desk: Desk) -> None:
    engine = database.connect(stack.database_url, pool_size=2)
    try:
        sessions = async_sessionmaker(engine)
        papers, requests = {}, {}
        for name, customer in CUSTOMERS.items():
            console.rule(f"[bold]{name}[/]: {customer.story}", align="left")
            papers[name], requests[name] = await _lend(console, stack, sessions, bank, desk, customer)
        console.rule("[bold]an impostor[/]: would rather be the first of them", align="left")
        await _impostor(console, stack, sessions, bank, desk, papers["low"], requests["low"])
    finally:
        await engine.dispose()


async def _lend(
    console: Console,
    stack: Stack,
    sessions: async_sessionmaker[AsyncSession],
    bank: Bank,
    desk: Desk,
    customer: Customer,
) -> tuple[Obtained, LoanRequest]:
    account, ask = stack.wallets[customer.wallet].actor.account, customer.ask
    papers = await bank.issue(account)
    opening = stack.folder / f"{customer.wallet}.opening.json"
    write_private(opening, OpeningFile(papers.passport, papers.opening).as_json())
    console.print(
        f"  bank     a credential, and an attestation of commitment 0x{papers.opening.commitment:064x}", soft_wrap=True
    )
    before = await desk.balance(account)
    request = await desk.request(account, ask, papers.opening.commitment, papers.attestation)
    receipt = await stack.chain.rpc("eth_getTransactionReceipt", request.sent.transaction_hash)
    console.print(
        f"  asked    {ask.dollars:,} dollars for {ask.days} days against {ask.coins} coins: request "
        f"{request.request_id}, {int(receipt['gasUsed'], 16):,} gas, the attestation's check included",
        soft_wrap=True,
    )
    console.print(f"  {customer.way:9}{await _hand_over(stack, customer, opening, request)}", soft_wrap=True)
    story = await wait_for_answer(stack, sessions, request)
    for line in tell(story):
        console.print(f"  {line}", soft_wrap=True)
    decision = await settle(stack.transactor, desk.lender, named_account("owner"), request.loan_id)
    paid = Decimal(await desk.balance(account) - before) / USDC
    console.print(f"  lender   {_decided(decision, paid)}")
    return papers, request


async def _hand_over(stack: Stack, customer: Customer, opening: Path, request: LoanRequest) -> str:
    url = f"http://127.0.0.1:{stack.settings.web.port}"
    if customer.way == OPENING:
        oracle = ("--oracle", stack.oracle_address, "--chain-id", str(stack.chain.chain_id))
        await run_json("passport", "open", str(opening), str(request.request_id), "--url", url, *oracle)
        return "sealed to the prover's key, taken; erased with the answer"
    cache = ("--cache", str(stack.folder / "borrowers-keys"))
    began = time.perf_counter()
    await run_json("passport", "prove", str(opening), str(request.request_id), "--url", url, *cache)
    return f"made and handed in within {time.perf_counter() - began:.1f} s, download of the keys and start included"


async def _impostor(
    console: Console,
    stack: Stack,
    sessions: async_sessionmaker[AsyncSession],
    bank: Bank,
    desk: Desk,
    victim: Obtained,
    victims_request: LoanRequest,
) -> None:
    somebody = Impostor(stack.wallets[IMPOSTOR].actor.account, victim, INVENTED)
    number = 0
    async for tried, refusal in somebody.at_the_desk(desk, bank):
        number += 1
        console.print(f"  {number}  {tried}: {refusal}", soft_wrap=True)
    features = await features_of(f"http://127.0.0.1:{stack.settings.web.port}/v1", victims_request.request_id)
    async for tried, refusal in somebody.with_another_history(stack, sessions, features):
        number += 1
        console.print(f"  {number}  {tried}: {refusal}", soft_wrap=True)


def _decided(decision: Decision, paid: Decimal) -> str:
    match decision.state:
        case LoanState.ACTIVE:
            rate = Decimal(decision.interest_rate_bps) / 100
            return f"[green]approved[/]: {paid:,.2f} dollars paid to the borrower at {rate} % a year"
        case LoanState.REVIEW:
            return "sent to [yellow]review[/]: nothing is paid yet"
        case LoanState.REFUSED:
            return "[red]refused[/]: the collateral is the borrower's to claim"
        case other:
            return other.name.lower()


def main() -> None:
    """Run the demo; Ctrl-C and SIGTERM end it and everything it started."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where logs, settings and data go; emptied first")
    arguments = parser.parse_args()
    console = Console(highlight=False)
    run_told(console, demo(console, arguments.folder))


if __name__ == "__main__":
    main()
