"""The table of decisive words and codes: what each client and provider says today means what it means."""

from typing import Any

import pytest
from aiohttp import ClientResponseError, RequestInfo
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from oracle.nodes.refusals import (
    Refusal,
    blocks_asked,
    failed_execution,
    gives_up,
    graph_refusal,
    node_error,
    refuses_by_status,
)

LOGS, CALL, ESTIMATE = "eth_getLogs", "eth_call", "eth_estimateGas"

TOO_MUCH = [
    (
        -32600,
        "You can make eth_getLogs requests with up to a 500 block range. This block range should work: [0x1, 0x2]",
    ),
    (-32600, "Under the free tier plan, you can make requests with up to a 10 block range. Upgrade for expanded range"),
    (-32602, "Log response size exceeded. this block range should work: [0x0, 0xd043b8]"),
    (-32005, "query returned more than 10000 results. Try with this block range [0xBDE5F8, 0x102DBCC]."),
    (-32602, "range 1000000 exceeds limit of 10000"),
    (-32614, "eth_getLogs is limited to a 10,000 range"),
    (-32000, "exceed maximum block range: 5000"),
    (-32600, "block range too high"),
    (-32000, "block range is too wide (maximum 1024)"),
    (-32602, "query exceeds max results 20000, retry with the range 24383075-24383096"),
    (-32602, "query exceeds max block range 100000"),
    (-32005, "limit exceeded"),
    (-32000, "One of the parameters is wrong: requested too many blocks from 0 to 2000, maximum is set to 1024"),
    (-32000, "eth_getLogs request was canceled due to enabled timeout."),
    (-32002, "request timed out"),
    (-32003, "response too large"),
    (-32000, "query timeout exceeded"),
    (-32000, "Requested range exceeds maximum RPC range limit"),
    (-32047, "Max range: 800"),
    (35, "ranges over 10000 blocks are not supported on freetier"),
    (-32603, "request failed or timed out"),
]
UNSERVED = [
    (LOGS, 4444, "history pruned, unavailable"),
    (LOGS, 4444, "pruned history unavailable"),
    (LOGS, 4444, ""),
    (LOGS, -32000, "old data not available: pruning"),
    (LOGS, -32000, "old data not available due to pruning: from tx: 1962853355, min tx: 2662500000"),
    (LOGS, -32000, "old data not available"),
    (CALL, -32000, "seek with txNum=19628 but data before txNum=26625 is not available: blockNum=16999999"),
    (CALL, -32002, "no state available for block"),
    (CALL, -32002, "No state available for block 0x1234"),
    (CALL, -32603, "state at block #5000000 is pruned"),
    (CALL, -32602, "World state unavailable"),
    (CALL, -32000, "missing trie node 1234 (path ) state 0xabcd is not available"),
    (CALL, -32000, "historical state not available in path scheme yet"),
    (CALL, -32000, "required historical state unavailable (reexec=128)"),
    (CALL, -32000, "no historical node"),
    (CALL, -32000, "no historical RPC is available for this historical (pre-bedrock) execution request"),
    (CALL, -32000, 'historical backend error: 403 Forbidden: {"message":"rpc method is not whitelisted"}'),
    (CALL, -32000, "This request is not supported because your node is running with state pruning"),
    (CALL, -32000, "project ID does not have access to archive state"),
    (CALL, -32000, "Archive, Debug and Trace requests are not available on your current plan"),
    (CALL, -32603, "history is pruned, only supported for latest 256 blocks"),
    (LOGS, -32000, "Receipt not available for From block 14319330."),
    (LOGS, -32602, "receipts unavailable for block 0x12"),
    (LOGS, -32000, "failed to get logs for block #0 (0xd4e567..cb8fa3)"),
    (LOGS, -32000, "One of the blocks specified in filter (fromBlock, toBlock or blockHash) cannot be found"),
    (LOGS, -32000, "block not found 11185311"),
    (LOGS, -32001, "28087335 could not be found"),
    (CALL, -32000, "header not found"),
    (CALL, -32001, "Resource not found"),
    (CALL, -32000, "hash 0xabcd is not currently canonical"),
    (LOGS, -32602, "block range extends beyond current head block"),
    (LOGS, -32000, "toBlock 0x64 is beyond the latest head 0x62"),
    (CALL, -32000, "cannot query unfinalized data: after last accepted block"),
]
BUSY = [
    (-32005, "daily request count exceeded, request rate limited"),
    (429, "Your app has exceeded its compute units per second capacity."),
    (-32090, "Too many requests, reason: call rate limit exhausted, retry in 10s"),
    (-32016, "over rate limit"),
    (-32007, "50/second request limit reached - reduce calls per second"),
    (-32029, "exceeded the quota usage"),
]
UNKNOWN = [
    (-32601, "the method ots_getApiLevel does not exist/is not available"),
    (-32601, ""),
    (-32603, "unimplemented"),
    (-32603, "Internal error: not yet implemented"),
    (-32004, "This method is not supported"),
    (-32000, "The method eth_newFilter is not supported"),
    (-32001, "rpc method is not whitelisted"),
    (-32000, "Method disabled"),
]
REVERTED = [
    (3, "execution reverted"),
    (-32015, "VM execution error."),
    (-32000, "execution reverted: pruned history unavailable"),
    (-32000, "invalid opcode: INVALID"),
    (-32000, "out of gas"),
    (-32000, "VM Exception while processing transaction: revert"),
    (-32603, "EVM error InvalidFEOpcode"),
]


