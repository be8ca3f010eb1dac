"""This project's contracts on a local chain: access manager, registry with an active model, oracle, lender."""

from dataclasses import dataclass
from typing import Final

from eth_account.signers.local import LocalAccount
from web3 import Web3

from oracle.assessment.outputs import OUTPUTS
from oracle.chain.contracts import Statement
from oracle.devnet.machinery.accounts import ETHER, Transactor
from oracle.devnet.machinery.artifacts import Deployed, project, verifier
from oracle.models.registry import OpenCircuit, ShippedModel

FEE_WEI: Final = ETHER // 1000
REQUEST_LIFETIME_SECONDS: Final = 3600
ASSESSMENT_LIFETIME_SECONDS: Final = 3600
DAY: Final = 86_400
LIQUIDITY_WEI: Final = 500 * ETHER

POLICY: Final = (
    7_000,  # minimum score
    2_000,  # fraud limit
    4_000,  # minimum confidence
    9_000,  # maximum loan to value
    3_000,  # maximum interest rate
    3_000,  # plain interest rate
    365 * DAY,  # maximum duration
    7 * DAY,  # grace period
    1_000,  # plain loan to value
    14 * DAY,  # plain duration
    DAY,  # minimum duration
    False,  # a passport required
    ETHER // 100,  # minimum principal
    50 * ETHER,  # a borrower's limit
    9_000,  # maximum utilisation
    1_000,  # late interest rate
    DAY,  # maximum age of an answer
    30 * DAY,  # cool-down of a refusal
    False,  # the primary model alone
    False,  # plain terms for all
)


@dataclass(frozen=True)
class Contracts:
    """The deployed contracts; `start_block` is the first block they stood at."""

    manager: Deployed
    registry: Deployed
    verifier: Deployed
    oracle: Deployed
    issuers: Deployed
    accepted_issuers: Deployed
    lending: Deployed
    start_block: int


async def deploy_contracts(
    transactor: Transactor, owner: LocalAccount, signer: LocalAccount, model: ShippedModel
) -> Contracts:
    """Deploy all contracts, activate the model, register the signer, and fund the lender's pool.

    `owner` needs 510 coins and stays administrator. The verifier is the one compiled from the model's development keys.
    """
    start_block = await transactor.chain.block_number() + 1
    manager = await transactor.deploy(owner, project("AccessManager"), owner.address)
    registry = await transactor.deploy(owner, project("ModelRegistry"), manager.address, 0)
    checker = await activate_model(transactor, owner, registry, model)
    oracle = await transactor.deploy(
        owner,
        project("AIRiskOracle"),
        manager.address,
        registry.address,
        [signer.address],
        1,
        FEE_WEI,
        REQUEST_LIFETIME_SECONDS,
        ASSESSMENT_LIFETIME_SECONDS,
        signer.address,
        True,
    )
    issuers = await transactor.deploy(owner, project("IssuerRegistry"), manager.address)
    accepted = await transactor.deploy(owner, project("AcceptedIssuers"), manager.address, issuers.address)
    lending = await transactor.deploy(
        owner, project("SmartLending"), manager.address, oracle.address, accepted.address, POLICY
    )
    await transactor.call(owner, lending, "fund", 0, value=LIQUIDITY_WEI)
    return Contracts(manager, registry, checker, oracle, issuers, accepted, lending, start_block)


async def activate_model(
    transactor: Transactor, owner: LocalAccount, registry: Deployed, model: ShippedModel | OpenCircuit
) -> Deployed:
    """Deploy the verifier of a model's, or its open circuit's, development keys; propose and activate it."""
    checker = await transactor.deploy(owner, verifier(model.name))
    code = await transactor.chain.rpc("eth_getCode", checker.address, "latest")
    spec = (
        checker.address,
        Web3.keccak(hexstr=code),
        model.feature_spec_hash,
        model.neutral_commitment,
        bytes(model.output_scales) + bytes(32 - len(OUTPUTS)),
        model.batch_size,
        Statement[model.statement.upper()],
    )
    await transactor.call(owner, registry, "propose", model.model_id, spec)
    await transactor.call(owner, registry, "activate", model.model_id)
    return checker
