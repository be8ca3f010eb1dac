"""What a wallet's history must be, computed from the scenario's own ledger and not from the chain."""

import math

from oracle.assessment.history import LendingHistory, TermLoanHistory, TransactionHistory
from oracle.assessment.request import Address, BlockRef
from oracle.devnet.wallets.histories import Scenario
from oracle.devnet.wallets.ledger import Deed, DeedKind

_LENDING = (DeedKind.SUPPLY, DeedKind.WITHDRAW, DeedKind.BORROW, DeedKind.REPAY, DeedKind.LIQUIDATED)


def _deeds(scenario: Scenario, wallet: Address, block: int, *kinds: DeedKind) -> list[Deed]:
    return [
        deed
        for deed in scenario.ledger.deeds
        if deed.wallet == wallet and deed.block <= block and (not kinds or deed.kind in kinds)
    ]


def expected_lending(scenario: Scenario, wallet: Address, block: int, name: str) -> LendingHistory:
    """Return the event part of the lending history; positions are left at their defaults."""

    def total(kind: DeedKind) -> int:
        return sum(deed.usd for deed in _deeds(scenario, wallet, block, kind))

    all_deeds = _deeds(scenario, wallet, block, *_LENDING)
    borrows = _deeds(scenario, wallet, block, DeedKind.BORROW)
    return LendingHistory(
        supplied_usd=total(DeedKind.SUPPLY),
        withdrawn_usd=total(DeedKind.WITHDRAW),
        borrowed_usd=total(DeedKind.BORROW),
        repaid_usd=total(DeedKind.REPAY),
        liquidation_count=len(_deeds(scenario, wallet, block, DeedKind.LIQUIDATED)),
        liquidated_usd=total(DeedKind.LIQUIDATED),
        event_count=len(all_deeds),
        first_borrow_at=borrows[0].timestamp if borrows else None,
        protocols=frozenset({name} if all_deeds else ()),
    )


def expected_term_loans(scenario: Scenario, wallet: Address, block: int, name: str) -> TermLoanHistory:
    """Return the term loan history."""
    taken = _deeds(scenario, wallet, block, DeedKind.LOAN_TAKEN)
    return TermLoanHistory(
        taken=len(taken),
        repaid_on_time=len(_deeds(scenario, wallet, block, DeedKind.LOAN_REPAID)),
        repaid_late=len(_deeds(scenario, wallet, block, DeedKind.LOAN_REPAID_LATE)),
        first_taken_at=taken[0].timestamp if taken else None,
        lenders=frozenset({name} if taken else ()),
    )


def expected_transactions(scenario: Scenario, wallet: Address, block: int) -> TransactionHistory:
    """Return the transaction history of a wallet that no contract ever paid."""
    mined = [sent for sent in scenario.transactor.sent if sent.block <= block]
    own = [sent for sent in mined if sent.sender == wallet]
    # What a wallet sends itself is moved to nobody, and received by nobody.
    moved = [0 if sent.recipient == wallet else sent.value_wei for sent in own if sent.succeeded]
    others = [sent for sent in mined if sent.sender != wallet]
    got = [sent for sent in others if sent.recipient == wallet and sent.value_wei and sent.succeeded]
    received = [sent.value_wei for sent in got]
    fees = sum(sent.fee_wei for sent in own)
    senders = {sent.sender for sent in got}
    recipients = {sent.recipient for sent in own if sent.recipient is not None} - {wallet}
    return TransactionHistory(
        sent_count=len(own),
        failed_count=sum(not sent.succeeded for sent in own),
        received_count=len(got),
        created_contracts=sum(sent.recipient is None for sent in own),
        first_sent_at=own[0].timestamp if own else None,
        last_sent_at=own[-1].timestamp if own else None,
        first_received_at=got[0].timestamp if got else None,
        last_received_at=got[-1].timestamp if got else None,
        sent_wei=sum(moved),
        min_sent_wei=min(moved, default=None),
        max_sent_wei=max(moved, default=None),
        received_wei=sum(received),
        min_received_wei=min(received, default=None),
        max_received_wei=max(received, default=None),
        gas_spent_wei=fees,
        senders=len(senders),
        recipients=len(recipients),
        counterparties=len(senders | recipients),
        balance_wei=sum(received) - sum(moved) - fees,
    )


def expected_price(scenario: Scenario, symbol: str, timestamp: int) -> int | None:
    """Return the price that stood at a moment, in 1e-8 USD; None before the ledger's first one."""
    points = [p for p in scenario.ledger.prices if p.symbol == symbol and p.timestamp <= timestamp]
    return points[-1].price_usd if points else None


def expected_volatility(scenario: Scenario, at: BlockRef) -> float:
    """Return the annualised volatility of the 30 days before a block, in floating point."""
    prices = [expected_price(scenario, "WETH", at.timestamp - day * 86_400) for day in range(31)]
    known = [price for price in prices if price is not None]
    returns = [math.log(known[i] / known[i + 1]) for i in range(len(known) - 1)]
    return math.sqrt(365 * sum(value * value for value in returns) / len(returns))
