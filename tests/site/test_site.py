"""The documentation site, built: whole, every link and anchor leads somewhere, and nothing is loaded from elsewhere."""

import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import pytest
import typer

from oracle.cli import app
from oracle.config.reference import rows
from oracle.config.settings import Settings
from oracle.devnet.machinery.node import REPOSITORY
from oracle.web.api.application import OPERATIONS

sys.path.insert(0, str(REPOSITORY / "deploy" / "site"))
import reference_cli
import reference_solidity


def built(folder: Path, *, docs: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """Build the site as `make docs` does, into a folder; `docs` stands for other pages."""
    configuration = REPOSITORY / "mkdocs.yml"
    if docs is not None:
        # Beside the real one, which paths in it are relative to.
        text = configuration.read_text().replace("docs_dir: docs", f"docs_dir: {docs}")
        configuration = folder.parent / "mkdocs.yml"
        configuration.write_text(text.replace("deploy/site/hooks.py", str(REPOSITORY / "deploy" / "site" / "hooks.py")))
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", str(configuration), "-d", str(folder)],
        cwd=REPOSITORY,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "out"
    done = built(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def pages(site: Path) -> list[Path]:
    return [page for page in sorted(site.rglob("*.html")) if page.name != "404.html"]


@cache
def anchors(page: Path) -> set[str]:
    return {unescape(name) for name in re.findall(r'\bid="([^"]+)"', page.read_text())}


def test_links__when_followed__then_page_and_heading_are_there(site: Path) -> None:
    assert len(pages(site)) > 25
    wrong = []
    for page in pages(site):
        for target in re.findall(r'<a\b[^>]*\bhref="([^"]+)"', page.read_text()):
            path, _, anchor = unquote(unescape(target)).partition("#")
            if "://" in path or path.startswith("mailto:"):
                continue
            there = page if not path else (page.parent / path).resolve()
            there = there / "index.html" if there.is_dir() else there
            if not there.is_file() or (anchor and anchor not in anchors(there)):
                wrong.append(f"{page.relative_to(site)}: {target}")
    assert wrong == []


def test_pages__when_loaded__then_nothing_comes_from_elsewhere(site: Path) -> None:
    for page in pages(site):
        loaded = re.findall(r'<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)="(https?:)?//[^"]*"', page.read_text())
        assert loaded == [], page
    for style in site.rglob("*.css"):
        assert re.findall(r"(?:@import|url\()\s*[\"']?https?://", style.read_text()) == [], style


def text_of(site: Path, place: str) -> str:
    return unescape(re.sub(r"<[^>]+>", "", (site / place / "index.html").read_text()))


def test_reference__when_compared_with_the_code__then_every_setting_command_and_route_is_there(site: Path) -> None:
    settings, commands, routes = (text_of(site, place) for place in ("settings", "reference/cli", "reference/http"))
    assert [row.key for row in rows(Settings, "RISK_ORACLE_") if row.key not in settings] == []
    known = list(reference_cli.commands(typer.main.get_command(app), ("risk-oracle",)))
    assert len(known) > 30
    assert [words for words, _ in known if " ".join(words) not in commands] == []
    assert [one.path for one in OPERATIONS if f"{one.method} {one.path}" not in routes] == []
    served = json.loads((site / "reference" / "openapi.json").read_text())
    assert served["openapi"] == "3.1.0"


def test_reference__when_compared_with_the_contracts__then_every_entry_has_its_words(site: Path) -> None:
    shown = text_of(site, "reference/solidity")
    compiled = reference_solidity.documented()
    for source in reference_solidity.SHOWN:
        told = compiled[source][Path(source).stem]
        names = {one["name"] for one in told["abi"] if one["type"] in ("function", "event", "error")}
        assert {name for name in names if name not in shown} == set()
    oracle = compiled["contracts/interfaces/IAIRiskOracle.sol"]["IAIRiskOracle"]
    notices = [one["notice"] for one in oracle["userdoc"]["methods"].values()]
    assert len(notices) > 20
    assert all(reference_solidity._escaped(notice).replace("`", "") in shown.replace("`", "") for notice in notices)


def test_build__when_links_lead_nowhere_or_a_page_is_in_no_menu__then_each_is_told_and_it_fails(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    shutil.copytree(REPOSITORY / "docs", docs)
    faults = ("[gone](nowhere.md)", "[gone](#no-heading-here)", "[gone](operate.md#no-heading-there)")
    (docs / "start.md").write_text("\n\n".join([(docs / "start.md").read_text(), *faults]))
    (docs / "forgotten.md").write_text("# Forgotten\n")
    done = built(tmp_path / "out", docs=docs)
    assert done.returncode != 0
    said = done.stdout + done.stderr
    for fault in ("nowhere.md", "no-heading-here", "no-heading-there", "forgotten.md"):
        assert fault in said, said
    assert "Aborted with 4 warnings" in said
