"""A party's blinds of eight applications: drawn and pledged before it sees the others', sent before they are needed.

With them it pledges, for each application, what its masks of the what-ifs add up to: told after a denial alone, these
sums open the what-ifs of a result that was decrypted already. Until then they are hidden by each party's masks.
"""

import contextlib
import hashlib
import os
from typing import Final

import aiohttp
import numpy as np

from oracle.approval.engine_process import Engine
from oracle.approval.errors import EngineRefusal, Refused
from oracle.approval.evaluation import Evaluator, row
from oracle.approval.fields import PARTIES
from oracle.approval.layout import TOGETHER, Layout, Slots, first_of
from oracle.approval.mailbox import Mailbox
from oracle.approval.messages import Message, Sender, pledge_of
from oracle.approval.transcript import SALT, SUMS, Transcript, blamed
from oracle.approval.vault import Vault

_DOMAIN: Final = b"risk-oracle approval sums 1\0"
_HEX: Final = 64
_CIPHERTEXTS: Final = ("blinds", "masks")


class BlindsRound:
    """A party's part in the rounds of the blinds."""

    def __init__(
        self, name: Sender, layout: Layout, transcript: Transcript, mailbox: Mailbox, vault: Vault, engine: Engine
    ) -> None:
        self._name = name
        self._layout = layout
        self._transcript = transcript
        self._mailbox = mailbox
        self._vault = vault
        self._engine = engine
        self.evaluator = Evaluator(engine, layout)

    async def ahead(self, http: aiohttp.ClientSession) -> None:
        """Do what can be done now for the application that comes next, waiting for nobody."""
        known, first = self._transcript, first_of(self._transcript.last_application + 1)
        if known.ended(0) is not None or known.all_of(0, "ready") is None:
            return
        await self._pledge(http, first)
        if known.all_of(first, "blinds-pledge") is not None:
            await self._send(http, first)
        if known.all_of(first, "blinds") is not None:
            await self.taken(http, first)

    async def made(self, http: aiohttp.ClientSession, number: int) -> None:
        """Make an application's blinds with the others, unless they are there; raises Refused, Silent, VaultFault."""
        first = first_of(number)
        await self._pledge(http, first)
        for party in PARTIES:
            await self._mailbox.until(http, first, "blinds-pledge", party)
        await self._send(http, first)
        await self.taken(http, number)

    async def taken(self, http: aiohttp.ClientSession, number: int) -> list[Message]:
        """Return an application's blinds, which the engine has ready then.

        Raises Refused for what are none, which ends the session.
        """
        first, until = first_of(number), self._mailbox.until
        found = [await until(http, first, "blinds", party, whole=False) for party in PARTIES]
        if not self.evaluator.has(found):
            found = [await until(http, first, "blinds", party) for party in PARTIES]
            try:
                await self.evaluator.take(found)
            except EngineRefusal as refusal:
                named = blamed(refusal, "blinds")
                # Of eight applications, none can be decided. Another may have ended it first, for the same reason.
                with contextlib.suppress(Refused):
                    await self._mailbox.send(http, 0, "abort", said=str(named))
                raise named from refusal
            finally:
                for message in found:
                    self._transcript.hold(message.announced())
        return found

    def own_sums(self, number: int) -> bytes:
        """Return what opens an application's what-ifs, as this party pledged it; raises VaultFault."""
        begin = (number - first_of(number)) * SUMS
        return self._kept(first_of(number))["sums"][begin : begin + SUMS]

    def told_sums(self, number: int, party: str, told: bytes) -> Slots:
        """Return what a party told; raises Refused unless it is what it pledged before it saw anything."""
        pledge = self._transcript.get(first_of(number), "blinds-pledge", party)
        begin = (number - first_of(number)) * _HEX
        pledged = "" if pledge is None else pledge.head.said[begin : begin + _HEX]
        if len(told) != SUMS or self._digest(party, number, told) != pledged:
            raise Refused(party, "whatifs-share", "its sums are not those that it pledged with its blinds")
        return np.frombuffer(told[:-SALT], "<i8")

    def let_go(self, number: int) -> None:
        """Forget the blinds of applications that are over, all eight of them."""
        first = first_of(number)
        if all(self._transcript.finished(one) for one in range(first, first + TOGETHER)):
            self._vault.drop_blinds(first)

    async def _pledge(self, http: aiohttp.ClientSession, first: int) -> None:
        if self._transcript.get(first, "blinds-pledge", self._name) is not None:
            return
        made = self._layout.blinds(self._name)
        parts = await self._engine.order("encrypt", {"blinds": row(made.blinds), "masks": row(made.masks)})
        sums = [row(one) + os.urandom(SALT) for one in made.sums]
        pledge = pledge_of(self._name, parts)
        self._vault.keep_blinds(first, pledge, {**parts, "sums": b"".join(sums)})
        said = "".join(self._digest(self._name, first + place, one) for place, one in enumerate(sums))
        await self._mailbox.send(http, first, "blinds-pledge", about=pledge, said=said)
        await self._mailbox.catch_up(http)

    async def _send(self, http: aiohttp.ClientSession, first: int) -> None:
        if self._transcript.get(first, "blinds", self._name) is None:
            kept = self._kept(first)
            await self._mailbox.send(http, first, "blinds", parts={name: kept[name] for name in _CIPHERTEXTS})
            await self._mailbox.catch_up(http)

    def _kept(self, first: int) -> dict[str, bytes]:
        pledge = self._transcript.get(first, "blinds-pledge", self._name)
        return self._vault.blinds(first, "" if pledge is None else str(pledge.head.about))

    def _digest(self, party: str, number: int, sums: bytes) -> str:
        about = f"{self._transcript.session} {party} {number} ".encode()
        return hashlib.sha256(_DOMAIN + about + sums).hexdigest()
