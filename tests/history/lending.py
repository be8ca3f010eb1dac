"""Small helpers of the lending protocols' tests: a chain with Aave's tokens, users, and a source's answer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from eth_account.signers.local import LocalAccount
from web3 import AsyncHTTPProvider, AsyncWeb3

from oracle.assessment.request import Address, BlockRef, to_address
from oracle.devnet.machinery.accounts import ETHER, Transactor, named_account
from oracle.devnet.machinery.anvil import Anvil
from oracle.devnet.protocols.aave import Aave, deploy_aave, fund
from oracle.history.reading.reader import ChainReader


@dataclass(frozen=True)
class Town:
    """A chain with Aave V3 and its tokens, and a reader of it."""

    chain: Anvil
    transactor: Transactor
    owner: LocalAccount
    market: Aave
    reader: ChainReader

    async def user(self, name: str, **tokens: int) -> LocalAccount:
        """Return a new account with 1,000 coins and amounts of tokens in smallest units."""
        account = named_account(name)
        await self.chain.set_balance(account.address, 1_000 * ETHER)
        for symbol, amount in tokens.items():
            await fund(self.transactor, self.market, account, symbol, amount)
        return account

    async def now(self) -> BlockRef:
        """Return the newest block."""
        block = await self.chain.rpc("eth_getBlockByNumber", "latest", False)
        return BlockRef(int(block["number"], 16), block["hash"], int(block["timestamp"], 16))

    def token(self, symbol: str) -> str:
        """Return a token's address."""
        return self.market.tokens[symbol].address


@asynccontextmanager
async def town() -> AsyncIterator[Town]:
    """Run a chain with Aave V3."""
    async with Anvil() as chain:
        transactor, owner = Transactor(chain), named_account("owner")
        await chain.set_balance(owner.address, 100_000 * ETHER)
        market = await deploy_aave(transactor, owner)
        web3: AsyncWeb3[Any] = AsyncWeb3(AsyncHTTPProvider(chain.rpc_url))
        try:
            yield Town(chain, transactor, owner, market, ChainReader(web3))
        finally:
            await web3.provider.disconnect()


def address_of(account: LocalAccount) -> Address:
    """Return an account's address as sources take it."""
    return to_address(account.address)
