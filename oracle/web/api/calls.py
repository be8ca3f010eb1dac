"""A route's declaration, from which its checks and its documentation follow; and a call of it, checked."""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn

from aiohttp import web
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from oracle.store.api_keys import Scope
from oracle.web.api.problems import FieldFault, Kind, Problem, wrong

if TYPE_CHECKING:
    from oracle.web.api.service import Api

JSON: Final = "application/json"
_LONGEST_LIST: Final = 20
_DEEPEST: Final = 20
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_BRACKET: Final = re.compile(r"[\[{\]}]")
_UNTOLD: Final = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


class Strict(BaseModel):
    """What a client sends; an unknown name is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NoParameters(Strict):
    """A route without parameters."""


@dataclass(frozen=True, slots=True)
class Call:
    """A checked call: `parameters` and `body` as the operation declares them, `key` the id of its key."""

    request: web.Request
    id: str
    key: str
    parameters: Any
    body: Any
    scopes: frozenset[str] = frozenset()


Handler = Callable[["Api", Call], Awaitable[BaseModel | web.StreamResponse]]


@dataclass(frozen=True)
class Operation:
    """One route. `parameters` are those of the path, by its template, and otherwise of the query.

    `answer` is what a good answer holds, with `status` and `media`; `problems` are kinds beyond those that follow from
    the rest. A `scope` of None needs no key. A `lasting` one goes on beyond the time limit, a `repeatable` one takes an
    Idempotency-Key, and the body of a `tagged` one is one of several, by its mode. A `limited` one counts the calls of
    an address; `most_body_bytes` may be less than the settings allow.
    """

    method: str
    path: str
    name: str
    summary: str
    scope: Scope | None
    handle: Handler
    answer: Any
    description: str = ""
    parameters: type[BaseModel] = NoParameters
    body: Any = None
    status: int = 200
    media: str = JSON
    problems: tuple[Kind, ...] = ()
    lasting: bool = False
    repeatable: bool = False
    tagged: bool = False
    limited: bool = False
    most_body_bytes: int | None = None

    @property
    def in_path(self) -> frozenset[str]:
        """The names of the parameters in the path."""
        return frozenset(re.findall(r"{(\w+)}", self.path))

    @property
    def in_headers(self) -> frozenset[str]:
        """The names of the parameters that are headers: they have capitals."""
        return frozenset(name for name in self.parameters.model_fields if not name.islower())


def check_parameters(operation: Operation, request: web.Request) -> Any:
    """Return the parameters of a call; raises Problem that names the wrong ones."""
    given: dict[str, Any] = {}
    for name, value in request.query.items():
        if name in given or name in operation.in_path:
            raise wrong(f"query.{_shown(name)}", "is given twice")
        given[name] = value
    given |= {name: request.match_info[name] for name in operation.in_path}

    def place(name: str) -> str:
        return f"path.{name}" if name in operation.in_path else f"query.{_shown(name)}"

    try:
        return operation.parameters.model_validate(given)
    except ValidationError as error:
        _refuse(error, lambda where: place(str(where[0])) if where else "query")


def check_body(operation: Operation, raw: bytes) -> Any:
    """Return the body of a call; raises Problem that names the wrong fields."""
    value = read_json(raw)
    adapter = _adapter(operation.body)
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        hidden = 1 if operation.tagged else 0
        if hidden and error.errors()[0]["type"].startswith("union_tag"):
            raise wrong("body.mode", "is not a mode that there is") from None
        _refuse(error, lambda where: ".".join(["body", *(_shown(str(part)) for part in where[hidden:])]))


_adapters: dict[int, TypeAdapter[Any]] = {}


def _adapter(declared: Any) -> TypeAdapter[Any]:
    return _adapters.setdefault(id(declared), TypeAdapter(declared))


def read_json(raw: bytes) -> Any:
    """Return what a JSON text says; raises Problem for what is none, or says a thing twice."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise wrong("body", f"is not UTF-8 at byte {error.start}", Kind.MALFORMED) from None
    if _depth(text) > _DEEPEST:
        raise wrong("body", f"is nested more than {_DEEPEST} deep", Kind.MALFORMED)
    try:
        return json.loads(
            text, object_pairs_hook=_once, parse_constant=_no_number, parse_int=_integer, parse_float=_number
        )
    except json.JSONDecodeError as error:
        raise wrong("body", f"is not JSON: {error.msg} at character {error.pos}", Kind.MALFORMED) from None


def _depth(text: str) -> int:
    """Return how deep a JSON text is nested: where a library raised the limit of recursion, the parser would crash."""
    deepest = depth = 0
    if text.count("[") + text.count("{") > _DEEPEST:
        for bracket in _BRACKET.findall(_STRING.sub("", text)):
            depth += 1 if bracket in "[{" else -1
            deepest = max(deepest, depth)
    return deepest


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise wrong(f"body.{_shown(name)}", "is given twice", Kind.MALFORMED)
        _check_text(name, name)
        _check_text(name, value)
        found[name] = value
    return found


def _check_text(name: str, value: Any) -> None:
    texts = value if isinstance(value, list) else [value]
    if any(isinstance(text, str) and _UNTOLD.search(text) for text in texts):
        raise wrong(f"body.{_shown(name)}", "holds a control character or half of a character")


def _no_number(name: str) -> NoReturn:
    raise wrong("body", f"{name} is no JSON number", Kind.MALFORMED)


def _integer(digits: str) -> int:
    # Python refuses longer ones with an error of its own.
    if len(digits) > 80:
        raise wrong("body", f"holds a number of {len(digits)} digits", Kind.MALFORMED)
    return int(digits)


def _number(digits: str) -> float:
    return float(digits[:400])


def _refuse(error: ValidationError, place: Callable[[tuple[int | str, ...]], str]) -> NoReturn:
    faults = [
        FieldFault(field=place(one["loc"]), detail=one["msg"].removeprefix("Value error, "))
        for one in error.errors(include_url=False, include_input=False, include_context=False)[:_LONGEST_LIST]
    ]
    raise Problem(Kind.INVALID, "; ".join(f"{one.field}: {one.detail}" for one in faults), faults) from None


def _shown(name: str) -> str:
    clean = _UNTOLD.sub("?", name)
    return clean if len(clean) <= 60 else f"{clean[:60]}…"


def headers_of(given: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that every answer has, with more."""
    return {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **given}
