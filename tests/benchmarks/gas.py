"""What the contracts cost in gas, on a local chain, beside the specification's contract: one JSON object at the end.

Every transaction is priced twice, by today's schedule and by the next fork's: its trace says how many slots it filled,
changed and read. Answers go to different wallets, each new to the oracle and then known, one by one and in a batch.
An answer "without the proof check" is the same transaction with an empty proof, to a model whose verifier says yes:
what is left is everything that this project adds to the check. Its calldata floor is left out: with its proof, no
answer comes near it.
"""

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from eth_account import Account
from eth_account.signers.local import LocalAccount
from web3 import Web3

from oracle.devnet.deploy import POLICY
from oracle.devnet.machinery.accounts import ETHER, NOBODY, Transactor, named_account
from oracle.devnet.machinery.anvil import Anvil
from oracle.devnet.machinery.artifacts import BUILD, Artifact, Deployed, aave_v3, project, verifier
from oracle.devnet.machinery.node import REPOSITORY, node_binary
from tests.benchmarks.gas_approvals import approval_costs
from tests.benchmarks.gas_loans import POLICY as LOAN_POLICY
from tests.benchmarks.gas_loans import POLICY_END as LOAN_POLICY_END
from tests.benchmarks.gas_loans import SCHEMA, Issuers, Loans, attestation_checks
from tests.benchmarks.gas_open import open_costs

FIXTURES: Final = REPOSITORY / "build" / "fixtures" / "proofs.json"
SPECIFICATION: Final = (
    Path(os.environ.get("REFERENCE", REPOSITORY / ".." / "shared" / "reference")) / "SpecificationOracle.sol"
)
FEE: Final = ETHER // 1000
COIN: Final = "0x" + "00" * 20
TERMS: Final = (COIN, ETHER, COIN, 2 * ETHER, 30 * 86_400)
WALLETS: Final = 16
# The statement of the models here, as the registry numbers it.
COMMITTED: Final = 0
ISSUERS: Final = ("IssuerRegistry", "AcceptedIssuers", "ApprovalRegistry", "AcceptedApprovals")
# Creates code that returns the word 1 to any call.
SAYS_YES: Final = "0x6760015f5260205ff35f5260086018f3"


@dataclass(frozen=True)
class Schedule:
    """Gas of what a trace counts: slots filled, changed and read cold, accounts, bytes of code, bytes sent at least."""

    new_slot: int
    changed_slot: int
    cold_slot: int
    cold_account: int
    code_byte: int
    floor_zero_byte: int
    floor_byte: int


TODAY: Final = Schedule(22_100, 5_000, 2_100, 2_600, 200, 10, 40)
# EIP-8037, EIP-8038 and EIP-7976, as far as their figures are set.
NEXT: Final = Schedule(110_020, 12_100, 2_100, 2_600, 1_530, 64, 64)


