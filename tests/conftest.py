"""What all tests share: sockets only where a chain or a database is tested, one embedded Postgres for all of them."""

from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_socket

from oracle.devnet.machinery.anvil import Anvil
from oracle.scratch import ScratchFolder
from oracle.store.embedded import EmbeddedPostgres, create_database, drop_database

if TYPE_CHECKING:
    from tests.support.second_model import TwoModels

# Fixtures that several rooms use.
pytest_plugins = ["tests.support.databases", "tests.support.event_source", "tests.support.played"]

_UNIT_TESTS = Path(__file__).parent / "unit"
_database_numbers = count(1)
_OWN_FOLDER = pytest.StashKey[ScratchFolder]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Give each run a temporary folder of its own.

    In the one that they share, a run that begins closes all to other users, and so takes a Postgres that root started
    for one of them its data.
    """
    if config.option.basetemp is None:
        folder = config.stash[_OWN_FOLDER] = ScratchFolder("risk-oracle-tests-")
        # pytest empties the one that it is given.
        config.option.basetemp = folder.path / "run"


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Remove the folder; after a failure it stays to be looked at, until the next run."""
    folder = session.config.stash.get(_OWN_FOLDER, None)
    if folder is not None and exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        folder.remove()


@pytest.fixture(autouse=True)
def _no_network_in_unit_tests(request: pytest.FixtureRequest) -> Iterator[None]:
    if not request.path.is_relative_to(_UNIT_TESTS):
        yield
        return
    # Event loops need their own pair of Unix sockets.
    pytest_socket.disable_socket(allow_unix_socket=True)
    yield
    pytest_socket.enable_socket()


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The maintenance database of a server that all tests share."""
    with EmbeddedPostgres(tmp_path_factory.mktemp("postgres") / "data", durable=False) as url:
        yield url


@pytest.fixture
def database_url(postgres_url: str) -> Iterator[str]:
    """An empty database of the test's own."""
    name = f"test_{next(_database_numbers)}"
    yield create_database(postgres_url, name)
    drop_database(postgres_url, name)


@pytest.fixture
async def chain() -> AsyncIterator[Anvil]:
    """An empty local chain of the test's own."""
    async with Anvil() as running:
        yield running


@pytest.fixture(scope="session")
def two_models(tmp_path_factory: pytest.TempPathFactory) -> "TwoModels":
    """The shipped model and a second one with its own keys and verifier, made once."""
    from tests.support.second_model import make_two_models

    return make_two_models(tmp_path_factory.mktemp("two_models"))
