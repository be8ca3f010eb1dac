"""Stages of a run, each kept in a file: a run that was killed goes on where it stopped, and gives the same bytes.

A file's name carries the digest of everything that its stage depends on: this code, the libraries, the data, the
settings, and the stages before it. Whatever changed is done again.
"""

import hashlib
import json
import os
import pickle
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, TypeVar

from oracle.training.progress import Progress
from oracle.training.workers import InProcess, Workers

Out = TypeVar("Out")

_ORACLE: Final = Path(__file__).parents[1]
_CODE: Final = ("assessment", "models", "training")
_LIBRARIES: Final = ("torch", "numpy", "pandas", "scikit-learn", "scipy", "ezkl", "onnx")


class Stages:
    """Runs stages in order. `folder` holds their results, None keeps nothing; `inputs` are settings, `files` data."""

    def __init__(
        self,
        folder: Path | None,
        progress: Progress,
        *,
        inputs: dict[str, Any],
        files: Iterable[Path] = (),
        workers: Workers | None = None,
    ) -> None:
        self._folder = folder
        self._progress = progress
        self._workers = workers or InProcess()
        self._used: set[Path] = set()
        libraries = {name: version(name) for name in _LIBRARIES}
        settings = json.dumps([inputs, libraries], sort_keys=True, default=repr)
        self._known = _hash(code_digest(), settings, *(_digest_of(path) for path in sorted(files)))
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def run(self, name: str, make: Callable[[], Out]) -> Out:
        """Return the stage's kept result, or make it here and keep it."""
        result: Out = self.run_each(name, _call, {"whole": make}, at_home=True)["whole"]
        return result

    def run_each(
        self,
        name: str,
        function: Callable[..., Out],
        items: dict[str, Any],
        shared: Callable[[], tuple[Any, ...]] = tuple,
        *,
        at_home: bool = False,
    ) -> dict[str, Out]:
        """Return `function(item, *shared())` for each item, kept apart by label; what is missing goes to the workers.

        A function must depend on its arguments alone. With `at_home` it runs in this process.
        """
        self._progress.begin(name, len(items))
        self._known = _hash(self._known, name)
        paths = {label: self._path(name, label) for label in items}
        found = {label: _read(path) for label, path in paths.items() if path is not None and path.is_file()}
        missing = [label for label in items if label not in found]
        for _ in found:
            self._progress.step()

        def keep(place: int, result: Out) -> None:
            found[missing[place]] = result
            self._write(paths[missing[place]], result)
            self._progress.step()

        if missing:
            workers = InProcess() if at_home else self._workers
            workers.map(function, [items[label] for label in missing], *shared(), done=keep)
        self._progress.finish(name, "" if missing else "kept from an earlier run")
        return {label: found[label] for label in items}

    def tidy(self) -> None:
        """Remove what other settings, code or data left in the folder."""
        if self._folder is not None:
            for path in self._folder.glob("*.pickle"):
                if path not in self._used:
                    path.unlink()

    def _path(self, name: str, label: str) -> Path | None:
        if self._folder is None:
            return None
        path = self._folder / f"{name}-{label}-{_hash(self._known, label)[:16]}.pickle".replace(" ", "-")
        self._used.add(path)
        return path

    def _write(self, path: Path | None, result: Any) -> None:
        if path is not None:
            # Whole or not at all: a run may be killed while it writes.
            partial = path.with_suffix(".partial")
            partial.write_bytes(pickle.dumps(result))
            os.replace(partial, path)


def code_digest() -> str:
    """Return the digest of the code that a trained model depends on."""
    files = sorted(path for room in _CODE for path in (_ORACLE / room).rglob("*.py"))
    return _hash(*(f"{path.relative_to(_ORACLE)}:{_digest_of(path)}" for path in files))


def _call(make: Callable[[], Out]) -> Out:
    return make()


def _read(path: Path) -> Any:
    return pickle.loads(path.read_bytes())  # noqa: S301 - this command's own file, in the operator's own folder


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _hash(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
