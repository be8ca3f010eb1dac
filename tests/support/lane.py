"""A whole lane for tests: three parties, their server on a loopback port, four engines, one joint key."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from oracle.approval.engine_process import DEFAULT_PYTHON
from oracle.approval.fields import PARTIES, Answer
from oracle.approval.identity import Identity, PublicIdentity
from oracle.approval.layout import Layout
from oracle.approval.local_lane import LocalLane, local_lane
from oracle.approval.model import load_model
from oracle.approval.transcript import SERVER

ENGINE_PYTHON = Path(__file__).parents[2] / DEFAULT_PYTHON
NO_ENGINE = "no Python here that openfhe has a module for: make approval-python says what is missing"
ANSWERS: dict[str, dict[str, Answer]] = {
    "applicant": {
        "own_car": True,
        "own_property": True,
        "mobile_phone": True,
        "annual_income": 270_000,
        "income_type": "Working",
        "education_type": "Higher education",
        "occupation_type": "Managers",
        "housing_type": "House / apartment",
    },
    "bank": {"account_months": 10},
    "agency": {"employed": True, "years_employed": 9},
}


@dataclass(frozen=True)
class Lane(LocalLane):
    """What runs, and what the tests did to it."""

    used: list[int] = field(default_factory=lambda: [0])
    cheated: set[int] = field(default_factory=set)

    def next(self) -> int:
        """Return the next application's number."""
        self.used.append(self.board.transcript.last_application + 1)
        return self.used[-1]


def identities() -> tuple[dict[str, Identity], dict[str, PublicIdentity]]:
    """Return the four's keys, the same in each run."""
    known = {name: Identity(bytes([number]) * 32) for number, name in enumerate((*PARTIES, SERVER), 1)}
    return known, {name: one.public for name, one in known.items()}


@contextlib.asynccontextmanager
async def running_lane(folder: Path, model: str = "fair") -> AsyncIterator[Lane]:
    """Start it all and make the joint key."""
    layout, known = Layout(load_model(model)), identities()[0]
    async with local_lane(ENGINE_PYTHON, folder, layout, identities=known, nonce=b"test" * 4) as lane:
        await lane.join()
        yield Lane(**vars(lane))
