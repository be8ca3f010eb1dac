"""A party: it makes its share of the key, encrypts what it knows, checks the evaluation, and opens with the others.

It believes no message that it did not check itself, and gives a decryption share of nothing that its own engine did not
evaluate from the three inputs: a server that evaluates another model, or hands out an input for a result, is found out
before anything is opened.
"""

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import aiohttp
import numpy as np

from oracle.approval.engine_process import Engine
from oracle.approval.errors import EngineFault, EngineRefusal, InvalidAnswer, Refused, Unopened, VaultFault
from oracle.approval.evaluation import evaluate, joint_key_digest, joint_key_parts, row
from oracle.approval.fields import PARTIES, Answer
from oracle.approval.identity import Identity, PublicIdentity, seal
from oracle.approval.layout import Layout
from oracle.approval.mailbox import Mailbox
from oracle.approval.messages import Kind, Sender, pledge_of
from oracle.approval.transcript import APPROVED, DENIED, SERVER, Transcript, blamed, no_input
from oracle.approval.vault import Vault


@dataclass(frozen=True)
class Outcome:
    """What was opened: the decision and, after a denial, the smallest approved change of each asked field."""

    approved: bool
    changes: Mapping[str, str | None]
    notes: tuple[str, ...] = ()


class Party:
    """One of the three. `folder` keeps its key share, locked by `identity`; its patience is for any one message."""

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
    ) -> None:
        self.name = name
        self.transcript = Transcript(session, layout.model.digest)
        self._number = PARTIES.index(name)
        self._layout = layout
        self._roster = roster
        self._identity = identity
        self._engine = engine
        self.vault = Vault(folder, session, name, identity)
        self._mailbox = Mailbox(name, self.transcript, roster, identity, server, patience_seconds)

    async def catch_up(self, http: aiohttp.ClientSession, wait_seconds: float = 0.0) -> None:
        """Learn what was accepted since, waiting for one message; raises Refused, and Silent where no server is."""
        await self._mailbox.catch_up(http, wait_seconds)

    async def join(self, http: aiohttp.ClientSession) -> None:
        """Make the joint keys with the others, or take those up again that this session has.

        Raises Refused, Silent, after which it can be called again, and VaultFault where its share is not here.
        """
        await self._engine.order("open-session", {}, {"session": self.transcript.session})
        await self.catch_up(http)
        if self.transcript.get(0, "keys", self.name) is None:
            # Whoever saw the others' keys before it made its own could make the joint key its alone.
            halves = await self._halves()
            if self.transcript.get(0, "pledge", self.name) is None:
                await self._mailbox.send(http, 0, "pledge", about=pledge_of(self.name, halves))
            for party in PARTIES:
                await self._mailbox.until(http, 0, "pledge", party)
            await self._mailbox.send(http, 0, "keys", parts=halves)
            await self.catch_up(http)
        self.vault.drop_halves()
        if not await self._take_up_kept():
            await self._combine(http)
        self.transcript.shed(0)
        ready = self.transcript.get(0, "ready", self.name)
        for party in PARTIES:
            theirs = await self._mailbox.until(http, 0, "ready", party)
            if ready is None or theirs.head.about != ready.head.about:
                raise Refused(party, "ready", "it confirms another joint key than the parts give")

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

    async def apply(self, http: aiohttp.ClientSession, number: int, answers: Mapping[str, Answer]) -> Outcome:
        """Take part in application `number` with this party's answers, to its end; or take it up where it was left.

        Raises InvalidAnswer before anything is sent, or for other answers than it began with; Refused; Silent, after
        which it can be called again; and Unopened where the shares open nothing. The answers stay in the vault until
        the caller drops them.
        """
        levels, notes = self._layout.model.levels_of(answers, self.name)
        await self.catch_up(http)
        try:
            if self.transcript.get(number, "input", self.name) is None:
                self.vault.keep_form(number, answers)
                blinds, shifts = self._layout.blinds(self.name)
                slots = {"features": self._layout.features(self.name, levels), "blinds": blinds, "shifts": shifts}
                made = await self._engine.order("encrypt", {name: row(values) for name, values in slots.items()})
                await self._mailbox.send(http, number, "input", parts=made)
            begun = self.vault.form(number)
            if begun is not None and self._layout.model.levels_of(begun, self.name)[0] != levels:
                raise InvalidAnswer(
                    f"application {number} was begun with other answers and is not over: take it up with those, or end "
                    "it first"
                )
            return await self._decide(http, number, levels, notes)
        finally:
            self.transcript.shed(number)

    async def _decide(
        self, http: aiohttp.ClientSession, number: int, levels: Mapping[str, int], notes: list[str]
    ) -> Outcome:
        inputs = [await self._mailbox.until(http, number, "input", party) for party in PARTIES]
        try:
            own = await evaluate(self._engine, self._layout, inputs, keep=True)
        except EngineRefusal as refusal:
            named = blamed(refusal, "input")
            await self._abort(http, number, no_input(named))
            raise named from refusal
        try:
            evaluated = await self._mailbox.until(http, number, "evaluated", SERVER)
            if any(evaluated.parts[name] != own[name] for name in own):
                bad = Refused(SERVER, "evaluated", "it is not what the model gives on the three inputs")
                raise await self._ended(http, number, bad)
            decision = (await self._open(http, number, "decision"))[0]
            await self._agree(http, number, "decision", APPROVED if decision else DENIED)
            if decision:
                return Outcome(True, {}, tuple(notes))
            opened = await self._open(http, number, "whatifs")
            await self._agree(http, number, "whatifs", json.dumps(opened, separators=(",", ":")))
            return Outcome(False, self._layout.explain(levels, opened), tuple(notes))
        finally:
            # An engine that is gone has forgotten.
            with contextlib.suppress(EngineFault):
                await self._engine.order("forget", {})

    async def _open(self, http: aiohttp.ClientSession, number: int, opening: str) -> list[bool]:
        kind: Kind = "decision-share" if opening == "decision" else "whatifs-share"
        if self.transcript.get(number, kind, self.name) is None:
            about = self.transcript.basis(number, kind, self.name)
            given = await self._engine.order("share", {}, {"result": about, "lead": self._number == 0})
            readers = [self._roster[party] for party in PARTIES]
            sealed = seal(given["share"], readers, self._bound(number, kind, self.name))
            await self._mailbox.send(http, number, kind, parts={"share": sealed})
        shares = {}
        for place, party in enumerate(PARTIES):
            message = await self._mailbox.until(http, number, kind, party)
            try:
                bound = self._bound(number, kind, party)
                shares[f"share-{place}"] = self._identity.unseal(message.parts["share"], bound, self._number)
            except VaultFault as error:
                raise await self._ended(http, number, Refused(party, kind, str(error))) from error
        try:
            slots = np.frombuffer((await self._engine.order("fuse", shares))["slots"], "<i8")
        except EngineRefusal as refusal:
            raise await self._ended(http, number, blamed(refusal, kind)) from refusal
        try:
            return self._layout.opened(opening, slots)
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

    async def _halves(self) -> dict[str, bytes]:
        """Return this party's halves of the keys: those that were pledged, else fresh ones, whose share is kept."""
        if (kept := self.vault.halves()) is not None:
            return kept
        if self.transcript.get(0, "pledge", self.name) is not None:
            raise VaultFault(
                f"the keys that {self.name} pledged in this session are not in its folder: name the folder that has "
                "them, or begin a new session"
            )
        made = await self._engine.order("make-keys", {})
        self.vault.keep_share(made.pop("share"), made["public"])
        self.vault.keep_halves(made)
        return made

    async def _take_up_kept(self) -> bool:
        """Take the joint keys into use that this party confirmed before, if they lie here as they were."""
        ready, kept = self.transcript.get(0, "ready", self.name), self.vault.joint()
        if ready is None or kept is None or joint_key_digest(kept) != ready.head.about:
            return False
        await self._engine.order("use-keys", {**kept, "share": self._kept_share()})
        return True

    async def _combine(self, http: aiohttp.ClientSession) -> None:
        share = self._kept_share()
        keys = [await self._mailbox.until(http, 0, "keys", party) for party in PARTIES]
        try:
            if self.transcript.get(0, "product", self.name) is None:
                switching = {f"switching-{number}": message.parts["switching"] for number, message in enumerate(keys)}
                product = await self._engine.order("multiply-keys", {**switching, "share": share})
                await self._mailbox.send(http, 0, "product", parts=product)
            for party in PARTIES:
                await self._mailbox.until(http, 0, "product", party)
            made = joint_key_parts(self.transcript)
            if made is None:
                raise Refused(self.name, "keys", "the joint keys are not complete")
            joint = await self._engine.order("combine-keys", made)
            await self._engine.order("use-keys", {**joint, "share": share})
        except EngineRefusal as refusal:
            raise blamed(refusal, "keys") from refusal
        self.vault.keep_joint(joint)
        if self.transcript.get(0, "ready", self.name) is None:
            await self._mailbox.send(http, 0, "ready", about=joint_key_digest(joint))
            await self.catch_up(http)

    def _kept_share(self) -> bytes:
        own = self.transcript.get(0, "keys", self.name)
        if own is None:
            raise VaultFault(f"{self.name} has no keys in this session yet")
        return self.vault.share(next(part.sha256 for part in own.head.parts if part.name == "public"))

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
