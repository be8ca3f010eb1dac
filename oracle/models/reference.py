"""What a model was trained on, as histograms: bins and shares of each chain feature, of its scores and categories."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from oracle.assessment.features import FEATURES
from oracle.assessment.outputs import Category
from oracle.models.registry import ModelFault, ShippedModel

REFERENCE: Final = "reference.json"
_SMALLEST_BIN: Final = 0.1
# Keeps an empty bin's logarithm finite, and is nothing beside a bin that counts.
_PSEUDO_COUNT: Final = 0.5

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Histogram:
    """Bin 0 lies below `edges[0]`, bin i from `edges[i - 1]` on, the last one has no end; `shares` add up to 1."""

    edges: tuple[int, ...]
    shares: tuple[float, ...]

    def counts(self, values: Integers) -> Integers:
        """Return how many values lie in each bin."""
        places = np.searchsorted(np.array(self.edges), values, side="right")
        return np.bincount(places, minlength=len(self.shares))


@dataclass(frozen=True, slots=True)
class Reference:
    """A model's training rows (`rows` of them): features by name in encoded steps, score in basis points."""

    rows: int
    features: Mapping[str, Histogram]
    score: Histogram
    categories: tuple[float, ...]


def write_reference(
    folder: Path,
    model_id: bytes,
    chain: Integers,
    score_bps: Integers,
    categories: Integers,
    weights: npt.NDArray[np.float64] | None = None,
) -> None:
    """Write a model folder's reference from its training rows.

    `chain` (n, 32) encoded integers, `score_bps` (n,) and `categories` (n,) what the quantised model gives for them,
    `weights` (n,) what a row counts for. The file is no part of the model's id.
    """
    share = np.full(len(chain), 1 / len(chain)) if weights is None else weights / weights.sum()
    content = {
        "model_id": model_id.hex(),
        "rows": len(chain),
        "features": {feature.name: _plain(chain[:, column], share) for column, feature in enumerate(FEATURES)},
        "score_bps": _plain(score_bps, share),
        "categories": [round(float(share[categories == one].sum()), 6) for one in Category],
    }
    lines = [f'  "{name}": {json.dumps(part)}' for name, part in content["features"].items()]  # type: ignore[attr-defined]
    head = {name: part for name, part in content.items() if name != "features"}
    text = json.dumps(head)[1:-1]
    (folder / REFERENCE).write_text(f'{{{text}, "features": {{\n' + ",\n".join(lines) + "\n}}\n")


def load_reference(model: ShippedModel) -> Reference | None:
    """Return a model's reference, None for a folder without one; raises ModelFault for a damaged or foreign one."""
    path = model.directory / REFERENCE
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text())
        made_for = str(content["model_id"])
        reference = Reference(
            rows=int(content["rows"]),
            features={feature.name: _histogram(content["features"][feature.name]) for feature in FEATURES},
            score=_histogram(content["score_bps"]),
            categories=tuple(float(share) for share in content["categories"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelFault(
            f"{path} is damaged ({error!r}): write it again with `risk-oracle models reference`"
        ) from error
    if made_for != model.model_id.hex():
        raise ModelFault(
            f"{path} was made for model 0x{made_for}, not for 0x{model.model_id.hex()}: write it again with "
            "`risk-oracle models reference`"
        )
    return reference


def psi(shares: Sequence[float], rows: int, counts: Integers) -> float:
    """Return the population stability index of counts against the shares of a reference of so many rows.

    The sum over bins of (actual - expected) × ln(actual / expected). Below 0.1 is usually read as stable, above 0.25
    as shifted. Raises ValueError when there are no counts.
    """
    total, bins = int(counts.sum()), len(shares)
    if total == 0:
        raise ValueError("no rows: there is nothing to compare")
    expected = (np.array(shares) * rows + _PSEUDO_COUNT) / (rows + _PSEUDO_COUNT * bins)
    actual = (counts + _PSEUDO_COUNT) / (total + _PSEUDO_COUNT * bins)
    return float(((actual - expected) * np.log(actual / expected)).sum())


def _plain(values: Integers, share: npt.NDArray[np.float64]) -> dict[str, Any]:
    """Return bins of a tenth or more where values allow it, a value that frequent by itself, one beyond each end."""
    distinct, inverse = np.unique(values, return_inverse=True)
    weight = np.bincount(inverse, weights=share)
    edges, shares, held = [int(distinct[0])], [0.0], 0.0
    for value, own in zip(distinct.tolist(), weight.tolist(), strict=True):
        often = own >= _SMALLEST_BIN
        if edges[-1] != value and (often or held >= _SMALLEST_BIN):
            edges.append(value)
            shares.append(held)
            held = 0.0
        held += own
        if often:
            edges.append(value + 1)
            shares.append(held)
            held = 0.0
    if edges[-1] <= distinct[-1]:
        edges.append(int(distinct[-1]) + 1)
        shares.append(held)
        held = 0.0
    shares.append(held)
    return {"edges": edges, "shares": [round(one, 6) for one in shares]}


def _histogram(content: dict[str, Any]) -> Histogram:
    edges, shares = tuple(int(edge) for edge in content["edges"]), tuple(float(one) for one in content["shares"])
    if len(shares) != len(edges) + 1 or list(edges) != sorted(set(edges)):
        raise ValueError(f"{len(edges)} edges and {len(shares)} shares are no histogram")
    return Histogram(edges, shares)
