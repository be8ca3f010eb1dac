"""Why a wallet has its outputs: exact attributions.

The network is piecewise linear, so the gradient along the straight line from a baseline wallet to this one changes
only at kinks. Found layer by layer, they make the integral a finite sum (integrated gradients, Sundararajan 2017):
the contributions add up to the difference between the two wallets' outputs, with nothing left over.
"""

import copy
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from oracle.assessment.features import ENCODED_ONE, FEATURES, PRIVATE_FEATURES
from oracle.assessment.outputs import OUTPUTS
from oracle.models.network import DEPTH_OF, RiskNetwork

Contributions = dict[str, float]
"""By feature, a share of an output as a fraction of its full scale; positive where it rises."""

_COLUMN = {output.name: index for index, output in enumerate(OUTPUTS)}


def attribute(
    network: RiskNetwork, chain: Sequence[int], baseline: Sequence[int], outputs: Sequence[str]
) -> dict[str, Contributions]:
    """Return, by output, what each chain feature adds to it on the way from the baseline wallet to this one.

    `chain` and `baseline` are 32 encoded features; private data are absent on the whole way. `outputs` are names of
    OUTPUTS. Time grows with the number of kinks between the two wallets, a few milliseconds.
    """
    # Hooks listen in on a copy, so that one network may be asked from several threads.
    exact = copy.deepcopy(network).double()
    end = torch.tensor(list(chain), dtype=torch.float64) / ENCODED_ONE
    start = torch.tensor(list(baseline), dtype=torch.float64) / ENCODED_ONE
    places = _kinks(exact, start, end)
    middles = (places[1:] + places[:-1]) / 2
    points = (start + middles[:, None] * (end - start)).requires_grad_(True)
    totals = _forward(exact, points).sum(dim=0)
    widths = (places[1:] - places[:-1])[:, None]
    found = {}
    for name in outputs:
        [gradient] = torch.autograd.grad(totals[_COLUMN[name]], points, retain_graph=True)
        shares = (gradient * widths).sum(dim=0) * (end - start)
        found[name] = {feature.name: float(share) for feature, share in zip(FEATURES, shares, strict=True)}
    return found


def _kinks(network: RiskNetwork, start: Tensor, end: Tensor) -> Tensor:
    """Return where on the way 0..1 any unit switches on or off, with both ends, rising."""
    before_relu: dict[str, Tensor] = {}
    for name in DEPTH_OF:
        network.layer(name).register_forward_hook(_listener(before_relu, name))
    places = torch.tensor([0.0, 1.0], dtype=torch.float64)
    # Between the kinks of the layers before it, a layer's values are straight lines; the last has no ReLU behind it.
    for depth in range(1, max(DEPTH_OF.values())):
        with torch.no_grad():
            _forward(network, start + places[:, None] * (end - start))
        values = torch.cat([before_relu[name] for name in DEPTH_OF if DEPTH_OF[name] == depth], dim=1)
        left, right = values[:-1], values[1:]
        crossing = (left * right) < 0
        share = torch.where(crossing, left / torch.where(crossing, left - right, torch.ones_like(left)), 0.0)
        found = (places[:-1, None] + share * (places[1:] - places[:-1])[:, None])[crossing]
        places = torch.unique(torch.cat([places, found]))
    return places


def _listener(values: dict[str, Tensor], name: str) -> Callable[[nn.Module, object, Tensor], None]:
    def keep(_: nn.Module, __: object, output: Tensor) -> None:
        values[name] = output

    return keep


def _forward(network: RiskNetwork, chain: Tensor) -> Tensor:
    private = torch.zeros((len(chain), len(PRIVATE_FEATURES)), dtype=torch.float64)
    values: Tensor = network(chain, private)
    return values
