"""`risk-oracle issuer …`: be an issuer of credentials about private credit data."""

import asyncio
import json
import signal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from oracle.commands.common import JsonOption, run_job, tell
from oracle.commands.issuer_papers import (
    DEFAULT_SETTINGS,
    BorrowerArgument,
    SettingsOption,
    address,
    check,
    issue,
    obtain,
    open_issuer,
    revoke,
)

if TYPE_CHECKING:
    from oracle.issuers.issuing import Issuer

issuer_app = typer.Typer(help="Credentials about private credit data: issue, check, obtain.", no_args_is_help=True)


class Curve(StrEnum):
    """What an attestation's key is of."""

    SECP256K1 = "secp256k1"
    P256 = "p256"


class Rotated(StrEnum):
    """Which key is replaced."""

    CREDENTIAL = "credential"
    ATTESTATION = "attestation"


@issuer_app.command("keys")
def keys(
    kind: Annotated[Curve, typer.Option(help="Curve of a fresh key that attests.")] = Curve.SECP256K1,
    rotate: Annotated[Rotated | None, typer.Option(help="Sign with a fresh key from now on.")] = None,
    settings: SettingsOption = DEFAULT_SETTINGS,
    as_json: JsonOption = False,
) -> None:
    """Make the issuer's keys where there are none, or replace one; show the public ones.

    An old credential key stays published until what it signed has expired. A new attestation key is another issuer to
    the registry: have it added (addIssuer, setSchema) before it is used.
    """
    from oracle.issuers.keyring import KeyRing
    from oracle.issuers.settings import IssuerSettings
    from oracle.issuers.signing import KeyType

    found, curve = IssuerSettings.load(settings), KeyType[kind.name]
    ring = KeyRing.load(found.keys) if found.keys.exists() else KeyRing.make(found.keys, curve)
    if rotate is Rotated.CREDENTIAL:
        ring.rotate_credential()
    elif rotate is Rotated.ATTESTATION:
        ring.rotate_attestation(curve)
    public = ring.attestation_key.public
    told = {
        "keys": str(found.keys),
        "issuer": f"0x{public.issuer_id.hex()}",
        "key_type": int(public.kind),
        "key": f"0x{public.key.hex()}",
        "published": ring.published(found.valid_seconds),
    }
    text = (
        f"{found.keys}: keep a copy where only you can read it\n"
        f'for the registry: addIssuer({told["key_type"]}, {told["key"]}, "{found.name}")\n'
        f"  its id there: {told['issuer']}\n"
        f"keys of credentials that are published: {len(ring.published(found.valid_seconds))}"
    )
    tell(told, text, as_json=as_json)


@issuer_app.command("offer")
def offer(borrower: BorrowerArgument, settings: SettingsOption = DEFAULT_SETTINGS, as_json: JsonOption = False) -> None:
    """Print an offer for a borrower, to be handed over in private: with its code, once, the credential is theirs."""
    from oracle.issuers.journal import Use
    from oracle.issuers.metadata import offer as offer_of
    from oracle.issuers.records import passport_of

    wanted = address(borrower, "BORROWER")
    issuer = open_issuer(settings)
    try:
        passport_of(issuer.settings.records, wanted)
        code = issuer.journal.grant(Use.CODE, wanted, issuer.settings.offer_minutes * 60)
        made = offer_of(issuer, code)
    finally:
        issuer.journal.close()
    tell(made, json.dumps(made), as_json=as_json)


@issuer_app.command("list")
def list_issued(settings: SettingsOption = DEFAULT_SETTINGS, as_json: JsonOption = False) -> None:
    """List what was issued, the oldest first."""
    issuer = open_issuer(settings)
    try:
        found = issuer.journal.all_issued()
    finally:
        issuer.journal.close()
    rows = [
        {
            "borrower": one.borrower,
            "data_commitment": f"0x{one.data_commitment:064x}",
            "valid_until": one.valid_until,
            "revoked_at": one.revoked_at,
        }
        for one in found
    ]
    lines = [
        f"{row['data_commitment']}  {row['borrower']}  {'revoked' if row['revoked_at'] else 'issued'}" for row in rows
    ]
    tell({"issued": rows}, "\n".join(lines) or "nothing was issued yet", as_json=as_json)


@issuer_app.command("serve")
def serve(settings: SettingsOption = DEFAULT_SETTINGS) -> None:
    """Serve the issuer over HTTP until stopped; put a proxy with TLS before it."""
    from oracle import log
    from oracle.config.logging import LogSettings

    log.configure(LogSettings())
    run_job(_serve(open_issuer(settings)))


issuer_app.command("issue")(issue)
issuer_app.command("revoke")(revoke)
issuer_app.command("obtain")(obtain)
issuer_app.command("check")(check)


async def _serve(issuer: "Issuer") -> None:
    import structlog

    from oracle.issuers.service import serve as listen

    stopped = asyncio.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(one, stopped.set)
    runner, port = await listen(issuer)
    structlog.get_logger("issuer").info("issuer_served", url=issuer.settings.url, port=port)
    try:
        await stopped.wait()
    finally:
        await runner.cleanup()
        issuer.journal.close()
