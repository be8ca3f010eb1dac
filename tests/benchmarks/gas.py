"""What the contracts cost in gas, on a local chain, beside the specification's contract: one JSON object at the end.

An answer "without the proof check" is the same transaction with an empty proof, with the verifier's code replaced by
one that only says yes: what is left is everything that this project adds to the check.
"""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from eth_account import Account
from web3 import Web3

from oracle.devnet.machinery.accounts import ETHER, Transactor, named_account
from oracle.devnet.machinery.anvil import Anvil
from oracle.devnet.machinery.artifacts import BUILD, Artifact, Deployed, aave_v3, project, verifier
from oracle.devnet.machinery.node import REPOSITORY, node_binary

FIXTURES: Final = REPOSITORY / "build" / "fixtures" / "proofs.json"
SPECIFICATION: Final = (
    Path(os.environ.get("REFERENCE", REPOSITORY / ".." / "shared" / "reference")) / "SpecificationOracle.sol"
)
FEE: Final = ETHER // 1000
COIN: Final = "0x" + "00" * 20
TERMS: Final = (COIN, ETHER, COIN, 2 * ETHER, 30 * 86_400)
# Returns the word 1 to any call.
SAYS_YES: Final = "0x60015f5260205ff3"


class Bench:
    """One chain, one owner, and what each transaction cost."""

    def __init__(self, chain: Anvil) -> None:
        self.chain = chain
        self.transactor = Transactor(chain)
        self.owner = named_account("bench owner")
        self.signer = named_account("bench signer")

    async def gas_of(self, hash_: str) -> int:
        receipt = await self.chain.rpc("eth_getTransactionReceipt", hash_)
        return int(receipt["gasUsed"], 16)

    async def deploy(self, artifact: Artifact, *arguments: Any) -> tuple[Deployed, int]:
        deployed = await self.transactor.deploy(self.owner, artifact, *arguments)
        return deployed, await self.gas_of(self.transactor.sent[-1].transaction_hash)

    async def call(self, contract: Deployed, function: str, *arguments: Any, value: int = 0) -> int:
        sent = await self.transactor.call(self.owner, contract, function, *arguments, value=value)
        return await self.gas_of(sent.transaction_hash)

    def sign(self, digest: bytes) -> bytes:
        return bytes(Account.unsafe_sign_hash(digest, self.signer.key).signature)


async def main() -> None:
    fixtures = json.loads(FIXTURES.read_text())
    async with Anvil() as chain:
        bench = Bench(chain)
        await chain.set_balance(bench.owner.address, 10_000 * ETHER)
        result = await ours(bench, fixtures)
        result["specification"] = await specification(bench)
    sys.stdout.write(json.dumps(result) + "\n")


