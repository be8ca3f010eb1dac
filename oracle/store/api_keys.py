"""Keys of the HTTP API: made once and shown once; what is kept is a digest, which gives nobody the key."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from oracle.assessment.errors import InvalidRequest
from oracle.store import webhooks
from oracle.store.api_tables import ApiKeyRow

PREFIX: Final = "rok"
# 256 random bits: a plain hash is enough, since there is nothing to guess.
_SECRET_BYTES: Final = 32
_SHAPE: Final = re.compile(rf"{PREFIX}_([0-9a-f]{{16}})_[A-Za-z0-9_-]{{43}}", re.ASCII)
_USE_IS_NOTED_EVERY: Final = timedelta(minutes=1)


class Scope(StrEnum):
    """What a key allows."""

    READ = "read"
    ASSESS = "assess"
    WEBHOOKS = "webhooks"
    SUBMIT = "submit"


@dataclass(frozen=True, slots=True)
class Made:
    """A new key: `key` is the whole of it, which is told once; `id` its public part."""

    id: str
    key: str


class KeyRefused(InvalidRequest):
    """A key that may not be used; the text says why, and never more than its public part."""


async def create(
    session: AsyncSession,
    name: str,
    scopes: Collection[Scope],
    *,
    expires_at: datetime | None = None,
    requests_per_minute: int | None = None,
    replaces: str | None = None,
) -> Made:
    """Store a new key and return it."""
    number = secrets.token_hex(8)
    key = f"{PREFIX}_{number}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    session.add(
        ApiKeyRow(
            id=number,
            digest=_digest(key),
            name=name,
            scopes=sorted(scope.value for scope in scopes),
            expires_at=expires_at,
            requests_per_minute=requests_per_minute,
            replaces=replaces,
        )
    )
    await session.flush()
    return Made(number, key)


async def rotate(session: AsyncSession, key_id: str, overlap: timedelta, expires_at: datetime | None) -> Made:
    """Return a new key with the old one's name, scopes, limit and webhooks; the old one ends after `overlap`.

    Raises InvalidRequest when there is none of that id, or it ended already.
    """
    old = await _one(session, key_id)
    now = await _now(session)
    if old.revoked_at is not None or (old.expires_at is not None and old.expires_at <= now):
        raise InvalidRequest(f"key {key_id} ended already: make a new one with `risk-oracle keys create`")
    ends = now + overlap
    old.expires_at = ends if old.expires_at is None else min(old.expires_at, ends)
    made = await create(
        session,
        old.name,
        [Scope(scope) for scope in old.scopes],
        expires_at=expires_at,
        requests_per_minute=old.requests_per_minute,
        replaces=old.id,
    )
    await webhooks.hand_over(session, old.id, made.id)
    return made


async def revoke(session: AsyncSession, key_id: str) -> ApiKeyRow:
    """End a key at once and return its row; a second time changes nothing. Raises InvalidRequest for an unknown one."""
    row = await _one(session, key_id)
    if row.revoked_at is None:
        row.revoked_at = await _now(session)
    return row


async def listed(session: AsyncSession) -> Sequence[ApiKeyRow]:
    """Return all keys, the newest first."""
    return (await session.scalars(select(ApiKeyRow).order_by(ApiKeyRow.created_at.desc(), ApiKeyRow.id))).all()


def is_key(text: str) -> bool:
    """Say whether a text has the shape of a key: what has not need not be looked up."""
    return _SHAPE.fullmatch(text) is not None


async def admit(session: AsyncSession, key: str) -> ApiKeyRow:
    """Return the row of a key that may be used now; raises KeyRefused that says why it may not."""
    shape = _SHAPE.fullmatch(key)
    if shape is None:
        raise KeyRefused("that is not a key of this API")
    row = await session.get(ApiKeyRow, shape[1])
    # Compared in constant time; the public part is no secret, the rest of the key is.
    if not hmac.compare_digest(_digest(key), bytes(32) if row is None else row.digest) or row is None:
        raise KeyRefused("this key is not known")
    if row.revoked_at is not None:
        raise KeyRefused(f"key {row.id} was revoked at {row.revoked_at.isoformat()}")
    if row.expires_at is not None and row.expires_at <= await _now(session):
        raise KeyRefused(f"key {row.id} expired at {row.expires_at.isoformat()}")
    return row


async def is_valid(session: AsyncSession, key_id: str) -> bool:
    """Say whether a key that was admitted before may still be used."""
    row = await session.get(ApiKeyRow, key_id)
    if row is None or row.revoked_at is not None:
        return False
    return row.expires_at is None or row.expires_at > await _now(session)


async def note_use(session: AsyncSession, key_id: str) -> None:
    """Write down that a key was used, once a minute at most."""
    await session.execute(
        update(ApiKeyRow)
        .where(
            ApiKeyRow.id == key_id,
            or_(ApiKeyRow.last_used_at.is_(None), ApiKeyRow.last_used_at < func.now() - _USE_IS_NOTED_EVERY),
        )
        .values(last_used_at=func.now())
    )


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


async def _one(session: AsyncSession, key_id: str) -> ApiKeyRow:
    row = await session.get(ApiKeyRow, key_id, with_for_update=True)
    if row is None:
        raise InvalidRequest(f"there is no key {key_id}: `risk-oracle keys list` shows all")
    return row


async def _now(session: AsyncSession) -> datetime:
    # The database's clock: several daemons must agree on when a key ends.
    now = await session.scalar(select(func.clock_timestamp()))
    if not isinstance(now, datetime):
        raise TypeError(f"clock_timestamp() gave {now!r}")
    return now
