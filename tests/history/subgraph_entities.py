"""The entities that the public subgraphs make of a chain's logs: Aave's own, and Messari's of Compound V2 and forks."""

from collections import defaultdict
from typing import Any

from oracle.assessment.request import Address, to_address
from oracle.history.lending.aave import LIQUIDATION, WITHDRAW, Generation
from oracle.history.lending.aave_v3 import V3
from oracle.history.lending.compound_v2 import BORROW, MINT, MINT_WITH_BALANCE, REDEEM, REDEEM_WITH_BALANCE, REPAY
from oracle.history.lending.compound_v2 import LIQUIDATION as LIQUIDATE
from oracle.history.reading.abi import Event, Function, topic_address
from oracle.history.reading.reader import ChainReader, quantity

Found = dict[str, list[dict[str, Any]]]

_UNDERLYING = Function("underlying", (), ("address",))
_MARKETS = Function("getAllMarkets", (), ("address[]",))


async def aave_entities(reader: ChainReader, generation: Generation, pool: Address) -> Found:
    """Return the history entities of one pool's subgraph."""
    kinds = {
        generation.supply: "supplies" if generation is V3 else "deposits",
        WITHDRAW: "redeemUnderlyings",
        generation.borrow: "borrows",
        generation.repay: "repays",
        LIQUIDATION: "liquidationCalls",
        generation.flash_loan: "flashLoans",
    }
    found: Found = {kind: [] for kind in kinds.values()}
    for event, raw in await _logs(reader, [pool], kinds):
        values, topics = event.decode(bytes.fromhex(raw["data"][2:])), raw["topics"]
        entity = await _common(reader, raw)
        place = [entity["_block"], quantity(raw["transactionIndex"]), raw["transactionHash"], quantity(raw["logIndex"])]
        entity["id"] = ":".join(map(str, [*place, raw["_place"]]))
        entity["user"] = {"id": topic_address(topics[3 if event is LIQUIDATION else 2])}
        reserve = {"underlyingAsset": topic_address(topics[1]), "symbol": "?"}
        if event is generation.flash_loan:
            # V3 indexes the target first, V2 the target and then the initiator.
            entity |= {"target": topic_address(topics[1]), "initiator": {"id": topic_address(topics[2])}}
        elif event is LIQUIDATION:
            entity |= {"collateralAmount": str(values[1]), "principalAmount": str(values[0])}
            entity |= {"collateralReserve": reserve, "liquidator": values[2]}
        else:
            entity |= {"amount": str(values[generation.amount_at[event]]), "reserve": reserve}
        found[kinds[event]].append(entity)
    return found


async def compound_v2_entities(reader: ChainReader, comptroller: Address, block_hash: str) -> Found:
    """Return the event entities of one comptroller's subgraph."""
    kinds = {
        MINT: "deposits",
        MINT_WITH_BALANCE: "deposits",
        REDEEM: "withdraws",
        REDEEM_WITH_BALANCE: "withdraws",
        BORROW: "borrows",
        REPAY: "repays",
        LIQUIDATE: "liquidates",
    }
    (listed,) = await reader.call(comptroller, _MARKETS, block_hash=block_hash)
    markets = [to_address(one) for one in listed]
    asset = {one: (await reader.call(one, _UNDERLYING, block_hash=block_hash))[0] for one in markets}
    found: Found = {kind: [] for kind in kinds.values()}
    for event, raw in await _logs(reader, markets, kinds):
        values, market = event.decode(bytes.fromhex(raw["data"][2:])), to_address(raw["address"])
        entity = await _common(reader, raw)
        place = {"hash": raw["transactionHash"], "logIndex": raw["_place"], "blockNumber": str(entity["_block"])}
        entity |= {"id": f"{raw['transactionHash']}-{raw['_place']}", **place, "asset": {"id": asset[market]}}
        account, user = {"id": values[0]}, values[1 if event in (REPAY, LIQUIDATE) else 0]
        entity |= {"market": {"id": market}, "position": {"id": f"{user}-{market}", "account": {"id": user}}}
        if event is LIQUIDATE:
            entity |= {"liquidator": account, "liquidatee": {"id": user}, "market": {"id": values[3]}}
            entity["amount"] = str(values[4])
        else:
            entity |= {"account": account, "amount": str(values[2 if event is REPAY else 1])}
        found[kinds[event]].append(entity)
    return found


async def _logs(
    reader: ChainReader, contracts: list[Address], kinds: dict[Event, str]
) -> list[tuple[Event, dict[str, Any]]]:
    """Return all logs of some events as the node sends them; `_place` is the place in their transaction."""
    by_topic = {event.topic: event for event in kinds}
    query = {"address": contracts, "topics": [list(by_topic)], "fromBlock": "0x0", "toBlock": "latest"}
    seen: dict[str, int] = defaultdict(int)
    found = []
    for raw in await reader.request("eth_getLogs", [query]):
        found.append((by_topic[raw["topics"][0]], {**raw, "_place": seen[raw["transactionHash"]]}))
        seen[raw["transactionHash"]] += 1
    return found


async def _common(reader: ChainReader, raw: dict[str, Any]) -> dict[str, Any]:
    timestamp = quantity((await reader.block(raw["blockHash"]))["timestamp"])
    return {"_block": quantity(raw["blockNumber"]), "timestamp": timestamp, "txHash": raw["transactionHash"]}
