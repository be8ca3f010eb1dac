"""The batch model's integers: tables, words, and what is refused before anything is proven."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from oracle.assessment.errors import ConfigurationFault
from oracle.assessment.features import ENCODED_ONE, FEATURES
from oracle.assessment.words import OUTPUT_OFFSET, feature_words, pack_outputs, unpack_outputs
from oracle.models.table_format import HIGHEST, LOWEST, OutsideTables, clip, shrink, table_of
from oracle.models.table_net import CREDIT_READS, TableOverflow, check_tables
from oracle.models.table_weights import load_table_weights, save_table_weights
from oracle.training.heads import CREDIT_READS as DIRECTIONS
from tests.support.table_networks import random_network


def test_clip__every_argument_of_the_table__is_the_identity_from_0_on() -> None:
    arguments = torch.arange(LOWEST, HIGHEST + 1)

    assert torch.equal(clip(arguments), arguments.clamp(min=0))


def test_shrink__every_argument_of_the_table__never_falls() -> None:
    values = shrink(torch.arange(LOWEST, HIGHEST + 1))

    assert (values.diff() >= 0).all()
    assert (int(values[0]), int(values[-1])) == (0, int(values.max()))


@pytest.mark.parametrize("value", [LOWEST - 1, HIGHEST + 1])
def test_tables__a_value_beyond_their_ends__is_refused(value: int) -> None:
    with pytest.raises(OutsideTables, match="outside the table"):
        shrink(torch.tensor([0, value]))


def test_rounding__every_argument__is_nowhere_near_a_half() -> None:
    # Another platform's pow may differ in the last bits: no entry may hang on them.
    from oracle.models.table_format import SCALE_BITS, SHRINK_EXPONENT

    arguments = torch.arange(1, HIGHEST + 1, dtype=torch.float64)
    exact = 2.0 ** (SCALE_BITS * (1 - SHRINK_EXPONENT)) * arguments**SHRINK_EXPONENT

    assert ((exact - exact.floor() - 0.5).abs() > 1e-9).all()
    assert torch.equal(table_of(SHRINK_EXPONENT)[1:], torch.floor(exact + 0.5).long())


@pytest.mark.parametrize(
    "outputs",
    [(0,) * 10, (OUTPUT_OFFSET - 1,) * 10, (1 - OUTPUT_OFFSET,) * 10, tuple(range(-5, 5))],
)
def test_words_of_outputs__unpacked__are_the_outputs(outputs: tuple[int, ...]) -> None:
    assert unpack_outputs(pack_outputs(outputs)) == outputs


@pytest.mark.parametrize("value", [OUTPUT_OFFSET, -OUTPUT_OFFSET])
def test_words_of_outputs__one_that_no_digit_holds__is_refused(value: int) -> None:
    with pytest.raises(ValueError, match="score"):
        pack_outputs((0, 0, 0, value, *(0,) * 6))


def test_words_of_outputs__a_number_beyond_ten_digits__is_refused() -> None:
    with pytest.raises(ValueError, match="no word"):
        unpack_outputs(pack_outputs((0,) * 10) + (1 << 230))


def test_words_of_features__one_digit_changed__are_others() -> None:
    encoded = [ENCODED_ONE] * len(FEATURES)
    words = {feature_words(encoded)}
    for place in range(len(FEATURES)):
        words.add(feature_words([*encoded[:place], 0, *encoded[place + 1 :]]))

    assert len(words) == len(FEATURES) + 1


def test_credit_reads__of_both_models__are_the_same_features() -> None:
    assert set(CREDIT_READS) == set(DIRECTIONS)


def test_check_tables__a_first_layer_beyond_the_table__is_refused() -> None:
    network = random_network()
    with pytest.raises(TableOverflow, match="fraud_1"):
        check_tables(replace(network, fraud_1=network.fraud_1 * 40))


def test_check_tables__an_output_beyond_its_digit__is_refused() -> None:
    network = random_network()
    with pytest.raises(TableOverflow, match="score"):
        check_tables(replace(network, default_out=network.default_out.abs() * 100))


def test_check_tables__a_bias_that_float32_rounds__is_refused() -> None:
    network = random_network()
    with pytest.raises(TableOverflow, match="output_bias"):
        check_tables(replace(network, output_bias=network.output_bias + 2**25))


def test_fits__a_wallet_that_leaves_a_later_table__is_told_before_it_is_proven() -> None:
    network = random_network()
    small = replace(network, fraud_2=network.fraud_2.abs() * 200, fraud_1=network.fraud_1.abs())
    chain = torch.zeros(2, len(FEATURES), dtype=torch.int64)
    chain[1, 20:] = ENCODED_ONE

    assert small.fits(chain).tolist() == [True, False]
    with pytest.raises(OutsideTables):
        small(chain)


def test_weights__written_and_read__are_the_same_network(tmp_path: Path) -> None:
    network = random_network()
    save_table_weights(network, tmp_path / "weights.json")
    chain = torch.randint(0, ENCODED_ONE + 1, (20, len(FEATURES)), generator=torch.Generator().manual_seed(1))

    assert torch.equal(load_table_weights(tmp_path / "weights.json")(chain), network(chain))


def test_weights__of_another_table__are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.json"
    save_table_weights(random_network(), path)
    content = json.loads(path.read_text())
    content["format"]["table"] = [-1, 1]
    path.write_text(json.dumps(content))

    with pytest.raises(ConfigurationFault, match="another table format"):
        load_table_weights(path)
