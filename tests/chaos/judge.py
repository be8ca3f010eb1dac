"""The judge: what the chain, the ledger and the audit log say of a campaign, without the daemon."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import async_sessionmaker

from oracle.assessment.request import LoanTerms, to_address
from oracle.assessment.states import STATES, State
from oracle.chain.contracts import RequestState
from oracle.commands.audit import audit
from oracle.devnet.machinery.accounts import named_account
from oracle.devnet.stack import Stack
from oracle.store import database
from oracle.store.tables import BroadcastRow, RequestRow, TransactionRow, TransitionRow

_SETTLED: Final = {
    RequestState.ANSWERED: {State.FINAL, State.CLOSED},
    RequestState.DECLINED: {State.DECLINED, State.CLOSED},
    RequestState.CANCELLED: {State.CLOSED},
}


@dataclass(frozen=True)
class Ledger:
    """The database at one moment: requests by id, nonces, signed forms, the times of changes of state in order."""

    requests: dict[int, RequestRow]
    nonces: list[TransactionRow]
    forms: list[BroadcastRow]
    log: list[TransitionRow]

    @property
    def transitions(self) -> list[float]:
        """When a request changed its state, Unix seconds."""
        return [step.at.timestamp() for step in self.log if step.source != step.target]

    def work_was_open(self, at: float) -> bool:
        """Say whether a stage had something to do at a time, other than to wait for blocks."""
        states: dict[int, str] = {}
        for step in self.log:
            if step.at.timestamp() < at:
                states[step.request] = step.target
        waits = (State.CONFIRMED, State.SETTLING, State.SUBMITTED)
        return any(STATES[State(state)].stage and state not in waits for state in states.values())

    async def is_quiet(self, stack: Stack) -> bool:
        """Say whether the chain has nothing pending, and no stage anything to do."""
        open_here = [row for row in self.requests.values() if STATES[State(row.state)].stage]
        states = await request_states(stack)
        known = {number for number, row in self.requests.items() if row.state != State.VANISHED}
        return not open_here and RequestState.PENDING not in states.values() and known >= set(states)


@dataclass(frozen=True)
class Verdict:
    """What was found; the lists name requests by their id, reverted transactions by kind and hash."""

    requests: int
    ends: Counter[str]
    lost: list[int]
    stuck: list[int]
    answered_twice: list[int]
    differing: list[int]
    misnamed: list[int]
    mined: int
    reverted: list[str]


async def read_ledger(stack: Stack) -> Ledger:
    """Return the whole database."""
    engine = database.connect(stack.database_url, pool_size=1)
    try:
        async with async_sessionmaker(engine)() as session:
            rows = (await session.scalars(select(RequestRow))).all()
            return Ledger(
                {int(row.request_id): row for row in rows},
                list((await session.scalars(select(TransactionRow).order_by(TransactionRow.nonce))).all()),
                list((await session.scalars(select(BroadcastRow))).all()),
                list((await session.scalars(select(TransitionRow).order_by(TransitionRow.id))).all()),
            )
    finally:
        await engine.dispose()


async def request_states(stack: Stack) -> dict[int, RequestState]:
    """Return what the contract says about every request that it knows."""
    oracle = stack.contracts.oracle
    count = int(await stack.transactor.read(oracle, "requestCount"))
    return {
        number: RequestState(int(await stack.transactor.read(oracle, "stateOf", number)))
        for number in range(1, count + 1)
    }


async def judge(stack: Stack, ledger: Ledger) -> Verdict:
    """Compare chain, ledger and a fresh reading of every wallet."""
    states = await request_states(stack)
    pending = [number for number, state in states.items() if state is RequestState.PENDING]
    rows = ledger.requests
    worked_on = {number for number, row in rows.items() if STATES[State(row.state)].stage}
    sent = await _transactions_of_the_key(stack)
    successes = _successes(ledger, sent)
    ours = [form for form in ledger.forms if form.hash in sent]
    return Verdict(
        requests=len(states),
        ends=Counter(state.name.lower() for state in states.values()),
        lost=[number for number in pending if number not in worked_on],
        stuck=sorted({number for number in pending if number in worked_on} | (worked_on - set(pending))),
        answered_twice=sorted({number for number, count in successes.items() if count > 1} | await _twice(stack)),
        differing=[number for number, row in rows.items() if row.state == State.FINAL and await _differs(stack, row)],
        misnamed=[
            number
            for number, state in states.items()
            if state is not RequestState.PENDING and (number not in rows or rows[number].state not in _SETTLED[state])
        ],
        mined=len(ours),
        reverted=[f"{form.kind} {form.hash}" for form in ours if not sent[form.hash]],
    )


async def _transactions_of_the_key(stack: Stack) -> dict[str, bool]:
    """Return the hashes of the key's transactions on the final chain, and whether they succeeded."""
    signer, found = to_address(named_account("operator").address), {}
    for number in range(stack.contracts.start_block, await stack.chain.block_number() + 1):
        block = await stack.chain.rpc("eth_getBlockByNumber", hex(number), True)
        for one in block["transactions"]:
            if one["from"] == signer:
                receipt = await stack.chain.rpc("eth_getTransactionReceipt", one["hash"])
                found[one["hash"]] = receipt["status"] == "0x1"
    return found


def _successes(ledger: Ledger, sent: dict[str, bool]) -> Counter[int]:
    request_of = {row.id: row.request for row in ledger.nonces}
    number_of = {row.id: number for number, row in ledger.requests.items()}
    counted: Counter[int] = Counter()
    for form in ledger.forms:
        request = request_of[form.transaction]
        if form.kind != "empty" and request is not None and sent.get(form.hash):
            counted[number_of[request]] += 1
    return counted


async def _twice(stack: Stack) -> set[int]:
    """Return the requests that the contract logged more than one ending of."""
    counted: defaultdict[int, int] = defaultdict(int)
    for name in ("AssessmentProvided", "AssessmentDeclined"):
        event: Any = stack.contracts.oracle.codec.events[name]()
        query = {"address": stack.contracts.oracle.address, "fromBlock": "0x0", "topics": [event.topic]}
        for log in await stack.chain.rpc("eth_getLogs", query):
            counted[int(log["topics"][1], 16)] += 1
    return {number for number, count in counted.items() if count > 1}


async def _differs(stack: Stack, row: RequestRow) -> bool:
    """Say whether a fresh reading of the wallet gives another history, other features or another commitment."""
    found = await audit(stack.settings, to_address(row.user), row.block_number, LoanTerms(**row.terms))
    encoded = [feature["encoded"] for feature in found["features"].values()]
    return (
        found["history_hash"] != row.history_hash
        or found["history"]["block"]["hash"] != row.block_hash
        or row.features is None
        or encoded != row.features["encoded"]
        or found["feature_commitment"] != str(row.feature_commitment)
    )
