"""The protocol's messages: a head of JSON, parts of bytes, and the signature of whoever sent them.

    message = "ROAP" | u32 size of head | head | signature, 64 bytes | the parts, one after another

The head names session, application, kind (its round), party and the model's digest, and each part with its size and
SHA-256; the signature covers the head, and so all of it. There is one way to write a head, and no other is accepted.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from oracle.approval.errors import Refused
from oracle.approval.identity import Identity, PublicIdentity

MAGIC: Final = b"ROAP"
DOMAIN: Final = b"risk-oracle approval message 1\0"
MOST_HEAD_BYTES: Final = 16_384
MOST_BYTES: Final = 128 << 20
_SIGNATURE: Final = 64

Kind = Literal[
    "pledge",
    "keys",
    "product",
    "ready",
    "blinds-pledge",
    "blinds",
    "input",
    "agreement",
    "evaluated",
    "decision-share",
    "decision",
    "whatifs-share",
    "whatifs",
    "abort",
]
Sender = Literal["applicant", "bank", "agency", "server"]
_Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class PartHead(_Strict):
    """A part: its name, its size in bytes and its SHA-256."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,24}$")]
    size: Annotated[int, Field(ge=0, le=MOST_BYTES)]
    sha256: _Digest


class Head(_Strict):
    """What a message says of itself. `application` 0 is the keys' own; `about` is the digest that it speaks of."""

    version: Literal[1] = 1
    session: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    application: Annotated[int, Field(ge=0, le=2**31)]
    kind: Kind
    party: Sender
    model: _Digest
    about: _Digest | None = None
    said: Annotated[str, Field(max_length=2_000)] = ""
    parts: Annotated[list[PartHead], Field(max_length=8)] = []


@dataclass(frozen=True)
class Message:
    """A message whose signature was checked. `parts` is empty where its head alone is at hand: that binds them all."""

    head: Head
    opening: bytes = field(repr=False)
    parts: Mapping[str, bytes] = field(repr=False)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the head: it stands for the whole message."""
        return hashlib.sha256(_written(self.head)).hexdigest()

    @property
    def whole(self) -> bool:
        """Whether its parts are at hand."""
        return len(self.parts) == len(self.head.parts)

    @property
    def raw(self) -> bytes:
        """The message as it is sent and kept."""
        return b"".join([self.opening, *(self.parts[part.name] for part in self.head.parts)])

    def announced(self) -> Self:
        """Return it without its parts: what is left of one that was used up."""
        return replace(self, parts={})


def pledge_of(party: str, parts: Mapping[str, bytes]) -> str:
    """Return what a party pledges its keys or blinds by, before it sees the others'."""
    return _pledge(party, {name: _sha256(raw) for name, raw in parts.items()})


def pledge_kept(head: Head) -> str:
    """Return the pledge that a message of keys or blinds keeps, by the digests in its head."""
    return _pledge(head.party, {part.name: part.sha256 for part in head.parts})


def _pledge(party: str, digests: Mapping[str, str]) -> str:
    return _sha256(" ".join([party, *(f"{name}:{digests[name]}" for name in sorted(digests))]).encode())


def compose(identity: Identity, head: Head, parts: Mapping[str, bytes] | None = None) -> Message:
    """Return a signed message; the head's own list of parts is made from `parts`."""
    given = dict(parts or {})
    heads = [PartHead(name=name, size=len(raw), sha256=_sha256(raw)) for name, raw in given.items()]
    whole = head.model_copy(update={"parts": heads})
    text = _written(whole)
    signature = identity.sign(DOMAIN + text)
    return Message(whole, b"".join([MAGIC, len(text).to_bytes(4, "big"), text, signature]), given)


def read(raw: bytes, roster: Mapping[str, PublicIdentity], claimed: str = "an unknown sender") -> Message:
    """Return the message that these bytes are; raises Refused, which names who sent it and what it claims to be.

    Until a head can be read, its sender is who `claimed` to deliver it.
    """
    if len(raw) > MOST_BYTES:
        raise Refused(claimed, "unreadable", f"it has {len(raw)} bytes, more than {MOST_BYTES}")
    head, end = _head(raw, roster, claimed)
    return Message(head, raw[:end], _parts(head, raw[end:]))


def read_opening(raw: bytes, roster: Mapping[str, PublicIdentity], claimed: str) -> Message:
    """Return a message of which only magic, head and signature are given, without its parts; raises Refused."""
    head, end = _head(raw, roster, claimed)
    if end != len(raw):
        raise Refused(head.party, head.kind, f"{len(raw) - end} bytes follow its signature")
    return Message(head, raw, {})


def _head(raw: bytes, roster: Mapping[str, PublicIdentity], claimed: str) -> tuple[Head, int]:
    def refuse(why: str) -> Refused:
        return Refused(claimed, "unreadable", why)

    if raw[:4] != MAGIC:
        raise refuse("it does not begin as a message of this protocol")
    size = int.from_bytes(raw[4:8], "big")
    if size > MOST_HEAD_BYTES or len(raw) < 8 + size + _SIGNATURE:
        raise refuse("it is shorter than it says, or its head is longer than any")
    text, signature = raw[8 : 8 + size], raw[8 + size : 8 + size + _SIGNATURE]
    try:
        head = Head.model_validate_json(text)
    except ValidationError as error:
        raise refuse(f"its head does not fit: {error.errors(include_url=False)[0]['msg']}") from error
    if _written(head) != text:
        raise refuse("its head is written in another form than the one there is")
    if not roster[head.party].signed(DOMAIN + text, signature):
        raise Refused(head.party, head.kind, "the signature is not this party's")
    return head, 8 + size + _SIGNATURE


def _parts(head: Head, rest: bytes) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    place = 0
    for part in head.parts:
        piece = rest[place : place + part.size]
        place += part.size
        if part.name in found:
            raise Refused(head.party, head.kind, f"part {part.name} is there twice")
        if len(piece) != part.size or _sha256(piece) != part.sha256:
            raise Refused(head.party, head.kind, f"part {part.name} is not the one that was signed")
        found[part.name] = piece
    if place != len(rest):
        raise Refused(head.party, head.kind, f"{len(rest) - place} bytes follow its last part")
    return found


def _written(head: Head) -> bytes:
    return json.dumps(head.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
