"""Aave V3: what a wallet supplied, borrowed, repaid and lost to liquidators, and its position at the block."""

from typing import Final

from oracle.history.configuration import AaveV3Market
from oracle.history.lending.aave import LIQUIDATION, WITHDRAW, AaveSource, Generation
from oracle.history.reading.abi import Event
from oracle.history.reading.reader import ChainReader
from oracle.history.reading.subgraph_logs import SubgraphLogs

SUPPLY: Final = Event(
    "Supply", ("address", "address", "address", "uint256", "uint16"), ("address", "uint256")
)  # reserve*, user, onBehalfOf*, amount, referralCode*
BORROW: Final = Event(
    "Borrow",
    ("address", "address", "address", "uint256", "uint8", "uint256", "uint16"),
    ("address", "uint256", "uint8", "uint256"),
)  # reserve*, user, onBehalfOf*, amount, interestRateMode, borrowRate, referralCode*
REPAY: Final = Event("Repay", ("address", "address", "address", "uint256", "bool"), ("uint256", "bool"))
FLASH_LOAN: Final = Event(
    "FlashLoan",
    ("address", "address", "address", "uint256", "uint8", "uint256", "uint16"),
    ("address", "uint256", "uint8", "uint256"),
)  # target*, initiator, asset*, amount, interestRateMode, premium, referralCode*

V3: Final = Generation(
    supply=SUPPLY,
    borrow=BORROW,
    repay=REPAY,
    flash_loan=FLASH_LOAN,
    # The initiator is not indexed: a wallet that is a contract and took the loan itself is found as its target.
    flash_loan_user_at=1,
    amount_at={SUPPLY: 1, WITHDRAW: 0, BORROW: 1, REPAY: 0, LIQUIDATION: 1},
)


class AaveV3Source(AaveSource):
    """One Aave V3 market as a source of lending history."""

    def __init__(
        self, reader: ChainReader, market: AaveV3Market, *, span_blocks: int, events: SubgraphLogs | None = None
    ) -> None:
        super().__init__(reader, market, V3, span_blocks=span_blocks, events=events)
