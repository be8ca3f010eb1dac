"""`risk-oracle passport prove | open` against a daemon's doors: real keys, real proofs, and each lie told by name."""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from oracle.client.borrower import Borrower
from oracle.commands import borrowing
from oracle.commands.key_cache import UnusableKeys, keys_of, own_keys
from oracle.devnet.machinery.node import REPOSITORY
from oracle.models import registry
from oracle.passports.private_files import read_opening
from oracle.proving import ezkl_files
from oracle.proving.ceremony import Ceremony
from oracle.proving.errors import KeysFault
from oracle.proving.field import to_element
from oracle.proving.keys import CIRCUIT, PROVING_KEY, SETTINGS, SRS, VERIFYING_KEY, Keys, check_keys
from oracle.proving.making import setup
from oracle.proving.reference_string import generate, sha256_of
from oracle.scratch import memory_folder
from tests.support.borrower_doors import CHAIN_ID, ORACLE, REQUEST, Doors
from tests.support.commanding import Ended, command
from tests.support.passports import HOME, content_of

OTHER = "0x" + "cd" * 20
KEY_BYTES = 45_000_000


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    model = registry.load()
    try:
        return check_keys(REPOSITORY / "build" / "keys" / model.name, model.model_id)
    except KeysFault:
        return setup(model.directory, tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache") / "keys"


@pytest.fixture(autouse=True)
def _own_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def opening(tmp_path: Path) -> Path:
    (tmp_path / "in.json").write_text(json.dumps(content_of(HOME, None)))
    path = tmp_path / "opening.json"
    assert command("passport", "commit", tmp_path / "in.json", path).code == 0
    return path


@pytest.fixture
def doors(keys: Keys, opening: Path) -> Doors:
    return Doors(registry.load(), keys, read_opening(opening).opening.commitment)


@pytest.fixture
async def url(doors: Doors) -> AsyncIterator[str]:
    async with doors.server() as server:
        yield str(server.make_url("/"))


async def prove(opening: Path, url: str, *options: object, request: int = REQUEST) -> Ended:
    return await asyncio.to_thread(command, "passport", "prove", opening, request, "--url", url, *options)


async def give(opening: Path, url: str, *options: object, oracle: str = ORACLE, request: int = REQUEST) -> Ended:
    words = ("passport", "open", opening, request, "--url", url, "--oracle", oracle)
    return await asyncio.to_thread(command, *words, *(options or ("--chain-id", CHAIN_ID)))


async def test_prove__features_published__sends_a_proof_that_holds_and_nothing_private(
    doors: Doors, opening: Path, url: str, keys: Keys, cache: Path, tmp_path: Path
) -> None:
    doors.not_yet = 2
    told = (await prove(opening, url, "--cache", cache, "--json")).json
    [posted] = doors.posted
    held = read_opening(opening).opening
    outputs = tuple(int(text) for text in posted["outputs"])
    instances = (int(doors.features["feature_commitment"]), held.commitment, *map(to_element, outputs))
    proof = bytes.fromhex(posted["proof"][2:])
    paths = [Path(keys.path(name)) for name in (SETTINGS, VERIFYING_KEY, SRS)]
    assert ezkl_files.verify(tmp_path, *paths, proof, instances)
    assert (told["sent"], told["state"], told["data_commitment"]) == (True, "proven", str(held.commitment))
    assert told["assessment"]["basis_points"]["score"] > 0
    assert 0 < told["downloaded_bytes"] <= KEY_BYTES
    assert set(posted) == {"proof", "outputs"}
    assert not [name for name in os.listdir(memory_folder()) if name.startswith("risk-oracle-borrower-")]


async def test_prove__dry_run__shows_scores_without_keys_or_proof(doors: Doors, opening: Path, url: str) -> None:
    shown = await prove(opening, url, "--dry-run", "--recourse")
    assert shown.code == 0
    assert "risk, score" in shown.output
    assert "\nrecourse: " in shown.output
    assert "nothing was proven or sent" in shown.output
    assert (doors.posted, doors.asked_ranges) == ([], [])


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"feature_commitment": "5"}, "its features hash to"),
        ({"encoded": [1025] + [0] * 31}, "features that no circuit takes"),
        ({"values": {}}, "this release does not know"),
        ({"data_commitment": "5"}, "the request is committed to 0x"),
        ({"request_id": "18"}, "answered about request 18"),
        ({"wants": "nothing", "state": "final"}, "waits for no private data: it is final"),
        ({"deadline": 1_700_000_000}, "ran out"),
        ({"model_id": "0x" + "12" * 32}, "not in this release"),
        ({"model_id": "../../etc"}, "does not speak this API"),
        ({"encoded": "secret"}, "does not speak this API: the answer is not what this release reads: encoded"),
    ],
)
async def test_prove__what_the_daemon_tells_does_not_hold__is_said_and_nothing_sent(
    changed: dict[str, Any], said: str, doors: Doors, opening: Path, url: str
) -> None:
    doors.features |= changed
    refused = await prove(opening, url)
    assert (refused.code, doors.posted) == (2, [])
    assert said in refused.error


