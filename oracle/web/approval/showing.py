"""The lane as the page drives it: joint keys, then one application at a time, a step at each press of a button."""

import asyncio
import contextlib
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import aiohttp

from oracle.approval.errors import ApprovalError
from oracle.approval.examples import Forms
from oracle.approval.fields import APPLICANT, PARTIES, Answer
from oracle.approval.layout import Layout
from oracle.approval.local_lane import LocalLane, local_lane
from oracle.approval.messages import Head, Kind, compose
from oracle.approval.model import DEFAULT, CardModel, load_model
from oracle.approval.party import Outcome
from oracle.approval.transcript import DENIED, SERVER
from oracle.assessment.errors import OracleError
from oracle.web.approval.gates import SHARES, RestingEngine, Withdrawn, Word
from oracle.web.approval.record import Changes, Record

# A person reads the page at their own speed; the parties wait for them, and not for one another.
_PATIENCE_SECONDS: Final = 7 * 86_400.0
_NO_TIMEOUT: Final = aiohttp.ClientTimeout(total=None)
FAULTS: Final = (OracleError, aiohttp.ClientError, OSError)


class OutOfOrder(ApprovalError):
    """A step came before one that it needs, or a second time; nothing was done."""


@dataclass
class Application:
    """The application that is shown: what each party was asked to do, when, and what came of it."""

    number: int
    tasks: dict[str, "asyncio.Task[None]"] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    pressed: dict[tuple[Kind, str], float] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        """Whether every party that took part is done."""
        return bool(self.tasks) and all(task.done() for task in self.tasks.values())


