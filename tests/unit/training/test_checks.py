"""Data that must not be learned from are refused by name: leaks, wrong units, one class, a wallet on two sides."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from oracle.training import accounts, passports
from oracle.training.accounts import COLUMN_OF, accounts_of
from oracle.training.checks import LEAKS, UnusableData, check_apart, check_classes, check_table, refuse_leaks
from oracle.training.judged import Judged
from oracle.training.split import TEST, TRAIN, VALIDATION
from oracle.training.tables import COLUMNS, columns_beside, own_names, read_table

DATA = Path(__file__).parents[3].parent / "shared" / "data"


def flow(rows: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({column: rng.lognormal(2, 2, rows) for column in COLUMN_OF.values()})
    return frame.assign(Address=[f"0x{row:040x}" for row in range(rows)], FLAG=np.arange(rows) % 2)


def stored(tmp_path: Path, frame: pd.DataFrame, columns: str | None = None) -> Path:
    (tmp_path / "eth_fraud_accounts").mkdir()
    frame.to_parquet(tmp_path / "eth_fraud_accounts" / "accounts.parquet")
    if columns is not None:
        (tmp_path / COLUMNS).write_text(columns)
    return tmp_path


@pytest.mark.parametrize(
    "column",
    [
        *LEAKS,
        *("ERC20 min val rec", "Total ERC20 tnxs", "total erc20 tnxs", "n_liq_usdc", "N_LIQ_USDC"),
        *("Sex", "age", "Marriage", "personal_status_and_sex", "Foreign Worker", "NATIONALITY", "marital-status"),
        *("flag", "Default_Next_Month", "default.next.month", "Defaulted"),
    ],
)
def test_refuse_leaks__column_on_the_list__is_named_with_its_reason(column: str) -> None:
    with pytest.raises(UnusableData, match=r"the table: column .* must not be a feature"):
        refuse_leaks(["Sent tnx", column], "the table")


def test_refuse_leaks__features_in_use__pass() -> None:
    refuse_leaks(("CLAGE", "percentage", "foreign_currency_share", "ratio"), "names that only hold one")
    refuse_leaks(COLUMN_OF.values(), "fraud")
    refuse_leaks((column for column, _ in passports.HOME_COLUMN_OF.values()), "home")


def test_encode__leak_among_the_columns__refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(accounts.COLUMN_OF, "balance", "ERC20 min val rec")
    with pytest.raises(UnusableData, match="ERC20 min val rec"):
        accounts_of(flow(), 7)


def test_read_table__own_names__are_read_as_the_schema(tmp_path: Path) -> None:
    own = flow().rename(columns={"Sent tnx": "sends", "FLAG": "is_fraud"})
    folder = stored(tmp_path, own, '[fraud]\n"Sent tnx" = "sends"\nFLAG = "is_fraud"\n')
    read = read_table(folder, "fraud")
    assert (read["Sent tnx"] == own["sends"]).all()
    assert (read["FLAG"] == own["is_fraud"]).all()


@pytest.mark.parametrize("ending", [".csv", ".csv.gz"])
def test_read_table__set_as_csv__is_read_as_parquet_is(tmp_path: Path, ending: str) -> None:
    folder = tmp_path / "eth_fraud_accounts"
    folder.mkdir()
    flow().to_csv(folder / f"accounts{ending}", index=False)
    pd.testing.assert_frame_equal(
        read_table(tmp_path, "fraud"), flow()[read_table(tmp_path, "fraud").columns], check_dtype=False
    )


def test_own_names__of_a_task__serve_every_table_of_its_file_and_every_command(tmp_path: Path) -> None:
    (tmp_path / COLUMNS).write_text('[uci]\nPAY_0 = "now"\nLIMIT_BAL = "limit"\n[hmeq]\nBAD = "failed"\n')
    assert own_names(tmp_path / COLUMNS, "card") == {"PAY_0": "now", "LIMIT_BAL": "limit"}
    assert own_names(tmp_path / COLUMNS, "instalments") == {"PAY_0": "now"}
    assert own_names(tmp_path / COLUMNS, "home") == {"BAD": "failed"}
    folder = tmp_path / "hmeq"
    folder.mkdir()
    for given in (tmp_path, folder, folder / "loans.csv"):
        assert columns_beside(folder / "loans.csv", given) == tmp_path / COLUMNS
    (folder / COLUMNS).write_text("")
    assert columns_beside(folder / "loans.csv", tmp_path) == folder / COLUMNS


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ('[fraud]\n"Sent tnx" = "ERC20 min val rec"', "artefact.*must not be a feature"),
        ('[fraud]\n"Sent tnx" = "FLAG"', "is the label"),
        ('[fraud]\n"Sent tnx" = "sends"', r"lacks the columns \['sends'\] that columns.toml names"),
        ('[fraud]\nheight = "sends"', r"\[fraud\] has no columns \['height'\]"),
        ("[weather]\n", r"unknown tasks or data sets \['weather'\]"),
        ("[fraud", "cannot be read as TOML"),
    ],
)
def test_read_table__own_names_wrong__says_what(tmp_path: Path, columns: str, message: str) -> None:
    with pytest.raises(UnusableData, match=message):
        read_table(stored(tmp_path, flow(), columns), "fraud")


def test_accounts__one_address_twice_with_other_features__is_refused_across_the_split() -> None:
    frame = flow(400)
    frame["Address"] = np.resize(frame["Address"].to_numpy()[:20], 400)
    with pytest.raises(UnusableData, match="20 of 20 addresses stand in more than one"):
        accounts_of(frame, 7)


def test_check_apart__key_on_one_side__passes() -> None:
    check_apart(["a", "b", "a"], np.array([TRAIN, TEST, TRAIN], dtype=np.int8), "wallets")
    with pytest.raises(UnusableData, match="1 of 2 wallets"):
        check_apart(["a", "b", "a"], np.array([TRAIN, TEST, TEST], dtype=np.int8), "wallets")


def test_check_classes__part_with_one_class_or_none__is_named() -> None:
    part = np.array([TRAIN, TRAIN, VALIDATION, VALIDATION, TEST, TEST], dtype=np.int8)
    check_classes(np.array([0, 1, 0, 1, 1, 0]), part, "loans")
    with pytest.raises(UnusableData, match="loans: the validation part has 2 rows and 0 of class 1"):
        check_classes(np.array([0, 1, 0, 0, 1, 0]), part, "loans")
    with pytest.raises(UnusableData, match="the test part has 0 rows"):
        check_classes(np.array([0, 1, 0, 1]), part[:4], "loans")


@pytest.mark.parametrize(
    ("name", "frame", "message"),
    [
        *(
            ("fraud", flow().assign(**{column: flow()[column] * 10**power}), "expected whole coins, not wei or gwei")
            for column in COLUMN_OF.values()
            if "val" in column or "balance" in column
            for power in (9, 18)
        ),
        *(
            ("fraud", flow().assign(**{f"Avg min between {way} tnx": flow()["Sent tnx"] * 5e3}), "minutes, not seconds")
            for way in ("sent", "received")
        ),
        *(
            ("fraud", flow().assign(**{column: flow()[column] / 1e5}), "expected a count, not a share")
            for column in ("Sent tnx", "Received Tnx", "Unique Received From Addresses", "Unique Sent To Addresses")
        ),
        ("liquidations", pd.DataFrame({"timestamp": [1.6e12], "liquidatee": ["a"]}), "expected Unix seconds"),
        ("positions_v3", pd.DataFrame({"collateral": [1.0], "debt": [1.0], "healthf": [1.7e18]}), "expected a ratio"),
        ("prices", pd.DataFrame({"low": [-1.0], "close": [1.0]}), "negative values"),
        ("prices", pd.DataFrame({"low": [np.nan], "close": [1.0]}), "holds NaN"),
        ("prices", pd.DataFrame({"low": [np.inf], "close": [1.0]}), "holds infinities"),
    ],
)
def test_check_table__wrong_units_or_numbers__names_the_column(name: str, frame: pd.DataFrame, message: str) -> None:
    with pytest.raises(UnusableData, match=message):
        check_table(frame, name, "file")


@pytest.mark.parametrize("name", ["fraud", "fraud_extra"])
@pytest.mark.skipif(not DATA.is_dir(), reason=f"no data folder at {DATA}")
def test_check_table__real_accounts__pass_and_in_seconds_or_wei_do_not(name: str) -> None:
    frame = read_table(DATA, name)
    share = frame.sample(frac=0.2, random_state=0)
    check_table(share, name, "file")
    for column in frame.columns:
        if column.startswith("Avg min") or "val" in column or "ether" in column:
            factor = 60 if column.startswith("Avg min") else 1e9
            with_other_unit = share.assign(**{column: share[column] * factor})
            if column == "Avg min between sent tnx" or factor != 60:
                with pytest.raises(UnusableData, match=f"median of '{column}' is"):
                    check_table(with_other_unit, name, "file")
    seconds = share.assign(**{column: share[column] * 60 for column in frame if column.startswith("Avg min")})
    with pytest.raises(UnusableData, match="expected minutes, not seconds"):
        check_table(seconds, name, "file")


def test_by_time__rows_with_dates__fits_only_on_what_was_known_and_judges_other_wallets() -> None:
    count = 40
    starts = np.arange(count, dtype=np.float64)
    codes = np.arange(count)[:, None]
    rows = Judged(
        output="probability_of_default",
        chain=codes,
        private=codes,
        labels=codes[:, 0] % 2,
        learned=codes,
        starts=starts,
        known=starts + 10,
    )
    part = np.where(np.arange(count) % 2 == 0, TRAIN, TEST).astype(np.int8)
    judged, fitted_on = rows.by_time(part)
    assert judged.starts is not None
    assert fitted_on.known is not None
    assert judged.starts.tolist() == [31, 33, 35, 37, 39]
    assert fitted_on.known.max() < judged.starts.min()
    assert not set(judged.learned[:, 0] % 2) & set(fitted_on.learned[:, 0] % 2)
    undated = Judged("probability_of_default", codes, codes, codes[:, 0], codes)
    with pytest.raises(UnusableData, match="no dates"):
        undated.by_time(part)
