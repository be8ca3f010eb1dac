"""Put the batch model's fitted parts into one network of integers: trunks, curves, category, terms, confidence."""

from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from oracle.assessment.features import ENCODED_ONE, FEATURES
from oracle.assessment.outputs import OUTPUTS
from oracle.assessment.words import OUTPUT_OFFSET
from oracle.models.fixed_point import OUTPUT_BITS
from oracle.models.policy import Policy
from oracle.models.table_format import HIGHEST, SHRINK_EXPONENT, table_of
from oracle.models.table_net import (
    CONFIDENCE,
    DEFAULT,
    FRAUD_LIKELIHOOD,
    RATE,
    SCORE,
    TERMS_ROWS,
    TableNetwork,
    check_tables,
    read_features,
)
from oracle.training.accounts import Accounts
from oracle.training.assemble import fraud_rows
from oracle.training.book import Book
from oracle.training.calibration import isotonic_knots, platt_knots
from oracle.training.rules import apply_rules
from oracle.training.split import TRAIN, VALIDATION
from oracle.training.table_terms import TermsTrunk, fit_terms
from oracle.training.table_trunk import TableTrunk
from oracle.training.terms import training_bounds

Floats = npt.NDArray[np.float64]

FRACTION_BITS: Final = 20
"""Of outputs that are fractions; the distilled terms may have fewer, a margin has none."""
_NAMES: Final = [feature.name for feature in FEATURES]
_MARGINS: Final = 3
# A weight is rounded by half a step: one more for each unit is room enough.
SHRINK_TOP: Final = int(table_of(SHRINK_EXPONENT)[HIGHEST]) + 1


class CommonScale:
    """A table network as whatever judges networks expects it: OUTPUT_BITS each, private features unread."""

    def __init__(self, network: TableNetwork) -> None:
        self._network, self._shift = network, OUTPUT_BITS - network.scales

    def __call__(self, chain: Tensor, private: Tensor) -> Tensor:
        """Return the outputs of encoded features (n, 32)."""
        return self._network(chain) << self._shift


def assemble(
    fraud: TableTrunk, credit: TableTrunk, book: Book, accounts: Accounts, policy: Policy, seed: int
) -> TableNetwork:
    """Return the finished network; raises TableOverflow or ValueError for trunks that it cannot hold.

    The default curve is fitted to the structural probability of the loans before the last period, the fraud curve to
    validation accounts, as the single model's.
    """
    network = with_trunks(fraud, credit)
    network = _with_curves(network, book, accounts, policy)
    network = _with_confidence(network, book, policy)
    terms = apply_rules(CommonScale(network), book, policy)  # type: ignore[arg-type] # it only calls it
    network = _with_terms(network, fit_terms(network, book, terms, seed))
    check_tables(network)
    return network


def integer_curve(knots: list[int], values: tuple[float, ...]) -> tuple[int, list[int]]:
    """Return start and coefficients, in 2^-FRACTION_BITS, of the curve through (knots, values); see `calibration`.

    Raises ValueError where a segment would come out flat or turn around.
    """
    reached = start = round(values[0] * 2**FRACTION_BITS)
    slopes = [0]
    for (left, right), wanted in zip(pairwise(knots), values[1:], strict=True):
        slope = round((wanted * 2**FRACTION_BITS - reached) / (right - left))
        if slope * (values[-1] - values[0]) <= 0:
            raise ValueError(f"the segment from {left} to {right} is flat on the output's grid: spread the score")
        reached += slope * (right - left)
        slopes.append(slope)
    slopes.append(0)
    return start, [after - before for before, after in pairwise(slopes)]


def with_trunks(fraud: TableTrunk, credit: TableTrunk) -> TableNetwork:
    """Return a network that has the trunks alone: its curves, terms and confidence are nothing yet."""
    layers: dict[str, Tensor] = {}
    for name, trunk in (("fraud", fraud), ("credit", credit)):
        for place, (weight, bias) in enumerate(trunk.integers(), start=1):
            layers[f"{name}_{place}"] = weight
            if place < len(trunk.layers):
                layers[f"{name}_{place}_bias"] = bias
    nothing = {
        "fraud_knots": (1,),
        "fraud_out": (1, 1),
        "default_knots": (1,),
        "default_out": (3, 1),
        "terms_1": (1, 3),
        "terms_1_bias": (1,),
        "terms_2": (1, 1 + len(layers["credit_1"])),
        "terms_2_bias": (1,),
        "terms_out": (2, 1),
        "confidence_columns": (1,),
        "confidence_signs": (1,),
        "confidence_bias": (1,),
        "confidence_out": (1, 1),
        "output_bias": (len(OUTPUTS),),
        "hinges": (4,),
    }
    layers |= {name: torch.zeros(shape, dtype=torch.int64) for name, shape in nothing.items()}
    scales = torch.tensor([0] * _MARGINS + [FRACTION_BITS] * (len(OUTPUTS) - _MARGINS))
    return TableNetwork(**layers, scales=scales)


