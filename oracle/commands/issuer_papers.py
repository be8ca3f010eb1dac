"""`risk-oracle issuer issue | revoke | obtain | check`: papers made, taken back, fetched and examined."""

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer
from web3 import AsyncHTTPProvider, AsyncWeb3

from oracle.assessment.errors import InvalidRequest
from oracle.assessment.request import Address, to_address
from oracle.commands.common import JsonOption, run_job, tell

SettingsOption = Annotated[
    Path, typer.Option("--settings", "-s", help="The issuer's settings file.", envvar="RISK_ORACLE_ISSUER")
]
DEFAULT_SETTINGS = Path("issuer.toml")
BorrowerArgument = Annotated[str, typer.Argument(help="The borrower's address.", metavar="BORROWER")]


def address(text: str, where: str) -> Address:
    """Return an address that was typed; raises BadParameter."""
    try:
        return to_address(text)
    except InvalidRequest as error:
        raise typer.BadParameter(str(error), param_hint=where) from None


def open_issuer(settings: Path) -> Any:
    """Return the issuer of a settings file; its journal is to be closed."""
    from oracle.issuers.issuing import Issuer
    from oracle.issuers.journal import Journal
    from oracle.issuers.keyring import KeyRing
    from oracle.issuers.settings import IssuerSettings

    found = IssuerSettings.load(settings)
    return Issuer(found, KeyRing.load(found.keys), Journal(found.journal))


def issue(
    borrower: BorrowerArgument,
    opening: Annotated[Path, typer.Option(help="The borrower's opening, of `passport commit`.")],
    holder_key: Annotated[Path, typer.Option(help="The holder's public key: a JWK of P-256.")],
    out: Annotated[Path, typer.Option(help="File for the credential and the attestation.")],
    settings: SettingsOption = DEFAULT_SETTINGS,
    as_json: JsonOption = False,
) -> None:
    """Issue a credential and an attestation for a borrower's commitment, if it is of what the records say."""
    from oracle.issuers.errors import MalformedCredential
    from oracle.passports.private_files import OpeningFile, read_private, write_private

    wanted = address(borrower, "BORROWER")
    given = OpeningFile.parse(read_private(opening))
    try:
        jwk = json.loads(read_private(holder_key))
    except (ValueError, RecursionError):
        raise MalformedCredential(f"{holder_key} is no JWK: expected JSON with kty, crv, x and y") from None
    if out.exists():
        raise typer.BadParameter(f"{out} exists: name another file", param_hint="--out")
    issuer = open_issuer(settings)
    try:
        papers = issuer.issue_for(wanted, given.passport, given.opening, jwk if isinstance(jwk, dict) else {})
    finally:
        issuer.journal.close()
    write_private(out, papers.plain())
    commitment = f"0x{given.opening.commitment:064x}"
    told = {"file": str(out), "data_commitment": commitment, "valid_until": papers.attestation.statement.valid_until}
    tell(told, f"{out}: credential and attestation of {wanted} for commitment {commitment}", as_json=as_json)


def revoke(
    commitment: Annotated[str, typer.Argument(help="The commitment, 0x and 64 hex digits.", metavar="COMMITMENT")],
    rpc_url: Annotated[str | None, typer.Option(help="Send the registry's call there; else it is printed.")] = None,
    key_file: Annotated[Path | None, typer.Option(help="Who pays for it: a file with a private key.")] = None,
    settings: SettingsOption = DEFAULT_SETTINGS,
    as_json: JsonOption = False,
) -> None:
    """Take back what was issued for a commitment: in the status list at once, and in the registry by a signed call."""
    from oracle.chain.accounts import KeyAccount
    from oracle.issuers.revocation import revocation_call, send_call
    from oracle.passports.opening import commitment_of_hex

    if (rpc_url is None) != (key_file is None):
        raise typer.BadParameter("to send, both are needed", param_hint="--rpc-url, --key-file")
    wanted = commitment_of_hex(commitment)
    issuer = open_issuer(settings)
    try:
        entry = issuer.revoke(wanted)
        domain = issuer.settings.domain
        call = revocation_call(issuer.keys.attestation_key_of(entry.attester), domain, wanted)
    finally:
        issuer.journal.close()
    data = f"0x{call.data.hex()}"
    told = {"data_commitment": commitment, "revoked_at": entry.revoked_at, "to": call.to, "data": data}
    text = f"revoked in the status list; for the registry, to be sent by anybody:\n  to    {call.to}\n  data  {data}"
    if rpc_url is not None and key_file is not None:
        account = KeyAccount.from_key_file(key_file)

        async def send() -> str:
            w3 = AsyncWeb3(AsyncHTTPProvider(rpc_url))
            try:
                return await send_call(w3, account, call, domain.chain_id)
            finally:
                await w3.provider.disconnect()

        told["transaction"] = run_job(send())
        text = f"revoked in the status list and in the registry: {told['transaction']}"
    tell(told, text, as_json=as_json)


