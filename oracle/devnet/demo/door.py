"""The demo's dashboard: an operator of its own, with a password that is made up each time."""

import secrets
from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import async_sessionmaker

from oracle.config.dashboard import Role
from oracle.devnet.stack import Stack
from oracle.store import database, operators
from oracle.web.dashboard.passwords import hashed

_NAME: Final = "demo"


@dataclass(frozen=True)
class Door:
    """Where the dashboard is, and how to sign in."""

    address: str
    name: str
    password: str

    def __str__(self) -> str:
        return f"dashboard {self.address}  sign in: {self.name} / {self.password}"


async def open_dashboard(stack: Stack) -> Door:
    """Add the demo's operator before the daemon starts."""
    password = secrets.token_urlsafe(12)
    engine = database.connect(stack.database_url, pool_size=1)
    try:
        await database.migrate(engine)
        async with async_sessionmaker(engine).begin() as session:
            await operators.add(session, _NAME, Role.OPERATOR, hashed(password))
    finally:
        await engine.dispose()
    port = stack.settings.web.port
    return Door(f"http://127.0.0.1:{port}{stack.settings.dashboard.path_prefix}/", _NAME, password)
