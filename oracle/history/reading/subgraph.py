"""A client of The Graph: queries pinned to a block's hash, in pages by id, complete or not at all."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from oracle.assessment.errors import BlockUnavailable, ConfigurationFault, HistoryIncomplete
from oracle.assessment.request import BlockRef
from oracle.history.reading.paced_api import ApiBusy, PacedApi
from oracle.nodes.refusals import Refusal, graph_refusal

PAGE: Final = 1_000
"""The most entities that a subgraph gives for one field."""

Entity = Mapping[str, Any]
"""One entity as JSON values: large numbers and addresses are text."""


@dataclass(frozen=True, slots=True)
class Field:
    """One kind of entity: the filter, with variables in it, and what to select besides the id."""

    where: str
    selected: str


@dataclass(frozen=True, slots=True)
class GraphQuery:
    """What a subgraph is asked for: its fields by name, the GraphQL types of their variables, and that of the ids."""

    fields: Mapping[str, Field]
    types: Mapping[str, str]
    id_type: str = "ID"


class SubgraphClient:
    """One subgraph, asked within its plan's limit; no text of its errors holds its URL, which may hold a key."""

    def __init__(
        self,
        name: str,
        url: str,
        *,
        requests_per_second: float = 20.0,
        timeout_seconds: float = 20.0,
        attempts: int = 5,
        page: int = PAGE,
    ) -> None:
        self.name = name
        self._url = url
        self._page = page
        self._api = PacedApi(
            f"subgraph {name}",
            requests_per_second=requests_per_second,
            attempts=attempts,
            timeout_seconds=timeout_seconds,
        )

    async def close(self) -> None:
        """Close the session's connections."""
        await self._api.close()

    async def pages(
        self, query: GraphQuery, values: Mapping[str, str], at: BlockRef
    ) -> AsyncIterator[Mapping[str, list[dict[str, Any]]]]:
        """Yield the entities of a query's fields, page after page, as they were at the end of a block.

        `values` are the query's variables. Raises BlockUnavailable while the subgraph has not indexed this very
        block, HistoryIncomplete when its index is faulty.
        """
        text = _text(query, self._page)
        after = dict.fromkeys(query.fields, "0x" if query.id_type == "Bytes" else "")
        while True:
            cursors = {f"after_{field}": last for field, last in after.items()}
            found = await self._ask(text, {**values, "block": at.hash, **cursors}, at)
            pages = {field: _entities(self.name, field, found) for field in query.fields}
            if not any(pages.values()):
                return  # a short page is not believed to be the last one
            for field, entities in pages.items():
                ids = [str(entity["id"]) for entity in entities]
                if ids != sorted(set(ids)) or (ids and ids[0] <= after[field]):
                    raise HistoryIncomplete(f"subgraph {self.name} sent a page of {field} that is not in order")
                after[field] = ids[-1] if ids else after[field]
            yield pages

    async def _ask(self, text: str, variables: Mapping[str, str], at: BlockRef) -> dict[str, Any]:
        body = {"query": text, "variables": variables}
        return await self._api.ask(
            "a query", lambda session: session.post(self._url, json=body), lambda answer: self._checked(answer, at)
        )

    def _checked(self, answer: Any, at: BlockRef) -> dict[str, Any]:
        if not isinstance(answer, dict):
            raise ApiBusy(f"subgraph {self.name} answered with something else than an object")
        if errors := answer.get("errors"):
            text = "; ".join(str(error.get("message", error)) for error in errors)
            match graph_refusal(text):
                case Refusal.UNSERVED:
                    raise BlockUnavailable(
                        f"subgraph {self.name} has not indexed block {at.number} {at.hash}, or dropped it: {text}"
                    )
                case Refusal.UNKNOWN_METHOD:
                    raise ConfigurationFault(f"subgraph {self.name} has another schema or refuses the key: {text}")
            raise ApiBusy(f"subgraph {self.name} answers with errors: {text}")
        data = answer.get("data")
        meta = data.get("_meta") if isinstance(data, dict) else None
        if not isinstance(data, dict) or not isinstance(meta, dict):
            raise HistoryIncomplete(f"subgraph {self.name} answered without data or without its state")
        if meta["hasIndexingErrors"]:
            raise HistoryIncomplete(
                f"subgraph {self.name} has indexing errors: its data have gaps, use the node's logs"
            )
        if str(meta["block"]["hash"]).lower() != at.hash.lower():
            raise BlockUnavailable(
                f"subgraph {self.name} answered at block {meta['block']['hash']}, asked at {at.hash}"
            )
        return data


def _text(query: GraphQuery, page: int) -> str:
    variables = {**query.types, "block": "Bytes!", **{f"after_{field}": f"{query.id_type}!" for field in query.fields}}
    declared = ", ".join(f"${name}: {kind}" for name, kind in variables.items())
    selections = " ".join(
        f"{name}(first: {page}, orderBy: id, block: {{hash: $block}}, "
        f"where: {{{field.where}, id_gt: $after_{name}}}) {{ id {field.selected} }}"
        for name, field in query.fields.items()
    )
    meta = "_meta(block: {hash: $block}) { block { number hash } hasIndexingErrors }"
    return f"query History({declared}) {{ {meta} {selections} }}"


def _entities(name: str, field: str, data: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = data.get(field)
    if not isinstance(found, list):
        raise HistoryIncomplete(f"subgraph {name} answered {field} with {found!r}, expected a list")
    return found
