"""Find and read one table: a file or the folder that holds it, as Parquet or as CSV."""

import warnings
import zlib
from pathlib import Path
from typing import Final

import pandas as pd

from oracle.training.checks import UnusableData

_CSV: Final = (".csv", ".csv.gz")
_PARQUET: Final = ".parquet"
_PARQUET_MAGIC: Final = b"PAR1"


def find_file(path: Path, relative: Path) -> Path:
    """Return the file that `path` means: itself or, for a folder, the one inside that is named as `relative` is.

    `relative` is where the set lies in the data folder, so that folder will do too. A folder with one data file of
    another name is that file. Raises UnusableData when there is none, or several and none of the name.
    """
    if path.is_file():
        return path
    if not path.is_dir():
        raise UnusableData(f"{path} is missing: expected a file like {relative} of the data folder, or its folder")
    found = sorted(file for file in path.iterdir() if file.is_file() and _bare(file) != file.name)
    named = [file for file in found if _bare(file) == relative.stem] or found
    if len(named) == 1:
        return named[0]
    if named:
        names = ", ".join(file.name for file in named)
        raise UnusableData(f"{path} holds {len(named)} data files ({names}): name the one to read")
    if (path / relative.parent).is_dir() and relative.parent != Path():
        return find_file(path / relative.parent, Path(relative.name))
    raise UnusableData(f"{path} holds no data file: expected one like {relative}, as Parquet or CSV")


def spellings_of(path: Path) -> list[Path]:
    """Return the file as Parquet and as CSV, plain and compressed: all that it may be called."""
    return [path.with_name(path.stem + ending) for ending in (_PARQUET, *_CSV)]


def read_rows(path: Path) -> pd.DataFrame:
    """Return a file's rows with all its columns; raises UnusableData for one that cannot be read.

    Of a CSV, spaces around the header's names and unnamed columns (a written index) are left out.
    """
    kind = "CSV" if path.name.casefold().endswith(_CSV) else "Parquet"
    try:
        with path.open("rb") as file:
            if file.read(len(_PARQUET_MAGIC)) == _PARQUET_MAGIC:
                kind = "Parquet"
            elif kind == "Parquet":
                raise UnusableData(f"{path} is no Parquet file, and its name does not end in {' or '.join(_CSV)}")
        frame = pd.read_parquet(path) if kind == "Parquet" else _read_csv(path)
    except (OSError, ValueError, EOFError, zlib.error) as error:
        raise UnusableData(f"{path} cannot be read as {kind}: {error}") from error
    if kind == "CSV":
        frame = frame.rename(columns=str.strip)
        frame = frame.drop(columns=[column for column in frame.columns if column.startswith("Unnamed:")])
    if not frame.columns.is_unique:
        twice = sorted(set(map(str, frame.columns[frame.columns.duplicated()])))
        raise UnusableData(f"{path} has more than one column of the name {', '.join(twice)}")
    return frame


def _read_csv(path: Path) -> pd.DataFrame:
    # The shortest digits that pandas writes come back as the same number: newer ones do so anyway, and say so.
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        return pd.read_csv(
            path,
            float_precision="round_trip",
            low_memory=False,
            compression="gzip" if path.name.casefold().endswith(".gz") else None,
        )


def _bare(file: Path) -> str:
    for ending in (_PARQUET, *reversed(_CSV)):
        if file.name.casefold().endswith(ending):
            return file.name[: -len(ending)]
    return file.name
