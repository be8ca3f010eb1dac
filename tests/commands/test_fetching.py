"""What is published at an address is had whole, however it comes, and never without a bound."""

import asyncio
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from oracle.assessment.errors import ConfigurationFault
from oracle.commands.fetching import fetched, parsed


async def in_parts(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for part in (b"first ", b"second ", b"third"):
        await response.write(part)
        await asyncio.sleep(0.05)
    return response


async def test_document__that_comes_in_parts__is_had_whole() -> None:
    app = web.Application()
    app.router.add_get("/table", in_parts)
    async with TestServer(app) as server:
        place = str(server.make_url("/table"))
        assert await fetched(place, "the table", 18) == b"first second third"
        with pytest.raises(ConfigurationFault, match="larger than 17 bytes"):
            await fetched(place, "the table", 17)
        with pytest.raises(ConfigurationFault, match="404"):
            await fetched(str(server.make_url("/none")), "the table", 18)


async def test_file__too_large_or_missing__is_said(tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    with pytest.raises(ConfigurationFault, match="cannot be had"):
        await fetched(str(path), "the answer", 10)
    path.write_bytes(b"x" * 11)
    with pytest.raises(ConfigurationFault, match="larger than 10 bytes"):
        await fetched(str(path), "the answer", 10)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not JSON"),
        (b"\xff\xfe{}", "is not JSON"),
        (b"[" * 100_000, "recursion limit"),
        (b"9" * 5_000, "out of range"),
        (b'{"a": {"b": 1, "c": 2, "b": 3}}', "'b' is given twice"),
    ],
)
def test_document__that_is_no_json_or_says_a_thing_twice__is_refused(content: bytes, said: str) -> None:
    with pytest.raises(ConfigurationFault, match=f"the answer at x is not JSON: .*{said}|{said}"):
        parsed(content, "the answer at x")