async def test_prove__values_that_are_not_the_encoded_ones__are_named(doors: Doors, opening: Path, url: str) -> None:
    doors.features["values"]["repayment_rate"] = "0.001"
    refused = await prove(opening, url)
    assert (refused.code, "values of repayment_rate" in refused.error) == (2, True)


async def test_prove__request_not_read_yet__ends_as_unfinished(doors: Doors, opening: Path, url: str) -> None:
    doors.not_yet = 10**6
    refused = await prove(opening, url, "--wait", 0)
    assert (refused.code, "its features are not read" in refused.error) == (3, True)
    unknown = await prove(opening, url, "--wait", 0, request=99)
    assert (unknown.code, "there is no such request" in unknown.error) == (3, True)


@pytest.fixture
def keep(tmp_path: Path, keys: Keys) -> Path:
    """A cache that has the proving key: it is made once, in another test."""
    folder = tmp_path / "keep"
    folder.mkdir()
    shutil.copyfile(keys.path(PROVING_KEY), folder / keys.sha256[PROVING_KEY])
    return folder


async def fetch(url: str, cache: Path) -> int:
    """Have the keys in the cache; return how many bytes were downloaded."""
    async with Borrower(url) as borrower:
        found = await keys_of(borrower, registry.load(), cache, lambda line: None, on_this_machine=True)
        return found.fetched_bytes


async def test_keys__broken_off__go_on_where_they_were_and_are_hashed_at_each_use(
    doors: Doors, url: str, keep: Path
) -> None:
    doors.cut_after = 300_000
    size = doors.key_listing[SRS]["bytes"]
    assert await fetch(url, keep) == size <= KEY_BYTES
    first, then = doors.asked_ranges
    assert first == f"{SRS} whole"
    assert then.startswith(f"{SRS} bytes=")
    assert sorted(os.listdir(keep)) == sorted(doors.key_listing[name]["sha256"] for name in (PROVING_KEY, SRS))
    assert await fetch(url, keep) == 0
    damage(keep / doors.key_listing[SRS]["sha256"])
    assert await fetch(url, keep) == size
    damage(keep / doors.key_listing[PROVING_KEY]["sha256"])
    assert await fetch(url, keep) == 0, "made again, not downloaded"
    assert sha256_of(keep / doors.key_listing[PROVING_KEY]["sha256"]) == doors.keys.sha256[PROVING_KEY]


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[1_000] ^= 1
    path.write_bytes(content)


async def test_keys__reference_string_of_no_ceremony__is_not_taken_from_afar(
    doors: Doors, url: str, keep: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Borrower(url) as borrower:
        with pytest.raises(UnusableKeys, match="of no ceremony that this release pins"):
            await keys_of(borrower, registry.load(), keep, lambda line: None)
        assert doors.asked_ranges == [], "it is told before anything is downloaded"
        theirs = Ceremony("theirs", {doors.keys.logrows: doors.keys.sha256[SRS]}, None)
        taken = await keys_of(borrower, registry.load(), keep, lambda line: None, own=theirs)
    assert taken.reference_string == "theirs"


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://localhost", True),
        ("http://[::1]:1", True),
        ("http://10.0.0.1", False),
        ("https://localhost.example", False),
        ("http://127.0.0.1.example", False),
    ],
)
def test_url__of_this_machine__is_told_from_others(url: str, here: bool) -> None:
    assert borrowing.is_on_this_machine(url) is here


def test_keys__made_here__are_used_whole_and_for_their_model_alone(keys: Keys) -> None:
    found = own_keys(keys.folder, registry.load(), None)
    assert (found.proving_key, found.fetched_bytes) == (keys.folder / PROVING_KEY, 0)
    with pytest.raises(KeysFault, match="keys of model"):
        own_keys(keys.folder, replace(registry.load(), model_id=bytes(32)), None)


async def test_keys__two_at_once__are_downloaded_once(doors: Doors, url: str, keep: Path) -> None:
    both = await asyncio.gather(*(asyncio.to_thread(asyncio.run, fetch(url, keep)) for _ in range(2)))
    assert sorted(both) == [0, max(both)]
    assert len(doors.asked_ranges) == 1


async def test_keys__not_what_was_told__are_thrown_away(doors: Doors, url: str, keep: Path) -> None:
    doors.tampered = True
    with pytest.raises(UnusableKeys, match="it was thrown away"):
        await fetch(url, keep)
    assert [entry.stat().st_size for entry in os.scandir(keep) if entry.name.endswith(".part")] == [0]
    doors.tampered = False
    assert await fetch(url, keep) > 0


