"""Aave's events from its own subgraphs (aave/protocol-subgraphs), V2's and V3's."""

from collections.abc import Mapping
from typing import Final

from oracle.assessment.request import Address
from oracle.history.lending.aave import LIQUIDATION, WITHDRAW, Generation
from oracle.history.lending.aave_v2 import V2
from oracle.history.lending.aave_v3 import V3
from oracle.history.reading.abi import address_topic
from oracle.history.reading.logs import Log
from oracle.history.reading.reader import ChainReader
from oracle.history.reading.subgraph import Entity, Field, GraphQuery, SubgraphClient
from oracle.history.reading.subgraph_logs import SubgraphLogs

_MOVED: Final = Field("user: $wallet", "amount reserve { underlyingAsset }")
_LIQUIDATIONS: Final = Field("user: $wallet", "collateralAmount collateralReserve { underlyingAsset }")
_LIQUIDATED: Final = ("collateralAmount", "collateralReserve")
_UNREAD: Final[Mapping[str, object]] = {"address": "0x" + "00" * 20, "bool": False}
_COMMON: Final[Mapping[str, Field]] = {
    "redeemUnderlyings": _MOVED,
    "borrows": _MOVED,
    "repays": _MOVED,
    "liquidationCalls": _LIQUIDATIONS,
}
# A loan's user is another parameter in each generation (see `flash_loan_user_at`), and another type in the schema.
QUERY_V2: Final = GraphQuery(
    {**_COMMON, "deposits": _MOVED, "flashLoans": Field("initiator: $wallet", "")}, {"wallet": "String!"}
)
QUERY_V3: Final = GraphQuery(
    {**_COMMON, "supplies": _MOVED, "flashLoans": Field("target: $target", "")},
    {"wallet": "String!", "target": "Bytes!"},
)


class AaveSubgraphLogs(SubgraphLogs):
    """The events of one market; the id of each entity says where it stands in the chain."""

    def __init__(self, reader: ChainReader, client: SubgraphClient, generation: Generation, pool: Address) -> None:
        super().__init__(reader, client, QUERY_V3 if generation is V3 else QUERY_V2)
        self._generation = generation
        self._pool = pool
        self._events = {
            "supplies": V3.supply,
            "deposits": V2.supply,
            "redeemUnderlyings": WITHDRAW,
            "borrows": generation.borrow,
            "repays": generation.repay,
            "liquidationCalls": LIQUIDATION,
            "flashLoans": generation.flash_loan,
        }

    def values(self, wallet: Address) -> Mapping[str, str]:
        """See SubgraphLogs."""
        return {"wallet": wallet, "target": wallet} if self._generation is V3 else {"wallet": wallet}

    async def one_log(self, kind: str, entity: Entity, wallet: Address) -> Log:
        """See SubgraphLogs."""
        event, place, transaction = self._events[kind], self.place(kind, entity), str(entity["id"]).split(":")[2]
        # What is not asked for is not read either.
        data: list[object] = [_UNREAD.get(one, 0) for one in event.data]
        if kind == "flashLoans":
            return await self.log(event, (), data, self._pool, place, transaction)
        amount, reserve = _LIQUIDATED if event is LIQUIDATION else ("amount", "reserve")
        data[self._generation.amount_at[event]] = self.number(kind, entity, amount)
        asset = address_topic(self.address(kind, entity, reserve, "underlyingAsset"))
        return await self.log(event, (asset,), data, self._pool, place, transaction)

    def place(self, kind: str, entity: Entity) -> tuple[int, int]:
        """Return what an id tells: of block, transaction, its hash, log, and log in the transaction."""
        parts = str(entity["id"]).split(":")
        if len(parts) != 5 or not parts[0].isdecimal() or not parts[3].isdecimal():
            raise self.incomplete(kind, entity, ("id (expected block:transaction:hash:log:log)",))
        return int(parts[0]), int(parts[3])
