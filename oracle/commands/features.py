"""`risk-oracle features`: a wallet's features, of a request or of any loan, to be compared with an answer's."""

import json
from pathlib import Path
from typing import Annotated

import typer

from oracle.assessment.errors import ConfigurationFault, InvalidRequest
from oracle.assessment.request import NATIVE_COIN, LoanTerms, to_address
from oracle.commands.common import ConfigOption, JsonOption, audit_settings_of, run_job
from oracle.config.settings import AuditSettings

SECONDS_A_DAY = 86_400
_ANY_ADDRESS = "0x" + "00" * 19 + "01"


def features(
    address: Annotated[str | None, typer.Option(help="The wallet; not with --request.")] = None,
    block: Annotated[int | None, typer.Option(help="Number of the block to read at; not with --request.")] = None,
    request: Annotated[
        int | None, typer.Option(help="Id of a request on the chain: it names wallet, block and terms.")
    ] = None,
    principal: Annotated[int, typer.Option(help="The loan's principal, in the token's smallest unit.")] = 10**18,
    collateral: Annotated[int, typer.Option(help="Its collateral, in the token's smallest unit.")] = 2 * 10**18,
    days: Annotated[int, typer.Option(help="Its duration.")] = 30,
    principal_token: Annotated[str, typer.Option(help="Token of the principal; zero: the chain's coin.")] = NATIVE_COIN,
    collateral_token: Annotated[str, typer.Option(help="Token of the collateral.")] = NATIVE_COIN,
    table: Annotated[
        str | None, typer.Option(help="Published history table, a file or an address; absent: the settings' markets.")
    ] = None,
    rpc: Annotated[str | None, typer.Option(help="RPC endpoint, instead of settings; needs --oracle and --table.")] = (
        None
    ),
    oracle: Annotated[str | None, typer.Option(help="The oracle's address; with --rpc.")] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Read a wallet at a block: history, features and commitment, to be compared with an answer's.

    With --rpc, --oracle, --table and --request nothing of the operator is needed but what the chain and the published
    table say.
    """
    from oracle.commands.audit import audit, audit_request, describe
    from oracle.commands.published_table import read_table

    async def read() -> dict[str, object]:
        configuration = None if table is None else await read_table(table)
        settings = audit_settings_of(config) if rpc is None else await settings_of_rpc(rpc, oracle)
        if request is not None:
            return await audit_request(settings, request, configuration)
        if address is None or block is None:
            raise ConfigurationFault("name what to read: --request ID, or --address and --block")
        terms = LoanTerms(
            to_address(principal_token), principal, to_address(collateral_token), collateral, days * SECONDS_A_DAY
        )
        return await audit(settings, to_address(address), block, terms, configuration)

    if rpc is None:
        for warning in audit_settings_of(config).warnings:
            typer.echo(f"warning: {warning}", err=True)
    elif oracle is None or table is None:
        raise ConfigurationFault("--rpc needs --oracle and --table: the features depend on what is read")
    if request is not None and (address is not None or block is not None):
        raise ConfigurationFault("--request names wallet and block itself: leave --address and --block out")
    found = run_job(read())
    typer.echo(json.dumps(found, indent=2) if as_json else describe(found))


async def settings_of_rpc(rpc: str, oracle: str | None, start_block: int = 0) -> AuditSettings:
    """Return settings that hold an endpoint and an oracle alone; the chain says its id."""
    from oracle.chain.rpc import chain_id_at

    if oracle is None:
        raise ConfigurationFault("--oracle: name the contract whose request this is about")
    try:
        address = to_address(oracle)
    except InvalidRequest as error:
        raise ConfigurationFault(f"--oracle: {error}") from None
    if not rpc.startswith(("http://", "https://")):
        raise ConfigurationFault("--rpc: expected a URL that starts with http:// or https://")
    return AuditSettings.model_validate(
        {
            "chain": {
                "rpc_url": rpc,
                "chain_id": await chain_id_at(rpc),
                "oracle": address,
                "start_block": start_block,
            },
            # What is read is the table's: this feed is never asked.
            "history": {"coin_price_feed": _ANY_ADDRESS},
        }
    )


def write_table(
    out: Annotated[Path | None, typer.Option(help="File to write the canonical table to.")] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Print the hash of the history table, which features depend on; --out writes the table, to be published."""
    from oracle.commands.published_table import table_of

    found_hash, content = table_of(audit_settings_of(config))
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(content)
    if as_json:
        typer.echo(json.dumps({"hash": found_hash, "table": json.loads(content)}))
    else:
        typer.echo(found_hash)
