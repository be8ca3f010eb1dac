"""A partner's webhooks: made, listed and removed, their deliveries looked at and made again."""

import secrets
from typing import Any, Final, Literal
from uuid import UUID, uuid4

import structlog
from aiohttp import web
from pydantic import BaseModel, Field

from oracle.store import webhooks
from oracle.store.api_keys import Scope
from oracle.store.api_tables import DeliveryRow, WebhookRow
from oracle.web.api.calls import Call, Operation, Strict
from oracle.web.api.problems import Kind, Problem, wrong
from oracle.web.api.service import Api
from oracle.web.api.targets import check_url
from oracle.web.api.values import AnyAddress, Moment, WalletAddress

_MOST: Final = 20
_SECRET_BYTES: Final = 32
_ENDS: Final = ("final", "declined", "closed", "expired")
_LONGEST_ID: Final = 2**63

Event = Literal[
    "awaiting_proof", "reminder", "confirmed", "final", "declined", "closed", "expired", "vanished"
]  # fmt: skip
"""What a webhook can be told of: the states, and the notice, that somebody outside has to act on."""


class WebhookAsked(Strict):
    """Where to tell of requests that ended, or that wait for their private data."""

    url: str = Field(max_length=2_000, description="https, of a public host; redirects are not followed")
    address: WalletAddress | None = Field(None, description="only of requests about this wallet, or asked for by it")
    states: tuple[Event, ...] = Field(
        _ENDS,
        min_length=1,
        max_length=8,
        description="what is told: the states, and `reminder`, once at half the time that private data may take",
    )


class WebhookView(BaseModel):
    """A webhook."""

    id: UUID
    url: str
    address: AnyAddress | None
    states: list[Event]
    created_at: Moment

    @classmethod
    def of(cls, row: WebhookRow) -> "WebhookView":
        """Return a webhook as it is told."""
        return cls(**_plain(row))


class NewWebhook(WebhookView):
    """A webhook, with what signs its deliveries: told only now."""

    secret: str = Field(description="hex; HMAC-SHA256 over `t`, a dot and the body is `v1` of X-Risk-Oracle-Signature")


class WebhooksView(BaseModel):
    """The key's webhooks."""

    webhooks: list[WebhookView]


class DeliveryView(BaseModel):
    """One delivery."""

    id: str
    payload: dict[str, Any]
    attempts: int
    next_at: Moment | None = Field(description="null once it arrived or was given up")
    delivered_at: Moment | None
    status: int | None = Field(description="what the receiver answered last")
    fault: str | None
    created_at: Moment

    @classmethod
    def of(cls, row: DeliveryRow) -> "DeliveryView":
        """Return a delivery as it is told."""
        names = ("payload", "attempts", "next_at", "delivered_at", "status", "fault", "created_at")
        return cls(id=str(row.id), **{name: getattr(row, name) for name in names})


class DeliveriesView(BaseModel):
    """Deliveries of a webhook, the newest first."""

    deliveries: list[DeliveryView]


class WebhookParameters(Strict):
    """One webhook."""

    webhook_id: UUID


class DeliveriesParameters(WebhookParameters):
    """A page of its deliveries."""

    limit: int = Field(50, ge=1, le=100)
    before: int | None = Field(None, ge=0, lt=_LONGEST_ID, description="only ids below this one: the next page")


class DeliveryParameters(WebhookParameters):
    """One of its deliveries."""

    delivery_id: int = Field(ge=0, lt=_LONGEST_ID)


