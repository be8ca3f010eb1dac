"""The anomaly score: 0 to 100, higher away from honest accounts, the same from the file as from the fit."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from oracle.assessment.errors import ConfigurationFault
from oracle.assessment.features import FEATURES
from oracle.models import registry
from oracle.models.anomaly import ANOMALY, AnomalyModel
from oracle.models.network import FRAUD
from oracle.training.accounts import COLUMN_OF, Accounts
from oracle.training.anomaly import fit_anomaly, judge_anomaly
from oracle.training.split import TEST, TRAIN


def accounts(rows: int = 900) -> Accounts:
    rng = np.random.default_rng(0)
    fraud = (np.arange(rows) % 5 == 0).astype(np.int64)
    centre = np.where(fraud[:, None] == 1, 800, rng.choice([300, 450], (rows, 1)))
    encoded = np.clip(rng.normal(centre, 40, (rows, 12)), 1, 1024).astype(np.int64)
    part = np.where(np.arange(rows) % 3 == 0, TEST, TRAIN).astype(np.int8)
    raw = pd.DataFrame(encoded.astype(float), columns=list(COLUMN_OF.values()))
    return Accounts(encoded, fraud, part, np.zeros(rows, dtype=bool), raw)


def wallet(level: int) -> list[int]:
    chain = [0] * len(FEATURES)
    chain[FRAUD] = [level] * 12
    return chain


def test_score__far_from_honest_accounts__is_higher_and_survives_the_file(tmp_path: Path) -> None:
    given = accounts()
    model = fit_anomaly(given, 7)
    model.save(tmp_path)
    read = AnomalyModel.load(tmp_path)
    ordinary, strange = read.score(wallet(300)), read.score(wallet(800))
    assert 0 <= ordinary < 50 < strange == 100.0
    assert (read.scores(given.encoded) == model.scores(given.encoded)).all()
    # By construction half of the honest accounts that it was fitted on lie below 50.
    honest = (given.part == TRAIN) & (given.fraud == 0)
    assert np.median(read.scores(given.encoded[honest])) == pytest.approx(50, abs=2)


def test_fit_anomaly__same_seed__gives_the_same_file_and_never_looks_at_frauds(tmp_path: Path) -> None:
    given = accounts()
    other = given.encoded.copy()
    other[given.fraud == 1] = 5
    changed = Accounts(other, given.fraud, given.part, given.empty, given.raw)
    for name, fitted_on in (("first", given), ("again", given), ("other", changed)):
        (tmp_path / name).mkdir()
        fit_anomaly(fitted_on, 7).save(tmp_path / name)
    first, again, without = ((tmp_path / name / ANOMALY).read_bytes() for name in ("first", "again", "other"))
    assert first == again == without


def test_judge_anomaly__frauds_lie_apart__is_compared_with_isolation_forest() -> None:
    given = accounts()
    found = judge_anomaly(fit_anomaly(given, 7), given)
    assert found["mixture"]["auc"] > 0.95
    assert {"mixture", "isolation_forest_on_values", "isolation_forest_on_encoded"} <= set(found)
    low, high = found["mixture"]["auc_interval"]
    assert low <= found["mixture"]["auc"] <= high


def test_shipped__wallets__no_flow_is_nothing_unusual_and_a_wrong_length_is_refused() -> None:
    model = AnomalyModel.load(registry.load().directory)
    assert model.score([0] * len(FEATURES)) == 0.0
    assert 0 <= model.score(wallet(400)) <= 100
    with pytest.raises(ValueError, match="expected 32 chain features, got 12"):
        model.score([0] * 12)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "holds no anomaly model"),
        ("{}", "holds no anomaly model"),
        ('{"features": ["height"]}', "was fitted on other features"),
    ],
)
def test_load__missing_or_damaged__says_what_to_do(tmp_path: Path, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / ANOMALY).write_text(content)
    with pytest.raises(ConfigurationFault, match=f"{message}.*train the model again"):
        AnomalyModel.load(tmp_path)
