"""Put the fitted parts into one network on the fixed-point grid: trunks, calibration, category, score."""

import copy
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from oracle.assessment.features import FEATURES, PRIVATE_FEATURES
from oracle.assessment.outputs import OUTPUTS
from oracle.models.fixed_point import BIAS_BITS, INPUT_BITS, WEIGHT_BITS
from oracle.models.network import CARD, CREDIT, FRAUD, HOME, RiskNetwork
from oracle.models.policy import Policy
from oracle.models.quantise import quantise_
from oracle.training.accounts import Accounts
from oracle.training.book import Book
from oracle.training.calibration import Curve, curve_through, isotonic_knots, platt_knots
from oracle.training.fit import Trunk, as_inputs
from oracle.training.split import TRAIN, VALIDATION

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

# Log odds over two and over four: keeps the slopes from score to probability well above the grid's step, and the
# fraud score's largest possible value inside the range check.
DEFAULT_SCALE: Final = 0.5
FRAUD_SCALE: Final = 0.25
_SMALLEST_PASSPORT_WEIGHT = 0.2
_TIE_BREAK = 2.0**-BIAS_BITS
_OUTPUT = {output.name: index for index, output in enumerate(OUTPUTS)}


@dataclass(frozen=True, slots=True)
class Curves:
    """The calibration curves as they stand in the network."""

    default: Curve
    fraud: Curve
    score: Curve


@dataclass(frozen=True, slots=True)
class Trunks:
    """The fitted trunks, and what a passport's log likelihood ratio weighs in the score of a loan."""

    credit: Trunk
    fraud: Trunk
    home: Trunk
    card: Trunk
    passport_weights: tuple[float, float]


def weigh_passports(credit: Trunk, home: Trunk, card: Trunk, book: Book) -> tuple[float, float]:
    """Return how much each passport's log likelihood ratio moves the log odds of an event, from the training period.

    Less than 1: a passport speaks of repayment only, and an event is also a fall of the price.
    """
    own = book.part == TRAIN
    chain, private = book.chain[own], book.private[own]
    with torch.no_grad():
        columns = [
            trunk(as_inputs(block))[:, 0].double().numpy()
            for trunk, block in ((credit, chain[:, CREDIT]), (home, private[:, HOME]), (card, private[:, CARD]))
        ]
    fitted = LogisticRegression(C=1e6).fit(np.stack(columns, axis=1), book.event[own], sample_weight=book.weight[own])
    scale, *weights = fitted.coef_[0]
    return (_share_of(weights[0] / scale), _share_of(weights[1] / scale))


def _share_of(weight: float) -> float:
    return float(min(max(weight, _SMALLEST_PASSPORT_WEIGHT), 1.0))


def install_scores(network: RiskNetwork, trunks: Trunks, book: Book, accounts: Accounts, policy: Policy) -> Curves:
    """Install the trunks, calibrate their quantised scores, and write the outputs that follow from them, in place.

    The default curve is fitted to the structural probability, because one period's market is not the next one's; the
    fraud curve to validation accounts.
    """
    points, fraud_levels = policy.default_points(), policy.fraud_levels()
    default_levels = tuple(level for level, _ in points)
    with torch.no_grad():
        network.outputs.weight.zero_()
        network.outputs.bias.zero_()
        for name in ("credit", "fraud", "home", "card"):
            trunk: Trunk = getattr(trunks, name)
            for depth, layer in ((1, trunk.first), (2, trunk.second)):
                network.layer(f"{name}_{depth}").load_state_dict(layer.state_dict())
    for hinges, head in _heads(trunks).items():
        _fill(network.layer(hinges), head.expand(network.layer(hinges).out_features, -1))
    exact = copy.deepcopy(network)
    quantise_(network)
    _round_heads(network, exact, book, accounts)
    # A passport says more than the structural probability knows.
    known = ((book.part == TRAIN) | (book.part == VALIDATION)) & (book.private == 0).all(axis=1)
    default_scores = scores_of(network, book.chain, book.private)[0][known]
    judged = (accounts.part == VALIDATION) & ~accounts.empty
    fraud_scores = scores_of(network, fraud_rows(accounts.encoded))[1][judged]
    default_knots = isotonic_knots(default_scores, book.structural[known], default_levels, book.weight[known])
    fraud_knots = platt_knots(fraud_scores, accounts.fraud[judged], fraud_levels)
    with torch.no_grad():
        network.default_hinges.bias.copy_(-torch.tensor(default_knots))
        network.fraud_hinges.bias.copy_(-torch.tensor(fraud_knots))
    default = curve_through(default_knots, default_levels)
    fraud_curve = curve_through(fraud_knots, fraud_levels)
    rate = tuple(policy.base_rate + policy.margin + policy.loss_given_default * level for level in default_levels)
    _set_curve(network, "probability_of_default", default, offset=0)
    _set_curve(network, "fraud_likelihood", fraud_curve, offset=len(default_knots))
    score = curve_through(default_knots, tuple(value for _, value in points))
    _set_curve(network, "score", score, offset=0)
    _set_curve(network, "interest_rate", curve_through(default_knots, rate), offset=0)
    _set_category(network, default_levels, fraud_levels, policy)
    quantise_(network)
    return Curves(default, fraud_curve, score)


