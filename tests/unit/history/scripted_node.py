"""A node that answers from a script, for protocols whose contracts come in no package: words and logs are encoded."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from eth_abi.abi import encode

from oracle.assessment.request import Address
from oracle.history.reading.abi import Function
from oracle.history.reading.logs import Log
from oracle.history.reading.reader import ChainReader

_REVERTED = "execution reverted"


@dataclass
class ScriptedNode:
    """Answers calls by contract, data and block; a call that stands in no script is an error of the test."""

    logs: list[Log] = field(default_factory=list)
    _answers: dict[tuple[str, str, str | None], str] = field(default_factory=dict)

    @property
    def provider(self) -> "ScriptedNode":
        return self

    @property
    def reader(self) -> ChainReader:
        node: Any = self
        return ChainReader(node)

    def answers(
        self, contract: Address, function: Function, arguments: Sequence[Any], values: Sequence[Any], *, block: int = 0
    ) -> None:
        """Script an answer, for one block or (0) for those that have none of their own."""
        key = (contract, function.call_data(*arguments), f"0x{block:064x}" if block else None)
        self._answers[key] = "0x" + encode(function.outputs, values).hex()

    def reverts(self, contract: Address, function: Function, arguments: Sequence[Any]) -> None:
        """Script a call that reverts, at every block."""
        self._answers[contract, function.call_data(*arguments), None] = _REVERTED

    async def make_request(self, method: str, params: list[Any]) -> dict[str, Any]:
        if method == "eth_call":
            call, block = params[0], params[1]["blockHash"]
            own = self._answers.get((call["to"], call["data"], block))
            answer = own or self._answers[call["to"], call["data"], None]
            return {"error": {"code": 3, "message": answer}} if answer == _REVERTED else {"result": answer}
        if method == "eth_getBlockByHash":
            return {"result": {"timestamp": hex(1_000 * int(params[0], 16)), "hash": params[0]}}
        if method == "eth_getBlockByNumber":
            return {"result": {"hash": f"0x{int(params[0], 16):064x}"}}
        assert method == "eth_getLogs"
        wanted = params[0]
        return {"result": [_raw(log) for log in self.logs if _matches(log, wanted)]}


def _matches(log: Log, wanted: dict[str, Any]) -> bool:
    if log.address not in wanted["address"]:
        return False
    if not int(wanted["fromBlock"], 16) <= log.block_number <= int(wanted["toBlock"], 16):
        return False
    for place, topic in enumerate(wanted["topics"]):
        listed = topic if isinstance(topic, list) else [topic]
        if topic is not None and (place >= len(log.topics) or log.topics[place] not in listed):
            return False
    return True


def _raw(log: Log) -> dict[str, Any]:
    return {
        "address": log.address,
        "topics": list(log.topics),
        "data": "0x" + log.data.hex(),
        "blockNumber": hex(log.block_number),
        "blockHash": log.block_hash,
        "logIndex": hex(log.index),
    }
