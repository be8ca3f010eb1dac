"""Webhooks and their deliveries: who is told of what, what is due, and what became of it."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from oracle.assessment.request import Address
from oracle.store.api_tables import ApiKeyRow, DeliveryRow, WebhookRow
from oracle.store.texts import brief

_LONGEST_FAULT: Final = 500
_KEPT_FOR: Final = timedelta(days=30)


async def of_key(session: AsyncSession, chain_id: int, oracle: Address, key: str) -> Sequence[WebhookRow]:
    """Return a key's webhooks, oldest first."""
    row = WebhookRow
    query = select(row).filter_by(chain_id=chain_id, oracle=oracle, key=key).order_by(row.created_at, row.id)
    return (await session.scalars(query)).all()


async def hold(session: AsyncSession, key: str) -> None:
    """Let nobody else add to a key's webhooks until this transaction ends: they are counted first."""
    await session.execute(select(ApiKeyRow.id).where(ApiKeyRow.id == key).with_for_update())


async def one(session: AsyncSession, key: str, webhook: UUID) -> WebhookRow | None:
    """Return a webhook of a key, None for another's."""
    return await session.scalar(select(WebhookRow).filter_by(id=webhook, key=key))


async def remove(session: AsyncSession, key: str, webhook: UUID) -> bool:
    """Remove a webhook of a key with its deliveries; say whether there was one."""
    gone = delete(WebhookRow).filter_by(id=webhook, key=key).returning(WebhookRow.id)
    return await session.scalar(gone) is not None


async def listening(session: AsyncSession, chain_id: int, oracle: Address) -> Sequence[WebhookRow]:
    """Return the webhooks of an oracle whose keys are valid."""
    key = ApiKeyRow
    query = (
        select(WebhookRow)
        .join(key, key.id == WebhookRow.key)
        .where(WebhookRow.chain_id == chain_id, WebhookRow.oracle == oracle)
        .where(key.revoked_at.is_(None), or_(key.expires_at.is_(None), key.expires_at > func.now()))
    )
    return (await session.scalars(query)).all()


async def enter(session: AsyncSession, webhook: UUID, transition: int, payload: Mapping[str, Any]) -> None:
    """Make a delivery due, once for a webhook and a change."""
    added = upsert(DeliveryRow).values(webhook=webhook, transition=transition, payload=payload, attempts=0)
    await session.execute(added.on_conflict_do_nothing())


async def due(session: AsyncSession, limit: int, lease: timedelta) -> Sequence[tuple[DeliveryRow, WebhookRow]]:
    """Return deliveries that are due, with their webhooks; nobody else gets them until the lease is over."""
    row = DeliveryRow
    ids = select(row.id).where(row.next_at <= func.now()).order_by(row.next_at, row.id).limit(limit)
    taken = (
        update(row)
        .where(row.id.in_(ids.with_for_update(skip_locked=True).scalar_subquery()))
        .values(next_at=func.now() + lease, attempts=row.attempts + 1)
        .returning(row.id)
    )
    numbers = (await session.scalars(taken)).all()
    query = select(row, WebhookRow).join(WebhookRow, WebhookRow.id == row.webhook).where(row.id.in_(numbers))
    return [(delivery, webhook) for delivery, webhook in await session.execute(query.order_by(row.id))]


async def delivered(session: AsyncSession, delivery: int, status: int) -> None:
    """Write down that a delivery arrived."""
    values = {"next_at": None, "delivered_at": func.now(), "status": status, "fault": None}
    await session.execute(update(DeliveryRow).where(DeliveryRow.id == delivery).values(**values))


async def failed(session: AsyncSession, delivery: int, status: int | None, fault: str, after: timedelta | None) -> None:
    """Write down that one try came to nothing; the next is due `after` a while, None gives the delivery up."""
    next_at = None if after is None else func.now() + after
    values = {"next_at": next_at, "status": status, "fault": brief(fault, _LONGEST_FAULT)}
    await session.execute(update(DeliveryRow).where(DeliveryRow.id == delivery).values(**values))


async def deliveries(session: AsyncSession, webhook: UUID, before: int | None, limit: int) -> Sequence[DeliveryRow]:
    """Return a webhook's deliveries below an id, the newest first."""
    query = select(DeliveryRow).where(DeliveryRow.webhook == webhook)
    query = query if before is None else query.where(DeliveryRow.id < before)
    return (await session.scalars(query.order_by(DeliveryRow.id.desc()).limit(limit))).all()


async def replay(session: AsyncSession, webhook: UUID, delivery: int) -> bool:
    """Make a delivery due again, with its tries counted anew; say whether there is one of that id."""
    again = (
        update(DeliveryRow)
        .where(DeliveryRow.id == delivery, DeliveryRow.webhook == webhook)
        .values(next_at=func.now(), attempts=0, delivered_at=None, fault=None, status=None)
    )
    return await session.scalar(again.returning(DeliveryRow.id)) is not None


async def hand_over(session: AsyncSession, old: str, new: str) -> None:
    """Give a key's webhooks to the one that replaces it."""
    await session.execute(update(WebhookRow).where(WebhookRow.key == old).values(key=new))


async def sweep(session: AsyncSession) -> None:
    """Remove deliveries that ended long ago: what they told stands in the audit log."""
    row = DeliveryRow
    await session.execute(delete(row).where(row.created_at < func.now() - _KEPT_FOR, row.next_at.is_(None)))
