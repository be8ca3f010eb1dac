"""Compound V2's events, and its forks', from subgraphs of Messari's lending schema.

It is the one of `compound-forks` in messari/subgraphs, which Venus and others are indexed with too.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from oracle.assessment.errors import HistoryIncomplete
from oracle.assessment.request import Address
from oracle.history.lending.compound_v2 import BORROW, LIQUIDATION, MINT, REDEEM, REPAY
from oracle.history.reading.concurrently import all_of
from oracle.history.reading.logs import Log
from oracle.history.reading.reader import ChainReader
from oracle.history.reading.subgraph import Entity, Field, GraphQuery, SubgraphClient
from oracle.history.reading.subgraph_logs import Entities, SubgraphLogs

_SELECTED: Final = "hash logIndex blockNumber market { id } asset { id } amount"
_OWN: Final = Field("account: $wallet", _SELECTED)
QUERY: Final = GraphQuery(
    {
        "deposits": _OWN,
        "withdraws": _OWN,
        "borrows": _OWN,
        # Its account is the payer; whose debt it was stands in the position.
        "repays": Field("position_: {account: $wallet}", f"{_SELECTED} account {{ id }}"),
        "liquidates": Field("liquidatee: $wallet", f"{_SELECTED} liquidator {{ id }}"),
    },
    {"wallet": "String!"},
)
_EVENTS: Final = {"deposits": MINT, "withdraws": REDEEM, "borrows": BORROW}


class CompoundV2SubgraphLogs(SubgraphLogs):
    """The events of all markets of one comptroller.

    The schema counts an event's place within its transaction, so events of one block have no order among them.
    """

    def __init__(self, reader: ChainReader, client: SubgraphClient) -> None:
        super().__init__(reader, client, QUERY)

    def values(self, wallet: Address) -> Mapping[str, str]:
        """See SubgraphLogs."""
        return {"wallet": wallet}

    async def logs(self, entities: Entities, wallet: Address) -> list[Log]:
        """See SubgraphLogs."""
        known = {kind: several for kind, several in entities.items() if kind != "liquidates"}
        repayments = self._repayments_of_liquidations(entities)
        return await super().logs(known, wallet) + await all_of(
            self._liquidation(entity, repayments[str(entity["id"])], wallet) for entity in entities["liquidates"]
        )

    async def one_log(self, kind: str, entity: Entity, wallet: Address) -> Log:
        """See SubgraphLogs."""
        market, amount = self.address(kind, entity, "market", "id"), self.number(kind, entity, "amount")
        if kind == "repays":
            payer = self.address(kind, entity, "account", "id")
            return await self.log(REPAY, (), (payer, wallet, amount, 0, 0), market, self.place(kind, entity))
        event = _EVENTS[kind]
        # What follows the amount (shares, balances) is not read.
        data = (wallet, amount, *[0] * (len(event.data) - 2))
        return await self.log(event, (), data, market, self.place(kind, entity))

    def _repayments_of_liquidations(self, entities: Entities) -> dict[str, Entity]:
        """Return the liquidator's repayment of each liquidation, by its id: the last one of its asset before it."""
        repaid: dict[tuple[str, Address, Address], list[tuple[int, Entity]]] = defaultdict(list)
        for repay in entities["repays"]:
            payer = self.address("repays", repay, "account", "id")
            key = (str(repay["hash"]), payer, self.address("repays", repay, "asset", "id"))
            repaid[key].append((self.number("repays", repay, "logIndex"), repay))
        found = {}
        for liquidation in entities["liquidates"]:
            liquidator = self.address("liquidates", liquidation, "liquidator", "id")
            asset = self.address("liquidates", liquidation, "asset", "id")
            index = self.number("liquidates", liquidation, "logIndex")
            before = [one for one in repaid[str(liquidation["hash"]), liquidator, asset] if one[0] < index]
            if not before:
                raise HistoryIncomplete(
                    f"liquidation {liquidation['id']} came without its repayment from subgraph {self.name}"
                )
            found[str(liquidation["id"])] = max(before, key=lambda one: one[0])[1]
        return found

    async def _liquidation(self, entity: Entity, repay: Entity, wallet: Address) -> Log:
        kind = "liquidates"
        liquidator = self.address(kind, entity, "liquidator", "id")
        collateral, seized = self.address(kind, entity, "market", "id"), self.number(kind, entity, "amount")
        data = (liquidator, wallet, self.number("repays", repay, "amount"), collateral, seized)
        market = self.address("repays", repay, "market", "id")
        return await self.log(LIQUIDATION, (), data, market, self.place(kind, entity))

    def place(self, kind: str, entity: Entity) -> tuple[int, int]:
        """See SubgraphLogs; the place is that in the transaction."""
        return self.number(kind, entity, "blockNumber"), self.number(kind, entity, "logIndex")