class Show:
    """One session after another; use it as an async context manager. `lane` is None until its engines run.

    What cannot be done now raises OutOfOrder, which says what comes first, and leaves everything as it is.
    """

    def __init__(self, program: Path, folder: Path) -> None:
        self.changes = Changes()
        self._program = program
        self._folder = folder
        self._session: asyncio.Task[None] | None = None
        self._reset(load_model(DEFAULT))

    def _reset(self, model: CardModel) -> None:
        self.model = model
        self.lane: LocalLane | None = None
        self.record = Record(self.changes)
        self.words = {party: Word() for party in PARTIES}
        self.application: Application | None = None
        self.begun_at: float | None = None
        self.fault = ""
        self._joined = asyncio.Event()
        self._https: dict[str, aiohttp.ClientSession] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.end_session()

    @property
    def ready(self) -> bool:
        """Whether the joint keys are there."""
        return self._joined.is_set()

    @property
    def begun(self) -> bool:
        """Whether a session was begun, whatever became of it."""
        return self._session is not None

    def choose(self, model: str) -> None:
        """Take a shipped model for the next session; raises ModelFault, and OutOfOrder during a session."""
        chosen = load_model(model)
        if self.begun and chosen.digest != self.model.digest:
            raise OutOfOrder(f"this session is about model {self.model.name}: end it to begin one about {chosen.name}")
        self.model = chosen

    async def make_keys(self) -> None:
        """Begin a session: four engines, and the joint keys that the three make; returns at once."""
        if self.begun:
            raise OutOfOrder("the joint keys of this session are made once and serve many applications")
        self.begun_at = time.time()
        self._session = asyncio.create_task(self._told_faults(self._run_session()))
        self._session.add_done_callback(_report)
        self.changes.tell()

    async def joined(self) -> None:
        """Return once the joint keys are there; raises ApprovalError where they never will be."""
        version = -1
        while not self.ready:
            if self.fault or not self.begun:
                raise ApprovalError(self.fault or "no session was begun")
            version = await self.changes.after(version)

    async def end_session(self) -> None:
        """End the session: no process of it runs any more, its keys and messages stay on the disk, locked."""
        session, application = self._session, self.application
        tasks = [] if application is None else list(application.tasks.values())
        for task in [*tasks, *([] if session is None else [session])]:
            task.cancel()
        await asyncio.gather(*tasks, *([] if session is None else [session]), return_exceptions=True)
        self._session = None
        self._reset(self.model)
        self.changes.tell()

    async def send(self, party: str, answers: Mapping[str, Answer]) -> list[str]:
        """Let a party encrypt its answers and send them; return what of them is outside the table, and was clipped.

        Raises InvalidAnswer as well.
        """
        lane = self._lane()
        application = self.application or self._begin(lane.board.transcript.last_application + 1)
        if party in application.tasks:
            raise OutOfOrder(
                f"{party}'s answers to application {application.number} were sent: a round has one message"
            )
        if application.over or self._ended(application.number):
            raise OutOfOrder(f"application {application.number} is over: begin the next one")
        _, notes = self.model.levels_of(answers, party)
        application.notes[party] = notes
        application.pressed["input", party] = time.time()
        work = self._apply(lane, application, party, answers)
        application.tasks[party] = asyncio.create_task(self._told_faults(work, application, party))
        application.tasks[party].add_done_callback(_report)
        self.changes.tell()
        return notes

    async def run(self) -> None:
        """Let the server evaluate the three inputs."""
        lane, application = self._lane(), self._current()
        if waiting := lane.board.transcript.missing(application.number, "input"):
            raise OutOfOrder(f"the encrypted answers of {' and '.join(waiting)} come first: step 3")
        if self.record.find(application.number, "evaluated", SERVER):
            raise OutOfOrder(f"the server has evaluated application {application.number}: once is enough")
        application.pressed["evaluated", SERVER] = time.time()
        self._server().awake.set()
        self.changes.tell()

    async def agree(self, party: str, opening: str) -> None:
        """Let a party give its share of the `decision`, or of the `whatifs` after a denial."""
        lane, application = self._lane(), self._current()
        kind = SHARES[0] if opening == "decision" else SHARES[1]
        if self.agreed(party, opening):
            raise OutOfOrder(f"{party} has given its share: a share is given once")
        if lane.board.transcript.missing(application.number, "evaluated"):
            raise OutOfOrder("the server's evaluation comes first: step 4")
        if opening == "whatifs":
            if waiting := lane.board.transcript.missing(application.number, "decision"):
                raise OutOfOrder(f"the decision comes first: {' and '.join(waiting)} has not opened it, step 5")
            if not self.denied:
                raise OutOfOrder("what-ifs are opened after a denial alone: this application was approved")
        application.pressed[kind, party] = time.time()
        await self.words[party].agree(application.number, kind)
        self.changes.tell()

    def agreed(self, party: str, opening: str) -> bool:
        """Whether a party has agreed to an opening of the application shown."""
        number = 0 if self.application is None else self.application.number
        return self.words[party].has_agreed(number, SHARES[0] if opening == "decision" else SHARES[1])

    async def next_application(self) -> None:
        """Go on to the next application; one that is not over is ended for all, and nothing more of it is opened."""
        lane, application = self._lane(), self._current()
        if not application.over:
            await self._withdraw(lane, application)
        self.application = None
        self.changes.tell()

    async def apply_whole(self, number: int, forms: Forms) -> list[Outcome]:
        """Take an application through all steps at once, as `LocalLane.apply` does."""
        self._lane()
        application = self._begin(number)
        for party in PARTIES:
            await self.send(party, {name: forms[party][name] for name in self._asked(party) if name in forms[party]})
        for party in PARTIES:
            for kind in SHARES:
                await self.words[party].agree(number, kind)
        self._server().awake.set()
        await asyncio.gather(*application.tasks.values())
        if application.faults:
            raise ApprovalError("; ".join(f"{party}: {why}" for party, why in application.faults.items()))
        return [application.outcomes[party] for party in PARTIES]

    @property
    def denied(self) -> bool:
        """Whether the application shown was denied, as all three say."""
        if self.lane is None or self.application is None:
            return False
        said = self.lane.board.transcript.all_of(self.application.number, "decision")
        return said is not None and said[0].head.said == DENIED

    def ended_by(self, number: int) -> str:
        """Return who ended an application and why, nothing where nobody did."""
        end = None if self.lane is None else self.lane.board.transcript.ended(number)
        return "" if end is None else f"{end.head.party} ended it: {end.head.said}"

    def _ended(self, number: int) -> bool:
        return bool(self.ended_by(number))

    def _asked(self, party: str) -> list[str]:
        return [one.name for one in self.model.fields if one.party == party]

    def _begin(self, number: int) -> Application:
        self.application = Application(number)
        # Until the page's person lets it run.
        self._server().awake.clear()
        return self.application

    def _lane(self) -> LocalLane:
        if self.fault:
            raise OutOfOrder(f"this session failed, end it and begin another: {self.fault}")
        if self.lane is None or not self.ready:
            waiting = [] if self.lane is None else self.lane.board.transcript.missing(0, "ready")
            made = f"they are being made, {' and '.join(waiting)} has not confirmed them yet" if waiting else "step 1"
            raise OutOfOrder(f"the joint keys come first: {made}")
        return self.lane

    def _current(self) -> Application:
        if self.application is None:
            raise OutOfOrder("the encrypted answers of applicant, bank and agency come first: step 3")
        return self.application

    def _server(self) -> RestingEngine:
        engine = self._lane().engines[SERVER]
        if not isinstance(engine, RestingEngine):
            raise OutOfOrder("this lane's server does not wait for anybody")
        return engine

    async def _run_session(self) -> None:
        folder = self._folder / time.strftime("%Y%m%d-%H%M%S")
        async with contextlib.AsyncExitStack() as stack:
            lane = await stack.enter_async_context(
                local_lane(
                    self._program,
                    folder,
                    Layout(self.model),
                    patience_seconds=_PATIENCE_SECONDS,
                    server_engine=RestingEngine,
                )
            )
            for party, word in self.words.items():
                http = aiohttp.ClientSession(middlewares=(word,), timeout=_NO_TIMEOUT)
                self._https[party] = await stack.enter_async_context(http)
            self.lane = lane
            self.changes.tell()
            watching = asyncio.create_task(self.record.watch(lane, lane.http))
            stack.callback(watching.cancel)
            await lane.join()
            self._joined.set()
            self.changes.tell()
            await watching

    async def _apply(
        self, lane: LocalLane, application: Application, party: str, answers: Mapping[str, Answer]
    ) -> None:
        with contextlib.suppress(Withdrawn):
            outcome = await lane.parties[party].apply(self._https[party], application.number, answers)
            application.outcomes[party] = outcome

    async def _withdraw(self, lane: LocalLane, application: Application) -> None:
        for word in self.words.values():
            await word.withdraw(application.number)
        # The last sender waits for the evaluation: nothing else is accepted before it.
        self._server().awake.set()
        if not self._ended(application.number):
            session, model = lane.session, lane.layout.model.digest
            head = Head(
                session=session,
                application=application.number,
                kind="abort",
                party=APPLICANT,
                model=model,
                said="the application was withdrawn",
            )
            await lane.board.accept(compose(lane.identities[APPLICANT], head).raw)
        await asyncio.gather(*application.tasks.values())
        for party in PARTIES:
            await lane.engines[party].order("forget", {})

    async def _told_faults(
        self, work: Coroutine[Any, Any, None], application: Application | None = None, party: str = ""
    ) -> None:
        """Do the work; what ends it early is shown on the page, and what nobody foresaw in the terminal as well."""
        told = "it ended unexpectedly, and the terminal says why"
        try:
            await work
            told = ""
        except FAULTS as error:
            told = str(error)
        finally:
            if application is None:
                self.fault = told
            elif told:
                application.faults[party] = told
            self.changes.tell()


def _report(task: "asyncio.Task[None]") -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None:
        task.get_loop().call_exception_handler({"message": "the page's work failed", "exception": error, "task": task})