@pytest.mark.parametrize(
    ("name", "changed", "said"),
    [
        (SETTINGS, {"sha256": "00" * 32}, "made with other settings"),
        (SRS, {"bytes": 1_000}, "is longer than the 1000 bytes"),
        (SRS, {"bytes": 1 << 40}, "more than any model's"),
        (PROVING_KEY, {"sha256": "00" * 32}, "proving key does not follow from model"),
        (PROVING_KEY, {"sha256": "../../x"}, "does not speak this API"),
        (SRS, None, "lack kzg.srs"),
    ],
)
async def test_keys__listed_wrongly__are_refused(
    name: str, changed: dict[str, Any] | None, said: str, doors: Doors, opening: Path, url: str, tmp_path: Path
) -> None:
    if changed is None:
        del doors.key_listing[name]
    else:
        doors.key_listing[name] |= changed
    refused = await prove(opening, url, "--cache", tmp_path / "cache")
    assert (refused.code, doors.posted) == (2, [])
    assert said in refused.error


async def test_keys__of_another_reference_string__make_no_proof_that_is_sent(
    doors: Doors, opening: Path, url: str, tmp_path: Path
) -> None:
    for name in (PROVING_KEY, SETTINGS, CIRCUIT):
        os.symlink(doors.keys.path(name), tmp_path / name)
    generate(doors.keys.logrows, tmp_path / SRS)
    doors.key_listing[SRS]["sha256"] = sha256_of(tmp_path / SRS)
    doors.keys = replace(doors.keys, folder=tmp_path)
    refused = await prove(opening, url, "--cache", tmp_path / "cache")
    assert (refused.code, doors.posted) == (2, [])
    assert "risk, score" in refused.output, "scores come before the proof"
    assert "proving key does not follow from model" in refused.error


async def test_open__sealed_for_the_request__is_taken_and_unseals_to_the_same(
    doors: Doors, opening: Path, url: str
) -> None:
    told = (await give(opening, url, "--chain-id", CHAIN_ID, "--json")).json
    [posted] = doors.posted
    assert posted["opening"] == read_opening(opening).opening
    assert (told["state"], told["linked_requests"]) == ("collected", [])
    salt = read_opening(opening).opening.salt
    assert not any(str(part) in json.dumps(told) for part in salt)


async def test_open__used_for_another_request_before__is_warned_of(doors: Doors, opening: Path, url: str) -> None:
    assert (await give(opening, url)).code == 0
    # Another daemon's request, as far as this machine knows.
    again = await give(opening, url.replace("127.0.0.1", "localhost"))
    assert again.code == 0
    assert "this opening was used before" in again.error
    assert "passport commit" in again.error


async def test_open__for_another_oracle__is_refused_in_the_daemons_words(doors: Doors, opening: Path, url: str) -> None:
    refused = await give(opening, url, oracle=OTHER)
    assert (refused.code, doors.posted) == (2, [])
    assert "sealed for another oracle" in refused.error


async def test_open__sealing_key_is_not_the_published_one__is_not_used(doors: Doors, opening: Path, url: str) -> None:
    theirs = f"0x{bytes(doors.sealing_key.public_key).hex()}"
    refused = await give(opening, url, "--chain-id", 1, "--sealing-key", "0x" + "11" * 32)
    assert (refused.code, doors.posted) == (2, [])
    assert "--sealing-key is another: nothing was sent" in refused.error
    assert (await give(opening, url, "--chain-id", CHAIN_ID, "--sealing-key", theirs)).code == 0


async def test_open__over_an_open_way__wants_the_published_key(opening: Path) -> None:
    refused = await give(opening, "http://oracle.example")
    assert (refused.code, "give the key that the operator published" in refused.error) == (2, True)


async def test_open__chain_unsaid_or_address_none__is_a_clear_error(opening: Path, url: str) -> None:
    assert "--chain-id" in (await give(opening, url, "--wait", 0)).error
    assert "--oracle" in (await give(opening, url, oracle="0x12")).error


async def test_doors__away_or_no_doors__say_whether_trying_again_helps(
    opening: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(borrowing, "Borrower", partial(Borrower, tries=1))
    away = await prove(opening, "http://127.0.0.1:9", "--wait", 0)
    assert (away.code, "cannot be reached" in away.error) == (75, True)
    assert (await prove(opening, "ftp://x")).code == 2


@pytest.fixture
def weak(opening: Path) -> Path:
    content = json.loads(opening.read_text())
    opening.write_text(json.dumps(content | {"salt": "0x" + "00" * 20}))
    return opening


async def test_answers__opening_with_a_weak_salt__stay_here(doors: Doors, weak: Path, url: str) -> None:
    for ended in (await prove(weak, url), await give(weak, url)):
        assert (ended.code, "too short" in ended.error) == (2, True)
    assert doors.posted == []
