"""The evaluation that server and parties each do for themselves, and that anybody can do again without a key."""

import hashlib
from collections.abc import Mapping, Sequence

from oracle.approval.engine_process import Engine
from oracle.approval.layout import Layout, Slots, placed
from oracle.approval.messages import Message
from oracle.approval.transcript import Transcript


def joint_key_parts(transcript: Transcript) -> dict[str, bytes] | None:
    """Return everybody's parts of the joint keys, as the engine's order `combine-keys` takes them, or None."""
    keys, products = transcript.all_of(0, "keys"), transcript.all_of(0, "product")
    if keys is None or products is None:
        return None
    names = ("public", "rotations")
    parts = {f"{name}-{number}": message.parts[name] for number, message in enumerate(keys) for name in names}
    return parts | {f"product-{number}": message.parts["product"] for number, message in enumerate(products)}


def joint_key_digest(joint: Mapping[str, bytes]) -> str:
    """Return SHA-256 over the joint keys: what each party confirms to have computed."""
    whole = hashlib.sha256()
    for name in ("public", "multiplication", "rotations"):
        whole.update(joint[name])
    return whole.hexdigest()


class Evaluator:
    """Evaluates applications with an engine that has the joint keys; the blinds of eight are made ready once.

    A message that is not whole is one whose parts the caller must get first: see `has`.
    """

    def __init__(self, engine: Engine, layout: Layout) -> None:
        self._engine = engine
        self._layout = layout
        self._taken = ""

    def has(self, blinds: Sequence[Message]) -> bool:
        """Whether these blinds are ready, and their parts not needed any more."""
        return self._taken == _name_of(blinds)

    def forget(self) -> None:
        """Know of no blinds: an engine that takes other keys has none."""
        self._taken = ""

    async def take(self, blinds: Sequence[Message]) -> None:
        """Make the blinds of eight applications ready; raises EngineRefusal for what are no ciphertexts."""
        if self.has(blinds):
            return
        self.forget()
        parts = _numbered(blinds, "blinds", "masks") | {"lanes": row(self._layout.first_lanes)}
        name = _name_of(blinds)
        await self._engine.order("take-blinds", parts, {"name": name})
        self._taken = name

    async def evaluate(
        self, number: int, blinds: Sequence[Message], inputs: Sequence[Message], *, keep: bool = False
    ) -> dict[str, bytes]:
        """Return the `result` of three inputs: the same bytes whoever evaluates.

        `keep` lets the engine give its party's share of it. Raises EngineRefusal for an input that is no ciphertext.
        """
        await self.take(blinds)
        layout = self._layout
        rows = {"weights": layout.weights, "constants": layout.constants, "own": layout.own}
        parts = _numbered(inputs, "features") | {name: row(placed(one, number)) for name, one in rows.items()}
        return await self._engine.order("evaluate", parts, {"keep": keep, "blinds": self._taken})


def _numbered(messages: Sequence[Message], *names: str) -> dict[str, bytes]:
    return {f"{name}-{number}": message.parts[name] for number, message in enumerate(messages) for name in names}


def _name_of(blinds: Sequence[Message]) -> str:
    return hashlib.sha256("".join(message.digest for message in blinds).encode()).hexdigest()


def row(slots: Slots) -> bytes:
    """Return slots as the engine reads them."""
    return slots.astype("<i8").tobytes()
