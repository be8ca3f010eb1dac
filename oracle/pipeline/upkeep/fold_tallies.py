"""Adds what changed to the counters, so that the pages' sums stay short."""

from oracle.pipeline.context import Context
from oracle.store import database, tallies


async def fold_tallies(context: Context) -> None:
    """Fold all changes that are committed."""
    try:
        async with context.sessions.begin() as session:
            await tallies.fold(session)
    except (*database.LOST, database.DatabaseBusy):
        return  # the worker reports the database; the counters are right without it, only slower to read
