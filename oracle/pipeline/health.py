"""Whether each part of the daemon works at this moment; readiness is all of them together."""

import asyncio
import time
from dataclasses import dataclass, field

import structlog

from oracle.store.texts import brief

_LONGEST_TEXT = 2_000


@dataclass(slots=True)
class Part:
    """One part's condition; `since` in Unix seconds."""

    ok: bool
    text: str
    since: float


@dataclass(slots=True)
class Warned:
    """What the operator should look at while the daemon serves; `since` in Unix seconds."""

    text: str
    since: float


@dataclass(slots=True)
class Health:
    """Parts by name; a part that never reported is not well. `recovered` is set when one is well again."""

    parts: dict[str, Part] = field(default_factory=dict)
    warnings: dict[str, Warned] = field(default_factory=dict)
    recovered: asyncio.Event = field(default_factory=asyncio.Event)

    def expect(self, *names: str) -> None:
        """Name parts that must report before the daemon is ready."""
        for name in names:
            self.parts.setdefault(name, Part(False, "not started", time.time()))

    def set(self, name: str, ok: bool, text: str = "") -> bool:
        """Record a part's condition; returns True when it changed between well and unwell."""
        text = brief(text, _LONGEST_TEXT)
        previous = self.parts.get(name)
        if previous is not None and previous.ok == ok:
            previous.text = text
            return False
        self.parts[name] = Part(ok, text, time.time())
        if ok:
            self.recovered.set()
        return True

    def database_lost(self, fault: Exception) -> None:
        """Record that the database cannot serve, and say so when that is new."""
        text = str(fault)
        if self.set("database", False, text):
            structlog.get_logger("database").warning("database_lost", error=brief(text, _LONGEST_TEXT))

    def warn(self, name: str, text: str) -> None:
        """Record what the operator should look at; an empty text ends the warning."""
        if not text:
            self.warnings.pop(name, None)
        elif (standing := self.warnings.get(name)) is not None:
            standing.text = brief(text, _LONGEST_TEXT)
        else:
            self.warnings[name] = Warned(brief(text, _LONGEST_TEXT), time.time())

    @property
    def ready(self) -> bool:
        """True when every part is well."""
        return bool(self.parts) and all(part.ok for part in self.parts.values())
