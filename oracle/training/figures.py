"""The card's pictures: ROC, precision over recall, and reliability of the unseen rows, each axis and line named."""

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from sklearn.metrics import precision_recall_curve, roc_auc_score, roc_curve

from oracle.assessment.outputs import OUTPUTS
from oracle.models.integer import IntegerNetwork
from oracle.training.accounts import Accounts
from oracle.training.assemble import fraud_rows
from oracle.training.book import Book
from oracle.training.measure import quantised_outputs
from oracle.training.passports import Passports
from oracle.training.split import TEST
from oracle.training.tasks import judged_passports, no_private

Floats = npt.NDArray[np.float64]
# What a line is called, its x and its y.
Line = tuple[str, Floats, Floats]

_BINS: Final = 10
_INCHES, _DOTS_PER_INCH = (4.6, 4.4), 110
# Told apart without colours too; the colours are Okabe and Ito's, which colour-blind readers tell apart.
_STYLES: Final = (("#0072B2", "-"), ("#D55E00", "--"), ("#009E73", "-."), ("#CC79A7", ":"))
_COLUMN: Final = {output.name: index for index, output in enumerate(OUTPUTS)}


def draw_figures(
    folder: Path, integers: IntegerNetwork, accounts: Accounts, book: Book, home: Passports, card: Passports
) -> None:
    """Write roc.png, precision_recall.png and calibration.png of the unseen rows into the model folder."""
    default, fraud = _COLUMN["probability_of_default"], _COLUMN["fraud_likelihood"]
    rows, later = (accounts.part == TEST) & ~accounts.empty, book.part == TEST
    flow = fraud_rows(accounts.encoded)[rows]
    frauds = quantised_outputs(integers, flow, no_private(len(flow)))[:, fraud]
    defaults = quantised_outputs(integers, book.chain[later], book.private[later])[:, default]
    curves = [("fraud", accounts.fraud[rows], frauds), ("liquidation (loan book)", book.liquidated[later], defaults)]
    for name, passports in (("home owners", home), ("card holders", card)):
        judged = judged_passports(passports).only(passports.part == TEST)
        values = quantised_outputs(integers, judged.chain, judged.private)[:, default]
        curves.append((name, judged.labels, values))
    roc: list[Line] = []
    precision: list[Line] = []
    for name, labels, values in curves:
        false_positives, true_positives, _ = roc_curve(labels, values)
        roc.append((f"{name}, AUC {roc_auc_score(labels, values):.3f}", false_positives, true_positives))
        precisions, recalls, _ = precision_recall_curve(labels, values)
        precision.append((f"{name}, base rate {labels.mean():.3f}", recalls, precisions))
    reliability = [
        ("fraud", *_reliability(accounts.fraud[rows], frauds)),
        ("credit event (loan book)", *_reliability(book.event[later], defaults)),
    ]
    plot(folder / "roc.png", "ROC, unseen rows", ("false positive rate", "true positive rate"), roc, diagonal="chance")
    plot(folder / "precision_recall.png", "Precision and recall, unseen rows", ("recall", "precision"), precision)
    axes = ("mean predicted probability of a bin", "share that happened")
    title = f"Reliability, unseen rows, {_BINS} equally filled bins"
    plot(folder / "calibration.png", title, axes, reliability, diagonal="as predicted", marker="o")


def plot(
    file: Path, title: str, axes: tuple[str, str], lines: list[Line], *, diagonal: str = "", marker: str = ""
) -> None:
    """Write a PNG of lines on the unit square; `diagonal` names the line from corner to corner, if one is drawn."""
    figure = Figure(figsize=_INCHES, dpi=_DOTS_PER_INCH, layout="constrained")
    area = figure.subplots()
    if diagonal:
        area.plot([0, 1], [0, 1], color="#888888", linewidth=0.8, label=diagonal)
    for (name, x, y), (colour, style) in zip(lines, _STYLES, strict=False):
        area.plot(x, y, color=colour, linestyle=style, linewidth=1.5, marker=marker, markersize=3.5, label=name)
    area.set(xlim=(0, 1), ylim=(0, 1), xlabel=axes[0], ylabel=axes[1], title=title)
    area.set_xticks(np.linspace(0, 1, 6))
    area.set_yticks(np.linspace(0, 1, 6))
    area.grid(color="#dddddd", linewidth=0.6)
    area.legend(fontsize=8, loc="best")
    # Without the library's own version in the file: the same data give the same bytes.
    figure.savefig(file, metadata={"Software": None})


def _reliability(labels: npt.NDArray[np.int64], probabilities: Floats) -> tuple[Floats, Floats]:
    bins = np.array_split(np.argsort(probabilities, kind="stable"), _BINS)
    given = np.array([probabilities[rows].mean() for rows in bins])
    return given, np.array([labels[rows].mean() for rows in bins], dtype=np.float64)
