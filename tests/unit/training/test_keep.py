"""A model's learned weights kept: confidence is installed anew, and nothing else moves."""

from dataclasses import replace

import torch

from oracle.models import registry
from oracle.models.export import WEIGHTS
from oracle.models.network import DEPTH_OF
from oracle.models.policy import POLICY
from oracle.models.quantise import quantise_
from oracle.models.weights import load_weights
from oracle.training.terms import install_confidence
from tests.unit.training.books import book


def test_install_confidence__in_a_trained_network__moves_the_units_of_depth_alone() -> None:
    before = load_weights(registry.load().directory / WEIGHTS)
    terms = tuple((name, deep, cost / 2) for name, deep, cost in POLICY.depth_terms)
    policy = replace(POLICY, depth_terms=terms)
    kept = load_weights(registry.load().directory / WEIGHTS)
    after = quantise_(install_confidence(kept, book(), policy))
    for name in DEPTH_OF:
        left, right = before.layer(name), after.layer(name)
        same = torch.equal(left.weight, right.weight) and torch.equal(left.bias, right.bias)
        assert same is (name != "context_1"), name
    moved = (before.context_1.bias != after.context_1.bias).nonzero().flatten().tolist()
    assert set(range(len(terms))) <= set(moved)
    assert max(moved) < len(terms) + len(POLICY.distance_terms)
