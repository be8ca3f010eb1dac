"""A session of real processes over HTTP: whoever is killed, late, there twice or with another key, nothing is lost."""

import asyncio
import itertools
import json
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
import pytest_asyncio

from oracle.approval.agreement import Recording
from oracle.approval.decision import Application, registry_domain, request_of
from oracle.approval.decision_file import Agreement
from oracle.approval.fields import PARTIES, Answer
from oracle.approval.identity import Identity
from oracle.approval.layout import Layout, clear_row
from oracle.approval.transcript import SERVER
from oracle.assessment.request import Address, to_address
from oracle.devnet.machinery.accounts import named_account
from tests.approval.searching import RARE, found_in, known_words, memory_of
from tests.support.approval_processes import Ended, Kill, Processes, running_processes
from tests.support.lane import ANSWERS, ENGINE_PYTHON, NO_ENGINE

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not ENGINE_PYTHON.exists(), reason=NO_ENGINE),
    # Keys are made and processes started over and over, on whatever machine this is.
    pytest.mark.timeout(1_200),
]

DENIED: dict[str, dict[str, Answer]] = {
    "applicant": {
        **ANSWERS["applicant"],
        "own_property": False,
        "annual_income": 130_000,
        "education_type": "Incomplete higher",
        "occupation_type": "unknown",
    },
    "bank": {"account_months": 55},
    "agency": {"employed": True, "years_employed": 2.5},
}
NOBODY = {"Authorization": "Bearer " + "0" * 64}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Processes]:
    """A session whose keys were made while every party was killed in every round of them."""
    async with running_processes(tmp_path_factory.mktemp("processes")) as running:
        running.wire.kills = [
            Kill("applicant", "applicant", "pledge", delivered=True),
            Kill("bank", "bank", "pledge", delivered=False),
            Kill("applicant", "applicant", "keys", delivered=False),
            Kill("bank", "bank", "keys", delivered=True),
            Kill("agency", "agency", "keys", delivered=False),
            Kill("server", "agency", "keys", delivered=True),
            Kill("bank", "bank", "product", delivered=False),
            Kill("agency", "agency", "product", delivered=True),
            Kill("applicant", "applicant", "product", delivered=True),
            Kill("applicant", "applicant", "ready", delivered=False),
            Kill("agency", "agency", "ready", delivered=True),
        ]
        for name in ("bank", "agency"):
            running.answers(name, ANSWERS[name])
            running.start(name)
        running.start(SERVER)
        running.applied = await running.apply(ANSWERS["applicant"])
        assert running.applied.code == 0, running.applied.error
        yield running


def judged(world: Processes, answers: Mapping[str, Mapping[str, Answer]]) -> tuple[bool, list[bool]]:
    layout = Layout(world.session.model)
    form = {name: value for party in PARTIES for name, value in answers[party].items()}
    return clear_row(layout, layout.model.levels_of(form)[0])


def check(world: Processes, ended: Ended, answers: Mapping[str, Mapping[str, Answer]]) -> int:
    """Compare an outcome with the model in the clear, and return its number."""
    layout = Layout(world.session.model)
    approved, what_ifs = judged(world, answers)
    assert ended.told["approved"] == approved
    levels = layout.model.levels_of(answers["applicant"], "applicant")[0]
    assert ended.told["changes"] == ({} if approved else layout.explain(levels, what_ifs))
    return int(ended.told["application"])


async def decided(world: Processes, number: int, approved: bool) -> None:
    """Wait until bank and agency have told an outcome."""
    for name in ("bank", "agency"):
        await world.said(name, f"application {number}: {'approved' if approved else 'denied'}")


async def test_session__when_each_is_killed_in_each_round_of_the_keys__then_it_resumes_and_decides(
    world: Processes,
) -> None:
    assert [kill for kill in world.wire.kills if not kill.done] == []
    assert judged(world, ANSWERS)[0]
    assert check(world, world.applied, ANSWERS) == 1
    await decided(world, 1, True)


@pytest.mark.parametrize("delivered", [False, True])
async def test_application__when_a_party_is_killed_in_each_round__then_it_is_taken_up_and_explained(
    world: Processes, delivered: bool
) -> None:
    world.wire.kills = [
        Kill("applicant", "applicant", "input", delivered),
        Kill("bank", "bank", "decision-share", delivered),
        Kill("agency", "agency", "decision", delivered),
        Kill("applicant", "applicant", "whatifs-share", delivered),
        Kill("bank", "bank", "whatifs", delivered),
    ]
    for name in ("bank", "agency"):
        world.answers(name, DENIED[name])
    assert not judged(world, DENIED)[0]
    number = check(world, await world.apply(DENIED["applicant"]), DENIED)
    assert [kill for kill in world.wire.kills if not kill.done] == []
    await decided(world, number, False)
    # Each tells its outcome first: while its answers are kept, nobody was told.
    await world.until(lambda: [file for name in PARTIES for file in (world.folder / name).glob("*.form")] == [])


