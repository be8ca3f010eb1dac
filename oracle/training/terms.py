"""Install what the context trunk carries: confidence, exactly, and the two terms distilled from their rules."""

from typing import Final

import numpy as np
import torch
from torch import nn
from torch.nn.functional import mse_loss

from oracle.assessment.features import FEATURES
from oracle.assessment.outputs import OUTPUTS
from oracle.models.fixed_point import INPUT_BITS
from oracle.models.network import CONTEXT, CREDIT, RiskNetwork
from oracle.models.policy import Policy
from oracle.models.quantise import quantise_
from oracle.training.book import Book
from oracle.training.fit import batches
from oracle.training.rules import Terms
from oracle.training.split import TEST, TRAIN

_OUTPUT: Final = {output.name: index for index, output in enumerate(OUTPUTS)}
_NAMES: Final = [feature.name for feature in FEATURES[CONTEXT]]
_READ: Final = ("market_volatility", "loan_to_value", "loan_duration")
_EPOCHS, _BATCH, _RATE = 150, 512, 1e-2
# Terms units: what confidence loses, the two terms, and by how much the loss exceeds 1.
_LOST, _DURATION, _MAXIMUM_LTV, _EXCESS = range(4)


def install_terms(network: RiskNetwork, book: Book, terms: Terms, policy: Policy, seed: int) -> None:
    """Install confidence and the distilled terms, in place."""
    with torch.no_grad():
        for layer in (network.context_1, network.context_2, network.terms_units):
            layer.weight.zero_()
            layer.bias.zero_()
    taken = _install_confidence(network, book, policy)
    _distil_terms(network, book, terms, seed, taken)
    quantise_(network)


def install_confidence(network: RiskNetwork, book: Book, policy: Policy) -> RiskNetwork:
    """Install confidence alone, in place, in a network that has it by a policy with as many terms; return the network.

    All that was learned stays as it is.
    """
    with torch.no_grad():
        for unit in range(len(policy.depth_terms) + len(policy.distance_terms)):
            if network.context_2.weight[1:, unit].any():
                break  # the first unit that the distilled terms read
            network.context_1.weight[unit].zero_()
            network.context_1.bias[unit].zero_()
    _install_confidence(network, book, policy)
    return network


def training_bounds(book: Book, policy: Policy) -> dict[tuple[str, str], float]:
    """Return, for each of the policy's distance terms, the quantile of the training loans as a fraction."""
    train = book.chain[book.part == TRAIN] / 2**INPUT_BITS
    tail = policy.training_quantile
    return {
        (name, side): float(
            np.quantile(train[:, CONTEXT.start + _NAMES.index(name)], 1 - tail if side == "above" else tail)
        )
        for name, side, _ in policy.distance_terms
    }


def _install_confidence(network: RiskNetwork, book: Book, policy: Policy) -> int:
    # One unit for each thing that costs confidence; the unit above adds them up. Confidence is 1 - lost, but never
    # below 0: 1 - lost + max(lost - 1, 0).
    units = [(name, -cost / deep, cost) for name, deep, cost in policy.depth_terms]
    bounds = training_bounds(book, policy)
    for name, side, cost in policy.distance_terms:
        bound = bounds[name, side]
        if side == "above" and bound < 1:
            units.append((name, cost / (1 - bound), -cost * bound / (1 - bound)))
        elif side == "below" and bound > 0:
            units.append((name, -cost / bound, cost))
    first_unit = network.shape.hinges - network.shape.terms_units
    with torch.no_grad():
        for unit, (name, slope, start) in enumerate(units):
            network.context_1.weight[unit, _NAMES.index(name)] = slope
            network.context_1.bias[unit] = start
            network.context_2.weight[0, unit] = 1.0
        network.terms_units.weight[_LOST, 0] = network.terms_units.weight[_EXCESS, 0] = 1.0
        network.terms_units.bias[_EXCESS] = -1.0
        network.outputs.weight[_OUTPUT["confidence"], first_unit + _LOST] = -1.0
        network.outputs.weight[_OUTPUT["confidence"], first_unit + _EXCESS] = 1.0
        network.outputs.bias[_OUTPUT["confidence"]] = 1.0
    return len(units)


def _distil_terms(network: RiskNetwork, book: Book, terms: Terms, seed: int, taken: int) -> None:
    chosen = np.flatnonzero(book.part != TEST)
    chain = torch.tensor(book.chain[chosen] / 2**INPUT_BITS, dtype=torch.float32)
    wanted = torch.tensor(np.stack([terms.duration, terms.maximum_ltv], axis=1)[chosen], dtype=torch.float32)
    block = torch.tensor(book.chain[chosen][:, CREDIT] / 2**INPUT_BITS, dtype=torch.float32)
    with torch.no_grad():
        credit = torch.relu(network.layer("credit_1")(block))
    columns = [CONTEXT.start + _NAMES.index(name) for name in _READ]
    torch.manual_seed(seed)
    shape = network.shape
    first = nn.Linear(len(columns), shape.context[0] - taken)
    second = nn.Linear(first.out_features + shape.credit[0], shape.context[1] - 1)
    third = nn.Linear(second.out_features, 2)
    with torch.no_grad():
        third.bias.fill_(0.5)  # starts inside the ReLU's live side
    parameters = [*first.parameters(), *second.parameters(), *third.parameters()]
    steps = -(-len(chosen) // _BATCH) * _EPOCHS
    optimizer = torch.optim.Adam(parameters, lr=_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, total_steps=steps)
    for rows in batches(len(chosen), _BATCH, _EPOCHS, seed):
        hidden = torch.cat([torch.relu(first(chain[rows][:, columns])), credit[rows]], dim=1)
        # The ReLU is left out while fitting, so that no unit can die; the rules' answers are never negative.
        loss = mse_loss(third(torch.relu(second(hidden))), wanted[rows])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    first_unit = shape.hinges - shape.terms_units
    with torch.no_grad():
        for unit in range(first.out_features):
            for position, name in enumerate(_READ):
                network.context_1.weight[taken + unit, _NAMES.index(name)] = first.weight[unit, position]
        network.context_1.bias[taken:] = first.bias
        network.context_2.weight[1:, taken:] = second.weight
        network.context_2.bias[1:] = second.bias
        network.terms_units.weight[_DURATION : _MAXIMUM_LTV + 1, 1:] = third.weight
        network.terms_units.bias[_DURATION : _MAXIMUM_LTV + 1] = third.bias
        network.outputs.weight[_OUTPUT["duration"], first_unit + _DURATION] = 1.0
        network.outputs.weight[_OUTPUT["maximum_ltv"], first_unit + _MAXIMUM_LTV] = 1.0
