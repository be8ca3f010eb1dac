"""What the API tells of wallets, requests, proofs, explanations and models."""

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest
from eth_utils.address import to_checksum_address
from sqlalchemy import insert

from oracle.assessment.request import FIELD_MODULUS
from oracle.config.model import ModelSettings
from oracle.models import registry
from oracle.models.inference import Model
from oracle.pipeline.context import Context
from oracle.store import explanations, requests
from oracle.store.explanations import Told
from oracle.store.tables import RequestRow
from tests.store.test_requests import CHAIN, ORACLE, OTHER_ORACLE
from tests.web.conftest import Door
from tests.web.records import OUTPUTS, row, wallet

ALICE, BOB = wallet(0xA11CE), wallet(0xB0B)
HUGE = 2**200 + 7


async def store(door: Door, *rows: dict[str, Any]) -> None:
    async with door.api.sessions.begin() as session:
        for one in rows:
            await session.execute(insert(RequestRow).values(one))


async def explained(door: Door, request_id: int, told: Told) -> None:
    async with door.api.sessions.begin() as session:
        found = await requests.find(session, CHAIN, ORACLE, request_id)
        await explanations.put(session, found.id, told)


# --------------------------------------------------------------- wallets


async def test_wallet__then_its_latest_answer_and_all_requests_newest_first(door: Door) -> None:
    await store(
        door,
        row(1, ALICE),
        row(2, ALICE),
        row(3, ALICE, "declined", scores=None, decline_reason=2),
        row(4, ALICE, "scored"),
        row(5, BOB),
        row(6, ALICE) | {"oracle": OTHER_ORACLE},
    )
    found = await door.get(f"/v1/assessments/{ALICE}")
    assert found["address"] == to_checksum_address(ALICE)
    assert found["latest"]["request_id"] == "2"
    assert [(one["request_id"], one["state"]) for one in found["history"]] == [
        ("4", "scored"), ("3", "declined"), ("2", "final"), ("1", "final"),
    ]  # fmt: skip
    assert found["history"][1]["decline_reason"] == "unsupported_asset"
    assert found["history"][0]["assessment"] is None, "what is not proven yet is not told"
    assert found["next_cursor"] is None


async def test_wallet__when_its_latest_answer_is_on_another_page__then_told_all_the_same(door: Door) -> None:
    await store(
        door, row(1, ALICE), row(2, ALICE, "dead"), row(3, ALICE, "expired"), row(4, ALICE), row(5, ALICE, "dead")
    )
    first = await door.get(f"/v1/assessments/{ALICE}?limit=1")
    last = await door.get(f"/v1/assessments/{ALICE}?limit=2&cursor={first['next_cursor']}")
    assert [one["request_id"] for one in last["history"]] == ["4", "3"]
    assert (first["latest"]["request_id"], last["latest"]["request_id"]) == ("4", "4")
    end = await door.get(f"/v1/assessments/{ALICE}?limit=2&cursor={last['next_cursor']}")
    assert (end["latest"]["request_id"], [one["request_id"] for one in end["history"]]) == ("4", ["2", "1"])


@pytest.mark.parametrize("given", [ALICE.upper().replace("0X", "0x"), to_checksum_address(ALICE)])
async def test_wallet__in_any_right_spelling__then_the_same_wallet(door: Door, given: str) -> None:
    await store(door, row(1, ALICE))
    assert len((await door.get(f"/v1/assessments/{given}"))["history"]) == 1


async def test_wallet__when_nothing_is_known__then_empty(door: Door) -> None:
    found = await door.get(f"/v1/assessments/{ALICE}")
    assert (found["latest"], found["history"], found["next_cursor"]) == (None, [], None)


async def test_wallet__page_by_page__then_each_once_though_new_ones_arrive_in_the_same_second(door: Door) -> None:
    await store(door, *(row(number, ALICE, requested_at=1_700_000_000) for number in range(1, 8)))
    seen: list[str] = []
    cursor = ""
    while True:
        found = await door.get(f"/v1/assessments/{ALICE}?limit=3{cursor}")
        seen += [one["request_id"] for one in found["history"]]
        if found["next_cursor"] is None:
            break
        cursor = f"&cursor={found['next_cursor']}"
        await store(door, row(100 + len(seen), ALICE, requested_at=1_700_000_000))
    assert seen == list("7654321")


async def test_wallet__with_another_wallets_cursor__then_refused(door: Door) -> None:
    await store(door, *(row(number, ALICE) for number in range(1, 4)))
    cursor = (await door.get(f"/v1/assessments/{ALICE}?limit=1"))["next_cursor"]
    found = await door.problem("GET", f"/v1/assessments/{BOB}?cursor={cursor}")
    assert [one["field"] for one in found["errors"]] == ["query.cursor"]


# -------------------------------------------------------------- requests


