"""A party: it makes its share of the key, encrypts what it knows, checks the evaluation, and opens with the others.

It believes no message that it did not check itself, and gives a decryption share of nothing that its own engine did not
evaluate from the three inputs: a server that evaluates another model, or hands out an input for a result, is found out
before anything is opened.
"""

import contextlib
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TypeVar

import aiohttp
import numpy as np

from oracle.approval.agreement import AgreementWanted, Recording, one_line, wanted_by
from oracle.approval.blinds import BlindsRound
from oracle.approval.decision import DecisionFault
from oracle.approval.engine_process import Engine
from oracle.approval.errors import EngineFault, EngineRefusal, InvalidAnswer, Refused, Unopened, VaultFault
from oracle.approval.evaluation import row
from oracle.approval.fields import APPLICANT, PARTIES, Answer
from oracle.approval.identity import Identity, PublicIdentity, seal
from oracle.approval.joint_keys import KeysRound
from oracle.approval.layout import Layout, Slots
from oracle.approval.mailbox import Mailbox
from oracle.approval.messages import Kind, Message, Sender
from oracle.approval.transcript import APPROVED, DENIED, SERVER, Transcript, blamed, no_input
from oracle.approval.vault import Vault

T = TypeVar("T")


@dataclass(frozen=True)
class Outcome:
    """What was opened: the decision and, after a denial, the smallest approved change of each asked field."""

    approved: bool
    changes: Mapping[str, str | None]
    notes: tuple[str, ...] = ()


