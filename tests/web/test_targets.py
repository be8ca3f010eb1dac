"""Where webhooks may go: to public addresses alone, looked at again as each is connected to."""

from ipaddress import IPv4Address

import aiohttp
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from oracle.config.api import ApiSettings
from oracle.web.api.delivery import deliver_due, enter
from oracle.web.api.targets import check_url, connector, is_public
from tests.web.conftest import Door, opened
from tests.web.receiving import Receiver, api_settings, hooked, ready, receiver, settle

__all__ = ["api_settings", "ready", "receiver"]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "192.0.0.8",
        "fec0::1", "::7f00:1", "5f00::1", "3fff::1", "4000::1",
        str(IPv4Address(0)), "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fd00::1",
        "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::", "ff02::1",
        "nonsense",
    ],
)  # fmt: skip
def test_target__when_its_address_is_not_public__then_refused(address: str) -> None:
    assert is_public(address) is False


def test_target__when_its_address_is_public__then_taken() -> None:
    assert is_public("1.1.1.1")
    assert is_public("2606:4700:4700::1111")
    assert is_public("::ffff:1.1.1.1")


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/", "ftp://example.com/", "file:///etc/passwd", "https://", "https://user:pw@example.com/",
        "https://user@example.com/", "https://example.com/#x", "https://127.0.0.1/", "https://[::1]/",
        "https://[::ffff:127.0.0.1]/", "https://169.254.169.254/latest/meta-data", "https://2130706433/",
        "https://0x7f000001/", "https://0177.0.0.1/", "https://127.1/",
        "https://localhost/", "https://localhost./", "https://local/", "https://[::7f00:1]/",
        "https://a.localhost/",
        "https://db.internal/", "https://example.com:0/", "https://example.com:99999/", "https://exa mple.com/",
        "https://exämple.com/", "https://example.com/\r\nX: y", "https://example.com/" + "a" * 2_000, "javascript:1",
        "//example.com", "https://[::1",
    ],
)  # fmt: skip
async def test_target__when_a_url_is_no_public_one__then_422_that_names_it(engine: AsyncEngine, url: str) -> None:
    with pytest.raises(ValueError, match=r"expected|is not"):
        check_url(url, private=False)
    async with opened(engine, ApiSettings(enabled=True)) as door:
        found = await door.problem("POST", "/v1/webhooks", json={"url": url})
        assert (found["status"], found["errors"][0]["field"]) == (422, "body.url")
        assert (await door.get("/v1/webhooks"))["webhooks"] == []


async def test_target__when_a_name_leads_to_a_private_address__then_refused_as_it_is_connected_to(
    ready: Door, receiver: Receiver
) -> None:
    made = await hooked(ready, receiver)
    host = receiver.url.replace("127.0.0.1", "localhost")
    async with ready.api.sessions.begin() as session:
        await session.execute(text("update webhooks set url = :it"), {"it": host})
    await settle(ready, 1)
    for _ in range(3):
        await ready.api.feed.look()
    await enter(ready.api)
    async with aiohttp.ClientSession(connector=connector(private=False)) as client:
        assert await deliver_due(ready.api, client) == 1
    assert receiver.received == []
    (found,) = (await ready.get(f"/v1/webhooks/{made['id']}/deliveries"))["deliveries"]
    assert "is not a public address" in found["fault"]
    assert "127.0.0.1" not in found["fault"]
    assert "::1" not in found["fault"]
