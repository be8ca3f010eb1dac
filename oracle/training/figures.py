"""The card's pictures: curves on a square from 0 to 1, written as PNG with nothing but the standard library."""

import struct
import zlib
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from sklearn.metrics import precision_recall_curve, roc_curve

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
Line = tuple[Floats, Floats, tuple[int, int, int]]

_SIDE, _MARGIN = 360, 20
_BINS = 10
_BLUE, _RED, _GREEN, _ORANGE = (31, 95, 180), (200, 40, 40), (40, 140, 60), (230, 140, 20)
_GREY, _LIGHT = (120, 120, 120), (225, 225, 225)
_COLUMN: Final = {output.name: index for index, output in enumerate(OUTPUTS)}


def draw_figures(
    folder: Path, integers: IntegerNetwork, accounts: Accounts, book: Book, home: Passports, card: Passports
) -> None:
    """Write roc.png, precision_recall.png and calibration.png of the unseen rows into the model folder."""
    default, fraud = _COLUMN["probability_of_default"], _COLUMN["fraud_likelihood"]
    rows, later = (accounts.part == TEST) & ~accounts.empty, book.part == TEST
    flow = fraud_rows(accounts)[rows]
    frauds = quantised_outputs(integers, flow, no_private(len(flow)))[:, fraud]
    defaults = quantised_outputs(integers, book.chain[later], book.private[later])[:, default]
    curves = [(accounts.fraud[rows], frauds, _BLUE), (book.liquidated[later], defaults, _RED)]
    for passports, colour in ((home, _GREEN), (card, _ORANGE)):
        judged = judged_passports(passports).only(passports.part == TEST)
        values = quantised_outputs(integers, judged.chain, judged.private)[:, default]
        curves.append((judged.labels, values, colour))
    roc: list[Line] = []
    precision: list[Line] = []
    for labels, values, colour in curves:
        false_positives, true_positives, _ = roc_curve(labels, values)
        roc.append((false_positives, true_positives, colour))
        precisions, recalls, _ = precision_recall_curve(labels, values)
        precision.append((recalls, precisions, colour))
    reliability = [
        (*_reliability(accounts.fraud[rows], frauds), _BLUE),
        (*_reliability(book.event[later], defaults), _RED),
    ]
    for name, lines in (("roc", roc), ("precision_recall", precision), ("calibration", reliability)):
        (folder / f"{name}.png").write_bytes(plot(lines, diagonal=name != "precision_recall"))


def plot(lines: list[Line], *, diagonal: bool) -> bytes:
    """Return a PNG of lines (x, y, colour) on the unit square, with a grid at every tenth."""
    canvas = np.full((_SIDE + 2 * _MARGIN, _SIDE + 2 * _MARGIN, 3), 255, dtype=np.uint8)
    unit = np.array([0.0, 1.0])
    for tenth in range(11):
        level = np.full(2, tenth / 10)
        colour = _GREY if tenth in (0, 10) else _LIGHT
        _stroke(canvas, unit, level, colour, 1)
        _stroke(canvas, level, unit, colour, 1)
    if diagonal:
        _stroke(canvas, unit, unit, _GREY, 1)
    for x, y, colour in lines:
        _stroke(canvas, x, y, colour, 2)
    return _png(canvas)


def _reliability(labels: npt.NDArray[np.int64], probabilities: Floats) -> tuple[Floats, Floats]:
    bins = np.array_split(np.argsort(probabilities, kind="stable"), _BINS)
    given = np.array([probabilities[rows].mean() for rows in bins])
    return given, np.array([labels[rows].mean() for rows in bins], dtype=np.float64)


def _stroke(canvas: npt.NDArray[np.uint8], x: Floats, y: Floats, colour: tuple[int, int, int], width: int) -> None:
    for left, right, low, high in zip(x[:-1], x[1:], y[:-1], y[1:], strict=True):
        steps = int(max(abs(right - left), abs(high - low)) * _SIDE) + 2
        columns = np.rint(_MARGIN + np.linspace(left, right, steps) * _SIDE).astype(int)
        rows = np.rint(_MARGIN + (1 - np.linspace(low, high, steps)) * _SIDE).astype(int)
        for shift in range(width):
            canvas[rows, columns + shift] = colour
            canvas[rows + shift, columns] = colour


def _png(canvas: npt.NDArray[np.uint8]) -> bytes:
    height, width, _ = canvas.shape
    # Each row begins with its filter, 0: none.
    rows = b"".join(b"\0" + row.tobytes() for row in canvas)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
