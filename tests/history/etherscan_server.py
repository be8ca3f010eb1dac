"""An Etherscan-style API in front of a local chain: its answers are built from the chain, its faults on order."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from oracle.devnet.machinery.anvil import Anvil
from tests.support.served import Given, Served, given_response

KEY = "K3Y0FTHEPLAN"
WINDOW = 10_000

# Gets an action and the true answer; returns the answer to give, or an HTTP status with headers.
Tamper = Callable[[str, dict[str, Any]], Given]


@dataclass
class EtherscanServer(Served):
    """Speaks `account/txlist` and the head's number as the documentation of version 2 shows them."""

    chain: Anvil
    tamper: Tamper = lambda _, answer: answer
    has_proxy: bool = True
    largest_page: int = WINDOW
    calls: Counter[str] = field(default_factory=Counter)
    queries: list[dict[str, str]] = field(default_factory=list)

    method = "GET"
    path = "/v2/api"

    async def __aenter__(self) -> Self:
        head = await self.chain.block_number()
        self._rows = [row for number in range(1, head + 1) for row in await _rows(self.chain, number)]
        return await super().__aenter__()

    async def serve(self, request: web.Request) -> web.Response:
        query = dict(request.query)
        self.queries.append(query)
        self.calls[query["action"]] += 1
        return given_response(self.tamper(query["action"], await self._answer(query)))

    async def _answer(self, query: dict[str, str]) -> dict[str, Any]:
        if query.get("apikey") != KEY:
            return _refusal("Invalid API Key (#err2)|E1-")
        if query["chainid"] != str(self.chain.chain_id):
            return _refusal("Missing or unsupported chainid parameter (required for v2 api)")
        match query["module"], query["action"]:
            case "account", "txlist":
                return self._transactions(query)
            case "proxy", "eth_blockNumber" if self.has_proxy:
                return {"jsonrpc": "2.0", "id": 83, "result": hex(await self.chain.block_number())}
            case "block", "eth_block_number":
                return {"jsonrpc": "2.0", "id": 1, "result": hex(await self.chain.block_number())}
            case _:
                return {"status": "0", "message": "Unknown module", "result": None}

    def _transactions(self, query: dict[str, str]) -> dict[str, Any]:
        page, size = int(query["page"]), int(query["offset"])
        if page * size > WINDOW:
            return _refusal(
                "Result window is too large, PageNo x Offset size must be less than or equal to 10000", result=None
            )
        wallet = query["address"].lower()
        found = [
            row
            for row in self._rows
            if wallet in (row["from"], row["to"])
            and int(query["startblock"]) <= int(row["blockNumber"]) <= int(query["endblock"])
        ]
        if query["sort"] == "desc":
            found.reverse()
        found = found[(page - 1) * size : page * size][: self.largest_page]
        if not found:
            return {"status": "0", "message": "No transactions found", "result": []}
        return {"status": "1", "message": "OK", "result": found}


def _refusal(text: str, **other: Any) -> dict[str, Any]:
    return {"status": "0", "message": text if "result" in other else "NOTOK", "result": text, **other}


async def _rows(chain: Anvil, number: int) -> list[dict[str, str]]:
    block = await chain.rpc("eth_getBlockByNumber", hex(number), True)
    receipts = await chain.rpc("eth_getBlockReceipts", hex(number))
    return [_row(block, sent, receipt) for sent, receipt in zip(block["transactions"], receipts, strict=True)]


def _row(block: dict[str, Any], sent: dict[str, Any], receipt: dict[str, Any]) -> dict[str, str]:
    def number(value: str) -> str:
        return str(int(value, 16))

    failed = receipt["status"] == "0x0"
    return {
        "blockNumber": number(block["number"]),
        "blockHash": block["hash"],
        "timeStamp": number(block["timestamp"]),
        "hash": sent["hash"],
        "nonce": number(sent["nonce"]),
        "transactionIndex": number(sent["transactionIndex"]),
        "from": sent["from"],
        "to": sent["to"] or "",
        "value": number(sent["value"]),
        "gas": number(sent["gas"]),
        "gasPrice": number(receipt["effectiveGasPrice"]),
        "input": sent["input"],
        "methodId": sent["input"][:10],
        "functionName": "",
        "contractAddress": receipt["contractAddress"] or "",
        "cumulativeGasUsed": number(receipt["cumulativeGasUsed"]),
        "txreceipt_status": "0" if failed else "1",
        "gasUsed": number(receipt["gasUsed"]),
        "confirmations": "1",
        "isError": "1" if failed else "0",
    }
