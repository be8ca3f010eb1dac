"""Openings: the commitment is the circuit's, a weak salt is refused, a box opens for its own request alone."""

import json
import random
from typing import Any

import pytest
from nacl.public import PrivateKey, SealedBox

from oracle.assessment.features import PRIVATE_FEATURES
from oracle.assessment.request import FIELD_MODULUS
from oracle.passports.errors import (
    AnotherCommitment,
    AnotherRequest,
    InvalidOpening,
    InvalidSalt,
    NotSealedToThisKey,
    PassportError,
)
from oracle.passports.opening import (
    Opening,
    commit,
    commitment_of_hex,
    new_salt,
    salt_of_hex,
    salt_to_hex,
    to_hex32,
)
from oracle.passports.passport import Passport
from oracle.passports.sealing import LARGEST_SEALED, seal, unseal
from oracle.proving.commitment import commit_private
from tests.support.passports import SALT, content_of, random_passport

KEY = PrivateKey(bytes(range(32)))
ORACLE = "0x" + "aB" * 20
BOUND: dict[str, Any] = {"chain_id": 31337, "oracle": ORACLE, "request_id": 17}


@pytest.fixture(scope="module")
def opening() -> Opening:
    return commit(Passport.of(content_of()), SALT)


def test_commit__passport_and_salt__is_the_circuits_commitment(opening: Opening) -> None:
    assert opening.commitment == commit_private((*Passport.of(content_of()).encoded(), *SALT))
    assert repr(opening) == f"Opening(commitment={opening.commitment})"
    opening.require(opening.commitment)
    with pytest.raises(AnotherCommitment, match=r"the request is committed to 0x0{63}1"):
        opening.require(1)


def test_new_salt__many__are_160_bits_that_never_repeat() -> None:
    salts = {new_salt() for _ in range(2_000)}
    assert len(salts) == 2_000
    parts = [part for salt in salts for part in salt]
    assert max(parts) < 2**32
    for bit in range(32):
        assert 0.45 < sum(part >> bit & 1 for part in parts) / len(parts) < 0.55


def test_salt__to_hex_and_back__is_big_endian_in_order() -> None:
    assert salt_to_hex(SALT) == "0x01020304ffffffff0000000780000000deadbeef"
    assert salt_of_hex(salt_to_hex(SALT)) == SALT


@pytest.mark.parametrize("text", ["0x" + "12" * 16, "12" * 20, "0x" + "1g" * 20, "0x" + "12" * 21, "0x"])
def test_salt__of_another_length_or_kind__is_refused(text: str) -> None:
    with pytest.raises(InvalidSalt, match="40 hex digits"):
        salt_of_hex(text)


@pytest.mark.parametrize("salt", [(0, 0, 0, 0, 0), (9, 8, 7, 0, 0), (0, 0, 3, 2, 1)])
def test_salt__filled_up_with_zeros__is_too_short(salt: tuple[int, ...], opening: Opening) -> None:
    with pytest.raises(InvalidSalt, match="too short"):
        Opening.of(opening.encoded, salt)
    with pytest.raises(InvalidSalt, match="too short"):
        salt_of_hex(salt_to_hex(salt))


@pytest.mark.parametrize("salt", [SALT[:4], (*SALT, 1), (*SALT[:4], 2**32), (*SALT[:4], -1), (*SALT[:4], True)])
def test_salt__not_five_32_bit_integers__is_refused(salt: tuple[int, ...], opening: Opening) -> None:
    with pytest.raises(InvalidSalt, match="5 unsigned 32-bit"):
        Opening.of(opening.encoded, salt)


@pytest.mark.parametrize("code", [-1, 1025, 3.0, True, "7"])
def test_opening__encoded_feature_out_of_range__is_named_without_its_value(code: Any, opening: Opening) -> None:
    encoded = list(opening.encoded)
    encoded[10] = code
    with pytest.raises(InvalidOpening, match=r"property_value \(USD, 0..1000000\) is out of range"):
        Opening.of(encoded, SALT)
    with pytest.raises(InvalidOpening, match=f"expected {len(PRIVATE_FEATURES)}"):
        Opening.of(encoded[:-1], SALT)