def unrounded(network: RiskNetwork, trunks: Trunks) -> RiskNetwork:
    """Return the network with its trunks and score weights as they were before rounding, behind the same curves."""
    exact = copy.deepcopy(network).double()
    with torch.no_grad():
        for name in ("credit", "fraud", "home", "card"):
            trunk: Trunk = getattr(trunks, name)
            for depth, layer in ((1, trunk.first), (2, trunk.second)):
                exact.layer(f"{name}_{depth}").weight.copy_(layer.weight)
                exact.layer(f"{name}_{depth}").bias.copy_(layer.bias)
        for hinges, head in _heads(trunks).items():
            exact.layer(hinges).weight.copy_(head.expand(exact.layer(hinges).out_features, -1))
    return exact


def _round_heads(network: RiskNetwork, exact: RiskNetwork, book: Book, accounts: Accounts) -> None:
    # Rounding two hidden layers shifts the score: choose the head's grid points, one after another, to undo it.
    rows = book.part == TRAIN
    known = accounts.part == TRAIN
    flow = fraud_rows(accounts.encoded)[known]
    for which, name, chain, private in (
        (0, "default_hinges", book.chain[rows], book.private[rows]),
        (1, "fraud_hinges", flow, None),
    ):
        wanted = scores_of(exact, chain, private)[which]
        hidden = hidden_of(network, chain, private)[which]
        layer = network.layer(name)
        start = layer.weight.detach().double()[0].numpy()
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(round_to_match(hidden, wanted, start)).expand(layer.out_features, -1))


def round_to_match(hidden: Floats, wanted: Floats, start: Floats) -> Floats:
    """Return weights on the grid, within two steps of `start` and of its sign, with hidden @ weights near `wanted`.

    Greedy: round one weight, then let least squares move those that are left.
    """
    step = 2.0**-WEIGHT_BITS
    weights = start.copy()
    # Ridge: columns that hardly vary stay where they are.
    ridge = 1e-3 * float(np.mean(hidden**2)) * len(hidden)
    for column in range(len(weights)):
        left = slice(column, None)
        open_columns = hidden[:, left]
        residual = wanted - hidden @ weights
        gram = open_columns.T @ open_columns + ridge * np.eye(open_columns.shape[1])
        weights[left] += np.linalg.solve(gram, open_columns.T @ residual)
        own = np.clip(weights[column], start[column] - 2 * step, start[column] + 2 * step)
        own = max(own, 0.0) if start[column] >= 0 else min(own, 0.0)
        weights[column] = np.round(own / step) * step
    return weights


def _heads(trunks: Trunks) -> dict[str, Tensor]:
    home, card = trunks.passport_weights
    default = [trunks.credit.head.weight, home * trunks.home.head.weight, card * trunks.card.head.weight]
    return {
        "default_hinges": torch.cat(default, dim=1) * DEFAULT_SCALE,
        "fraud_hinges": trunks.fraud.head.weight * FRAUD_SCALE,
    }


def _fill(layer: nn.Linear, weight: Tensor) -> None:
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.zero_()


def scores_of(network: RiskNetwork, chain: Codes, private: Codes | None = None) -> tuple[Floats, Floats]:
    """Return the default and fraud scores (n,), each before its hinges' knots, in double precision."""
    default, fraud = hidden_of(network, chain, private)
    heads = [network.layer(name).weight.detach().double()[0].numpy() for name in ("default_hinges", "fraud_hinges")]
    return default @ heads[0], fraud @ heads[1]


def hidden_of(network: RiskNetwork, chain: Codes, private: Codes | None = None) -> tuple[Floats, Floats]:
    """Return what the default hinges and the fraud hinges read, in double precision."""
    rows = torch.from_numpy(chain).double() / 2**INPUT_BITS
    own = torch.zeros(len(chain), len(PRIVATE_FEATURES), dtype=torch.float64)
    if private is not None:
        own = torch.from_numpy(private).double() / 2**INPUT_BITS
    hidden = {}
    with torch.no_grad():
        for name, values in (
            ("credit", rows[:, CREDIT]),
            ("home", own[:, HOME]),
            ("card", own[:, CARD]),
            ("fraud", rows[:, FRAUD]),
        ):
            for depth in (1, 2):
                layer = network.layer(f"{name}_{depth}")
                values = torch.relu(values @ layer.weight.double().T + layer.bias.double())
            hidden[name] = values
        default = torch.cat([hidden["credit"], hidden["home"], hidden["card"]], dim=1)
    return np.asarray(default.numpy()), np.asarray(hidden["fraud"].numpy())


def _set_curve(network: RiskNetwork, output: str, curve: Curve, offset: int) -> None:
    row = _OUTPUT[output]
    with torch.no_grad():
        network.outputs.weight[row, offset : offset + len(curve.coefficients)] = torch.tensor(curve.coefficients)
        network.outputs.bias[row] = curve.start


def _set_category(
    network: RiskNetwork, default_levels: tuple[float, ...], fraud_levels: tuple[float, ...], policy: Policy
) -> None:
    # Medium's margin is 0. A hinge at a threshold is positive exactly beyond it, and a sum of two such hinges
    # exactly when either is: so low and high are the policy's "either probability" rules.
    with torch.no_grad():
        for name, sign, default, fraud in (
            ("risk_low", -1.0, policy.medium_default, policy.medium_fraud),
            ("risk_high", 1.0, policy.high_default, policy.high_fraud),
        ):
            row = _OUTPUT[name]
            network.outputs.weight[row, default_levels.index(default)] = sign
            network.outputs.weight[row, len(default_levels) + fraud_levels.index(fraud)] = sign
            network.outputs.bias[row] = -sign * _TIE_BREAK


def fraud_rows(encoded: Codes) -> Codes:
    """Return full chain rows (n, 32) for accounts: their encoded flow features (n, 12), all else 0."""
    chain = np.zeros((len(encoded), len(FEATURES)), dtype=np.int64)
    chain[:, FRAUD] = encoded
    return chain
