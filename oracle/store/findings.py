"""What history sources found of a wallet, kept for its next request."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from sqlalchemy import Row, func, select, text
from sqlalchemy.dialects.postgresql import Insert
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from oracle.assessment.request import Address
from oracle.store.tables import FindingRow

_KEY: Final = ("chain_id", "wallet", "source")
_VALUES: Final = ("from_block", "to_block", "to_hash", "content")


@cache
def _replacing() -> Insert:
    """Return the statement for rows given beside it: one that holds them is put into SQL anew each time."""
    added = upsert(FindingRow)
    replaced = {name: added.excluded[name] for name in _VALUES}
    return added.on_conflict_do_update(index_elements=_KEY, set_={**replaced, "updated_at": func.now()})


async def of_wallet(
    session: AsyncSession, chain_id: int, wallet: Address
) -> Sequence[Row[tuple[str, int, int, str, Any]]]:
    """Return all that is kept of a wallet: source, first and last block, the last one's hash, content."""
    row = FindingRow
    query = select(row.source, row.from_block, row.to_block, row.to_hash, row.content)
    return (await session.execute(query.where(row.chain_id == chain_id, row.wallet == wallet))).all()


async def keep(session: AsyncSession, chain_id: int, wallet: Address, found: Mapping[str, Mapping[str, Any]]) -> None:
    """Put findings, by source, in the place of the earlier ones; the last of two writers wins."""
    # Nothing is lost with it but time: the commit need not wait for the disk.
    await session.execute(text("set local synchronous_commit to off"))
    # In one order, so that two writers never wait for each other's rows.
    rows = [{"chain_id": chain_id, "wallet": wallet, "source": name, **found[name]} for name in sorted(found)]
    await session.execute(_replacing(), rows)
