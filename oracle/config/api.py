"""The HTTP API for partners."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from oracle.config.values import Seconds, Section, private_key

_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d{1,5})?")


def _origin(value: str) -> str:
    if not _ORIGIN.fullmatch(value):
        raise ValueError(f"{value!r} is not an origin: expected https://host or https://host:port, without a path")
    return value


class ApiSettings(Section):
    """The HTTP API `/v1`, served beside health and metrics where it is enabled."""

    enabled: bool = Field(False, description="serve /v1; keys are made with `risk-oracle keys create`")
    requests_per_minute: int = Field(
        600,
        ge=1,
        le=1_000_000,
        description="most requests of one key in a minute, where the key has no limit of its own",
    )
    burst: int = Field(120, ge=1, le=100_000, description="requests of one key that may come at once")
    public_per_minute: int = Field(
        120, ge=1, le=1_000_000, description="most requests of one address in a minute to what needs no key"
    )
    public_burst: int = Field(60, ge=1, le=100_000, description="requests of one address that may come at once")
    max_body_bytes: int = Field(65_536, ge=1_024, le=16_777_216, description="longest body that is read")
    body_seconds: Seconds = Field(10.0, description="patience with a body that comes slowly")
    time_limit_seconds: Seconds = Field(30.0, description="longest time that one answer may take")
    statement_seconds: Seconds = Field(5.0, description="longest time that one query may take")
    connections: int = Field(8, ge=1, le=200, description="connections to the database, apart from the stages' own")
    cors_origins: tuple[Annotated[str, AfterValidator(_origin)], ...] = Field(
        (), description="origins whose pages may call the API; none: no page may"
    )
    preview_seconds: Seconds = Field(
        30.0, description="how long a wallet that was read for a preview is remembered at its block"
    )
    preview_wallets: int = Field(1_000, ge=1, description="wallets that are remembered for previews, the latest ones")
    preview_reads: int = Field(4, ge=1, le=64, description="wallets that are read for previews at the same time")
    event_clients: int = Field(200, ge=1, description="most clients that listen to /v1/events at once")
    heartbeat_seconds: Seconds = Field(15.0, description="pause after which a silent stream of events sends a comment")
    webhook_seconds: Seconds = Field(10.0, description="patience with the receiver of a webhook")
    webhook_attempts: int = Field(
        12, ge=1, le=30, description="tries of one delivery; the pause between them is doubled, to an hour"
    )
    requester_key: Annotated[SecretStr, AfterValidator(private_key)] | None = Field(
        None,
        description="private key (hex) of the account that sends requests for API keys with the scope submit; another "
        "one than the signer's, with coins for fees and gas; absent: none are sent",
    )
    requester_daily_fee_wei: int = Field(
        10**17, ge=0, le=2**128, description="most fees, in wei, of the requests that are sent for one key within a day"
    )
    requester_daily_requests: int = Field(
        100, ge=0, le=1_000_000, description="most requests that are sent for one key within a day: each costs gas too"
    )
    webhook_private_targets: bool = Field(
        False, description="deliver webhooks to private and loopback addresses too, and without TLS"
    )
