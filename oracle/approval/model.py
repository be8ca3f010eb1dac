"""The integer model that the server evaluates: a sum of one weight a field, exact in the clear and encrypted."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

from oracle.approval.errors import InvalidAnswer, ModelFault
from oracle.approval.fields import BY_NAME, Answer, Field

SHIPPED: Final = Path(__file__).parent / "shipped"
DEFAULT: Final = "fair"
LARGEST_MARGIN: Final = 5_400
"""No margin is further from zero: twice it and one, times the largest blind, stays in the plaintext space."""


@dataclass(frozen=True)
class CardModel:
    """Weights by field and level, and an intercept: a margin of zero and more is an approval.

    `scale` is how many units of the margin are one of log-odds. Raises ModelFault for a model that cannot be evaluated.
    """

    name: str
    scale: int
    intercept: int
    weights: Mapping[str, tuple[int, ...]]

    def __post_init__(self) -> None:
        for name, weights in self.weights.items():
            field = BY_NAME.get(name)
            if field is None or len(weights) != len(field.levels) or weights[field.base] != 0:
                raise ModelFault(f"model {self.name}: {name} is no field with these levels, the base's weight zero")
        reached = abs(self.intercept) + sum(max(map(abs, weights)) for weights in self.weights.values())
        if reached > LARGEST_MARGIN:
            raise ModelFault(
                f"model {self.name} can reach a margin of {reached}: over {LARGEST_MARGIN} it would leave the "
                "plaintext space when blinded; use a smaller scale"
            )

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """Its fields, in the table's order."""
        return tuple(field for name, field in BY_NAME.items() if name in self.weights)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything that the evaluation depends on, in hexadecimal: what each message is bound to."""
        levels = {field.name: [field.levels, field.base, field.edges, field.labels] for field in self.fields}
        known = {"scale": self.scale, "intercept": self.intercept, "weights": self.weights, "levels": levels}
        return hashlib.sha256(json.dumps(known, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    def levels_of(self, answers: Mapping[str, Answer], party: str | None = None) -> tuple[dict[str, int], list[str]]:
        """Return the level of each field (of one party's, or all), and what was clipped to find them.

        Raises InvalidAnswer for an answer that is missing, of the wrong kind, or asked of somebody else.
        """
        asked = [field for field in self.fields if party is None or field.party == party]
        known = {field.name for field in asked} | {name for name in BY_NAME if name not in self.weights}
        if strange := sorted(set(answers) - known):
            raise InvalidAnswer(f"{', '.join(strange)}: no question of this form")
        told: list[str] = []
        found = {}
        for field in asked:
            answer = answers.get(field.name)
            # Who is not employed has no years of it.
            if field.name == "years_employed" and answers.get("employed") is False:
                found[field.name] = field.base
                continue
            found[field.name], note = field.level_of(answer)
            told += [] if note is None else [note]
        return found, told

    def margin(self, levels: Mapping[str, int]) -> int:
        """Return the margin in the clear: what the encrypted evaluation must equal."""
        return self.intercept + sum(self.weights[field.name][levels[field.name]] for field in self.fields)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the model of a JSON file; raises ModelFault."""
        try:
            known: dict[str, Any] = json.loads(text)
            weights = {name: tuple(int(value) for value in row) for name, row in known["weights"].items()}
            return cls(str(known["name"]), int(known["scale"]), int(known["intercept"]), weights)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ModelFault(f"not a model of card approval: {error!r}") from error


def load_model(name: str = DEFAULT) -> CardModel:
    """Return a shipped model by its name, or the one in a file; raises ModelFault."""
    file = SHIPPED / f"{name}.json" if "/" not in name and not name.endswith(".json") else Path(name)
    try:
        return CardModel.parse(file.read_text(encoding="utf-8"))
    except OSError as error:
        shipped = ", ".join(sorted(path.stem for path in SHIPPED.glob("*.json")))
        raise ModelFault(f"no model {name}: shipped are {shipped}; or name a file") from error
