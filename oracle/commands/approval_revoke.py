"""`risk-oracle approval decision revoke`: a panel's bank or agency takes back what was decided, or will be."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from oracle.assessment.errors import ConfigurationFault
from oracle.commands.approval_registry import account_of, hex_of, panel_of, registry_at, word_of
from oracle.commands.common import JsonOption, run_job, tell
from oracle.commands.deployment.means import Means, address_of

if TYPE_CHECKING:
    from oracle.chain.accounts import SendingAccount

_WALLET_URL: Final = "http://127.0.0.1:1248"


def revoke(
    panel: Annotated[int, typer.Option(min=1, help="The panel's number in the registry.")],
    registry: Annotated[str, typer.Option(help="The registry's address (ApprovalRegistry).")],
    rpc_url: Annotated[str, typer.Option(help="HTTP endpoint of its chain.")],
    session: Annotated[Path | None, typer.Option(help="The session's file; with --application.")] = None,
    application: Annotated[int | None, typer.Option(min=1, help="The application's number in its session.")] = None,
    request: Annotated[str | None, typer.Option(help="Instead of both: the registry's request, 32 bytes.")] = None,
    sign_only: Annotated[bool, typer.Option("--sign-only", help="Send nothing: print a signature to send.")] = False,
    signature: Annotated[str | None, typer.Option(help="A signature of bank or agency: whoever sends it pays.")] = None,
    key_file: Annotated[Path | None, typer.Option(help="The account's key: a file with the key in hex.")] = None,
    keystore: Annotated[Path | None, typer.Option(help="The account's key: a wallet's encrypted JSON file.")] = None,
    password_file: Annotated[Path | None, typer.Option(help="The keystore's password; absent: you are asked.")] = None,
    wallet: Annotated[str | None, typer.Option(help="The account in a wallet that signs: Frame, clef, a node.")] = None,
    wallet_url: Annotated[str, typer.Option(help="That wallet's RPC endpoint.")] = _WALLET_URL,
    as_json: JsonOption = False,
) -> None:
    """Take a request's decision back, as the panel's bank, its agency, or the registry's governance; for good.

    One that is not recorded yet never will be. What it ended before stays ended: a revoked denial makes no older
    approval count again.
    """
    place, wanted = address_of("--registry", registry), _request(session, application, request)
    if sign_only and signature is not None:
        raise typer.BadParameter("a signature is made, or sent: not both", param_hint="--sign-only")
    given = None if signature is None else hex_of(signature)
    account = account_of(Means(keystore, password_file, key_file, wallet, wallet_url))

    async def work() -> dict[str, Any]:
        return await _revoke(rpc_url, place, panel, wanted, account, given, sign_only=sign_only)

    told = run_job(work())
    tell(told, _line(told), as_json=as_json)


async def _revoke(
    rpc_url: str,
    place: Any,
    panel: int,
    request: bytes,
    account: "SendingAccount",
    signature: bytes | None,
    *,
    sign_only: bool,
) -> dict[str, Any]:
    from oracle.approval.decision import registry_domain, revocation
    from oracle.chain.sending import send_call
    from oracle.web.api.typed_data import as_json as typed_json

    told: dict[str, Any] = {"request": f"0x{request.hex()}", "panel": panel, "transaction": None, "signature": None}
    async with registry_at(rpc_url, place) as (found, chain_id, _):
        known = await panel_of(found, panel, stopped=True)
        if (since := await found.revoked_at(panel, request)) != 0:
            return {**told, "revoked_at": since, "recorded": await found.recorded(panel, request) is not None}
        if sign_only:
            if account.address not in (known.bank, known.agency):
                raise ConfigurationFault(
                    f"{account.address} signs no revocation of panel {panel}: its bank is {known.bank}, its agency "
                    f"{known.agency}"
                )
            message = typed_json(revocation(registry_domain(chain_id, place), panel, request))
            return {**told, "signature": f"0x{(await account.sign_message(message)).hex()}", "revoked_at": None}
        data = found.revoke_call(panel, request, signature)
        sent = await send_call(found.w3, account, found.address, data, chain_id)
        recorded = await found.recorded(panel, request) is not None
        since = await found.revoked_at(panel, request)
    return {**told, "transaction": sent, "revoked_at": since, "recorded": recorded}


def _request(session: Path | None, application: int | None, request: str | None) -> bytes:
    from oracle.approval.decision import request_of
    from oracle.approval.session_file import read_session

    if request is not None:
        if session is not None or application is not None:
            raise typer.BadParameter("it stands for --session and --application: not all three", param_hint="--request")
        return word_of(request, "--request")
    if session is None or application is None:
        raise typer.BadParameter("which? --session and --application, or --request", param_hint="--request")
    return request_of(read_session(session).id, application)


def _line(told: dict[str, Any]) -> str:
    name = f"request {told['request']}"
    if told["signature"] is not None:
        return f"{name}, to be revoked by whoever sends this with --signature: {told['signature']}"
    if told["transaction"] is None:
        return f"{name} was revoked before, at {told['revoked_at']} (Unix seconds): nothing was sent"
    what = "its decision counts no more" if told["recorded"] else "nothing was recorded of it, and nothing will be"
    return f"revoked: {name}, transaction {told['transaction']}; {what}"
