"""The documentation is the program's: events, alerts, commands, links and files that it names are there."""

import re
from pathlib import Path

import pytest
from prometheus_client.metrics import MetricWrapperBase

from oracle.assessment.states import State
from oracle.config import reference
from oracle.config.settings import Settings
from oracle.pipeline import metrics
from tests.support.documented import commands_in, commands_inline, exists, parse
from tests.support.log_events import logged_events

REPOSITORY = Path(__file__).parents[2]
PAGES = [*sorted((REPOSITORY / "docs").glob("*.md")), REPOSITORY / "README.md"]
OTHERS = [REPOSITORY / "deploy" / "risk-oracle.service", REPOSITORY / "docker-compose.yml"]

# Files and addresses have dots too: `database.url` is a file of secrets and a setting, `signer.key` likewise.
_ENDINGS = {"md", "toml", "py", "json", "sol", "yml"}


def documented_events() -> dict[str, set[str]]:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \|", (REPOSITORY / "docs" / "log-events.md").read_text(), re.M)
    found: dict[str, set[str]] = {}
    for name, level in rows:
        found.setdefault(name, set()).add(level)
    return found


def test_events__when_the_program_logs_one__then_the_page_has_it() -> None:
    logged = list(logged_events(REPOSITORY / "oracle"))
    assert len(logged) > 30, "the search finds what is known to be there"
    missing = [
        f"{event.place} logs {event.name}, which docs/log-events.md lacks"
        for event in logged
        if not any(re.fullmatch(event.name.replace("*", r"\w+"), known) for known in documented_events())
    ]
    assert missing == []


def test_events__when_the_page_has_one__then_the_program_logs_it() -> None:
    logged = list(logged_events(REPOSITORY / "oracle"))
    patterns = {re.compile(event.name.replace("*", rf"(?:{'|'.join(State)})")) for event in logged}
    assert [name for name in documented_events() if not any(one.fullmatch(name) for one in patterns)] == []


def test_events__when_a_request_reaches_a_state__then_the_page_has_its_event() -> None:
    assert {f"request_{state.value}" for state in State} <= set(documented_events())


def test_metrics__when_a_page_or_file_names_one__then_the_daemon_gives_it() -> None:
    given = {
        name
        for metric in vars(metrics).values()
        if isinstance(metric, MetricWrapperBase)
        for family in metric.describe()
        for name in (family.name, f"{family.name}_total")
    }
    named = {name for page in PAGES for name in re.findall(r"`(risk_oracle_\w+)`", page.read_text())}
    assert named
    assert named - given == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_settings__when_a_page_names_one__then_it_is_there(page: Path) -> None:
    rows = [re.sub(r"\[\]", "", row.key) for row in reference.rows(Settings, "")]
    known = {key.rpartition(".")[0] for key in rows} | set(rows)
    sections = {key.partition(".")[0] for key in known}
    # A sentence names a setting in code: `chain.log_range`, perhaps with its value.
    named = re.findall(r"`(\w+)\.(\w+)(?:\.\w+)?(?: = [^`]+)?`", page.read_text())
    ours = {f"{section}.{key}" for section, key in named if section in sections and key not in _ENDINGS}
    assert {name for name in ours if name not in known and f"{name}_file" not in known} == set()


@pytest.mark.parametrize("page", [*PAGES, *OTHERS], ids=lambda page: page.name)
def test_commands__when_a_page_writes_one__then_it_parses(page: Path) -> None:
    for words in commands_in(page.read_text()):
        parse(words)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands__when_a_sentence_names_one__then_it_is_there(page: Path) -> None:
    for words in commands_inline(page.read_text()):
        exists(words)


def test_commands__when_they_are_searched_for__then_they_are_found() -> None:
    found = [" ".join(words) for page in PAGES for words in commands_in(page.read_text())]
    assert len(found) > 20
    assert "requests list --state dead" in found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links__when_a_page_has_one__then_there_is_something_behind_it(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
        assert target.startswith("https://") or (page.parent / target).exists(), f"{page.name} links {target}"


def test_pages__when_there_is_one__then_the_list_and_the_readme_lead_there() -> None:
    listed = (REPOSITORY / "docs" / "README.md").read_text()
    assert [page.name for page in PAGES if page.parent.name == "docs" and f"({page.name})" not in listed] == [
        "README.md"
    ]
    assert "(docs/README.md)" in (REPOSITORY / "README.md").read_text()
