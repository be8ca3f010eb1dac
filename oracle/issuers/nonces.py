"""Nonces that an issuer gives out without keeping them: only used ones are remembered, until they are old."""

import base64
import hashlib
import hmac
import secrets
import struct
import time
from typing import Final

from oracle.issuers.journal import Journal

NONCE_SECONDS: Final = 300
_MAC_BYTES: Final = 32
_FORM: Final = struct.Struct(">Q16s32s")


class Nonces:
    """Nonces of one process: those of another one, or of before a restart, are unknown."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._key = secrets.token_bytes(_MAC_BYTES)

    def fresh(self) -> str:
        """Return a nonce that may be used once, soon."""
        until, drawn = int(time.time()) + NONCE_SECONDS, secrets.token_bytes(16)
        return base64.urlsafe_b64encode(_FORM.pack(until, drawn, self._mac(until, drawn))).rstrip(b"=").decode()

    def use(self, nonce: str) -> bool:
        """Use a nonce up; False for one that is not ours, too old, or used before."""
        try:
            until, drawn, mac = _FORM.unpack(base64.urlsafe_b64decode(nonce + "=" * (-len(nonce) % 4)))
        except (ValueError, struct.error):
            return False
        if not hmac.compare_digest(mac, self._mac(until, drawn)) or until < time.time():
            return False
        return self._journal.spend(nonce, until)

    def _mac(self, until: int, drawn: bytes) -> bytes:
        return hmac.digest(self._key, struct.pack(">Q", until) + drawn, hashlib.sha256)
