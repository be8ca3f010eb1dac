"""The batch model's network in exact integers: two trunks of SHRINK tables, piecewise-linear curves over CLIP tables.

    features     32 chain features, each through CLIP; the READ ones stretched and through SHRINK
    fraud        FRAUD columns  -> SHRINK -> SHRINK -> one score -> CLIP hinges
    credit       CREDIT columns -> SHRINK -> SHRINK -> one score -> CLIP hinges
    terms        volatility, loan to value, duration and the credit trunk's first layer -> SHRINK -> two outputs
    confidence   one CLIP unit of one feature for each thing that costs confidence

Private features have no place here: the answers are those without them.
"""

from dataclasses import dataclass, fields
from typing import Final, Self

import torch
from torch import Tensor

from oracle.assessment.errors import OracleError
from oracle.assessment.features import ENCODED_ONE, FEATURES
from oracle.assessment.outputs import OUTPUTS
from oracle.assessment.words import OUTPUT_OFFSET
from oracle.models.table_format import (
    FLOAT32_INTEGERS,
    HIGHEST,
    INPUT_STRETCH,
    LOWEST,
    SHRINK_EXPONENT,
    OutsideTables,
    clip,
    shrink,
    table_of,
)

_NAMES: Final = [feature.name for feature in FEATURES]
CREDIT_READS: Final = (
    "health_factor",
    "repayment_rate",
    "liquidation_risk",
    "late_share",
    "market_volatility",
    "loan_to_value",
    "collateral_buffer",
    "loan_duration",
)
TERMS_READS: Final = ("market_volatility", "loan_to_value", "loan_duration")
FIRST_FLOW: Final = _NAMES.index("sent_count")
READ: Final = (*(_NAMES.index(name) for name in CREDIT_READS), *range(FIRST_FLOW, len(FEATURES)))
"""The chain features that the trunks read."""
CREDIT: Final = slice(0, len(CREDIT_READS))
FRAUD: Final = slice(len(CREDIT_READS), len(READ))
"""Columns of the READ features."""
TERMS: Final = tuple(CREDIT_READS.index(name) for name in TERMS_READS)

SCORE, DEFAULT, FRAUD_LIKELIHOOD, RATE, DURATION, LTV, CONFIDENCE = 3, 4, 5, 6, 7, 8, 9
DEFAULT_ROWS: Final = (SCORE, DEFAULT, RATE)
TERMS_ROWS: Final = (DURATION, LTV)


class TableOverflow(OracleError):
    """Features 0..1024 could leave a first table, or an output its digit: train with other weights."""


@dataclass(frozen=True, slots=True)
class TableNetwork:
    """Integer weights (out, in) and biases (out,), int64. Calling it gives the circuit's outputs to the bit.

    `hinges` are the places of the category's thresholds: medium and high default among the default knots, medium and
    high fraud among the fraud knots. `default_out` (3, knots) gives DEFAULT_ROWS, `terms_out` (2, units) TERMS_ROWS.
    `confidence_signs` (units,) are 1 or -1, `confidence_columns` chain features. `scales` are the ten outputs' bits.
    """

    fraud_1: Tensor
    fraud_1_bias: Tensor
    fraud_2: Tensor
    fraud_2_bias: Tensor
    fraud_3: Tensor
    fraud_knots: Tensor
    fraud_out: Tensor
    credit_1: Tensor
    credit_1_bias: Tensor
    credit_2: Tensor
    credit_2_bias: Tensor
    credit_3: Tensor
    default_knots: Tensor
    default_out: Tensor
    terms_1: Tensor
    terms_1_bias: Tensor
    terms_2: Tensor
    terms_2_bias: Tensor
    terms_out: Tensor
    confidence_columns: Tensor
    confidence_signs: Tensor
    confidence_bias: Tensor
    confidence_out: Tensor
    output_bias: Tensor
    hinges: Tensor
    scales: Tensor

    @classmethod
    def of(cls, layers: dict[str, list[object]]) -> Self:
        """Return the network of nested lists of integers by field name; raises TypeError or ValueError for others."""
        return cls(**{field.name: torch.tensor(layers[field.name], dtype=torch.int64) for field in fields(cls)})

    def __call__(self, chain: Tensor) -> Tensor:
        """Map encoded chain features (n, 32) to signed outputs (n, 10); raises OutsideTables when one does not fit."""
        clipped = clip(chain)
        read = shrink(clipped[:, list(READ)] * INPUT_STRETCH)
        default, credit = self._default_hinges(read)
        fraud = clip(self.fraud_scores(read) - self.fraud_knots)
        terms = shrink(read[:, list(TERMS)] @ self.terms_1.T + self.terms_1_bias)
        terms = shrink(torch.cat([terms, credit], dim=1) @ self.terms_2.T + self.terms_2_bias)
        lost = clip(clipped[:, self.confidence_columns] * self.confidence_signs + self.confidence_bias)
        medium_default, high_default, medium_fraud, high_fraud = self.hinges.tolist()
        outputs = torch.zeros(len(chain), len(OUTPUTS), dtype=torch.int64)
        outputs[:, 0] = -(default[:, medium_default] + fraud[:, medium_fraud])
        outputs[:, 2] = default[:, high_default] + fraud[:, high_fraud]
        outputs[:, DEFAULT_ROWS] = default @ self.default_out.T
        outputs[:, FRAUD_LIKELIHOOD] = (fraud @ self.fraud_out.T)[:, 0]
        outputs[:, TERMS_ROWS] = terms @ self.terms_out.T
        outputs[:, CONFIDENCE] = (lost @ self.confidence_out.T)[:, 0]
        return outputs + self.output_bias

    def fits(self, chain: Tensor) -> Tensor:
        """Return whether (n,) each wallet's features stay inside the tables, so that a proof of them exists."""
        try:
            self(chain)
        except OutsideTables:
            if len(chain) == 1:
                return torch.zeros(1, dtype=torch.bool)
            middle = len(chain) // 2
            return torch.cat([self.fits(chain[:middle]), self.fits(chain[middle:])])
        return torch.ones(len(chain), dtype=torch.bool)

    def fraud_scores(self, read: Tensor) -> Tensor:
        """Return the fraud scores (n, 1) of stretched and shrunk features (n, READ)."""
        hidden = shrink(read[:, FRAUD] @ self.fraud_1.T + self.fraud_1_bias)
        return shrink(hidden @ self.fraud_2.T + self.fraud_2_bias) @ self.fraud_3.T

    def credit_scores(self, read: Tensor) -> tuple[Tensor, Tensor]:
        """Return the default scores (n, 1) and the credit trunk's first layer of stretched and shrunk features."""
        first = self.credit_units(read)
        return shrink(first @ self.credit_2.T + self.credit_2_bias) @ self.credit_3.T, first

    def credit_units(self, read: Tensor) -> Tensor:
        """Return the credit trunk's first layer (n, units), which fits the table whatever the features are."""
        return shrink(read[:, CREDIT] @ self.credit_1.T + self.credit_1_bias)

    def _default_hinges(self, read: Tensor) -> tuple[Tensor, Tensor]:
        score, first = self.credit_scores(read)
        return clip(score - self.default_knots), first


