"""What the daemon sets for its whole process before anything else."""

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from oracle import daemon


@pytest.fixture
def limit() -> Iterator[None]:
    before = sys.getrecursionlimit()
    yield
    sys.setrecursionlimit(before)


@pytest.mark.usefixtures("limit")
async def test_run__whatever_a_library_set__bounds_how_deep_strangers_json_is_followed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = []

    async def serve(*_: Any) -> None:
        seen.append(sys.getrecursionlimit())

    monkeypatch.setattr(daemon, "_serve", serve)
    sys.setrecursionlimit(100_000)
    settings: Any = None
    await daemon.run(settings, "")
    assert seen == [4_000]
