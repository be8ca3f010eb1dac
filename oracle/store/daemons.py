"""The daemons on this database, and which of them are gone: what a gone one had claimed is free again.

A daemon holds an advisory lock for as long as its session lasts: the server gives it up in the moment in which a killed
daemon's connection closes. Where the server does not notice (a machine without power, a pooler between the two), the
daemon's beat grows old.
"""

from typing import Final

from sqlalchemy import delete, func, insert, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from oracle.store.tables import DaemonRow, RequestRow

BEAT_SECONDS: Final = 1.0
_SILENT_SECONDS: Final = 60
# The first half of the advisory lock's key: other programs on the same database may use such locks too.
_LOCKS: Final = 0x4F5241


async def register(connection: AsyncConnection) -> int:
    """Enter a daemon and lock its id for as long as the connection lives; return the id.

    `connection` commits by itself: a transaction of its own would idle as long as the daemon runs.
    """
    # Locked before anybody can see the row: who sees it without its lock takes the daemon for dead.
    number: int | None = await connection.scalar(text("select nextval(pg_get_serial_sequence('daemons', 'id'))"))
    if number is None:
        raise TypeError("the table of daemons has no sequence")
    await connection.scalar(select(func.pg_advisory_lock(_LOCKS, number)))
    await connection.execute(insert(DaemonRow).values(id=number))
    return number


async def lock_again(connection: AsyncConnection, daemon: int) -> None:
    """Lock a daemon's id over a new connection; an old one that the server still believes in may hold it."""
    await connection.scalar(select(func.pg_try_advisory_lock(_LOCKS, daemon)))


async def beat(connection: AsyncConnection, daemon: int) -> bool:
    """Say that a daemon lives; False when another one took it for dead meanwhile."""
    beaten = await connection.execute(
        update(DaemonRow).where(DaemonRow.id == daemon).values(beat_at=func.clock_timestamp())
    )
    return beaten.rowcount == 1


async def free_claims_of_the_dead(connection: AsyncConnection, daemon: int) -> int:
    """Forget the other daemons that are gone, and free what is claimed by none that lives; return how much that was."""
    oldest = func.clock_timestamp() - func.make_interval(0, 0, 0, 0, 0, 0, _SILENT_SECONDS)
    dead = or_(DaemonRow.beat_at < oldest, func.pg_try_advisory_xact_lock_shared(_LOCKS, DaemonRow.id))
    await connection.execute(delete(DaemonRow).where(DaemonRow.id != daemon, dead))
    living = select(DaemonRow.id)
    freed = await connection.execute(
        update(RequestRow)
        .where(RequestRow.claimed_by.is_not(None), RequestRow.claimed_by.not_in(living))
        .values(claim=None, claimed_by=None)
    )
    return freed.rowcount
