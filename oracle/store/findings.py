"""What history sources found of a wallet, kept for its next request."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from oracle.assessment.request import Address
from oracle.store.tables import FindingRow


async def of_wallet(session: AsyncSession, chain_id: int, wallet: Address) -> Sequence[FindingRow]:
    """Return all that is kept of a wallet."""
    return (await session.scalars(select(FindingRow).filter_by(chain_id=chain_id, wallet=wallet))).all()


async def keep(session: AsyncSession, chain_id: int, wallet: Address, found: Mapping[str, Mapping[str, Any]]) -> None:
    """Put findings, by source, in the place of the earlier ones; the last of two writers wins."""
    # Nothing is lost with it but time: the commit need not wait for the disk.
    await session.execute(text("set local synchronous_commit to off"))
    # In one order, so that two writers never wait for each other's rows.
    rows = [{"chain_id": chain_id, "wallet": wallet, "source": name, **found[name]} for name in sorted(found)]
    added = upsert(FindingRow).values(rows)
    replaced = {name: added.excluded[name] for name in ("from_block", "to_block", "to_hash", "content")}
    await session.execute(
        added.on_conflict_do_update(
            index_elements=["chain_id", "wallet", "source"], set_={**replaced, "updated_at": func.now()}
        )
    )
