"""The evaluation that server and parties each do for themselves, and that anybody can do again without a key."""

import hashlib
from dataclasses import dataclass

from oracle.approval.engine_process import Engine
from oracle.approval.layout import Layout, Slots
from oracle.approval.messages import Message
from oracle.approval.transcript import Transcript


@dataclass(frozen=True)
class JointKeys:
    """What the joint keys are made of: the last party's public key, and everybody's parts of the evaluation keys."""

    public: bytes
    to_combine: dict[str, bytes]


def joint_key_parts(transcript: Transcript) -> JointKeys | None:
    """Return what the accepted messages give for the joint keys, or None while one is missing."""
    keys, products = transcript.all_of(0, "keys"), transcript.all_of(0, "product")
    if keys is None or products is None:
        return None
    parts = {f"rotations-{number}": message.parts["rotations"] for number, message in enumerate(keys)}
    parts |= {f"product-{number}": message.parts["product"] for number, message in enumerate(products)}
    return JointKeys(keys[-1].parts["public"], parts)


def joint_key_digest(public: bytes, joint: dict[str, bytes]) -> str:
    """Return SHA-256 over the joint keys: what each party confirms to have computed."""
    whole = hashlib.sha256(public)
    for name in ("multiplication", "rotations"):
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
