"""What is to be deployed: a profile's parameters with the operator's own over them, and what is refused at once."""

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Self

from pydantic import Field, ValidationError, model_validator

from oracle.assessment.errors import ConfigurationFault
from oracle.config.chain import DEVELOPMENT_CHAIN_IDS
from oracle.config.errors import explain
from oracle.config.networks import networks
from oracle.config.values import ContractAddress, Section

PROFILES: Final = ("local", "testnet", "mainnet")
_WEI: Final = 10**18


class Policy(Section):
    """A lender's policy; basis points and seconds, in the order of the contract's struct."""

    minimum_score_bps: int = Field(7_000, ge=0, le=10_000, description="an answer below it goes to nobody")
    fraud_limit_bps: int = Field(2_000, ge=0, le=10_000, description="from this likelihood of fraud on: refused")
    minimum_confidence_bps: int = Field(4_000, ge=0, le=10_000, description="below it: to review")
    maximum_ltv_bps: int = Field(7_000, ge=1, le=10_000, description="most loan for its collateral")
    maximum_interest_rate_bps: int = Field(3_000, ge=0, description="most interest a year")
    plain_interest_rate_bps: int = Field(1_000, ge=0, description="interest a year without an answer")
    maximum_duration_seconds: int = Field(180 * 86_400, ge=1, description="longest loan")
    grace_period_seconds: int = Field(7 * 86_400, ge=0, description="how long a late loan is left alone")


class Wanted(Section):
    """What the contracts are deployed with."""

    signers: tuple[ContractAddress, ...] = Field(min_length=1, max_length=31, description="registered signers")
    threshold: int = Field(1, ge=1, description="how many of them sign each answer")
    payee: ContractAddress = Field(description="where earned fees go")
    fee_wei: int = Field(_WEI // 1_000, ge=0, description="the price of a request")
    request_lifetime_seconds: int = Field(600, ge=1, lt=2**24, description="how long a request waits for its answer")
    assessment_lifetime_seconds: int = Field(86_400, ge=1, lt=2**32, description="how long an answer counts")
    check_block_hash: bool = Field(
        True, description="false for chains whose blockhash speaks about another chain's blocks (Arbitrum)"
    )
    timelock_seconds: int = Field(ge=0, lt=2**32, description="between a model's proposal and its activation")
    lender: bool = Field(False, description="whether a SmartLending, which lends the chain's coin, is deployed too")
    asset: ContractAddress | None = Field(None, description="an ERC-20 token to lend: deploys a TokenLender too")
    price_feed: ContractAddress | None = Field(None, description="Chainlink-style feed of the coin's price in it")
    liquidation_ltv_bps: int = Field(8_000, ge=1, le=10_000, description="loan to value that is liquidated")
    maximum_price_age_seconds: int = Field(4_500, ge=1, lt=2**32, description="an older price is refused as stale")
    policy: Policy = Policy()
    admin: ContractAddress | None = Field(None, description="who governs in the end; absent: the deployer goes on")
    admin_delay_seconds: int = Field(0, ge=0, lt=2**32, description="how long each act of the admin is announced")
    guardian: ContractAddress | None = Field(None, description="who may stop new requests, at once, and nothing else")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.asset is None) != (self.price_feed is None):
            raise ValueError("a TokenLender needs both --asset and --price-feed")
        if len(set(self.signers)) < len(self.signers):
            raise ValueError("a signer stands twice in signers")
        if self.threshold > len(self.signers):
            raise ValueError(f"threshold {self.threshold} is more than the {len(self.signers)} signers")
        return self


def wanted(profile: str, file: Path | None, options: dict[str, Any]) -> Wanted:
    """Return what a profile, the operator's file and the options ask for; raises ConfigurationFault for any fault.

    An option that is None is one that was not given.
    """
    values: dict[str, Any] = dict(_profiles()[profile])
    if file is not None:
        try:
            values |= tomllib.loads(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigurationFault(f"--parameters {file} cannot be read: {error}") from error
    values |= {name: value for name, value in options.items() if value is not None}
    if "signers" in values:
        values["signers"] = sorted(values["signers"], key=lambda one: str(one).lower())
    try:
        return Wanted.model_validate(values)
    except ValidationError as error:
        raise ConfigurationFault("\n".join(explain(error, Wanted))) from error


def profile_of(named: str | None, chain_id: int) -> str:
    """Return the profile of a chain: the named one, or the one that it is known to be of.

    Raises ConfigurationFault for a name that is none, for the local one elsewhere, and where nobody can know.
    """
    if named is not None and named not in PROFILES:
        raise ConfigurationFault(f"--profile {named!r} is not one of {', '.join(PROFILES)}")
    if named == "local" and chain_id not in DEVELOPMENT_CHAIN_IDS:
        raise ConfigurationFault(
            f"--profile local has no timelock: it is for development chains (chain id {_ids()}), not for chain "
            f"{chain_id}. Say --profile testnet or --profile mainnet"
        )
    if named is not None:
        return named
    if chain_id in DEVELOPMENT_CHAIN_IDS:
        return "local"
    if chain_id in {table["chain_id"] for table in networks().values()}:
        return "mainnet"
    locks = ", ".join(f"{name} (timelock of {_profiles()[name]['timelock_seconds']} s)" for name in PROFILES[1:])
    raise ConfigurationFault(f"chain {chain_id} is in no list of networks here: say with --profile what it is: {locks}")


def _ids() -> str:
    return " or ".join(map(str, sorted(DEVELOPMENT_CHAIN_IDS)))


def _profiles() -> dict[str, dict[str, Any]]:
    text = (files("oracle.commands.deployment") / "profiles.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
