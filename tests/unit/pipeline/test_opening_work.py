"""What the prover's process does with openings: bound to their request, unreadable at rest, silent about values."""

import json
import pickle
import random
from dataclasses import replace
from pathlib import Path

import pytest
from nacl.public import PrivateKey

from oracle.assessment.errors import ConfigurationFault
from oracle.passports.errors import AnotherCommitment, InvalidOpening, NotSealedToThisKey
from oracle.passports.opening import Opening, commit
from oracle.passports.sealing import seal
from oracle.pipeline.private.key_files import (
    SEALING,
    KeyFileFault,
    KeyFiles,
    check_files,
    make_keys,
    public_key,
    read_key,
)
from oracle.pipeline.private.work import Bound, OpeningLost, StoredOpening, prove_opening, take_opening
from oracle.proving import worker
from oracle.proving.errors import ProvingFailed
from tests.support.passports import random_passport
from tests.support.plaintext import Needles

_RANDOM = random.Random(4)  # noqa: S311
OWN = commit(random_passport(_RANDOM), [_RANDOM.randrange(2**32) for _ in range(5)])
BOUND = Bound(31_337, "0x" + "0a" * 20, 17, OWN.commitment)


@pytest.fixture
def files(tmp_path: Path) -> KeyFiles:
    return make_keys(tmp_path / "privacy")


def sealed(files: KeyFiles, opening: Opening = OWN, bound: Bound = BOUND) -> bytes:
    where = {"chain_id": bound.chain_id, "oracle": bound.oracle, "request_id": bound.request_id}
    return seal(opening, public_key=public_key(files.sealing), **where)  # type: ignore[arg-type]


def taken(files: KeyFiles) -> StoredOpening:
    return take_opening(files, BOUND, sealed(files))


def test_opening__taken__is_unreadable_at_rest_and_the_same_when_proven(
    files: KeyFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    proven = []
    monkeypatch.setattr(worker, "prove", lambda *tensors: proven.append(tensors))
    stored, again = taken(files), taken(files)
    assert stored.sealed != again.sealed, "no two rows show that they hold the same"
    assert Needles([OWN]).found_in(pickle.dumps(stored)) == []
    prove_opening(files, BOUND, stored, (1, 2))
    assert proven == [((1, 2), OWN.tensor)]


@pytest.mark.parametrize(
    "other", [{"chain_id": 1}, {"oracle": "0x" + "0b" * 20}, {"request_id": 18}, {"commitment": 5}], ids=str
)
def test_opening__stored_for_one_request__is_of_no_use_for_another(files: KeyFiles, other: dict[str, object]) -> None:
    with pytest.raises(OpeningLost):
        prove_opening(files, replace(BOUND, **other), taken(files), ())  # type: ignore[arg-type]


def test_opening__under_another_storage_key_or_changed__is_lost_and_says_so(files: KeyFiles, tmp_path: Path) -> None:
    stored = taken(files)
    other = make_keys(tmp_path / "other")
    for use, row in (
        (KeyFiles(files.sealing, other.storage), stored),
        (files, StoredOpening(stored.nonce, stored.sealed[:-1] + bytes([stored.sealed[-1] ^ 1]))),
        (files, StoredOpening(stored.sealed[: len(stored.nonce)], stored.sealed)),
    ):
        with pytest.raises(OpeningLost, match="storage_key_file"):
            prove_opening(use, BOUND, row, ())


def test_opening__that_is_wrong__names_the_check_and_crosses_processes_whole(files: KeyFiles) -> None:
    other = Opening.of(OWN.encoded, [7, 8, 9, 10, 11])
    stranger = bytes(PrivateKey.generate().public_key)
    where = {"chain_id": BOUND.chain_id, "oracle": BOUND.oracle, "request_id": BOUND.request_id}
    for box, kind in (
        (sealed(files, other), AnotherCommitment),
        (seal(OWN, public_key=stranger, **where), NotSealedToThisKey),  # type: ignore[arg-type]
    ):
        with pytest.raises(kind) as refused:
            take_opening(files, BOUND, box)
        carried = pickle.loads(pickle.dumps(refused.value))  # noqa: S301
        assert isinstance(carried, InvalidOpening)
        assert (str(carried), carried.check) == (str(refused.value), kind.check)


def test_proof__that_fails__repeats_nothing_of_the_private_data(
    files: KeyFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(chain: tuple[int, ...], private: tuple[int, ...]) -> None:
        raise ProvingFailed(f"EZKL made no proof: {json.dumps(private)} is out of range")

    monkeypatch.setattr(worker, "prove", fail)
    with pytest.raises(ProvingFailed) as failed:
        prove_opening(files, BOUND, taken(files), ())
    assert str(OWN.salt[0]) not in str(failed.value)
    assert failed.value.__suppress_context__


def test_keys__made__are_for_their_owner_alone_and_never_replaced(tmp_path: Path) -> None:
    made = make_keys(tmp_path / "keys")
    assert {path.stat().st_mode & 0o777 for path in (made.sealing, made.storage)} == {0o600}
    assert check_files(made) == bytes(PrivateKey(read_key(made.sealing, SEALING)).public_key)
    before = made.sealing.read_text()
    with pytest.raises(KeyFileFault, match="is there already"):
        make_keys(tmp_path / "keys")
    assert made.sealing.read_text() == before


@pytest.mark.parametrize("content", ["", "12", "zz" * 32, "00" * 32, "ab" * 33, "\N{SNOWMAN}" * 64])
def test_key_file__that_holds_no_key__is_refused_without_a_word_of_it(files: KeyFiles, content: str) -> None:
    files.sealing.write_text(content)
    with pytest.raises(ConfigurationFault) as refused:
        check_files(files)
    assert str(files.sealing) in str(refused.value)
    assert len(content) < 3 or content not in str(refused.value)


def test_key_files__that_are_gone_or_alike__are_refused(files: KeyFiles) -> None:
    files.storage.write_text(files.sealing.read_text())
    with pytest.raises(KeyFileFault, match="the same key"):
        check_files(files)
    files.storage.unlink()
    with pytest.raises(KeyFileFault, match="privacy keys"):
        check_files(files)
