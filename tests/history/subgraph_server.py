"""A GraphQL server over given entities, as strict as The Graph: types, selections, filters, pages and blocks."""

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.support.served import Given, Served, given_response

# Gets the true answer; returns the answer to give, or an HTTP status with headers.
Tamper = Callable[[dict[str, Any]], Given]
Entities = Mapping[str, Sequence[dict[str, Any]]]

_DECLARED = re.compile(r"\$(\w+): (\w+)!")
_FIELD = re.compile(
    r"(\w+)\(first: (\d+), orderBy: id, block: \{hash: \$block\}, where: \{([^()]*), id_gt: \$after_(\w+)\}\) "
)
_FILTER = re.compile(r"(\w+): \$(\w+)")
_BYTES = frozenset({("flashLoans", "target")})
_NESTED_FILTER = re.compile(r"(\w+)_: \{(\w+): \$(\w+)\}")


class Refused(Exception):
    """What The Graph answers to a query that does not fit the schema."""


@dataclass
class SubgraphServer(Served):
    """Serves entities as they stood at a block: each has the number of its block below `_block`.

    `block_number` finds a block's number by its hash. `id_type` is the schema's type of ids.
    """

    entities: Entities
    block_number: Callable[[str], Awaitable[int | None]]
    id_type: str = "ID"
    tamper: Tamper = lambda answer: answer
    queries: Counter[str] = field(default_factory=Counter)

    path = "/subgraphs/id/market"

    async def serve(self, request: web.Request) -> web.Response:
        asked = await request.json()
        try:
            answer = await self._answer(asked["query"], asked["variables"])
        except Refused as refused:
            answer = {"errors": [{"message": str(refused)}]}
        self.queries["all"] += 1
        return given_response(self.tamper(answer))

    async def _answer(self, query: str, variables: dict[str, str]) -> dict[str, Any]:
        number = await self.block_number(variables["block"])
        if number is None:
            raise Refused("Failed to decode `block.hash` value: `no block with that hash found`")
        declared = dict(_DECLARED.findall(query))
        if unused := [name for name in declared if query.count(f"${name}") < 2]:
            raise Refused(f"Variable {unused} is never used")
        meta = {"block": {"number": number, "hash": variables["block"]}, "hasIndexingErrors": False}
        data: dict[str, Any] = {"_meta": meta}
        for match in _FIELD.finditer(query):
            name, first, where, _ = match.groups()
            _check_types(name, where, declared)
            if declared[f"after_{name}"] != self.id_type:
                raise Refused(f"Variable of type {declared[f'after_{name}']} used in position expecting {self.id_type}")
            found = [
                entity
                for entity in self.entities.get(name, [])
                if entity["_block"] <= number
                and _matches(entity, where, variables)
                and entity["id"] > variables[f"after_{name}"]
            ]
            selection = _selection(query[match.end() :])
            page = sorted(found, key=lambda entity: str(entity["id"]))[: int(first)]
            data[name] = [_selected(name, entity, selection) for entity in page]
        return {"data": data}


def _check_types(kind: str, where: str, declared: dict[str, str]) -> None:
    """Refuse a filter's variable of the wrong type: references are String whatever their id is, scalars their own."""
    for argument, variable in _FILTER.findall(where):
        expected = "Bytes" if (kind, argument) in _BYTES else "String"
        if declared[variable] != expected:
            raise Refused(f"Variable of type {declared[variable]} used in position expecting type {expected}")


def _matches(entity: dict[str, Any], where: str, variables: dict[str, str]) -> bool:
    if nested := _NESTED_FILTER.fullmatch(where):
        parent, argument, variable = nested.groups()
        return _matches(entity[parent], f"{argument}: ${variable}", variables)
    plain = _FILTER.fullmatch(where)
    assert plain is not None, where
    argument, variable = plain.groups()
    value = entity[argument]
    return bool((value["id"] if isinstance(value, dict) else value) == variables[variable])


Selection = dict[str, "Selection"]


def _selection(text: str) -> Selection:
    """Return the fields that are selected in the braces that a text begins with."""
    stack: list[Selection] = [{}]
    last = ""
    for token in re.findall(r"\w+|[{}]", text):
        if token == "{":
            stack.append(stack[-1].setdefault(last, {}) if last else {})
        elif token == "}":
            done = stack.pop()
            if len(stack) == 1:
                return done
        else:
            stack[-1][token] = {}
            last = token
    raise AssertionError(f"braces do not close: {text}")


def _selected(kind: str, entity: dict[str, Any], selection: Selection) -> dict[str, Any]:
    if unknown := [name for name in selection if name not in entity]:
        raise Refused(f"Type `{kind}` has no field `{unknown[0]}`")
    return {
        name: _selected(f"{kind}.{name}", entity[name], inner) if inner else entity[name]
        for name, inner in selection.items()
    }
