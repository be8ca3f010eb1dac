"""Why a wallet has its score, and what would change it: exact attributions, and recourse that the model confirms.

The network is piecewise linear, so the gradient along the straight line from a reference wallet to this one changes
only at kinks. Found layer by layer, they make the integral a finite sum (integrated gradients, Sundararajan 2017):
the contributions add up to the difference between the two wallets' outputs, with nothing left over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import torch
from torch import Tensor

from oracle.assessment.features import ENCODED_ONE, FEATURES, PRIVATE_FEATURES, encode_all
from oracle.assessment.outputs import OUTPUTS, Category
from oracle.models.inference import Model
from oracle.models.network import CARD, CONTEXT, CREDIT, FRAUD, HOME, RiskNetwork

_COLUMN: Final = {output.name: index for index, output in enumerate(OUTPUTS)}
_PRIVATE = len(PRIVATE_FEATURES)
_SMALLEST_CONTRIBUTION = 0.001
_STEPS = 40


@dataclass(frozen=True, slots=True)
class Reason:
    """One feature's share of an output: `contribution` as a fraction of its full scale, positive where it rises."""

    feature: str
    contribution: float


@dataclass(frozen=True, slots=True)
class Recourse:
    """A change that the model confirmed: in words, and the category it leads to."""

    advice: str
    category: Category


def attribute(
    network: RiskNetwork, chain: Sequence[int], private: Sequence[int], reference: Sequence[int], output: str
) -> list[Reason]:
    """Return the features by how much they move an output away from the reference wallet's, largest first.

    `chain` and `reference` are 32 encoded features, `private` begins with 24; the reference has no passport.
    """
    exact = network.double()
    end = torch.tensor([*chain, *private[:_PRIVATE]], dtype=torch.float64) / ENCODED_ONE
    start = torch.tensor([*reference, *([0] * _PRIVATE)], dtype=torch.float64) / ENCODED_ONE
    places = _kinks(exact, start, end)
    middles = (places[1:] + places[:-1]) / 2
    points = (start + middles[:, None] * (end - start)).requires_grad_(True)
    value = exact(points[:, : len(FEATURES)], points[:, len(FEATURES) :])[:, _COLUMN[output]].sum()
    [gradient] = torch.autograd.grad(value, points)
    shares = (gradient * (places[1:] - places[:-1])[:, None]).sum(dim=0) * (end - start)
    names = [feature.name for feature in (*FEATURES, *PRIVATE_FEATURES)]
    reasons = [Reason(name, float(share)) for name, share in zip(names, shares, strict=True)]
    return sorted(
        (reason for reason in reasons if abs(reason.contribution) >= _SMALLEST_CONTRIBUTION),
        key=lambda reason: -abs(reason.contribution),
    )


def _kinks(network: RiskNetwork, start: Tensor, end: Tensor) -> Tensor:
    places = torch.tensor([0.0, 1.0], dtype=torch.float64)
    for depth in range(3):
        with torch.no_grad():
            values = _before_relu(network, start + places[:, None] * (end - start))[depth]
        left, right = values[:-1], values[1:]
        crossing = (left * right) < 0
        share = torch.where(crossing, left / torch.where(crossing, left - right, torch.ones_like(left)), 0.0)
        found = (places[:-1, None] + share * (places[1:] - places[:-1])[:, None])[crossing]
        places = torch.unique(torch.cat([places, found]))
    return places


def _before_relu(network: RiskNetwork, rows: Tensor) -> list[Tensor]:
    chain, private = rows[:, : len(FEATURES)], rows[:, len(FEATURES) :]
    blocks = {"credit": chain[:, CREDIT], "home": private[:, HOME], "card": private[:, CARD], "fraud": chain[:, FRAUD]}
    first = {name: network.layer(f"{name}_1")(block) for name, block in blocks.items()}
    context = network.context_1(chain[:, CONTEXT])
    second = {name: network.layer(f"{name}_2")(torch.relu(values)) for name, values in first.items()}
    joined = torch.cat([torch.relu(context), torch.relu(first["credit"])], dim=1)
    second["context"] = network.context_2(joined)
    default = torch.cat([torch.relu(second[name]) for name in ("credit", "home", "card")], dim=1)
    hinges = [
        network.default_hinges(default),
        network.fraud_hinges(torch.relu(second["fraud"])),
        network.terms_units(torch.relu(second["context"])),
    ]
    return [
        torch.cat([*first.values(), context], dim=1),
        torch.cat(list(second.values()), dim=1),
        torch.cat(hinges, dim=1),
    ]


def recourse(model: Model, values: Mapping[str, Decimal | None], private: Sequence[int]) -> list[Recourse]:
    """Return the smallest changes that a person can make, each alone, which lead to a better category.

    `values` are the 32 features in their units. Each is found by running the model on the changed features; none is
    returned that the model does not confirm.
    """
    present = model.infer(encode_all(FEATURES, values), private).scores.category
    found = []
    for change in (_smaller_loan, _shorter_loan, _repaid_debt):
        for step in range(1, _STEPS):
            changed = change(values, Decimal(step) / _STEPS)
            if changed is None:
                break
            advice, features = changed
            category = model.infer(encode_all(FEATURES, {**values, **features}), private).scores.category
            if category < present:
                found.append(Recourse(advice, category))
                break
    return found


Changed = tuple[str, dict[str, Decimal | None]]


def _smaller_loan(values: Mapping[str, Decimal | None], share: Decimal) -> Changed | None:
    ltv, volume = values["loan_to_value"], values["loan_to_volume"]
    if ltv is None:
        return None
    smaller = ltv * (1 - share)
    features = {
        "loan_to_value": smaller,
        "collateral_buffer": 1 / smaller - 1,
        "loan_to_volume": None if volume is None else volume * (1 - share),
    }
    return f"borrow {share:.1%} less on the same collateral: loan to value {smaller:.2f}", features


def _shorter_loan(values: Mapping[str, Decimal | None], share: Decimal) -> Changed | None:
    days = values["loan_duration"]
    if days is None or days < 2:
        return None
    shorter = (days * (1 - share)).to_integral_value()
    return f"borrow for {shorter} days instead of {days.normalize():f}", {"loan_duration": shorter}


def _repaid_debt(values: Mapping[str, Decimal | None], share: Decimal) -> Changed | None:
    health, debt = values["health_factor"], values["debt_to_collateral"]
    if health is None or debt is None or not debt.is_finite():
        return None
    features: dict[str, Decimal | None] = {
        "health_factor": health / (1 - share),
        "debt_to_collateral": debt * (1 - share),
    }
    return f"repay {share:.1%} of the open debt: health factor {health / (1 - share):.2f}", features
