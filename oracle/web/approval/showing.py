"""The lane as the page drives it: one application at a time, a step at each press of a button."""

import asyncio
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from oracle.approval.errors import ApprovalError
from oracle.approval.examples import Forms
from oracle.approval.fields import APPLICANT, PARTIES, Answer
from oracle.approval.layout import first_of
from oracle.approval.local_lane import LocalLane
from oracle.approval.messages import Head, Kind, compose
from oracle.approval.model import CardModel
from oracle.approval.party import Outcome
from oracle.approval.transcript import DENIED, SERVER
from oracle.web.approval.gates import SHARES, Withdrawn
from oracle.web.approval.session import FAULTS, UNFORESEEN, OutOfOrder, Session, report
from oracle.web.approval.words import listed


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


class Show(Session):
    """A session, and the application that is shown.

    What cannot be done now raises OutOfOrder, which says what comes first, and leaves everything as it is.
    """

    application: Application | None

    def _reset(self, model: CardModel) -> None:
        super()._reset(model)
        self.application = None

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
        task = application.tasks[party] = asyncio.create_task(self._told(work, application, party))
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        task.add_done_callback(report)
        self.changes.tell()
        return notes

    async def run(self) -> None:
        """Let the server evaluate the three inputs."""
        lane, application = self._lane(), self._current()
        if waiting := lane.board.transcript.missing(application.number, "input"):
            raise OutOfOrder(f"the encrypted answers of {listed(waiting)} come first: step 3")
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
                raise OutOfOrder(f"the decision comes first, step 5: it is not opened yet by {listed(waiting)}")
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
        if application.tasks and not application.over:
            await self._withdraw(lane, application)
        self.application = None
        self.changes.tell()
        if first_of(application.number + 1) > application.number:
            await lane.blind(application.number + 1)

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

    def _current(self) -> Application:
        if self.application is None:
            raise OutOfOrder("the encrypted answers of applicant, bank and agency come first: step 3")
        return self.application

    async def _apply(
        self, lane: LocalLane, application: Application, party: str, answers: Mapping[str, Answer]
    ) -> None:
        try:
            outcome = await lane.parties[party].apply(self._https[party], application.number, answers)
            application.outcomes[party] = outcome
        except Withdrawn:
            pass
        finally:
            lane.parties[party].vault.drop_form(application.number)

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

    async def _told(self, work: Coroutine[Any, Any, None], application: Application, party: str) -> None:
        """Do a party's work; what ends it early is shown on the page, and what nobody foresaw in the terminal too."""
        told = UNFORESEEN
        try:
            await work
            told = ""
        except FAULTS as error:
            told = str(error)
        finally:
            if told:
                application.faults[party] = told
            self.changes.tell()
