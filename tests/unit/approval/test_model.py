"""The model is exact: what goes through the slots is what it says in the clear, on every row of any answers."""

from dataclasses import replace

import numpy as np
import pytest

from oracle.approval.errors import InvalidAnswer, ModelFault, Unopened
from oracle.approval.fields import BY_NAME, FIELDS, PARTIES
from oracle.approval.layout import (
    BLOCKS,
    CHECK,
    LANES,
    RING_SLOTS,
    SLOTS,
    Layout,
    centred,
    clear_row,
    placed,
)
from oracle.approval.model import CardModel, load_model

HALF_OF_THE_SPACE = 274_881_052_673 // 2


def evaluated(layout: Layout, levels: dict[str, int], number: int = 1) -> tuple[np.ndarray, list[np.ndarray]]:
    """What the engine computes, in the clear, and what opens the what-ifs of it."""
    features, blinds, masks = (np.zeros(RING_SLOTS, dtype=np.int64) for _ in range(3))
    told = []
    for party in PARTIES:
        own = {name: level for name, level in levels.items() if BY_NAME[name].party == party}
        features += layout.features(party, own, number)
        drawn = layout.blinds(party)
        blinds += drawn.blinds * layout.first_lanes
        masks += drawn.masks
        told.append(drawn.sums[number - 1])
    spread = np.repeat(blinds.reshape(-1, LANES)[:, 0], LANES)
    weights, constants, own_lanes = (placed(row, number) for row in (layout.weights, layout.constants, layout.own))
    return centred(features * weights * spread + constants * spread + masks * own_lanes), told


@pytest.mark.parametrize("name", ["fair", "reference"])
def test_slots__when_evaluated_on_any_answers__then_they_say_what_the_model_says(name: str) -> None:
    layout, drawn = Layout(load_model(name)), np.random.default_rng(1)
    for turn in range(200):
        number = turn % 8 + 1
        levels = {field.name: int(drawn.integers(len(field.levels))) for field in layout.model.fields}
        decision, what_ifs = clear_row(layout, levels)
        slots, masks = evaluated(layout, levels, number)
        sums = layout.sums(slots, number)
        assert layout.decision(sums) == decision
        opened = layout.answers(sums, masks)
        assert opened == what_ifs
        assert len(opened) >= 12


def test_masks__when_two_of_three_are_known__then_lanes_and_what_ifs_are_hidden_by_the_third() -> None:
    layout = Layout(load_model())
    asked = 1 + len(layout.what_ifs)
    made = [layout.blinds("bank") for _ in range(40)]
    masks = np.array([one.masks.reshape(8, BLOCKS, LANES) for one in made])
    sums = np.array([one.sums for one in made])[:, :, : asked - 1]
    whole = centred(masks.sum(axis=3))
    shifts = centred(whole[:, :, 1:asked] - sums)
    # A block's masks add up to its shift, and a what-if's to its pledged sum besides; each is below its blind.
    blinds = np.array([one.blinds.reshape(8, BLOCKS, LANES)[:, :, 0] for one in made])
    for found, block in ((whole[:, :, :1], slice(0, 1)), (shifts, slice(1, asked))):
        assert (found >= 0).all()
        assert (found < blinds[:, :, block]).all()
    # Every lane, and what a what-if adds up to, is anywhere in the space: mean and spread are those of all its numbers.
    for lanes in (masks[:, :, :asked], sums):
        assert lanes.min() >= -HALF_OF_THE_SPACE - 1
        assert abs(centred(lanes).mean()) < 0.05 * HALF_OF_THE_SPACE
        assert abs(centred(lanes).std() / (HALF_OF_THE_SPACE / np.sqrt(3)) - 1) < 0.03
    assert len(np.unique(masks[:, :, :asked])) > 0.999 * masks[:, :, :asked].size
    assert not masks[:, :, asked : BLOCKS - 1].any()


@pytest.mark.parametrize("name", ["fair", "reference"])
def test_slots__when_a_margin_is_the_largest__then_it_stays_in_the_plaintext_space(name: str) -> None:
    model = load_model(name)
    reached = abs(model.intercept) + sum(max(map(abs, row)) for row in model.weights.values())
    largest_blinds = 3 * (1 << 22)
    assert (2 * reached + 1) * largest_blinds + largest_blinds < HALF_OF_THE_SPACE
    assert (2 * 5_400 + 1) * largest_blinds + largest_blinds < HALF_OF_THE_SPACE
    assert HALF_OF_THE_SPACE * 0.8 < CHECK < HALF_OF_THE_SPACE


