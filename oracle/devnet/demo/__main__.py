"""`make demo`: the main job from end to end on a local chain, told as it happens."""

import argparse
import asyncio
import shutil
import statistics
import time
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from oracle.assessment.states import STATES, State
from oracle.devnet.demo.door import Door, open_dashboard
from oracle.devnet.demo.ending import run_told
from oracle.devnet.demo.refusal import tell_why
from oracle.devnet.demo.story import STAGES_TOLD, Story, tell, wait_for_answer
from oracle.devnet.demo.tampering import tampered_answer_refused
from oracle.devnet.demo.ways import four_ways, list_a_wallet
from oracle.devnet.machinery.accounts import ETHER, named_account
from oracle.devnet.machinery.memory import peak_memory_mb
from oracle.devnet.machinery.node import REPOSITORY
from oracle.devnet.stack import Stack, local_stack
from oracle.devnet.wallets.borrowing import Decision, LoanState, request_loan, settle
from oracle.devnet.wallets.histories import Wallet
from oracle.devnet.wallets.stage import DAY_SECONDS
from oracle.processes import ProgramError
from oracle.store import database

FOLDER: Final = REPOSITORY / "build" / "demo"


@dataclass(frozen=True)
class Ask:
    """The loan that a wallet asks for: coins, and days."""

    principal: Decimal
    collateral: Decimal
    days: int


# Each asks for what somebody with its history would: the cautious leave room, the others do not.
_ASKS: Final = {
    "careful": Ask(Decimal("2"), Decimal("4"), 30),
    "edge": Ask(Decimal("8"), Decimal("9"), 120),
    "liquidated": Ask(Decimal("1.5"), Decimal("2"), 90),
    "newcomer": Ask(Decimal("1"), Decimal("2.5"), 30),
    "phishing": Ask(Decimal("0.05"), Decimal("0.08"), 60),
    "trader": Ask(Decimal("3"), Decimal("6"), 30),
    "late": Ask(Decimal("4"), Decimal("5.5"), 90),
}


@dataclass(frozen=True)
class Result:
    """What one wallet got."""

    wallet: str
    story: Story
    decision: Decision
    loan_id: int


async def demo(console: Console, folder: Path, *, keep: bool) -> None:
    """Show everything once; with `keep`, stay up for exploring until interrupted."""
    started = time.monotonic()
    shutil.rmtree(folder, ignore_errors=True)

    def say(line: str) -> None:
        console.print(f"[dim]{time.monotonic() - started:6.1f} s[/]  {line}")

    async with local_stack(folder, say=say, durable=False) as stack:
        list_a_wallet(stack)
        door = await open_dashboard(stack) if keep else None
        say("starting the daemon: risk-oracle run")
        daemon = await stack.start_daemon()
        if door is not None:
            say(str(door))
        engine = database.connect(stack.database_url, pool_size=2)
        try:
            sessions = async_sessionmaker(engine)
            results = []
            for name, wallet in stack.wallets.items():
                console.rule(f"[bold]{name}[/]: {wallet.story}", align="left")
                results.append(await _ask(console, stack, sessions, name, wallet))
            console.rule("[bold]a tampered score[/]: the operator signs a better one than was proven", align="left")
            for line in await tampered_answer_refused(stack, sessions, results[0].story.request_id):
                console.print(f"  contract {line}", soft_wrap=True)
            await _try_around(console, stack, results)
            _summary(console, stack, results)
            if door is not None:
                _how_to_look(console, stack, door)
                await _until_interrupted()
        finally:
            await engine.dispose()
        memory = peak_memory_mb(daemon.pid)
        stopping = time.monotonic()
        await asyncio.to_thread(daemon.stop, 12)
        say(f"daemon and prover used {memory:.0f} MB at most; they stopped in {time.monotonic() - stopping:.1f} s")
    say("nothing is left running; `make demo KEEP=1` stays up for exploring")


async def _ask(
    console: Console, stack: Stack, sessions: async_sessionmaker[AsyncSession], name: str, wallet: Wallet
) -> Result:
    ask = _ASKS[name]
    account = wallet.actor.account
    request = await request_loan(
        stack.transactor,
        stack.lender,
        account,
        int(ask.principal * ETHER),
        int(ask.collateral * ETHER),
        ask.days * DAY_SECONDS,
    )
    console.print(
        f"  asked    {ask.principal} coins for {ask.days} days against {ask.collateral}: "
        f"request {request.request_id} in block {request.sent.block}",
        soft_wrap=True,
    )
    story = await wait_for_answer(stack, sessions, request)
    for line in tell(story):
        console.print(f"  {line}", soft_wrap=True)
    decision = await settle(stack.transactor, stack.lender, named_account("owner"), request.loan_id)
    console.print(f"  lender   {_decided(decision)}")
    if decision.state is not LoanState.ACTIVE:
        async with sessions() as session:
            for line in await tell_why(session, stack, request.request_id):
                console.print(f"  {line}", soft_wrap=True)
    return Result(name, story, decision, request.loan_id)


