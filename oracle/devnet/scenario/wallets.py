"""Wallets that no key alone drives: contracts, and accounts that delegate to a contract's code (EIP-7702)."""

from dataclasses import dataclass
from random import Random
from typing import Final

from eth_account.signers.local import LocalAccount

from oracle.assessment.request import to_address
from oracle.devnet.machinery.accounts import named_account
from oracle.devnet.machinery.artifacts import project
from oracle.devnet.scenario.world import World

_NOBODY: Final = "0x" + "00" * 20


@dataclass(frozen=True)
class ContractWallet:
    """A contract that the relayer drives, as a Safe's or an entry point's are."""

    address: str


async def create_wallet(world: World) -> ContractWallet:
    """Create one."""
    world.clock += 1
    created = await world.transactor.deploy(
        world.relayer, project("RelayedWallet"), world.relayer.address, at=world.clock
    )
    world.relayed[created.address] = created
    world.contracts.add(to_address(created.address))
    return ContractWallet(created.address)


class Delegations:
    """Delegates accounts' code, and takes it back: by themselves, or in a sponsor's transaction."""

    def __init__(self, world: World, seed: int) -> None:
        self._world = world
        self._sponsor = named_account(f"scenario {seed}: sponsor")
        self.seen: set[tuple[str, str]] = set()

    async def open(self, coins_wei: int) -> None:
        """Give the sponsor coins."""
        await self._world.transactor.chain.set_balance(self._sponsor.address, coins_wei)

    async def act(self, account: LocalAccount, random: Random) -> None:
        """Let an account delegate, or revoke when it did."""
        world, revokes = self._world, account.address in self._world.relayed
        own = random.random() < 0.5
        sender = account if own else self._sponsor
        chain = world.transactor.chain
        nonce = int(await chain.rpc("eth_getTransactionCount", account.address, "latest"), 16)
        target = _NOBODY if revokes else world.wallet_code.address
        # The sender's own nonce is used up before its authorisation is looked at.
        fields = {"chainId": chain.chain_id, "address": target, "nonce": nonce + own}
        signed = account.sign_authorization(fields)
        world.clock += 1
        sent = await world.transactor.send(
            sender, self._sponsor.address, at=world.clock, gas=100_000, authorizations=[signed]
        )
        world.authorised.append((sent.block, to_address(account.address)))
        if revokes:
            del world.relayed[account.address]
        else:
            world.relayed[account.address] = project("RelayedWallet").at(account.address)
        self.seen.add(("revoked" if revokes else "delegated", "itself" if own else "sponsored"))
