"""What no package of Venus has: a stablecoin that bears interest, and a market that cannot add its own up."""

from oracle.assessment.history import USD, WAD
from oracle.assessment.request import Address, BlockRef
from oracle.history.lending import compound_v2_prices as prices
from oracle.history.markets import CompoundV2Market
from tests.unit.history.log_of import CONTRACT
from tests.unit.history.scripted_node import ScriptedNode

WALLET = Address("0x" + "11" * 20)
CONTROLLER = Address("0x" + "c1" * 20)
ORACLE = Address("0x" + "c2" * 20)
MARKET = Address("0x" + "c3" * 20)
AT = f"0x{9:064x}"
AT_BLOCK = BlockRef(9, AT, 9_000)
VENUS = CompoundV2Market("venus", CONTRACT, 1, CONTROLLER)


async def test_stablecoin__when_its_controller_charges_interest__then_what_it_asks_back() -> None:
    node = ScriptedNode()
    node.answers(CONTROLLER, prices._VAI_OWED, (WALLET,), (6_100 * WAD,))
    node.answers(CONTRACT, prices._VAI_MINTED, (WALLET,), (6_000 * WAD,))
    found = prices.ComptrollerPrices(node.reader, VENUS)
    assert await found.stablecoin_debt_usd(WALLET, AT) == 6_100 * USD


async def test_position__when_the_market_cannot_add_up_its_interest__then_what_it_stored() -> None:
    node = ScriptedNode()
    node.answers(MARKET, prices._SNAPSHOT, (WALLET,), (0, 50 * 10**8, 40 * WAD, WAD * 10**10))
    node.answers(CONTRACT, prices._MARKET, (MARKET,), (True, WAD * 8 // 10))
    node.answers(CONTRACT, prices._ORACLE, (), (ORACLE,))
    node.answers(ORACLE, prices._UNDERLYING_PRICE, (MARKET,), (2 * WAD,))
    node.reverts(MARKET, prices._RATE_NOW, ())
    node.reverts(MARKET, prices._DEBT_NOW, (WALLET,))
    position = await prices.ComptrollerPrices(node.reader, VENUS).position(MARKET, WALLET, AT_BLOCK)
    assert position == prices.Position(100 * USD, 80 * USD, 80 * USD)
