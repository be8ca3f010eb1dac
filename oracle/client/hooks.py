"""Is what came to a webhook from the oracle, and new?"""

import hashlib
import hmac
import re
import time
from typing import Final

_SHAPE: Final = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})", re.ASCII)


class WebhookForged(ValueError):
    """What came to a webhook is not signed with its secret, or is too old."""


def verify_webhook(
    secret: str, header: str, body: bytes, *, tolerance_seconds: float = 300.0, now: float | None = None
) -> None:
    """Raise WebhookForged unless the header X-Risk-Oracle-Signature vouches for a body, and is not old.

    `secret` is the hex that the webhook was made with, `body` the bytes as they came.
    """
    found = _SHAPE.fullmatch(header)
    if found is None:
        raise WebhookForged("the signature is not t=…,v1=…")
    expected = hmac.new(bytes.fromhex(secret), f"{found[1]}.".encode() + body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, found[2]):
        raise WebhookForged("the signature is not of this body and secret")
    if abs((time.time() if now is None else now) - int(found[1])) > tolerance_seconds:
        raise WebhookForged(f"it was signed more than {tolerance_seconds:g} s ago")
