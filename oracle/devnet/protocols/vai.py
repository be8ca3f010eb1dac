"""Venus's stablecoin on the local chain: its real controller, which mints against what stands supplied."""

from dataclasses import dataclass
from typing import Final

from eth_account.signers.local import LocalAccount
from web3 import Web3

from oracle.devnet.machinery.accounts import Transactor
from oracle.devnet.machinery.artifacts import VENUS, Deployed, packaged
from oracle.devnet.protocols.venus import Venus

MINT_RATE_BPS: Final = 8_000
"""So much of what stands supplied may be minted, in all."""

_WARDS_SLOT: Final = 0


@dataclass(frozen=True)
class Vai:
    """The controller and its token, which `owner` may mint too."""

    controller: Deployed
    token: Deployed


async def deploy_vai(transactor: Transactor, owner: LocalAccount, venus: Venus) -> Vai:
    """Deploy the controller, and its token where the controller's code says that it is: an address of another chain."""
    unitroller = await transactor.deploy(owner, packaged(VENUS, "VAIUnitroller"))
    implementation = await transactor.deploy(owner, packaged(VENUS, "VAIController"))
    await transactor.call(owner, unitroller, "_setPendingImplementation", implementation.address)
    await transactor.call(owner, implementation, "_become", unitroller.address)
    controller = packaged(VENUS, "VAIController").at(unitroller.address)
    await transactor.call(owner, controller, "initialize")
    await transactor.call(owner, controller, "_setComptroller", venus.comptroller.address)
    await transactor.call(owner, venus.comptroller, "_setVAIController", controller.address)
    await transactor.call(owner, venus.comptroller, "_setVAIMintRate", MINT_RATE_BPS)
    chain = transactor.chain
    built = await transactor.deploy(owner, packaged(VENUS, "VAI/VAI"), chain.chain_id)
    token = packaged(VENUS, "VAI/VAI").at(await transactor.read(controller, "getVAIAddress"))
    await chain.rpc("anvil_setCode", token.address, await chain.rpc("eth_getCode", built.address, "latest"))
    for ward in (controller.address, owner.address):
        slot = Web3.keccak(int(ward, 16).to_bytes(32, "big") + _WARDS_SLOT.to_bytes(32, "big"))
        await chain.rpc("anvil_setStorageAt", token.address, Web3.to_hex(slot), "0x" + (1).to_bytes(32, "big").hex())
    return Vai(controller, token)
