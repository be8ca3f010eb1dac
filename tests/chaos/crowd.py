"""The people who ask: what each sends is signed beforehand, and sent again when a reorganisation took it."""

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from eth_account.signers.local import LocalAccount
from web3 import Web3

from oracle.devnet.machinery.accounts import ETHER, GWEI, named_account
from oracle.devnet.machinery.anvil import RpcError
from oracle.devnet.stack import Stack

_CONSENT_SECONDS: Final = 100_000
_LOAN_SECONDS: Final = 30 * 86_400
_ANY_RATE: Final = 2**16 - 1
_REQUEST_GAS: Final = 800_000
_LOOK_SECONDS: Final = 0.5
# A commitment to data that nobody hands in.
_PRIVATE: Final = 12_345


@dataclass
class Borrower:
    """One who asks once; `raw` are a payment to a friend and the request, which a wallet sends until they are mined."""

    raw: tuple[str, str]
    hashes: tuple[str, str]
    gives_up: bool = False
    asked: bool = False
    was_mined: bool = False


class Crowd:
    """Borrowers in the order in which they ask; some of them give up when a reorganisation takes their request."""

    def __init__(self, stack: Stack, borrowers: list[Borrower]) -> None:
        self._chain = stack.chain
        self._borrowers = borrowers
        self._next = 0

    def ask(self) -> None:
        """Let the next borrower ask."""
        self._borrowers[self._next].asked = True
        self._next += 1

    async def keep_asking(self) -> None:
        """Send what is not on the chain until cancelled, as wallets and nodes do."""
        while True:
            for borrower in self._borrowers:
                if borrower.asked:
                    await self._see_to(borrower)
            await asyncio.sleep(_LOOK_SECONDS)

    async def settled(self) -> bool:
        """Say whether every request that somebody still wants is on the chain."""
        wanted = [one for one in self._borrowers if one.asked and not (one.gives_up and one.was_mined)]
        return all([await self._mined(one.hashes[1]) for one in wanted])

    async def _see_to(self, borrower: Borrower) -> None:
        if await self._mined(borrower.hashes[1]):
            borrower.was_mined = True
            return
        if borrower.gives_up and borrower.was_mined:
            return
        for raw in borrower.raw:
            try:
                await self._chain.rpc("eth_sendRawTransaction", raw)
            except RpcError:
                continue  # it is in the pool, or on the chain

    async def _mined(self, transaction_hash: str) -> bool:
        return await self._chain.rpc("eth_getTransactionReceipt", transaction_hash) is not None


async def gather_crowd(stack: Stack, count: int, private: int, giving_up: int) -> Crowd:
    """Sign everything beforehand, and fund everybody before the first block that may go."""
    valid_until = await stack.chain.timestamp() + _CONSENT_SECONDS
    borrowers = []
    for number in range(count):
        account = named_account(f"chaos {number}")
        await stack.chain.set_balance(account.address, 100 * ETHER)
        # Both spread among the others.
        gives_up = giving_up > 0 and number % (count // giving_up) == 1
        commitment = _PRIVATE if number * private % count >= count - private else stack.lender.data_commitment
        borrower = await _sign(stack, account, ETHER + number * GWEI, commitment, valid_until)
        borrower.gives_up = gives_up
        borrowers.append(borrower)
    await stack.chain.mine()
    return Crowd(stack, borrowers)


async def _sign(stack: Stack, account: LocalAccount, principal: int, data: int, valid_until: int) -> Borrower:
    lender, transactor = stack.lender, stack.transactor
    commitment = data.to_bytes(32, "big")
    # The borrower takes whatever the lender grants.
    order = (principal, 2 * principal, _LOAN_SECONDS, 0, 0, _ANY_RATE)
    terms = await transactor.read(lender.lending, "judgedTerms", order)
    digest = await transactor.read(
        lender.oracle, "consentDigest", account.address, lender.lending.address, terms, commitment, valid_until
    )
    consent = (valid_until, account.unsafe_sign_hash(digest).signature)
    asks, value = lender.lending, 2 * principal + lender.fee_wei
    call = asks.encode("requestLoan", order, commitment, consent)
    if data == _PRIVATE:
        # A lender takes no data that nobody vouches for: these ask the oracle about themselves.
        asks, value = lender.oracle, lender.fee_wei
        call = asks.encode("requestAssessment", terms, commitment)
    friend = named_account(f"friend of {account.address}").address
    fields: list[dict[str, Any]] = [
        {"nonce": 0, "to": friend, "value": GWEI, "gas": 21_000},
        {"nonce": 1, "to": Web3.to_checksum_address(asks.address), "data": call, "gas": _REQUEST_GAS},
    ]
    fields[1]["value"] = value
    fees = {"chainId": stack.chain.chain_id, "maxFeePerGas": 100 * GWEI, "maxPriorityFeePerGas": 2 * GWEI}
    first, second = (account.sign_transaction({**one, **fees}) for one in fields)
    return Borrower(
        raw=(Web3.to_hex(first.raw_transaction), Web3.to_hex(second.raw_transaction)),
        hashes=(Web3.to_hex(first.hash), Web3.to_hex(second.hash)),
    )
