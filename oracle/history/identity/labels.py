"""Lists of sanctioned and malicious addresses that the operator supplies: hard flags beside the model.

Never a feature: a look-up is not a model, and most wrongdoers stand on no list. A list without a date is refused,
because addresses are taken off lists too.
"""

import csv
import datetime
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from oracle.assessment.errors import ConfigurationFault, InvalidRequest
from oracle.assessment.request import Address, to_address

_COLUMNS: Final = ("address", "label", "source")


@dataclass(frozen=True, slots=True)
class Flag:
    """What a list says of an address; `date` is the list's, or the row's own, as in ISO 8601."""

    label: str
    source: str
    date: str


class Labels:
    """All lists together, in memory."""

    def __init__(self, flags: Mapping[Address, Sequence[Flag]]) -> None:
        self._flags = flags

    def __len__(self) -> int:
        return len(self._flags)

    def of(self, address: Address) -> list[Flag]:
        """Return an address's flags, in a fixed order; none says nothing but that no list names it."""
        return sorted(self._flags.get(address, ()), key=lambda flag: (flag.label, flag.source, flag.date))

    def plain(self, address: Address) -> list[dict[str, str]]:
        """Return an address's flags as they are stored."""
        return [asdict(flag) for flag in self.of(address)]


def load_labels(files: Iterable[tuple[Path, datetime.date | None]]) -> Labels:
    """Read CSV files with the columns address, label, source and perhaps date; a file's date serves rows without one.

    Raises ConfigurationFault that names the file and line of what cannot be read.
    """
    flags: dict[Address, set[Flag]] = defaultdict(set)
    for path, date in files:
        try:
            with path.open(encoding="utf-8", newline="") as file:
                for address, flag in _rows(path, csv.DictReader(file), date):
                    flags[address].add(flag)
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise ConfigurationFault(f"label list {path} cannot be read: {error}") from error
    return Labels({address: tuple(found) for address, found in flags.items()})


def _rows(path: Path, rows: "csv.DictReader[str]", list_date: datetime.date | None) -> Iterable[tuple[Address, Flag]]:
    missing = [column for column in _COLUMNS if column not in (rows.fieldnames or ())]
    if missing:
        raise ConfigurationFault(
            f"label list {path} has no column {', '.join(missing)}: expected {', '.join(_COLUMNS)}"
        )
    for row in rows:
        place = f"label list {path}, line {rows.line_num}"
        try:
            address = to_address((row["address"] or "").strip())
        except InvalidRequest as error:
            raise ConfigurationFault(f"{place}: {error}") from error
        label, source = (row["label"] or "").strip(), (row["source"] or "").strip()
        if not label or not source:
            raise ConfigurationFault(f"{place}: {address} has no label or no source")
        yield address, Flag(label, source, _date(place, row.get("date"), list_date))


def _date(place: str, text: str | None, list_date: datetime.date | None) -> str:
    if text is None or not text.strip():
        if list_date is None:
            raise ConfigurationFault(f"{place}: has no date, and its list has none: set the date of the list")
        return list_date.isoformat()
    try:
        return datetime.date.fromisoformat(text.strip()).isoformat()
    except ValueError as error:
        raise ConfigurationFault(f"{place}: {text!r} is not a date: expected year-month-day") from error
