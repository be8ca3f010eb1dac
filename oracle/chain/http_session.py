"""An HTTP provider whose requests may be cancelled, and that keeps its connections open.

web3's own session manager takes a thread lock in an executor before every request: a request that is cancelled while
it waits there leaves the lock taken for ever, and every later request of the process hangs. It also opens a new
connection for each request.
"""

from typing import Any

from aiohttp import ClientSession, ClientTimeout
from eth_typing import URI
from web3 import AsyncHTTPProvider
from web3._utils.http_session_manager import HTTPSessionManager


class OneSession(HTTPSessionManager):
    """One session for one event loop, without web3's lock."""

    def __init__(self) -> None:
        super().__init__()
        self._session: ClientSession | None = None

    async def async_cache_and_return_session(
        self, endpoint_uri: URI, session: ClientSession | None = None, request_timeout: ClientTimeout | None = None
    ) -> ClientSession:
        """Return the session, made at the first request."""
        if self._session is None or self._session.closed:
            self._session = session or ClientSession(raise_for_status=True)
        return self._session

    async def close(self) -> None:
        """Close the session's connections."""
        if self._session is not None:
            await self._session.close()


class CancellableHttpProvider(AsyncHTTPProvider):
    """AsyncHTTPProvider for one event loop."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._sessions = OneSession()
        self._request_session_manager = self._sessions

    async def disconnect(self) -> None:
        """Close all connections."""
        await self._sessions.close()
