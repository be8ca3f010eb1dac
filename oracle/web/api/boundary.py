"""Around every call: its number, the key, the limits, the time; and every fault as the answer that it is."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final
from uuid import uuid4

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware
from pydantic import BaseModel

from oracle.assessment.errors import InvalidRequest, TransientFault
from oracle.cancellation import apart, raise_if_cancelled
from oracle.pipeline import metrics
from oracle.store import api_keys
from oracle.store.api_keys import KeyRefused
from oracle.store.database import LOST
from oracle.web.api.calls import JSON, Call, Operation, check_body, check_parameters, headers_of
from oracle.web.api.keyring import Admitted
from oracle.web.api.limits import client_of
from oracle.web.api.once import IDEMPOTENCY_KEY, answer_once
from oracle.web.api.problems import Kind, Problem, wrong
from oracle.web.api.service import Api

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
KEY: Final = web.RequestKey("api_key", str)
CALL: Final = web.RequestKey("api_call", str)
_AGAIN_SECONDS: Final = 5.0


def answering(api: Api, operation: Operation) -> Answer:
    """Return the handler of an operation: it checks all that the declaration says, then does the work."""

    async def answer(request: web.Request) -> web.StreamResponse:
        key = None if operation.scope is None else await _admitted(api, operation, request)
        if operation.limited and (wait := api.public_limits.take(client_of(request.remote))) > 0:
            raise Problem(Kind.TOO_MANY, "this address has spent its limit for now", retry_seconds=wait)
        parameters = check_parameters(operation, request)
        raw = b"" if operation.body is None else await read_body(api, request, operation.most_body_bytes)
        body = None if operation.body is None else check_body(operation, raw)
        scopes = frozenset() if key is None else key.scopes
        call = Call(request, request[CALL], "" if key is None else key.id, parameters, body, scopes)
        if operation.repeatable and (once := request.headers.get(IDEMPOTENCY_KEY)) is not None:
            return await answer_once(api, call, once, raw, lambda: work(call))
        return await work(call)

    async def work(call: Call) -> web.StreamResponse:
        if operation.lasting:
            return _response(operation, await operation.handle(api, call))
        try:
            async with asyncio.timeout(api.settings.time_limit_seconds):
                return _response(operation, await operation.handle(api, call))
        except TimeoutError:
            raise Problem(
                Kind.UNAVAILABLE,
                f"the answer took longer than {api.settings.time_limit_seconds:g} s",
                retry_seconds=_AGAIN_SECONDS,
            ) from None

    return answer


def _response(operation: Operation, found: BaseModel | web.StreamResponse) -> web.StreamResponse:
    if isinstance(found, web.StreamResponse):
        return found
    return web.Response(
        status=operation.status, text=found.model_dump_json(by_alias=True), content_type=JSON, headers=headers_of({})
    )


async def _admitted(api: Api, operation: Operation, request: web.Request) -> Admitted:
    given = request.headers.getall("Authorization", [])
    scheme, _, key = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not api_keys.is_key(key.strip()):
        raise Problem(Kind.NO_KEY, "send the key as `Authorization: Bearer rok_…`; the operator makes keys")
    try:
        row = await api.keyring.admit(key.strip())
    except KeyRefused as refused:
        raise Problem(Kind.NO_KEY, str(refused)) from None
    request[KEY] = row.id
    if (wait := api.limits.take(row.id, row.requests_per_minute)) > 0:
        raise Problem(Kind.TOO_MANY, f"key {row.id} has spent its limit for now", retry_seconds=wait)
    if operation.scope not in row.scopes:
        raise Problem(
            Kind.NOT_ALLOWED, f"key {row.id} has the scopes {', '.join(sorted(row.scopes))}: not {operation.scope}"
        )
    return row


async def read_body(api: Api, request: web.Request, most_bytes: int | None = None) -> bytes:
    """Return the body of a call; raises Problem for one that is too long, too slow, encoded or not JSON."""
    if request.content_type != JSON or (request.charset or "utf-8").lower() not in ("utf-8", "utf8"):
        raise Problem(Kind.NOT_JSON, f"header.Content-Type: expected {JSON} in UTF-8", close=True)
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Problem(Kind.NOT_JSON, "header.Content-Encoding: send the body as it is", close=True)
    longest = min(api.settings.max_body_bytes, most_bytes or api.settings.max_body_bytes)
    too_large = Problem(Kind.TOO_LARGE, f"the body is longer than {longest} bytes", close=True)
    if request.content_length is not None and request.content_length > longest:
        raise too_large
    parts, length = [], 0
    try:
        async with asyncio.timeout(api.settings.body_seconds):
            async for part in request.content.iter_any():
                length += len(part)
                if length > longest:
                    raise too_large
                parts.append(part)
    except TimeoutError:
        patience = f"{api.settings.body_seconds:g} s"
        raise Problem(Kind.TOO_SLOW, f"the body was not here after {patience}", close=True) from None
    except web.RequestPayloadError:
        raise wrong("body", "is not what its headers say", Kind.MALFORMED) from None
    return b"".join(parts)


def boundary(api: Api) -> Middleware:
    """Return the middleware that turns every fault into an answer, and logs the call."""

    @web.middleware
    async def around(request: web.Request, handler: Answer) -> web.StreamResponse:
        request[CALL] = uuid4().hex
        began = time.monotonic()
        status = 0
        try:
            response = await _guarded(api, request, handler)
            status = response.status
            return response
        finally:
            seconds = time.monotonic() - began
            route = _route(request)
            metrics.API_SECONDS.labels(route).observe(seconds)
            metrics.API_ANSWERS.labels(route, str(status)).inc()
            structlog.get_logger("api").info(
                "api_answered",
                call=request[CALL],
                method=request.method if request.method.isalpha() else "?",
                route=route,
                status=status,
                key=request.get(KEY, ""),
                remote=request.remote,
                seconds=round(seconds, 4),
            )

    return around


async def _guarded(api: Api, request: web.Request, handler: Answer) -> web.StreamResponse:
    try:
        response = await apart(handler(request))
    except Exception as error:  # the call's boundary: whatever happened, the client gets an answer in one form
        raise_if_cancelled()
        response = _problem_of(error).response(request[CALL])
        if response.status == Kind.FAULT.status:
            structlog.get_logger("api").error(
                "api_fault", call=request[CALL], route=_route(request), error=f"{type(error).__name__}", exc_info=True
            )
    if not response.prepared:
        response.headers["X-Request-Id"] = request[CALL]
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        _allow_origin(api, request, response)
    return response


def _problem_of(error: Exception) -> Problem:
    match error:
        case Problem():
            return error
        case web.HTTPMethodNotAllowed():
            allowed = ", ".join(sorted(error.allowed_methods))
            return Problem(Kind.WRONG_METHOD, f"this path takes {allowed}", headers={"Allow": allowed})
        case web.HTTPNotFound():
            return Problem(Kind.NOT_FOUND, "there is no such path: /v1/openapi.json has all")
        case web.HTTPRequestEntityTooLarge():
            return Problem(Kind.TOO_LARGE, "the body is too large", close=True)
        case InvalidRequest():
            return Problem(Kind.INVALID, str(error))
        case _ if isinstance(error, LOST):
            # Its words name hosts and users.
            return Problem(Kind.UNAVAILABLE, "the database does not answer", retry_seconds=_AGAIN_SECONDS)
        case TransientFault():
            return Problem(Kind.UNAVAILABLE, str(error), retry_seconds=_AGAIN_SECONDS)
    return Problem(Kind.FAULT, "a fault of the server: tell the operator the request_id")


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return "unknown" if resource is None else resource.canonical


def _allow_origin(api: Api, request: web.Request, response: web.StreamResponse) -> None:
    origin = request.headers.get("Origin")
    if api.settings.cors_origins:
        response.headers["Vary"] = "Origin"
    if origin in api.settings.cors_origins:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = "Retry-After, X-Request-Id"


def preflight(api: Api) -> Middleware:
    """Return the middleware that answers a browser's question before a call from another origin."""

    @web.middleware
    async def around(request: web.Request, handler: Answer) -> web.StreamResponse:
        asked = request.headers.get("Access-Control-Request-Method")
        if (
            request.method != "OPTIONS"
            or asked is None
            or request.headers.get("Origin") not in api.settings.cors_origins
        ):
            return await handler(request)
        return web.Response(
            status=204,
            headers={
                "Access-Control-Allow-Methods": "GET, POST, DELETE",
                "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, Last-Event-ID",
                "Access-Control-Max-Age": "600",
            },
        )

    return around