def test_model__when_its_weights_could_leave_the_space__then_it_is_refused() -> None:
    model = load_model()
    with pytest.raises(ModelFault, match="plaintext space"):
        replace(model, weights={**model.weights, "own_car": (0, 5_000)})
    with pytest.raises(ModelFault, match="zero"):
        replace(model, weights={**model.weights, "own_car": (1, 1)})
    with pytest.raises(ModelFault, match="no field"):
        replace(model, weights={**model.weights, "gender": (0, 1)})


def test_model__when_a_weight_differs__then_so_does_its_digest() -> None:
    model = load_model()
    assert replace(model, weights={**model.weights, "own_car": (0, 1)}).digest != model.digest
    assert replace(model, intercept=model.intercept + 1).digest != model.digest


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name":"x","scale":1,"intercept":0,"weights":{"own_car":"no"}}'])
def test_model__when_the_file_is_none__then_it_is_refused(text: str) -> None:
    with pytest.raises(ModelFault):
        CardModel.parse(text)


@pytest.mark.parametrize(
    ("field", "answer", "level", "told"),
    [
        ("years_employed", 0.1, "0-2", "taken as 0.2"),
        ("years_employed", 2, "2-5", None),
        ("years_employed", 50, "18+", "taken as 40.76"),
        ("annual_income", 89_999, "0-90000", None),
        ("annual_income", 10**9, "225000+", "taken as 1.575e+06"),
        ("account_months", None, "unknown", None),
        ("occupation_type", "IT staff", "unknown", "not in the table"),
        ("housing_type", "Castle", "House / apartment", "not in the table"),
        ("education_type", "Academic degree", "Higher education / Academic degree", None),
        ("own_car", True, "yes", None),
    ],
)
def test_answer__when_outside_the_table__then_it_is_clipped_and_told(
    field: str, answer: object, level: str, told: str | None
) -> None:
    found, note = BY_NAME[field].level_of(answer)  # type: ignore[arg-type]
    assert BY_NAME[field].levels[found] == level
    assert (note is None) == (told is None)
    assert told is None or (note is not None and told in note)


@pytest.mark.parametrize("field", [field.name for field in FIELDS])
@pytest.mark.parametrize("answer", [b"bytes", [1], "7" * 9])
def test_answer__when_of_the_wrong_kind__then_it_is_refused_or_told(field: str, answer: object) -> None:
    if isinstance(answer, str) and BY_NAME[field].labels:
        assert BY_NAME[field].level_of(answer)[1] is not None
        return
    with pytest.raises(InvalidAnswer, match=field):
        BY_NAME[field].level_of(answer)  # type: ignore[arg-type]


def test_form__when_it_answers_anothers_question__then_it_is_refused() -> None:
    with pytest.raises(InvalidAnswer, match="account_months"):
        load_model().levels_of({"account_months": 3, "employed": True, "years_employed": 3}, "agency")


def test_opening__when_anything_but_its_slots_is_there__then_nothing_is_taken_from_it() -> None:
    layout, drawn = Layout(load_model()), np.random.default_rng(2)
    levels = {field.name: field.base for field in layout.model.fields}
    good, masks = evaluated(layout, levels, 3)
    sums = layout.sums(good, 3)
    own = placed(layout.own, 3).reshape(-1, LANES)
    own[2 * BLOCKS : 3 * BLOCKS - 1] = 0
    # The known block, and whatever is not this application's.
    places = np.flatnonzero(own.reshape(RING_SLOTS) | (placed(layout.own, 3) == 0))
    for _ in range(300):
        bad = good.copy()
        bad[int(drawn.choice(places))] += drawn.choice((-1, 1)) * drawn.integers(1, 10**6)
        with pytest.raises(Unopened, match="nobody can tell"):
            layout.sums(bad, 3)
    for bad in (np.zeros(RING_SLOTS, dtype=np.int64), good[:SLOTS], np.roll(good, 1)):
        with pytest.raises(Unopened):
            layout.sums(bad, 3)
    with pytest.raises(Unopened):
        layout.sums(good, 4)
    zero = sums.copy()
    zero[0] = 0
    with pytest.raises(Unopened, match="odd"):
        layout.decision(zero)
    told = [masks[0], masks[1], masks[2].copy()]
    told[2][: len(sums) - 1] += sums[1:] - sum(one[: len(sums) - 1] for one in masks)
    with pytest.raises(Unopened, match="odd"):
        layout.answers(sums, told)


def test_explanation__when_denied__then_the_smallest_change_upwards_is_told() -> None:
    layout = Layout(load_model())
    answers = [what_if.told in ("5-8", "11-18", "yes") for what_if in layout.what_ifs]
    told = layout.explain({"years_employed": 1}, answers)
    assert told["years_employed"] == "5-8"
    assert layout.explain({"years_employed": 2}, answers)["years_employed"] == "11-18"
    assert told["own_property"] == "yes"
    assert told["annual_income"] is None
