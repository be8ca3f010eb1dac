"""Operators' passwords: Argon2id, by the library's recommended parameters."""

import asyncio
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from oracle.store.operators import OperatorFault

SHORTEST: Final = 12
_LONGEST: Final = 1_024
_HASHER: Final = PasswordHasher()


def hashed(password: str) -> str:
    """Return a password as it is stored; raises OperatorFault for one that is too short, or too long to be one."""
    if not SHORTEST <= len(password) <= _LONGEST:
        raise OperatorFault(f"the password has {len(password)} characters: expected {SHORTEST} to {_LONGEST:,}")
    return _HASHER.hash(password)


@cache
def _of_nobody() -> str:
    return _HASHER.hash("nobody's password")


async def fits(stored: str | None, password: str) -> bool:
    """Say whether a password is the stored one; as slow for an unknown account (None) as for a known one."""
    return await asyncio.to_thread(_fits, stored, password[:_LONGEST])


def _fits(stored: str | None, password: str) -> bool:
    try:
        return _HASHER.verify(stored or _of_nobody(), password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False
