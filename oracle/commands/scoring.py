"""The features of a list of wallets, read from the chain as the daemon reads them."""

from pathlib import Path

import pandas as pd

from oracle.assessment.errors import InvalidRequest
from oracle.assessment.request import NATIVE_COIN, LoanTerms, to_address
from oracle.commands.audit import audit
from oracle.config.settings import AuditSettings
from oracle.training.checks import UnusableData

_SECONDS_A_DAY = 86_400
# The loan that `risk-oracle features` assumes as well: half the collateral's worth, for a month.
_USUAL = {"principal": 10**18, "collateral": 2 * 10**18, "days": 30}


async def features_of(settings: AuditSettings, frame: pd.DataFrame, file: Path) -> pd.DataFrame:
    """Return a table of wallets (columns `address` and `block`) with their 32 features as columns, absent ones empty.

    The loan is of the chain's coin: columns `principal` and `collateral` (in its smallest unit) and `days` say which;
    without them, half the collateral's worth for 30 days. Raises UnusableData that names the row, and what `features`
    raises.
    """
    rows = []
    for number, row in enumerate(frame.to_dict("records"), 1):
        try:
            wallet = to_address(str(row["address"]).strip())
            block = int(row["block"])
            principal, collateral, days = (int(row.get(name, usual)) for name, usual in _USUAL.items())
        except (InvalidRequest, ValueError, TypeError) as error:
            raise UnusableData(f"{file}: row {number} (the first is 1): {error}") from None
        terms = LoanTerms(NATIVE_COIN, principal, NATIVE_COIN, collateral, days * _SECONDS_A_DAY)
        found = await audit(settings, wallet, block, terms)
        rows.append(row | {name: feature["value"] for name, feature in found["features"].items()})
    return pd.DataFrame(rows)
