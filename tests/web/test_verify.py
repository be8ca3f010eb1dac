"""`POST /v1/verify` at the door: whose it is, which field is wrong, and that what is told is what is checked."""

from typing import Any

import pytest

from oracle.assessment.outputs import Scores
from oracle.store.api_keys import Scope
from oracle.verification.told import told_scores
from oracle.web.api.views import Assessment
from tests.web.conftest import Door
from tests.web.records import SCORES

PATH = "/v1/verify"
PROOF: dict[str, Any] = {
    "request_id": "1",
    "model_id": "0x" + "01" * 32,
    "block": {"number": 1, "hash": "0x" + "02" * 32},
    "proof": "0x01",
    "instances": ["1"],
    "feature_commitment": "1",
    "data_commitment": "2",
    "outputs": ["-3", "4"],
    "signatures": ["0x" + "ab" * 65],
}


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"proof": "01"}, "body.proof"),
        ({"proof": "0x1"}, "body.proof"),
        ({"outputs": ["-0"]}, "body.outputs.0"),
        ({"outputs": ["1", str(2**255)]}, "body.outputs.1"),
        ({"outputs": ["1"] * 65}, "body.outputs"),
        ({"block": {"number": 1, "hash": "0x1"}}, "body.block.hash"),
        ({"block": {"number": "1", "hash": "0x" + "02" * 32}}, "body.block.number"),
        ({"signatures": ["0xzz"]}, "body.signatures.0"),
        ({"request_id": str(2**256)}, "body.request_id"),
        ({"feature_commitment": 2**60}, "body.feature_commitment"),
        ({"surprise": 1}, "body.surprise"),
        ({"calldata": 5}, "body.calldata"),
    ],
)
async def test_verify__when_a_field_is_wrong__then_named(door: Door, changed: dict[str, Any], field: str) -> None:
    found = await door.problem("POST", PATH, json=PROOF | changed)
    assert found["status"] == 422
    assert field in [one["field"] for one in found["errors"]]


async def test_verify__when_the_key_may_not_read__then_403(door: Door) -> None:
    key = await door.new_key([Scope.WEBHOOKS])
    assert (await door.problem("POST", PATH, json=PROOF, key=key))["status"] == 403


async def test_verify__when_the_body_is_too_large__then_413(door: Door) -> None:
    large = PROOF | {"proof": "0x" + "00" * door.api.settings.max_body_bytes}
    assert (await door.problem("POST", PATH, json=large))["status"] == 413


async def test_verify__while_the_daemon_starts__then_503(door: Door) -> None:
    assert (await door.problem("POST", PATH, json=PROOF))["status"] == 503


def test_told__then_what_is_checked_is_what_the_api_tells() -> None:
    scores = Scores(**SCORES)
    assert told_scores(scores) == Assessment.of(scores).model_dump(mode="json")
