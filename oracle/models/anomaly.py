"""How unusual a wallet's flow of coin is: an unsupervised score beside the fraud likelihood, outside the proof.

A mixture of Gaussians over the encoded flow features of honest accounts says how dense a wallet's neighbourhood is;
the score is the share of those accounts that live in a denser one. It has never seen a fraud, so it can point at a
kind that the fraud head has not met; it is weaker on the kinds that are known (the model card has both).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from oracle.assessment.errors import ConfigurationFault
from oracle.assessment.features import ENCODED_ONE, FEATURES
from oracle.models.network import FRAUD

ANOMALY: Final = "anomaly.json"

Floats = npt.NDArray[np.float64]

_FLOW = [feature.name for feature in FEATURES[FRAUD]]
_COUNTS = [_FLOW.index(name) for name in ("sent_count", "received_count")]


@dataclass(frozen=True, slots=True)
class AnomalyModel:
    """The mixture: `weights` (k,), `means` (k, 12), `factors` (k, 12, 12) with factor @ factor.T = precision.

    `quantiles` (m,) are the negative log densities of honest accounts at equally spaced shares from 0 to 1.
    """

    weights: Floats
    means: Floats
    factors: Floats
    quantiles: Floats

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read a model folder's anomaly model; raises ConfigurationFault when it is missing or damaged."""
        path = directory / ANOMALY
        try:
            content = json.loads(path.read_text())
            if content["features"] != _FLOW:
                raise ConfigurationFault(f"{path} was fitted on other features than {_FLOW}: train the model again")
            model = cls(*(np.array(content[name], dtype=np.float64) for name in cls.__slots__))
        except (KeyError, TypeError, ValueError, OSError) as error:
            raise ConfigurationFault(f"{path} holds no anomaly model ({error}): train the model again") from error
        count, width = len(model.weights), len(_FLOW)
        shapes = (model.means.shape, model.factors.shape)
        if shapes != ((count, width), (count, width, width)) or len(model.quantiles) < 2:
            raise ConfigurationFault(f"{path} is damaged: its parts have the shapes {shapes}; train the model again")
        return model

    def save(self, directory: Path) -> None:
        """Write the model into its folder."""
        rows = [f' "{name}": {json.dumps(getattr(self, name).tolist())}' for name in self.__slots__]
        (directory / ANOMALY).write_text(",\n".join([f'{{"features": {json.dumps(_FLOW)}', *rows]) + "\n}\n")

    def score(self, features: Sequence[int]) -> float:
        """Return 0 (ordinary) to 100 (unlike any honest account) for 32 encoded chain features.

        A wallet that neither sent nor received anything scores 0: there is nothing to be unusual.
        Raises ValueError for another number of features.
        """
        if len(features) != len(FEATURES):
            raise ValueError(f"expected {len(FEATURES)} chain features, got {len(features)}")
        return float(self.scores(np.array([features], dtype=np.int64)[:, FRAUD])[0])

    def scores(self, flow: npt.NDArray[np.int64]) -> Floats:
        """Return the scores (n,) of encoded flow features (n, 12), rounded to hundredths."""
        shares = np.linspace(0.0, 100.0, len(self.quantiles))
        found = np.interp(self.surprise(flow), self.quantiles, shares)
        return np.asarray(np.round(np.where((flow[:, _COUNTS] == 0).all(axis=1), 0.0, found), 2), dtype=np.float64)

    def surprise(self, flow: npt.NDArray[np.int64]) -> Floats:
        """Return the negative log density (n,) of encoded flow features (n, 12)."""
        values = flow / ENCODED_ONE
        terms = np.empty((len(values), len(self.weights)))
        for index, (weight, mean, factor) in enumerate(zip(self.weights, self.means, self.factors, strict=True)):
            away = (values - mean) @ factor
            volume = np.log(np.diag(factor)).sum()
            terms[:, index] = np.log(weight) + volume - 0.5 * (away**2).sum(axis=1)
        largest = terms.max(axis=1)
        log_density = largest + np.log(np.exp(terms - largest[:, None]).sum(axis=1))
        return np.asarray(len(_FLOW) / 2 * np.log(2 * np.pi) - log_density)
