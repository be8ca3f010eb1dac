"""Whether each part of the daemon works at this moment; readiness is all of them together."""

import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class Part:
    """One part's condition; `since` in Unix seconds."""

    ok: bool
    text: str
    since: float


@dataclass(slots=True)
class Health:
    """Parts by name; a part that never reported is not well."""

    parts: dict[str, Part] = field(default_factory=dict)

    def expect(self, *names: str) -> None:
        """Name parts that must report before the daemon is ready."""
        for name in names:
            self.parts.setdefault(name, Part(False, "not started", time.time()))

    def set(self, name: str, ok: bool, text: str = "") -> bool:
        """Record a part's condition; returns True when it changed between well and unwell."""
        previous = self.parts.get(name)
        if previous is not None and previous.ok == ok:
            previous.text = text
            return False
        self.parts[name] = Part(ok, text, time.time())
        return True

    @property
    def ready(self) -> bool:
        """True when every part is well."""
        return bool(self.parts) and all(part.ok for part in self.parts.values())
