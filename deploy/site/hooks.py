"""What MkDocs calls while it builds the site: the generated pages, and links that lead out of the docs folder."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import reference_cli
import reference_http
import reference_metrics
import reference_solidity
from mkdocs.structure.files import File, Files

from oracle.commands.settings import markdown
from oracle.config.reference import rows
from oracle.config.settings import ENVIRONMENT_PREFIX, Settings

REPOSITORY = Path(__file__).parents[2]
GENERATED: dict[str, Callable[[], str]] = {
    "reference/cli.md": reference_cli.page,
    "reference/http.md": reference_http.page,
    "reference/openapi.json": lambda: json.dumps(reference_http.openapi(), indent=1),
    "reference/metrics.md": reference_metrics.page,
    "reference/solidity.md": reference_solidity.page,
    "settings.md": lambda: markdown(rows(Settings, ENVIRONMENT_PREFIX)),
}
# Pages that live beside what they are about.
ELSEWHERE = {
    "contracts/INTEGRATING.md": "integrate/solidity.md",
    "contracts/README.md": "integrate/contracts.md",
    "oracle/models/EXPLANATIONS.md": "models/explanations.md",
    "oracle/models/REGISTRY.md": "models/registry.md",
    "oracle/models/shipped/credit-v1/card.md": "models/credit-v1.md",
}
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)#\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: Any) -> Files:
    """Add what is generated, and the pages that live elsewhere with their pictures."""
    for place, make in GENERATED.items():
        if (known := files.get_file_from_path(place)) is not None:
            files.remove(known)
        files.append(File.generated(config, place, content=make()))
    for source, place in ELSEWHERE.items():
        path = REPOSITORY / source
        files.append(File.generated(config, place, content=path.read_text()))
        for _, _, target, _ in (match for match in _LINK.findall(path.read_text()) if match[0] == "!"):
            picture = path.parent / target
            files.append(File.generated(config, f"{Path(place).parent}/{target}", content=picture.read_bytes()))
    return files


def on_page_markdown(text: str, page: Any, config: Any, files: Files) -> str:
    """Turn links to files of the repository into links of the site; what the site has not stays as words."""
    origins = {place: source for source, place in ELSEWHERE.items()}
    here = page.file.src_uri
    origin = Path(origins.get(here, f"docs/{here}"))
    # A generated page speaks of the site already.
    return text if here in GENERATED else _LINK.sub(lambda match: _led(match, origin, here), text)


def _led(match: "re.Match[str]", origin: Path, here: str) -> str:
    picture, words, target, anchor = match.groups()
    if picture or "://" in target:
        return match[0]
    wanted = os.path.normpath(origin.parent / target)
    if (place := ELSEWHERE.get(wanted)) is None and wanted.startswith("docs/"):
        place = wanted.removeprefix("docs/")
    if place is None:
        return words
    return f"[{words}]({os.path.relpath(place, Path(here).parent)}{anchor or ''})"