async def test_server__when_killed_while_an_application_runs__then_it_goes_on_from_its_folder(world: Processes) -> None:
    world.wire.kills = [
        Kill("server", "agency", "input", delivered=True),
        Kill("server", "bank", "decision-share", delivered=False),
        Kill("server", "applicant", "decision", delivered=True),
    ]
    for name in ("bank", "agency"):
        world.answers(name, ANSWERS[name])
    number = check(world, await world.apply(ANSWERS["applicant"]), ANSWERS)
    assert [kill for kill in world.wire.kills if not kill.done] == []
    await decided(world, number, True)


async def test_party__when_it_is_not_there__then_it_is_named_in_time_and_the_application_waits_for_it(
    world: Processes,
) -> None:
    assert await world.stop("agency") == 0
    silent = await world.apply(ANSWERS["applicant"], "--patience", "3")
    assert silent.code == 75
    assert "agency has not sent its input message in 3 s" in silent.error
    # Nobody begins another by mistake, or changes what was begun.
    other = await world.apply(DENIED["applicant"], "--patience", "3")
    assert other.code == 2
    assert "begun with other answers" in other.error
    world.start("agency")
    number = check(world, await world.apply(ANSWERS["applicant"]), ANSWERS)
    await decided(world, number, True)


async def test_applicant__when_it_gives_one_up__then_all_let_it_go_and_the_next_begins(world: Processes) -> None:
    world.answers("agency", {"1": ANSWERS["agency"]})
    silent = await world.apply(ANSWERS["applicant"], "--patience", "3")
    assert silent.code == 75
    begun = await world.last()
    await world.said("agency", f"has no answers for application {begun}")
    world.answers("agency", {"1": ANSWERS["agency"], str(begun + 1): DENIED["agency"]})
    world.answers("bank", DENIED["bank"])
    assert check(world, await world.apply(DENIED["applicant"], "--anew"), DENIED) == begun + 1
    assert "the applicant withdrew it" in world.log("server")


async def test_answers__when_they_come_later__then_the_application_goes_on(world: Processes) -> None:
    number = await world.last() + 1
    for name in ("bank", "agency"):
        world.answers(name, {"1": ANSWERS[name]})
    applying = asyncio.create_task(world.apply(ANSWERS["applicant"]))
    for name in ("bank", "agency"):
        await world.said(name, f"has no answers for application {number}")
        world.answers(name, {str(number): ANSWERS[name]})
    assert check(world, await applying, ANSWERS) == number


async def test_party__when_started_twice_or_elsewhere__then_the_second_is_refused_and_the_first_goes_on(
    world: Processes, tmp_path: Path
) -> None:
    for name in ("bank", "server"):
        twice = await world.run(name)
        assert twice.code == 2
        assert "another process works with" in twice.error
    elsewhere = await world.run("bank", folder=tmp_path / "bank")
    assert elsewhere.code == 2
    assert "made with another folder" in elsewhere.error
    for name in ("bank", "agency"):
        world.answers(name, ANSWERS[name])
    check(world, await world.apply(ANSWERS["applicant"]), ANSWERS)


async def test_party__when_it_comes_back_with_another_key__then_it_is_told_whose_it_is(
    world: Processes, tmp_path: Path
) -> None:
    stranger = tmp_path / "stranger.key"
    Identity.of_file(stranger)
    for key, whose in ((stranger, "nobody's"), (world.key("agency"), "that of the agency")):
        found = await world.run("bank", folder=tmp_path / "bank", key=key)
        assert found.code == 2
        assert f"is not the key of the bank in session {world.session.id}: it is {whose}" in found.error
    missing = await world.run("bank", folder=tmp_path / "bank", key=tmp_path / "none.key")
    assert missing.code == 2
    assert "there is no key file" in missing.error
    assert not (tmp_path / "none.key").exists()


async def test_messages__when_a_stranger_asks_for_them__then_nothing_is_handed_out_or_taken(world: Processes) -> None:
    url = f"http://127.0.0.1:{world.port}/v1"
    stranger = Identity(os.urandom(32)).token(world.session.roster[SERVER], world.session.id)
    async with aiohttp.ClientSession() as http:
        for headers in ({}, NOBODY, {"Authorization": f"Bearer {stranger}"}):
            for method, path in (("GET", "messages"), ("GET", "messages/" + "0" * 64), ("POST", "messages")):
                async with http.request(method, f"{url}/{path}", headers=headers) as answer:
                    assert answer.status == 401
        async with http.get(f"{url}/session") as answer:
            assert (await answer.json())["session"] == world.session.id


