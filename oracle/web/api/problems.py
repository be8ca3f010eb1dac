"""What can go wrong with a call, as `application/problem+json` (RFC 9457) that names the field at fault."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from aiohttp import web
from pydantic import BaseModel, Field

from oracle.store.texts import brief

MEDIA_TYPE: Final = "application/problem+json"
_TYPE_PREFIX: Final = "urn:risk-oracle:problem:"
_LONGEST_DETAIL: Final = 500


@dataclass(frozen=True, slots=True)
class _Row:
    status: int
    name: str
    title: str


class Kind(Enum):
    """The kinds of problems; the name makes the `type`, each has one status."""

    MALFORMED = _Row(400, "malformed", "The request cannot be read")
    NO_KEY = _Row(401, "no-key", "A valid key is needed")
    NOT_ALLOWED = _Row(403, "not-allowed", "The key does not allow this")
    NOT_FOUND = _Row(404, "not-found", "There is nothing here")
    WRONG_METHOD = _Row(405, "wrong-method", "This path does not take that method")
    TOO_SLOW = _Row(408, "too-slow", "The body came too slowly")
    CONFLICT = _Row(409, "conflict", "That does not fit the present state")
    TOO_LARGE = _Row(413, "too-large", "The body is too large")
    NOT_JSON = _Row(415, "not-json", "The body must be JSON")
    INVALID = _Row(422, "invalid", "A field is wrong")
    DECLINED = _Row(422, "declined", "The oracle would decline this request")
    TOO_MANY = _Row(429, "too-many", "Too many requests")
    FAULT = _Row(500, "fault", "A fault of the server")
    UNAVAILABLE = _Row(503, "unavailable", "Not now: trying again later can help")

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.value.status

    @property
    def title(self) -> str:
        """The kind in words."""
        return self.value.title

    @property
    def type(self) -> str:
        """The URI that names the kind."""
        return _TYPE_PREFIX + self.value.name


class FieldFault(BaseModel):
    """What is wrong with one field."""

    field: str = Field(description="its place: body.loan_amount, path.address, query.cursor, header.Idempotency-Key")
    detail: str = Field(description="what was expected")


class ProblemBody(BaseModel):
    """A problem as the client gets it."""

    type: str = Field(description="URI that names the kind of problem")
    title: str
    status: int
    detail: str = Field(description="what is wrong with this call, and what to do")
    request_id: str = Field(description="names this call in the server's log")
    errors: list[FieldFault] = Field(default_factory=list, description="the fields at fault")
    decline_reason: str | None = Field(None, description="why the oracle would decline, or declined")
    state: str | None = Field(None, description="where the request stands that the call is about")
    check: str | None = Field(None, description="which check failed of what was handed in for a request")


class Problem(Exception):
    """A call that is answered with a problem; `retry_seconds` becomes Retry-After, `close` ends the connection."""

    def __init__(
        self,
        kind: Kind,
        detail: str,
        errors: Sequence[FieldFault] = (),
        *,
        retry_seconds: float | None = None,
        headers: Mapping[str, str] | None = None,
        close: bool = False,
        decline_reason: str | None = None,
        state: str | None = None,
        check: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = brief(detail, _LONGEST_DETAIL)
        self.errors = list(errors)
        self.retry_seconds = retry_seconds
        self.headers = dict(headers or {})
        self.close = close
        self.more = {"decline_reason": decline_reason, "state": state, "check": check}

    def response(self, request_id: str) -> web.Response:
        """Return the answer."""
        body: dict[str, Any] = {
            "type": self.kind.type,
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
            "request_id": request_id,
            "errors": [one.model_dump() for one in self.errors],
            **{name: text for name, text in self.more.items() if text is not None},
        }
        headers = dict(self.headers)
        if self.retry_seconds is not None:
            headers["Retry-After"] = str(max(1, round(self.retry_seconds + 0.5)))
        if self.kind is Kind.NO_KEY:
            headers["WWW-Authenticate"] = 'Bearer realm="risk-oracle"'
        response = web.Response(
            status=self.kind.status, text=json.dumps(body), content_type=MEDIA_TYPE, charset="utf-8", headers=headers
        )
        if self.close:
            response.force_close()
        return response


def wrong(field: str, detail: str, kind: Kind = Kind.INVALID) -> Problem:
    """Return the problem of one wrong field."""
    return Problem(kind, f"{field}: {detail}", [FieldFault(field=field, detail=detail)])
