"""The history table that was read by, beside the one that the registry publishes."""

from typing import Any

from oracle.chain.contracts import ModelRegistry, NoAnswer


async def compared(registry: ModelRegistry, used_hash: str) -> dict[str, Any]:
    """Return the hash of the table that was used, the published one's hash and place, and whether they are the same.

    `same` is None where nothing is published, or the registry is of a release that publishes nothing.
    """
    try:
        published = await registry.history_table()
    except NoAnswer:
        published = None
    known, uri = published or (None, None)
    return {"hash": used_hash, "published": known, "uri": uri, "same": None if known is None else known == used_hash}
