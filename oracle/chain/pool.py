"""Several endpoints as one web3 provider: the first that can answer does, in the operator's order."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, Final

import aiohttp
import structlog
from web3 import AsyncHTTPProvider
from web3.exceptions import BadResponseFormat
from web3.types import RPCEndpoint, RPCResponse

from oracle.assessment.errors import BlockUnavailable, TransientFault
from oracle.chain.endpoint import NETWORK_FAULTS as NETWORK_FAULTS
from oracle.chain.endpoint import NONSENSE as NONSENSE
from oracle.chain.endpoint import Endpoint, host_of
from oracle.chain.held_block import BLOCK_BY_NUMBER, HeldBlock, PinnedPool, check_reaches, shown_block
from oracle.chain.http_session import CancellableHttpProvider
from oracle.nodes.refusals import TOO_MUCH_CODE, Refusal, blocks_asked, gives_up, node_error, refuses_by_status

_ROUNDS: Final = 3
_FIRST_PAUSE_SECONDS: Final = 0.1
_LONGEST_WAIT_SECONDS: Final = 10.0
# Where one says that there is none, another may have it: it is further on, or indexes faster.
_NONE_YET: Final = frozenset(
    {"eth_getBlockByHash", BLOCK_BY_NUMBER, "eth_getTransactionByHash", "eth_getTransactionReceipt"}
)

_agreeing: ContextVar[bool] = ContextVar("agreeing", default=False)
_passed_over: ContextVar[int] = ContextVar("passed_over", default=0)


class EndpointsDisagree(TransientFault):
    """Two endpoints answer a question that decides differently."""


@contextmanager
def agreement() -> Iterator[None]:
    """Let two endpoints answer every request inside, where the pool is set to ask for it."""
    token = _agreeing.set(True)
    try:
        yield
    finally:
        _agreeing.reset(token)


class PoolProvider(AsyncHTTPProvider):
    """A provider over one or more endpoints.

    A request goes to the first endpoint, in order, whose breaker is closed and whose head is not more than
    `max_lag_blocks` behind; on a fault, or an answer that another may know better (a pruned block, an unknown
    method), to the next. An endpoint of another chain than `chain_id` is never used. Logs are asked of one that has
    shown to have kept them since the range's first block and, where there are several, of one that has its last;
    `holding` asks one that has a block with its hash.
    """

    def __init__(
        self,
        urls: Sequence[str],
        timeout_seconds: float,
        *,
        chain_id: int | None = None,
        max_lag_blocks: int = 5,
        ask_two: bool = False,
    ) -> None:
        super().__init__("http://pool.invalid")
        timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self.endpoints = tuple(
            Endpoint(
                number,
                CancellableHttpProvider(url, request_kwargs={"timeout": timeout}, exception_retry_configuration=None),
                title=f"the RPC endpoint {host_of(url)}"
                if len(urls) == 1
                else f"RPC endpoint {number} ({host_of(url)})",
            )
            for number, url in enumerate(urls, 1)
        )
        self._chain_id = chain_id
        self._max_lag_blocks = max_lag_blocks
        self._ask_two = ask_two
        self._log = structlog.get_logger("endpoints")

    async def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Return one endpoint's answer, or that of two that agree; raises the last one's fault when none answers."""
        first, answer = await self._answer(method, params)
        if not (self._ask_two and _agreeing.get()):
            return answer
        second, other = await self._answer(method, params, skip=first)
        if _deciding(answer) != _deciding(other):
            raise EndpointsDisagree(f"{first.title} and {second.title} answer {method} differently")
        return answer

    @property
    def count(self) -> int:
        """How many endpoints there are."""
        return len(self.endpoints)

    @contextmanager
    def first_last(self, count: int) -> Iterator[None]:
        """Ask the first so many endpoints, in the operator's order, only after the others, in every request inside."""
        token = _passed_over.set(count)
        try:
            yield
        finally:
            _passed_over.reset(token)

    def holding(self, number: int, block_hash: str) -> PinnedPool:
        """Return this pool's endpoints as far as they have a block."""
        block = HeldBlock(number, block_hash, self._ask)
        return PinnedPool(block, partial(self._answer, held=block))

    async def make_batch_request(self, batch_requests: list[tuple[RPCEndpoint, Any]]) -> list[RPCResponse]:
        """Return the answers to several requests, each from whichever endpoint has it."""
        return list(await asyncio.gather(*(self.make_request(method, params) for method, params in batch_requests)))

    async def disconnect(self) -> None:
        """Close all connections."""
        for endpoint in self.endpoints:
            await endpoint.provider.disconnect()

    async def probe(self) -> None:
        """Ask every endpoint for its chain id and head, also those at rest: its lag, its speed, whether it is back."""
        await asyncio.gather(*(self._probe(endpoint) for endpoint in self.endpoints if not endpoint.expelled))

    async def chain_id_of(self, endpoint: Endpoint) -> int:
        """Return the chain id that an endpoint reports; raises its fault."""
        answer = await self._ask(endpoint, RPCEndpoint("eth_chainId"), [])
        try:
            return int(str(answer.get("result")), 16)
        except ValueError:
            raise BadResponseFormat("eth_chainId was answered without a number") from None

    def lag_of(self, endpoint: Endpoint) -> int:
        """Return how many blocks an endpoint's head is behind the best one's; 0 while unknown."""
        heads = [one.head for one in self.endpoints if one.head is not None and not one.expelled]
        return 0 if endpoint.head is None or not heads else max(heads) - endpoint.head

    def silence(self) -> tuple[float, str]:
        """Return for how many seconds nobody has answered what was asked, and who; 0 as long as one answers."""
        usable = [one for one in self.endpoints if not one.expelled]
        seconds = min((one.silent_seconds for one in usable), default=0.0)
        return seconds, " and ".join(one.title for one in usable)

    async def _probe(self, endpoint: Endpoint) -> None:
        try:
            await self._verify(endpoint, again=True)
            if endpoint.expelled:
                return
            answer = await self._ask(endpoint, RPCEndpoint("eth_blockNumber"), [])
            endpoint.head = int(str(answer.get("result")), 16)
        except (*NETWORK_FAULTS, *NONSENSE, ValueError):
            return  # its breaker has noted it

    async def _answer(
        self, method: RPCEndpoint, params: Any, skip: Endpoint | None = None, held: HeldBlock | None = None
    ) -> tuple[Endpoint, RPCResponse]:
        fault: Exception = ConnectionError("no RPC endpoint serves this chain")
        lacking: BlockUnavailable | None = None
        for attempt in range(_ROUNDS):
            if attempt:
                await asyncio.sleep(max(_FIRST_PAUSE_SECONDS * 2**attempt, _asked_pause(fault)))
            poor: tuple[Endpoint, RPCResponse] | None = None
            all_answer = True
            for endpoint in self._ranked(method, skip):
                # Only reached when no other is there: asking sooner would make it ask for more.
                if pause := endpoint.pause_left:
                    await asyncio.sleep(min(pause, _LONGEST_WAIT_SECONDS))
                try:
                    await self._verify(endpoint)
                    if endpoint.expelled:
                        continue
                    if held is not None:
                        await held.check(endpoint, method, params)
                        await self._check_keeps_logs(endpoint, method, params)
                        answer = await held.ask(endpoint, method, params)
                    else:
                        if len(self.endpoints) > 1:
                            await check_reaches(endpoint, method, params, self._ask)
                        await self._check_keeps_logs(endpoint, method, params)
                        answer = await self._ask(endpoint, method, params)
                except (*NETWORK_FAULTS, *NONSENSE) as error:
                    fault, all_answer = error, False
                    continue
                except BlockUnavailable as error:
                    lacking = error
                    continue
                is_other = held is not None and held.is_other(method, params, answer)
                if not is_other and not self._may_be_known_elsewhere(endpoint, method, params, answer):
                    return endpoint, answer
                poor = poor or (endpoint, answer)
            # One that is behind may know better soon: a method that others do not know, a block that they pruned.
            if poor is not None and lacking is None:
                self._check_able_are_there(method)
                return poor
            if lacking is not None and all_answer:
                break
        raise lacking or fault

    async def _check_keeps_logs(self, endpoint: Endpoint, method: str, params: Any) -> None:
        """Raise BlockUnavailable when an endpoint is asked for logs that it dropped; or its fault."""
        blocks = blocks_asked(method, params)
        if blocks > 0:
            first = int(params[0]["fromBlock"], 16)
            await endpoint.kept_logs.check(
                first, first + blocks - 1, lambda *asked: self._ask(endpoint, RPCEndpoint(asked[0]), asked[1])
            )

    def _check_able_are_there(self, method: str) -> None:
        """Raise the fault of an endpoint at rest that may know a method which the others do not."""
        able = [one for one in self.endpoints if method not in one.unknown_methods and not one.expelled]
        if able and all(one.last_fault is not None for one in able):
            raise able[0].last_fault or ConnectionError()

    def _ranked(self, method: str, skip: Endpoint | None) -> list[Endpoint]:
        usable = [one for one in self.endpoints if one is not skip and not one.expelled]
        closed = [one for one in usable if one.closed]
        ranked = sorted(
            closed,
            key=lambda one: (
                method in one.unknown_methods,
                self.lag_of(one) > self._max_lag_blocks,
                one.number <= _passed_over.get(),
                one.number,
            ),
        )
        # With every breaker open, the one that has rested longest is better than nothing.
        return ranked or sorted(usable, key=lambda one: one.open_until)[:1]

    async def _ask(self, endpoint: Endpoint, method: RPCEndpoint, params: Any) -> RPCResponse:
        started = endpoint.start()
        try:
            answer = await endpoint.provider.make_request(method, params)
            if not isinstance(answer, dict) or not ("result" in answer or "error" in answer):
                raise BadResponseFormat(f"{method} was answered with neither result nor error")
        except (*NETWORK_FAULTS, *NONSENSE) as error:
            if await self._wants_less(endpoint, method, params, error):
                endpoint.abandoned()
                told = (
                    f"it answers HTTP {error.status}" if isinstance(error, aiohttp.ClientResponseError) else "silence"
                )
                return {"jsonrpc": "2.0", "id": 0, "error": {"code": TOO_MUCH_CODE, "message": f"ask for less: {told}"}}
            was_closed = endpoint.closed
            endpoint.failed(error, _asked_pause(error) or None)
            if was_closed and not endpoint.closed and len(self.endpoints) > 1:
                self._log.warning("endpoint_rests", endpoint=endpoint.title, error=type(error).__name__)
            error.add_note(endpoint.title)
            raise
        except BaseException:
            endpoint.abandoned()
            raise
        endpoint.succeeded(started)
        endpoint.reached = max(endpoint.reached, shown_block(method, answer))
        return answer

    async def _wants_less(self, endpoint: Endpoint, method: str, params: Any, error: Exception) -> bool:
        """Return whether a fault means that fewer blocks are to be asked for, and so is none of the endpoint.

        An endpoint that is silent on many blocks' logs but answers otherwise is well.
        """
        blocks = blocks_asked(method, params)
        if blocks < 1 or not (refuses_by_status(error) or gives_up(error)):
            return False
        if refuses_by_status(error):
            return True
        try:
            return blocks > 1 and "result" in await endpoint.provider.make_request(RPCEndpoint("eth_blockNumber"), [])
        except (*NETWORK_FAULTS, *NONSENSE):
            return False

    async def _verify(self, endpoint: Endpoint, *, again: bool = False) -> None:
        if self._chain_id is None or (endpoint.verified and not again):
            return
        found = await self.chain_id_of(endpoint)
        endpoint.verified, endpoint.expelled = True, found != self._chain_id
        if endpoint.expelled:
            self._log.error("endpoint_of_another_chain", endpoint=endpoint.title, chain_id=found)

    def _may_be_known_elsewhere(self, endpoint: Endpoint, method: str, params: Any, answer: RPCResponse) -> bool:
        if answer.get("error") is None:
            return method in _NONE_YET and answer.get("result") is None
        kind = node_error(method, answer["error"]).kind
        if kind is Refusal.UNKNOWN_METHOD:
            endpoint.unknown_methods.add(method)
        # Nothing less than one block can be asked for.
        too_much_alone = kind is Refusal.TOO_MUCH and blocks_asked(method, params) == 1
        return too_much_alone or kind in (Refusal.UNKNOWN_METHOD, Refusal.UNSERVED, Refusal.BUSY)


def _deciding(answer: RPCResponse) -> Any:
    """Return what must be equal: a block's hash, since clients differ in what else they tell of it."""
    if "error" in answer:
        return "an error"
    result: Any = answer.get("result")
    return result["hash"] if isinstance(result, dict) and "hash" in result else result


def _asked_pause(error: Exception) -> float:
    """Return the seconds that an answer's Retry-After asks for; 0 without one."""
    headers = error.headers if isinstance(error, aiohttp.ClientResponseError) else None
    text = "" if headers is None else headers.get("Retry-After", "")
    return min(float(text), _LONGEST_WAIT_SECONDS) if text.strip().isdecimal() else 0.0