async def _try_around(console: Console, stack: Stack, results: list[Result]) -> None:
    """Let a wallet that was refused try four ways around it."""
    console.rule("[bold]whom a refusal binds[/]: four ways to plain terms, none of which pays", align="left")
    refused = next((result for result in results if result.decision.state is LoanState.REFUSED), None)
    if refused is None:
        raise ProgramError("no wallet of the demo was refused: nobody can try to get around it")
    wallets = stack.wallets
    reviewed = next((result for result in results if result.decision.state is LoanState.REVIEW), None)
    await four_ways(
        stack,
        wallets[refused.wallet].actor.account,
        None if reviewed is None else (wallets[reviewed.wallet].actor.account, reviewed.loan_id),
        lambda line: console.print(f"  {line}", soft_wrap=True),
    )


def _decided(decision: Decision) -> str:
    coins = Decimal(decision.principal_wei) / ETHER
    match decision.state:
        case LoanState.ACTIVE:
            rate = Decimal(decision.interest_rate_bps) / 100
            days = decision.duration_seconds // DAY_SECONDS
            return f"[green]approved[/]: {coins:.3f} coins paid out at {rate} % a year for {days} days"
        case LoanState.REVIEW:
            return "sent to [yellow]review[/]"
        case LoanState.REFUSED:
            return "[red]refused[/]: the collateral is the borrower's to claim"
        case other:
            return other.name.lower()


def _summary(console: Console, stack: Stack, results: list[Result]) -> None:
    title = f"{len(results)} wallets, {len(results)} proven answers (default, fraud, rate, maximum LTV in %)"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in ("wallet", "risk", "score", "default", "fraud", "rate", "LTV", "s", "kgas", "lender"):
        left = column in ("wallet", "risk", "lender")
        table.add_column(column, justify="left" if left else "right", no_wrap=True)
    for result in results:
        story, scores = result.story, result.story.scores
        table.add_row(
            result.wallet,
            scores.category.name.lower(),
            f"{scores.score_bps / 100:.1f}",
            f"{scores.probability_of_default_bps / 100:.1f}",
            f"{scores.fraud_likelihood_bps / 100:.1f}",
            f"{scores.interest_rate_bps / 100:.1f}",
            f"{scores.maximum_ltv_bps / 100:.0f}",
            f"{story.waited_seconds:.2f}",
            f"{story.gas_used / 1000:.0f}",
            _decided(result.decision).split(":")[0].removeprefix("sent to "),
        )
    console.print(table)
    waited = statistics.median(result.story.waited_seconds for result in results)
    stages = ", ".join(
        f"{STATES[source].stage} {statistics.median(result.story.seconds_of(target) for result in results):.2f}"
        for source, target in pairwise((State.REQUESTED, *STAGES_TOLD))
    )
    console.print(f"median from the request's block to the mined answer: {waited:.2f} s ({stages})", soft_wrap=True)


def _how_to_look(console: Console, stack: Stack, door: Door) -> None:
    console.print(
        f"\nchain     {stack.chain.rpc_url} (chain id {stack.chain.chain_id})\n"
        f"oracle    {stack.contracts.oracle.address}, lender {stack.contracts.lending.address}\n"
        f"health    curl http://127.0.0.1:{stack.settings.web.port}/readyz   (metrics: /metrics)\n"
        f"request   .venv/bin/risk-oracle requests show 3 --config {stack.settings_file}\n"
        f"database  {stack.database_url}\n"
        f"Ctrl-C ends it.\n{door}",
        soft_wrap=True,
    )


async def _until_interrupted() -> None:
    await asyncio.Event().wait()


def main() -> None:
    """Run the demo; Ctrl-C and SIGTERM end it and everything it started."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="stay up for exploring until Ctrl-C")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where logs, settings and data go; emptied first")
    arguments = parser.parse_args()
    console = Console(highlight=False)
    run_told(console, demo(console, arguments.folder, keep=arguments.keep))


if __name__ == "__main__":
    main()
