"""The doors of private data without a daemon behind them: their limits, and what they say before any check."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from oracle.config.api import ApiSettings
from oracle.web.api.limits import Limits, client_of
from tests.web.conftest import Door, opened, problem_in

KEY = "/v1/passports/key"


async def test_limit__of_an_address_without_a_key__is_429_with_the_time_to_wait(engine: AsyncEngine) -> None:
    async with opened(engine, ApiSettings(enabled=True, public_per_minute=60, public_burst=3)) as door:
        answers = [await door.client.get(door.server.make_url(KEY)) for _ in range(4)]
        assert [one.status for one in answers] == [503, 503, 503, 429], "503: the daemon is starting"
        assert (await problem_in(answers[-1]))["type"].endswith(":too-many")
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 2
        # Who has a key is counted by it.
        assert (await door.ask("GET", "/v1/assessments/0x" + "11" * 20)).status == 200


async def test_body__longer_than_an_opening_can_be__is_refused_unread(door: Door) -> None:
    for path in ("/v1/passports/1/opening", "/v1/passports/1/proof"):
        response = await door.client.post(door.server.make_url(path), json={"sealed": "A" * 20_000})
        assert (await problem_in(response))["status"] == 413
        response = await door.client.post(door.server.make_url(path), data=b"{", headers={"Content-Type": "text/plain"})
        assert (await problem_in(response))["status"] == 415


async def test_logs__of_what_was_posted__hold_the_route_and_nothing_of_the_body(
    door: Door, capsys: pytest.CaptureFixture[str]
) -> None:
    await door.client.post(door.server.make_url("/v1/passports/1/opening"), json={"sealed": "U0VDUkVU"})
    said = capsys.readouterr().out
    assert "/v1/passports/{request_id}/opening" in said
    assert "U0VDUkVU" not in said


@pytest.mark.parametrize(
    ("remote", "counted_as"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        (None, "unknown"),
    ],
)
def test_client__is_counted_by_what_it_can_choose_no_other_of(remote: str | None, counted_as: str) -> None:
    assert client_of(remote) == counted_as


def test_limits__of_a_hundred_thousand_addresses__stay_small_and_forget_nobody_who_is_at_its_limit() -> None:
    now = [0.0]
    limits = Limits(per_minute=60, burst=1, clock=lambda: now[0])
    for number in range(100_000):
        limits.take(f"address {number}")
        now[0] += 0.0001
    assert len(limits._buckets) <= 10_000
    assert limits.take("address 99999") > 0, "it has spent its one token"