FLOAT_FIELDS: Final = tuple(field.name for field in fields(TableNetwork) if field.name not in ("hinges", "scales"))
"""What stands in the graph."""


def read_features(chain: Tensor) -> Tensor:
    """Return what the trunks read of encoded chain features (n, 32): (n, READ) integers."""
    return shrink(clip(chain)[:, list(READ)] * INPUT_STRETCH)


def check_tables(network: TableNetwork) -> float:
    """Return the largest share of a table or of an output's digit that any proof can use; raises TableOverflow above 1.

    All is for features 0..1024, which a proof's words show. The first layers are bounded for each of them. What enters
    later tables is bounded by those tables alone, and that is enough for the outputs: no proof can show one that its
    digit does not hold.
    """
    top = int(shrink(torch.tensor(ENCODED_ONE * INPUT_STRETCH)))
    worst = 0.0
    for name in ("fraud_1", "credit_1", "terms_1"):
        low, high = _interval(getattr(network, name), 0, top)
        bias = getattr(network, f"{name}_bias")
        worst = max(worst, _share(name, low + bias, high + bias))
    ends = network.confidence_bias, network.confidence_bias + ENCODED_ONE * network.confidence_signs
    worst = max(worst, _share("confidence", torch.minimum(*ends), torch.maximum(*ends)))
    for name in FLOAT_FIELDS:
        if int(getattr(network, name).abs().max()) >= FLOAT32_INTEGERS:
            raise TableOverflow(f"{name} holds a number beyond {FLOAT32_INTEGERS}, which the graph's float32 rounds")
    for row, (least, most) in _output_ends(network).items():
        bias = int(network.output_bias[row])
        share = max(abs(least + bias), abs(most + bias)) / OUTPUT_OFFSET
        if share >= 1:
            raise TableOverflow(f"output {OUTPUTS[row].name} can reach {share:.2f} times what its digit holds")
        worst = max(worst, share)
    return worst


def _output_ends(network: TableNetwork) -> dict[int, tuple[int, int]]:
    """Return the least and largest value of each output, less its bias, that the tables let through."""
    curves = {}
    for name, knots in (("default", network.default_knots), ("fraud", network.fraud_knots)):
        # Every hinge passes the table, so the score lies where all of them fit; a curve is judged at each such score.
        scores = torch.arange(int(knots.max()) + LOWEST, int(knots.min()) + HIGHEST + 1)
        curves[name] = (scores[:, None] - knots).clamp(min=0)
    default, fraud = curves["default"], curves["fraud"]
    medium_default, high_default, medium_fraud, high_fraud = network.hinges.tolist()
    found = {
        0: (-int(default[:, medium_default].max() + fraud[:, medium_fraud].max()), 0),
        1: (0, 0),
        2: (0, int(default[:, high_default].max() + fraud[:, high_fraud].max())),
        FRAUD_LIKELIHOOD: _ends(fraud @ network.fraud_out[0]),
    }
    found |= {row: _ends(default @ network.default_out[place]) for place, row in enumerate(DEFAULT_ROWS)}
    low, high = _interval(network.terms_out, 0, int(table_of(SHRINK_EXPONENT)[HIGHEST]))
    found |= {row: (int(low[place]), int(high[place])) for place, row in enumerate(TERMS_ROWS)}
    ends = network.confidence_bias, network.confidence_bias + ENCODED_ONE * network.confidence_signs
    lost = network.confidence_out[0] * torch.maximum(*ends).clamp(min=0)
    return found | {CONFIDENCE: (int(lost.clamp(max=0).sum()), int(lost.clamp(min=0).sum()))}


def _interval(weight: Tensor, low: int, high: int) -> tuple[Tensor, Tensor]:
    up, down = weight.clamp(min=0).sum(dim=1), weight.clamp(max=0).sum(dim=1)
    return up * low + down * high, up * high + down * low


def _share(name: str, low: Tensor, high: Tensor) -> float:
    share = max(int(high.max()) / HIGHEST, int(low.min()) / LOWEST)
    if share > 1:
        raise TableOverflow(f"{name} can reach {int(low.min())}..{int(high.max())}, the table {LOWEST}..{HIGHEST}")
    return share


def _ends(values: Tensor) -> tuple[int, int]:
    return int(values.min()), int(values.max())
