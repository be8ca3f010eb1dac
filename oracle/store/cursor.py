"""How far the chain was searched for requests, and the hashes of the blocks that could still change."""

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from oracle.assessment.request import Address
from oracle.store.tables import BlockRow, CursorRow


async def next_block(session: AsyncSession, chain_id: int, oracle: Address, start: int) -> int:
    """Return the first block not yet searched, locked for this transaction; `start` on the first run."""
    key = {"chain_id": chain_id, "oracle": oracle}
    await session.execute(upsert(CursorRow).values(**key, next_block=start).on_conflict_do_nothing())
    row = (await session.scalars(select(CursorRow).filter_by(**key).with_for_update())).one()
    return row.next_block


async def advance(
    session: AsyncSession, chain_id: int, oracle: Address, searched: int, block_hash: str, keep: int
) -> None:
    """Record that all blocks up to `searched` are done, and forget hashes that blocks up to `keep` make needless."""
    key = {"chain_id": chain_id, "oracle": oracle}
    row = (await session.scalars(select(CursorRow).filter_by(**key))).one()
    row.next_block = searched + 1
    await remember(session, chain_id, oracle, searched, block_hash)
    # The newest of the old hashes stays: a rewind always finds one block to stand on, and never starts all over.
    newest_old = select(func.max(BlockRow.number)).filter_by(**key).where(BlockRow.number <= keep).scalar_subquery()
    await session.execute(delete(BlockRow).filter_by(**key).where(BlockRow.number < newest_old))


async def remember(session: AsyncSession, chain_id: int, oracle: Address, number: int, block_hash: str) -> None:
    """Keep the hash of a searched block: a reorganisation above it leaves alone what was found up to it."""
    block = upsert(BlockRow).values(chain_id=chain_id, oracle=oracle, number=number, hash=block_hash)
    await session.execute(
        block.on_conflict_do_update(index_elements=["chain_id", "oracle", "number"], set_={"hash": block_hash})
    )


async def known_blocks(session: AsyncSession, chain_id: int, oracle: Address) -> list[tuple[int, str]]:
    """Return the kept (number, hash) pairs, newest first."""
    query = select(BlockRow).filter_by(chain_id=chain_id, oracle=oracle).order_by(BlockRow.number.desc())
    return [(row.number, row.hash) for row in await session.scalars(query)]


async def rewind(session: AsyncSession, chain_id: int, oracle: Address, to_block: int) -> None:
    """Search again from `to_block` on: what was known of it and above is void. Never skips a block."""
    key = {"chain_id": chain_id, "oracle": oracle}
    row = (await session.scalars(select(CursorRow).filter_by(**key).with_for_update())).one()
    row.next_block = min(row.next_block, to_block)
    await session.execute(delete(BlockRow).filter_by(**key).where(BlockRow.number >= to_block))