async def add(api: Api, call: Call) -> NewWebhook:
    """Make a webhook of the key."""
    asked: WebhookAsked = call.body
    try:
        url = check_url(asked.url, private=api.settings.webhook_private_targets)
    except ValueError as refused:
        raise wrong("body.url", str(refused)) from None
    secret = secrets.token_bytes(_SECRET_BYTES)
    async with api.session() as session:
        await webhooks.hold(session, call.key)
        if len(await webhooks.of_key(session, api.chain_id, api.oracle, call.key)) >= _MOST:
            raise Problem(Kind.CONFLICT, f"a key has at most {_MOST} webhooks: remove one first")
        row = WebhookRow(
            id=uuid4(),
            chain_id=api.chain_id,
            oracle=api.oracle,
            key=call.key,
            url=url,
            secret=secret,
            address=asked.address,
            states=list(dict.fromkeys(asked.states)),
        )
        session.add(row)
        await session.flush()
        await session.refresh(row)
    structlog.get_logger("api").info("webhook_added", call=call.id, key=call.key, webhook=str(row.id))
    return NewWebhook(**_plain(row), secret=secret.hex())


async def listed(api: Api, call: Call) -> WebhooksView:
    """Return the key's webhooks."""
    async with api.session() as session:
        found = await webhooks.of_key(session, api.chain_id, api.oracle, call.key)
    return WebhooksView(webhooks=[WebhookView.of(row) for row in found])


async def remove(api: Api, call: Call) -> web.Response:
    """Remove a webhook of the key."""
    asked: WebhookParameters = call.parameters
    async with api.session() as session:
        if not await webhooks.remove(session, call.key, asked.webhook_id):
            raise _unknown(asked.webhook_id)
    structlog.get_logger("api").info("webhook_removed", call=call.id, key=call.key, webhook=str(asked.webhook_id))
    return web.Response(status=204)


async def deliveries(api: Api, call: Call) -> DeliveriesView:
    """Return deliveries of a webhook of the key."""
    asked: DeliveriesParameters = call.parameters
    async with api.session() as session:
        if await webhooks.one(session, call.key, asked.webhook_id) is None:
            raise _unknown(asked.webhook_id)
        found = await webhooks.deliveries(session, asked.webhook_id, asked.before, asked.limit)
    return DeliveriesView(deliveries=[DeliveryView.of(row) for row in found])


async def replay(api: Api, call: Call) -> web.Response:
    """Make a delivery due again."""
    asked: DeliveryParameters = call.parameters
    async with api.session() as session:
        known = await webhooks.one(session, call.key, asked.webhook_id) is not None
        if not known or not await webhooks.replay(session, asked.webhook_id, asked.delivery_id):
            raise Problem(Kind.NOT_FOUND, f"webhook {asked.webhook_id} has no delivery {asked.delivery_id}")
    return web.Response(status=202)


def _plain(row: WebhookRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("id", "url", "address", "states", "created_at")}


def _unknown(webhook: UUID) -> Problem:
    return Problem(Kind.NOT_FOUND, f"this key has no webhook {webhook}")


HOOKS: Final = (
    Operation(
        "POST", "/webhooks", "addWebhook", "Be told of requests that ended, or wait for data",
        Scope.WEBHOOKS, add, NewWebhook, body=WebhookAsked, status=201, problems=(Kind.CONFLICT,), repeatable=True,
    ),
    Operation("GET", "/webhooks", "getWebhooks", "The key's webhooks", Scope.WEBHOOKS, listed, WebhooksView),
    Operation(
        "DELETE", "/webhooks/{webhook_id}", "removeWebhook", "Remove a webhook", Scope.WEBHOOKS, remove, None,
        parameters=WebhookParameters, status=204, problems=(Kind.NOT_FOUND,),
    ),
    Operation(
        "GET", "/webhooks/{webhook_id}/deliveries", "getDeliveries", "What became of its deliveries",
        Scope.WEBHOOKS, deliveries, DeliveriesView, parameters=DeliveriesParameters, problems=(Kind.NOT_FOUND,),
    ),
    Operation(
        "POST", "/webhooks/{webhook_id}/deliveries/{delivery_id}/replay", "replayDelivery", "Make a delivery again",
        Scope.WEBHOOKS, replay, None, parameters=DeliveryParameters, status=202, problems=(Kind.NOT_FOUND,),
    ),
)  # fmt: skip
