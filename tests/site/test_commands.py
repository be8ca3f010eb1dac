"""Every shell command of every page: parsed by the program that it calls, or run by a test that is named here."""

import re
import shlex
from pathlib import Path

import pytest
from typer.exceptions import TyperException

from oracle.devnet.machinery.node import REPOSITORY
from tests.support.documented import parse

PAGES = sorted(
    page for folder in ("docs", "contracts", "oracle/models", ".") for page in (REPOSITORY / folder).glob("*.md")
)
SHELL = {"sh", "bash", "console", "shell", ""}
# Programs that are not ours, and where their commands are carried out, or why they are not.
OTHERS = {
    "dask": "tests/proving/test_fleet.py starts the scheduler with these options",
    "pg_dump": "tests/commands/test_backup.py runs the page",
    "pg_restore": "tests/commands/test_backup.py runs the page",
    "psql": "tests/monitoring/test_grafana.py runs the line, which stands in deploy/reader.sql too",
    "systemctl": "no systemd runs here; tests/commands/test_unit_file.py has systemd judge the unit it speaks of",
    "python3.11": "makes an environment, as each first `make setup` does",
    "pip": "tests/daemon/test_stranger.py installs the built package; a registry has it once it is published",
}
_TARGETS = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))


def commands(page: Path) -> list[list[str]]:
    """Return the words of each command in a page's shell blocks, and of each indented line that calls make."""
    text = page.read_text()
    blocks = re.findall(r"^ *```(\w*)[^\n]*\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    lines = "\n".join(block for language, block in blocks if language in SHELL).replace("\\\n", " ").splitlines()
    outside = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)
    lines += re.findall(r"^ {4}((?:make|risk-oracle) .+)$", outside, re.MULTILINE)
    found = []
    for line in lines:
        words = shlex.split(line, comments=True)
        # A new command after each connective.
        while words:
            end = next((place for place, word in enumerate(words) if word in ("&&", "||", "|", ";")), len(words))
            found.append(words[:end])
            words = words[end + 1 :]
    return [words for words in found if words]


def judge(words: list[str]) -> None:
    """Raise AssertionError, or the parser's error, for a command that is not there or takes no such words."""
    name = Path(words[0]).name
    if name == "risk-oracle":
        parse(words[1:])
    elif name == "make":
        wanted = [word for word in words[1:] if "=" not in word]
        assert wanted, words
        assert set(wanted) <= _TARGETS, f"no target {set(wanted) - _TARGETS}"
    else:
        assert name in OTHERS, f"{' '.join(words)}: a command that nothing runs or parses"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_commands__when_a_page_has_one__then_it_parses_or_something_runs_it(page: Path) -> None:
    for words in commands(page):
        judge(words)


def test_commands__when_searched_for__then_they_are_found_and_the_list_of_others_has_no_more() -> None:
    found = [words for page in PAGES for words in commands(page)]
    assert len(found) > 50
    names = {Path(words[0]).name for words in found}
    assert {"make", "risk-oracle"} <= names
    assert set(OTHERS) <= names, "what no page calls any more"
    for reason in OTHERS.values():
        assert all((REPOSITORY / file).is_file() for file in re.findall(r"tests/[\w/]+\.py", reason))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("risk-oracle db downgrade", "there is no downgrade"),
        ("make tea", "no target {'tea'}"),
        ("curl https://x | sh", "a command that nothing runs or parses"),
        ("make", "'make'"),
    ],
)
def test_commands__when_one_is_wrong__then_it_is_told(line: str, told: str) -> None:
    with pytest.raises(AssertionError, match=re.escape(told)):
        judge(shlex.split(line))


def test_commands__when_an_option_is_wrong__then_it_is_told() -> None:
    with pytest.raises(TyperException, match="No such option: --now"):
        judge(["risk-oracle", "db", "upgrade", "--now"])
