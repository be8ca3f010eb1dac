"""`risk-oracle init`: the first settings file, asked for or given by options, and right before it is written."""

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer

from oracle.assessment.errors import ConfigurationFault, InvalidRequest, TransientFault
from oracle.assessment.request import to_address
from oracle.commands.common import run_job
from oracle.config.networks import networks
from oracle.config.reference import rows
from oracle.config.settings import ENVIRONMENT_PREFIX, AuditSettings, Settings, load_settings_of
from oracle.config.written import commented

T = TypeVar("T")

_TITLE: Final = "Written by `risk-oracle init`; `risk-oracle config check` explains what is wrong in it."
_NONE: Final = ""


def init(
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write.")] = Path("risk-oracle.toml"),
    rpc_url: Annotated[
        str | None, typer.Option(help="RPC endpoint; other users see it in the process list: better --rpc-url-file.")
    ] = None,
    rpc_url_file: Annotated[Path | None, typer.Option(help="File with the endpoints, one a line, best first.")] = None,
    chain_id: Annotated[int | None, typer.Option(min=1, help="The chain's id; absent: the endpoint is asked.")] = None,
    oracle: Annotated[str | None, typer.Option(help="Address of your AIRiskOracle.")] = None,
    start_block: Annotated[int | None, typer.Option(min=0, help="The block of its deployment.")] = None,
    network: Annotated[
        str | None, typer.Option(help="A network of the registry, or none; absent: the one of the chain's id.")
    ] = None,
    coin_price_feed: Annotated[str | None, typer.Option(help="USD price feed of the chain's coin.")] = None,
    signer_key_file: Annotated[Path | None, typer.Option(help="File with the signer's private key.")] = None,
    database_url_file: Annotated[
        Path | None, typer.Option(help="File with postgresql://…; absent: an embedded Postgres.")
    ] = None,
    keys: Annotated[Path | None, typer.Option(help="Folder of the proving keys (build/keys).")] = None,
    api: Annotated[bool | None, typer.Option("--api/--no-api", help="Serve the HTTP API for partners.")] = None,
    non_interactive: Annotated[bool, typer.Option("--non-interactive", help="Ask nothing; take the options.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Tell the file and what is left to do as JSON.")] = False,
) -> None:
    """Write the first settings file, with every setting in it as a comment; mode 0600, checked before it is written.

    What no option says is asked for, unless --non-interactive. Nothing is written over without --force.
    """
    if out.exists() and not force:
        raise ConfigurationFault(f"{out} is there already: name another with --out, or write over it with --force")
    asking = _Asking(non_interactive)
    chosen: dict[str, Any] = {}
    if rpc_url_file is not None:
        if rpc_url is not None:
            raise ConfigurationFault("--rpc-url and --rpc-url-file are two places for one thing: give one of them")
        chosen["chain.rpc_url_file"] = rpc_url_file.resolve()
    else:
        url = asking.value("--rpc-url", rpc_url, "RPC endpoint (http:// or https://)", _endpoint)
        chosen["chain.rpc_url"] = url
    known = chain_id or _chain_id(_first_url(chosen))
    chosen["chain.chain_id"] = asking.value("--chain-id", known, "Chain id", _number, default=known)
    chosen["chain.oracle"] = asking.value("--oracle", oracle, "Address of the AIRiskOracle", _address)
    chosen["chain.start_block"] = asking.value("--start-block", start_block, "Block of its deployment", _number, 0)
    registered = next((name for name, one in networks().items() if one["chain_id"] == chosen["chain.chain_id"]), None)
    named = network if network is not None else registered
    if named is not None and named != "none":
        chosen["history.network"] = named
    if coin_price_feed is not None or "history.network" not in chosen:
        feed = asking.value("--coin-price-feed", coin_price_feed, "USD price feed of the chain's coin", _address)
        chosen["history.coin_price_feed"] = feed
    key_file = asking.value("--signer-key-file", signer_key_file, "File with the signer's key (empty: later)", str, "")
    if str(key_file) != _NONE:
        chosen["signer.key_file"] = Path(key_file).resolve()
    url_file = asking.value(
        "--database-url-file", database_url_file, "File with the database's URL (empty: embedded Postgres)", str, ""
    )
    if str(url_file) != _NONE:
        chosen["database.url_file"] = Path(url_file).resolve()
    if keys is not None:
        chosen["model.keys"] = keys.resolve()
    if api if api is not None else asking.yes("Serve the HTTP API for partners"):
        chosen["api.enabled"] = True
    kind = Settings if "signer.key_file" in chosen else AuditSettings
    warnings = _write(out, commented(rows(Settings, ENVIRONMENT_PREFIX), chosen, _TITLE), kind)
    left = [] if kind is Settings else ["name the signer's key: signer.key_file"]
    left += ["risk-oracle setup --srs production", "risk-oracle doctor", "risk-oracle run --upgrade"]
    if as_json:
        typer.echo(json.dumps({"file": str(out), "warnings": warnings, "next": left}, indent=2))
        return
    for warning in warnings:
        typer.echo(f"warning: {warning}", err=True)
    typer.echo(f"{out} is written. Next: {'; '.join(left)}")


class _Asking:
    """Asks for what no option says; without a person, what has no default is missing."""

    def __init__(self, silent: bool) -> None:
        self._silent = silent

    def value(self, option: str, given: Any, question: str, read: Callable[[str], T], default: Any = None) -> T | Any:
        if given is not None:
            try:
                return read(str(given))
            except typer.BadParameter as fault:
                raise ConfigurationFault(f"{option}: {fault.message}") from None
        if self._silent:
            if default is None:
                raise ConfigurationFault(f"{option} is missing: give it, or leave --non-interactive out to be asked")
            return default
        return typer.prompt(question, default=default, value_proc=read, err=True)

    def yes(self, question: str) -> bool:
        return False if self._silent else typer.confirm(question, default=False, err=True)


def _write(out: Path, text: str, kind: type[AuditSettings]) -> list[str]:
    """Write the file where its settings are right, and return what is doubtful; raises ConfigurationFault otherwise."""
    descriptor, name = tempfile.mkstemp(dir=out.resolve().parent, prefix=f".{out.name}.", suffix=".toml")
    draft = Path(name)  # made with mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        warnings = load_settings_of(kind, draft, {}).warnings
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)
    return warnings


def _first_url(chosen: dict[str, Any]) -> str:
    if "chain.rpc_url" in chosen:
        return str(chosen["chain.rpc_url"])
    try:
        listed = Path(chosen["chain.rpc_url_file"]).read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationFault(f"--rpc-url-file: {chosen['chain.rpc_url_file']} cannot be read: {error}") from error
    if not listed:
        raise ConfigurationFault(f"--rpc-url-file: {chosen['chain.rpc_url_file']} is empty")
    return listed[0]


def _chain_id(url: str) -> int | None:
    from oracle.chain.rpc import chain_id_at

    try:
        return run_job(chain_id_at(url))
    except TransientFault:
        return None  # asked for instead


def _endpoint(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise typer.BadParameter("expected a URL that starts with http:// or https://")
    return text


def _number(given: str | int) -> int:
    text = str(given)  # a default comes as it is
    if not text.isdecimal():
        raise typer.BadParameter(f"{text!r} is no whole number")
    return int(text)


def _address(text: str) -> str:
    try:
        return to_address(text)
    except InvalidRequest:
        raise typer.BadParameter(f"{text!r} is not an address: expected 0x and 40 hex digits") from None
