"""The shipped circuit and private features out of their range: the clipped one's score, or no proof.

The library's check of every constraint stands for the proof: of a value that is in no table, `prove` never returns.
"""

import json
import random
import re
from pathlib import Path

import ezkl
import pytest
import torch

from oracle.assessment.features import ENCODED_ONE, FEATURES, PRIVATE_FEATURES
from oracle.assessment.request import FIELD_MODULUS
from oracle.models.export import WEIGHTS
from oracle.models.integer import IntegerNetwork
from oracle.models.registry import ShippedModel
from oracle.models.weights import load_weights
from oracle.proving.circuit import witness_data
from oracle.proving.field import from_hex, to_signed
from oracle.proving.keys import CIRCUIT, Keys

SALT = (1, 2**32 - 1, 0, 77, 2**31)
LOWEST_THAT_COUNTS = -3063


def drawn(seed: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    numbers = random.Random(seed)  # noqa: S311 - inputs of a test
    chain, private = ([numbers.randint(0, ENCODED_ONE) for _ in table] for table in (FEATURES, PRIVATE_FEATURES))
    return tuple(chain), tuple(private)


def circuit_outputs(keys: Keys, folder: Path, chain: tuple[int, ...], private: tuple[int, ...]) -> list[int]:
    """Return the outputs of a witness that satisfies the circuit; raises RuntimeError when it does not."""
    data, witness = folder / "input.json", folder / "witness.json"
    data.write_text(witness_data(chain, tuple(value % FIELD_MODULUS for value in private) + SALT))
    ezkl.gen_witness(str(data), keys.path(CIRCUIT), str(witness))  # type: ignore[call-arg] # stub without defaults
    assert ezkl.mock(str(witness), keys.path(CIRCUIT))
    [outputs] = json.loads(witness.read_text())["outputs"]
    return [to_signed(from_hex(text)) for text in outputs]


@pytest.fixture(scope="module")
def integers(shipped: ShippedModel) -> IntegerNetwork:
    return IntegerNetwork.of(load_weights(shipped.directory / WEIGHTS))


def test_circuit__private_features_in_their_range__is_the_integer_network(
    keys: Keys, integers: IntegerNetwork, tmp_path: Path
) -> None:
    rows = [drawn(seed) for seed in range(6)]
    rows += [(rows[0][0], (end,) * len(PRIVATE_FEATURES)) for end in (0, 1, ENCODED_ONE - 1, ENCODED_ONE)]
    for chain, private in rows:
        expected = integers(torch.tensor([chain]), torch.tensor([private]))[0].tolist()
        assert circuit_outputs(keys, tmp_path, chain, private) == expected


def test_circuit__every_private_feature_a_step_above_its_range__has_no_proof_for_each(
    keys: Keys, tmp_path: Path
) -> None:
    chain, _ = drawn(0)
    with pytest.raises(RuntimeError) as refused:
        circuit_outputs(keys, tmp_path, chain, (ENCODED_ONE + 1,) * len(PRIVATE_FEATURES))
    unmet = re.findall(r"Lookup \(index: \d+\) is not satisfied in .* at offset \d+", str(refused.value))
    assert len(set(unmet)) == len(PRIVATE_FEATURES)


@pytest.mark.parametrize("value", [2 * ENCODED_ONE, 4_000, 4_088, LOWEST_THAT_COUNTS - 1, 2**200])
def test_circuit__far_from_the_range__has_no_proof(keys: Keys, tmp_path: Path, value: int) -> None:
    chain, private = drawn(1)
    with pytest.raises(RuntimeError, match="Lookup"):
        circuit_outputs(keys, tmp_path, chain, (value, *private[1:]))


@pytest.mark.parametrize("value", [-1, -ENCODED_ONE, LOWEST_THAT_COUNTS])
def test_circuit__below_the_range__gives_the_score_of_nothing(keys: Keys, tmp_path: Path, value: int) -> None:
    chain, private = drawn(2)
    for place in (3, 18):
        below, clipped = ((*private[:place], one, *private[place + 1 :]) for one in (value, 0))
        assert circuit_outputs(keys, tmp_path, chain, below) == circuit_outputs(keys, tmp_path, chain, clipped)