async def test_request__then_every_number_to_the_last_digit(door: Door) -> None:
    small = {"block_number": 7, "requested_at": 1_700_000_000, "deadline": 1_700_003_600, "block_timestamp": 1}
    hashes = {"transaction_hash": "0x" + "01" * 32, "block_hash": "0x" + "02" * 32}
    await store(door, row(7, ALICE) | {"request_id": HUGE} | small | hashes)
    found = await door.get(f"/v1/requests/{HUGE}")
    assert found["request_id"] == str(HUGE)
    assert found["terms"]["principal"] == str(2**128 - 1)
    assert (found["data_commitment"], found["fee_wei"]) == (str(2**253), str(2**96 - 1))
    assert found["requested_at"] == "2023-11-14T22:13:20+00:00"
    assert found["assessment"] == {
        "risk_category": "low",
        "risk_score": 84.7,
        "default_probability": 5.1,
        "fraud_likelihood": 1.2,
        "recommended_terms": {"interest_rate": 8.5, "duration_days": 90, "max_ltv": 0.75},
        "confidence": 64.0,
        "basis_points": {
            "score": 8470,
            "probability_of_default": 510,
            "fraud_likelihood": 120,
            "interest_rate": 850,
            "maximum_ltv": 7500,
            "confidence": 6400,
        },
    }


async def test_request__then_its_steps_and_never_the_operators_reasons(door: Door) -> None:
    await store(door, row(1, ALICE, "requested"))
    async with door.api.sessions.begin() as session:
        found = await requests.find(session, CHAIN, ORACLE, 1, lock=True)
        await requests.note(session, found.id, None, requests.State.REQUESTED, "internal")
        await requests.note(
            session, found.id, requests.State.REQUESTED, requests.State.REQUESTED, "try 1 failed: secret"
        )
        await requests.note(session, found.id, requests.State.REQUESTED, requests.State.COLLECTED, "internal", 1.5)
    told = await door.get("/v1/requests/1")
    assert [(step["source"], step["target"], step["seconds"]) for step in told["steps"]] == [
        (None, "requested", None),
        ("requested", "collected", 1.5),
    ]
    assert "internal" not in json.dumps(told)


@pytest.mark.parametrize("path", ["", "/proof", "/explanation"])
async def test_request__when_unknown__then_404(door: Door, path: str) -> None:
    await store(door, row(1, ALICE) | {"oracle": OTHER_ORACLE})
    found = await door.problem("GET", f"/v1/requests/1{path}")
    assert (found["status"], "request 1 is not known here" in found["detail"]) == (404, True)


async def test_request__with_hostile_texts_inside__then_they_stay_text(door: Door) -> None:
    await store(door, row(1, ALICE))
    hostile = "<script>alert(1)</script>\u0000\ud800"
    await explained(door, 1, Told("0x" + "01" * 32, False, {"category": hostile, "outputs": {}, "recourse": [],
                                                            "clipped": [{"text": hostile}]}))  # fmt: skip
    response = await door.ask("GET", "/v1/requests/1/explanation")
    assert (response.content_type, response.headers["X-Content-Type-Options"]) == ("application/json", "nosniff")
    assert "\x00" not in await response.text()


# ------------------------------------------------------ proof, explanation


async def test_proof__then_the_instances_are_field_elements_and_the_outputs_signed(door: Door) -> None:
    await store(door, row(1, ALICE))
    found = await door.get("/v1/requests/1/proof")
    assert (found["proof"], found["outputs"]) == ("0x0102", [str(output) for output in OUTPUTS])
    assert found["instances"][:3] == [str(2**252 + 1), str(2**253), str(FIELD_MODULUS - 2**126)]
    assert all(0 <= int(one) < FIELD_MODULUS for one in found["instances"])


async def test_proof__before_there_is_one__then_404_with_the_state(door: Door) -> None:
    await store(door, row(1, ALICE, "scored", proof=None, feature_commitment=None))
    found = await door.problem("GET", "/v1/requests/1/proof")
    assert (found["status"], found["state"]) == (404, "scored")


async def test_explanation__then_as_it_is_stored(door: Door) -> None:
    await store(door, row(1, ALICE), row(2, ALICE))
    content = {"category": "low", "outputs": {"score": {"points": 1.0}}, "recourse": [], "clipped": []}
    await explained(door, 1, Told("0x" + "01" * 32, True, content, anomaly_score=12.5))
    await explained(door, 2, Told("0x" + "01" * 32, False, None, fault="RuntimeError: secret"))
    found = await door.get("/v1/requests/1/explanation")
    assert (found["available"], found["thin"], found["anomaly_score"]) == (True, True, 12.5)
    assert found["outputs"] == content["outputs"]
    found = await door.get("/v1/requests/2/explanation")
    assert found["available"] is False
    assert "secret" not in json.dumps(found)


# ---------------------------------------------------------------- models


async def test_models__then_which_answers_and_its_card(door: Door) -> None:
    model = Model.open(registry.load())
    door.context = cast(Context, SimpleNamespace(model=model, shadow=None, models=ModelSettings()))
    found = (await door.get("/v1/models"))["models"]
    assert [(one["name"], one["role"]) for one in found] == [("credit-v1", "primary")]
    assert found[0]["neutral_commitment"] == str(model.source.neutral_commitment)
    response = await door.ask("GET", f"/v1/models/{found[0]['model_id']}/card")
    assert (response.status, response.content_type) == (200, "text/markdown")
    assert await response.text() == (model.source.directory / "card.md").read_text()
    assert (await door.problem("GET", f"/v1/models/0x{'11' * 32}/card"))["status"] == 404
