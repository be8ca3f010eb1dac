"""What is allowed and hardly meant: secrets that everybody can read, a history that reads nothing."""

import os
from pathlib import Path

import pytest

from oracle.config.settings import AuditSettings, load_settings, load_settings_of
from tests.unit.config.test_settings import ADDRESS, FILE, KEY, MINIMAL

MARKET = f'[[history.lenders]]\nname = "desk"\naddress = "{ADDRESS}"\n'


def written(path: Path, text: str, mode: int) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def warnings(text: str, tmp_path: Path, mode: int = 0o600, **environment: str) -> list[str]:
    file = written(tmp_path / "risk-oracle.toml", text + MARKET, mode)
    return load_settings(file, {f"RISK_ORACLE_{name}": value for name, value in environment.items()}).warnings


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o602, 0o666])
def test_key_file__when_others_may_read_or_write_it__then_warned_with_the_remedy(mode: int, tmp_path: Path) -> None:
    key = written(tmp_path / "signer.key", KEY, mode)
    text = FILE.replace(f'key = "{KEY}"', f'key_file = "{key}"')
    (said,) = warnings(text, tmp_path, mode=0o644)
    assert said.startswith(f"signer.key_file: everybody on this machine can read the file {key} (mode {mode:04o})")
    assert said.endswith(f"chmod o-rwx {key}")
    assert KEY not in said


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640])
def test_key_file__when_only_its_owner_and_group_may__then_no_word(mode: int, tmp_path: Path) -> None:
    key = written(tmp_path / "signer.key", KEY, mode)
    assert warnings(FILE.replace(f'key = "{KEY}"', f'key_file = "{key}"'), tmp_path) == []


def test_secret_files__when_named_by_variables__then_each_is_looked_at(tmp_path: Path) -> None:
    url = written(tmp_path / "database.url", "postgresql://oracle@db/oracle", 0o644)
    rpc = written(tmp_path / "rpc.url", "https://rpc.example/key", 0o644)
    said = warnings(FILE, tmp_path, DATABASE__URL_FILE=str(url), CHAIN__RPC_URL_FILE=str(rpc))
    assert {line.partition(":")[0] for line in said} == {"database.url_file", "chain.rpc_url_file"}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("", "signer.key"),
        ('[database]\npassword = "x"\n', "database.password"),
        ('[database]\nurl = "postgresql://oracle:pass@db/oracle"\n', "database.url"),
    ],
)
def test_settings_file__when_it_holds_a_secret_for_everybody__then_warned(text: str, key: str, tmp_path: Path) -> None:
    said = warnings(FILE + text, tmp_path, mode=0o644)
    assert key in {line.partition(":")[0] for line in said}
    assert any(f"give {key.partition('.')[2]}_file instead" in line for line in said)


def test_settings_file__when_it_holds_no_secret__then_everybody_may_read_it(tmp_path: Path) -> None:
    text = FILE.replace(f'key = "{KEY}"', "").replace("[signer]", "[database]\nurl = 'postgresql:///oracle'\n[signer]")
    assert warnings(text, tmp_path, mode=0o644, SIGNER__KEY=KEY) == []


def test_history__when_nothing_is_named__then_warned_that_every_wallet_reads_as_empty() -> None:
    (said,) = load_settings(None, MINIMAL).warnings
    assert said.startswith("history: no market, exchange or lender is named")
    assert "history.network" in said


def test_history__when_the_network_names_them__then_no_word() -> None:
    values = {name: text for name, text in MINIMAL.items() if not name.endswith("FEED")}
    assert load_settings(None, values | {"RISK_ORACLE_HISTORY__NETWORK": "ethereum"}).warnings == []


@pytest.mark.parametrize("lists", ["LENDERS", "UNISWAP_V2"])
def test_history__when_one_is_named__then_no_word(lists: str) -> None:
    one = f'[{{"name": "x", "{"address" if lists == "LENDERS" else "factory"}": "{ADDRESS}"}}]'
    assert load_settings(None, {**MINIMAL, f"RISK_ORACLE_HISTORY__{lists}": one}).warnings == []


def test_signer__when_this_user_may_not_read_the_key__then_who_only_looks_goes_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = FILE.replace(f'key = "{KEY}"', f'key_file = "{tmp_path / "signer.key"}"')
    file = written(tmp_path / "risk-oracle.toml", text, 0o600)
    original = Path.read_text

    def guarded(path: Path, *arguments: object, **options: object) -> str:
        # Root may read everything: the test cannot forbid it by mode.
        if path.name == "signer.key":
            raise PermissionError(13, os.strerror(13))
        return original(path, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "read_text", guarded)
    assert load_settings_of(AuditSettings, file, {}).signer is None
    with pytest.raises(Exception, match=r"signer\.key_file: cannot read the file .*: Permission denied"):
        load_settings(file, {})
