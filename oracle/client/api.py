"""The client: assess, ask, wait, read, listen."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final
from urllib.parse import quote

import aiohttp

from oracle.client.answers import ChainCall, Change, Preview, Request, SignedAnswer, Verdict, Wallet
from oracle.client.calls import LONGEST_PAUSE_SECONDS, PASSES, TIMEOUT_SECONDS, TRIES, ApiRefused, Calls, checked

_ENDS: Final = frozenset({"final", "declined", "closed", "expired", "dead"})


class RiskOracle(Calls):
    """A client of one daemon; enter it, and give it a key that was made with `risk-oracle keys create`.

    What passes (429, 503, a broken connection) is tried again, a few times, when the server says so.
    """

    def __init__(self, url: str, key: str, *, tries: int = TRIES) -> None:
        super().__init__(url, {"Authorization": f"Bearer {key}"}, tries)

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
                if refused.status not in PASSES:
                    raise
                await asyncio.sleep(min(refused.retry_seconds or 1.0, LONGEST_PAUSE_SECONDS))

    async def _stream(self, after: int | None, wanted: Mapping[str, str]) -> AsyncIterator[Change]:
        headers = {} if after is None else {"Last-Event-ID": str(after)}
        timeout = aiohttp.ClientTimeout(total=None, sock_read=TIMEOUT_SECONDS)
        async with self._open().get(f"{self._url}/events", params=wanted, headers=headers, timeout=timeout) as response:
            await checked(response)
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
