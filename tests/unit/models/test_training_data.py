"""Training data: honest splits, honest histories; skipped where the data folder is absent."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from oracle.assessment.features import ENCODED_ONE, PRIVATE_FEATURES
from oracle.models.training.accounts import COLUMN_OF, encode_flow, read_accounts
from oracle.models.training.borrowers import read_liquidations, read_term_loans
from oracle.models.training.checks import UnusableData
from oracle.models.training.draw import PERIODS
from oracle.models.training.market import read_market
from oracle.models.training.passports import HOME_STATED, card_passports, read_card, read_home
from oracle.models.training.split import TEST, TRAIN, VALIDATION, split_of
from oracle.models.training.statistics import calibration_error, interval, precision_at_recall
from oracle.models.training.tables import file_of, read_table

DATA = Path(__file__).parents[3].parent / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"no data folder at {DATA}")


def test_split__same_key__lands_on_the_same_side() -> None:
    keys = [f"wallet-{index}".encode() for index in range(5_000)]
    once, again = split_of(keys, 7), split_of(reversed(keys), 7)
    assert (once == again[::-1]).all()
    assert [round(float((once == part).mean()), 1) for part in (TRAIN, VALIDATION, TEST)] == [0.8, 0.1, 0.1]


def test_periods__of_the_book__do_not_overlap() -> None:
    assert PERIODS[TRAIN][1] < PERIODS[VALIDATION][0] <= PERIODS[VALIDATION][1] < PERIODS[TEST][0]


def test_read_table__file_missing__names_it(tmp_path: Path) -> None:
    with pytest.raises(UnusableData, match=r"accounts\.parquet is missing"):
        read_table(tmp_path, "fraud")


def test_read_table__column_missing__names_it(tmp_path: Path) -> None:
    (tmp_path / "hmeq").mkdir()
    pd.DataFrame({"BAD": [0], "YOJ": [1.0]}).to_parquet(tmp_path / "hmeq" / "loans.parquet")
    with pytest.raises(UnusableData, match=r"lacks the columns \['CLAGE'"):
        read_table(tmp_path, "home")


def test_encode_flow__infinite_value__refuses() -> None:
    frame = pd.DataFrame({column: [1.0, np.inf] for column in COLUMN_OF.values()})
    with pytest.raises(UnusableData, match="NaN or infinities"):
        encode_flow(frame)


def test_fraud_columns__used__hold_no_token_or_life_span_column() -> None:
    assert not [column for column in COLUMN_OF.values() if "ERC20" in column or "Time Diff" in column]


@needs_data
def test_accounts__equal_features__never_straddle_the_split() -> None:
    accounts = read_accounts(DATA, 0)
    _, group = np.unique(accounts.encoded, axis=0, return_inverse=True)
    parts_of_group = pd.Series(accounts.part).groupby(group.ravel()).nunique()
    assert parts_of_group.max() == 1
    assert accounts.encoded.min() >= 0
    assert accounts.encoded.max() <= 1024


@needs_data
def test_term_loans__history__is_split_by_borrower_and_carries_both_outcomes() -> None:
    loans = read_term_loans(DATA, 0)
    assert len(loans) > 1_500
    assert 0.2 < np.mean([loan.failed for loan in loans]) < 0.4
    # Most have none: a history built from payment dates would look far richer.
    assert np.mean([loan.on_time + loan.defaulted + loan.late > 0 for loan in loans]) < 0.2


@needs_data
def test_liquidations__one_wallet__waits_are_to_its_own_next_day() -> None:
    liquidations = read_liquidations(DATA, 0)
    assert liquidations.count.min() == 1
    assert liquidations.days_to_next.min() >= 1
    assert np.isinf(liquidations.days_to_next).sum() == (liquidations.count == 1).sum()


@needs_data
def test_lowest_ratio__window__starts_after_the_loan_does() -> None:
    market = read_market(DATA, ("WETH",))
    day = market.day("2021-05-18")
    close, low = market.close["WETH"].to_numpy(), market.low["WETH"].to_numpy()
    assert market.lowest_ratio("WETH", day, 3) == low[day + 1 : day + 4].min() / close[day]
    assert market.lowest_ratio("WETH", day, 3) < 0.8  # the crash of the next day


@needs_data
def test_home__value_missing__is_zero_and_said_to_be_missing() -> None:
    home, frame = read_home(DATA, 0), read_table(DATA, "home")
    names = [feature.name for feature in PRIVATE_FEATURES[home.columns]]
    for flag, column in HOME_STATED.items():
        missing = frame[column].isna().to_numpy()
        assert missing.any()
        assert (home.encoded[missing, names.index(flag)] == 0).all()
        assert (home.encoded[~missing, names.index(flag)] == ENCODED_ONE).all()
    assert (home.encoded[:, 0] == ENCODED_ONE).all()


@needs_data
def test_card__clients__reads_no_demographics() -> None:
    frame = pd.read_parquet(file_of(DATA, "card"))
    other = frame.assign(SEX=3 - frame["SEX"], AGE=20, MARRIAGE=0, EDUCATION=0)
    changed = card_passports(other, 0)
    assert (changed.encoded == read_card(DATA, 0).encoded).all()
    assert not {"SEX", "AGE", "MARRIAGE", "EDUCATION"} & set(read_table(DATA, "card").columns)


def test_calibration_error__probabilities_right__is_small() -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.random(50_000)
    labels = (rng.random(50_000) < probabilities).astype(np.int64)
    assert calibration_error(labels, probabilities) < 0.01
    assert calibration_error(labels, np.full(50_000, 0.9)) == pytest.approx(0.4, abs=0.02)


def test_precision_at_recall__perfect_ranking__is_one() -> None:
    labels = np.array([0, 0, 1, 1])
    assert precision_at_recall(labels, np.array([0.1, 0.2, 0.8, 0.9]), 0.8) == 1.0


def test_interval__groups_given__is_wider_than_by_row() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(20), 50)
    labels = (rng.random(20)[groups] > rng.random(1000)).astype(np.int64)
    mean = lambda y, p: float(y.mean())  # noqa: E731
    by_row, by_group = interval(labels, labels * 1.0, mean), interval(labels, labels * 1.0, mean, groups)
    assert by_group[1] - by_group[0] > by_row[1] - by_row[0]
