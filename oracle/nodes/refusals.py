"""What a node means by a refusal: one table of the decisive words and codes, for every client and provider.

Each client has words and codes of its own for the same few conditions, and changes them with its releases: one
condition stands under several codes, one code for several conditions. So words decide where there are some, and codes
only where they mean one thing.
"""

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property
from http import HTTPStatus
from typing import Any, Final

import aiohttp

LOGS: Final = "eth_getLogs"
TOO_MUCH_CODE: Final = -32005
"""What EIP-1474 calls "limit exceeded"."""


class Refusal(Enum):
    """What a refusal asks of the one who hears it."""

    REVERTED = auto()
    """The contract refused: an answer of the chain."""
    UNSERVED = auto()
    """The node lacks the block, its state or its receipts: pruned, not synced, or before its first era. Ask another."""
    UNKNOWN_METHOD = auto()
    """The node does not run this method, whether it lists it or not."""
    BUSY = auto()
    """Fewer requests are wanted, not smaller ones."""
    TOO_MUCH = auto()
    """Less is to be asked for at once."""
    OTHER = auto()


def _words(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.IGNORECASE | re.DOTALL)


_LACKED = (
    r"(not (yet )?(be )?(found|available|exist\w*|known|served|indexed|synced)|unavailable|missing|does not exist)"
)

# In this order: the first line that says something decides.
_TABLE: Final[Sequence[tuple[Refusal, re.Pattern[str]]]] = (
    # Said of data that are gone, whatever else is said.
    (
        Refusal.UNSERVED,
        _words(
            r"prun(ed|ing|e)\b",
            r"missing trie node",
            r"historical (state|data|backend|node|rpc|requests?|blocks?|balance|info|access)|no historical",
            r"\bhistory (is |was |has )?(been )?(expired|unavailable|not available)",
            r"old data not available",
            r"data before .{0,60}not available",
            r"\barchiv(e|al)\b",
            r"no (state|data|receipts?|headers?) (available|found|for)|world ?state unavailable|state histor(y|ies)",
            r"(pre-?bedrock|pre-?nitro|classic (node|block|chain))",
            r"only (supported for|serves?) (the )?(latest|last|recent)",
            r"proof window|ancient (block|data|store)|lookback",
        ),
    ),
    (
        Refusal.UNKNOWN_METHOD,
        _words(
            r"\bunimplemented\b|not (yet )?implemented",
            r"method [^:]{0,60}(" + _LACKED + r"|not (supported|allowed|enabled|whitelisted)|unsupported|disabled)",
            r"(unknown|unsupported|unrecognized|no such|invalid) (rpc )?method",
            r"method (is )?(disabled|not found)",
        ),
    ),
    (
        Refusal.BUSY,
        _words(
            r"rate.?limit|over rate|request rate",
            r"too many (concurrent )?(requests|connections|calls)",
            r"(requests?|calls) (per|a) (second|minute|day)|per second|\d/s(ec)?\b",
            r"compute units|\bcapacity\b|throttl|\bquota\b|\bcredits?\b|daily .{0,20}(limit|count)",
            r"(request|call) (count|limit).{0,20}(reached|exceeded)",
            r"(retry|try again) in \d|slow down|server is busy|overloaded",
        ),
    ),
    (
        Refusal.UNSERVED,
        _words(
            r"\b(headers?|blocks?|states?|resource|receipts?|tx_?num|body|bodies|transaction index)\b.{0,80}" + _LACKED,
            r"(unknown|missing) (block|header|state|receipts?|body|bodies)",
            r"(could not|cannot|can't|unable to|failed to) (find|load|get|locate|retrieve) .{0,30}"
            r"(block|header|state|receipts?|body|logs for block)",
            r"BlockOutOfRange|after last accepted block|not (currently )?canonical|beyond .{0,40}head|extends beyond",
            r"block .{0,20}(is )?(in the future|greater than (the )?(latest|head)|higher than (the )?(latest|head))",
            r"incorrect head block|not (fully )?synced|(is|still) syncing|sync(ing)? in progress",
        ),
    ),
    (
        Refusal.TOO_MUCH,
        _words(
            r"\brange",
            r"too (many|large|big|wide|high|long|heavy)",
            r"more than|at most|up to|limit|exceed|maximum|\bmax\b|reduce|narrow|split",
            r"response size|bigger|larger|query returned|query timeout",
            r"time[d]?[ -]?out|deadline|took too long|takes too long|cancel+ed|aborted",
        ),
    ),
)

