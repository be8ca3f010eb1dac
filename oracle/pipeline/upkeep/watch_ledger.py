"""Whether answers get through: a nonce that the chain waits for, the oldest submitted answer, work that nobody does."""

from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from oracle.pipeline import metrics
from oracle.pipeline.context import Context
from oracle.store import ledger, revisits
from oracle.store.database import LOST

_PART: Final = "ledger"
# What is taken back or filled in is mined within a few blocks; an answer within minutes, as long as the fees allow.
_LONGEST_GAP: Final = timedelta(minutes=2)
_LONGEST_SUBMITTED: Final = timedelta(minutes=10)
_LONGEST_UNATTENDED: Final = timedelta(minutes=2)


async def watch_ledger(context: Context) -> None:
    """Measure the three once; the daemon is not ready while one of them lasts for too long."""
    key = (context.chain_id, context.address)
    try:
        async with context.sessions() as session:
            gap = _age(await ledger.gap_since(session, context.chain_id, context.signer.address))
            submitted = _age(await ledger.oldest_submitted(session, *key))
            unattended = _age(await revisits.unattended_since(session, *key))
    except LOST:
        return  # the worker reports the database
    metrics.NONCE_GAP_SECONDS.set(gap.total_seconds())
    metrics.OLDEST_SUBMITTED_SECONDS.set(submitted.total_seconds())
    metrics.UNATTENDED_SECONDS.set(unattended.total_seconds())
    texts = []
    if gap > _LONGEST_GAP:
        texts.append(f"the chain has waited {_said(gap)} for a nonce that no answer holds: can the signer pay for gas?")
    if submitted > _LONGEST_SUBMITTED:
        texts.append(f"a transaction has not been mined for {_said(submitted)}: look at transactions.max_fee_gwei")
    if unattended > _LONGEST_UNATTENDED:
        texts.append(f"nobody has worked on a due request for {_said(unattended)}: is a stage stuck?")
    first = _PART not in context.health.parts
    if context.health.set(_PART, not texts, "; ".join(texts)):
        log = structlog.get_logger("upkeep")
        if texts:
            log.error("ledger_stuck", error="; ".join(texts))
        elif not first:
            log.info("ledger_well")


def _age(since: datetime | None) -> timedelta:
    return timedelta(0) if since is None else max(datetime.now(UTC) - since, timedelta(0))


def _said(age: timedelta) -> str:
    return f"{int(age.total_seconds())} s"