async def ours(bench: Bench, fixtures: dict[str, Any]) -> dict[str, Any]:
    """Deploy everything, answer with a real proof, then without the check; return the figures."""
    deploy_gas: dict[str, int] = {}
    manager, deploy_gas["AccessManager"] = await bench.deploy(project("AccessManager"), bench.owner.address)
    registry, deploy_gas["ModelRegistry"] = await bench.deploy(project("ModelRegistry"), manager.address, 0)
    checker, deploy_gas["Halo2Verifier"] = await bench.deploy(verifier(fixtures["model"]))
    code = await bench.chain.rpc("eth_getCode", checker.address, "latest")
    model_id = bytes.fromhex(fixtures["modelId"][2:])
    spec = (
        checker.address,
        Web3.keccak(hexstr=code),
        bytes.fromhex(fixtures["featureSpecHash"][2:]),
        int(fixtures["neutralCommitment"], 16),
        bytes.fromhex(fixtures["scales"][2:]),
        1,
    )
    await bench.call(registry, "propose", model_id, spec)
    await bench.call(registry, "activate", model_id)
    settings = ([bench.signer.address], 1, FEE, 3_600, 86_400, bench.signer.address, True)
    oracle, deploy_gas["AIRiskOracle"] = await bench.deploy(
        project("AIRiskOracle"), manager.address, registry.address, *settings
    )
    policy = (7_000, 2_000, 0, 9_000, 3_000, 800, 365 * 86_400, 7 * 86_400)
    _, deploy_gas["SmartLending"] = await bench.deploy(project("SmartLending"), manager.address, oracle.address, policy)
    token, _ = await bench.deploy(aave_v3("mocks/tokens/MintableERC20"), "Dollar", "USD", 6)
    feed, _ = await bench.deploy(project("PriceFeed"), "ETH / USD", 3_000 * 10**8)
    capped = (*policy[:3], 7_000, *policy[4:])
    _, deploy_gas["TokenLender"] = await bench.deploy(
        project("TokenLender"), manager.address, oracle.address, capped, token.address, feed.address, 8_000, 4_500
    )

    answers = Answers(bench, oracle, fixtures)
    # The first request writes the counter's slot from zero: measured from the second on, as in life.
    proven, data = await answers.one(proof=True)
    request_gas = answers.request_gas
    await bench.chain.rpc("anvil_setCode", checker.address, SAYS_YES)
    repeat, bare = await answers.one(proof=False)
    request_gas = answers.request_gas
    answers.requester = named_account("bench newcomer")
    await bench.chain.set_balance(answers.requester.address, ETHER)
    first, _ = await answers.one(proof=False)
    many = await answers.many(16)
    await bench.chain.rpc("anvil_setCode", checker.address, code)
    answers.requester = named_account("another newcomer")
    await bench.chain.set_balance(answers.requester.address, ETHER)
    first_proven, _ = await answers.one(proof=True)
    again_proven, _ = await answers.one(proof=True)
    return {
        "request_gas": request_gas,
        "answer_first_gas_without_proof": first,
        "answer_repeat_gas_without_proof": repeat,
        "answer_of_16_gas_without_proof": many,
        "answer_one_gas_with_proof": max(proven, first_proven),
        "answer_repeat_gas_with_proof": again_proven,
        "answer_calldata_bytes": data,
        "answer_calldata_bytes_without_proof": bare,
        "deploy_gas": deploy_gas,
        "runtime_bytes": {
            name: runtime(name)
            for name in ("AIRiskOracle", "ModelRegistry", "SmartLending", "TokenLender", "EasPublisher")
        }
        | {"Halo2Verifier": len(code) // 2 - 1},
    }


class Answers:
    """Requests by one wallet, and their answers from the fixtures."""

    def __init__(self, bench: Bench, oracle: Deployed, fixtures: dict[str, Any]) -> None:
        self.bench = bench
        self.oracle = oracle
        self.model_id = bytes.fromhex(fixtures["modelId"][2:])
        self.case = fixtures["cases"]["low"]
        self.requester = bench.owner
        self.request_gas = 0

    async def _prepare(self, proof: bool) -> tuple[Any, Any, Any, bytes]:
        bench, instances = self.bench, [int(text) for text in self.case["instances"]]
        commitment = instances[1].to_bytes(32, "big")
        sent = await bench.transactor.call(
            self.requester, self.oracle, "requestAssessment", TERMS, commitment, value=FEE
        )
        self.request_gas = await bench.gas_of(sent.transaction_hash)
        block = await bench.chain.rpc("eth_getBlockByNumber", hex(sent.block), False)
        user, at = self.requester.address, sent.timestamp
        request = (user, user, TERMS, commitment, FEE, at, at + 3_600)
        request_id = await bench.transactor.read(self.oracle, "requestCount")
        outputs = [int(text) for text in self.case["outputs"]]
        block_hash = bytes.fromhex(block["hash"][2:])
        report = (request_id, self.model_id, sent.block, block_hash, instances[0], outputs)
        digest = await bench.transactor.read(self.oracle, "reportDigest", request, report)
        return request, report, [bench.sign(digest)], bytes.fromhex(self.case["proof"][2:]) if proof else b""

    async def one(self, proof: bool) -> tuple[int, int]:
        """Ask and answer; return the answer's gas and its calldata bytes."""
        arguments = await self._prepare(proof)
        gas = await self.bench.call(self.oracle, "provideAssessment", *arguments)
        return gas, len(self.oracle.encode("provideAssessment", *arguments)) // 2 - 1

    async def many(self, count: int) -> int:
        """Ask and answer many in one transaction; return the gas of each."""
        answers = [await self._prepare(False) for _ in range(count)]
        return await self.bench.call(self.oracle, "provideAssessments", answers) // count


def runtime(name: str) -> int:
    """Return the bytes of a contract's runtime code."""
    [path] = BUILD.glob(f"contracts/**/{name}.sol/{name}.json")
    return len(json.loads(path.read_text())["deployedBytecode"]) // 2 - 1


async def specification(bench: Bench) -> dict[str, Any] | None:
    """Return the same figures of the specification's contract, None where its source is not at hand."""
    if not SPECIFICATION.is_file():
        sys.stderr.write(f"{SPECIFICATION} is not here: the specification's contract is left out\n")
        return None
    compiled = compile_specification()
    artifact = Artifact(compiled["contractName"], compiled["abi"], compiled["bytecode"], {})
    oracle, deploy_gas = await bench.deploy(artifact, bench.owner.address)
    request_gas = await bench.call(oracle, "requestAssessment", value=FEE)
    answers = []
    for number in (1, 2):
        user, score, proof = bench.owner.address, 80, number.to_bytes(32, "big")
        message = Web3.solidity_keccak(["address", "uint256", "bytes32"], [user, score, proof])
        digest = Web3.keccak(b"\x19Ethereum Signed Message:\n32" + message)
        signature = bytes(Account.unsafe_sign_hash(digest, bench.owner.key).signature)
        answers.append(await bench.call(oracle, "provideAssessment", user, 0, score, 5, 3, proof, signature))
    return {
        "request_gas": request_gas,
        "answer_first_gas_without_proof": answers[0],
        "answer_repeat_gas_without_proof": answers[1],
        "answer_one_gas_with_proof": None,
        "deploy_gas": {"AIRiskOracle": deploy_gas},
        "runtime_bytes": {"AIRiskOracle": len(compiled["deployedBytecode"]) // 2 - 1},
    }


def compile_specification() -> dict[str, Any]:
    """Return the ABI and the code of the specification's contract."""
    command = [str(node_binary()), str(REPOSITORY / "hardhat/scripts/compile.mjs"), str(SPECIFICATION), "AIRiskOracle"]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(ended.stdout))


if __name__ == "__main__":
    asyncio.run(main())
