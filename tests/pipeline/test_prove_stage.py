"""The stage that proves: a fleet's proof, or an open one, counts that shows what it must and holds here."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest

from oracle.assessment.features import NEUTRAL_PRIVATE
from oracle.assessment.request import FIELD_MODULUS
from oracle.assessment.states import State
from oracle.assessment.words import feature_words
from oracle.models.registry import OpenCircuit
from oracle.pipeline.context import Context
from oracle.pipeline.open_lane import OpenLane
from oracle.pipeline.stages.prove import ProofMismatch, prove
from oracle.proving.commitment import commit_chain
from oracle.proving.fleet.fleet import FleetUnavailable
from oracle.proving.prover import Prover
from oracle.proving.worker import Proof, proof_of
from oracle.store.tables import RequestRow
from tests.pipeline import scoring

_CHAIN = [512] * 32
_MODEL = scoring.context().model
_NEUTRAL = _MODEL.source.neutral_commitment
_INFERRED = _MODEL.infer(_CHAIN, NEUTRAL_PRIVATE)
_CIRCUIT = cast(OpenCircuit, _MODEL.source.open_circuit)
_OPEN_PROOF = Proof(
    b"in the open",
    (*feature_words(_CHAIN), *(output % FIELD_MODULUS for output in _INFERRED.outputs)),
    tuple(_INFERRED.outputs),
    0.5,
)
_RIGHT = proof_of(b"by the fleet", commit_chain(_CHAIN), _NEUTRAL, _INFERRED.outputs)


@dataclass
class Machine:
    """A prover, and what was asked of it; proofs in `valid` hold."""

    valid: set[bytes]
    proven: list[list[int]] = field(default_factory=list)
    keys: Any = None
    shown: dict[str, Any] = field(default_factory=dict)

    async def prove(self, chain: list[int], private: tuple[int, ...]) -> Proof:
        assert private == NEUTRAL_PRIVATE
        self.proven.append(chain)
        return replace(_RIGHT, proof=b"by this machine")

    async def prove_open(self, chain: tuple[int, ...]) -> Proof:
        return replace(_OPEN_PROOF, **self.shown)

    async def verify(self, proof: Proof) -> bool:
        return proof.proof in self.valid


@dataclass
class Sent:
    """A fleet that answers as it is told to."""

    answer: Callable[[], Proof]
    asked: list[list[int]] = field(default_factory=list)

    async def prove(self, keys: object, chain: list[int]) -> Proof:
        self.asked.append(chain)
        return self.answer()


def row(commitment: int = _NEUTRAL, **changed: Any) -> RequestRow:
    values = {
        "request_id": Decimal(1),
        "state": State.SCORED,
        "features": {"encoded": _CHAIN},
        "outputs": list(_INFERRED.outputs),
        "model_id": f"0x{_MODEL.source.model_id.hex()}",
        "data_commitment": Decimal(commitment),
        "feature_commitment": None,
        "open_model_id": None,
        "proof": None,
    }
    return cast(RequestRow, SimpleNamespace(**(values | changed)))


def context(fleet: Sent | None, machine: Machine, opened: OpenLane | None = None) -> Context:
    parts = {
        "answering": lambda: _MODEL,
        "prover": machine,
        "fleet": fleet,
        "open": opened,
        "proving": asyncio.Lock(),
    }
    return cast(Context, SimpleNamespace(**parts))


def unavailable() -> Proof:
    raise FleetUnavailable("nobody is there")


def machine() -> Machine:
    return Machine({b"by the fleet", b"by this machine"})


async def test_prove__with_a_fleet__keeps_its_proof_and_makes_none_here() -> None:
    fleet, here, kept = Sent(lambda: _RIGHT), machine(), row()
    outcome = await prove(context(fleet, here), kept)
    assert (outcome.target, kept.proof, here.proven) == (State.PROVEN, b"by the fleet", [])
    assert kept.feature_commitment == Decimal(commit_chain(_CHAIN))
    assert "by the fleet" in outcome.reason


@pytest.mark.parametrize(
    "answer",
    [
        unavailable,
        lambda: replace(_RIGHT, proof=b"one that does not hold"),
        lambda: proof_of(b"by the fleet", commit_chain([511] * 32), _NEUTRAL, _INFERRED.outputs),
        lambda: proof_of(b"by the fleet", commit_chain(_CHAIN), _NEUTRAL + 1, _INFERRED.outputs),
        lambda: proof_of(b"by the fleet", commit_chain(_CHAIN), _NEUTRAL, [7, *_INFERRED.outputs[1:]]),
    ],
    ids=["nobody there", "does not hold", "other features", "other data", "other outputs"],
)
async def test_prove__when_the_fleet_gives_nothing_that_counts__makes_it_here(answer: Callable[[], Proof]) -> None:
    here, kept = machine(), row()
    outcome = await prove(context(Sent(answer), here), kept)
    assert (outcome.target, kept.proof, here.proven) == (State.PROVEN, b"by this machine", [_CHAIN])


async def test_prove__with_private_data_or_another_model__asks_no_fleet() -> None:
    fleet, here = Sent(lambda: _RIGHT), Machine({b"the borrower's"})
    private = {"proof": b"the borrower's", "feature_commitment": Decimal(commit_chain(_CHAIN))}
    outcome = await prove(context(fleet, here), row(_NEUTRAL + 1, **private))
    assert (outcome.target, fleet.asked) == (State.PROVEN, [])
    outcome = await prove(context(fleet, here), row(model_id="0x" + "07" * 32))
    assert (outcome.target, fleet.asked) == (State.COLLECTED, [])


def lane(model_id: bytes = _MODEL.source.model_id, **shown: Any) -> OpenLane:
    return OpenLane(_CIRCUIT, model_id, cast(Prover, Machine({b"in the open"}, shown=shown)))


async def test_prove__with_the_open_circuit__keeps_its_proof_and_commits_to_nothing() -> None:
    here, kept = machine(), row(feature_commitment=Decimal(7))
    outcome = await prove(context(None, here, lane()), kept)
    assert (outcome.target, kept.proof, here.proven) == (State.PROVEN, b"in the open", [])
    assert (kept.feature_commitment, kept.open_model_id) == (None, f"0x{_CIRCUIT.model_id.hex()}")


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        ({"proof": b"another"}, "does not verify"),
        ({"instances": (*feature_words([511] * 32), *_OPEN_PROOF.instances[2:])}, "words are not the features"),
        ({"outputs": (7, *_OPEN_PROOF.outputs[1:])}, "the open circuit gives"),
    ],
    ids=["does not hold", "other features", "other outputs"],
)
async def test_prove__when_the_open_circuit_shows_something_else__says_so(shown: dict[str, Any], words: str) -> None:
    kept = row()
    with pytest.raises(ProofMismatch, match=words):
        await prove(context(None, machine(), lane(**shown)), kept)
    assert kept.proof is None


async def test_prove__with_private_data_or_another_models_open_circuit__commits() -> None:
    private = {"proof": b"the borrower's", "feature_commitment": Decimal(commit_chain(_CHAIN))}
    kept = row(_NEUTRAL + 1, **private)
    await prove(context(None, Machine({b"the borrower's"}), lane()), kept)
    assert (kept.proof, kept.open_model_id) == (b"the borrower's", None)
    kept = row(open_model_id="0x" + "07" * 32)
    await prove(context(None, machine(), lane(b"another")), kept)
    assert (kept.proof, kept.open_model_id) == (b"by this machine", None)
