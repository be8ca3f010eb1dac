"""What became of a nonce: the receipt of any of its signed forms, and what is written down of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from oracle.chain.transactions import Mined, TransactionClient
from oracle.store.tables import BroadcastRow, TransactionRow


@dataclass(frozen=True, slots=True)
class MinedForm:
    """The signed form of a transaction that was mined, and where."""

    form: BroadcastRow
    mined: Mined


async def mined_form(client: TransactionClient, forms: Sequence[BroadcastRow]) -> MinedForm | None:
    """Return which of a transaction's signed forms the present chain has, None while it has none."""
    for form in forms:
        mined = await client.receipt(form.hash)
        if mined is not None:
            return MinedForm(form, mined)
    return None


def record(transaction: TransactionRow, found: MinedForm) -> None:
    """Write down where a transaction was mined, and as what."""
    mined = found.mined
    transaction.kind = found.form.kind
    transaction.mined_hash = mined.hash
    transaction.mined_block = mined.block_number
    transaction.mined_block_hash = mined.block_hash
    transaction.gas_used = mined.gas_used
    transaction.gas_price_wei = Decimal(mined.gas_price_wei)
    transaction.succeeded = mined.succeeded
    transaction.passed_block = None