def _with_curves(network: TableNetwork, book: Book, accounts: Accounts, policy: Policy) -> TableNetwork:
    points, fraud_levels = policy.default_points(), policy.fraud_levels()
    default_levels = tuple(level for level, _ in points)
    known = ((book.part == TRAIN) | (book.part == VALIDATION)) & (book.private == 0).all(axis=1)
    read = read_features(torch.from_numpy(book.chain[known]))
    scores = network.credit_scores(read)[0][:, 0].numpy().astype(np.float64)
    default = isotonic_knots(scores, book.structural[known], default_levels, book.weight[known])
    judged = (accounts.part == VALIDATION) & ~accounts.empty
    flow = read_features(torch.from_numpy(fraud_rows(accounts.encoded[judged])))
    scores = network.fraud_scores(flow)[:, 0].numpy().astype(np.float64)
    fraud = platt_knots(scores, accounts.fraud[judged], fraud_levels)
    default_knots, fraud_knots = ([round(knot) for knot in knots] for knots in (default, fraud))
    rates = tuple(policy.base_rate + policy.margin + policy.loss_given_default * level for level in default_levels)
    bias, rows = torch.zeros(len(OUTPUTS), dtype=torch.int64), {}
    for row, values in (
        (SCORE, tuple(value for _, value in points)),
        (DEFAULT, default_levels),
        (RATE, rates),
    ):
        bias[row], rows[row] = integer_curve(default_knots, values)
    bias[FRAUD_LIKELIHOOD], fraud_out = integer_curve(fraud_knots, fraud_levels)
    # A hinge at a threshold is positive exactly beyond it; medium's margin is 0, and a tie goes to the riskier one.
    bias[0], bias[2] = 1, -1
    return replace(
        network,
        default_knots=torch.tensor(default_knots),
        fraud_knots=torch.tensor(fraud_knots),
        default_out=torch.tensor(list(rows.values())),
        fraud_out=torch.tensor([fraud_out]),
        output_bias=bias,
        hinges=torch.tensor(
            [
                default_levels.index(policy.medium_default),
                default_levels.index(policy.high_default),
                fraud_levels.index(policy.medium_fraud),
                fraud_levels.index(policy.high_fraud),
            ]
        ),
    )


def _with_confidence(network: TableNetwork, book: Book, policy: Policy) -> TableNetwork:
    one, units = 2**FRACTION_BITS, []
    # (feature, sign, encoded bound, what is lost at the feature's end beyond it)
    for name, deep, cost in policy.depth_terms:
        units.append((_NAMES.index(name), -1, round(deep * ENCODED_ONE), cost))
    bounds = training_bounds(book, policy)
    for name, side, cost in policy.distance_terms:
        bound = round(bounds[name, side] * ENCODED_ONE)
        if (side == "above" and bound < ENCODED_ONE) or (side == "below" and bound > 0):
            units.append((_NAMES.index(name), 1 if side == "above" else -1, bound, cost))
    reach = [bound if sign < 0 else ENCODED_ONE - bound for _, sign, bound, _ in units]
    bias = network.output_bias.clone()
    bias[CONFIDENCE] = one
    return replace(
        network,
        confidence_columns=torch.tensor([column for column, *_ in units]),
        confidence_signs=torch.tensor([sign for _, sign, *_ in units]),
        confidence_bias=torch.tensor([-sign * bound for _, sign, bound, _ in units]),
        confidence_out=torch.tensor([[-round(cost * one / far) for (*_, cost), far in zip(units, reach, strict=True)]]),
        output_bias=bias,
    )


def _with_terms(network: TableNetwork, trunk: TermsTrunk) -> TableNetwork:
    with torch.no_grad():
        first = trunk.steps(trunk.first, *trunk.meant(), torch.ones(1))
        second = trunk.steps(trunk.second, trunk.second.weight, trunk.second.bias, trunk.unit())
        weight, start = trunk.third.weight / trunk.second.unit_after(), trunk.third.bias
        # As many bits as leave the digit room for whatever the tables let through.
        reach = (
            torch.maximum(weight.clamp(min=0).sum(dim=1), -weight.clamp(max=0).sum(dim=1)) * SHRINK_TOP + start.abs()
        )
        bits = torch.floor(torch.log2(OUTPUT_OFFSET / reach)).clamp(max=FRACTION_BITS).long()
        out = torch.round(weight * 2.0 ** bits[:, None]).long()
    bias, scales = network.output_bias.clone(), network.scales.clone()
    bias[list(TERMS_ROWS)] = torch.round(start.detach() * 2.0**bits).long()
    scales[list(TERMS_ROWS)] = bits
    return replace(
        network,
        terms_1=first[0].long(),
        terms_1_bias=first[1].long(),
        terms_2=second[0].long(),
        terms_2_bias=second[1].long(),
        terms_out=out,
        output_bias=bias,
        scales=scales,
    )
