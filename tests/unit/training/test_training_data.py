"""Training data: honest splits, honest histories; skipped where the data folder is absent."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from oracle.assessment.features import ENCODED_ONE, PRIVATE_FEATURES
from oracle.models.policy import POLICY
from oracle.passports.schema import GROUPS
from oracle.training.accounts import COLUMN_OF, encode_flow, read_accounts, without_flow
from oracle.training.book import read_sources
from oracle.training.borrowers import liquidations_of, read_term_loans
from oracle.training.checks import UnusableData
from oracle.training.draw import LIQUIDATED, PERIODS, Drawer, Sources
from oracle.training.market import read_market
from oracle.training.passports import HOME_COLUMN_OF, card_passports, read_card, read_home
from oracle.training.split import TEST, TRAIN, VALIDATION, split_of
from oracle.training.statistics import calibration_error, interval, precision_at_recall
from oracle.training.tables import file_of, read_table

DATA = Path(__file__).parents[3].parent / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"no data folder at {DATA}")


def test_split__same_key__lands_on_the_same_side() -> None:
    keys = [f"wallet-{index}".encode() for index in range(5_000)]
    once, again = split_of(keys, 7), split_of(reversed(keys), 7)
    assert (once == again[::-1]).all()
    assert [round(float((once == part).mean()), 1) for part in (TRAIN, VALIDATION, TEST)] == [0.8, 0.1, 0.1]


@pytest.mark.parametrize("periods", [PERIODS, LIQUIDATED])
def test_periods__of_the_book__do_not_overlap(periods: dict[int, tuple[str, str]]) -> None:
    assert periods[TRAIN][1] < periods[VALIDATION][0] <= periods[VALIDATION][1] < periods[TEST][0]


def test_periods__of_liquidations__are_those_of_the_loans_before_the_test_part() -> None:
    assert all(LIQUIDATED[part] == PERIODS[part] for part in (TRAIN, VALIDATION))
    assert LIQUIDATED[TEST][0] == PERIODS[TEST][0]


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
def test_accounts_without_flow__counted__are_all_fraud_alike_and_on_one_side() -> None:
    found = without_flow(read_accounts(DATA, 7))
    assert found["rows"] == found["fraud"] > 500
    assert found["distinct"] == 1
    assert sorted(found[part] for part in ("training", "validation", "test")) == [0, 0, found["rows"]]


@needs_data
def test_term_loans__history__is_split_by_borrower_and_carries_both_outcomes() -> None:
    loans = read_term_loans(DATA, 0)
    assert len(loans) > 1_500
    assert 0.2 < np.mean([loan.failed for loan in loans]) < 0.4
    # Most have none: a history built from payment dates would look far richer.
    assert np.mean([loan.on_time + loan.defaulted + loan.late > 0 for loan in loans]) < 0.2


def test_liquidations__days_in_a_row__are_one_event_whatever_asks() -> None:
    days = {"0xa": (0, 1, 40), "0xb": (0, 1), "0xc": (0, 20)}
    frame = pd.DataFrame(
        [{"timestamp": day * 86_400, "liquidatee": wallet} for wallet, own in days.items() for day in own]
    )
    liquidations = liquidations_of(frame, 0)
    assert liquidations.days_to_later.tolist() == [40, 39, np.inf, np.inf, np.inf, 20, np.inf]
    assert liquidations.again_within(30).tolist() == [False, False, False, False, False, True, False]
    assert not hasattr(liquidations, "days_to_next")  # another definition beside it was used by mistake


@pytest.fixture(scope="module")
def sources() -> Sources:
    return read_sources(DATA, read_accounts(DATA, 7), 7)


@needs_data
@pytest.mark.parametrize("part", [TRAIN, VALIDATION, TEST])
def test_drawn_book__every_part__has_its_events_and_outcomes_inside_its_period(sources: Sources, part: int) -> None:
    draw = Drawer(sources, part, np.random.default_rng(3))
    start, end = (np.datetime64(date) for date in PERIODS[part])
    first, last = (np.datetime64(date) for date in LIQUIDATED[part])
    liquidated = 0
    for row in (draw.row() for _ in range(700)):
        begins = np.datetime64(row.history.block.timestamp, "s").astype("datetime64[D]")
        assert start <= begins
        assert begins + np.timedelta64(row.days, "D") <= end
        if row.liquidated_on is not None:
            liquidated += 1
            assert first <= row.liquidated_on
            assert row.liquidated_on + np.timedelta64(row.days, "D") <= last
    assert liquidated > 15


@needs_data
def test_drawn_book__liquidated_wallet__repeats_by_the_evaluation_s_definition(sources: Sources) -> None:
    liquidations = sources.liquidations
    # Whoever is only liquidated on the next day is not liquidated again.
    next_day = np.full(len(liquidations.count), np.inf)
    quiet = replace(sources, liquidations=replace(liquidations, days_to_later=next_day))
    draw = Drawer(quiet, TRAIN, np.random.default_rng(3))
    rows = [row for row in (draw.row() for _ in range(300)) if row.liquidated_on is not None]
    assert rows
    assert {row.again for row in rows} == {0.0}


@needs_data
def test_drawn_book__other_liquidation_bonus__moves_leverage(sources: Sources) -> None:
    plain, dear = (
        Drawer(sources, TRAIN, np.random.default_rng(3), policy).row().terms
        for policy in (POLICY, replace(POLICY, liquidation_bonus=0.2))
    )
    assert dear.collateral > plain.collateral


@needs_data
def test_drawn_book__nothing_known_early_enough__says_so(sources: Sources) -> None:
    early = replace(sources.liquidations, day=np.full_like(sources.liquidations.day, PERIODS[VALIDATION][1]))
    draw = Drawer(replace(sources, liquidations=early), VALIDATION, np.random.default_rng(3))
    with pytest.raises(UnusableData, match=r"no wallet of this part was liquidated from 2022-04-01 to"):
        [draw.row() for _ in range(500)]


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
    flags = {field.stated.name: field.name for field in GROUPS["home"].fields if field.stated is not None}
    assert len(flags) == 4
    for flag, field in flags.items():
        missing = frame[HOME_COLUMN_OF[field][0]].isna().to_numpy()
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


def _mean(truth: np.ndarray, given: np.ndarray) -> float:
    return float(truth.mean())


def test_interval__groups_given__is_wider_than_by_row() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(20), 50)
    labels = (rng.random(20)[groups] > rng.random(1000)).astype(np.int64)
    by_row, by_group = interval(labels, labels * 1.0, _mean), interval(labels, labels * 1.0, _mean, groups)
    assert by_group[1] - by_group[0] > by_row[1] - by_row[0]


@pytest.mark.timeout(20)
def test_interval__one_class__is_refused_and_one_row_of_a_class_is_not() -> None:
    for value in (0, 1):
        labels = np.full(50, value)
        with pytest.raises(UnusableData, match="all 50 labels are of one class"):
            interval(labels, labels * 1.0, _mean)
    labels = np.eye(1, 50, dtype=np.int64)[0]
    low, high = interval(labels, labels * 1.0, _mean)
    assert low <= 1 / 50 <= high
    groups = np.minimum(np.arange(50), 1)
    assert interval(labels, labels * 1.0, _mean, groups)[0] > 0
