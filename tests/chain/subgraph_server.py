"""A GraphQL server with the entities of Aave V3's public subgraph, made from a local chain's own logs."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from oracle.history.aave import LIQUIDATION, WITHDRAW
from oracle.history.aave_v3 import BORROW, REPAY, SUPPLY, V3
from oracle.history.aave_v3_prices import MarketPrices
from oracle.history.abi import topic_address
from oracle.history.configuration import AaveV3Market
from oracle.history.logs import Log, read_logs
from oracle.history.reader import ChainReader, quantity
from tests.chain.conftest import Played
from tests.chain.test_history import connected

# Gets the true answer; returns the answer to give, or an HTTP status.
Tamper = Callable[[dict[str, Any]], "dict[str, Any] | int"]

_KINDS = {
    SUPPLY: "supplies",
    WITHDRAW: "redeemUnderlyings",
    BORROW: "borrows",
    REPAY: "repays",
    LIQUIDATION: "liquidationCalls",
}
_FIELD = re.compile(
    r"(\w+)\(first: (\d+), orderBy: id, block: \{hash: \$block\}, where: \{(\w+): \$wallet, id_gt: \$after_(\w+)\}\)"
)


@dataclass
class SubgraphServer:
    """Answers the queries of `AaveV3SubgraphSource` at any block of the chain that it was made from."""

    played: Played
    tamper: Tamper = lambda answer: answer
    queries: Counter[str] = field(default_factory=Counter)
    url: str = ""

    async def __aenter__(self) -> Self:
        async with connected(self.played.chain.rpc_url) as web3:
            self._entities = await _entities(ChainReader(web3), self.played.configuration.aave_v3[0], self.played)
        application = web.Application()
        application.router.add_post("/subgraphs/id/aave", self._serve)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}/subgraphs/id/aave"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.Response:
        given = self.tamper(await self._answer(await request.json()))
        self.queries["all"] += 1
        return web.Response(status=given) if isinstance(given, int) else web.json_response(given)

    async def _answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        variables = asked["variables"]
        block = await self.played.chain.rpc("eth_getBlockByHash", variables["block"], False)
        if block is None:
            text = "Failed to decode `block.hash` value: `no block with that hash found`"
            return {"errors": [{"message": text}]}
        number = quantity(block["number"])
        meta = {"block": {"number": number, "hash": block["hash"]}, "hasIndexingErrors": False}
        data: dict[str, Any] = {"_meta": meta}
        for name, first, argument, _ in _FIELD.findall(asked["query"]):
            found = [
                {key: value for key, value in entity.items() if not key.startswith("_")}
                for entity in self._entities.get(name, [])
                if entity["_block"] <= number
                and entity[f"_{argument}"] == variables["wallet"]
                and entity["id"] > variables[f"after_{name}"]
            ]
            data[name] = sorted(found, key=lambda entity: str(entity["id"]))[: int(first)]
        return {"data": data}


async def _entities(reader: ChainReader, market: AaveV3Market, played: Played) -> dict[str, list[dict[str, Any]]]:
    head = await played.chain.block_number()
    prices = MarketPrices(reader, market)
    by_topic = {event.topic: event for event in _KINDS}
    found: dict[str, list[dict[str, Any]]] = {kind: [] for kind in _KINDS.values()}
    async for logs in read_logs(reader, [market.pool], [list(by_topic)], market.start_block, head, head):
        for log in logs:
            event = by_topic[log.topics[0]]
            amount = event.decode(log.data)[V3.amount_at[event]]
            asset = topic_address(log.topics[1])
            price = await prices.price(asset, log.block_hash)
            worth = {"decimals": await prices.decimals(asset, log.block_hash)}
            usd = f"{price // 10**8}.{price % 10**8:08}".rstrip("0").rstrip(".")
            values: dict[str, Any] = {"amount": str(amount), "assetPriceUSD": usd, "reserve": worth}
            if event is LIQUIDATION:
                values = {"collateralAmount": str(amount), "collateralAssetPriceUSD": usd, "collateralReserve": worth}
            found[_KINDS[event]].append({**await _common(reader, log, event is LIQUIDATION), **values})
    return found


async def _common(reader: ChainReader, log: Log, third: bool) -> dict[str, Any]:
    timestamp = quantity((await reader.block(log.block_hash))["timestamp"])
    user = topic_address(log.topics[3 if third else 2])
    # As the public subgraph makes them: of block, index and hash.
    identity = f"{log.block_number}:{log.index}:{log.block_hash}:{log.index}:{log.index}"
    return {"id": identity, "timestamp": timestamp, "_user": user, "_target": "", "_block": log.block_number}
