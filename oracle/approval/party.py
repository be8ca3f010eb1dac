"""A party: it makes its share of the key, encrypts what it knows, checks the evaluation, and opens with the others.

It believes no message that it did not check itself, and gives a decryption share of nothing that its own engine did not
evaluate from the three inputs: a server that evaluates another model, or hands out an input for a result, is found out
before anything is opened.
"""

import asyncio
import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import numpy as np

from oracle.approval.engine_process import Engine
from oracle.approval.errors import Refused, Silent, Unopened, VaultFault
from oracle.approval.evaluation import evaluate, joint_key_digest, joint_key_parts, row
from oracle.approval.fields import PARTIES, Answer
from oracle.approval.identity import Identity, PublicIdentity, seal
from oracle.approval.layout import Layout
from oracle.approval.messages import Head, Kind, Message, Sender, compose, read
from oracle.approval.transcript import APPROVED, DENIED, SERVER, Transcript

_WAIT_SECONDS: Final = 10.0


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
        self._server = server
        self._folder = folder
        self._patience = patience_seconds
        self._seen = 0
        self._keys_in_use = False

    async def join(self, http: aiohttp.ClientSession) -> None:
        """Make the joint keys with the others, or take those up again that this session has."""
        await self._engine.order("open-session", {}, {"session": self.transcript.session})
        await self._catch_up(http)
        if self.transcript.get(0, "keys", self.name) is None:
            parts = await self._make_share()
            for before in PARTIES[: self._number]:
                await self._until(http, 0, "keys", before)
            await self._send(http, 0, "keys", parts=parts)
        keys = [await self._until(http, 0, "keys", party) for party in PARTIES]
        share = self._kept_share()
        if self.transcript.get(0, "product", self.name) is None:
            switching = {f"switching-{number}": message.parts["switching"] for number, message in enumerate(keys)}
            product = await self._engine.order("multiply-keys", {**switching, "share": share})
            await self._send(http, 0, "product", parts=product)
        for party in PARTIES:
            await self._until(http, 0, "product", party)
        made = joint_key_parts(self.transcript)
        if made is None:
            raise Refused(self.name, "keys", "the joint keys are not complete")
        joint = await self._engine.order("combine-keys", made)
        await self._engine.order("use-keys", {**joint, "share": share})
        self._keys_in_use = True
        digest = joint_key_digest(joint)
        if self.transcript.get(0, "ready", self.name) is None:
            await self._send(http, 0, "ready", about=digest)
        for party in PARTIES:
            ready = await self._until(http, 0, "ready", party)
            if ready.head.about != digest:
                raise Refused(party, "ready", "it confirms another joint key than the parts give")

    async def apply(self, http: aiohttp.ClientSession, number: int, answers: Mapping[str, Answer]) -> Outcome:
        """Take part in application `number` with this party's answers, to its end.

        Raises InvalidAnswer before anything is sent, Refused, Silent, and Unopened where the shares open nothing.
        """
        levels, notes = self._layout.model.levels_of(answers, self.name)
        await self._catch_up(http)
        if self.transcript.get(number, "input", self.name) is None:
            blinds, shifts = self._layout.blinds(self.name)
            slots = {"features": self._layout.features(self.name, levels), "blinds": blinds, "shifts": shifts}
            made = await self._engine.order("encrypt", {name: row(values) for name, values in slots.items()})
            await self._send(http, number, "input", parts=made)
        inputs = [await self._until(http, number, "input", party) for party in PARTIES]
        own = await evaluate(self._engine, self._layout, inputs, keep=True)
        evaluated = await self._until(http, number, "evaluated", SERVER)
        if any(evaluated.parts[name] != own[name] for name in own):
            await self._abort(http, number, "the server's evaluation is not the model's on these inputs")
            raise Refused(SERVER, "evaluated", "it is not what the model gives on the three inputs")
        decision = (await self._open(http, number, "decision"))[0]
        await self._agree(http, number, "decision", APPROVED if decision else DENIED)
        if decision:
            await self._engine.order("forget", {})
            return Outcome(True, {}, tuple(notes))
        opened = await self._open(http, number, "whatifs")
        await self._agree(http, number, "whatifs", json.dumps(opened, separators=(",", ":")))
        return Outcome(False, self._layout.explain(levels, opened), tuple(notes))

    async def _open(self, http: aiohttp.ClientSession, number: int, opening: str) -> list[bool]:
        kind: Kind = "decision-share" if opening == "decision" else "whatifs-share"
        if self.transcript.get(number, kind, self.name) is None:
            about = self.transcript.basis(number, kind, self.name)
            given = await self._engine.order("share", {}, {"result": about, "lead": self._number == 0})
            readers = [self._roster[party] for party in PARTIES]
            sealed = seal(given["share"], readers, self._bound(number, kind, self.name))
            await self._send(http, number, kind, parts={"share": sealed})
        shares = {}
        for place, party in enumerate(PARTIES):
            message = await self._until(http, number, kind, party)
            try:
                bound = self._bound(number, kind, party)
                shares[f"share-{place}"] = self._identity.unseal(message.parts["share"], bound, self._number)
            except VaultFault as error:
                raise Refused(party, kind, str(error)) from error
        slots = np.frombuffer((await self._engine.order("fuse", shares))["slots"], "<i8")
        try:
            return self._layout.opened(opening, slots)
        except Unopened as error:
            await self._abort(http, number, str(error))
            raise

    async def _agree(self, http: aiohttp.ClientSession, number: int, kind: Kind, said: str) -> None:
        if self.transcript.get(number, kind, self.name) is None:
            await self._send(http, number, kind, said=said)
        for party in PARTIES:
            theirs = await self._until(http, number, kind, party)
            if theirs.head.said != said:
                raise Refused(party, kind, "it opened otherwise than here")

    async def _make_share(self) -> dict[str, bytes]:
        made = await self._engine.order("make-keys", {})
        # Before the message: a share that is lost after its public half was sent leaves a session that nobody can open.
        _write_private(self._share_file, self._identity.lock(made.pop("share"), self._share_name))
        return made

    def _kept_share(self) -> bytes:
        try:
            locked = self._share_file.read_bytes()
        except OSError as error:
            raise VaultFault(f"{self._share_file}: {self.name}'s key share is not there: {error}") from error
        return self._identity.unlock(locked, self._share_name)

    @property
    def _share_file(self) -> Path:
        return self._folder / f"{self.transcript.session}.share"

    @property
    def _share_name(self) -> bytes:
        return f"{self.transcript.session} {self.name}".encode()

    def _bound(self, number: int, kind: Kind, party: str) -> bytes:
        about = self.transcript.basis(number, kind, party)
        return f"{self.transcript.session} {number} {kind} {party} {about}".encode()

    async def _abort(self, http: aiohttp.ClientSession, number: int, why: str) -> None:
        await self._engine.order("forget", {})
        if self.transcript.ended(number) is None:
            # Another may have ended it first, for the same reason.
            with contextlib.suppress(Refused):
                await self._send(http, number, "abort", said=why)

    async def _send(
        self,
        http: aiohttp.ClientSession,
        number: int,
        kind: Kind,
        *,
        parts: Mapping[str, bytes] | None = None,
        about: str | None = None,
        said: str = "",
    ) -> None:
        about = self.transcript.basis(number, kind, self.name) if about is None else about
        session, model = self.transcript.session, self.transcript.model
        head = Head(
            session=session, application=number, kind=kind, party=self.name, model=model, about=about, said=said
        )
        message = compose(self._identity, head, parts)
        async with http.post(f"{self._server}/v1/messages", data=message.raw) as answer:
            if answer.status == 409:
                told: dict[str, Any] = await answer.json()
                raise Refused(str(told.get("party")), str(told.get("kind")), str(told.get("why")))
            answer.raise_for_status()

    async def _until(self, http: aiohttp.ClientSession, number: int, kind: Kind, party: str) -> Message:
        """Return a message once it is there; raises Silent when it does not come in time."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience
        while (found := self.transcript.get(number, kind, party)) is None:
            if (end := self.transcript.ended(number)) is not None:
                raise Refused(end.head.party, "abort", end.head.said)
            left = deadline - loop.time()
            if left <= 0:
                raise Silent(f"{party} has not sent its {kind} message in {self._patience:g} s; the session stays open")
            await self._catch_up(http, min(left, _WAIT_SECONDS))
        return found

    async def _catch_up(self, http: aiohttp.ClientSession, wait: float = 0.0) -> None:
        url = f"{self._server}/v1/messages"
        async with http.get(url, params={"after": str(self._seen), "wait": f"{wait:.1f}"}) as answer:
            answer.raise_for_status()
            listed = (await answer.json())["messages"]
        for entry in listed:
            async with http.get(f"{url}/{entry['digest']}") as answer:
                answer.raise_for_status()
                raw = await answer.read()
            self.transcript.accept(await asyncio.to_thread(read, raw, self._roster, SERVER))
            self._seen += 1


def _write_private(file: Path, raw: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = file.with_suffix(".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(raw)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(file)
