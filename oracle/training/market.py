"""Daily price paths: what happened to a collateral's price after a loan began."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from oracle.training.checks import UnusableData
from oracle.training.tables import read_table

VOLATILITY_DAYS = 30
_DAYS_A_YEAR = 365
_NATIVE = "WETH"
# Lows further below the close than this are broken samples, not prices.
_LOWEST_TO_CLOSE = 0.6


@dataclass(frozen=True, slots=True)
class Market:
    """Closes and lows by symbol on one calendar of days (NaN where a token has no price yet)."""

    days: pd.DatetimeIndex
    close: pd.DataFrame
    low: pd.DataFrame

    def lowest_ratio(self, symbol: str, start: int, duration_days: int) -> float:
        """Return the lowest price in the `duration_days` after day `start`, over that day's close."""
        window = self.low[symbol].to_numpy()[start + 1 : start + 1 + duration_days]
        return float(window.min() / self.close[symbol].to_numpy()[start])

    def volatility(self) -> npt.NDArray[np.float64]:
        """Return the native coin's realised 30-day volatility, annualised, for each day (NaN for the first 30)."""
        returns = np.log(self.close[_NATIVE]).diff()
        return np.asarray(returns.rolling(VOLATILITY_DAYS).std() * np.sqrt(_DAYS_A_YEAR), dtype=float)

    def day(self, date: str) -> int:
        """Return the index of a date."""
        return int(self.days.get_indexer(pd.DatetimeIndex([date]))[0])


def read_market(data_dir: Path, symbols: tuple[str, ...]) -> Market:
    """Read the daily prices of some tokens; raises UnusableData for a token that is not there."""
    frame = read_table(data_dir, "prices")
    if missing := sorted({*symbols, _NATIVE} - set(frame["symbol"])):
        raise UnusableData(f"the price table has no {missing}")
    frame = frame[frame["symbol"].isin([*symbols, _NATIVE])]
    close = frame.pivot_table(index="date", columns="symbol", values="close", aggfunc="last").ffill()
    low = frame.pivot_table(index="date", columns="symbol", values="low", aggfunc="min").ffill()
    low = low.where(low >= _LOWEST_TO_CLOSE * close, close)
    return Market(pd.DatetimeIndex(close.index), close, low)
