"""What private data cost, and whether they are left anywhere: one JSON object at the end.

On a local chain with a daemon as its own process. `borrower_proof_seconds` runs from the features being told to the
proof being made by `risk-oracle passport prove`, keys cached, the median of its runs; `borrower_memory_mb` is the most
that this command's process took; `key_download_mb` is what its first run fetched. `opening_extra_seconds` is the median
time from features to proof of requests whose opening was there, less that of requests without private data.
`plaintext_hits` counts the values of random passports, in every form in which they may lie, in the database's files
and WAL, the logs and the daemon's memory, after all of them were handed in and their requests were over. A number as
argument is how many passports (10,000).
"""

import asyncio
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import aiohttp
from sqlalchemy import insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from oracle.assessment.states import State
from oracle.devnet.machinery.accounts import ETHER
from oracle.devnet.machinery.anvil import Anvil
from oracle.devnet.machinery.artifacts import project
from oracle.devnet.stack import Stack, local_stack
from oracle.passports.opening import Opening, commit, new_salt
from oracle.passports.passport import Passport
from oracle.passports.private_files import OpeningFile, write_private
from oracle.store import database, requests
from oracle.store.tables import OpeningRow, RequestRow
from tests.benchmarks import commitments
from tests.benchmarks.gas import Bench
from tests.benchmarks.gas_loans import attestation_checks
from tests.daemon.watching import transitions, until, until_state
from tests.support.plaintext import Needles
from tests.support.private_data import Doors, ask_with, drawn

PASSPORTS: Final = 10_000
RUNS: Final = 5
_AT_ONCE: Final = 8
_FIRST_ID: Final = 1_000_000
_RANDOM: Final = random.Random(15)  # noqa: S311 - the same passports at each run


async def measure(passports: int) -> dict[str, Any]:
    """Return all figures."""
    with tempfile.TemporaryDirectory(prefix="risk-oracle-bench-") as folder:
        async with local_stack(Path(folder), histories=False, durable=False, privacy=True) as stack:
            _lift_limits(stack)
            await stack.start_daemon()
            async with aiohttp.ClientSession() as client:
                doors = Doors(stack, client)
                _say("a borrower proves")
                figures = await borrower_proves(stack)
                _say("openings against none")
                figures |= await openings_cost(stack, doors)
                _say(f"{passports} passports handed in")
                figures |= await left_behind(stack, doors, passports)
    figures |= await attestation_gas()
    return figures | {"commitments_equal_in_javascript": commitments.measure()["commitments_equal"]}


async def attestation_gas() -> dict[str, int]:
    """Return the gas of an attestation's check, by kind of key, on a chain of its own."""
    async with Anvil() as chain:
        bench = Bench(chain)
        await chain.set_balance(bench.owner.address, 100 * ETHER)
        manager, _ = await bench.deploy(project("AccessManager"), bench.owner.address)
        _, found = await attestation_checks(bench, manager)
    return {name.replace("check_", "attestation_gas_"): gas for name, gas in found.items()}


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended: what it printed as JSON, and the most memory that its process took."""

    told: dict[str, Any]
    memory_mb: float


async def borrower_proves(stack: Stack) -> dict[str, Any]:
    """Let the command prove for fresh requests, the first time without keys."""
    runs = []
    for number in range(RUNS):
        # A passport of one group, stated by its owner: what the file holds is what was committed.
        passport = Passport(None, {name: Decimal(1) for name in _card_fields()})
        opening = commit(passport, new_salt())
        file = stack.folder / f"opening-{number}.json"
        write_private(file, OpeningFile(passport, opening).as_json())
        request = await ask_with(stack, f"proves-{number}", opening.commitment)
        await until_state(stack, request, State.AWAITING_PROOF)
        runs.append(await _passport_prove(stack, file, request))
        await until_state(stack, request, State.FINAL)
        file.unlink()
    cached = runs[1:]
    return {
        "borrower_proof_seconds": round(statistics.median(run.told["seconds"] for run in cached), 2),
        "borrower_memory_mb": round(max(run.memory_mb for run in runs)),
        "key_download_mb": round(runs[0].told["downloaded_bytes"] / 1e6, 1),
        "key_download_mb_cached": round(max(run.told["downloaded_bytes"] for run in cached) / 1e6, 1),
    }


def _card_fields() -> Sequence[str]:
    from oracle.passports.schema import GROUPS

    return [field.name for field in GROUPS["card"].fields]


async def _passport_prove(stack: Stack, file: Path, request: int) -> Ran:
    words = [str(Path(sys.executable).with_name("risk-oracle")), "passport", "prove", str(file), str(request)]
    words += ["--url", f"http://127.0.0.1:{stack.settings.web.port}", "--cache", str(stack.folder / "keys"), "--json"]
    # What is noted of an opening's use belongs to this run.
    environment = os.environ | {"XDG_DATA_HOME": str(stack.folder), "XDG_STATE_HOME": str(stack.folder)}

    def run() -> Ran:
        output = stack.folder / "prove.out"
        with output.open("wb") as out:
            # Not `subprocess`: it would take the exit status, and with it how much memory there was.
            pid = os.posix_spawn(words[0], words, environment, file_actions=[(os.POSIX_SPAWN_DUP2, out.fileno(), 1)])
            _, status, used = os.wait4(pid, 0)
        if os.waitstatus_to_exitcode(status) != 0:
            raise RuntimeError(f"`passport prove` failed: {output.read_text()}")
        return Ran(json.loads(output.read_text()), used.ru_maxrss / 1_024)

    return await asyncio.to_thread(run)


async def openings_cost(stack: Stack, doors: Doors) -> dict[str, Any]:
    """Compare requests whose opening is there with such that need none, by turns."""
    without, with_opening = [], []
    for number in range(RUNS):
        plain = await ask_with(stack, f"plain-{number}", stack.model.neutral_commitment)
        without.append(await _from_features_to_proof(stack, plain, State.COLLECTED))
        opening = drawn(_RANDOM)
        request = await ask_with(stack, f"opens-{number}", opening.commitment)
        sealed = await doors.sealed(opening, request)
        await until(stack, lambda found, request=request: request in found)
        await doors.open(request, sealed)
        with_opening.append(await _from_features_to_proof(stack, request, State.AWAITING_PROOF))
    return {
        "answer_seconds_without_private_data": round(statistics.median(without), 2),
        "answer_seconds_with_opening": round(statistics.median(with_opening), 2),
        "opening_extra_seconds": round(statistics.median(with_opening) - statistics.median(without), 2),
    }


async def _from_features_to_proof(stack: Stack, request: int, features: State) -> float:
    """Return the seconds from a request's features, or from its opening where that came later, to its proof."""
    row = await until_state(stack, request, State.FINAL)
    steps = {step.target: step.at for step in await transitions(stack) if step.request == row.id}
    return (steps[State.PROVEN] - steps[features]).total_seconds()