class Party:
    """One of the three. `folder` keeps its key share, locked by `identity`; its patience is for any one message.

    With `recording`, bank or agency give no share before the applicant agreed that the decision is recorded there.
    """

    def __init__(
        self,
        name: Sender,
        session: str,
        layout: Layout,
        roster: Mapping[str, PublicIdentity],
        identity: Identity,
        engine: Engine,
        server: str,
        folder: Path,
        *,
        patience_seconds: float = 120.0,
        recording: Recording | None = None,
    ) -> None:
        self.name = name
        self._recording = recording
        self.transcript = Transcript(session, layout.model.digest)
        self._number = PARTIES.index(name)
        self._layout = layout
        self._roster = roster
        self._identity = identity
        self._engine = engine
        self.vault = Vault(folder, session, name, identity)
        self._mailbox = Mailbox(name, self.transcript, roster, identity, server, patience_seconds)
        self._keys = KeysRound(name, self.transcript, self._mailbox, self.vault, engine)
        self._blinds = BlindsRound(name, layout, self.transcript, self._mailbox, self.vault, engine)

    async def catch_up(self, http: aiohttp.ClientSession, wait_seconds: float = 0.0) -> None:
        """Learn what was accepted since, waiting for one message; raises Refused, and Silent where no server is."""
        await self._mailbox.catch_up(http, wait_seconds)

    async def join(self, http: aiohttp.ClientSession) -> None:
        """Make the joint keys with the others, or take those up again that this session has.

        Raises Refused, Silent, after which it can be called again, and VaultFault where its share is not here.
        """
        await self._keys.join(http)
        self._blinds.evaluator.forget()

    async def blind(self, http: aiohttp.ClientSession, number: int) -> None:
        """Make the blinds of application `number` with the others; raises Refused, Silent, VaultFault."""
        await self._blinds.made(http, number)

    async def ahead(self, http: aiohttp.ClientSession) -> None:
        """Do what can be done now for the blinds of the next application; it waits for nobody."""
        await self._blinds.ahead(http)

    def next_number(self) -> int:
        """Return the number of the application that this party would begin: the first without its input.

        Raises Refused where the session was ended.
        """
        known = self.transcript
        if (end := known.ended(0)) is not None:
            raise Refused(end.head.party, "abort", end.head.said)
        return next(n for n in count(1) if not known.finished(n) and known.get(n, "input", self.name) is None)

    async def give_up(self, http: aiohttp.ClientSession, number: int, why: str) -> None:
        """End an application, unless it is over; its answers are forgotten here."""
        if number <= self.transcript.last_application and not self.transcript.finished(number):
            await self._abort(http, number, why)
        self.vault.drop_form(number)

    async def apply(
        self, http: aiohttp.ClientSession, number: int, answers: Mapping[str, Answer], *, agreed: str | None = None
    ) -> Outcome:
        """Take part in application `number` with this party's answers, to its end; or take it up where it was left.

        Raises InvalidAnswer before anything is sent, or for other answers than it began with; Refused; Silent, after
        which it can be called again; and Unopened where the shares open nothing. The answers stay in the vault until
        the caller drops them.

        `agreed` is the applicant's agreement that the decision may be recorded, for who wants it. Raises DecisionFault
        for one that does not fit, and AgreementWanted where it is missing: it can be called again, nothing was opened.
        """
        levels, notes = self._layout.model.levels_of(answers, self.name)
        await self.catch_up(http)
        try:
            if self.transcript.get(number, "input", self.name) is None:
                await self.blind(http, number)
                self.vault.keep_form(number, answers)
                features = self._layout.features(self.name, levels, number)
                made = await self._engine.order("encrypt", {"features": row(features)})
                said = "" if self._recording is None else self._recording.written()
                await self._mailbox.send(http, number, "input", parts=made, said=said)
            begun = self.vault.form(number)
            if begun is not None and self._layout.model.levels_of(begun, self.name)[0] != levels:
                raise InvalidAnswer(
                    f"application {number} was begun with other answers and is not over: take it up with those, or end "
                    "it first"
                )
            return await self._decide(http, number, levels, notes, agreed)
        finally:
            self.transcript.shed(number)
            self._blinds.let_go(number)

    async def _decide(
        self, http: aiohttp.ClientSession, number: int, levels: Mapping[str, int], notes: list[str], agreed: str | None
    ) -> Outcome:
        inputs = [await self._mailbox.until(http, number, "input", party) for party in PARTIES]
        await self._recordable(http, number, {message.head.party: message.head.said for message in inputs}, agreed)
        try:
            blinds = await self._blinds.taken(http, number)
            own = await self._blinds.evaluator.evaluate(number, blinds, inputs, keep=True)
        except EngineRefusal as refusal:
            named = blamed(refusal, "input")
            await self._abort(http, number, no_input(named))
            raise named from refusal
        try:
            # What it evaluated itself is here already: a digest is enough to compare the server's.
            evaluated = await self._mailbox.until(http, number, "evaluated", SERVER, whole=False)
            if evaluated.head.parts[0].sha256 != hashlib.sha256(own["result"]).hexdigest():
                bad = Refused(SERVER, "evaluated", "it is not what the model gives on the three inputs")
                raise await self._ended(http, number, bad)
            sums = await self._opened(http, number)
            decision = await self._said(http, number, lambda: self._layout.decision(sums))
            await self._agree(http, number, "decision", APPROVED if decision else DENIED)
            if decision:
                return Outcome(True, {}, tuple(notes))
            masks = await self._masks(http, number)
            opened = await self._said(http, number, lambda: self._layout.answers(sums, masks))
            await self._agree(http, number, "whatifs", json.dumps(opened, separators=(",", ":")))
            return Outcome(False, self._layout.explain(levels, opened), tuple(notes))
        finally:
            # An engine that is gone has forgotten.
            with contextlib.suppress(EngineFault):
                await self._engine.order("forget", {})

    async def _recordable(
        self, http: aiohttp.ClientSession, number: int, said: Mapping[str, str], agreed: str | None
    ) -> None:
        """See to it that the applicant agreed to what this party wants to record, or the others want of it."""
        known = self.transcript
        if self._recording is not None:
            message = await self._mailbox.until(http, number, "agreement", APPLICANT)
            try:
                self._recording.checked(known.session, number, known.model, message.head.said)
            except DecisionFault as fault:
                raise await self._ended(http, number, Refused(APPLICANT, "agreement", str(fault))) from fault
        if self.name != APPLICANT or known.get(number, "agreement", APPLICANT) is not None:
            return
        place = wanted_by(said)
        if place is None:
            return
        if agreed is None:
            raise AgreementWanted(
                f"application {number} is recorded by {place}, and its parties open nothing before you agree to that: "
                f"`risk-oracle approval decision agree --application {number}` makes what you give with --agreed"
            )
        place.checked(known.session, number, known.model, agreed)
        await self._mailbox.send(http, number, "agreement", said=one_line(agreed))

    async def _opened(self, http: aiohttp.ClientSession, number: int) -> Slots:
        """Give a share of the result, and return what the blocks add up to that the three shares open."""
        kind: Kind = "decision-share"
        if self.transcript.get(number, kind, self.name) is None:
            about = str(self.transcript.basis(number, kind, self.name))
            try:
                self.vault.give_once(number, about)
            except VaultFault as fault:
                raise await self._ended(http, number, Refused(SERVER, "evaluated", str(fault))) from fault
            given = await self._engine.order("share", {}, {"result": about, "lead": self._number == 0})
            await self._send_sealed(http, number, kind, given["share"])
        shares = {}
        for place, party in enumerate(PARTIES):
            message = await self._mailbox.until(http, number, kind, party)
            shares[f"share-{place}"] = await self._unsealed(http, message)
        try:
            slots = np.frombuffer((await self._engine.order("fuse", shares))["slots"], "<i8")
        except EngineRefusal as refusal:
            raise await self._ended(http, number, blamed(refusal, kind)) from refusal
        return await self._said(http, number, lambda: self._layout.sums(slots, number))

    async def _masks(self, http: aiohttp.ClientSession, number: int) -> list[Slots]:
        """Tell the others what opens the what-ifs, and return what all three told."""
        kind: Kind = "whatifs-share"
        if self.transcript.get(number, kind, self.name) is None:
            await self._send_sealed(http, number, kind, self._blinds.own_sums(number))
        found = []
        for party in PARTIES:
            message = await self._mailbox.until(http, number, kind, party)
            told = await self._unsealed(http, message)
            try:
                found.append(self._blinds.told_sums(number, party, told))
            except Refused as refusal:
                raise await self._ended(http, number, refusal) from refusal
        return found

    async def _send_sealed(self, http: aiohttp.ClientSession, number: int, kind: Kind, plain: bytes) -> None:
        readers = [self._roster[party] for party in PARTIES]
        sealed = seal(plain, readers, self._bound(number, kind, self.name))
        name = next(iter(self.transcript.sizes[kind]))
        await self._mailbox.send(http, number, kind, parts={name: sealed})

    async def _unsealed(self, http: aiohttp.ClientSession, message: Message) -> bytes:
        head = message.head
        bound = self._bound(head.application, head.kind, head.party)
        try:
            return self._identity.unseal(message.parts[head.parts[0].name], bound, self._number)
        except VaultFault as error:
            raise await self._ended(http, head.application, Refused(head.party, head.kind, str(error))) from error

    async def _said(self, http: aiohttp.ClientSession, number: int, read: Callable[[], T]) -> T:
        """Return what an opening says; one that is none ends the application."""
        try:
            return read()
        except Unopened as error:
            await self._abort(http, number, str(error))
            raise

    async def _agree(self, http: aiohttp.ClientSession, number: int, kind: Kind, said: str) -> None:
        if self.transcript.get(number, kind, self.name) is None:
            await self._mailbox.send(http, number, kind, said=said)
        for party in PARTIES:
            theirs = await self._mailbox.until(http, number, kind, party)
            if theirs.head.said != said:
                raise Refused(party, kind, "it opened otherwise than here")

    def _bound(self, number: int, kind: Kind, party: str) -> bytes:
        about = self.transcript.basis(number, kind, party)
        return f"{self.transcript.session} {number} {kind} {party} {about}".encode()

    async def _abort(self, http: aiohttp.ClientSession, number: int, why: str) -> None:
        if self.transcript.ended(number) is None:
            # Another may have ended it first, for the same reason.
            with contextlib.suppress(Refused):
                await self._mailbox.send(http, number, "abort", said=why)

    async def _ended(self, http: aiohttp.ClientSession, number: int, refused: Refused) -> Refused:
        """End an application for what a party sent in it, and return that."""
        await self._abort(http, number, str(refused))
        return refused
