"""A client that keeps cookies and fills in forms, as a browser without scripts does."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from html import unescape

import aiohttp
from yarl import URL

from oracle.store import operators
from oracle.web.dashboard.answers import SESSION
from tests.support.board import PASSWORD, Serving


@dataclass(frozen=True)
class Answer:
    """A page as it came."""

    status: int
    text: str
    headers: "aiohttp.typedefs.LooseHeaders"
    url: str

    @property
    def words(self) -> str:
        """What a reader sees of it."""
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", self.text)).split())


@dataclass(frozen=True)
class Client:
    """Somebody with a browser."""

    address: str
    session: aiohttp.ClientSession

    async def get(self, path: str, *, follow: bool = True, **headers: str) -> Answer:
        async with self.session.get(self.address + path, allow_redirects=follow, headers=headers) as found:
            return Answer(found.status, await found.text(), found.headers, str(found.url))

    async def post(self, path: str, fields: dict[str, str], *, follow: bool = True, **headers: str) -> Answer:
        async with self.session.post(
            self.address + path, data=fields, allow_redirects=follow, headers=headers
        ) as found:
            return Answer(found.status, await found.text(), found.headers, str(found.url))

    async def token(self, path: str) -> str:
        """Return the token of a page's form."""
        found = re.search(r'name="csrf" value="([^"]+)"', (await self.get(path)).text)
        assert found is not None
        return found[1]

    async def sign_in(self, name: str, password: str = PASSWORD, following: str = "") -> Answer:
        fields = {"csrf": await self.token("/sign-in"), "name": name, "password": password, "next": following}
        return await self.post("/sign-in", fields, follow=False)


@asynccontextmanager
async def client(board: Serving, name: str | None = None) -> AsyncIterator[Client]:
    """Give a client; under a name, one that is signed in already: checking a password takes long on purpose."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        if name is not None:
            async with board.parts.sessions.begin() as stored:
                row = await operators.find(stored, name)
                assert row is not None
                token = await operators.sign_in(stored, row.id, timedelta(hours=1))
            session.cookie_jar.update_cookies({SESSION: token}, URL(board.address))
        yield Client(board.address, session)
