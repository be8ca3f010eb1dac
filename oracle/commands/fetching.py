"""Documents that somebody publishes: a file or an http(s) address, whole, and never larger than they may be."""

import json
from pathlib import Path
from typing import Any

import aiohttp
from pydantic_core import from_json

from oracle.assessment.errors import ConfigurationFault

_TIMEOUT = aiohttp.ClientTimeout(total=30)
_PART_BYTES = 1 << 16


async def fetched(place: str, what: str, largest_bytes: int) -> bytes:
    """Return what stands in a file or at an address; `what` names it in errors.

    Raises ConfigurationFault when it cannot be had, or is larger than `largest_bytes`.
    """
    try:
        content = await _download(place, largest_bytes) if _is_address(place) else _file(Path(place), largest_bytes)
    except (OSError, aiohttp.ClientError, TimeoutError) as error:
        raise ConfigurationFault(f"{what} at {place} cannot be had: {error}") from error
    if len(content) > largest_bytes:
        raise ConfigurationFault(f"{what} at {place} is larger than {largest_bytes} bytes: it is none")
    return content


def parsed(content: bytes, what: str) -> Any:
    """Return what a JSON text says; raises ConfigurationFault for one that is none, or says a thing twice."""
    try:
        # Bounded in depth, and in the digits of its numbers: what passes is safe for the other parser too.
        from_json(content)
        return json.loads(content, object_pairs_hook=_once)
    except ValueError as error:
        raise ConfigurationFault(f"{what} is not JSON: {error}") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        # One reader takes the first, another the last: nobody could say what was checked.
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} is given twice")
    return found


def _is_address(place: str) -> bool:
    return place.startswith(("http://", "https://"))


async def _download(url: str, largest_bytes: int) -> bytes:
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as session, session.get(url) as response:
        response.raise_for_status()
        # One `read` gives what has come so far, which is not all of what comes in parts.
        content = bytearray()
        async for part in response.content.iter_chunked(_PART_BYTES):
            content += part
            if len(content) > largest_bytes:
                break
        return bytes(content)


def _file(path: Path, largest_bytes: int) -> bytes:
    with path.open("rb") as file:
        return file.read(largest_bytes + 1)
