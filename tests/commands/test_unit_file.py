"""The systemd unit: refusals stay down, no more rights than needed, and its comments say all that it takes."""

import re
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from oracle.exit_codes import ExitCode
from tests.commands.test_outcomes import risk_oracle
from tests.support.documented import parse

REPOSITORY = Path(__file__).parents[2]
UNIT = REPOSITORY / "deploy" / "risk-oracle.service"
PROGRAM = "/opt/risk-oracle/bin/risk-oracle"
# Out of ten; the unit had 8.5 before it gave anything up.
MOST_EXPOSURE = 2.0


def directives() -> dict[str, list[str]]:
    found = defaultdict(list)
    for line in UNIT.read_text().splitlines():
        if match := re.fullmatch(r"(\w+)=(.*)", line):
            found[match[1]].append(match[2])
    return found


def test_unit__when_a_start_is_refused__then_nothing_starts_it_again() -> None:
    unit = directives()
    assert unit["Restart"] == ["on-failure"]
    assert {int(code) for code in unit["RestartPreventExitStatus"][0].split()} == {ExitCode.REFUSED, ExitCode.USAGE}
    # Those codes count for the main process alone: any command beside it would be started again for ever.
    beside = [name for name in unit if name.startswith("Exec") and name != "ExecStart"]
    assert (beside, len(unit["ExecStart"])) == ([], 1)


def test_unit__when_the_settings_are_wrong__then_its_command_ends_with_a_code_that_stays_down(tmp_path: Path) -> None:
    (program, *words) = directives()["ExecStart"][0].split()
    assert program == PROGRAM
    wrong = tmp_path / "risk-oracle.toml"
    wrong.write_text("[chian]\n")
    words = [str(wrong) if word.startswith("/etc/") else word for word in words]
    assert risk_oracle(*words, cwd=tmp_path).returncode == ExitCode.REFUSED
    assert risk_oracle(*words, "--bogus", cwd=tmp_path).returncode == ExitCode.USAGE


@pytest.mark.parametrize(
    "line",
    [
        "NoNewPrivileges=true",
        "CapabilityBoundingSet=",
        "PrivateDevices=true",
        "PrivateTmp=true",
        "PrivateUsers=true",
        "ProtectHome=true",
        "ProtectKernelModules=true",
        "ProtectKernelTunables=true",
        "ProtectSystem=strict",
        "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
        "RestrictNamespaces=true",
        "RestrictSUIDSGID=true",
        "SystemCallFilter=@system-service",
        "SystemCallFilter=~@privileged",
        "UMask=0077",
        "User=risk-oracle",
        "LoadCredential=signer.key:/etc/risk-oracle/signer.key",
    ],
)
def test_unit__when_read__then_it_gives_up_what_it_does_not_need(line: str) -> None:
    assert line in UNIT.read_text().splitlines()


def test_unit__when_systemd_judges_it__then_it_verifies_and_is_hardly_exposed(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        # Its directives are looked at above; this machine has nothing that could judge them.
        assert len(directives()) > 30
        return
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace(PROGRAM, str(Path(sys.executable).with_name("risk-oracle"))))
    verified = subprocess.run([analyze, "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")
    judged = subprocess.run(
        [analyze, "security", "--offline=true", "--no-pager", str(unit)], capture_output=True, text=True, check=False
    )
    match = re.search(r"Overall exposure level for \S+: (\d+\.\d)", judged.stdout)
    assert match is not None, judged.stdout + judged.stderr
    assert float(match[1]) <= MOST_EXPOSURE


def test_unit__when_its_comments_are_followed__then_user_environment_keys_and_secrets_are_there() -> None:
    recipe = [line.removeprefix("#").strip() for line in UNIT.read_text().splitlines() if line.startswith("#   ")]
    text = "\n".join(recipe)
    assert "useradd --system" in text
    assert "venv /opt/risk-oracle" in text
    assert re.search(r"install -m 0600 signer.key /etc/risk-oracle/", text)
    assert re.search(r"install -m 0640 -g risk-oracle .*rpc.url", text)
    (setup,) = [line for line in recipe if " setup " in line]
    words = setup.partition(f"{PROGRAM} ")[2].split()
    # It parses, and the keys go where the example settings look for them.
    parse(words)
    folder = Path(words[words.index("--keys") + 1]).parent
    assert f'keys = "{folder}"' in (REPOSITORY / "deploy" / "risk-oracle.example.toml").read_text()