async def left_behind(stack: Stack, doors: Doors, passports: int) -> dict[str, Any]:
    """Hand in many passports, end their requests, and look for them everywhere."""
    openings = [drawn(_RANDOM) for _ in range(passports)]
    engine = database.connect(stack.database_url, pool_size=2)
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    async with sessions.begin() as session:
        await _insert_requests(session, openings)
    milliseconds = await _hand_in_all(doors, openings)
    async with sessions.begin() as session:
        kept = len((await session.scalars(select(OpeningRow.request))).all())
        rows = select(RequestRow).where(RequestRow.request_id >= _FIRST_ID).with_for_update()
        for row in await session.scalars(rows):
            await requests.move(session, row, State.CLOSED, "benchmark")
    async with sessions() as session:
        left = len((await session.scalars(select(OpeningRow.request))).all())
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.exec_driver_sql("checkpoint")
    await engine.dispose()
    needles = Needles(openings)
    in_memory, memory_bytes = await asyncio.to_thread(needles.in_process, stack.daemons[-1].pid)
    in_files, file_bytes = await asyncio.to_thread(needles.in_files, [stack.folder])
    return {
        "passports_handed_in": kept,
        "openings_left": left,
        "opening_post_ms_p95": round(milliseconds[int(len(milliseconds) * 0.95)], 1),
        "plaintext_forms_searched": needles.count,
        "plaintext_mb_searched": round((memory_bytes + file_bytes) / 1e6),
        "plaintext_hits": len(in_memory) + len(in_files),
        "plaintext_found_at": (in_memory + in_files)[:5],
    }


async def _insert_requests(session: AsyncSession, openings: Sequence[Opening]) -> None:
    """Make a request for each opening, which no stage takes up."""
    [like] = (await session.scalars(select(RequestRow).order_by(RequestRow.id).limit(1))).all()
    copied = (
        "chain_id", "oracle", "user", "requester", "terms", "fee_wei", "requested_at", "deadline",
        "block_number", "block_hash", "block_timestamp", "transaction_hash",
    )  # fmt: skip
    values = {name: getattr(like, name) for name in copied}
    later = {"state": State.REQUESTED.value, "run_after": text("now() + interval '1 day'")}
    for number, opening in enumerate(openings):
        one = {"request_id": Decimal(_FIRST_ID + number), "data_commitment": Decimal(opening.commitment)}
        await session.execute(insert(RequestRow).values(**values, **one, **later))


async def _hand_in_all(doors: Doors, openings: Sequence[Opening]) -> list[float]:
    """Hand all in, several at once; return the milliseconds of each, the shortest first."""
    key, taken = await doors.key(), []
    waiting = iter(enumerate(openings, start=_FIRST_ID))

    async def hand_in() -> None:
        for number, opening in waiting:
            sealed = await doors.sealed(opening, number, key)
            began = time.perf_counter()
            status, told = await doors.open(number, sealed)
            taken.append((time.perf_counter() - began) * 1_000)
            if status != 202:
                raise RuntimeError(f"an opening was refused: {told}")

    await asyncio.gather(*(hand_in() for _ in range(_AT_ONCE)))
    return sorted(taken)


def _lift_limits(stack: Stack) -> None:
    text = stack.settings_file.read_text()
    limits = "public_per_minute = 1000000\npublic_burst = 100000"
    stack.settings_file.write_text(text.replace("[api]\nenabled = true", f"[api]\nenabled = true\n{limits}"))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else PASSPORTS))))
