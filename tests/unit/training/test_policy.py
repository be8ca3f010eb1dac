"""Policies: any threshold becomes a level of the network, contradictions are refused early, a model keeps its own."""

import json
import shutil
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from oracle.assessment.outputs import OUTPUTS, Category
from oracle.models import registry
from oracle.models.export import WEIGHTS
from oracle.models.fixed_point import OUTPUT_BITS
from oracle.models.integer import IntegerNetwork
from oracle.models.kept_policy import POLICY_FILE, policy_of, save_policy
from oracle.models.network import CREDIT, FRAUD, RiskNetwork, Shape
from oracle.models.policy import FRAUD_LEVELS, POLICY, Policy, PolicyFault
from oracle.models.weights import load_weights
from oracle.training import terms
from oracle.training.accounts import Accounts
from oracle.training.assemble import Trunks, install_scores
from oracle.training.book import Book
from oracle.training.evaluate import categories_of
from oracle.training.fit import Trunk
from oracle.training.rules import Terms
from oracle.training.split import TRAIN, VALIDATION
from tests.unit.training.books import book

OWN = replace(POLICY, medium_default=0.12, high_default=0.27, medium_fraud=0.42, high_fraud=0.8, thin_below=0.55)
COLUMN = {output.name: index for index, output in enumerate(OUTPUTS)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = tmp_path / "model"
    shutil.copytree(registry.load().directory, copy)
    (copy / POLICY_FILE).unlink(missing_ok=True)
    return copy


def network_of(folder: Path) -> RiskNetwork:
    return load_weights(folder / WEIGHTS)


def linear_trunk(columns: int, hidden: tuple[int, int], column: int) -> Trunk:
    """A trunk whose score is about the log odds that tests.unit.training.books gives a column."""
    trunk = Trunk(columns, hidden, 1, list(range(columns)))
    with torch.no_grad():
        for layer in (trunk.first, trunk.second, trunk.head):
            layer.weight.zero_()
            layer.bias.zero_()
        trunk.first.weight[0, column] = trunk.second.weight[0, 0] = 1.0
        trunk.head.weight[0, 0] = 10.24
    return trunk


@cache
def assembled(policy: Policy) -> tuple[RiskNetwork, Book]:
    """A network with both heads calibrated by the policy, and a book of its own."""
    torch.set_num_threads(1)
    shape, loans = Shape(), book(4_000)
    accounts_chain = loans.chain[:, FRAUD]
    likely = 1 / (1 + np.exp(-(accounts_chain[:, 0] - 512) / 100))
    fraud = (np.random.default_rng(1).random(len(likely)) < likely).astype(np.int64)
    parts = np.resize(np.array([TRAIN, VALIDATION], dtype=np.int8), len(fraud))
    accounts = Accounts(accounts_chain, fraud, parts, np.zeros(len(fraud), dtype=bool), pd.DataFrame())
    trunks = Trunks(
        linear_trunk(20, shape.credit, 16 - CREDIT.start),
        linear_trunk(12, shape.fraud, 0),
        linear_trunk(15, shape.home, 1),
        linear_trunk(9, shape.card, 1),
        (0.5, 0.5),
    )
    network = RiskNetwork(shape)
    install_scores(network, trunks, loans, accounts, policy)
    zeros = np.zeros(len(loans.chain))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(terms, "_EPOCHS", 1)  # the two distilled terms are not looked at
        terms.install_terms(network, loans, Terms(zeros, zeros), policy, 0)
    return network, loans


def test_levels__default_policy__are_its_own_points() -> None:
    assert POLICY.default_points() == POLICY.score_points
    assert POLICY.fraud_levels() == FRAUD_LEVELS


def test_levels__thresholds_between_the_points__take_the_nearest_ones_places_on_the_same_lines() -> None:
    points = dict(OWN.default_points())
    assert len(points) == len(POLICY.score_points)
    assert list(points) == sorted(points)
    assert {0.12, 0.27} <= set(points)
    assert not {0.10, 0.30} & set(points)
    assert points[0.12] == pytest.approx(0.70 - (0.70 - 0.56) * 0.02 / 0.08)
    levels = OWN.fraud_levels()
    assert (len(levels), levels[0], levels[-1]) == (len(FRAUD_LEVELS), FRAUD_LEVELS[0], FRAUD_LEVELS[-1])
    assert {0.42, 0.8} <= set(levels)
    near = replace(POLICY, medium_default=0.295).default_points()
    assert {0.295, 0.30} <= {level for level, _ in near}


@pytest.mark.parametrize("policy", [POLICY, OWN, replace(POLICY, medium_default=0.011, high_default=0.94)])
def test_install_scores__any_policy__categories_begin_at_its_thresholds(policy: Policy) -> None:
    network, loans = assembled(policy)
    rows = torch.from_numpy(loans.chain), torch.from_numpy(loans.private)
    outputs = IntegerNetwork.of(network)(*rows).numpy() / 2**OUTPUT_BITS
    default, fraud = (outputs[:, COLUMN[name]] for name in ("probability_of_default", "fraud_likelihood"))
    expected = np.where(
        (default > policy.high_default) | (fraud > policy.high_fraud),
        Category.HIGH,
        np.where((default > policy.medium_default) | (fraud > policy.medium_fraud), Category.MEDIUM, Category.LOW),
    )
    limits = ((default, policy.medium_default, policy.high_default), (fraud, policy.medium_fraud, policy.high_fraud))
    clear = np.all([np.abs(values - limit) > 0.004 for values, *both in limits for limit in both], axis=0)
    assert (categories_of(outputs)[clear] == expected[clear]).all()
    assert clear.mean() > 0.7
    assert len(set(expected[clear].tolist())) >= 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"medium_default": 0.4}, r"medium_default is 0\.4, expected at least 0\.005 under high_default \(0\.3\)"),
        ({"medium_default": 0.001}, r"medium_default is 0\.001, expected 0\.01 to 0\.945"),
        ({"high_fraud": 0.999}, r"high_fraud is 0\.999, expected 0\.007 to 0\.985"),
        ({"loss_given_default": 0.0}, r"loss_given_default is 0\.0, expected at least 0\.1"),
        ({"base_rate": 0.9}, r"expected at most 1"),
        ({"margin": float("nan")}, r"policy\.margin is nan, expected a fraction"),
        ({"score_points": ((0.1, 0.5), (0.3, 0.6))}, r"expected 10 pairs"),
    ],
)
def test_policy__contradicts_itself_or_the_network__is_refused_when_it_is_made(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(PolicyFault, match=message):
        replace(POLICY, **changes)


def test_policy_of__saved_beside_its_network__is_the_same(tmp_path: Path) -> None:
    network, _ = assembled(OWN)
    save_policy(OWN, tmp_path)
    assert policy_of(tmp_path, network) == OWN
    first = (tmp_path / POLICY_FILE).read_bytes()
    save_policy(OWN, tmp_path)
    assert (tmp_path / POLICY_FILE).read_bytes() == first


def test_policy_of__no_file__is_the_default_where_the_network_follows_it(folder: Path, tmp_path: Path) -> None:
    assert policy_of(folder, network_of(folder)) == POLICY
    with pytest.raises(PolicyFault, match=r"policy\.json is missing, and the default policy says medium_default 0\.1"):
        policy_of(tmp_path, assembled(OWN)[0])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"medium_default": 0.12}, r"medium_default 0\.12, the network 0\.1"),
        ({"high_fraud": 0.9}, r"high_fraud 0\.9, the network 0\.75"),
        ({"margin": 0.05}, r"interest rate at a probability of .* the network 0\.06"),
        ({"loss_given_default": 0.6}, r"interest rate at a probability of 0\.9"),
        ({"depth_terms": (("sent_count", 0.45, 0.12), *POLICY.depth_terms[1:])}, r"missing sent_count 0\.12, .* 0\.21"),
    ],
)
def test_policy_of__file_contradicts_the_network__says_both(folder: Path, changes: dict[str, Any], said: str) -> None:
    save_policy(replace(POLICY, **changes), folder)
    with pytest.raises(PolicyFault, match=said):
        policy_of(folder, network_of(folder))


@pytest.mark.parametrize(
    "content",
    ["{", "[]", "{}", json.dumps(asdict(POLICY) | {"greed": 1}), json.dumps(asdict(POLICY) | {"margin": "2"})],
)
def test_policy_of__damaged_file__says_so(folder: Path, content: str) -> None:
    (folder / POLICY_FILE).write_text(content)
    with pytest.raises(PolicyFault, match=r"policy\.(json|margin)"):
        policy_of(folder, network_of(folder))
