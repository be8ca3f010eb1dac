"""Loans with a due date, from the events of a lending contract of this project's kind."""

from typing import Final

from oracle.assessment.errors import HistoryIncomplete
from oracle.assessment.history import TermLoanHistory
from oracle.assessment.request import Address, BlockRef
from oracle.history.configuration import TermLender
from oracle.history.reading.abi import Event, address_topic
from oracle.history.reading.logs import read_logs, time_of
from oracle.history.reading.reader import ChainReader

# All three index the loan's id and the borrower.
LOAN_APPROVED: Final = Event(
    "LoanApproved", ("uint256", "address", "uint256", "uint256", "uint256"), ("uint256", "uint256", "uint256")
)  # loanId*, borrower*, principal, interestRate, dueAt
LOAN_REPAID: Final = Event("LoanRepaid", ("uint256", "address", "uint256", "bool"), ("uint256", "bool"))
LOAN_DEFAULTED: Final = Event("LoanDefaulted", ("uint256", "address", "uint256", "uint256"), ("uint256", "uint256"))


class TermLoanSource:
    """One term lender as a source: loans that were paid out, and how each ended."""

    def __init__(self, reader: ChainReader, lender: TermLender, *, span_blocks: int) -> None:
        self._reader = reader
        self._lender = lender
        self._span_blocks = span_blocks

    @property
    def name(self) -> str:
        """The lender's name."""
        return self._lender.name

    async def read(self, wallet: Address, at: BlockRef) -> TermLoanHistory:
        """Return the wallet's loans up to the block.

        Raises HistoryIncomplete when a loan ended that was never paid out: then a log is missing.
        """
        if at.number < self._lender.start_block:
            return TermLoanHistory()
        topics = [[LOAN_APPROVED.topic, LOAN_REPAID.topic, LOAN_DEFAULTED.topic], None, address_topic(wallet)]
        first, open_loans = None, set[int]()
        taken = on_time = late = defaulted = 0
        ranges = read_logs(
            self._reader, [self._lender.address], topics, self._lender.start_block, at.number, self._span_blocks
        )
        async for logs in ranges:
            for log in logs:
                loan = int(log.topics[1], 16)
                if log.topics[0] == LOAN_APPROVED.topic:
                    first, taken = first or log, taken + 1
                    open_loans.add(loan)
                    continue
                if loan not in open_loans:
                    raise HistoryIncomplete(
                        f"loan {loan} of {self._lender.name} ended in block {log.block_number}, but the node sent no "
                        "log of its payment: ask another endpoint, or set an earlier start block"
                    )
                open_loans.remove(loan)
                if log.topics[0] == LOAN_DEFAULTED.topic:
                    defaulted += 1
                elif LOAN_REPAID.decode(log.data)[1]:
                    late += 1
                else:
                    on_time += 1
        return TermLoanHistory(
            taken=taken,
            repaid_on_time=on_time,
            repaid_late=late,
            defaulted=defaulted,
            first_taken_at=await time_of(self._reader, first),
            lenders=frozenset({self._lender.name} if taken else ()),
        )
