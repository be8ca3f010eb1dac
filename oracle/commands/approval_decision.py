"""`risk-oracle approval decision …`: a decision on its way to a contract, signed by three, recorded, and checked.

What may be signed is computed here from the messages, never taken from whoever asks for a signature.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from oracle.commands.approval_registry import (
    account_of,
    hex_of,
    outcome_in,
    panel_of,
    registry_at,
    text_of,
    word_of,
    write_new,
)
from oracle.commands.approval_revoke import revoke
from oracle.commands.common import JsonOption, run_job, tell
from oracle.commands.deployment.means import Means, address_of
from oracle.exit_codes import ExitCode

if TYPE_CHECKING:
    from oracle.approval.decision_file import Agreement, DecisionFile

decision_app = typer.Typer(
    help="A decision for contracts: compose, sign by three, record, revoke, check.", no_args_is_help=True
)

_DAY: Final = 86_400
_NO_DATA: Final = "0x" + "00" * 32

_Folder = Annotated[Path, typer.Argument(help="A folder of messages, as the server keeps them.")]
_File = Annotated[Path, typer.Argument(help="A decision that `approval decision show --out` wrote.")]
_Number = Annotated[int, typer.Option("--application", min=1, help="The application's number in its session.")]
_Panel = Annotated[int, typer.Option(min=1, help="The panel's number in the registry.")]
_Registry = Annotated[str, typer.Option(help="The registry's address (ApprovalRegistry).")]
_Rpc = Annotated[str, typer.Option(help="HTTP endpoint of its chain.")]
_Model = Annotated[str, typer.Option(help="fair, reference, or a model file; of no account with --session.")]
_Session = Annotated[
    Path | None, typer.Option("--session", help="The session's file: with it, every message's signature is checked.")
]
_Data = Annotated[str, typer.Option("--commitment", help="Of private data that a lender will be brought, 32 bytes.")]
_KeyFile = Annotated[Path | None, typer.Option(help="The account's key: a file with the key in hex.")]
_Keystore = Annotated[Path | None, typer.Option(help="The account's key: a wallet's encrypted JSON file.")]
_Password = Annotated[Path | None, typer.Option(help="The keystore's password; absent: you are asked.")]
_Wallet = Annotated[str | None, typer.Option(help="The account in a wallet that signs: Frame, clef, a node.")]
_WalletUrl = Annotated[str, typer.Option(help="That wallet's RPC endpoint.")]
_WALLET_URL: Final = "http://127.0.0.1:1248"


@decision_app.command("agree")
def agree(
    session: Annotated[Path, typer.Argument(help="The session's file.", metavar="SESSION")],
    application: _Number,
    panel: _Panel,
    registry: _Registry,
    rpc_url: _Rpc,
    out: Annotated[Path, typer.Option(help="File for the agreement, for the bank and the agency.")],
    commitment: _Data = _NO_DATA,
    key_file: _KeyFile = None,
    keystore: _Keystore = None,
    password_file: _Password = None,
    wallet: _Wallet = None,
    wallet_url: _WalletUrl = _WALLET_URL,
    as_json: JsonOption = False,
) -> None:
    """Agree, as the applicant and before anything is opened, that what is decided may be recorded.

    Bank and agency want it before they give their shares: who was denied need then be asked for nothing.
    """
    from oracle.approval.decision import Application, registry_domain, request_of
    from oracle.approval.decision_file import Agreement
    from oracle.approval.session_file import read_session
    from oracle.web.api.typed_data import as_json as typed_json

    known, data = read_session(session), word_of(commitment)
    account = account_of(Means(keystore, password_file, key_file, wallet, wallet_url))
    place = address_of("--registry", registry)

    async def sign() -> "Agreement":
        async with registry_at(rpc_url, place) as (found, chain_id, _):
            await panel_of(found, panel)
        request = request_of(known.id, application)
        asked = Application(panel, account.address, request, bytes.fromhex(known.model.digest), data)
        domain = registry_domain(chain_id, place)
        made = Agreement(domain, asked, await account.sign_message(typed_json(asked.message(domain))))
        made.check()
        return made

    made = run_job(sign())
    write_new(out, made.written())
    told = {"file": str(out), "applicant": account.address, "request": f"0x{made.application.request.hex()}"}
    tell(
        told, f"{out}: {account.address} agrees that what is decided on {told['request']} is recorded", as_json=as_json
    )


@decision_app.command("show")
def show(
    folder: _Folder,
    application: _Number,
    panel: _Panel,
    applicant: Annotated[str, typer.Option(help="The applicant's own account: the borrower's.")],
    registry: _Registry,
    rpc_url: _Rpc,
    commitment: _Data = _NO_DATA,
    valid_days: Annotated[int, typer.Option(min=1, max=366, help="How long it counts.")] = 30,
    model: _Model = "fair",
    session: _Session = None,
    agreed: Annotated[Path | None, typer.Option(help="The applicant's agreement: its signature of a denial.")] = None,
    contract: Annotated[bool, typer.Option("--contract", help="The applicant's account is a contract.")] = False,
    out: Annotated[Path | None, typer.Option(help="File for the decision, which the three sign.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Compute from the messages what was decided, as the three sign it; --json gives the typed data for any wallet."""
    from oracle.approval.decision import Decision, registry_domain
    from oracle.approval.decision_file import Agreement, DecisionFile
    from oracle.web.api.typed_data import as_json as typed_json

    account, place = address_of("--applicant", applicant), address_of("--registry", registry)
    data, outcome = word_of(commitment), outcome_in(folder, model, session, application=application)

    async def compose() -> "DecisionFile":
        async with registry_at(rpc_url, place) as (found, chain_id, now):
            known = await panel_of(found, panel)
        decision = Decision(panel, account, outcome, data, now, now + valid_days * _DAY)
        accounts = {"applicant": account, "bank": known.bank, "agency": known.agency}
        return DecisionFile(registry_domain(chain_id, place), decision, accounts)

    made = run_job(compose())
    if agreed is not None:
        made = made.with_agreement(Agreement.parse(text_of(agreed)), contract=contract)
    if out is not None:
        write_new(out, json.dumps(made.plain(), indent=2) + "\n")
    told = {"decision": made.plain(), "typed_data": typed_json(made.decision.message(made.domain))}
    text = "\n".join(f"{name:16} {value}" for name, value in made.plain().items() if name != "signatures")
    tell(told, text, as_json=as_json)


