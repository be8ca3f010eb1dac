"""A dispute without keys: a server's kept messages, evaluated again."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from oracle.approval.engine_process import Engine
from oracle.approval.errors import ModelFault, Refused
from oracle.approval.evaluation import Evaluator, joint_key_digest, joint_key_parts
from oracle.approval.fields import PARTIES
from oracle.approval.identity import PublicIdentity
from oracle.approval.layout import Layout
from oracle.approval.messages import Message, read
from oracle.approval.model import load_model
from oracle.approval.transcript import SERVER, Transcript


async def replay(
    folder: Path, model: str, engine: Engine, roster: Mapping[str, PublicIdentity] | None = None
) -> dict[int, bool]:
    """Return for each evaluated application of a folder of messages whether its results are the model's, byte by byte.

    The order and the digests are checked as a party checks them, and the signatures where a roster is given. Raises
    ModelFault where the messages are about another model or there are none, and Refused for one that does not fit.
    """
    layout = Layout(load_model(model))
    files = await asyncio.to_thread(lambda: sorted(folder.glob("*.message")))
    messages = [await asyncio.to_thread(_read, file, roster) for file in files]
    if not messages or messages[0].head.model != layout.model.digest:
        about = messages[0].head.model[:12] if messages else "nothing"
        raise ModelFault(f"{folder} is about {about}, model {layout.model.name} is {layout.model.digest[:12]}")
    transcript = Transcript(messages[0].head.session, layout.model.digest)
    for message in messages:
        transcript.accept(message)
    keys = joint_key_parts(transcript)
    if keys is None:
        raise Refused(SERVER, "keys", f"{folder} lacks parts of the joint keys")
    await engine.order("open-session", {}, {"session": transcript.session})
    joint = await engine.order("combine-keys", keys)
    ready = transcript.get(0, "ready", PARTIES[0])
    if ready is not None and ready.head.about != joint_key_digest(joint):
        raise Refused(PARTIES[0], "ready", "it confirms another joint key than the parts give")
    await engine.order("use-keys", joint)
    evaluator, found = Evaluator(engine, layout), {}
    for number in range(1, transcript.last_application + 1):
        inputs, evaluated = transcript.all_of(number, "input"), transcript.get(number, "evaluated", SERVER)
        blinds = transcript.blinds_of(number)
        if inputs is not None and blinds is not None and evaluated is not None:
            found[number] = await evaluator.evaluate(number, blinds, inputs) == dict(evaluated.parts)
    return found


class _Anybody(PublicIdentity):
    def signed(self, message: bytes, signature: bytes) -> bool:
        return True


_UNCHECKED = dict.fromkeys(("applicant", "bank", "agency", "server"), _Anybody(b"", b""))


def _read(file: Path, roster: Mapping[str, PublicIdentity] | None) -> Message:
    return read(file.read_bytes(), _UNCHECKED if roster is None else roster, str(file))
