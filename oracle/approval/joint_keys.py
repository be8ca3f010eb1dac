"""A party's part in the rounds of the joint keys: its share is kept before anything is sent that rests on it."""

import aiohttp

from oracle.approval.engine_process import Engine
from oracle.approval.errors import EngineRefusal, Refused, VaultFault
from oracle.approval.evaluation import joint_key_digest, joint_key_parts
from oracle.approval.fields import PARTIES
from oracle.approval.mailbox import Mailbox
from oracle.approval.messages import Sender, pledge_of
from oracle.approval.transcript import Transcript, blamed
from oracle.approval.vault import Vault


class KeysRound:
    """Makes the joint keys with the others, or takes those up that a session has."""

    def __init__(self, name: Sender, transcript: Transcript, mailbox: Mailbox, vault: Vault, engine: Engine) -> None:
        self._name = name
        self._transcript = transcript
        self._mailbox = mailbox
        self._vault = vault
        self._engine = engine

    async def join(self, http: aiohttp.ClientSession) -> None:
        """Make the joint keys with the others, or take those up again that this session has.

        Raises Refused, Silent, after which it can be called again, and VaultFault where its share is not here.
        """
        await self._engine.order("open-session", {}, {"session": self._transcript.session})
        await self._mailbox.catch_up(http)
        if self._transcript.get(0, "keys", self._name) is None:
            # Whoever saw the others' keys before it made its own could make the joint key its alone.
            halves = await self._halves()
            if self._transcript.get(0, "pledge", self._name) is None:
                await self._mailbox.send(http, 0, "pledge", about=pledge_of(self._name, halves))
            for party in PARTIES:
                await self._mailbox.until(http, 0, "pledge", party)
            await self._mailbox.send(http, 0, "keys", parts=halves)
            await self._mailbox.catch_up(http)
        self._vault.drop_halves()
        if not await self._take_up_kept():
            await self._combine(http)
        self._transcript.shed(0)
        ready = self._transcript.get(0, "ready", self._name)
        for party in PARTIES:
            theirs = await self._mailbox.until(http, 0, "ready", party)
            if ready is None or theirs.head.about != ready.head.about:
                raise Refused(party, "ready", "it confirms another joint key than the parts give")

    async def _halves(self) -> dict[str, bytes]:
        """Return this party's halves of the keys: those that were pledged, else fresh ones, whose share is kept."""
        if (kept := self._vault.halves()) is not None:
            return kept
        if self._transcript.get(0, "pledge", self._name) is not None:
            raise VaultFault(
                f"the keys that {self._name} pledged in this session are not in its folder: name the folder that has "
                "them, or begin a new session"
            )
        made = await self._engine.order("make-keys", {})
        self._vault.keep_share(made.pop("share"), made["public"])
        self._vault.keep_halves(made)
        return made

    async def _take_up_kept(self) -> bool:
        """Take the joint keys into use that this party confirmed before, if they lie here as they were."""
        ready, kept = self._transcript.get(0, "ready", self._name), self._vault.joint()
        if ready is None or kept is None or joint_key_digest(kept) != ready.head.about:
            return False
        await self._engine.order("use-keys", {**kept, "share": self.kept_share()})
        return True

    async def _combine(self, http: aiohttp.ClientSession) -> None:
        share = self.kept_share()
        keys = [await self._mailbox.until(http, 0, "keys", party) for party in PARTIES]
        try:
            if self._transcript.get(0, "product", self._name) is None:
                switching = {f"switching-{number}": message.parts["switching"] for number, message in enumerate(keys)}
                product = await self._engine.order("multiply-keys", {**switching, "share": share})
                await self._mailbox.send(http, 0, "product", parts=product)
            for party in PARTIES:
                await self._mailbox.until(http, 0, "product", party)
            made = joint_key_parts(self._transcript)
            if made is None:
                raise Refused(self._name, "keys", "the joint keys are not complete")
            joint = await self._engine.order("combine-keys", made)
            await self._engine.order("use-keys", {**joint, "share": share})
        except EngineRefusal as refusal:
            raise blamed(refusal, "keys") from refusal
        self._vault.keep_joint(joint)
        if self._transcript.get(0, "ready", self._name) is None:
            await self._mailbox.send(http, 0, "ready", about=joint_key_digest(joint))
            await self._mailbox.catch_up(http)

    def kept_share(self) -> bytes:
        """Return this party's share of the joint key; raises VaultFault."""
        own = self._transcript.get(0, "keys", self._name)
        if own is None:
            raise VaultFault(f"{self._name} has no keys in this session yet")
        return self._vault.share(next(part.sha256 for part in own.head.parts if part.name == "public"))
