"""Identity records: an ENS name that the wallet claims and that points back at it."""

from typing import Final

from eth_utils.crypto import keccak

from oracle.assessment.history import SocialRecord
from oracle.assessment.request import NATIVE_COIN, Address, BlockRef
from oracle.history.reading.abi import Function
from oracle.history.reading.reader import ChainReader
from oracle.history.reading.strangers import ask_stranger

ENS: Final = "ens"
# Of a name in the domain name system; a resolver may send megabytes.
_LONGEST_NAME: Final = 255
_RESOLVER: Final = Function("resolver", ("bytes32",), ("address",))
_NAME: Final = Function("name", ("bytes32",), ("string",))
_ADDRESS: Final = Function("addr", ("bytes32",), ("address",))


class EnsSource:
    """The ENS registry of a chain as a source of identity."""

    name = ENS

    def __init__(self, reader: ChainReader, registry: Address) -> None:
        self._reader = reader
        self._registry = registry

    async def read(self, wallet: Address, at: BlockRef) -> SocialRecord:
        """Return whether the wallet's reverse record names an ENS name that resolves to the wallet."""
        name = await self._claimed_name(wallet, at)
        if not name or await self._resolved(name, at) != wallet:
            return SocialRecord()
        return SocialRecord(frozenset({ENS}))

    async def _claimed_name(self, wallet: Address, at: BlockRef) -> str | None:
        node = namehash(f"{wallet[2:]}.addr.reverse")
        return await self._ask(node, _NAME, at)

    async def _resolved(self, name: str, at: BlockRef) -> Address | None:
        # Anyone may claim any name: only the name's own record proves it.
        address = await self._ask(namehash(name), _ADDRESS, at)
        return None if address is None else Address(address.lower())

    async def _ask(self, node: bytes, question: Function, at: BlockRef) -> str | None:
        (resolver,) = await self._reader.call(self._registry, _RESOLVER, node, block_hash=at.hash)
        if Address(str(resolver).lower()) == NATIVE_COIN:
            return None
        # A resolver is anyone's contract, even none: one that does not answer as it should holds no record.
        answer = await ask_stranger(self._reader, Address(str(resolver).lower()), question, node, block_hash=at.hash)
        text = None if answer is None else str(answer[0])
        return text if text is not None and len(text) <= _LONGEST_NAME else None


def namehash(name: str) -> bytes:
    """Return the node of a dotted name, as EIP-137 defines it."""
    node = bytes(32)
    for label in reversed(name.split(".")):
        node = keccak(node + keccak(text=label))
    return node