def test_commitment__hex__must_be_below_the_fields_order() -> None:
    assert commitment_of_hex(to_hex32(FIELD_MODULUS - 1)) == FIELD_MODULUS - 1
    with pytest.raises(InvalidOpening, match="below the field's order"):
        commitment_of_hex(to_hex32(FIELD_MODULUS))
    for text in ("0x12", "12" * 32, "0x" + "zz" * 32):
        with pytest.raises(InvalidOpening, match="64 hex digits"):
            commitment_of_hex(text)


def test_unseal__of_this_request__gives_the_opening_back(opening: Opening) -> None:
    sealed = seal(opening, **BOUND, public_key=bytes(KEY.public_key))
    again = unseal(sealed, **(BOUND | {"oracle": ORACLE.lower()}), secret_key=bytes(KEY))
    assert again == opening
    assert seal(opening, **BOUND, public_key=bytes(KEY.public_key)) != sealed


def test_seal__whatever_the_passport_says__has_one_length() -> None:
    chance = random.Random(5)  # noqa: S311 - examples, no secrets
    lengths = {
        len(seal(commit(random_passport(chance), new_salt()), **BOUND, public_key=bytes(KEY.public_key)))
        for _ in range(20)
    }
    assert lengths == {LARGEST_SEALED}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("request_id", 18, "another request id"),
        ("chain_id", 1, "another chain id"),
        ("oracle", "0x" + "cd" * 20, "another oracle"),
    ],
)
def test_unseal__for_another__is_refused_naming_what(name: str, value: Any, said: str, opening: Opening) -> None:
    sealed = seal(opening, **BOUND, public_key=bytes(KEY.public_key))
    with pytest.raises(AnotherRequest, match=said) as caught:
        unseal(sealed, **(BOUND | {name: value}), secret_key=bytes(KEY))
    assert caught.value.check == "another_request"


def test_unseal__another_key_or_changed_or_cut__is_refused(opening: Opening) -> None:
    sealed = seal(opening, **BOUND, public_key=bytes(KEY.public_key))
    for box, key in (
        (sealed, PrivateKey.generate()),
        (bytes([sealed[0] ^ 1]) + sealed[1:], KEY),
        (sealed[:-1], KEY),
        (b"", KEY),
        (sealed + b"x" * 3_000_000, KEY),
    ):
        with pytest.raises(NotSealedToThisKey) as caught:
            unseal(box, **BOUND, secret_key=bytes(key))
        assert caught.value.check == "not_sealed_to_this_key"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"v": 2}, "another version"),
        ({"v": True}, "another version"),
        ({"extra": 1}, "nothing else"),
        ({"encoded": [1025] + [0] * 23}, "passport_present"),
        ({"encoded": [0] * 23}, "23 encoded features"),
        ({"encoded": {}}, "lists"),
        ({"salt": [0] * 5}, "too short"),
        ({"salt": [2**32] * 5}, "32-bit"),
    ],
)
def test_unseal__what_is_inside_is_wrong__is_refused_as_out_of_range(changed: Any, said: str, opening: Opening) -> None:
    good = {"v": 1, "chain_id": 31337, "oracle": ORACLE.lower(), "request_id": "17"}
    content = good | {"encoded": list(opening.encoded), "salt": list(SALT)} | changed
    sealed = SealedBox(KEY.public_key).encrypt(json.dumps(content).encode())
    with pytest.raises(InvalidOpening, match=said) as caught:
        unseal(sealed, **BOUND, secret_key=bytes(KEY))
    assert caught.value.check == "out_of_range"


def test_unseal__no_json_inside__is_refused() -> None:
    for plain in (b"hello", b"[]", b"[" * 500, b"\xff\xfe"):
        with pytest.raises(InvalidOpening):
            unseal(SealedBox(KEY.public_key).encrypt(plain), **BOUND, secret_key=bytes(KEY))


@pytest.mark.parametrize("key", [b"", bytes(31), bytes(33), bytes(32)])
def test_seal__to_what_is_no_key__is_refused(key: bytes, opening: Opening) -> None:
    with pytest.raises(PassportError, match="sealing key"):
        seal(opening, **BOUND, public_key=key)
