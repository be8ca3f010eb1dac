"""Bodies that are wrong, huge, slow or in another form: refused by the field, and nothing done."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from oracle.config.api import ApiSettings
from tests.web.conftest import LOAN, PATH, Door, Sources, opened


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"user_address": "0x11"}, "body.user_address"),
        ({"user_address": 17}, "body.user_address"),
        ({"user_address": "0x" + "00" * 20}, "body.user_address"),
        ({"user_address": "0x52908400098527886E0F7030069857D2E4169Ee7"}, "body.user_address"),
        ({"user_address": "<script>alert(1)</script>"}, "body.user_address"),
        ({"loan_amount": 0}, "body.loan_amount"),
        ({"loan_amount": -1}, "body.loan_amount"),
        ({"loan_amount": "-1"}, "body.loan_amount"),
        ({"loan_amount": 1.5}, "body.loan_amount"),
        ({"loan_amount": True}, "body.loan_amount"),
        ({"loan_amount": None}, "body.loan_amount"),
        ({"loan_amount": "1e18"}, "body.loan_amount"),
        ({"loan_amount": "0x10"}, "body.loan_amount"),
        ({"loan_amount": "007"}, "body.loan_amount"),
        ({"loan_amount": " 7"}, "body.loan_amount"),
        ({"loan_amount": "１"}, "body.loan_amount"),
        ({"loan_amount": 2**53}, "body.loan_amount"),
        ({"loan_amount": str(2**128)}, "body.loan_amount"),
        ({"loan_amount": "9" * 79}, "body.loan_amount"),
        ({"collateral": str(2**128)}, "body.collateral"),
        ({"collateral": []}, "body.collateral"),
        ({"loan_duration": 0}, "body.loan_duration"),
        ({"loan_duration": -1}, "body.loan_duration"),
        ({"loan_duration": 3_651}, "body.loan_duration"),
        ({"loan_duration": 2**64}, "body.loan_duration"),
        ({"loan_duration": "30"}, "body.loan_duration"),
        ({"loan_duration": 30.0}, "body.loan_duration"),
        ({"mode": "magic"}, "body.mode"),
        ({"mode": 7}, "body.mode"),
        ({"mode": "preview", "colour": 1}, "body.colour"),
        ({"mode": "onchain", "submit": True}, "body.submit"),
        ({"mode": "onchain", "consent": {}}, "body.consent.valid_until"),
        ({"mode": "onchain", "consent_seconds": 10**9}, "body.consent_seconds"),
        ({"mode": "onchain", "requester": "0x" + "00" * 20}, "body.requester"),
        ({"mode": "signed", "request_id": "1"}, "body.user_address"),
    ],
    ids=str,
)
async def test_body__when_a_field_is_wrong__then_422_that_names_it_and_nothing_is_read(
    previewing: Door, sources: Sources, change: dict[str, Any], field: str
) -> None:
    found = await previewing.problem("POST", PATH, json=LOAN | change)
    assert found["status"] == 422
    assert field in [one["field"] for one in found["errors"]]
    assert sources.read_wallets == []


@pytest.mark.parametrize("body", [b"[]", b"null", b'"x"', b"7", b"{}"])
async def test_body__when_it_is_no_object_or_empty__then_422(previewing: Door, body: bytes) -> None:
    found = await previewing.problem("POST", PATH, data=body, headers={"Content-Type": "application/json"})
    assert found["status"] == 422


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
async def test_body__in_another_form__then_415(previewing: Door, headers: dict[str, str]) -> None:
    found = await previewing.problem("POST", PATH, data=b"{}", headers=headers, compress=False)
    assert found["status"] in (400, 415)


@pytest.mark.parametrize("chunked", [False, True])
async def test_body__when_huge__then_413_before_it_is_all_here(previewing: Door, chunked: bool) -> None:
    sent = [0]

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(1_000):
            sent[0] += 65_536
            yield b" " * 65_536

    body: Any = endless() if chunked else b" " * (previewing.api.settings.max_body_bytes + 1)
    headers = {"Content-Type": "application/json"}
    try:
        found = await previewing.problem("POST", PATH, data=body, headers=headers)
        assert found["status"] == 413
    except (ConnectionError, OSError):
        assert chunked, "the connection was ended while we sent on"
    assert sent[0] < 65_536_000


async def test_body__when_it_comes_too_slowly__then_408_and_the_connection_ends(engine: AsyncEngine) -> None:
    async with opened(engine, ApiSettings(enabled=True, body_seconds=0.1)) as door:
        reader, writer = await asyncio.open_connection("127.0.0.1", door.server.port)
        lines = [f"POST {PATH} HTTP/1.1", "Host: x", f"Authorization: Bearer {door.key}",
                 "Content-Type: application/json", "Content-Length: 100", "", "{"]  # fmt: skip
        writer.write("\r\n".join(lines).encode())
        answer = await reader.readuntil(b"\r\n")
        assert answer.startswith(b"HTTP/1.1 408"), answer
        writer.close()
