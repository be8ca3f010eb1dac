"""Work on a Dask cluster gives what it gives in this process."""

from collections.abc import Iterator

import pytest
from distributed import Client, LocalCluster

from oracle.assessment.errors import ConfigurationFault
from oracle.training import workers
from oracle.training.recipes import read_recipes, table_of
from oracle.training.search import score_of
from oracle.training.workers import InProcess, OnDask, workers_at
from tests.unit.training.books import book


@pytest.fixture
def cluster() -> Iterator[OnDask]:
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None) as local,
        Client(local) as client,
    ):
        yield OnDask(client)


def test_on_dask__same_work__gives_the_same_bytes_in_the_same_order(cluster: OnDask) -> None:
    given, table = book(), table_of(read_recipes().credit)
    tables = [table | {"epochs": epochs} for epochs in (30, 10, 20)]
    done: dict[int, float] = {}
    there = cluster.map(score_of, tables, "credit", given, 7, done=done.__setitem__)
    assert there == InProcess().map(score_of, tables, "credit", given, 7)
    assert done == dict(enumerate(there))
    assert len(set(there)) == 3


def test_on_dask__work_fails__raises_what_it_raised(cluster: OnDask) -> None:
    with pytest.raises(KeyError):
        cluster.map(dict.__getitem__, [{}], "missing")


def test_workers_at__nobody_answers__says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_CONNECT_SECONDS", "200ms")
    with pytest.raises(ConfigurationFault, match="no Dask scheduler answers"), workers_at("tcp://127.0.0.1:1"):
        pass
