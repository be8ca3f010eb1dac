"""The tally of a wallet's transactions: what it pays itself is moved to nobody."""

from oracle.assessment.request import Address
from oracle.history.transactions.tally import Tally, Transaction

WALLET, FRIEND = (Address("0x" + digit * 40) for digit in "ab")


def paid(nonce: int, sender: Address, recipient: Address, wei: int) -> Transaction:
    return Transaction(
        hash=f"0x{nonce:064x}",
        block_number=10 + nonce,
        timestamp=1_000 + nonce,
        sender=sender,
        recipient=recipient,
        nonce=nonce,
        value_wei=wei,
        fee_wei=7,
        succeeded=True,
    )


def test_tally__when_a_wallet_pays_itself__then_that_is_sent_but_no_volume_and_received_by_nobody() -> None:
    tally = Tally(WALLET)
    for transaction in (paid(1, WALLET, WALLET, 900), paid(0, WALLET, FRIEND, 5)):
        tally.add(transaction)
    tally.add(paid(0, FRIEND, WALLET, 3))
    assert (tally.sent.count, tally.sent.value_wei, tally.sent.largest_wei) == (2, 5, 5)
    assert (tally.received.count, tally.received.value_wei) == (1, 3)
    assert tally.sent.others == tally.received.others == {FRIEND}
    assert tally.gas_spent_wei == 14
