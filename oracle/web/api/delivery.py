"""Webhooks told: changes become deliveries in the database, and these are sent until they arrive or are given up."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import aiohttp
import structlog

from oracle.assessment.errors import TransientFault
from oracle.store import event_log, kept_answers, request_reads, webhooks
from oracle.store.api_tables import DeliveryRow, WebhookRow
from oracle.store.database import LOST
from oracle.store.event_log import Change
from oracle.web.api.service import Api
from oracle.web.api.targets import connector
from oracle.web.api.told import change_view
from oracle.web.api.views import RequestView

SIGNATURE: Final = "X-Risk-Oracle-Signature"
DELIVERY: Final = "X-Risk-Oracle-Delivery"
_LOOK_SECONDS: Final = 0.5
_AWAY_SECONDS: Final = 2.0
_AT_ONCE: Final = 16
_PAGE: Final = 500
_FIRST_PAUSE_SECONDS: Final = 5.0
_LONGEST_PAUSE_SECONDS: Final = 3_600.0
_SWEEP_SECONDS: Final = 3_600.0
_MOST_BYTES_READ: Final = 1_024


def signature(secret: bytes, at: int, body: bytes) -> str:
    """Return the header that vouches for a delivery: HMAC-SHA256 over its time, in Unix seconds, and its body."""
    digest = hmac.new(secret, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def pause(attempts: int) -> timedelta:
    """Return how long to wait after so many tries: doubled each time, to an hour."""
    return timedelta(seconds=min(_FIRST_PAUSE_SECONDS * 2 ** min(attempts - 1, 20), _LONGEST_PAUSE_SECONDS))


async def follow(api: Api) -> None:
    """Read the audit log for the streams and the webhooks until cancelled; waits while the database is away."""
    swept = 0.0
    entered: int | None = None
    while True:
        try:
            more = await api.feed.look()
            if entered != api.feed.position:
                await enter(api)
                entered = api.feed.position
            if time.monotonic() - swept > _SWEEP_SECONDS:
                swept = time.monotonic()
                async with api.session() as session:
                    await kept_answers.sweep(session)
                    await webhooks.sweep(session)
        except (TransientFault, *LOST):
            await asyncio.sleep(_AWAY_SECONDS)  # the pipeline tells of the database
            continue
        if not more:
            await asyncio.sleep(_LOOK_SECONDS)


async def enter(api: Api) -> None:
    """Make the deliveries of what was told since the last time, however long ago, and by whichever daemon."""
    position = api.feed.position
    if position is None:
        return
    while True:
        async with api.session() as session:
            told = await event_log.told(session, api.chain_id, api.oracle, position)
            if told.settled >= position:
                return
            changes, last = await event_log.between(session, api.chain_id, api.oracle, told.settled, position, _PAGE)
            hooks = await webhooks.listening(session, api.chain_id, api.oracle)
            for change in changes:
                wanted = [hook for hook in hooks if _wants(hook, change)]
                if wanted:
                    found = await request_reads.one(session, api.chain_id, api.oracle, change.request_id)
                    request = None if found is None else RequestView.of(found).model_dump(mode="json")
                    payload = {"event": change_view(change).model_dump(mode="json"), "request": request}
                    for hook in wanted:
                        await webhooks.enter(session, hook.id, change.id, payload)
            told.settled = last


def _wants(hook: WebhookRow, change: Change) -> bool:
    return change.name in hook.states and hook.address in (None, change.user, change.requester)


async def deliver(api: Api) -> None:
    """Send what is due until cancelled; waits while the database is away."""
    private = api.settings.webhook_private_targets
    timeout = aiohttp.ClientTimeout(total=api.settings.webhook_seconds)
    async with aiohttp.ClientSession(connector=connector(private=private), timeout=timeout, trust_env=False) as client:
        while True:
            try:
                sent = await deliver_due(api, client)
            except (TransientFault, *LOST):
                await asyncio.sleep(_AWAY_SECONDS)
                continue
            if not sent:
                await asyncio.sleep(_LOOK_SECONDS)


async def deliver_due(api: Api, client: aiohttp.ClientSession) -> int:
    """Send what is due now, some at once; return how many there were."""
    # Whoever dies with one in hand leaves it to the others after that.
    lease = timedelta(seconds=api.settings.webhook_seconds * 2 + 5)
    async with api.session() as session:
        found: Sequence[tuple[DeliveryRow, WebhookRow]] = await webhooks.due(session, _AT_ONCE, lease)
    await asyncio.gather(*(_send(api, client, delivery, hook) for delivery, hook in found))
    return len(found)


async def _send(api: Api, client: aiohttp.ClientSession, delivery: DeliveryRow, hook: WebhookRow) -> None:
    status, fault = await _post(client, delivery, hook)
    log = structlog.get_logger("webhooks").bind(webhook=str(hook.id), delivery=delivery.id, attempts=delivery.attempts)
    over = delivery.attempts >= api.settings.webhook_attempts
    async with api.session() as session:
        if fault is None and status is not None:
            await webhooks.delivered(session, delivery.id, status)
        else:
            after = None if over else pause(delivery.attempts)
            await webhooks.failed(session, delivery.id, status, fault or "", after)
    if fault is None:
        log.info("webhook_delivered", status=status)
    elif over:
        log.warning("webhook_given_up", status=status, error=fault)
    else:
        log.info("webhook_failed", status=status, error=fault)


async def _post(
    client: aiohttp.ClientSession, delivery: DeliveryRow, hook: WebhookRow
) -> tuple[int | None, str | None]:
    body = _body(delivery.id, delivery.payload)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "risk-oracle",
        DELIVERY: str(delivery.id),
        SIGNATURE: signature(hook.secret, int(time.time()), body),
    }
    try:
        async with client.post(hook.url, data=body, headers=headers, allow_redirects=False) as response:
            await response.content.read(_MOST_BYTES_READ)
            status = response.status
    except TimeoutError:
        return None, "it did not answer in time"
    except (aiohttp.ClientError, OSError, ValueError) as error:
        # Of a failed connection the cause says more than the words around it.
        cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
        return None, f"{type(cause).__name__}: {cause}"
    if 200 <= status < 300:
        return status, None
    return status, f"it answered HTTP {status}" + (": redirects are not followed" if 300 <= status < 400 else "")


def _body(number: int, payload: Mapping[str, Any]) -> bytes:
    return json.dumps({"delivery": str(number), **payload}, separators=(",", ":")).encode()
