"""One chain with the real Aave, a term lender, names and all wallets' histories, shared by the tests that read it."""

import time
import tomllib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from oracle.assessment.request import Address, BlockRef, to_address
from oracle.config.history import HistorySettings
from oracle.devnet.deploy import POLICY
from oracle.devnet.machinery.accounts import ETHER, NOBODY, Transactor, named_account
from oracle.devnet.machinery.anvil import Anvil
from oracle.devnet.machinery.artifacts import project
from oracle.devnet.protocols.aave import Aave, deploy_aave
from oracle.devnet.protocols.attestations import AttestationService, attestation_settings, deploy_attestations
from oracle.devnet.protocols.names import deploy_names
from oracle.devnet.wallets.borrowing import Lender
from oracle.devnet.wallets.histories import HISTORY_SECONDS, Scenario, play_histories
from oracle.history.configuration import (
    AaveV3Market,
    AttestationSchema,
    CoinPriceFeed,
    HistoryConfiguration,
    TermLender,
)
from oracle.pipeline.history import history_configuration
from oracle.processes import ProgramError

_DAY = 86_400
_FEE_WEI = ETHER // 1000
_LATER_BLOCKS = 3
# What the oracle calls neutral while no model is active.
_NO_MODEL = 0


@dataclass(frozen=True)
class Played:
    """The chain after the scenario; `blocks` are moments of it: early, right after the first liquidation, the end."""

    chain: Anvil
    transactor: Transactor
    market: Aave
    lender: Lender
    scenario: Scenario
    configuration: HistoryConfiguration
    blocks: dict[str, BlockRef]

    def wallet(self, name: str) -> Address:
        """Return a wallet's address."""
        return self.scenario.wallets[name].actor.address

    async def block(self, number: int) -> BlockRef:
        """Return a block's reference."""
        return await block_at(self.chain, number)


async def block_at(chain: Anvil, number: int) -> BlockRef:
    """Return a block's reference."""
    block = await chain.rpc("eth_getBlockByNumber", hex(number), False)
    return BlockRef(number, block["hash"], int(block["timestamp"], 16))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def played() -> AsyncIterator[Played]:
    """The shared chain; tests read it and leave it as it is."""
    try:
        project("SmartLending")
    except ProgramError as error:
        pytest.skip(f"the contracts are not compiled: {error}")
    end = int(time.time())
    async with Anvil(genesis_timestamp=end - HISTORY_SECONDS - _DAY) as chain:
        transactor, owner = Transactor(chain), named_account("owner")
        await chain.set_balance(owner.address, 100_000 * ETHER)
        market = await deploy_aave(transactor, owner)
        start_block = await chain.block_number() + 1
        lender = await _deploy_lender(transactor)
        names = await deploy_names(transactor, owner)
        attester = named_account("attester")
        await chain.set_balance(attester.address, ETHER)
        attestations = await deploy_attestations(transactor, owner, attester)
        scenario = await play_histories(
            transactor, market, end=end, lender=lender, names=names, attestations=attestations
        )
        await chain.mine(_LATER_BLOCKS)
        aave = AaveV3Market(
            "aave-v3",
            to_address(market.addresses_provider.address),
            to_address(market.pool.address),
            market.start_block,
        )
        configuration = HistoryConfiguration(
            chain_id=chain.chain_id,
            coin_price_feed=CoinPriceFeed(to_address(market.feeds.contracts["WETH"].address)),
            aave_v3=(aave,),
            term_lenders=(TermLender("smart-lending", to_address(lender.lending.address), start_block),),
            token_prices=aave,
            ens_registry=to_address(names.contract.address),
            attestations=attested_schemas(attestations),
        )
        crash = next(deed.block for deed in scenario.ledger.deeds if deed.kind == "liquidated")
        numbers = {"early": crash // 2, "crash": crash, "end": await chain.block_number() - _LATER_BLOCKS}
        blocks = {name: await block_at(chain, number) for name, number in numbers.items()}
        yield Played(chain, transactor, market, lender, scenario, configuration, blocks)


def attested_schemas(service: AttestationService) -> tuple[AttestationSchema, ...]:
    """What of a service counts, as the local stack's settings say."""
    feed = {"coin_price_feed": "0x" + "11" * 20}
    told = HistorySettings.model_validate(feed | tomllib.loads(attestation_settings(service))["history"])
    return history_configuration(told, 31337).attestations


async def _deploy_lender(transactor: Transactor) -> Lender:
    owner = named_account("owner")
    manager = await transactor.deploy(owner, project("AccessManager"), owner.address)
    registry = await transactor.deploy(owner, project("ModelRegistry"), manager.address, 0)
    settings = (1, _FEE_WEI, 3600, 3600, owner.address, True)
    oracle = await transactor.deploy(
        owner, project("AIRiskOracle"), manager.address, registry.address, [owner.address], *settings
    )
    lending = await transactor.deploy(owner, project("SmartLending"), manager.address, oracle.address, NOBODY, POLICY)
    await transactor.call(owner, lending, "fund", 0, value=500 * ETHER)
    return Lender(oracle, lending, _FEE_WEI, data_commitment=_NO_MODEL)
