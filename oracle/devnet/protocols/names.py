"""A name service on the local chain, read as ENS is."""

from dataclasses import dataclass
from typing import Final

from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak

from oracle.devnet.machinery.accounts import Transactor
from oracle.devnet.machinery.artifacts import Deployed, project

TOP_LEVEL: Final = "eth"


@dataclass(frozen=True)
class NameService:
    """The deployed service, and who registers names."""

    contract: Deployed
    registrar: LocalAccount


async def deploy_names(transactor: Transactor, registrar: LocalAccount) -> NameService:
    """Deploy the name service."""
    return NameService(await transactor.deploy(registrar, project("NameService")), registrar)


def name_node(name: str) -> bytes:
    """Return the node of a name below `eth`: its namehash, as EIP-137 defines it."""
    top = keccak(bytes(32) + keccak(text=TOP_LEVEL))
    return keccak(top + keccak(text=name.removesuffix(f".{TOP_LEVEL}")))