def kind(method: str, code: Any, message: str, data: Any = None) -> Refusal:
    return node_error(method, {"code": code, "message": message, "data": data}).kind


@pytest.mark.parametrize(("code", "message"), TOO_MUCH)
def test_kind__when_a_range_is_too_wide__then_less_is_asked_for(code: int, message: str) -> None:
    assert kind(LOGS, code, message) is Refusal.TOO_MUCH


@pytest.mark.parametrize(("method", "code", "message"), UNSERVED)
def test_kind__when_data_are_gone_or_not_there_yet__then_another_is_asked(method: str, code: int, message: str) -> None:
    assert kind(method, code, message) is Refusal.UNSERVED


@pytest.mark.parametrize(("code", "message"), BUSY)
def test_kind__when_fewer_requests_are_wanted__then_not_taken_for_smaller_ones(code: int, message: str) -> None:
    assert kind(LOGS, code, message) is Refusal.BUSY


@pytest.mark.parametrize(("code", "message"), UNKNOWN)
def test_kind__when_a_method_is_known_by_name_only__then_it_is_not_known(code: int, message: str) -> None:
    assert kind("ots_searchTransactionsBefore", code, message) is Refusal.UNKNOWN_METHOD


@pytest.mark.parametrize("method", [CALL, ESTIMATE])
@pytest.mark.parametrize(("code", "message"), REVERTED)
def test_kind__when_the_contract_refused__then_an_answer_of_the_chain(method: str, code: int, message: str) -> None:
    assert kind(method, code, message) is Refusal.REVERTED


def test_kind__when_the_words_stand_in_the_data__then_read_there() -> None:
    data = {"error_id": "4ed94073", "payload": "range 9009594 is bigger than range limit 2000"}
    assert kind(LOGS, -32602, "invalid params", data) is Refusal.TOO_MUCH
    assert kind(CALL, -32603, "Internal error", "state has been pruned") is Refusal.UNSERVED


@pytest.mark.parametrize("error", ["header not found", {"code": "x", "message": "header not found"}, {"message": 7}, 7])
def test_error__when_it_has_another_shape__then_read_all_the_same(error: Any) -> None:
    told = node_error(CALL, error)
    assert told.kind is (Refusal.UNSERVED if "header" in told.text else Refusal.OTHER)


def test_kind__when_nothing_decides__then_other() -> None:
    assert kind(CALL, -32603, "internal turmoil") is Refusal.OTHER


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("subgraph has only indexed up to block number 3 and data for block 9 is not yet available", Refusal.UNSERVED),
        ("subgraph Qm only has data starting at block number 17000000", Refusal.UNSERVED),
        ("data for this block was pruned", Refusal.UNSERVED),
        ("no block with that hash found", Refusal.UNSERVED),
        ("bad indexers: {0xabc: Unavailable(missing block: 1, latest: 0)}", Refusal.UNSERVED),
        ("Unresolved block", Refusal.UNSERVED),
        ("deployment `Qm` does not exist", Refusal.UNSERVED),
        ("subgraph has not started syncing yet", Refusal.UNSERVED),
        ("Type `Query` has no field `deposits`", Refusal.UNKNOWN_METHOD),
        ("auth error: API key not found", Refusal.UNKNOWN_METHOD),
        ("something went wrong", Refusal.OTHER),
    ],
)
def test_graph__when_a_subgraph_refuses__then_told_what_it_means(text: str, expected: Refusal) -> None:
    assert graph_refusal(text) is expected


def test_blocks__when_logs_are_asked_by_number__then_counted() -> None:
    assert blocks_asked(LOGS, [{"fromBlock": "0x1", "toBlock": "0x10"}]) == 16
    assert blocks_asked(LOGS, [{"blockHash": "0x12"}]) == 0
    assert blocks_asked(LOGS, [{"fromBlock": "0x1", "toBlock": "latest"}]) == 0
    assert blocks_asked(CALL, [{"fromBlock": "0x1", "toBlock": "0x10"}]) == 0


def _status(status: int, **headers: str) -> ClientResponseError:
    url = URL("http://node.invalid")
    told = RequestInfo(url, "POST", CIMultiDictProxy(CIMultiDict()), url)
    return ClientResponseError(told, (), status=status, headers=CIMultiDict(headers))


@pytest.mark.parametrize(
    ("text", "failed"),
    [
        ("invalid opcode: INVALID", True),
        ("EVM error OutOfGas", True),
        ("out of gas", True),
        ("stack limit reached 1024 (1023)", True),
        ("invalid jump destination", True),
        ("VM execution error.", True),
        ("execution aborted (timeout = 5s)", True),
        ("gas limit reached", True),
        ("execution reverted", True),
        ("disk is full", False),
        ("missing trie node", False),
        ("connection reset by peer", False),
    ],
)
def test_execution__when_a_strangers_code_fails__then_told_from_the_nodes_own_trouble(text: str, failed: bool) -> None:
    assert failed_execution(text) is failed


def test_status__when_it_speaks_of_the_request__then_less_can_be_asked_for() -> None:
    assert [status for status in (400, 401, 413, 422, 429, 500, 504) if refuses_by_status(_status(status))] == [
        400,
        413,
        422,
    ]
    assert [status for status in (400, 404, 408, 429, 500, 502, 503, 504, 524) if gives_up(_status(status))] == [
        408,
        500,
        502,
        503,
        504,
        524,
    ]
    assert gives_up(TimeoutError())
    assert not gives_up(_status(503, **{"Retry-After": "5"})), "it asks for a pause"
    assert not gives_up(ConnectionError())
