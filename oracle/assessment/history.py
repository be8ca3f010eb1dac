"""What is known of a wallet at one block: counts, sums and times as integers, before any feature is made."""

from dataclasses import dataclass, field

from oracle.assessment.request import Address, BlockRef

USD = 10**8
"""Dollar amounts are integers in 1e-8 USD, as price feeds give them."""

WAD = 10**18


@dataclass(frozen=True, slots=True)
class Debt:
    """What is owed at one market, and what stands behind it there, in 1e-8 USD; collateral elsewhere backs none of it.

    `health_factor_wad` is the factor that the market liquidates by; None where it knows of none.
    """

    market: str
    debt_usd: int
    collateral_usd: int
    health_factor_wad: int | None


@dataclass(frozen=True, slots=True)
class LendingHistory:
    """Money market activity up to the block and positions at it, summed over protocols.

    Dollar sums are valued at each event's block. `health_factor_wad` is that of the worst market with a debt worth
    naming (see `debts.py`), None without debt. `returned_at_once_usd` is what was borrowed and repaid within one block,
    `withdrawn_at_once_usd` what was supplied and withdrawn: both are among the sums. `debts` are those at several
    markets, empty where the sums are one market's; histories are compared by the sums.
    """

    supplied_usd: int = 0
    withdrawn_usd: int = 0
    borrowed_usd: int = 0
    repaid_usd: int = 0
    liquidation_count: int = 0
    liquidated_usd: int = 0
    event_count: int = 0
    first_borrow_at: int | None = None
    collateral_usd: int = 0
    debt_usd: int = 0
    health_factor_wad: int | None = None
    protocols: frozenset[str] = frozenset()
    returned_at_once_usd: int = 0
    withdrawn_at_once_usd: int = 0
    debts: tuple[Debt, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class TermLoan:
    """One loan with a due date, as it was paid out; amounts in the tokens' smallest units, times in Unix seconds.

    `ended_at` is None while it is open; `late` says that it was repaid after its due date, or not at all.
    """

    lender: str
    principal_token: Address
    principal: int
    collateral_token: Address
    collateral: int
    taken_at: int
    due_at: int
    ended_at: int | None = None
    late: bool = False


@dataclass(frozen=True, slots=True)
class TermLoanHistory:
    """Loans with a due date at the configured term lenders.

    `loans` are those that the counts are of, in the order in which they were paid out, empty where only the counts are
    known; histories are compared by the counts.
    """

    taken: int = 0
    repaid_on_time: int = 0
    repaid_late: int = 0
    defaulted: int = 0
    first_taken_at: int | None = None
    lenders: frozenset[str] = frozenset()
    loans: tuple[TermLoan, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class ExchangeHistory:
    """Use of decentralised exchanges up to the block, summed over them.

    `swap_count` counts swaps that paid out to the wallet, `liquidity_count` the times it was credited with liquidity,
    `removal_count` those that liquidity of its was taken back, `collect_count` those that tokens of its positions were
    paid out (fees, and what was taken back), `open_positions` the pools or positions in which it has some at the block.
    `contracts_left_out` counts contracts that gave the wallet something and were too many to be asked whether they are
    an exchange's: as a rule somebody's worthless tokens.
    """

    swap_count: int = 0
    liquidity_count: int = 0
    open_positions: int = 0
    protocols: frozenset[str] = frozenset()
    removal_count: int = 0
    collect_count: int = 0
    contracts_left_out: int = 0


@dataclass(frozen=True, slots=True)
class TransactionHistory:
    """Native-coin transactions up to the block; values in wei, times in Unix seconds.

    Sent means signed by the wallet, whatever its value; received means addressed to it with a value above zero.
    `router_swaps` counts, by exchange, swaps that a router paid out to the wallet in coins; they are among the swaps of
    ExchangeHistory. `inner_calls_unread` says that the wallet can act inside the transactions of others, which are not
    read: it is a contract, or delegated its code (EIP-7702) up to the block. What is counted may then be a part.
    """

    sent_count: int = 0
    failed_count: int = 0
    received_count: int = 0
    created_contracts: int = 0
    first_sent_at: int | None = None
    last_sent_at: int | None = None
    first_received_at: int | None = None
    last_received_at: int | None = None
    sent_wei: int = 0
    min_sent_wei: int | None = None
    max_sent_wei: int | None = None
    received_wei: int = 0
    min_received_wei: int | None = None
    max_received_wei: int | None = None
    gas_spent_wei: int = 0
    senders: int = 0
    recipients: int = 0
    counterparties: int = 0
    balance_wei: int = 0
    router_swaps: dict[str, int] = field(default_factory=dict)
    inner_calls_unread: bool = False


@dataclass(frozen=True, slots=True)
class SocialRecord:
    """Identity registries that resolve to the wallet, by name; empty where the chain has none."""

    verifications: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class MarketState:
    """The market at the block.

    `coin_price_usd` and every price in `token_prices_usd` are in 1e-8 USD for one whole unit;
    `token_decimals` says how many smallest units make one. `volatility_ppm` is annualised, in millionths;
    None while the feed is younger than two days. `base_fee_wei` is None on chains without one. `unpriced_tokens` are
    those that the pricing market lists and has no price of: no other field knows them, the total of deposits included.
    """

    coin_price_usd: int
    volatility_ppm: int | None = None
    base_fee_wei: int | None = None
    total_value_locked_usd: int | None = None
    token_prices_usd: dict[Address, int] = field(default_factory=dict)
    token_decimals: dict[Address, int] = field(default_factory=dict)
    unpriced_tokens: frozenset[Address] = frozenset()


@dataclass(frozen=True, slots=True)
class WalletHistory:
    """Everything the features are computed from, pinned to one block of one chain."""

    chain_id: int
    wallet: Address
    block: BlockRef
    lending: LendingHistory
    term_loans: TermLoanHistory
    transactions: TransactionHistory
    social: SocialRecord
    market: MarketState
    exchanges: ExchangeHistory = ExchangeHistory()
