"""Entities in the shapes in which the public subgraphs answer, as the logs that they were made from."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from oracle.assessment.errors import HistoryIncomplete
from oracle.assessment.request import Address, BlockRef
from oracle.history.lending.aave import LIQUIDATION, WITHDRAW
from oracle.history.lending.aave_subgraph import AaveSubgraphLogs
from oracle.history.lending.aave_v2 import V2
from oracle.history.lending.aave_v3 import V3
from oracle.history.lending.compound_v2 import LIQUIDATION as LIQUIDATE
from oracle.history.lending.compound_v2 import REPAY
from oracle.history.lending.compound_v2_subgraph import CompoundV2SubgraphLogs
from oracle.history.reading.logs import Log
from oracle.history.reading.subgraph import GraphQuery, SubgraphClient
from tests.unit.history.log_of import CONTRACT
from tests.unit.history.scripted_node import ScriptedNode

WALLET = Address("0x" + "11" * 20)
HUNTER, WETH, USDC, C_WETH, C_USDC = ("0x" + digits * 20 for digits in ("22", "aa", "bb", "ca", "cb"))
HASH = "0x" + "5d" * 32
AT = BlockRef(17_000_000, f"0x{17_000_000:064x}", 1)

AAVE_ID = f"16496792:33:{HASH}:118:7"
AAVE: dict[str, dict[str, Any]] = {
    "supplies": {"id": AAVE_ID, "amount": "1500000000000000000", "reserve": {"underlyingAsset": WETH}},
    "deposits": {"id": f"{AAVE_ID}0", "amount": "25", "reserve": {"underlyingAsset": USDC}},
    "redeemUnderlyings": {"id": AAVE_ID, "amount": "7", "reserve": {"underlyingAsset": WETH}},
    "borrows": {"id": AAVE_ID, "amount": "8", "reserve": {"underlyingAsset": USDC}},
    "repays": {"id": AAVE_ID, "amount": "9", "reserve": {"underlyingAsset": USDC}},
    "liquidationCalls": {"id": AAVE_ID, "collateralAmount": "10", "collateralReserve": {"underlyingAsset": WETH}},
    "flashLoans": {"id": AAVE_ID},
}


class Recorded(SubgraphClient):
    """A client that gives one page of what was written down."""

    def __init__(self, **entities: list[dict[str, Any]]) -> None:
        super().__init__("recorded", "http://nowhere.example/")
        self._entities = entities

    async def pages(
        self, query: GraphQuery, values: Mapping[str, str], at: BlockRef
    ) -> AsyncIterator[Mapping[str, list[dict[str, Any]]]]:
        yield {field: self._entities.get(field, []) for field in query.fields}


@pytest.mark.parametrize(("generation", "kind"), [(V2, "deposits"), (V3, "supplies")], ids=["V2", "V3"])
async def test_aave__then_each_entity_is_its_event(generation: Any, kind: str) -> None:
    kinds = [kind, *(name for name in AAVE if name not in ("supplies", "deposits"))]
    client = Recorded(**{name: [AAVE[name]] for name in kinds})
    logs = await AaveSubgraphLogs(ScriptedNode().reader, client, generation, CONTRACT).of(WALLET, AT)
    assert {(log.block_number, log.block_hash, log.index, log.address) for log in logs} == {
        (16_496_792, f"0x{16_496_792:064x}", 118, CONTRACT)
    }
    moved = {log.topics[0]: generation.moved(log) for log in logs}
    assert moved == {
        generation.supply.topic: (WETH, 15 * 10**17) if generation is V3 else (USDC, 25),
        WITHDRAW.topic: (WETH, 7),
        generation.borrow.topic: (USDC, 8),
        generation.repay.topic: (USDC, 9),
        LIQUIDATION.topic: (WETH, 10),
        generation.flash_loan.topic: None,
    }


def compound(index: int, **fields: Any) -> dict[str, Any]:
    common = {"hash": HASH, "logIndex": index, "blockNumber": "16496792", "asset": {"id": USDC}}
    return {"id": f"{HASH}-{index}", **common, "market": {"id": C_USDC}, "amount": "5", **fields}


async def _compound_logs(**entities: list[dict[str, Any]]) -> list[Log]:
    return await CompoundV2SubgraphLogs(ScriptedNode().reader, Recorded(**entities)).of(WALLET, AT)


async def test_compound_v2__when_liquidated__then_with_the_repayment_next_before_it() -> None:
    own = compound(1, account={"id": WALLET}, amount="3")
    hunters = [compound(place, account={"id": HUNTER}, amount=str(place)) for place in (4, 9)]
    seized = {"liquidator": {"id": HUNTER}, "market": {"id": C_WETH}, "amount": "77"}
    logs = await _compound_logs(repays=[own, *hunters], liquidates=[compound(place, **seized) for place in (6, 12)])
    repaid = [REPAY.decode(log.data) for log in logs if log.topics[0] == REPAY.topic]
    assert [(payer, borrower, amount) for payer, borrower, amount, _, _ in repaid] == [
        (WALLET, WALLET, 3),
        (HUNTER, WALLET, 4),
        (HUNTER, WALLET, 9),
    ]
    liquidated = [log for log in logs if log.topics[0] == LIQUIDATE.topic]
    assert [LIQUIDATE.decode(log.data) for log in liquidated] == [
        (HUNTER, WALLET, 4, C_WETH, 77),
        (HUNTER, WALLET, 9, C_WETH, 77),
    ]
    # A liquidation is logged by the market of the debt.
    assert {log.address for log in liquidated} == {C_USDC}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"amount": None}, "without a usable amount"),
        ({"amount": str(2**256)}, "that cannot be"),
        ({"market": {"id": "0xnone"}}, r"without a usable market\.id"),
        ({"account": {}}, r"without a usable account\.id"),
        ({"blockNumber": "17000001"}, "sent one of 17000001"),
        ({"logIndex": ""}, "without a usable logIndex"),
    ],
    ids=["no amount", "too large", "no address", "no payer", "later block", "no place"],
)
async def test_compound_v2__when_an_entity_is_odd__then_an_error(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(HistoryIncomplete, match=words):
        await _compound_logs(repays=[compound(1, account={"id": HUNTER}) | changes])
