"""From the command's options to a deployment: all that can be refused is refused before anything is made or sent."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from oracle.assessment.errors import ConfigurationFault
from oracle.assessment.request import Address
from oracle.chain import rpc
from oracle.commands.compiled_verifier import compiled_verifier
from oracle.commands.deployment.deeds import Doer
from oracle.commands.deployment.deployment import Deployment
from oracle.commands.deployment.journal import Journal
from oracle.commands.deployment.means import Means, SignerKey, address_of
from oracle.commands.deployment.settings_file import Surroundings, network_of
from oracle.commands.deployment.wanted import Wanted, profile_of, wanted
from oracle.config.model import ModelSettings
from oracle.models.registry import ShippedModel, load
from oracle.pipeline.models import keys_of
from oracle.proving.keys import Keys
from oracle.proving.verifier_code import VerifierCode

_COIN = 10**18
_RPC_PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Order:
    """A deployment as the options ask for it, checked; nothing was made or sent yet."""

    chain_id: int
    rpc_url: str
    means: Means
    options: dict[str, Any]
    profile: str
    parameters: Path | None
    model: ShippedModel
    keys: Keys
    verifier: VerifierCode
    records: Path
    signers: tuple[Address, ...]
    signer_key: SignerKey | None
    fund_wei: int
    coin_price_usd: int | None
    max_fee_gwei: int
    wait_seconds: float

    @asynccontextmanager
    async def deployment(
        self, ask_password: Callable[[], str], say: Callable[[str], None]
    ) -> AsyncIterator[Deployment]:
        """Open the deployer's account and the endpoint, and give the deployment; raises ConfigurationFault."""
        w3 = rpc.connect([self.rpc_url], _RPC_PATIENCE_SECONDS, chain_id=self.chain_id)
        try:
            await rpc.check_chain_id(w3, self.chain_id)
            account = self.means.account(ask_password, say)
            await account.check(self.chain_id)
            wants = self.wants(account.address)
            journal = Journal.open(self.records, self.chain_id, account.address)
            if self.signer_key is not None:
                self.signer_key.write(say)
            yield Deployment(
                doer=Doer(w3, account, journal, say, self.max_fee_gwei),
                wanted=wants,
                model=self.model,
                keys=self.keys,
                verifier=self.verifier,
                say=say,
                fund_wei=self.fund_wei,
                coin_price_usd=self.coin_price_usd,
                wait_seconds=self.wait_seconds,
            )
        finally:
            await w3.provider.disconnect()

    def wants(self, deployer: Address) -> Wanted:
        """Return what is to be deployed; fees go to the admin, or to the deployer, unless somebody else is named."""
        options = self.options | {"signers": self.signers}
        found = wanted(self.profile, self.parameters, {"payee": deployer} | options)
        if self.options.get("payee") is None and found.payee == deployer and found.admin is not None:
            return found.model_copy(update={"payee": found.admin})
        return found


def order(
    *,
    chain_id: int,
    rpc_url: str | None,
    rpc_url_file: Path | None,
    means: Means,
    options: dict[str, Any],
    profile: str | None,
    parameters: Path | None,
    model: str,
    model_settings: ModelSettings,
    build: Path,
    records: Path | None,
    signers: list[str],
    signer_key_file: Path | None,
    fund_signer: str | None,
    coin_price_feed: str | None,
    coin_price_usd: int | None,
    max_fee_gwei: int,
    wait_seconds: float,
    say: Callable[[str], None],
) -> tuple[Order, Surroundings]:
    """Check all that was asked for without asking the chain; raises ConfigurationFault for the first that is wrong."""
    kind = profile_of(profile, chain_id)
    shipped = load(model, model_settings.directory)
    keys = keys_of(shipped, model_settings, chain_id)
    means.check()
    _check_price(kind, chain_id, coin_price_feed, coin_price_usd)
    url = _endpoint(rpc_url, rpc_url_file)
    key = None if signer_key_file is None else SignerKey.of(signer_key_file, say)
    addresses = tuple(dict.fromkeys([address_of("--signer", one) for one in signers] + ([key.address] if key else [])))
    if not addresses:
        raise ConfigurationFault(
            "no signer: give --signer ADDRESS, or --signer-key-file FILE, which is made when it is not there"
        )
    made = Order(
        chain_id=chain_id,
        rpc_url=url,
        means=means,
        options=options,
        profile=kind,
        parameters=parameters,
        model=shipped,
        keys=keys,
        verifier=compiled_verifier(keys, shipped.name, build),
        records=records or Path("deployments") / f"{chain_id}.json",
        signers=addresses,
        signer_key=key,
        fund_wei=_wei(fund_signer),
        coin_price_usd=coin_price_usd,
        max_fee_gwei=max_fee_gwei,
        wait_seconds=wait_seconds,
    )
    made.wants(addresses[0])  # whoever deploys: what is wanted is right, or refused now
    around = Surroundings(
        chain_id=chain_id,
        rpc_url=url,
        rpc_url_file=rpc_url_file,
        model_keys=model_settings.keys,
        model_directory=model_settings.directory,
        ceremony=model_settings.ceremony,
        signer_key_file=signer_key_file,
        coin_price_feed=coin_price_feed,
    )
    return made, around


def _check_price(kind: str, chain_id: int, feed: str | None, usd: int | None) -> None:
    if feed is not None:
        address_of("--coin-price-feed", feed)
    if feed is not None and usd is not None:
        raise ConfigurationFault("--coin-price-feed and --coin-price-usd: give one of the two")
    if usd is not None and kind == "mainnet":
        raise ConfigurationFault("--coin-price-usd deploys a price that stands still: not on a main network")
    if usd is not None and usd <= 0:
        raise ConfigurationFault(f"--coin-price-usd {usd}: expected a price above zero")
    if feed is None and usd is None and network_of(chain_id) is None:
        raise ConfigurationFault(
            f"no price of chain {chain_id}'s coin is known here, and loans are measured in it: name a Chainlink-style "
            "USD feed with --coin-price-feed ADDRESS, or have one deployed that stands at a price you give, with "
            "--coin-price-usd 3000"
        )


def _endpoint(url: str | None, file: Path | None) -> str:
    if (url is None) == (file is None):
        raise ConfigurationFault("which endpoint? Give --rpc-url URL or --rpc-url-file FILE, one of the two")
    if file is not None:
        try:
            url = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationFault(f"--rpc-url-file {file} cannot be read: {type(error).__name__}") from None
    if url is None or not url.startswith(("http://", "https://")) or len(url.split()) != 1:
        raise ConfigurationFault("the endpoint is no URL that starts with http:// or https://")
    return url


def _wei(coins: str | None) -> int:
    if coins is None:
        return 0
    try:
        wei = Decimal(coins) * _COIN
    except InvalidOperation:
        wei = Decimal(-1)
    if not wei.is_finite() or wei < 0 or wei != wei.to_integral_value():
        raise ConfigurationFault(f"--fund-signer {coins!r} is no amount of coins: expected, for example, 0.1")
    return int(wei)
