"""Compound V3's history from its community subgraph is the one from the node's logs; both are of one script."""

from typing import Any

from oracle.history.lending.comet import CometSource
from oracle.history.lending.comet_events import (
    ABSORB_COLLATERAL,
    ABSORB_DEBT,
    SUPPLY,
    SUPPLY_COLLATERAL,
    WITHDRAW,
    WITHDRAW_COLLATERAL,
)
from oracle.history.lending.comet_subgraph import CometSubgraphLogs
from oracle.history.markets import CometMarket
from oracle.history.reading.abi import topic_address
from oracle.history.reading.logs import Log
from oracle.history.reading.subgraph import SubgraphClient
from tests.history.subgraph_server import SubgraphServer
from tests.unit.history.log_of import CONTRACT
from tests.unit.history.test_comet import AT, WALLET, node

# The kind of entity, where in the topics the position's owner stands, and where the collateral.
_KINDS = {
    SUPPLY: ("supplyBaseInteractions", 2, None),
    WITHDRAW: ("withdrawBaseInteractions", 1, None),
    ABSORB_DEBT: ("absorbDebtInteractions", 2, None),
    SUPPLY_COLLATERAL: ("supplyCollateralInteractions", 2, 3),
    WITHDRAW_COLLATERAL: ("withdrawCollateralInteractions", 1, 3),
    ABSORB_COLLATERAL: ("absorbCollateralInteractions", 2, 3),
}


def entity(log: Log, values: tuple[Any, ...], owner: int, collateral: int | None) -> dict[str, Any]:
    number, index = log.block_number, log.index
    transaction = {"blockNumber": str(number), "logIndex": str(index), "timestamp": str(1_000 * number)}
    position = CONTRACT + topic_address(log.topics[owner]).removeprefix("0x")
    asset = {"token": {"address": topic_address(log.topics[collateral])}} if collateral else {"token": {}}
    return {
        "_block": number,
        "id": f"0x{number:064x}{index:02x}",
        "transaction": transaction,
        "position": {"id": position},
        "market": {"id": CONTRACT},
        "asset": asset,
        "amount": str(values[0]),
    }


def entities(logs: list[Log]) -> dict[str, list[dict[str, Any]]]:
    """Return what the subgraph makes of the script's logs."""
    by_topic = {event.topic: event for event in _KINDS}
    found: dict[str, list[dict[str, Any]]] = {kind: [] for kind, _, _ in _KINDS.values()}
    for log in logs:
        event = by_topic[log.topics[0]]
        kind, owner, collateral = _KINDS[event]
        found[kind].append(entity(log, event.decode(log.data), owner, collateral))
    return found


async def test_comet__when_from_its_subgraph__then_that_of_the_logs() -> None:
    script, market = node(), CometMarket("comet", CONTRACT, None, 1)

    async def number(block_hash: str) -> int:
        return int(block_hash, 16)

    expected = await CometSource(script.reader, market, span_blocks=4).read(WALLET, AT)
    assert expected.event_count == 7
    async with SubgraphServer(entities(script.logs), number, id_type="Bytes") as server:
        script.logs = []
        client = SubgraphClient("comet", server.url, requests_per_second=1_000, page=1)
        try:
            events = CometSubgraphLogs(script.reader, client, CONTRACT)
            found = await CometSource(script.reader, market, span_blocks=4, events=events).read(WALLET, AT)
        finally:
            await client.close()
    assert found == expected