# The Graph's nodes, and its gateway, which has its own words for what no indexer has reached.
_GRAPH_TABLE: Final[Sequence[tuple[Refusal, re.Pattern[str]]]] = (
    (
        Refusal.UNSERVED,
        _words(
            r"no block with that hash|not yet (available|indexed)|only (has )?indexed up to|reorgan",
            r"(missing|unresolved).?block|too.?far.?behind|block .{0,60}(unavailable|not (found|available))",
            # Pruned or grafted, so that it begins behind the block.
            r"only has data|data starting at|prun|earliest block",
            # Deployed, but not begun, failed, or served by nobody now: that can pass.
            r"(has )?not started|not (syncing|synced)|(no|bad) indexers|indexers? not available",
            r"deployment .{0,80}(not (yet )?(found|available|indexed)|does not exist)|subgraph .{0,40}failed",
        ),
    ),
    (
        Refusal.UNKNOWN_METHOD,
        _words(
            r"has no field|unknown (field|argument|type)|no value provided|of type .* used in position",
            r"api key|not found",
        ),
    ),
)

_REVERTED: Final = _words(
    r"revert",
    r"vm execution error|vm exception|evm error",
    r"invalid opcode|bad instruction|invalid jump|out of gas|stack (under|over)flow|gas required exceeds",
)
# Code that ran and came to no end, in whatever words: only where anybody may have written it is that no fault.
_FAILED_EXECUTION: Final = _words(r"opcode|out of ?gas|gas limit|stack|jump|execution|EVM")
_CODES: Final[Mapping[int, Refusal]] = {
    3: Refusal.REVERTED,
    -32015: Refusal.REVERTED,
    4444: Refusal.UNSERVED,
    -32001: Refusal.UNSERVED,
    -32601: Refusal.UNKNOWN_METHOD,
    -32004: Refusal.UNKNOWN_METHOD,
    429: Refusal.BUSY,
    TOO_MUCH_CODE: Refusal.TOO_MUCH,
}
# Codes that mean one thing whatever the words: a node that reports a revert quotes the contract's own words.
_FIRM: Final = frozenset({3, 4444, -32601})
_EXECUTED: Final = frozenset({"eth_call", "eth_estimateGas", "eth_createAccessList", "debug_traceCall", ""})


@dataclass(frozen=True)
class NodeError:
    """A JSON-RPC error as a node sent it; `data` is whatever came with it."""

    method: str
    code: int
    text: str
    data: Any = None

    @cached_property
    def kind(self) -> Refusal:
        """What the refusal means."""
        if self.code in _FIRM:
            return _CODES[self.code]
        said = self.text if self.data is None else f"{self.text} {_shown(self.data)}"
        if self.method in _EXECUTED and _REVERTED.search(said):
            return Refusal.REVERTED
        for kind, words in _TABLE:
            if words.search(said):
                return kind
        return _CODES.get(self.code, Refusal.OTHER)


def node_error(method: str, error: Any) -> NodeError:
    """Return the error that an answer holds; some nodes send the message alone, or a code that is no number."""
    if not isinstance(error, Mapping):
        return NodeError(method, 0, str(error))
    code = error.get("code", 0)
    try:
        number = int(code)
    except (TypeError, ValueError):
        number = 0
    return NodeError(method, number, str(error.get("message", "")), error.get("data"))


def failed_execution(text: str) -> bool:
    """Return whether a refusal of a call says that the contract's code failed, in whatever way."""
    return bool(_REVERTED.search(text) or _FAILED_EXECUTION.search(text))


def graph_refusal(text: str) -> Refusal:
    """Return what a subgraph's error means: UNSERVED, UNKNOWN_METHOD for another schema or key, OTHER."""
    return next((kind for kind, words in _GRAPH_TABLE if words.search(text)), Refusal.OTHER)


def _shown(data: Any) -> str:
    """Return what an error's data say in words: hex data say nothing."""
    text = data if isinstance(data, str) else json.dumps(data, default=str)
    return "" if text.startswith("0x") else text


def blocks_asked(method: str, params: Any) -> int:
    """Return how many blocks' logs a request asks for, 0 for every other request and for named blocks."""
    if method != LOGS or not params or not isinstance(params[0], Mapping):
        return 0
    first, last = params[0].get("fromBlock"), params[0].get("toBlock")
    if not (isinstance(first, str) and isinstance(last, str) and first.startswith("0x") and last.startswith("0x")):
        return 0
    return int(last, 16) - int(first, 16) + 1


_REFUSED_BY_STATUS: Final = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY}
)
_GIVEN_UP_BY_STATUS: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, *range(500, 600)})


def refuses_by_status(error: BaseException) -> bool:
    """Return whether an HTTP status says that this request was not taken, and says nothing of the endpoint."""
    return isinstance(error, aiohttp.ClientResponseError) and error.status in _REFUSED_BY_STATUS


def gives_up(error: BaseException) -> bool:
    """Return whether a request may have been too much: nobody waited long enough for its answer, or it broke."""
    if isinstance(error, aiohttp.ClientResponseError):
        asks_for_a_pause = bool(error.headers and error.headers.get("Retry-After"))
        return error.status in _GIVEN_UP_BY_STATUS and not asks_for_a_pause
    return isinstance(error, asyncio.TimeoutError)
