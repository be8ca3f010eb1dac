"""The policy that a model was trained with: kept in its folder, and held against its network when it is read.

It is a description, and no part of the model's id: the weights fix categories, score, prices and what confidence costs,
and the proof shows them. What a policy says beyond the weights is read here alone: `thin_below`, and the rules that the
two distilled terms and the loan book follow.
"""

import json
from dataclasses import asdict, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from oracle.assessment.features import FEATURES
from oracle.assessment.outputs import OUTPUTS
from oracle.models.network import CONTEXT, RiskNetwork
from oracle.models.policy import POLICY, Policy, PolicyFault

POLICY_FILE: Final = "policy.json"

# Slopes lie on the weight grid: a level is met to a few thousandths.
_TOLERANCE = 0.004
_OUTPUT: Final = {output.name: index for index, output in enumerate(OUTPUTS)}
_CONTEXT_NAMES: Final = [feature.name for feature in FEATURES[CONTEXT]]


def save_policy(policy: Policy, folder: Path) -> None:
    """Write the policy into a model folder; same policy, same bytes."""
    rows = [f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in asdict(policy).items()]
    (folder / POLICY_FILE).write_text("{\n" + ",\n".join(rows) + "\n}\n")


@lru_cache(maxsize=32)
def policy_of(folder: Path, network: RiskNetwork) -> Policy:
    """Return the policy of a model folder whose weights are `network`; read once for each network in memory.

    A folder without the file is of before policies were kept: it has the default policy, if its network says so too.
    Raises PolicyFault for a damaged file, or one that contradicts the network.
    """
    path = folder / POLICY_FILE
    kept = path.is_file()
    policy = _read(path) if kept else POLICY
    if differences := list(_differences(policy, network)):
        said = f"{path} says" if kept else f"{path} is missing, and the default policy says"
        raise PolicyFault(f"{said} {'; '.join(differences)}: restore the file or train the model again")
    return policy


def _read(path: Path) -> Policy:
    known = [field.name for field in fields(Policy)]
    try:
        content: dict[str, Any] = json.loads(path.read_text())
        if sorted(content) != sorted(known):
            raise PolicyFault(f"{path} holds {sorted(content)}, expected {sorted(known)}")
        return Policy(**{name: _frozen(value) for name, value in content.items()})
    except (OSError, TypeError, ValueError, AttributeError) as error:
        raise PolicyFault(f"{path} holds no policy ({error!r}): restore the file or train the model again") from error


def _frozen(value: Any) -> Any:
    return tuple(_frozen(one) for one in value) if isinstance(value, list) else value


def _differences(policy: Policy, network: RiskNetwork) -> list[str]:
    pairs = _thresholds(policy, network) | _rates(policy, network) | _depths(policy, network)
    return [
        f"{name} {said:g}, the network {'has none' if fixed is None else f'{round(fixed, 3):g}'}"
        for name, (said, fixed) in pairs.items()
        if fixed is None or abs(said - fixed) > _TOLERANCE
    ]


def _thresholds(policy: Policy, network: RiskNetwork) -> dict[str, tuple[float, float | None]]:
    first_fraud = network.shape.default_hinges
    found: dict[str, tuple[float, float | None]] = {}
    for kind, start, output, layer in (
        ("default", 0, "probability_of_default", "default_hinges"),
        ("fraud", first_fraud, "fraud_likelihood", "fraud_hinges"),
    ):
        reached = _reached(network, output, layer, start)
        for name, margin in (("medium", "risk_low"), ("high", "risk_high")):
            weights = network.outputs.weight[_OUTPUT[margin], start : start + len(reached)].tolist()
            hinges = [index for index, weight in enumerate(weights) if weight]
            fixed = reached[hinges[0]] if len(hinges) == 1 else None
            found[f"{name}_{kind}"] = (getattr(policy, f"{name}_{kind}"), fixed)
    return found


def _rates(policy: Policy, network: RiskNetwork) -> dict[str, tuple[float, float | None]]:
    probabilities, rates = (
        _reached(network, output, "default_hinges", 0) for output in ("probability_of_default", "interest_rate")
    )
    return {
        f"interest rate at a probability of {probability:.3g}": (
            policy.base_rate + policy.margin + policy.loss_given_default * probability,
            rate,
        )
        for probability, rate in ((probabilities[0], rates[0]), (probabilities[-1], rates[-1]))
    }


def _depths(policy: Policy, network: RiskNetwork) -> dict[str, tuple[float, float | None]]:
    weights, costs = network.context_1.weight.tolist(), network.context_1.bias.tolist()
    found: dict[str, tuple[float, float | None]] = {}
    for unit, (name, deep, cost) in enumerate(policy.depth_terms):
        slope = weights[unit][_CONTEXT_NAMES.index(name)] if name in _CONTEXT_NAMES else 0.0
        found[f"cost of missing {name}"] = (cost, costs[unit])
        found[f"depth of {name}"] = (deep, -costs[unit] / slope if slope else None)
    return found


def _reached(network: RiskNetwork, output: str, layer: str, start: int) -> list[float]:
    """Return a curve's values at its knots."""
    knots = [-bias for bias in network.layer(layer).bias.tolist()]
    row = _OUTPUT[output]
    coefficients = network.outputs.weight[row, start : start + len(knots)].tolist()
    first = network.outputs.bias[row].item()
    return [
        first + sum(own * max(at - knot, 0.0) for own, knot in zip(coefficients, knots, strict=True)) for at in knots
    ]
