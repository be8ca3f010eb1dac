"""What history sources found of a wallet, kept for its next request."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Row, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from oracle.assessment.request import Address
from oracle.store.tables import FindingRow
from oracle.store.texts import to_json

# One statement, and so one answer to wait for. Nothing is lost with it but time: the commit need not wait for the disk.
# In one order, so that two writers never wait for each other's rows.
_REPLACE: Final = text("""
    insert into history_findings (chain_id, wallet, source, from_block, to_block, to_hash, content)
    select :chain_id, :wallet, one.source, one.from_block, one.to_block, one.to_hash, one.content
    from json_to_recordset(cast(:found as json))
            as one(source text, from_block bigint, to_block bigint, to_hash text, content jsonb),
        (select set_config('synchronous_commit', 'off', true)) as quick
    order by one.source
    on conflict (chain_id, wallet, source) do update set
        from_block = excluded.from_block, to_block = excluded.to_block, to_hash = excluded.to_hash,
        content = excluded.content, updated_at = now()
""")


# Made once: putting it together takes as long as its answer.
_OF_WALLET: Final = select(
    FindingRow.source, FindingRow.from_block, FindingRow.to_block, FindingRow.to_hash, FindingRow.content
).where(FindingRow.chain_id == bindparam("chain"), FindingRow.wallet == bindparam("whose"))


async def of_wallet(
    connection: AsyncConnection, chain_id: int, wallet: Address
) -> Sequence[Row[tuple[str, int, int, str, Any]]]:
    """Return all that is kept of a wallet: source, first and last block, the last one's hash, content."""
    return (await connection.execute(_OF_WALLET, {"chain": chain_id, "whose": wallet})).all()


async def keep(
    connection: AsyncConnection, chain_id: int, wallet: Address, found: Mapping[str, Mapping[str, Any]]
) -> None:
    """Put findings, by source, in the place of the earlier ones; the last of two writers wins."""
    rows = [{"source": name, **one} for name, one in found.items()]
    await connection.execute(_REPLACE, {"chain_id": chain_id, "wallet": wallet, "found": to_json(rows)})
