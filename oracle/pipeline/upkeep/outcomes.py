"""How the loans ended that answered requests were made for, read from the lenders' events once they are final."""

from typing import Any, Final

from eth_utils.address import to_checksum_address

from oracle.assessment.request import Address
from oracle.chain.rpc import endpoint_faults
from oracle.config.markets import LenderSettings
from oracle.history.lending.term_loans import LOAN_APPROVED, LOAN_DEFAULTED, LOAN_REPAID
from oracle.history.reading.abi import Event, Function
from oracle.history.reading.logs import read_logs
from oracle.history.reading.reader import ChainReader
from oracle.pipeline.context import Context
from oracle.store import drift

_ORACLE: Final = Function("oracle", (), ("address",))
_REQUESTED: Final = Event(
    "LoanRequested",
    ("uint256", "address", "uint256", "uint256", "uint256", "uint256"),
    ("uint256", "uint256", "uint256", "uint256"),
)  # loanId*, borrower*, requestId, principal, collateral, duration
_REFUSED: Final = Event("LoanRefused", ("uint256", "address"), ())
_WITHDRAWN: Final = Event("LoanWithdrawn", ("uint256", "address"), ())

DEFAULTED: Final = "defaulted"
REPAID: Final = "repaid"
LATE: Final = "late"
ACTIVE: Final = "active"
_CLOSED: Final = "closed"
_OUTCOME: Final = {
    LOAN_APPROVED.topic: ACTIVE,
    LOAN_DEFAULTED.topic: DEFAULTED,
    _REFUSED.topic: _CLOSED,
    _WITHDRAWN.topic: _CLOSED,
}


async def read_outcomes(context: Context) -> None:
    """Read what happened at each lender since the last time, up to the newest block that is deep enough to stay."""
    if context.head is None:
        return
    last = context.head.number - context.chain.confirmations
    for lender in context.lenders:
        with endpoint_faults():
            await _read(context, lender, last)


async def _read(context: Context, lender: LenderSettings, last: int) -> None:
    address = Address(lender.address)
    async with context.sessions() as session:
        known = await drift.loans_read_to(session, context.chain_id, address)
    first = lender.start_block if known is None else known + 1
    if last < first or context.head is None:
        return
    reader = ChainReader(context.w3)
    [asks] = await reader.call(address, _ORACLE, block_hash=context.head.hash)
    if to_checksum_address(asks) != to_checksum_address(context.address):
        return  # its requests are another oracle's
    topics = [[_REQUESTED.topic, LOAN_REPAID.topic, *_OUTCOME]]
    opened: dict[int, int] = {}
    ended: dict[int, Any] = {}
    async for logs in read_logs(reader, [address], topics, first, last, context.chain.log_range):
        for log in logs:
            loan = int(log.topics[1], 16)
            if log.topics[0] == _REQUESTED.topic:
                opened[loan] = int(_REQUESTED.decode(log.data)[0])
            elif log.topics[0] == LOAN_REPAID.topic:
                ended[loan] = (LATE if LOAN_REPAID.decode(log.data)[1] else REPAID, log.block_number)
            else:
                ended[loan] = (_OUTCOME[log.topics[0]], log.block_number)
    async with context.sessions.begin() as session:
        await drift.keep_loans(session, context.chain_id, address, last, opened, ended)
