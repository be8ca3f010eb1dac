"""`risk-oracle init`: a file that is right, readable by its owner alone, and never over somebody's own."""

import json
import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from oracle.assessment.errors import ConfigurationFault
from oracle.cli import app
from oracle.config.reference import rows
from oracle.config.settings import ENVIRONMENT_PREFIX, AuditSettings, Settings, load_settings, load_settings_of
from oracle.config.written import commented

ORACLE = "0x" + "17" * 20
FEED = "0x" + "18" * 20


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "signer.key"
    path.touch(0o600)
    path.write_text("0x" + "ab" * 32)
    return path


def run(*words: str, answers: str | None = None) -> Result:
    return CliRunner().invoke(app, ["init", *words], input=answers)


def given(tmp_path: Path, *more: str) -> list[str]:
    where = ["--rpc-url", "http://127.0.0.1:1", "--chain-id", "31337", "--oracle", ORACLE, "--coin-price-feed", FEED]
    return ["--non-interactive", "--out", str(tmp_path / "made.toml"), *where, *more]


def test_init__by_options__then_a_file_that_is_right_and_the_owners_alone(tmp_path: Path, key_file: Path) -> None:
    ended = run(*given(tmp_path, "--signer-key-file", str(key_file), "--api", "--start-block", "5", "--json"))
    assert ended.exit_code == 0, ended.output
    told = json.loads(ended.stdout)
    made = tmp_path / "made.toml"
    assert (told["file"], stat.S_IMODE(made.stat().st_mode)) == (str(made), 0o600)
    settings = load_settings(made, {})
    assert (settings.chain.chain_id, settings.chain.oracle, settings.chain.start_block) == (31337, ORACLE, 5)
    assert settings.api.enabled is True
    assert settings.signer.key.get_secret_value() == "0x" + "ab" * 32
    assert "ab" * 32 not in made.read_text(), "a secret stays in its own file"


def test_init__when_asked__then_each_wrong_answer_is_asked_for_again(tmp_path: Path, key_file: Path) -> None:
    made = tmp_path / "made.toml"
    answers = ["ftp://x", "http://127.0.0.1:1", "1e3", "31337", "0x17", ORACLE, "", FEED, str(key_file), "", "y"]
    ended = run("--out", str(made), answers="\n".join(answers) + "\n")
    assert ended.exit_code == 0, ended.output
    settings = load_settings(made, {})
    assert (settings.chain.chain_id, settings.chain.start_block, settings.api.enabled) == (31337, 0, True)


def test_init__of_a_known_network__then_its_markets_are_read(tmp_path: Path) -> None:
    ended = run(
        "--non-interactive", "--out", str(tmp_path / "made.toml"), "--rpc-url", "http://127.0.0.1:1",
        "--chain-id", "1", "--oracle", ORACLE,
    )  # fmt: skip
    assert ended.exit_code == 0, ended.output
    assert "signer.key_file" in ended.stdout, "what is left to do is said"
    settings = load_settings_of(AuditSettings, tmp_path / "made.toml", {})
    assert settings.history.network == "ethereum"
    assert settings.history.aave_v3


def test_init__when_a_file_is_there__then_it_stays_unless_forced(tmp_path: Path) -> None:
    made = tmp_path / "made.toml"
    made.write_text("mine")
    ended = run(*given(tmp_path))
    assert (isinstance(ended.exception, ConfigurationFault), made.read_text()) == (True, "mine")
    assert run(*given(tmp_path, "--force")).exit_code == 0
    assert made.read_text() != "mine"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--oracle", "0x17"], "--oracle"),
        (["--rpc-url", "ftp://x"], "--rpc-url"),
        (["--network", "nowhere"], "nowhere"),
        (["--signer-key-file", "/nonexistent/key"], "signer.key_file"),
        (["--rpc-url-file", "/nonexistent/url"], "--rpc-url-file are two places"),
        (["--start-block", "1", "--database-url-file", "/nonexistent/url"], "database.url_file"),
    ],
)
def test_init__when_an_option_is_wrong__then_said_and_nothing_is_written(
    tmp_path: Path, words: list[str], said: str
) -> None:
    ended = run(*given(tmp_path, *words))
    assert isinstance(ended.exception, ConfigurationFault), ended.output
    assert said in str(ended.exception)
    assert list(tmp_path.iterdir()) == []


def test_init__without_what_it_must_know__then_the_option_is_named(tmp_path: Path) -> None:
    ended = run("--non-interactive", "--out", str(tmp_path / "made.toml"), "--rpc-url", "http://127.0.0.1:1")
    assert "--chain-id is missing" in str(ended.exception)


def test_commented__then_every_setting_is_told_and_values_come_back(tmp_path: Path) -> None:
    known = rows(Settings, ENVIRONMENT_PREFIX)
    values: dict[str, Any] = {"chain.chain_id": 5, "api.enabled": True, "chain.rpc_url": 'http://a"\\b'}
    text = commented(known, values, "test")
    found = tomllib.loads(text)
    assert found["chain"] == {"chain_id": 5, "rpc_url": 'http://a"\\b'}
    assert found["api"] == {"enabled": True}
    assert "signer" not in found
    for row in known:
        if "[]" not in row.key:
            assert row.description in text
    with pytest.raises(ValueError, match="no settings"):
        commented(known, {"chain.nothing": 1}, "test")
    with pytest.raises(ValueError, match="no line"):
        commented(known, {"chain.rpc_url": "a\nb"}, "test")
