"""Documents that somebody publishes: a file or an http(s) address, whole, and never larger than they may be."""

from pathlib import Path

import aiohttp

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
