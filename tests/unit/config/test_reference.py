"""`risk-oracle config keys` and its page: every setting with its variable, type, default and meaning."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from oracle.cli import app
from oracle.config.errors import known_keys
from oracle.config.reference import SettingRow, rows
from oracle.config.settings import Settings, load_settings
from tests.unit.config.test_settings import FILE

PAGE = Path(__file__).parents[3] / "docs" / "settings.md"
ROWS = {row.key: row for row in rows(Settings, "RISK_ORACLE_")}


def said(*words: str) -> str:
    result = CliRunner().invoke(app, ["config", *words])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_rows__when_compared_with_what_the_settings_take__then_none_is_missing() -> None:
    assert {key.replace("[]", "") for key in ROWS} >= {key for key, _ in known_keys(Settings)}
    assert [row.key for row in ROWS.values() if not row.description] == []


@pytest.mark.parametrize(
    "row",
    [
        SettingRow("chain.chain_id", "RISK_ORACLE_CHAIN__CHAIN_ID", "integer", True, None, ""),
        SettingRow("chain.rpc_url", "RISK_ORACLE_CHAIN__RPC_URL", "secret or list of secret", True, None, ""),
        SettingRow("log.format", "RISK_ORACLE_LOG__FORMAT", "console or json", False, "console", ""),
        SettingRow("web.port", "RISK_ORACLE_WEB__PORT", "integer", False, "8080", ""),
        SettingRow("model.keys", "RISK_ORACLE_MODEL__KEYS", "path", False, "build/keys", ""),
        SettingRow("history.lenders", "RISK_ORACLE_HISTORY__LENDERS", "list of tables", False, "none", ""),
        SettingRow("history.lenders[].foreign", "RISK_ORACLE_HISTORY__LENDERS", "true or false", False, "false", ""),
    ],
    ids=lambda row: row.key,
)
def test_row__then_variable_type_and_default(row: SettingRow) -> None:
    found = ROWS[row.key]
    assert SettingRow(found.key, found.variable, found.type, found.required, found.default, "") == row


@pytest.mark.parametrize(
    "row",
    [row for row in ROWS.values() if row.default not in (None, "none") and "[" not in row.key],
    ids=lambda r: r.key,
)
def test_row__when_its_variable_is_set_to_its_default__then_taken(row: SettingRow, tmp_path: Path) -> None:
    (tmp_path / "risk-oracle.toml").write_text(FILE)
    plain = load_settings(tmp_path / "risk-oracle.toml", {})
    assert load_settings(tmp_path / "risk-oracle.toml", {row.variable: str(row.default)}) == plain


def test_keys__in_words__then_all_four(tmp_path: Path) -> None:
    text = said("keys")
    for row in ROWS.values():
        default = "required" if row.required else f"default {row.default}"
        assert f"{row.key}\n    {row.variable}\n    {row.type}, {default}\n    {row.description}\n" in text


def test_keys__as_json__then_the_same() -> None:
    found = json.loads(said("keys", "--json"))["settings"]
    assert [one["key"] for one in found] == list(ROWS)
    assert {"key", "variable", "type", "required", "default", "description"} == set(found[0])


def test_page__when_compared_with_the_program__then_it_is_what_the_command_writes() -> None:
    assert PAGE.read_text() == said("keys", "--markdown"), "risk-oracle config keys --markdown > docs/settings.md"


def test_check__then_json_only_when_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "risk-oracle.toml"
    file.write_text(FILE)
    file.chmod(0o644)
    result = CliRunner().invoke(app, ["config", "check", "--config", str(file)])
    assert (result.exit_code, result.stdout) == (0, "")
    assert "warning: signer.key: everybody" in result.stderr
    assert "warning: history: no market" in result.stderr
    assert f"the settings are right: {file}" in result.stderr
    assert json.loads(said("check", "--json", "--config", str(file)))["chain"]["chain_id"] == 31337
