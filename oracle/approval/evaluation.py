"""The evaluation that server and parties each do for themselves, and that anybody can do again without a key."""

import hashlib
from collections.abc import Mapping

from oracle.approval.engine_process import Engine
from oracle.approval.layout import Layout, Slots
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


async def evaluate(engine: Engine, layout: Layout, inputs: list[Message], *, keep: bool = False) -> dict[str, bytes]:
    """Return the results of three inputs, `decision` and `whatifs`: the same bytes whoever evaluates.

    `keep` lets the engine give its party's share of them. Raises EngineRefusal for an input that is no ciphertext.
    """
    parts = {
        f"{name}-{number}": message.parts[name]
        for number, message in enumerate(inputs)
        for name in ("features", "blinds", "shifts")
    }
    parts |= {"weights": row(layout.weights), "constants": row(layout.constants)}
    parts |= {f"mask-{name}": row(mask) for name, mask in layout.masks.items()}
    return await engine.order("evaluate", parts, {"keep": keep})


def row(slots: Slots) -> bytes:
    """Return slots as the engine reads them."""
    return slots.astype("<i8").tobytes()
