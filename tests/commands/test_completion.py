"""Completion in shells: the scripts are given, and know every command."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = str(Path(sys.executable).with_name("risk-oracle"))
SHELLS = ("bash", "zsh", "fish")


def run(environment: dict[str, str], *words: str) -> str:
    ended = subprocess.run(
        [PROGRAM, *words],
        env={**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_completion__when_shown__then_a_script_of_that_shell(shell: str) -> None:
    script = run({}, "--show-completion", shell)
    assert "_RISK_ORACLE_COMPLETE" in script
    assert f"complete_{shell}" in script


def test_completion__in_bash__then_the_script_completes_a_command(tmp_path: Path) -> None:
    script = tmp_path / "completion.sh"
    script.write_text(run({}, "--show-completion", "bash"))
    asked = (
        f"source {script}; COMP_WORDS=(risk-oracle requests s); COMP_CWORD=2; "
        '_risk_oracle_completion risk-oracle; echo "${COMPREPLY[@]}"'
    )
    environment = {**os.environ, "PATH": f"{Path(PROGRAM).parent}:{os.environ['PATH']}"}
    ended = subprocess.run(["/bin/bash", "-c", asked], env=environment, capture_output=True, text=True, check=True)
    assert {"show", "summary"} <= set(ended.stdout.split())


@pytest.mark.parametrize(
    ("shell", "words"),
    [
        ("bash", {"COMP_WORDS": "risk-oracle ver", "COMP_CWORD": "1"}),
        ("zsh", {"_TYPER_COMPLETE_ARGS": "risk-oracle ver"}),
        ("fish", {"_TYPER_COMPLETE_ARGS": "risk-oracle ver", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}),
    ],
)
def test_completion__when_the_shell_asks__then_the_command_is_offered(shell: str, words: dict[str, str]) -> None:
    assert "verify" in run({"_RISK_ORACLE_COMPLETE": f"complete_{shell}", **words})


@pytest.mark.parametrize(("shell", "file"), [("bash", ".bashrc"), ("zsh", ".zshrc"), ("fish", ".config/fish")])
def test_completion__when_installed__then_the_shells_own_folder_has_it(shell: str, file: str, tmp_path: Path) -> None:
    run({"HOME": str(tmp_path)}, "--install-completion", shell)
    place = tmp_path / file
    assert place.exists()
    assert any("RISK_ORACLE" in one.read_text() for one in tmp_path.rglob("*") if one.is_file())
