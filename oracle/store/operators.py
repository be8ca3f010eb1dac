"""Operators' accounts, where they are signed in, how often somebody failed to, and what they did."""

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from oracle.assessment.errors import OracleError
from oracle.config.dashboard import Role
from oracle.store.operator_tables import OperatorActionRow, OperatorRow, OperatorSessionRow, SignInFailureRow
from oracle.store.texts import brief

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
# Behind a proxy everybody comes from one address: a few wrong passwords must not keep all of them waiting.
_FREE_FAILURES: Final = {"name": 5, "address": 50}
_LONGEST_PAUSE: Final = timedelta(minutes=15)
_FAILURES_COUNT_FOR: Final = timedelta(hours=1)


class OperatorFault(OracleError):
    """What was asked of the accounts cannot be done."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Whose browser it is; `csrf` is what its forms carry."""

    operator: int
    name: str
    role: Role
    csrf: str

    @property
    def acts(self) -> bool:
        """Whether it may change anything."""
        return self.role is Role.OPERATOR


def checked_name(name: str) -> str:
    """Return an account's name as it is stored; raises OperatorFault."""
    lowered = name.strip().lower()
    if not _NAME.fullmatch(lowered):
        raise OperatorFault(
            f"{name!r} is no name for an account: expected up to 64 of a-z, 0-9, '.', '_', '@' and '-', a letter or a "
            "digit first"
        )
    return lowered


async def add(session: AsyncSession, name: str, role: Role, password_hash: str) -> None:
    """Add an account; raises OperatorFault when the name is taken."""
    values = {"name": checked_name(name), "role": role.value, "password_hash": password_hash}
    added = upsert(OperatorRow).values(**values).on_conflict_do_nothing().returning(OperatorRow.id)
    if await session.scalar(added) is None:
        raise OperatorFault(f"account {values['name']} is there already: choose another name, or change its password")


async def all_of_them(session: AsyncSession) -> Sequence[OperatorRow]:
    """Return the accounts, by name, without their passwords' hashes: a role that only reads may not see those."""
    unread = defer(OperatorRow.password_hash, raiseload=True)
    return (await session.scalars(select(OperatorRow).options(unread).order_by(OperatorRow.name))).all()


async def exist(session: AsyncSession) -> bool:
    """Say whether there is any account."""
    return await session.scalar(select(OperatorRow.id).limit(1)) is not None


async def find(session: AsyncSession, name: str) -> OperatorRow | None:
    """Return an account, None for an unknown name."""
    return await session.scalar(select(OperatorRow).where(OperatorRow.name == name.strip().lower()))


async def remove(session: AsyncSession, name: str) -> None:
    """Remove an account with all its sessions; raises OperatorFault for an unknown one."""
    await session.delete(await _known(session, name))


async def change_password(session: AsyncSession, name: str, password_hash: str) -> None:
    """Give an account another password and sign it out everywhere; raises OperatorFault for an unknown one."""
    row = await _known(session, name)
    row.password_hash = password_hash
    await sign_out_everywhere(session, row.id)
    await forget_failures(session, f"name:{row.name}")


async def _known(session: AsyncSession, name: str) -> OperatorRow:
    row = await find(session, name)
    if row is None:
        raise OperatorFault(f"there is no account {name!r}: `risk-oracle operators list` shows them")
    return row


async def sign_in(session: AsyncSession, operator: int, lasts: timedelta) -> str:
    """Begin a session; return its token, which is nowhere else."""
    token = secrets.token_urlsafe(32)
    await session.execute(delete(OperatorSessionRow).where(OperatorSessionRow.expires_at < func.now()))
    expires = datetime.now(UTC) + lasts
    csrf = secrets.token_urlsafe(24)
    session.add(OperatorSessionRow(token_hash=_digest(token), operator=operator, csrf=csrf, expires_at=expires))
    await session.flush()
    return token


async def signed_in(session: AsyncSession, token: str) -> SignedIn | None:
    """Return whose session a token stands for, None when it is over or was never there."""
    query = (
        select(OperatorRow.id, OperatorRow.name, OperatorRow.role, OperatorSessionRow.csrf)
        .join(OperatorSessionRow, OperatorSessionRow.operator == OperatorRow.id)
        .where(OperatorSessionRow.token_hash == _digest(token), OperatorSessionRow.expires_at > func.now())
    )
    found = (await session.execute(query)).one_or_none()
    return None if found is None else SignedIn(found.id, found.name, Role(found.role), found.csrf)


async def sign_out(session: AsyncSession, token: str) -> None:
    """End one session."""
    await session.execute(delete(OperatorSessionRow).where(OperatorSessionRow.token_hash == _digest(token)))


async def sign_out_everywhere(session: AsyncSession, operator: int) -> None:
    """End all sessions of an account."""
    await session.execute(delete(OperatorSessionRow).where(OperatorSessionRow.operator == operator))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


async def pause_before(session: AsyncSession, *keys: str) -> timedelta:
    """Return how long whoever goes by these keys (`name:…`, `address:…`) waits before the next try.

    It doubles with each failure from the fifth of a name, and from the fiftieth of an address, on.
    """
    row = SignInFailureRow
    longest = timedelta()
    for key, failures, last_at in await session.execute(
        select(row.key, row.failures, row.last_at).where(row.key.in_(keys))
    ):
        since, over = datetime.now(UTC) - last_at, failures - _FREE_FAILURES[key.partition(":")[0]]
        if over >= 0 and since < _FAILURES_COUNT_FOR:
            pause = min(timedelta(seconds=2.0 ** min(over + 1, 20)), _LONGEST_PAUSE)
            longest = max(longest, pause - since)
    return longest


async def note_failure(session: AsyncSession, *keys: str) -> None:
    """Count a failed try for each key; what is older than an hour is forgotten."""
    now = func.clock_timestamp()
    await session.execute(delete(SignInFailureRow).where(SignInFailureRow.last_at < now - _FAILURES_COUNT_FOR))
    for key in sorted(keys):
        added = upsert(SignInFailureRow).values(key=key, failures=1)
        counted = {"failures": SignInFailureRow.failures + 1, "last_at": now}
        await session.execute(added.on_conflict_do_update(index_elements=["key"], set_=counted))


async def forget_failures(session: AsyncSession, *keys: str) -> None:
    """Begin to count anew after a success."""
    await session.execute(delete(SignInFailureRow).where(SignInFailureRow.key.in_(keys)))


async def record(session: AsyncSession, operator: str, action: str, detail: str, request: int | None = None) -> None:
    """Append to the log of what operators did; `request` is the row's id."""
    session.add(OperatorActionRow(operator=operator, action=action, detail=brief(detail), request=request))
    await session.flush()


async def actions(session: AsyncSession, request: int | None = None, most: int = 50) -> Sequence[OperatorActionRow]:
    """Return the newest actions, newest first: all of them, or those on one request."""
    query = select(OperatorActionRow).order_by(OperatorActionRow.id.desc()).limit(most)
    if request is not None:
        query = query.where(OperatorActionRow.request == request)
    return (await session.scalars(query)).all()