async def test_decision__when_it_shall_be_recorded__then_no_share_is_given_before_the_applicant_agreed(
    world: Processes, tmp_path: Path
) -> None:
    place = Recording(31_337, Address("0x" + "ab" * 20), 3)
    words = ["--registry", place.registry, "--chain-id", str(place.chain_id), "--panel", str(place.panel)]
    half = await world.run("bank", *words[:2])
    assert half.code == 2
    assert "go together" in half.error
    for name in ("bank", "agency"):
        world.answers(name, DENIED[name])
    # The bank alone wants it: that is enough.
    assert await world.stop("bank") == 0
    world.start("bank", *words, "--patience", "2")
    number = await world.last() + 1
    world.wire.seen.clear()
    wanted = await world.apply(DENIED["applicant"])
    assert wanted.code == 2
    assert f"application {number} is recorded by {place}, and its parties open nothing before you agree" in wanted.error
    await world.said("bank", "applicant has not sent its agreement message in 2 s")
    assert ("bank", "decision-share") not in world.wire.seen
    assert ("applicant", "decision-share") not in world.wire.seen
    agreed = tmp_path / "agreed.json"
    for other, said in ((replace(place, panel=4), "is for panel 4"), (replace(place, chain_id=1), "on chain 1")):
        agreed.write_text(agreement(world, number, other))
        bad = await world.apply(DENIED["applicant"], "--agreed", str(agreed))
        assert (bad.code, said in bad.error) == (2, True), bad.error
    assert ("applicant", "agreement") not in world.wire.seen
    agreed.write_text(agreement(world, number, place))
    assert check(world, await world.apply(DENIED["applicant"], "--agreed", str(agreed)), DENIED) == number
    await decided(world, number, False)
    order = [one for one in world.wire.seen if one[1] in ("agreement", "decision-share")]
    assert order.index(("applicant", "agreement")) < order.index(("bank", "decision-share"))
    assert await world.stop("bank") == 0
    world.start("bank")


def agreement(world: Processes, number: int, place: Recording) -> str:
    """Return what an applicant signs to agree that a decision is recorded."""
    account = named_account("an applicant")
    domain = registry_domain(place.chain_id, place.registry)
    request, model = request_of(world.session.id, number), bytes.fromhex(world.session.model.digest)
    asked = Application(place.panel, to_address(account.address), request, model, bytes(32))
    signature = account.sign_typed_data(full_message=asked.message(domain)).signature
    return Agreement(domain, asked, bytes(signature)).written()


async def test_server__when_its_memory_and_disk_are_searched__then_no_share_and_no_plaintext_is_found(
    world: Processes,
) -> None:
    for name in ("bank", "agency"):
        world.answers(name, RARE[name])
    check(world, await world.apply(RARE["applicant"]), RARE)
    known, plain = known_words(world)
    assert len(known) >= 1_000
    assert len(plain) >= 8
    server = psutil.Process(world.running[SERVER].pid)
    processes = [server, *server.children(recursive=True)]
    assert len(processes) == 2, "the server and its engine"
    disk = (file.read_bytes() for file in sorted((world.folder / SERVER).iterdir()))
    searched, own = 0, 0
    for raw in itertools.chain(*(memory_of(process.pid) for process in processes), disk):
        assert found_in(raw, known) == 0
        assert [text for text in plain if text in raw] == []
        searched += len(raw)
        own += world.session.id.encode() in raw
    assert searched > 200 << 20
    assert own > 0, "what the server knows is found in the same way"
    # The search finds what is there: the bank's engine works with its share.
    bank = psutil.Process(world.running["bank"].pid)
    held = sum(found_in(raw, known) for one in bank.children() for raw in memory_of(one.pid))
    assert held >= 100


async def test_processes__when_asked_to_end__then_they_end_in_order_and_leave_no_engine(world: Processes) -> None:
    children = [one for child in world.running.values() for one in psutil.Process(child.pid).children()]
    assert len(children) == 3
    assert [await world.stop(name) for name in list(world.running)] == [0, 0, 0]
    assert psutil.wait_procs(children, timeout=30)[1] == []


async def test_server__when_it_is_not_there__then_the_applicant_is_told_and_nothing_is_begun(world: Processes) -> None:
    gone = await world.apply(ANSWERS["applicant"], "--patience", "2")
    assert gone.code == 75
    assert f"the server at {world.wire.url} has not answered in 2 s" in gone.error


async def test_replay__when_all_is_over__then_each_evaluation_is_the_models(world: Processes) -> None:
    words = [
        os.fspath(one) for one in ("approval", "replay", world.folder / SERVER, "--python", ENGINE_PYTHON, "--json")
    ]
    ended = await world.program(*words)
    found: dict[str, Any] = json.loads(ended.output)
    assert set(found.values()) == {True}
    assert len(found) >= 6
