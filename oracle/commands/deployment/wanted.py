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
_DAY: Final = 86_400


class Policy(Section):
    """A lender's policy: basis points, seconds, the lent token's smallest unit; ordered as the contract's struct.

    Plain terms are what the policy gives to the worst wallet that it approves, or less: its highest rate, for a
    fortnight, at a loan to value near what the model gives for high risk.
    """

    minimum_score_bps: int = Field(7_000, ge=0, le=10_000, description="an answer below it goes to nobody")
    fraud_limit_bps: int = Field(2_000, ge=0, le=10_000, description="from this likelihood of fraud on: refused")
    minimum_confidence_bps: int = Field(4_000, ge=0, le=10_000, description="below it: to review")
    maximum_ltv_bps: int = Field(7_000, ge=1, le=10_000, description="most loan for its collateral")
    maximum_interest_rate_bps: int = Field(3_000, ge=0, description="most interest a year")
    plain_interest_rate_bps: int = Field(3_000, ge=0, description="interest a year without an answer; no lower")
    maximum_duration_seconds: int = Field(180 * _DAY, ge=1, description="longest loan")
    grace_period_seconds: int = Field(7 * _DAY, ge=0, description="how long a late loan is left alone")
    plain_ltv_bps: int = Field(1_000, ge=0, le=10_000, description="most loan for its collateral, without an answer")
    plain_duration_seconds: int = Field(14 * _DAY, ge=1, description="longest loan without an answer")
    minimum_duration_seconds: int = Field(_DAY, ge=1, description="shortest loan")
    passport_required: bool = Field(False, description="whether only loans with vouched private data are asked for")
    minimum_principal: int = Field(_WEI // 20, ge=1, description="smallest loan, in the token's smallest unit")
    borrower_limit: int = Field(50 * _WEI, ge=1, description="most that one wallet may owe, in the same unit")
    maximum_utilisation_bps: int = Field(9_000, ge=1, le=10_000, description="most of the pool that may be lent out")
    late_interest_rate_bps: int = Field(1_000, ge=0, description="what is added a year from maturity on")
    maximum_answer_age_seconds: int = Field(3_600, ge=1, description="how long an answer approves a loan")
    refusal_cooldown_seconds: int = Field(30 * _DAY, ge=0, description="how long a refusal keeps from plain terms")
    primary_only: bool = Field(False, description="whether only the primary model's answers approve")
    plain_terms_for_all: bool = Field(False, description="whether plain terms are open to those who were refused, too")


class TokenPolicy(Policy):
    """The policy of a lender of a dollar token of six decimals; others name their own amounts."""

    minimum_principal: int = Field(100 * 10**6, ge=1, description="smallest loan, in the token's smallest unit")
    borrower_limit: int = Field(100_000 * 10**6, ge=1, description="most that one wallet may owe, in the same unit")


class Wanted(Section):
    """What the contracts are deployed with."""

    signers: tuple[ContractAddress, ...] = Field(min_length=1, max_length=31, description="registered signers")
    threshold: int = Field(1, ge=1, description="how many of them sign each answer")
    payee: ContractAddress = Field(description="where earned fees go")
    fee_wei: int = Field(_WEI // 1_000, ge=0, description="the price of a request")
    minimum_fee_wei: int = Field(_WEI // 2_000, ge=0, description="least that it falls to with the base fee")
    maximum_fee_wei: int = Field(_WEI // 20, ge=0, description="most that it rises to; 0: it is fixed")
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
    approvals: bool = Field(
        False, description="whether decisions of encrypted card approvals are recorded, and the lenders want one"
    )
    policy: Policy = Policy()
    token_policy: TokenPolicy = TokenPolicy()
    admin: ContractAddress | None = Field(None, description="who governs in the end; absent: the deployer goes on")
    admin_delay_seconds: int = Field(0, ge=0, lt=2**32, description="how long each act of the admin is announced")
    guardian: ContractAddress | None = Field(None, description="who may stop new requests, at once, and nothing else")

    @property
    def lends(self) -> bool:
        """Whether any lender is deployed."""
        return self.lender or self.asset is not None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.asset is None) != (self.price_feed is None):
            raise ValueError("a TokenLender needs both --asset and --price-feed")
        if len(set(self.signers)) < len(self.signers):
            raise ValueError("a signer stands twice in signers")
        if self.minimum_fee_wei > self.maximum_fee_wei > 0:
            raise ValueError(f"minimum_fee_wei is above maximum_fee_wei {self.maximum_fee_wei}")
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
