"""What an examination finds: one line a subject, with what to do where something is not well."""

from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeVar

from oracle.assessment.errors import OracleError

Level = Literal["ok", "warning", "fault", "unknown"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: a fault stops the daemon or its answers, a warning may; "unknown" could not be looked at."""

    subject: str
    level: Level
    found: str
    remedy: str = ""

    def __str__(self) -> str:
        remedy = f"\n{'':9}-> {self.remedy}" if self.remedy else ""
        return f"{self.level:8} {self.subject}: {self.found}{remedy}"


@dataclass(slots=True)
class Findings:
    """Lines in the order in which they were found."""

    lines: list[Finding] = field(default_factory=list)

    def ok(self, subject: str, found: str) -> None:
        """Say that something is well."""
        self.lines.append(Finding(subject, "ok", found))

    def warn(self, subject: str, found: str, remedy: str) -> None:
        """Say that something may go wrong, and what to do about it."""
        self.lines.append(Finding(subject, "warning", found, remedy))

    def fault(self, subject: str, found: str, remedy: str = "") -> None:
        """Say that something is wrong; the remedy may stand in what was found."""
        self.lines.append(Finding(subject, "fault", found, remedy))

    def unknown(self, subject: str, found: str) -> None:
        """Say that something could not be looked at, and why."""
        self.lines.append(Finding(subject, "unknown", found))

    @contextmanager
    def about(self, subject: str) -> Iterator[None]:
        """Turn an expected fault of what is done into a line about the subject."""
        try:
            yield
        except OracleError as error:
            self.fault(subject, str(error))

    async def ask(self, subject: str, question: Awaitable[T]) -> T | None:
        """Return an answer, None where an expected fault came instead, which is then a line about the subject."""
        with self.about(subject):
            return await question
        return None

    def count(self, level: Level) -> int:
        """Return how many lines have a level."""
        return sum(line.level == level for line in self.lines)

    def as_json(self) -> dict[str, Any]:
        """Return all of it for JSON."""
        return {
            "faults": self.count("fault"),
            "warnings": self.count("warning"),
            "unknown": self.count("unknown"),
            "findings": [asdict(line) for line in self.lines],
        }
