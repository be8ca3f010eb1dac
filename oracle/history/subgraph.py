"""A client of The Graph: queries pinned to a block's hash, in pages by id, complete or not at all."""

import re
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from typing import Any, Final

import aiohttp
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from oracle.assessment.errors import BlockUnavailable, ConfigurationFault, HistoryIncomplete, TransientFault
from oracle.assessment.request import BlockRef

PAGE: Final = 1_000
"""The most entities that a subgraph gives for one field."""

_UNINDEXED: Final = re.compile(
    r"no block with that hash|not yet available|only (has )?indexed up to|reorgan", re.IGNORECASE
)
_SCHEMA: Final = re.compile(
    r"has no field|unknown (field|argument|type)|no value provided|api key|not found", re.IGNORECASE
)


class SubgraphBusy(TransientFault):
    """The subgraph does not answer, or asks for a pause."""


class SubgraphClient:
    """One subgraph over one session; no text of its errors holds its URL, which may hold a key."""

    def __init__(
        self, name: str, url: str, *, timeout_seconds: float = 20.0, attempts: int = 4, page: int = PAGE
    ) -> None:
        self.name = name
        self._url = url
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._attempts = attempts
        self._page = page
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the session's connections."""
        if self._session is not None:
            await self._session.close()

    async def pages(
        self, fields: Mapping[str, tuple[str, str]], wallet: str, at: BlockRef
    ) -> AsyncIterator[Mapping[str, list[dict[str, Any]]]]:
        """Yield the entities of several fields, page after page, as they were at the end of a block.

        `fields` gives for each the name of the argument that must be the wallet, and what to select. Raises
        BlockUnavailable while the subgraph has not indexed this very block, HistoryIncomplete when its index is faulty.
        """
        query = _query(fields, self._page)
        after = dict.fromkeys(fields, "")
        while True:
            found = await self._ask(query, {"wallet": wallet, "block": at.hash, **_cursors(after)}, at)
            pages = {field: _entities(self.name, field, found) for field in fields}
            if not any(pages.values()):
                return  # a short page is not believed to be the last one
            for field, entities in pages.items():
                ids = [str(entity["id"]) for entity in entities]
                if ids != sorted(set(ids)) or (ids and ids[0] <= after[field]):
                    raise HistoryIncomplete(f"subgraph {self.name} sent a page of {field} that is not in order")
                after[field] = ids[-1] if ids else after[field]
            yield pages

    async def _ask(self, query: str, variables: Mapping[str, Any], at: BlockRef) -> dict[str, Any]:
        repeated = AsyncRetrying(
            retry=retry_if_exception_type(SubgraphBusy),
            stop=stop_after_attempt(self._attempts),
            wait=wait_exponential(multiplier=0.2, max=10),
            reraise=True,
        )
        async for attempt in repeated:
            with attempt:
                return self._checked(await self._post(query, variables), at)
        raise AssertionError("tenacity gives a result or raises")

    async def _post(self, query: str, variables: Mapping[str, Any]) -> Any:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout)
        try:
            async with self._session.post(self._url, json={"query": query, "variables": variables}) as response:
                if response.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
                    raise ConfigurationFault(
                        f"subgraph {self.name} answers HTTP {response.status}: check its URL and key"
                    )
                if response.status != HTTPStatus.OK:
                    raise SubgraphBusy(f"subgraph {self.name} answers HTTP {response.status}")
                return await response.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise SubgraphBusy(f"subgraph {self.name} does not answer ({type(error).__name__})") from None

    def _checked(self, answer: Any, at: BlockRef) -> dict[str, Any]:
        if not isinstance(answer, dict):
            raise SubgraphBusy(f"subgraph {self.name} answered with something else than an object")
        if errors := answer.get("errors"):
            text = "; ".join(str(error.get("message", error)) for error in errors)
            if _UNINDEXED.search(text):
                raise BlockUnavailable(f"subgraph {self.name} has not indexed block {at.number} {at.hash}: {text}")
            if _SCHEMA.search(text):
                raise ConfigurationFault(f"subgraph {self.name} has another schema or refuses the key: {text}")
            raise SubgraphBusy(f"subgraph {self.name} answers with errors: {text}")
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


def _query(fields: Mapping[str, tuple[str, str]], page: int) -> str:
    cursors = " ".join(f"$after_{field}: ID!" for field in fields)
    selections = " ".join(
        f"{field}(first: {page}, orderBy: id, block: {{hash: $block}}, "
        f"where: {{{argument}: $wallet, id_gt: $after_{field}}}) {{ id {selected} }}"
        for field, (argument, selected) in fields.items()
    )
    meta = "_meta(block: {hash: $block}) { block { number hash } hasIndexingErrors }"
    return f"query History($wallet: String!, $block: Bytes!, {cursors}) {{ {meta} {selections} }}"


def _cursors(after: Mapping[str, str]) -> dict[str, str]:
    return {f"after_{field}": last for field, last in after.items()}


def _entities(name: str, field: str, data: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = data.get(field)
    if not isinstance(found, list):
        raise HistoryIncomplete(f"subgraph {name} answered {field} with {found!r}, expected a list")
    return found
