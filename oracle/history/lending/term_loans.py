"""Loans with a due date, from the events of a lending contract of this project's kind."""

from dataclasses import dataclass, replace
from typing import Final

from oracle.assessment.errors import ConfigurationFault, HistoryIncomplete
from oracle.assessment.history import TermLoan, TermLoanHistory
from oracle.assessment.request import NATIVE_COIN, Address, BlockRef
from oracle.history.configuration import TermLender
from oracle.history.reading.abi import Event, Function, address_topic
from oracle.history.reading.concurrently import Memo, all_of
from oracle.history.reading.logs import Log, read_logs
from oracle.history.reading.reader import ChainReader, quantity

# All four index the loan's id and the borrower.
LOAN_REQUESTED: Final = Event(
    "LoanRequested", ("uint256", "address", "uint256", "uint256", "uint256", "uint256"), ("uint256",) * 4
)  # loanId*, borrower*, requestId, principal, collateral in wei, duration
LOAN_APPROVED: Final = Event(
    "LoanApproved", ("uint256", "address", "uint256", "uint256", "uint256"), ("uint256", "uint256", "uint256")
)  # loanId*, borrower*, principal, interestRate, dueAt
LOAN_REPAID: Final = Event("LoanRepaid", ("uint256", "address", "uint256", "bool"), ("uint256", "bool"))
LOAN_DEFAULTED: Final = Event("LoanDefaulted", ("uint256", "address", "uint256", "uint256"), ("uint256", "uint256"))

# A lender of tokens is an ERC-4626 vault; one of coins knows no asset.
_ASSET: Final = Function("asset", (), ("address",))


@dataclass
class _Loans:
    """The loans of one borrower at one lender, as their events come in; `open` are the ids of those not ended."""

    lender: str
    requested: dict[int, int]
    approved: dict[int, Log]
    ended: dict[int, Log]

    def add(self, log: Log) -> None:
        """Note an event; raises HistoryIncomplete for the end of a loan that was never paid out."""
        loan, topic = int(log.topics[1], 16), log.topics[0]
        if topic == LOAN_REQUESTED.topic:
            self.requested[loan] = int(LOAN_REQUESTED.decode(log.data)[2])
        elif topic == LOAN_APPROVED.topic:
            self.approved[loan] = log
        elif loan in self.approved and loan not in self.ended:
            self.ended[loan] = log
        else:
            raise HistoryIncomplete(
                f"loan {loan} of {self.lender} ended in block {log.block_number}, but the node sent no "
                "log of its payment: ask another endpoint, or set an earlier start block"
            )


class TermLoanSource:
    """One term lender as a source: loans that were paid out, what backs them, when they are due, and how they ended."""

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
        topics = [
            [LOAN_REQUESTED.topic, LOAN_APPROVED.topic, LOAN_REPAID.topic, LOAN_DEFAULTED.topic],
            None,
            address_topic(wallet),
        ]
        found = _Loans(self._lender.name, {}, {}, {})
        ranges = read_logs(
            self._reader, [self._lender.address], topics, self._lender.start_block, at.number, self._span_blocks
        )
        async for logs in ranges:
            for log in logs:
                found.add(log)
        if not found.approved:
            return TermLoanHistory()
        loans = await self._loans(found, at)
        defaulted = sum(log.topics[0] == LOAN_DEFAULTED.topic for log in found.ended.values())
        late = sum(loan.late for loan in loans) - defaulted
        return TermLoanHistory(
            taken=len(loans),
            repaid_on_time=len(found.ended) - late - defaulted,
            repaid_late=late,
            defaulted=defaulted,
            first_taken_at=min(loan.taken_at for loan in loans),
            lenders=frozenset({self._lender.name}),
            loans=tuple(loans),
        )

    async def _loans(self, found: _Loans, at: BlockRef) -> list[TermLoan]:
        token, times = await self._token(at), Memo(self._time)

        async def one(loan: int, log: Log) -> TermLoan:
            principal, _, due_at = LOAN_APPROVED.decode(log.data)
            paid_out = TermLoan(
                lender=self._lender.name,
                principal_token=token,
                principal=int(principal),
                collateral_token=NATIVE_COIN,
                collateral=found.requested.get(loan, 0),
                taken_at=await times.get(log.block_hash),
                due_at=int(due_at),
            )
            end = found.ended.get(loan)
            if end is None:
                return paid_out
            late = end.topics[0] == LOAN_DEFAULTED.topic or bool(LOAN_REPAID.decode(end.data)[1])
            return replace(paid_out, ended_at=await times.get(end.block_hash), late=late)

        return await all_of(one(loan, log) for loan, log in found.approved.items())

    async def _token(self, at: BlockRef) -> Address:
        """Return what the lender lends: a vault's asset, else the chain's coin."""
        try:
            (asset,) = await self._reader.call(self._lender.address, _ASSET, block_hash=at.hash)
        except ConfigurationFault:
            return NATIVE_COIN
        return Address(str(asset).lower())

    async def _time(self, block_hash: str) -> int:
        return quantity((await self._reader.block(block_hash))["timestamp"])
