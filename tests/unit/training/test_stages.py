"""A run's stages: killed anywhere and started again, it does what is left and gives the same; so does a cluster."""

from pathlib import Path

import pytest

from oracle.training import stages as module
from oracle.training.progress import Progress
from oracle.training.stages import Stages


class Killed(Exception):
    pass


def squared(item: int, *shared: int) -> int:
    return item * item + sum(shared)


class Run:
    """Counts what is made anew; dies before the item `dies_at`."""

    def __init__(self, folder: Path | None, dies_at: int = -1, seed: int = 1) -> None:
        self.made: list[int] = []
        self.lines: list[str] = []
        self._dies_at = dies_at
        self._stages = Stages(folder, Progress(2, self.lines.append), inputs={"seed": seed})

    def __call__(self) -> dict[str, int]:
        first = self._stages.run("first", lambda: self._make(10))
        second = self._stages.run_each(
            "second", self._make, {str(item): item for item in (1, 2, 3)}, lambda: (first,), at_home=True
        )
        self._stages.tidy()
        return {"first": first, **second}

    def _make(self, item: int, *shared: int) -> int:
        if item == self._dies_at:
            raise Killed
        self.made.append(item)
        return squared(item, *shared)


EXPECTED = {"first": 100, "1": 101, "2": 104, "3": 109}


def test_stages__killed_within_a_stage__goes_on_with_what_is_left(tmp_path: Path) -> None:
    dying = Run(tmp_path, dies_at=3)
    with pytest.raises(Killed):
        dying()
    assert dying.made == [10, 1, 2]
    again = Run(tmp_path)
    assert again() == EXPECTED
    assert again.made == [3]
    third = Run(tmp_path)
    assert third() == EXPECTED
    assert third.made == []
    assert [line.partition("] ")[2] for line in third.lines] == [
        "first: kept from an earlier run",
        "second: kept from an earlier run",
    ]


def test_stages__torn_file_of_a_killed_write__is_never_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(module.os, "replace", dies)
        with pytest.raises(Killed):
            Run(tmp_path)()
    assert not list(tmp_path.glob("*.pickle"))
    assert Run(tmp_path)() == EXPECTED


def test_stages__other_settings_or_code__start_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Run(tmp_path)()
    assert Run(tmp_path, seed=2).__call__() == EXPECTED
    other = Run(tmp_path, seed=3)
    other()
    assert other.made == [10, 1, 2, 3]
    same = Run(tmp_path, seed=3)
    same()
    assert same.made == []
    monkeypatch.setattr(module, "code_digest", lambda: "another")
    changed = Run(tmp_path, seed=3)
    changed()
    assert changed.made == [10, 1, 2, 3]
    # What other settings left behind is gone.
    assert len(list(tmp_path.glob("*.pickle"))) == 4


def test_stages__data_file_changed__starts_anew(tmp_path: Path) -> None:
    data, kept = tmp_path / "table", tmp_path / "kept"
    made: list[int] = []
    for content in ("a", "a", "b"):
        data.write_text(content)
        stages = Stages(kept, Progress(1, lambda _: None), inputs={}, files=[data])
        stages.run("only", lambda: made.append(1))
    assert len(made) == 2


def test_stages__no_folder__keeps_nothing(tmp_path: Path) -> None:
    run = Run(None)
    assert run() == EXPECTED
    assert not list(tmp_path.iterdir())
