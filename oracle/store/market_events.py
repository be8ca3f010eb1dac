"""Logs of contracts that index nothing, by wallet, and how far each contract was read."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from oracle.assessment.request import Address
from oracle.store.tables import MarketCursorRow, MarketEventRow

# Postgres takes 65,535 parameters at most.
_ROWS_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class MarketEvent:
    """One log: `wallet` is whose account it changed, `topic` its event."""

    contract: Address
    block_number: int
    log_index: int
    block_hash: str
    topic: str
    wallet: Address
    data: bytes


async def cursor(session: AsyncSession, chain_id: int, contract: Address) -> tuple[int, str] | None:
    """Return number and hash of the block up to which a contract was read, None when it was not."""
    row = await session.get(MarketCursorRow, (chain_id, contract))
    return None if row is None else (row.block_number, row.block_hash)


async def append(
    session: AsyncSession,
    chain_id: int,
    contract: Address,
    since: tuple[int, str] | None,
    until: tuple[int, str],
    events: Sequence[MarketEvent],
) -> bool:
    """Add a contract's logs of the blocks after `since` up to `until`; False when it was not read up to `since`.

    The cursor stays locked until the transaction ends: two processes cannot both add the same blocks.
    """
    key = {"chain_id": chain_id, "contract": contract}
    if since is None:
        added = upsert(MarketCursorRow).values(**key, block_number=until[0], block_hash=until[1])
        taken = await session.execute(added.on_conflict_do_nothing().returning(MarketCursorRow.contract))
        if taken.first() is None:
            return False
    else:
        row = await session.get(MarketCursorRow, (chain_id, contract), with_for_update=True, populate_existing=True)
        if row is None or (row.block_number, row.block_hash) != since:
            return False
        row.block_number, row.block_hash = until
    values = [
        {
            **key,
            "block_number": event.block_number,
            "log_index": event.log_index,
            "block_hash": event.block_hash,
            "topic": event.topic,
            "wallet": event.wallet,
            "data": event.data,
        }
        for event in events
    ]
    for start in range(0, len(values), _ROWS_AT_ONCE):
        await session.execute(insert(MarketEventRow), values[start : start + _ROWS_AT_ONCE])
    return True


async def events_of(
    session: AsyncSession, chain_id: int, contracts: Sequence[Address], wallet: Address, until_block: int
) -> list[MarketEvent]:
    """Return a wallet's logs of some contracts up to a block, in the chain's order."""
    query = (
        select(MarketEventRow)
        .filter_by(chain_id=chain_id, wallet=wallet)
        .where(MarketEventRow.contract.in_(contracts), MarketEventRow.block_number <= until_block)
        .order_by(MarketEventRow.block_number, MarketEventRow.log_index)
    )
    return [
        MarketEvent(
            Address(row.contract),
            row.block_number,
            row.log_index,
            row.block_hash,
            row.topic,
            Address(row.wallet),
            row.data,
        )
        for row in await session.scalars(query)
    ]


async def blocks_before(
    session: AsyncSession, chain_id: int, contract: Address, block_number: int, limit: int
) -> list[tuple[int, str]]:
    """Return number and hash of the newest blocks before one that hold a contract's logs, newest first."""
    query = (
        select(MarketEventRow.block_number, MarketEventRow.block_hash)
        .filter_by(chain_id=chain_id, contract=contract)
        .where(MarketEventRow.block_number < block_number)
        .distinct()
        .order_by(MarketEventRow.block_number.desc())
        .limit(limit)
    )
    return [(row.block_number, row.block_hash) for row in await session.execute(query)]


async def first_block(session: AsyncSession, chain_id: int, contract: Address) -> int | None:
    """Return the oldest block that holds a contract's log, None without one."""
    query = select(func.min(MarketEventRow.block_number)).filter_by(chain_id=chain_id, contract=contract)
    return await session.scalar(query)


async def rewind(
    session: AsyncSession, chain_id: int, contract: Address, since: tuple[int, str], to: tuple[int, str] | None
) -> bool:
    """Drop a contract's logs of the blocks after `to`, None: all of them; False when it was not read up to `since`."""
    row = await session.get(MarketCursorRow, (chain_id, contract), with_for_update=True, populate_existing=True)
    if row is None or (row.block_number, row.block_hash) != since:
        return False
    events = delete(MarketEventRow).filter_by(chain_id=chain_id, contract=contract)
    if to is None:
        await session.delete(row)
    else:
        row.block_number, row.block_hash = to
        events = events.where(MarketEventRow.block_number > to[0])
    await session.execute(events)
    return True
