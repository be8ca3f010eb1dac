"""A block that an endpoint must have before it is asked anything: one that lags would tell of less, and not say so.

`eth_getLogs` and `ots_searchTransactionsBefore` name blocks by their number alone, and some nodes answer them for
blocks that they do not have yet with what they have.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from web3.types import RPCEndpoint, RPCResponse

from oracle.assessment.errors import BlockUnavailable
from oracle.chain.endpoint import NETWORK_FAULTS, NONSENSE, Endpoint

BLOCK_BY_NUMBER: Final = RPCEndpoint("eth_getBlockByNumber")
_LOGS: Final = "eth_getLogs"

# For so long an endpoint that lacks the block is passed over without asking whether it came.
_LACKING_SECONDS: Final = 1.0

Ask = Callable[[Endpoint, RPCEndpoint, Any], Awaitable[RPCResponse]]
Answer = Callable[[RPCEndpoint, Any], Awaitable[tuple[Endpoint, RPCResponse]]]


class HeldBlock:
    """One block, and which endpoints have it: each is asked once in a read, before its first request.

    An endpoint may be reorganised after that: `confirmed` asks those that answered since once more. What stands behind
    one URL counts as one endpoint: nodes behind a load balancer that are not in step look like a node that forgets.
    """

    def __init__(self, number: int, block_hash: str, ask: Ask) -> None:
        self._number = number
        self._hash = block_hash.lower()
        self._params = [hex(number), False]
        self._ask = ask
        self._checks: dict[Endpoint, asyncio.Future[RPCResponse]] = {}
        self._lacking_until: dict[Endpoint, float] = {}
        self._answered: dict[Endpoint, None] = {}

    def is_asked_for(self, method: str, params: Any) -> bool:
        """Return whether a request asks for this very block."""
        return method == BLOCK_BY_NUMBER and list(params) == self._params

    def is_in(self, answer: RPCResponse) -> bool:
        """Return whether a block that an endpoint gave for the number is this one."""
        block: Any = answer.get("result")
        return isinstance(block, dict) and str(block.get("hash")).lower() == self._hash

    def is_other(self, method: str, params: Any, answer: RPCResponse) -> bool:
        """Return whether this block was asked for, and something else came: another endpoint may know better."""
        return self.is_asked_for(method, params) and not self.is_in(answer)

    async def check(self, endpoint: Endpoint, method: str, params: Any) -> None:
        """Raise BlockUnavailable when an endpoint lacks the block and is asked for something else; or its fault."""
        block = await self._block_at(endpoint)
        if self.is_in(block):
            self._answered[endpoint] = None
        elif not self.is_asked_for(method, params):
            raise BlockUnavailable(
                f"no RPC endpoint has block {self._number} ({self._hash}): not synced yet, or it was reorganised away"
            )

    async def ask(self, endpoint: Endpoint, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Return the answer of an endpoint that was checked; that for the block itself is what it had then."""
        if self.is_asked_for(method, params):
            return await self._block_at(endpoint)
        return await self._ask(endpoint, method, params)

    async def confirmed(self) -> RPCResponse | None:
        """Return the block's answer, asked anew of every endpoint that answered so far.

        It is that of an endpoint which has another block now, if there is one. An endpoint that is away or at rest by
        now is believed to have had the block until then; None when all are, or none answered anything yet.
        """
        found = None
        self._checks.clear()
        self._lacking_until.clear()
        for endpoint in [one for one in self._answered if one.closed]:
            try:
                block = await self._block_at(endpoint)
            except (*NETWORK_FAULTS, *NONSENSE):
                continue
            if "error" in block:
                continue
            if not self.is_in(block):
                return block
            found = block
        return found

    async def _block_at(self, endpoint: Endpoint) -> RPCResponse:
        """Return an endpoint's block of the number: requests at one time wait for one answer."""
        if endpoint.clock() >= self._lacking_until.get(endpoint, float("inf")):
            del self._checks[endpoint], self._lacking_until[endpoint]
        check = self._checks.get(endpoint)
        if check is None:
            check = self._checks[endpoint] = asyncio.ensure_future(self._ask(endpoint, BLOCK_BY_NUMBER, self._params))
            check.add_done_callback(lambda done: self._note(endpoint, done))
        # Who is cancelled leaves the others their answer.
        return await asyncio.shield(check)

    def _note(self, endpoint: Endpoint, check: "asyncio.Future[RPCResponse]") -> None:
        if self._checks.get(endpoint) is not check:
            return
        if check.cancelled() or check.exception() is not None:
            del self._checks[endpoint]
        elif not self.is_in(check.result()):
            self._lacking_until[endpoint] = endpoint.clock() + _LACKING_SECONDS


class PinnedPool:
    """A pool's endpoints as far as they have one block: whatever they answer takes it into account.

    When none has it, a request raises BlockUnavailable. One for the block itself asks all that answered so far, and so
    tells of a reorganisation at any of them.
    """

    def __init__(self, block: HeldBlock, answer: Answer) -> None:
        self._block = block
        self._answer = answer

    async def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Return one endpoint's answer; raises the last one's fault when none answers."""
        if self._block.is_asked_for(method, params):
            confirmed = await self._block.confirmed()
            if confirmed is not None:
                return confirmed
        _, answer = await self._answer(method, params)
        return answer


async def check_reaches(endpoint: Endpoint, method: str, params: Any, ask: Ask) -> None:
    """Raise BlockUnavailable when logs are asked for up to a block that an endpoint does not have; or its fault."""
    last = params[0].get("toBlock") if method == _LOGS and params and isinstance(params[0], dict) else None
    if not isinstance(last, str) or not last.startswith("0x") or endpoint.reached >= int(last, 16):
        return
    await ask(endpoint, BLOCK_BY_NUMBER, [last, False])
    if endpoint.reached < int(last, 16):
        raise BlockUnavailable(
            f"no RPC endpoint has block {int(last, 16)}, up to which logs are asked for: wait for it"
        )


def shown_block(method: str, answer: RPCResponse) -> int:
    """Return the number of the block that an answer shows an endpoint to have, -1 for none."""
    result: Any = answer.get("result")
    number = result.get("number") if method == BLOCK_BY_NUMBER and isinstance(result, dict) else None
    return int(number, 16) if isinstance(number, str) and number.startswith("0x") else -1
