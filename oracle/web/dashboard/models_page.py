"""The models: which answers, how it was measured, its card, drift, and a shadow against the primary."""

import asyncio
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from markdown_it import MarkdownIt
from markupsafe import Markup

from oracle.models import registry
from oracle.models.registry import ModelFault, ShippedModel
from oracle.store import drift, shadow_scores
from oracle.web.dashboard import running
from oracle.web.dashboard.answers import parts_of, render
from oracle.web.dashboard.faults import NotThere
from oracle.web.dashboard.parts import Parts, now

_PICTURES: Final = {"calibration.png", "precision_recall.png", "roc.png"}
_MEASUREMENTS: Final = 30
_SHADOW_DAYS: Final = 60
_SHADOW_SCORES: Final = 1_000
# Raw HTML in a card stays text, and a link can lead nowhere but to the web: the library refuses javascript: and data:.
_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False}).enable("table")


def _table_begins(*_: Any) -> str:
    return '<div class="scroll" tabindex="0" role="region" aria-label="Table of the card"><table>'


def _table_ends(*_: Any) -> str:
    return "</table></div>"


_MARKDOWN.add_render_rule("table_open", _table_begins)
_MARKDOWN.add_render_rule("table_close", _table_ends)


async def models_page(request: web.Request) -> web.Response:
    """All models that are known here, drift, and shadows."""
    parts = parts_of(request)
    known = await asyncio.to_thread(_known, parts.model_directory)
    async with parts.sessions() as session:
        measured = await drift.measurements(session, parts.chain_id, parts.oracle, _MEASUREMENTS)
        since = now() - timedelta(days=_SHADOW_DAYS)
        agreed = await shadow_scores.agreement(session, parts.chain_id, parts.oracle, "day", since, _SHADOW_SCORES)
    names = {f"0x{one.model_id.hex()}": one.name for one in known if isinstance(one, ShippedModel)}
    values = {
        "most": _SHADOW_SCORES,
        "known": [(one, _state(parts, one)) for one in known],
        "measured": measured,
        "agreed": list(reversed(agreed)),
        "names": names,
        **running.models(parts),
    }
    return render(request, "models.html", values)


def _state(parts: Parts, one: Any) -> str:
    loaded = running.models(parts)
    if not isinstance(one, ShippedModel):
        return "damaged"
    for role in ("primary", "shadow"):
        if loaded[role] is not None and loaded[role].model_id == one.model_id:
            return "withdrawn" if role == "primary" and loaded["withdrawn"] else role
    return "at hand"


def _known(directory: Path | None) -> list[ShippedModel | str]:
    found: list[ShippedModel | str] = []
    for folder in registry.folders(directory):
        try:
            found.append(registry.load(folder))
        except ModelFault as fault:
            found.append(str(fault))
    return found


async def card(request: web.Request) -> web.Response:
    """A model's card."""
    model = await _model(request)
    text = await asyncio.to_thread(_card, model.directory, parts_of(request).path(f"/models/{model.name}/"))
    if text is None:
        raise NotThere(f"model {model.name} has no card")
    values = {"model": model, "card": text, "metrics": _figures(model.metrics)}
    return render(request, "model.html", values)


@lru_cache(maxsize=16)
def _card(folder: Path, where: str) -> Markup | None:
    path = folder / "card.md"
    if not path.is_file():
        return None
    tokens = _MARKDOWN.parse(path.read_text())
    for token in (child for one in tokens for child in one.children or ()):
        # A card names its pictures beside itself, and no others are shown.
        if token.type == "image":
            name = str(token.attrGet("src"))
            token.attrSet("src", where + name if name in _PICTURES else "")
    # The library escapes all that is not markdown.
    return Markup(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))  # noqa: S704


def _figures(metrics: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, value in metrics.items():
        if isinstance(value, dict):
            found += _figures(value, f"{prefix}{name} · ".replace("_", " "))
        elif isinstance(value, int | float) and not isinstance(value, bool):
            said = f"{value:.4g}" if isinstance(value, float) else f"{value:,}"
            found.append((f"{prefix}{name}".replace("_", " "), said))
    return found


async def picture(request: web.Request) -> web.FileResponse:
    """A picture of a model's card."""
    model, name = await _model(request), request.match_info["picture"]
    if name not in _PICTURES or not (model.directory / name).is_file():
        raise NotThere(f"model {model.name} has no picture of that name")
    return web.FileResponse(model.directory / name, headers={"Content-Type": "image/png"})


async def _model(request: web.Request) -> ShippedModel:
    wanted, parts = request.match_info["name"], parts_of(request)
    for one in await asyncio.to_thread(_known, parts.model_directory):
        if isinstance(one, ShippedModel) and wanted in (one.name, one.model_id.hex(), f"0x{one.model_id.hex()}"):
            return one
    raise NotThere(f"no model {wanted[:80]!r} is known here")
