"""The demo's lender of dollars: it takes no private data but those that an accepted issuer vouches for."""

import time
from dataclasses import dataclass
from typing import Any, Final

from eth_account.signers.local import LocalAccount
from web3 import Web3

from oracle.chain.reverts import explain_revert
from oracle.devnet.deploy import POLICY
from oracle.devnet.machinery.accounts import ETHER, Sent, named_account
from oracle.devnet.machinery.anvil import RpcError
from oracle.devnet.machinery.artifacts import Deployed, project
from oracle.devnet.protocols.aave import fund
from oracle.devnet.stack import Stack
from oracle.devnet.wallets.borrowing import Lender, LoanRequest
from oracle.issuers.attestation import Attestation
from oracle.processes import ProgramError

USDC: Final = 10**6
DAY_SECONDS: Final = 86_400
_DEPOSIT: Final = 1_000_000 * USDC
_LIQUIDATION_LTV: Final = 9_400
_PRICE_AGE_SECONDS: Final = 30 * DAY_SECONDS
_CONSENT_SECONDS: Final = 3_600
_ANY_RATE: Final = 2**16 - 1
# Places in the policy: of what is counted in the lent token's units.
_MINIMUM_PRINCIPAL, _BORROWER_LIMIT = 12, 13
_WITHOUT: Final = "requestLoan((uint128,uint128,uint32,uint128,uint32,uint16),bytes32,(uint64,bytes))"
_WITH: Final = f"{_WITHOUT[:-1]},(bytes32,bytes32,uint64,bytes))"


@dataclass(frozen=True)
class Ask:
    """A loan of dollars against coins, for some days."""

    dollars: int
    coins: int
    days: int

    @property
    def order(self) -> tuple[int, ...]:
        """As the lender takes it; the borrower takes whatever is granted."""
        return self.dollars * USDC, self.coins * ETHER, self.days * DAY_SECONDS, 0, 0, _ANY_RATE


@dataclass(frozen=True)
class Desk:
    """The lender, as the rest of the demo knows lenders."""

    stack: Stack
    lender: Lender
    dollars: Deployed

    async def request(
        self, borrower: LocalAccount, ask: Ask, commitment: int, attestation: Attestation | None
    ) -> LoanRequest:
        """Ask for a loan and return the request; raises ProgramError when the contract refuses."""
        function, arguments = await self._arguments(borrower, ask, commitment, attestation)
        sent = await self.stack.transactor.call(
            borrower, self.lender.lending, function, *arguments, value=self._value(ask)
        )
        return await self._noted(sent)

    async def refusal(self, borrower: LocalAccount, ask: Ask, commitment: int, attestation: Attestation | None) -> str:
        """Return what the contract says to a request that it must not take; raises ProgramError when it takes it."""
        function, arguments = await self._arguments(borrower, ask, commitment, attestation)
        data = self.lender.lending.encode(function, *arguments)
        call = {
            "from": borrower.address,
            "to": self.lender.lending.address,
            "data": data,
            "value": hex(self._value(ask)),
        }
        return await refused(self.stack, call)

    async def balance(self, holder: LocalAccount) -> int:
        """Return how many dollars somebody holds, in the token's units."""
        return int(await self.stack.transactor.read(self.dollars, "balanceOf", holder.address))

    async def _arguments(
        self, borrower: LocalAccount, ask: Ask, commitment: int, attestation: Attestation | None
    ) -> tuple[str, tuple[Any, ...]]:
        transactor, committed = self.stack.transactor, commitment.to_bytes(32, "big")
        said = await transactor.read(self.lender.lending, "judgedTerms", ask.order)
        terms = tuple(Web3.to_checksum_address(one) if isinstance(one, str) else one for one in said)
        until = await transactor.chain.timestamp() + _CONSENT_SECONDS
        asked = (borrower.address, self.lender.lending.address, terms, committed, until)
        digest = await transactor.read(self.lender.oracle, "consentDigest", *asked)
        consent = (until, borrower.unsafe_sign_hash(digest).signature)
        if attestation is None:
            return _WITHOUT, (ask.order, committed, consent)
        word = attestation.statement
        vouched = (attestation.issuer, word.schema, word.valid_until, attestation.signature)
        return _WITH, (ask.order, committed, consent, vouched)

    def _value(self, ask: Ask) -> int:
        return ask.coins * ETHER + self.lender.fee_wei

    async def _noted(self, sent: Sent) -> LoanRequest:
        mined_at, read = time.time(), self.stack.transactor.read
        loan_id = int(await read(self.lender.lending, "loanCount"))
        return LoanRequest(loan_id, int(await read(self.lender.oracle, "requestCount")), sent, mined_at)


async def open_desk(stack: Stack) -> Desk:
    """Deploy the lender of dollars and let somebody deposit a million."""
    owner, transactor, contracts = named_account("owner"), stack.transactor, stack.contracts
    policy = list(POLICY)
    policy[_MINIMUM_PRINCIPAL], policy[_BORROWER_LIMIT] = 100 * USDC, 500_000 * USDC
    dollars, feed = stack.market.tokens["USDC"], stack.market.feeds.contracts["WETH"]
    lending = await transactor.deploy(
        owner,
        project("TokenLender"),
        contracts.manager.address,
        contracts.oracle.address,
        contracts.accepted_issuers.address,
        tuple(policy),
        dollars.address,
        feed.address,
        _LIQUIDATION_LTV,
        _PRICE_AGE_SECONDS,
    )
    await fund(transactor, stack.market, owner, "USDC", _DEPOSIT)
    await transactor.call(owner, dollars, "approve", lending.address, _DEPOSIT)
    await transactor.call(owner, lending, "deposit", _DEPOSIT, owner.address)
    lender = Lender(contracts.oracle, lending, stack.lender.fee_wei, stack.lender.data_commitment)
    return Desk(stack, lender, dollars)


async def refused(stack: Stack, call: dict[str, Any], block: str = "latest") -> str:
    """Return why a contract refuses a call; raises ProgramError when it takes it."""
    try:
        await stack.chain.rpc("eth_call", call, block)
    except RpcError as error:
        data = error.payload.get("data", "0x")
        return str(explain_revert(bytes.fromhex(data[2:]) if isinstance(data, str) else b""))
    raise ProgramError("the contract took what it must refuse")
