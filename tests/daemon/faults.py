"""What a bad node answers about a wallet: one fault a wallet, over after a while, so that many wait side by side."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from oracle.assessment.request import Address
from tests.support.faulty_node import Given, refuse

WIDEST: Final = 16
"""Blocks that the node with a result limit serves the logs of at once."""

_FOR_EVER: Final = 10**9
_SILENCE_SECONDS: Final = 600.0

Answer = dict[str, Any]
# Gets parameters and true answer, returns the answer to give; None: this request is answered truly.
Change = Callable[[list[Any], Answer], Given | None]


@dataclass
class Fault:
    """A fault of the answers to `method` (any, when empty), `times` in a row.

    `reason` stands in the audit log of a try that fails by it; empty: none does. One with a reason lasts until it is
    `end`ed, for a read that misses something is made again at once. `used` counts.
    """

    name: str
    method: str
    change: Change
    times: int = 1
    reason: str = ""
    used: int = 0

    def end(self) -> None:
        """Answer truly from now on."""
        self.times = 0

    def answer(self, method: str, params: list[Any], true: Answer) -> Given | None:
        """Return what to answer instead of the truth, None where the fault has no part in it."""
        if self.used >= self.times or (self.method and method != self.method):
            return None
        given = self.change(params, true)
        self.used += given is not None
        return given


def span(params: list[Any]) -> int:
    """Return how many blocks a query of logs asks for."""
    return int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16) + 1


def _page(change: Callable[[Answer], Answer]) -> Change:
    return lambda _, true: {"result": change(true["result"])}


def _doubled_and_turned(_: list[Any], true: Answer) -> Answer | None:
    logs = true["result"]
    return {"result": logs[::-1] + logs[:3]} if len(logs) > 1 else None


def faults() -> list[Fault]:
    """Return one of each, unused."""
    pruned = refuse(-32000, "missing trie node 1234 (path ) state 0xabcd is not available")
    limit = refuse(-32005, "query returned more than 10000 results")
    logs, pages = "eth_getLogs", "ots_searchTransactionsBefore"
    return [
        Fault("result limit", logs, lambda params, _: limit if span(params) > WIDEST else None, _FOR_EVER),
        Fault("doubled, unordered logs", logs, _doubled_and_turned, _FOR_EVER),
        Fault("no logs at all", logs, lambda *_: {"result": None}, _FOR_EVER, "expected a list"),
        Fault("pruned block", "eth_getBalance", lambda *_: pruned, _FOR_EVER, "does not serve the block"),
        Fault(
            "cut page",
            pages,
            _page(lambda page: {**page, "receipts": page["receipts"][:-1]}),
            _FOR_EVER,
            "all of its",
        ),
        Fault("page without its newest", pages, _page(without_newest), _FOR_EVER, "its index has a gap"),
        Fault("page that stops early", pages, _page(_without_oldest), _FOR_EVER, "its index has a gap"),
        Fault("429 with Retry-After", "", lambda *_: (429, {"Retry-After": "1"})),
        Fault("HTTP 502", "", lambda *_: 502, 2),
        Fault("silence", "", lambda *_: _SILENCE_SECONDS),
        Fault("cut connection", "", lambda _, true: json.dumps(true)[:9].encode()),
        Fault("invalid JSON", "", lambda *_: '{"jsonrpc": "2.0", "id": 1, "resu'),
    ]


def without_newest(page: Answer) -> Answer:
    """Return a page of transactions that leaves out the newest."""
    return {**page, "txs": page["txs"][1:], "receipts": page["receipts"][1:]}


def _without_oldest(page: Answer) -> Answer:
    return {**page, "txs": page["txs"][:-1], "receipts": page["receipts"][:-1], "lastPage": True}


class Switchboard:
    """Answers each wallet's requests with its fault, and everything else truly."""

    def __init__(self) -> None:
        self.faults: dict[Address, Fault] = {}
        self.spans: dict[Address, list[int]] = {}

    def __call__(self, method: str, params: list[Any], true: Answer) -> Given:
        """Answer as the fault of the wallet says that stands in the parameters."""
        asked = json.dumps(params).lower()
        for wallet, fault in self.faults.items():
            if wallet.removeprefix("0x") not in asked:
                continue
            given = fault.answer(method, params, true)
            if method == "eth_getLogs" and given is None:
                self.spans.setdefault(wallet, []).append(span(params))
            return true if given is None else given
        return true