def obtain(
    offer: Annotated[Path, typer.Argument(help="The issuer's offer, a JSON file.", metavar="OFFER")],
    account_key_file: Annotated[Path, typer.Option(help="The borrower's account: a file with its private key.")],
    out: Annotated[Path, typer.Option(help="Folder for papers.json, opening.json and holder.pem.")],
    as_json: JsonOption = False,
) -> None:
    """Take up an issuer's offer as a borrower: with a fresh salt and a fresh key, everything checked."""
    import aiohttp
    from eth_account import Account

    from oracle.issuers.errors import IssuerFault
    from oracle.issuers.holder import HolderKey
    from oracle.issuers.obtaining import Obtained
    from oracle.issuers.obtaining import obtain as take_up
    from oracle.passports.private_files import OpeningFile, read_private, write_private

    try:
        account = Account.from_key(read_private(account_key_file).decode("ascii").strip())
    except ValueError:
        # Without the cause: its text may hold the key.
        raise IssuerFault(f"{account_key_file} does not hold a private key: expected 64 hex digits") from None
    text, holder = read_private(offer).decode("utf-8", "replace"), HolderKey.fresh()
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = [out / name for name in ("papers.json", "opening.json", "holder.pem")]
    if there := [str(one) for one in files if os.path.lexists(one)]:
        raise typer.BadParameter(f"{', '.join(there)} exists: name another folder", param_hint="--out")

    async def ask() -> Obtained:
        async with aiohttp.ClientSession() as session:
            return await take_up(session, text, account, holder)

    found = run_job(ask())
    holder.save(files[2])
    write_private(files[1], OpeningFile(found.passport, found.opening).as_json())
    write_private(files[0], {"credential": found.credential, "attestation": found.attestation.plain()})
    commitment = f"0x{found.opening.commitment:064x}"
    tell({"folder": str(out), "data_commitment": commitment}, f"{out}: papers for {commitment}", as_json=as_json)


def check(
    papers: Annotated[Path, typer.Argument(help="File with credential and attestation.", metavar="PAPERS")],
    borrower: Annotated[str, typer.Option(help="Whom they must be about.")],
    commitment: Annotated[str, typer.Option(help="Which commitment they must be about.")],
    issuer_url: Annotated[list[str], typer.Option(help="An issuer that is trusted; repeat for more.")],
    wait: Annotated[
        bool, typer.Option("--wait", help="An issuer that is away is no refusal: end with code 75 then.")
    ] = False,
    clock_skew: Annotated[int, typer.Option(min=0, max=3_600, help="Seconds that clocks may differ.")] = 60,
    as_json: JsonOption = False,
) -> None:
    """Check papers as a lender does: both signatures, validity, schema, borrower, commitment, and revocation.

    Whether the attestation's key counts is the registry's to say; here it must be the one that the issuer publishes.
    """
    from oracle.issuers.examining import examine
    from oracle.issuers.published import WhenUnavailable
    from oracle.passports.opening import commitment_of_hex
    from oracle.passports.private_files import read_private

    policy = WhenUnavailable.WAIT if wait else WhenUnavailable.REFUSE
    wanted = address(borrower, "--borrower")
    job = examine(
        read_private(papers), issuer_url, wanted, commitment_of_hex(commitment), unavailable=policy, skew=clock_skew
    )
    told = run_job(job)
    tell(told, f"all holds: {told['issuer']}, valid until {told['valid_until']} (Unix seconds)", as_json=as_json)
