"""Borrowers with private data: passports drawn at random, their requests, and what they hand in over HTTP."""

import base64
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import aiohttp
from nacl.public import PublicKey, SealedBox

from oracle.devnet.machinery.accounts import ETHER, named_account
from oracle.devnet.stack import Stack
from oracle.passports.opening import Opening, commit, new_salt
from oracle.passports.passport import Passport
from oracle.passports.schema import GROUPS, Group
from oracle.passports.sealing import seal
from tests.daemon.watching import borrower

_COIN = "0x" + "00" * 20


def drawn(random: random.Random) -> Opening:
    """Return the opening of a passport with both groups, drawn within the ranges."""
    return commit(Passport(*(_drawn(group, random) for group in GROUPS.values())), new_salt())


def _drawn(group: Group, random: random.Random) -> dict[str, Decimal]:
    found = {}
    for field in group.fields:
        value = random.uniform(float(field.feature.low), float(field.feature.high))
        found[field.name] = Decimal(round(value)) if field.whole else Decimal(str(round(value, 4)))
    return found


async def ask_with(stack: Stack, name: str, commitment: int) -> int:
    """Let a fresh borrower ask, with a commitment to private data; return the request's id."""
    account = await borrower(stack, name)
    terms = (_COIN, ETHER, _COIN, 2 * ETHER, 30 * 86_400)
    oracle, fee = stack.contracts.oracle, stack.lender.fee_wei
    await stack.transactor.call(account, oracle, "requestAssessment", terms, commitment.to_bytes(32, "big"), value=fee)
    return int(await stack.transactor.read(oracle, "requestCount"))


def borrower_of(name: str) -> str:
    """Return the address that `ask_with` asked from."""
    return str(named_account(name).address).lower()


@dataclass
class Doors:
    """The daemon's doors for private data, without any key."""

    stack: Stack
    client: aiohttp.ClientSession

    def _at(self, path: str) -> str:
        return f"http://127.0.0.1:{self.stack.settings.web.port}/v1{path}"

    async def get(self, path: str, **options: Any) -> tuple[int, Any]:
        async with self.client.get(self._at(path), **options) as answer:
            return answer.status, await answer.json()

    async def raw(self, path: str, **options: Any) -> tuple[int, Mapping[str, str], bytes]:
        async with self.client.get(self._at(path), **options) as answer:
            return answer.status, answer.headers, await answer.read()

    async def post(self, path: str, body: Any) -> tuple[int, Any]:
        async with self.client.post(self._at(path), json=body) as answer:
            return answer.status, await answer.json()

    async def key(self) -> bytes:
        _, told = await self.get("/passports/key")
        return bytes.fromhex(told["sealing_key"][2:])

    async def sealed(self, opening: Opening, request_id: int, key: bytes | None = None) -> bytes:
        public = await self.key() if key is None else key
        bound = {"chain_id": self.stack.chain.chain_id, "oracle": self.stack.oracle_address}
        return seal(opening, request_id=request_id, public_key=public, **bound)

    async def sealed_by_hand(self, request_id: int, encoded: list[int], salt: list[int]) -> bytes:
        """Return what a client without the checks of ours would send."""
        content = {
            "v": 1, "chain_id": self.stack.chain.chain_id, "oracle": self.stack.oracle_address,
            "request_id": str(request_id), "encoded": encoded, "salt": salt,
        }  # fmt: skip
        return bytes(SealedBox(PublicKey(await self.key())).encrypt(json.dumps(content).encode()))

    async def open(self, request_id: int, sealed: bytes) -> tuple[int, Any]:
        text = base64.urlsafe_b64encode(sealed).decode().rstrip("=")
        return await self.post(f"/passports/{request_id}/opening", {"sealed": text})

    async def hand_over(self, opening: Opening, request_id: int) -> tuple[int, Any]:
        return await self.open(request_id, await self.sealed(opening, request_id))
