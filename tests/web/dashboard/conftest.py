"""A filled database, the dashboard over it, and clients that are signed in."""

from collections.abc import AsyncIterator

import pytest

from tests.support.board import Serving, board_read_url, board_template, board_url, hostile_template, serving, well
from tests.support.browsing import Client, client

__all__ = ["board_read_url", "board_template", "board_url", "hostile_template"]


@pytest.fixture
async def board(board_url: str) -> AsyncIterator[Serving]:
    """The dashboard of a daemon that is well, over a filled database."""
    async with serving(board_url, health=well()) as running:
        yield running


@pytest.fixture
async def stranger(board: Serving) -> AsyncIterator[Client]:
    """Somebody who is not signed in."""
    async with client(board) as one:
        yield one


@pytest.fixture
async def ada(board: Serving) -> AsyncIterator[Client]:
    """An operator who is signed in."""
    async with client(board, "ada") as one:
        yield one


@pytest.fixture
async def vera(board: Serving) -> AsyncIterator[Client]:
    """A viewer who is signed in."""
    async with client(board, "vera") as one:
        yield one
