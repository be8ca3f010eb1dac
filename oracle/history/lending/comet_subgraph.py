"""Compound V3's events from its community subgraph (papercliplabs/compound-v3-subgraph)."""

from collections.abc import Mapping
from typing import Final

from oracle.assessment.request import Address
from oracle.history.lending.comet import ASSET, PRICE
from oracle.history.lending.comet_events import (
    ABSORB_COLLATERAL,
    ABSORB_DEBT,
    OF_FIRST,
    SUPPLY,
    SUPPLY_COLLATERAL,
    WITHDRAW,
    WITHDRAW_COLLATERAL,
)
from oracle.history.reading.abi import address_topic
from oracle.history.reading.logs import Log
from oracle.history.reading.reader import ChainReader
from oracle.history.reading.subgraph import Entity, Field, GraphQuery, SubgraphClient
from oracle.history.reading.subgraph_logs import SubgraphLogs

_BASE: Final = Field("position: $position", "amount transaction { blockNumber logIndex }")
_COLLATERAL: Final = Field(_BASE.where, f"{_BASE.selected} asset {{ token {{ address }} }}")
_EVENTS: Final = {
    "supplyBaseInteractions": SUPPLY,
    "withdrawBaseInteractions": WITHDRAW,
    "absorbDebtInteractions": ABSORB_DEBT,
    "supplyCollateralInteractions": SUPPLY_COLLATERAL,
    "withdrawCollateralInteractions": WITHDRAW_COLLATERAL,
    "absorbCollateralInteractions": ABSORB_COLLATERAL,
}
QUERY: Final = GraphQuery(
    {kind: _BASE if len(event.types) - len(event.data) == 2 else _COLLATERAL for kind, event in _EVENTS.items()},
    {"position": "String!"},
    id_type="Bytes",
)


class CometSubgraphLogs(SubgraphLogs):
    """The events of one Comet; a position's id is the Comet's address and its owner's."""

    def __init__(self, reader: ChainReader, client: SubgraphClient, comet: Address) -> None:
        super().__init__(reader, client, QUERY)
        self._comet = comet

    def values(self, wallet: Address) -> Mapping[str, str]:
        """See SubgraphLogs."""
        return {"position": self._comet + wallet.removeprefix("0x")}

    def place(self, kind: str, entity: Entity) -> tuple[int, int]:
        """See SubgraphLogs."""
        number = self.number(kind, entity, "transaction", "blockNumber")
        return number, self.number(kind, entity, "transaction", "logIndex")

    async def one_log(self, kind: str, entity: Entity, wallet: Address) -> Log:
        """See SubgraphLogs."""
        event, amount = _EVENTS[kind], self.number(kind, entity, "amount")
        place = self.place(kind, entity)
        user, nobody = address_topic(wallet), address_topic(Address("0x" + "00" * 20))
        indexed = [user, nobody] if event.topic in OF_FIRST else [nobody, user]
        data = [amount]
        if event is ABSORB_DEBT:
            data.append(0)  # its worth is not read
        elif QUERY.fields[kind] is _COLLATERAL:
            asset = self.address(kind, entity, "asset", "token", "address")
            indexed.append(address_topic(asset))
            if event is ABSORB_COLLATERAL:
                data.append(await self._worth(asset, amount, await self.block_hash(place[0])))
        return await self.log(event, indexed, data, self._comet, place)

    async def _worth(self, asset: Address, amount: int, block_hash: str) -> int:
        """Return what absorbed collateral counted for, as the Comet computes it, in 1e-8 of its unit of prices."""
        found = await self.reader.call(self._comet, ASSET, asset, block_hash=block_hash)
        feed, scale = found[2], found[3]
        (price,) = await self.reader.call(self._comet, PRICE, feed, block_hash=block_hash)
        return int(amount * price // scale)
