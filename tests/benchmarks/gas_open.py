"""What open statements cost: one answer with its real proof, and many that share one, whose check is left out."""

from typing import Any, Final

from web3 import Web3

from oracle.devnet.machinery.accounts import named_account
from oracle.devnet.machinery.artifacts import Deployed, verifier

OPEN: Final = 1
OPEN_PACKED: Final = 2
ROWS: Final = 36
_FEATURE_WORDS: Final = 2


class OpenAnswers:
    """Requests of wallets without private data, answered together by one call."""

    def __init__(self, bench: Any, oracle: Deployed, registry: Deployed, ask: Any) -> None:
        self.bench, self.oracle, self.registry, self.ask = bench, oracle, registry, ask

    async def activate(self, model_id: bytes, checker: str, spec: tuple[Any, ...], rows: int, statement: int) -> None:
        """Make a model with open statements active; `spec` is a committed one's, of the same features."""
        code = await self.bench.chain.rpc("eth_getCode", checker, "latest")
        of_open = (Web3.to_checksum_address(checker), Web3.keccak(hexstr=code), *spec[2:5], rows, statement)
        await self.bench.call(self.registry, "propose", model_id, of_open)
        await self.bench.call(self.registry, "activate", model_id)

    async def answer(
        self, model_id: bytes, wallets: list[Any], words: list[int], proof: bytes, *, floored: bool
    ) -> Any:
        """Ask for all wallets and answer them together; return what all of it costs."""
        asked = [await self.ask(wallet) for wallet in wallets]
        requests, ids, blocks = ([one[place] for one in asked] for place in range(3))
        batch = (model_id, ids, blocks, words)
        digest = await self.bench.transactor.read(self.oracle, "batchDigest", requests, batch)
        arguments = (requests, batch, [self.bench.sign(digest)], proof)
        sent = await self.bench.transactor.call(self.bench.owner, self.oracle, "provideBatch", *arguments)
        return await self.bench.gas_of(sent.transaction_hash, floored=floored)


async def open_costs(
    bench: Any,
    oracle: Deployed,
    registry: Deployed,
    ask: Any,
    fixtures: dict[str, Any],
    spec: tuple[Any, ...],
    yes: str,
) -> dict[str, Any]:
    """Return the costs of open answers; `yes` is a verifier that takes any proof, `ask` makes a wallet's request."""
    answers = OpenAnswers(bench, oracle, registry, ask)
    checker, _ = await bench.deploy(verifier(fixtures["openModel"]))
    single, many = bytes.fromhex(fixtures["openModelId"][2:]), b"\x02" * 32
    await answers.activate(single, checker.address, spec, 1, OPEN)
    case = fixtures["openCases"]["low"]
    words, proof = [int(text) for text in case["instances"]], bytes.fromhex(case["proof"][2:])
    wallets = [named_account(f"open bench wallet {number}") for number in range(ROWS)]
    for wallet in wallets:
        await bench.chain.set_balance(wallet.address, 10**18)
    alone = [await answers.answer(single, [wallet], words, proof, floored=True) for wallet in wallets[:4]]
    await answers.activate(many, yes, spec, ROWS, OPEN_PACKED)
    # Of the size that features and outputs have, each another.
    packed = [
        int.from_bytes(Web3.keccak(text=f"word {place}"), "big") >> (16 if place < _FEATURE_WORDS * ROWS else 26)
        for place in range((_FEATURE_WORDS + 1) * ROWS)
    ]
    first, again = [await answers.answer(many, wallets, packed, b"", floored=False) for _ in range(2)]
    return {
        "answer_with_proof": max(alone, key=lambda cost: cost.today).told(),
        f"answer_of_{ROWS}_without_proof": (first // ROWS).told(),
        f"answer_of_{ROWS}_known_wallets_without_proof": (again // ROWS).told(),
        "verifier_runtime_bytes": len(await bench.chain.rpc("eth_getCode", checker.address, "latest")) // 2 - 1,
    }
