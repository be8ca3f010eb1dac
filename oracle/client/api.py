"""The client: assess, ask, wait, read, listen."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from urllib.parse import quote
from uuid import uuid4

import aiohttp
from pydantic import BaseModel
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from oracle.client.answers import ChainCall, Change, Preview, Request, SignedAnswer, Verdict, Wallet

M = TypeVar("M", bound=BaseModel)

_ENDS: Final = frozenset({"final", "declined", "closed", "expired", "dead"})
_PASSES: Final = frozenset({429, 503})
_TRIES: Final = 5
_LONGEST_PAUSE_SECONDS: Final = 30.0
_TIMEOUT_SECONDS: Final = 60.0


class ApiRefused(Exception):
    """The API answered with a problem; `fields` says what is wrong with which field."""

    def __init__(self, status: int, problem: Mapping[str, Any], retry_seconds: float | None) -> None:
        super().__init__(f"HTTP {status}: {problem.get('detail', 'no reason given')}")
        self.status = status
        self.problem = dict(problem)
        self.retry_seconds = retry_seconds

    @property
    def fields(self) -> dict[str, str]:
        """What was expected, by field."""
        return {one["field"]: one["detail"] for one in self.problem.get("errors", [])}


class RiskOracle:
    """A client of one daemon; enter it, and give it a key that was made with `risk-oracle keys create`.

    What passes (429, 503, a broken connection) is tried again, a few times, when the server says so.
    """

    def __init__(self, url: str, key: str, *, tries: int = _TRIES) -> None:
        self._url = url.rstrip("/") + "/v1"
        self._headers = {"Authorization": f"Bearer {key}"}
        self._tries = tries
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT_SECONDS)
        self._session = aiohttp.ClientSession(headers=self._headers, timeout=timeout)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def assess(self, address: str, loan_amount: int, loan_days: int, collateral: int, **tokens: str) -> Preview:
        """Return what the model would say now; amounts in the token's smallest unit.

        `loan_token` and `collateral_token` are the chain's own coin without. Raises ApiRefused.
        """
        return Preview.model_validate(
            await self._assess("preview", address, loan_amount, loan_days, collateral, tokens)
        )

    async def ask(
        self,
        address: str,
        loan_amount: int,
        loan_days: int,
        collateral: int,
        *,
        requester: str | None = None,
        consent: tuple[int, str] | None = None,
        submit: bool = False,
        **tokens: str,
    ) -> ChainCall:
        """Return the call that asks on the chain: of the borrower, or of `requester` with the borrower's consent.

        `consent` is (validUntil, signature) over the typed data that a call without it returns. With `submit`
        the operator's account asks and pays; `transaction_hash` is there once the consent is. Raises ApiRefused.
        """
        more: dict[str, Any] = dict(tokens)
        if submit:
            more["submit"] = True
        if requester is not None:
            more["requester"] = requester
        if consent is not None:
            more["consent"] = {"valid_until": consent[0], "signature": consent[1]}
        return ChainCall.model_validate(
            await self._assess("onchain", address, loan_amount, loan_days, collateral, more)
        )

    async def signed(self, request_id: int) -> SignedAnswer:
        """Return the signed answer of a request; raises ApiRefused (409) while or where there is none."""
        body = {"mode": "signed", "request_id": str(request_id)}
        return SignedAnswer.model_validate(await self._call("POST", "/oracle/assess", body))

    async def request(self, request_id: int) -> Request:
        """Return where a request stands; raises ApiRefused (404) for one that the daemon never saw."""
        return Request.model_validate(await self._call("GET", f"/requests/{request_id}"))

    async def proof(self, request_id: int) -> dict[str, Any]:
        """Return the proof of an answer with all that it takes to check it; raises ApiRefused (404) without one."""
        return dict(await self._call("GET", f"/requests/{request_id}/proof"))

    async def verify(self, document: Mapping[str, Any], *, features: bool = False) -> Verdict:
        """Return what the daemon finds of an answer that the API gave: of `proof`, or of mode signed.

        `features` has it read the wallet anew. Who need not believe the operator runs `risk-oracle verify`.
        """
        return Verdict.model_validate(await self._call("POST", f"/verify?features={str(features).lower()}", document))

    async def wallet(self, address: str, *, limit: int = 20, cursor: str | None = None) -> Wallet:
        """Return a wallet's latest answer and a page of all that was asked about it."""
        more = "" if cursor is None else f"&cursor={quote(cursor)}"
        return Wallet.model_validate(await self._call("GET", f"/assessments/{quote(address)}?limit={limit}{more}"))

    async def wait(self, request_id: int, *, seconds: float = 300.0, every_seconds: float = 1.0) -> Request:
        """Return a request once it is over: answered, declined, or neither; raises TimeoutError after a while.

        One that the daemon has not seen yet is waited for too.
        """
        async with asyncio.timeout(seconds):
            while True:
                try:
                    found = await self.request(request_id)
                except ApiRefused as refused:
                    if refused.status != 404:
                        raise
                else:
                    if found.state in _ENDS:
                        return found
                await asyncio.sleep(every_seconds)

    async def events(self, *, last: int | None = None, **wanted: str) -> AsyncIterator[Change]:
        """Yield changes of state as they happen, for ever; a broken stream goes on where it was.

        `last` is the id of the last change that is known; `address`, `request_id` and `state` narrow it down.
        """
        after = last
        while True:
            try:
                async for change in self._stream(after, wanted):
                    after = change.id
                    yield change
            except (aiohttp.ClientError, TimeoutError):
                await asyncio.sleep(1.0)
            except ApiRefused as refused:
                if refused.status not in _PASSES:
                    raise
                await asyncio.sleep(min(refused.retry_seconds or 1.0, _LONGEST_PAUSE_SECONDS))

    async def _stream(self, after: int | None, wanted: Mapping[str, str]) -> AsyncIterator[Change]:
        headers = {} if after is None else {"Last-Event-ID": str(after)}
        timeout = aiohttp.ClientTimeout(total=None, sock_read=_TIMEOUT_SECONDS)
        async with self._open().get(f"{self._url}/events", params=wanted, headers=headers, timeout=timeout) as response:
            await _checked(response)
            lines: dict[str, str] = {}
            async for raw in response.content:
                line = raw.decode().rstrip("\n")
                if line:
                    name, _, value = line.partition(": ")
                    lines[name] = value
                    continue
                if "data" in lines:
                    yield Change(id=int(lines["id"]), **json.loads(lines["data"]))
                lines = {}

    async def _assess(
        self, mode: str, address: str, amount: int, days: int, collateral: int, more: Mapping[str, Any]
    ) -> Any:
        loan = {"loan_amount": str(amount), "loan_duration": days, "collateral": str(collateral)}
        return await self._call("POST", "/oracle/assess", {"mode": mode, "user_address": address, **loan, **more})

    async def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        # Made again with the same key, a call that was answered already does nothing twice.
        headers = {} if body is None else {"Idempotency-Key": uuid4().hex}
        async for attempt in AsyncRetrying(
            retry=retry_if_exception(_passes), stop=stop_after_attempt(self._tries), wait=_pause, reraise=True
        ):
            with attempt:
                async with self._open().request(method, self._url + path, json=body, headers=headers) as response:
                    await _checked(response)
                    return await response.json()
        raise RuntimeError("tenacity gave no attempt")

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("enter the client first: async with RiskOracle(…) as oracle")
        return self._session


async def _checked(response: aiohttp.ClientResponse) -> None:
    if response.status < 400:
        return
    try:
        problem = await response.json(content_type=None)
    except ValueError:
        problem = {"detail": "the answer is no JSON"}
    after = response.headers.get("Retry-After", "")
    raise ApiRefused(
        response.status, problem if isinstance(problem, dict) else {}, float(after) if after.isdecimal() else None
    )


def _passes(error: BaseException) -> bool:
    return isinstance(error, aiohttp.ClientConnectionError) or (
        isinstance(error, ApiRefused) and error.status in _PASSES
    )


def _pause(state: RetryCallState) -> float:
    error = None if state.outcome is None else state.outcome.exception()
    told = error.retry_seconds if isinstance(error, ApiRefused) else None
    return min(told if told is not None else 0.5 * 2**state.attempt_number, _LONGEST_PAUSE_SECONDS)
