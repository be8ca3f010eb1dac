"""Retry-After in the forms that servers send: what is no number of seconds asks for nothing, and raises nothing."""

import aiohttp
import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from oracle.chain.pool import _asked_pause
from oracle.history.reading.paced_api import _seconds

FORMS = [("2", 2.0), (" 2 ", 2.0), ("", None), ("²", None), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("-1", None)]


@pytest.mark.parametrize(("text", "seconds"), FORMS)
def test_pause__of_an_endpoint_and_of_an_api__is_read_alike(text: str, seconds: float | None) -> None:
    headers = CIMultiDictProxy(CIMultiDict({"Retry-After": text}))
    url = URL("http://node.example")
    told = aiohttp.RequestInfo(url, "POST", headers, url)
    refused = aiohttp.ClientResponseError(told, (), status=429, headers=headers)
    assert _asked_pause(refused) == (seconds or 0.0)
    assert _seconds(text) == seconds
