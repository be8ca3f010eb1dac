"""What a passport is worth: the page is of the shipped figures, and these of the shipped model."""

import json

import numpy as np

from oracle.assessment.private import check_consistent
from oracle.devnet.machinery.node import REPOSITORY
from oracle.models import registry
from oracle.models.export import WEIGHTS
from oracle.models.integer import IntegerNetwork
from oracle.models.network import HOME
from oracle.models.weights import load_weights
from oracle.training.passports import Passports
from oracle.training.split import TEST, TRAIN
from oracle.training.worth import WALLETS, WORTH, best_passport, invented, wallet_of, worth_of, write_page

MODEL = registry.load()
NETWORK = IntegerNetwork.of(load_weights(MODEL.directory / WEIGHTS))
SHIPPED = json.loads((MODEL.directory / WORTH).read_text())


def test_page__then_it_tells_the_shipped_figures() -> None:
    assert (REPOSITORY / "docs" / "passport-worth.md").read_text() == write_page(MODEL.name, SHIPPED)


def test_figures__then_they_are_of_the_shipped_models_answers() -> None:
    assert SHIPPED["seed"] == MODEL.metrics["seed"]
    for task in ("hmeq", "uci"):
        for wallet in WALLETS:
            payers = SHIPPED["tables"][task][wallet]
            assert sum(found["rows"] for found in payers.values()) == MODEL.metrics[task]["rows"]
            assert payers["good"]["with"]["score"][1] > payers["bad"]["with"]["score"][2]
            assert payers["good"]["with"]["score"][1] > payers["good"]["without"]["score"]
            assert payers["bad"]["with"]["score"][2] < payers["bad"]["without"]["score"]


def test_invented__made_again__is_the_shipped_one_and_consistent() -> None:
    assert invented(NETWORK) == SHIPPED["invented"]
    check_consistent(best_passport(NETWORK, wallet_of("late on every loan")).tolist())


def test_worth__of_rows_that_were_trained_on__leaves_them_out() -> None:
    encoded = np.full((6, HOME.stop - HOME.start), 512)
    encoded[:, 0] = 1024
    part = np.array([TEST, TEST, TRAIN, TEST, TRAIN, TEST], dtype=np.int8)
    rows = Passports(encoded, np.array([0, 1, 0, 1, 1, 1]), part, HOME)
    found = worth_of(NETWORK, {"hmeq": rows})["tables"]["hmeq"]["no history"]
    assert [found[payer]["rows"] for payer in ("good", "bad")] == [1, 3]
