"""Label lists: what they say of an address, with a date; what cannot be read is refused by its line."""

import datetime
from pathlib import Path

import pytest

from oracle.assessment.engineering import engineer
from oracle.assessment.errors import ConfigurationFault
from oracle.assessment.features import FEATURES
from oracle.assessment.request import to_address
from oracle.history.identity.labels import Flag, load_labels

SHARED = Path(__file__).parents[4] / "shared" / "data" / "malicious_addresses"
BAD = "0x" + "Ab" * 20
DAY = datetime.date(2025, 6, 1)


def written(folder: Path, text: str, name: str = "list.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_flags__when_two_lists_name_an_address__then_both_in_order_with_their_dates(tmp_path: Path) -> None:
    one = written(tmp_path, f"address,label,source\n{BAD},sanctioned,OFAC SDN\n", "one.csv")
    two = written(tmp_path, f"date,source,label,address\n2024-02-29,scamsniffer,phishing,{BAD.lower()}\n", "two.csv")
    labels = load_labels([(one, DAY), (two, None)])
    assert labels.of(to_address(BAD)) == [
        Flag("phishing", "scamsniffer", "2024-02-29"),
        Flag("sanctioned", "OFAC SDN", "2025-06-01"),
    ]
    assert labels.plain(to_address(BAD))[1] == {"label": "sanctioned", "source": "OFAC SDN", "date": "2025-06-01"}


def test_flags__when_no_list_names_an_address__then_none(tmp_path: Path) -> None:
    path = written(tmp_path, f"address,label,source\n{BAD},sanctioned,OFAC\n")
    assert load_labels([(path, DAY)]).of(to_address("0x" + "11" * 20)) == []
    assert load_labels([]).of(to_address(BAD)) == []


@pytest.mark.parametrize(
    ("text", "date", "words"),
    [
        ("address,label\n", DAY, "no column source"),
        ("", DAY, "no column address, label, source"),
        ("address,label,source\n0x12,sanctioned,OFAC\n", DAY, "line 2: '0x12' is not an address"),
        (f"address,label,source\n{BAD},,OFAC\n", DAY, "line 2: .* has no label"),
        (f"address,label,source\n{BAD},sanctioned,OFAC\n", None, "line 2: has no date"),
        (f"address,label,source,date\n{BAD},sanctioned,OFAC,June\n", DAY, "'June' is not a date"),
    ],
)
def test_list__when_wrong__then_refused_by_its_line(
    tmp_path: Path, text: str, date: datetime.date | None, words: str
) -> None:
    with pytest.raises(ConfigurationFault, match=words):
        load_labels([(written(tmp_path, text), date)])


def test_list__when_not_there__then_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationFault, match=r"nowhere\.csv cannot be read"):
        load_labels([(tmp_path / "nowhere.csv", DAY)])


def test_labels__then_no_feature() -> None:
    assert not [feature for feature in FEATURES if "label" in feature.name or "sanction" in feature.name]
    assert engineer.__annotations__.keys() == {"history", "terms", "return"}


def test_public_lists__when_in_the_format__then_all_are_read(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    if not SHARED.is_dir():
        pytest.skip(f"the public lists are not here: {SHARED}")
    malicious = pandas.read_parquet(SHARED / "labels.parquet")
    malicious[["address", "label", "source"]].to_csv(tmp_path / "malicious.csv", index=False)
    sanctions = pandas.read_csv(SHARED / "ofac_sanctioned_eth.csv")
    sanctions["label"], sanctions["source"] = "sanctioned", "OFAC SDN"
    files = []
    for column, date in (("listed_2024_09", datetime.date(2024, 9, 1)), ("listed_2025_06", DAY)):
        path = tmp_path / f"{column}.csv"
        sanctions.loc[sanctions[column], ["address", "label", "source"]].to_csv(path, index=False)
        files.append((path, date))
    labels = load_labels([(tmp_path / "malicious.csv", datetime.date(2024, 2, 29)), *files])
    assert len(labels) >= 9_329
    removed = sanctions.loc[sanctions["listed_2024_09"] & ~sanctions["listed_2025_06"], "address"].iloc[0]
    dates = [flag.date for flag in labels.of(to_address(removed)) if flag.label == "sanctioned"]
    assert dates == ["2024-09-01"], "taken off the list since: the flag's date says so"
