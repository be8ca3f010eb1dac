"""`risk-oracle contracts deploy`: the contracts, the model and the daemon's settings, from the package alone."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from oracle.assessment.errors import ConfigurationFault
from oracle.commands.common import run_job
from oracle.exit_codes import ExitCode

if TYPE_CHECKING:
    from oracle.commands.deployment.order import Order
    from oracle.commands.deployment.settings_file import Surroundings


def contracts_deploy(
    chain_id: Annotated[int, typer.Option(help="The chain to deploy to; the endpoint must serve it.")],
    rpc_url: Annotated[str | None, typer.Option(help="HTTP endpoint of the chain.")] = None,
    rpc_url_file: Annotated[Path | None, typer.Option(help="File that holds it, where it has a key in it.")] = None,
    keystore: Annotated[Path | None, typer.Option(help="The deployer's key: a wallet's encrypted JSON file.")] = None,
    password_file: Annotated[Path | None, typer.Option(help="The keystore's password; absent: you are asked.")] = None,
    key_file: Annotated[Path | None, typer.Option(help="The deployer's key: a file with the key in hex.")] = None,
    wallet: Annotated[
        str | None, typer.Option(help="The deployer's address in a wallet that signs: Frame, clef, a node.")
    ] = None,
    wallet_url: Annotated[str, typer.Option(help="That wallet's RPC endpoint.")] = "http://127.0.0.1:1248",
    signer: Annotated[list[str] | None, typer.Option(help="A signer's address; repeat for more.")] = None,
    signer_key_file: Annotated[
        Path | None, typer.Option(help="File of this daemon's signer's key; made when it is not there.")
    ] = None,
    fund_signer: Annotated[str | None, typer.Option(help="Coins that each signer gets from the deployer.")] = None,
    threshold: Annotated[int | None, typer.Option(help="How many signers must sign (1).")] = None,
    payee: Annotated[str | None, typer.Option(help="Where earned fees go (the admin, else the deployer).")] = None,
    admin: Annotated[str | None, typer.Option(help="Who governs in the end: a multisig, a DAO (the deployer).")] = None,
    guardian: Annotated[str | None, typer.Option(help="Who may stop new requests at once.")] = None,
    profile: Annotated[str | None, typer.Option(help="local, testnet or mainnet; known for known chains.")] = None,
    parameters: Annotated[Path | None, typer.Option(help="TOML file of parameters, over the profile's.")] = None,
    timelock_seconds: Annotated[int | None, typer.Option(help="From a model's proposal to its activation.")] = None,
    fee_wei: Annotated[int | None, typer.Option(help="The price of a request.")] = None,
    lender: Annotated[bool, typer.Option("--lender", help="Deploy SmartLending, which lends coins, as well.")] = False,
    asset: Annotated[str | None, typer.Option(help="An ERC-20 token to lend: deploys a TokenLender as well.")] = None,
    price_feed: Annotated[str | None, typer.Option(help="Chainlink-style feed of the coin's price in it.")] = None,
    coin_price_feed: Annotated[str | None, typer.Option(help="Chainlink-style USD feed of the coin.")] = None,
    coin_price_usd: Annotated[
        int | None, typer.Option(help="Deploy a feed that stands at this price, on a chain that has none.")
    ] = None,
    model: Annotated[str, typer.Option(help="Name or folder of the model that answers.")] = "credit-v1",
    keys: Annotated[Path, typer.Option(help="Key folder, or folder of them (`risk-oracle setup`).")] = Path(
        "build/keys"
    ),
    ceremony: Annotated[Path | None, typer.Option(help="File that pins a ceremony of your own.")] = None,
    model_directory: Annotated[Path | None, typer.Option(help="Folder of more models (model.directory).")] = None,
    build: Annotated[Path, typer.Option(help="Folder with a compiled verifier, for a circuit of your own.")] = Path(
        "build/contracts"
    ),
    max_fee_gwei: Annotated[int, typer.Option(min=1, help="Never pay more than this per gas.")] = 200,
    wait_seconds: Annotated[float, typer.Option(min=0, help="Wait for a timelock that ends within.")] = 180.0,
    records: Annotated[Path | None, typer.Option(help="What was done (deployments/<chain id>.json).")] = None,
    write: Annotated[Path | None, typer.Option(help="Write the daemon's settings to this file.")] = None,
) -> None:
    """Deploy the contracts, activate the model, register the signers, and write the daemon's settings.

    Run again, it goes on where it stopped and sends nothing twice. Exit code 3 while a timelock runs.
    """
    from oracle.commands.deployment.means import Means, address_of
    from oracle.commands.deployment.order import order
    from oracle.config.model import ModelSettings

    options = {
        "threshold": threshold,
        "payee": None if payee is None else address_of("--payee", payee),
        "admin": None if admin is None else address_of("--admin", admin),
        "guardian": None if guardian is None else address_of("--guardian", guardian),
        "timelock_seconds": timelock_seconds,
        "fee_wei": fee_wei,
        "lender": lender or None,
        "asset": asset,
        "price_feed": price_feed,
    }
    made, around = order(
        chain_id=chain_id,
        rpc_url=rpc_url,
        rpc_url_file=rpc_url_file,
        means=Means(keystore, password_file, key_file, wallet, wallet_url),
        options={name: value for name, value in options.items() if value is not None},
        profile=profile,
        parameters=parameters,
        model=model,
        model_settings=ModelSettings(keys=keys, directory=model_directory, ceremony=ceremony),
        build=build,
        records=records,
        signers=signer or [],
        signer_key_file=signer_key_file,
        fund_signer=fund_signer,
        coin_price_feed=coin_price_feed,
        coin_price_usd=coin_price_usd,
        max_fee_gwei=max_fee_gwei,
        wait_seconds=wait_seconds,
        say=_say,
    )
    if not run_job(_deploy(made, around, write)):
        raise typer.Exit(ExitCode.UNFINISHED)


async def _deploy(made: "Order", around: "Surroundings", write: Path | None) -> bool:
    from oracle.commands.deployment.settings_file import daemon_settings, write_settings

    async with made.deployment(_ask_password, _say) as deployment:
        done = await deployment.run()
        text = daemon_settings(deployment, around)
        await deployment.tell_funds()
    if write is None:
        typer.echo(text, nl=False)
    else:
        _say(
            f"settings written to {write_settings(write, text)}; check them and the contracts: `risk-oracle contracts "
            f"check --config {write}`"
        )
    return done


def _say(line: str) -> None:
    # The settings alone go to the standard output.
    typer.echo(line, err=True)


def _ask_password() -> str:
    if not sys.stdin.isatty():
        raise ConfigurationFault("the keystore needs its password, and nobody is here to type it: --password-file FILE")
    return str(typer.prompt("Password of the keystore", hide_input=True, err=True))