@dataclass(frozen=True)
class Gas:
    """What a transaction costs by both schedules."""

    today: int
    next: int

    def __add__(self, other: "Gas") -> "Gas":
        return Gas(self.today + other.today, self.next + other.next)

    def __floordiv__(self, count: int) -> "Gas":
        return Gas(self.today // count, self.next // count)

    def told(self) -> dict[str, int]:
        return {"today": self.today, "next": self.next}


def dearest(costs: list[Gas]) -> Gas:
    """Return the most that any of them costs, by each schedule."""
    return Gas(max(cost.today for cost in costs), max(cost.next for cost in costs))


class Bench:
    """One chain, one owner, and what each transaction cost."""

    def __init__(self, chain: Anvil) -> None:
        self.chain = chain
        self.transactor = Transactor(chain)
        self.owner = named_account("bench owner")
        self.signer = named_account("bench signer")

    async def gas_of(self, hash_: str, *, floored: bool = True) -> Gas:
        """Return what a mined transaction cost, and what it would cost by the next schedule."""
        receipt = await self.chain.rpc("eth_getTransactionReceipt", hash_)
        sent = await self.chain.rpc("eth_getTransactionByHash", hash_)
        touched = await self._trace(hash_, diff=False)
        changes = await self._trace(hash_, diff=True)
        today = int(receipt["gasUsed"], 16)
        filled = changed = code = 0
        for address, after in changes["post"].items():
            before = changes["pre"].get(address, {})
            for slot in after.get("storage", {}):
                old = int(before.get("storage", {}).get(slot, "0x0"), 16)
                filled, changed = filled + (old == 0), changed + (old != 0)
            if receipt["contractAddress"] == address:
                code += len(after.get("code", "0x")) // 2 - 1
        slots = sum(len(account.get("storage", {})) for account in touched.values())
        cold = max(slots - filled - changed, 0)
        # Sender, receiver and the block's beneficiary are warm.
        accounts = max(len(touched) - 3, 0)
        dearer = (
            filled * (NEXT.new_slot - TODAY.new_slot)
            + changed * (NEXT.changed_slot - TODAY.changed_slot)
            + cold * (NEXT.cold_slot - TODAY.cold_slot)
            + accounts * (NEXT.cold_account - TODAY.cold_account)
            + code * (NEXT.code_byte - TODAY.code_byte)
        )
        data = bytes.fromhex(sent["input"][2:])
        floor = 21_000 + NEXT.floor_zero_byte * data.count(0) + NEXT.floor_byte * (len(data) - data.count(0))
        return Gas(today, max(today + dearer, floor if floored else 0))

    async def _trace(self, hash_: str, *, diff: bool) -> dict[str, Any]:
        options = {"tracer": "prestateTracer", "tracerConfig": {"diffMode": diff}}
        return dict(await self.chain.rpc("debug_traceTransaction", hash_, options))

    async def deploy(self, artifact: Artifact, *arguments: Any) -> tuple[Deployed, Gas]:
        deployed = await self.transactor.deploy(self.owner, artifact, *arguments)
        return deployed, await self.gas_of(self.transactor.sent[-1].transaction_hash)

    async def call(self, contract: Deployed, function: str, *arguments: Any, value: int = 0) -> Gas:
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
    deploy_gas: dict[str, Gas] = {}
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
        COMMITTED,
    )
    await bench.call(registry, "propose", model_id, spec)
    await bench.call(registry, "activate", model_id)
    settings = ([bench.signer.address], 1, FEE, 3_600, 86_400, bench.signer.address, True)
    oracle, deploy_gas["AIRiskOracle"] = await bench.deploy(
        project("AIRiskOracle"), manager.address, registry.address, *settings
    )
    _, deploy_gas["SmartLending"] = await bench.deploy(
        project("SmartLending"), manager.address, oracle.address, NOBODY, POLICY
    )
    token, _ = await bench.deploy(aave_v3("mocks/tokens/MintableERC20"), "Dollar", "USD", 6)
    feed, _ = await bench.deploy(project("PriceFeed"), "ETH / USD", 3_000 * 10**8)
    _, deploy_gas["TokenLender"] = await bench.deploy(
        project("TokenLender"),
        manager.address,
        oracle.address,
        NOBODY,
        POLICY,
        token.address,
        feed.address,
        9_400,
        4_500,
    )
    _, deploy_gas["IssuerRegistry"] = await bench.deploy(project("IssuerRegistry"), manager.address)
    unchecked, yes = await says_yes(bench, registry, spec)

    wallets = [named_account(f"bench wallet {number}") for number in range(WALLETS)]
    others = [named_account(f"another bench wallet {number}") for number in range(WALLETS)]
    for wallet in (*wallets, *others):
        await bench.chain.set_balance(wallet.address, ETHER)
    answers = Answers(bench, oracle, fixtures, model_id, unchecked)
    # The first request writes the counter's slot from zero, the first answer the earned fees': measured from then on.
    await answers.one(bench.owner, proof=False)
    new = [await answers.one(wallet, proof=False) for wallet in wallets]
    new_requests = list(answers.request_gas)
    known = [await answers.one(wallet, proof=False) for wallet in wallets]
    known_requests = answers.request_gas[len(new_requests) :]
    batch_new, batch_known = await answers.many(others), await answers.many(others)
    proven = [await answers.one(wallet, proof=True) for wallet in wallets[:4]]
    opened = await open_costs(bench, oracle, registry, answers.ask_open, fixtures, spec, yes)
    issuers, checks = await attestation_checks(bench, manager)
    accepted, deploy_gas["AcceptedIssuers"] = await bench.deploy(
        project("AcceptedIssuers"), manager.address, issuers.registry.address
    )
    for issuer in issuers.ids.values():
        await bench.call(accepted, "setAccepted", issuer, SCHEMA, True)
    of_both = (manager.address, oracle.address, accepted.address, (*LOAN_POLICY, False, *LOAN_POLICY_END))
    pool, _ = await bench.deploy(project("SmartLending"), *of_both)
    await bench.call(pool, "fund", 0, value=100 * ETHER)
    lender, _ = await bench.deploy(project("TokenLender"), *of_both, token.address, feed.address, 9_400, 2**32 - 1)
    await bench.call(token, "mint", 10**12)
    await bench.call(token, "approve", lender.address, 2**256 - 1)
    await bench.call(lender, "deposit", 10**12, bench.owner.address)
    approvals, approval_gas = await approval_costs(bench, manager)
    deploy_gas |= approval_gas
    loans = await all_loans(bench, oracle, [(pool, ETHER), (lender, 10**9)], unchecked, fixtures, issuers)
    return {
        "attestation": checks,
        "open": opened,
        "approval": approvals,
        "loans": loans,
        "request_new_wallet": dearest(new_requests[1:]).told(),
        "request_known_wallet": dearest(known_requests).told(),
        "answer_new_wallet_without_proof": dearest(new).told(),
        "answer_known_wallet_without_proof": dearest(known).told(),
        f"answer_of_{WALLETS}_new_wallets_without_proof": batch_new.told(),
        f"answer_of_{WALLETS}_known_wallets_without_proof": batch_known.told(),
        "answer_with_proof": dearest(proven).told(),
        "answer_calldata_bytes": answers.calldata[True],
        "answer_calldata_bytes_without_proof": answers.calldata[False],
        "deploy": {name: gas.told() for name, gas in deploy_gas.items()},
        "runtime_bytes": {
            name: runtime(name)
            for name in ("AIRiskOracle", "ModelRegistry", "SmartLending", "TokenLender", "EasPublisher", *ISSUERS)
        }
        | {"Halo2Verifier": len(code) // 2 - 1},
    }


async def all_loans(
    bench: Bench,
    oracle: Deployed,
    desks: list[tuple[Deployed, int]],
    model_id: bytes,
    fixtures: dict[str, Any],
    issuers: Issuers,
) -> dict[str, Any]:
    """Return, of each lender, what a loan without private data costs and one with, after the first."""
    scales = bytes.fromhex(fixtures["scales"][2:])
    found = {}
    for desk, principal in desks:
        loans = Loans(bench, oracle, desk, model_id, scales)
        await loans.one(principal)
        kinds: dict[str, tuple[Any, ...]] = {
            "neutral": (),
            "vouched_secp256k1": (issuers, 1),
            "vouched_p256": (issuers, 2),
        }
        for kind, vouched in kinds.items():
            steps = await loans.one(principal, *vouched)
            found[f"{desk.name}_{kind}"] = {name: gas.told() for name, gas in steps.items()}
    return found


async def says_yes(bench: Bench, registry: Deployed, spec: tuple[Any, ...]) -> tuple[bytes, str]:
    """Register a model whose verifier takes any proof; return its id and its verifier. The real one stays active."""
    sent = await bench.transactor.send(bench.owner, None, SAYS_YES)
    code = await bench.chain.rpc("eth_getCode", sent.created, "latest")
    model_id = b"\x01" * 32
    checker = Web3.to_checksum_address(sent.created or "")
    await bench.call(registry, "propose", model_id, (checker, Web3.keccak(hexstr=code), *spec[2:]))
    await bench.call(registry, "activate", model_id)
    return model_id, checker


class Answers:
    """Requests of wallets, and their answers from the fixtures."""

    def __init__(
        self, bench: Bench, oracle: Deployed, fixtures: dict[str, Any], model_id: bytes, unchecked: bytes
    ) -> None:
        self.bench = bench
        self.oracle = oracle
        self.models = {True: model_id, False: unchecked}
        self.case = fixtures["cases"]["low"]
        self.request_gas: list[Gas] = []
        self.calldata: dict[bool, int] = {}

    async def _prepare(self, wallet: LocalAccount, proof: bool) -> tuple[Any, Any, Any, bytes]:
        bench, instances = self.bench, [int(text) for text in self.case["instances"]]
        commitment = instances[1].to_bytes(32, "big")
        sent = await bench.transactor.call(wallet, self.oracle, "requestAssessment", TERMS, commitment, value=FEE)
        self.request_gas.append(await bench.gas_of(sent.transaction_hash))
        block = await bench.chain.rpc("eth_getBlockByNumber", hex(sent.block), False)
        at = sent.timestamp
        request = (wallet.address, wallet.address, TERMS, commitment, FEE, at, at + 3_600, sent.block)
        request_id = await bench.transactor.read(self.oracle, "requestCount")
        outputs = [int(text) for text in self.case["outputs"]]
        block_hash = bytes.fromhex(block["hash"][2:])
        report = (request_id, self.models[proof], sent.block, block_hash, instances[0], outputs)
        digest = await bench.transactor.read(self.oracle, "reportDigest", request, report)
        return request, report, [bench.sign(digest)], bytes.fromhex(self.case["proof"][2:]) if proof else b""

    async def ask_open(self, wallet: LocalAccount) -> tuple[Any, int, bytes]:
        """Ask without private data; return the request, its id and its block's hash."""
        commitment = int(self.case["instances"][1]).to_bytes(32, "big")
        sent = await self.bench.transactor.call(wallet, self.oracle, "requestAssessment", TERMS, commitment, value=FEE)
        block = await self.bench.chain.rpc("eth_getBlockByNumber", hex(sent.block), False)
        at = sent.timestamp
        request = (wallet.address, wallet.address, TERMS, commitment, FEE, at, at + 3_600, sent.block)
        return request, await self.bench.transactor.read(self.oracle, "requestCount"), bytes.fromhex(block["hash"][2:])

    async def one(self, wallet: LocalAccount, *, proof: bool) -> Gas:
        """Ask and answer; return what the answer costs."""
        arguments = await self._prepare(wallet, proof)
        self.calldata[proof] = len(self.oracle.encode("provideAssessment", *arguments)) // 2 - 1
        return await self._answer("provideAssessment", *arguments, floored=proof)

    async def many(self, wallets: list[LocalAccount]) -> Gas:
        """Ask for all and answer them in one transaction; return what each costs."""
        answers = [await self._prepare(wallet, False) for wallet in wallets]
        return await self._answer("provideAssessments", answers, floored=False) // len(wallets)

    async def _answer(self, function: str, *arguments: Any, floored: bool) -> Gas:
        sent = await self.bench.transactor.call(self.bench.owner, self.oracle, function, *arguments)
        return await self.bench.gas_of(sent.transaction_hash, floored=floored)


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
        "request": request_gas.told(),
        "answer_first": answers[0].told(),
        "answer_repeat": answers[1].told(),
        "deploy": {"AIRiskOracle": deploy_gas.told()},
        "runtime_bytes": {"AIRiskOracle": len(compiled["deployedBytecode"]) // 2 - 1},
    }


def compile_specification() -> dict[str, Any]:
    """Return the ABI and the code of the specification's contract."""
    command = [str(node_binary()), str(REPOSITORY / "hardhat/scripts/compile.mjs"), str(SPECIFICATION), "AIRiskOracle"]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(ended.stdout))


if __name__ == "__main__":
    asyncio.run(main())
