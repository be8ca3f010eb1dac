"""The parts of tokens, opened without a check: only to find out whose key checks them."""

import base64
import json
from typing import Any

from oracle.issuers.errors import MalformedCredential


def opened(segment: str) -> Any:
    """Return the JSON value of a base64url segment; raises MalformedCredential."""
    try:
        return json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    except (ValueError, RecursionError):
        raise MalformedCredential("a part of it is not JSON in base64url") from None