@decision_app.command("sign")
def sign(
    file: _File,
    folder: _Folder,
    session: Annotated[Path, typer.Option(help="The session's file: every message's signature is checked.")],
    signature: Annotated[str | None, typer.Option(help="A signature that a wallet made, in hex; with --as.")] = None,
    party: Annotated[str | None, typer.Option("--as", help="Whose that is: applicant, bank or agency.")] = None,
    contract: Annotated[bool, typer.Option("--contract", help="That party's account is a contract.")] = False,
    key_file: _KeyFile = None,
    keystore: _Keystore = None,
    password_file: _Password = None,
    wallet: _Wallet = None,
    wallet_url: _WalletUrl = _WALLET_URL,
    as_json: JsonOption = False,
) -> None:
    """Sign a decision as the party whose account it is, if the messages say the same; the file gets the signature.

    Outcome and hashes are computed from the folder: what differs is named, and nothing is signed.
    """
    from oracle.approval.decision_file import DecisionFile
    from oracle.web.api.typed_data import as_json as typed_json

    made = DecisionFile.parse(text_of(file))
    made.check_outcome(outcome_in(folder, "", session, request=made.decision.outcome.request))
    if signature is not None:
        if party is None or party not in made.accounts:
            raise typer.BadParameter("whose signature is it? applicant, bank or agency", param_hint="--as")
        signed = made.with_signature(party, hex_of(signature), contract=contract)
    else:
        account = account_of(Means(keystore, password_file, key_file, wallet, wallet_url))
        party = made.party_of(account.address)
        given = run_job(account.sign_message(typed_json(made.decision.message(made.domain))))
        signed = made.with_signature(party, given)
    signed.write(file)
    wanted = ", ".join(signed.missing) or "nobody: it can be submitted"
    tell({"signed": party, "missing": signed.missing}, f"signed as {party}; still to sign: {wanted}", as_json=as_json)


@decision_app.command("submit")
def submit(
    file: _File,
    rpc_url: _Rpc,
    key_file: _KeyFile = None,
    keystore: _Keystore = None,
    password_file: _Password = None,
    wallet: _Wallet = None,
    wallet_url: _WalletUrl = _WALLET_URL,
    as_json: JsonOption = False,
) -> None:
    """Send a decision that all three signed to its registry; whoever sends it only pays."""
    from oracle.approval.decision import DecisionFault
    from oracle.approval.decision_file import DecisionFile
    from oracle.chain.sending import send_call

    made = DecisionFile.parse(text_of(file))
    if made.missing:
        raise DecisionFault(f"{file} is not signed by {' and '.join(made.missing)}: `approval decision sign`")
    account = account_of(Means(keystore, password_file, key_file, wallet, wallet_url))
    signatures = (made.signatures["applicant"], made.signatures["bank"], made.signatures["agency"])

    async def send() -> str:
        async with registry_at(rpc_url, made.domain.contract) as (found, _, __):
            data = found.record_call(made.decision.values(), signatures)
            return await send_call(found.w3, account, found.address, data, made.domain.chain_id)

    sent = run_job(send())
    told = {"transaction": sent, "request": f"0x{made.decision.outcome.request.hex()}"}
    tell(told, f"recorded: request {told['request']}, transaction {sent}", as_json=as_json)


decision_app.command("revoke")(revoke)


@decision_app.command("check")
def check(
    folder: _Folder,
    application: _Number,
    panel: _Panel,
    registry: _Registry,
    rpc_url: _Rpc,
    model: _Model = "fair",
    session: _Session = None,
    python: Annotated[
        Path | None, typer.Option("--python", help="The engine's Python (build/approval-python, from make).")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say whether what a registry recorded is what the messages say, and they what the model gives; 1 if not.

    The ciphertexts are evaluated again, without any key: whoever is given the folder can do this.
    """
    from oracle.commands.approval_check import compare

    place = address_of("--registry", registry)
    found = run_job(compare(folder, application, panel, place, rpc_url, model, session, python))
    tell(found.told(), "\n".join(found.lines()), as_json=as_json)
    if not found.equal:
        raise typer.Exit(ExitCode.DIFFERENT)
