"""`models score`: each row gets what the daemon would answer for its features; a bad cell is named."""

from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from oracle.assessment.features import FEATURES, PRIVATE_FEATURES
from oracle.cli import app
from oracle.models import registry
from oracle.models.inference import Model
from oracle.training.checks import UnusableData
from oracle.training.scoring import ANSWERS, score_rows, write_rows

HERE = Path("wallets.csv")


def wallets() -> pd.DataFrame:
    rows = [{feature.name: None for feature in FEATURES} for _ in range(3)]
    rows[1] |= {"loan_to_value": "0.5", "collateral_buffer": "1", "sent_count": 900, "borrowing_age": "700.5"}
    rows[2] |= {"loan_to_value": 1.9, "liquidation_risk": 0.75, "repayment_rate": 0.1}
    return pd.DataFrame(rows).assign(wallet=["a", "b", "c"])


def test_score__features_in_their_units__is_what_the_model_answers() -> None:
    model = registry.load()
    scored = score_rows(wallets(), HERE, model)
    assert list(scored.columns) == ["wallet", *ANSWERS]
    opened = Model.open(model)
    for row, given in zip(scored.to_dict("records"), wallets().to_dict("records"), strict=True):
        cells = (given[feature.name] for feature in FEATURES)
        values = [None if pd.isna(cell) else Decimal(str(cell)) for cell in cells]
        encoded = [feature.encode(value) for feature, value in zip(FEATURES, values, strict=True)]
        scores = opened.infer(encoded).scores
        assert row["category"] == scores.category.name.lower()
        assert (row["score"], row["confidence"]) == (scores.score_bps / 10_000, scores.confidence_bps / 10_000)
        assert (row["duration_days"], row["maximum_ltv"]) == (scores.duration_days, scores.maximum_ltv_bps / 10_000)
    assert scored["category"].nunique() > 1


def test_score__private_features__change_the_answer_and_come_whole_or_not_at_all() -> None:
    passport = {feature.name: 0 for feature in PRIVATE_FEATURES} | {"passport_present": 1, "delinquent_accounts": 9}
    model = registry.load()
    bare, with_passport = wallets(), wallets().assign(**passport)
    assert not score_rows(with_passport, HERE, model)["score"].equals(score_rows(bare, HERE, model)["score"])
    with pytest.raises(UnusableData, match="lacks the columns passport_present"):
        score_rows(bare.assign(card_limit=1_000), HERE, model)


@pytest.mark.parametrize("cell", ["much", "inf", "0x10", ""])
def test_score__cell_that_is_no_number__is_named(cell: str) -> None:
    frame = wallets().astype(object)
    frame.loc[1, "balance"] = cell
    with pytest.raises(UnusableData, match=r"column 'balance' holds .* in row 2, expected coin"):
        score_rows(frame, HERE, registry.load())


def test_score__missing_column__is_named() -> None:
    with pytest.raises(UnusableData, match="lacks the columns late_share, balance"):
        score_rows(wallets().drop(columns=["balance", "late_share"]), HERE, registry.load())


@pytest.mark.parametrize("name", ["out.csv", "out.parquet", "new/out.csv.gz"])
def test_command__reads_and_writes_each_form(tmp_path: Path, name: str) -> None:
    wallets().to_csv(tmp_path / "in.csv", index=False)
    given = ["models", "score", "--data", str(tmp_path / "in.csv"), "--out", str(tmp_path / name)]
    result = CliRunner().invoke(app, given)
    assert result.exit_code == 0, result.output
    assert "3 rows scored" in result.output
    written = tmp_path / name
    read = pd.read_parquet(written) if name.endswith("parquet") else pd.read_csv(written)
    assert read["wallet"].tolist() == ["a", "b", "c"]
    assert list(read.columns) == ["wallet", *ANSWERS]


def test_write__other_ending__is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableData, match=r"ends in \.csv"):
        write_rows(wallets(), tmp_path / "out.xlsx")
