"""A message is its sender's, whole and in one form, or it is refused with its sender's name."""

import json

import pytest

from oracle.approval.errors import Refused, VaultFault
from oracle.approval.identity import Identity, PublicIdentity, seal
from oracle.approval.messages import MAGIC, Head, Kind, compose, read
from oracle.approval.transcript import PARTS

KEYS = {name: Identity(bytes([number]) * 32) for number, name in enumerate(("applicant", "bank", "agency", "server"))}
ROSTER: dict[str, PublicIdentity] = {name: key.public for name, key in KEYS.items()}
HEAD = Head(session="a" * 32, application=1, kind="input", party="bank", model="b" * 64, about="c" * 64)
GOOD = compose(KEYS["bank"], HEAD, {"features": b"some bytes", "blinds": b""})


def test_message__when_written_and_read__then_it_is_the_same() -> None:
    found = read(GOOD.raw, ROSTER)
    assert found == GOOD
    assert found.parts == {"features": b"some bytes", "blinds": b""}


@pytest.mark.parametrize("kind", list(PARTS))
def test_message__when_any_bit_of_any_kind_is_flipped__then_it_is_refused(kind: Kind) -> None:
    party = "server" if kind == "evaluated" else "agency"
    head = HEAD.model_copy(update={"kind": kind, "party": party})
    raw = compose(KEYS[party], head, dict.fromkeys(PARTS[kind], b"x" * 9)).raw
    tried = 0
    for place in range(len(raw)):
        bent = bytearray(raw)
        bent[place] ^= 1 << (place % 8)
        with pytest.raises(Refused):
            read(bytes(bent), ROSTER)
        tried += 1
    assert tried >= 200


def test_message__when_cut_or_longer__then_it_is_refused() -> None:
    for raw in (*(GOOD.raw[:size] for size in range(len(GOOD.raw))), GOOD.raw + b"\0", b"\x80\x04\x95pickled"):
        with pytest.raises(Refused):
            read(raw, ROSTER)


def test_message__when_another_signed_it__then_the_party_it_claims_is_named() -> None:
    with pytest.raises(Refused, match="bank's input message was refused: the signature is not this party's") as caught:
        read(compose(KEYS["agency"], HEAD, {}).raw, ROSTER)
    assert (caught.value.party, caught.value.kind) == ("bank", "input")


def test_message__when_a_part_is_another__then_party_kind_and_part_are_named() -> None:
    with pytest.raises(Refused, match="bank's input message was refused: part features is not the one"):
        read(GOOD.raw.replace(b"some bytes", b"more bytes"), ROSTER)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"application":1', b'"application":1.0'),
        (b'"application":1', b'"application":"1"'),
        (b'"application":1', b'"application":-1'),
        (b'"application":1', b'"application": 1'),
        (b'"application":1', b'"application":1,"more":1'),
        (b'"kind":"input"', b'"kind":"other"'),
        (b'"party":"bank"', b'"party":"nobody"'),
        (b'"version":1', b'"version":2'),
    ],
)
def test_message__when_its_head_is_signed_and_odd__then_it_is_refused(old: bytes, new: bytes) -> None:
    size = int.from_bytes(GOOD.raw[4:8], "big")
    text = GOOD.raw[8 : 8 + size].replace(old, new)
    assert json.loads(text)
    from oracle.approval.messages import DOMAIN

    signed = KEYS["bank"].sign(DOMAIN + text)
    raw = MAGIC + len(text).to_bytes(4, "big") + text + signed + GOOD.raw[8 + size + 64 :]
    with pytest.raises(Refused):
        read(raw, ROSTER)


def test_seal__when_its_readers_open_it__then_each_can_and_nobody_else() -> None:
    readers = [ROSTER[name] for name in ("applicant", "bank", "agency")]
    sealed = seal(b"share", readers, b"decision 1")
    assert b"share" not in sealed
    assert [KEYS[name].unseal(sealed, b"decision 1", n) for n, name in enumerate(("applicant", "bank", "agency"))] == [
        b"share"
    ] * 3
    for number in range(4):
        with pytest.raises(VaultFault):
            KEYS["server"].unseal(sealed, b"decision 1", number)
    with pytest.raises(VaultFault):
        KEYS["bank"].unseal(sealed, b"decision 2", 1)
    for place in range(len(sealed)):
        bent = bytearray(sealed)
        bent[place] ^= 1
        if place in range(33 + 48, 33 + 96) or place in range(33, 33 + 48):
            continue  # another reader's key
        with pytest.raises(VaultFault):
            KEYS["agency"].unseal(bytes(bent), b"decision 1", 2)


def test_disk__when_a_locked_share_is_changed_or_anothers__then_it_does_not_open() -> None:
    locked = KEYS["bank"].lock(b"share", b"session bank")
    assert KEYS["bank"].unlock(locked, b"session bank") == b"share"
    for key, raw, bound in (
        (KEYS["agency"], locked, b"session bank"),
        (KEYS["bank"], locked, b"session agency"),
        (KEYS["bank"], locked[:-1], b"session bank"),
        (KEYS["bank"], b"", b"session bank"),
    ):
        with pytest.raises(VaultFault, match="does not open"):
            key.unlock(raw, bound)
