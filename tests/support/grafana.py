"""What stands in the Grafana files: every query of a dashboard, as Grafana would send it."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from oracle.devnet.machinery.node import REPOSITORY

FOLDER = REPOSITORY / "deploy" / "grafana"
DASHBOARDS: dict[str, dict[str, Any]] = {
    file.stem: json.loads(file.read_text()) for file in sorted((FOLDER / "dashboards").glob("*.json"))
}


@dataclass(frozen=True)
class Query:
    """A query with the place where it stands; `kind` is its data source's type."""

    place: str
    kind: str
    text: str


def queries(kind: str) -> Iterator[Query]:
    """Yield the queries of all panels and variables over one kind of data source."""
    for name, dashboard in DASHBOARDS.items():
        for panel in dashboard["panels"]:
            for target in panel.get("targets", []):
                if target["datasource"]["type"] == kind:
                    text = target["expr"] if kind == "prometheus" else target["rawSql"]
                    yield Query(f"{name}: {panel['title']} {target['refId']}", kind, text)
        for variable in dashboard["templating"]["list"]:
            if variable["type"] == "query" and variable["datasource"]["type"] == kind:
                asked = variable["query"]
                text = asked["query"] if isinstance(asked, dict) else asked
                yield Query(f"{name}: ${variable['name']}", kind, text)


def filled(text: str, values: dict[str, str]) -> str:
    """Return a query with Grafana's variables and macros filled in; raises AssertionError where one is left over."""
    text = re.sub(r"\$__timeFilter\(([^()]*)\)", r"\1 between now() - interval '30 days' and now()", text)
    for name, value in values.items():
        text = re.sub(rf"\$\{{?{re.escape(name)}\b\}}?", value, text)
    assert "$" not in text, f"nothing fills in {text}"
    return text


def rooms(dashboard: dict[str, Any]) -> list[tuple[int, int, int, int]]:
    """Return where panels lie: left, top, right, bottom."""
    places = [panel["gridPos"] for panel in dashboard["panels"]]
    return [(one["x"], one["y"], one["x"] + one["w"], one["y"] + one["h"]) for one in places]
