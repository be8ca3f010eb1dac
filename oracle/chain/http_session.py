"""An HTTP provider whose requests may be cancelled, that keeps its connections open and sends small requests together.

web3's own session manager takes a thread lock in an executor before every request: a request that is cancelled while
it waits there leaves the lock taken for ever, and every later request of the process hangs. It also opens a new
connection for each request, and does not look at the body of an answer with an HTTP status of its own: that is where
many providers say what they mean.
"""

import asyncio
import itertools
import json
from collections.abc import Sequence
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from aiohttp import ClientError, ClientResponseError, ClientSession
from web3 import AsyncHTTPProvider
from web3._utils.encoding import Web3JsonEncoder
from web3.exceptions import BadResponseFormat
from web3.types import RPCEndpoint, RPCResponse

from oracle.nodes.refusals import Refusal, node_error, refuses_by_status

# Small questions with small answers: one of them never makes the others of its batch wait long.
_BATCHED: Final = frozenset(
    {
        "eth_call",
        "eth_getBalance",
        "eth_getBlockByHash",
        "eth_getBlockByNumber",
        "eth_getCode",
        "eth_getStorageAt",
        "eth_getTransactionByHash",
        "eth_getTransactionCount",
    }
)
# Providers take between a hundred and a thousand; beyond this little is won.
_MOST_AT_ONCE: Final = 50
# Tasks that an answer wakes need a few turns of the loop until their next request stands in the queue.
_TURNS: Final = 3
_HEADERS: Final = {"Content-Type": "application/json", "Accept": "application/json"}
_OF_THE_ACCOUNT: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS})
# Of a gateway whose node is away for a moment: that says nothing of batches.
_PASSING: Final = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT})
# What an error under an HTTP status must mean to be the answer, whatever the status.
_DECISIVE: Final = frozenset({Refusal.REVERTED, Refusal.UNSERVED, Refusal.UNKNOWN_METHOD, Refusal.TOO_MUCH})

# Bytes and web3's own mappings may stand among the parameters.
_encoded: Final = Web3JsonEncoder().encode

_Waiting = tuple[dict[str, Any], "asyncio.Future[RPCResponse]"]


class CancellableHttpProvider(AsyncHTTPProvider):
    """AsyncHTTPProvider for one event loop; a node that refuses batches gets no more of them."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._session: ClientSession | None = None
        self._numbers = itertools.count(1)
        self._takes_batches = True
        self._waiting: list[_Waiting] = []

    async def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Return the answer; raises ClientResponseError for an HTTP status whose body does not say what it means."""
        body = {"jsonrpc": "2.0", "id": next(self._numbers), "method": method, "params": params}
        if method not in _BATCHED or not self._takes_batches:
            return await self._post_one(body)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[RPCResponse] = loop.create_future()
        self._waiting.append((body, answer))
        if len(self._waiting) == 1:
            self._send_later(loop, _TURNS)
        return await answer

    async def disconnect(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    def _send_later(self, loop: asyncio.AbstractEventLoop, turns: int) -> None:
        loop.call_soon(self._send_later, loop, turns - 1) if turns else self._send()

    def _send(self) -> None:
        waiting = [one for one in self._waiting if not one[1].done()]
        self._waiting.clear()
        for start in range(0, len(waiting), _MOST_AT_ONCE):
            task = asyncio.ensure_future(self._post_group(waiting[start : start + _MOST_AT_ONCE]))
            _UNDER_WAY.add(task)
            task.add_done_callback(partial(_done, waiting[start : start + _MOST_AT_ONCE]))

    async def _post_group(self, group: Sequence[_Waiting]) -> None:
        refused = False
        if len(group) > 1 and self._takes_batches:
            try:
                answers = await self._post_batch([body for body, _ in group])
                refused = answers is None
            except ValueError:
                answers, refused = None, True  # no JSON at all
            except (TimeoutError, ClientError) as error:
                if not isinstance(error, ClientResponseError) or error.status in _OF_THE_ACCOUNT:
                    for _, future in group:
                        _fail(future, error)
                    return
                answers, refused = None, error.status not in _PASSING
            if answers is not None:
                for body, future in group:
                    if not future.done():
                        future.set_result(answers[body["id"]])
                return
        results = await asyncio.gather(*(self._post_one(body) for body, _ in group), return_exceptions=True)
        for (_, future), result in zip(group, results, strict=True):
            if isinstance(result, BaseException):
                _fail(future, result)
            elif not future.done():
                future.set_result(result)
        if refused and not all(isinstance(result, BaseException) for result in results):
            self._takes_batches = False

    async def _post_batch(self, bodies: list[dict[str, Any]]) -> dict[int, RPCResponse] | None:
        """Return the answers by number; None when they are no answers to this batch."""
        given = await self._post(bodies)
        if not isinstance(given, list) or not all(isinstance(answer, dict) for answer in given):
            return None
        answers = {answer.get("id"): answer for answer in given}
        return answers if answers.keys() == {body["id"] for body in bodies} else None

    async def _post_one(self, body: dict[str, Any]) -> RPCResponse:
        answer = await self._post(body)
        if not isinstance(answer, dict):
            raise BadResponseFormat(f"{body['method']} was answered with something else than an object")
        return answer  # type: ignore[return-value]

    async def _post(self, body: Any) -> Any:
        if self._session is None or self._session.closed:
            self._session = ClientSession(headers=_HEADERS)
        url = str(self.endpoint_uri)
        timeout = (self._request_kwargs or {}).get("timeout")
        async with self._session.post(url, data=_encoded(body), timeout=timeout) as response:
            content = await response.read()
            if response.status < HTTPStatus.BAD_REQUEST:
                return json.loads(content)
            fault = ClientResponseError(
                response.request_info,
                response.history,
                status=response.status,
                message=response.reason or "",
                headers=response.headers,
            )
        if isinstance(body, dict) and (answer := _told(body["method"], content, fault)) is not None:
            return answer
        raise fault


# The loop holds tasks weakly.
_UNDER_WAY: Final[set["asyncio.Task[None]"]] = set()


def _done(group: Sequence[_Waiting], task: "asyncio.Task[None]") -> None:
    """Let nobody wait for an answer that does not come any more."""
    _UNDER_WAY.discard(task)
    error = asyncio.CancelledError() if task.cancelled() else task.exception()
    for _, future in group:
        _fail(future, error or ConnectionError("the request came to no end"))


def _fail(future: "asyncio.Future[RPCResponse]", error: BaseException) -> None:
    if future.done():
        return
    if isinstance(error, asyncio.CancelledError):
        future.cancel()
    else:
        future.set_exception(error)


def _told(method: str, content: bytes, fault: ClientResponseError) -> dict[str, Any] | None:
    """Return the answer that stands below an HTTP status, None when the status alone says something."""
    try:
        answer = json.loads(content)
    except ValueError:
        return None
    if isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]
    if not isinstance(answer, dict) or not answer.get("error"):
        return None
    kind = node_error(method, answer["error"]).kind
    if fault.status in _OF_THE_ACCOUNT and kind is not Refusal.TOO_MUCH:
        return None
    return answer if kind in _DECISIVE or refuses_by_status(fault) else None
