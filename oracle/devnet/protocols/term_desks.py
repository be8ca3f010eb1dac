"""This project's two lenders with due dates on the local chain, before an oracle that says what it was told.

What is lent depends on the books of the lenders, not on how an answer is proven: that has its own stack.
"""

from dataclasses import dataclass
from typing import Final

from eth_account.signers.local import LocalAccount

from oracle.devnet.machinery.accounts import ETHER, NOBODY, Transactor
from oracle.devnet.machinery.artifacts import Deployed, project
from oracle.devnet.protocols.aave import Aave, fund

_DAY: Final = 86_400
_YEAR: Final = 365 * _DAY
_UNLIMITED: Final = 2**100
_COINS: Final = 100_000 * ETHER
_DOLLARS: Final = 100_000_000 * 10**6
_LIQUIDATION_LTV: Final = 9_500
RATE_BPS: Final = 800
LATE_RATE_BPS: Final = 1_000
HIGHEST_LTV_BPS: Final = 6_000
GRACE_SECONDS: Final = 6 * 3_600
GRACE_DIVISOR: Final = 4

_POLICY: Final = (
    5_000,  # minimum score
    2_000,  # fraud limit
    4_000,  # minimum confidence
    HIGHEST_LTV_BPS,
    3_000,  # maximum interest rate
    3_000,  # plain interest rate
    _YEAR,  # maximum duration
    GRACE_SECONDS,
    1_000,  # plain loan to value
    _DAY,  # plain duration
    1,  # minimum duration
    False,  # a passport required
    1,  # minimum principal
    _UNLIMITED,  # a borrower's limit
    9_000,  # maximum utilisation
    LATE_RATE_BPS,
    _DAY,  # maximum age of an answer
    _DAY,  # cool-down of a refusal
    False,  # the primary model alone
    True,  # plain terms for all
)
# low risk, score, default, fraud, rate, days, loan to value, confidence; times and model are the mock's
_ANSWER: Final = (0, 8_500, 200, 300, RATE_BPS, 180, HIGHEST_LTV_BPS, 8_000, 0, 0, 0, 1, False)


@dataclass(frozen=True)
class Desks:
    """The lender of coins and the lender of dollars; `oracle` approves whatever it is asked, for `fee_wei`."""

    oracle: Deployed
    coins: Deployed
    dollars: Deployed
    fee_wei: int
    start_block: int

    @property
    def lenders(self) -> tuple[Deployed, Deployed]:
        """Both."""
        return self.coins, self.dollars


async def deploy_desks(transactor: Transactor, owner: LocalAccount, market: Aave) -> Desks:
    """Deploy oracle and lenders, and fund them from `owner`, who needs 100,000 coins."""
    start_block = await transactor.chain.block_number() + 1
    manager = await transactor.deploy(owner, project("AccessManager"), owner.address)
    oracle = await transactor.deploy(owner, project("MockAIRiskOracle"))
    await transactor.call(owner, oracle, "willAnswer", _ANSWER)
    place = (manager.address, oracle.address, NOBODY, _POLICY)
    coins = await transactor.deploy(owner, project("SmartLending"), *place)
    await transactor.call(owner, coins, "fund", 0, value=_COINS)
    usdc, feed = market.tokens["USDC"], market.feeds.contracts["WETH"]
    dollars = await transactor.deploy(
        owner, project("TokenLender"), *place, usdc.address, feed.address, _LIQUIDATION_LTV, 10 * _YEAR
    )
    await fund(transactor, market, owner, "USDC", _DOLLARS)
    await transactor.call(owner, usdc, "approve", dollars.address, 2**256 - 1)
    await transactor.call(owner, dollars, "deposit", _DOLLARS, owner.address)
    fee_wei = int(await transactor.read(oracle, "fee"))
    return Desks(oracle, coins, dollars, fee_wei, start_block)
