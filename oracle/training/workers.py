"""Where heavy work runs: in this process, or on a Dask cluster; the same bytes either way.

Every piece of work is a function of its arguments alone, on one thread of torch: nothing depends on where it runs, in
which order pieces finish, or how many there are at a time.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, Protocol, TypeVar

import torch

from oracle.assessment.errors import ConfigurationFault

Out = TypeVar("Out")

Done = Callable[[int, Out], None]

_ALONE: Final = threading.RLock()

LOCAL_CLUSTER: Final = "local"
_CONNECT_SECONDS: Final = "30s"


class Workers(Protocol):
    """Calls a function once for each item."""

    def map(
        self,
        function: Callable[..., Out],
        items: Sequence[Any],
        *shared: Any,
        done: Done[Out] | None = None,
    ) -> list[Out]:
        """Return `function(item, *shared)` for each item, in the items' order.

        `done` is called with each item's place and result as soon as that is there.
        """


class InProcess:
    """One after another, here."""

    def map(
        self,
        function: Callable[..., Out],
        items: Sequence[Any],
        *shared: Any,
        done: Done[Out] | None = None,
    ) -> list[Out]:
        results = []
        for place, item in enumerate(items):
            results.append(call_alone(function, item, *shared))
            if done is not None:
                done(place, results[-1])
        return results


class OnDask:
    """On the workers of a `distributed` cluster; what is shared is sent to each worker once."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def map(
        self,
        function: Callable[..., Out],
        items: Sequence[Any],
        *shared: Any,
        done: Done[Out] | None = None,
    ) -> list[Out]:
        from distributed import as_completed

        spread = [self._client.scatter(value, broadcast=True, hash=False) for value in shared]
        futures = [self._client.submit(call_alone, function, item, *spread, pure=False) for item in items]
        places = {future.key: place for place, future in enumerate(futures)}
        results: dict[int, Out] = {}
        for future in as_completed(futures):  # type: ignore[no-untyped-call]
            place = places[future.key]
            results[place] = future.result()
            if done is not None:
                done(place, results[place])
        return [results[place] for place in range(len(items))]


def call_alone(function: Callable[..., Out], *arguments: Any) -> Out:
    """Call with one thread and deterministic algorithms: the order of a sum is part of its value.

    One call at a time in a process: torch's random numbers are shared by a worker's threads.
    """
    with _ALONE:
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(True)
        return function(*arguments)


@contextmanager
def workers_at(address: str | None, processes: int = 2) -> Iterator[Workers]:
    """Yield workers: in this process (None), on a cluster of `processes` made here ("local"), or at an address.

    Raises ConfigurationFault when no scheduler answers there.
    """
    if address is None:
        yield InProcess()
        return
    try:
        from distributed import Client, LocalCluster
    except ModuleNotFoundError as error:
        raise ConfigurationFault(f"--dask needs {error.name}: install risk-oracle[train]") from error
    if address == LOCAL_CLUSTER:
        # No limit of memory: what does not fit shall fail as it would in this process, not be killed and tried again.
        settings = {"threads_per_worker": 1, "dashboard_address": None, "memory_limit": None}
        with (
            LocalCluster(n_workers=processes, **settings) as cluster,  # type: ignore[no-untyped-call]
            Client(cluster) as client,  # type: ignore[no-untyped-call]
        ):
            yield OnDask(client)
        return
    try:
        client = Client(address, timeout=_CONNECT_SECONDS)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise ConfigurationFault(
            f"no Dask scheduler answers at {address}: {error}; start one or leave --dask out"
        ) from error
    with client:
        yield OnDask(client)
