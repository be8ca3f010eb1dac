"""What a loan costs with and without private data, and what it costs to check who vouches for them."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256
from eth_account import Account
from web3 import Web3

from oracle.devnet.machinery.accounts import ETHER, Transactor, named_account
from oracle.devnet.machinery.anvil import Anvil
from oracle.devnet.machinery.artifacts import Deployed, project

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

    from tests.benchmarks.gas import Bench, Gas

_DAY: Final = 86_400
SCHEMA: Final = Web3.keccak(text="urn:risk-oracle:passport:1")
_P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_SECP256K1: Final = 1
_P256: Final = 2
# Takes whatever is answered here; units of the lent token, as small as they get.
POLICY: Final = (0, 10_000, 0, 9_000, 3_000, 3_000, 365 * _DAY, 7 * _DAY, 1, _DAY, 1)
POLICY_END: Final = (1, 2**127, 10_000, 1_000, _DAY, 30 * _DAY, False, False)
# Fractions of the full scale: score, default, fraud, rate, duration, loan to value, confidence.
_FRACTIONS: Final = (0.8, 0.03, 0.05, 0.06, 0.5, 0.7, 0.9)


class Issuers:
    """A registry with an issuer of each kind of key; both sign here."""

    def __init__(self, transactor: Transactor, owner: LocalAccount, registry: Deployed) -> None:
        self.transactor = transactor
        self.owner = owner
        self.registry = registry
        self.bank = named_account("bench bank")
        self.employer = ec.generate_private_key(ec.SECP256R1())
        point = self.employer.public_key().public_numbers()
        self.keys = {
            _SECP256K1: bytes.fromhex(self.bank.address[2:]),
            _P256: point.x.to_bytes(32, "big") + point.y.to_bytes(32, "big"),
        }
        self.ids: dict[int, bytes] = {}

    async def register(self) -> None:
        """Let both vouch for the one schema."""
        for key_type, key in self.keys.items():
            self.ids[key_type] = bytes(await self.transactor.read(self.registry, "issuerId", key_type, key))
            name = f"issuer {key_type}"
            await self.transactor.call(self.owner, self.registry, "addIssuer", key_type, key, name)
            await self.transactor.call(self.owner, self.registry, "setSchema", self.ids[key_type], SCHEMA, True)

    async def attestation(self, key_type: int, borrower: str, commitment: bytes) -> tuple[bytes, bytes, int, bytes]:
        """Return what an issuer gives a borrower, as the contract takes it."""
        valid_until = 2**40 - 1
        fields = (borrower, commitment, SCHEMA, valid_until)
        digest = bytes(await self.transactor.read(self.registry, "attestationDigest", *fields))
        if key_type == _SECP256K1:
            signature = bytes(Account.unsafe_sign_hash(digest, self.bank.key).signature)
        else:
            r, s = utils.decode_dss_signature(self.employer.sign(digest, ec.ECDSA(utils.Prehashed(SHA256()))))
            signature = r.to_bytes(32, "big") + min(s, _P256_ORDER - s).to_bytes(32, "big") + self.keys[_P256]
        return self.ids[key_type], SCHEMA, valid_until, signature

    async def check_gas(self, key_type: int) -> int:
        """Return what the dearest of a few checks costs within the call, every slot read for the first time."""
        return max([await self._check_gas(key_type, number) for number in range(8)])

    async def _check_gas(self, key_type: int, number: int) -> int:
        borrower, commitment = named_account(f"attested {number}").address, secrets.token_bytes(31).rjust(32, b"\0")
        attestation = await self.attestation(key_type, borrower, commitment)
        sent = await self.transactor.call(self.owner, self.registry, "check", borrower, commitment, attestation)
        receipt = await self.transactor.chain.rpc("eth_getTransactionReceipt", sent.transaction_hash)
        data = bytes.fromhex(self.registry.encode("check", borrower, commitment, attestation)[2:])
        intrinsic = 21_000 + 4 * data.count(0) + 16 * (len(data) - data.count(0))
        floor = 21_000 + 10 * data.count(0) + 40 * (len(data) - data.count(0))
        used = int(receipt["gasUsed"], 16)
        # At the calldata's floor the receipt would not say what was executed.
        if used <= floor:
            raise ValueError(f"the check of a signature of kind {key_type} is hidden below the floor of {floor} gas")
        return used - intrinsic


async def attestation_checks(bench: Bench, manager: Deployed) -> tuple[Issuers, dict[str, int]]:
    """Return issuers, and gas of a check by each kind of key, with the P-256 precompile and on a chain without it."""
    registry = await bench.transactor.deploy(bench.owner, project("IssuerRegistry"), manager.address)
    issuers = Issuers(bench.transactor, bench.owner, registry)
    await issuers.register()
    found = {
        "check_secp256k1": await issuers.check_gas(_SECP256K1),
        "check_p256_precompile": await issuers.check_gas(_P256),
    }
    async with Anvil(hardfork="prague") as older:
        transactor = Transactor(older)
        await older.set_balance(bench.owner.address, 100 * ETHER)
        manager = await transactor.deploy(bench.owner, project("AccessManager"), bench.owner.address)
        without = await transactor.deploy(bench.owner, project("IssuerRegistry"), manager.address)
        there = Issuers(transactor, bench.owner, without)
        await there.register()
        found["check_p256_solidity"] = await there.check_gas(_P256)
    return issuers, found


class Loans:
    """Loans at one lender, answered by a model whose verifier takes any proof."""

    def __init__(self, bench: Bench, oracle: Deployed, desk: Deployed, model_id: bytes, scales: bytes) -> None:
        self.bench = bench
        self.oracle = oracle
        self.desk = desk
        self.model_id = model_id
        self.outputs = [1, 0, 0] + [
            int(fraction * 2**scale) for fraction, scale in zip(_FRACTIONS, scales[3:10], strict=True)
        ]
        self.count = 0

    async def one(self, principal: int, issuers: Issuers | None = None, key_type: int = 0) -> dict[str, Gas]:
        """Ask, answer and settle for a wallet that never asked; return what each of the three costs."""
        bench, read = self.bench, self.bench.transactor.read
        self.count += 1
        borrower = named_account(f"borrower {self.count} of {self.desk.address}")
        await bench.chain.set_balance(borrower.address, 10 * ETHER)
        commitment = bytes(await read(self.oracle, "neutralCommitment"))
        vouched: tuple[Any, ...] = ()
        if issuers is not None:
            commitment = self.count.to_bytes(32, "big")
            vouched = (await issuers.attestation(key_type, borrower.address, commitment),)
        order = (principal, 2 * ETHER, 30 * _DAY, 0, 0, 65_535)
        lent, amount, pledged, *rest = await read(self.desk, "judgedTerms", order)
        terms = (Web3.to_checksum_address(lent), amount, Web3.to_checksum_address(pledged), *rest)
        fee = int(await read(self.oracle, "fee"))
        fields = (borrower.address, self.desk.address, terms, commitment, 2**40)
        digest = bytes(await read(self.oracle, "consentDigest", *fields))
        consent = (2**40, bytes(Account.unsafe_sign_hash(digest, borrower.key).signature))
        arguments = (order, commitment, consent, *vouched)
        asked = await bench.transactor.call(borrower, self.desk, "requestLoan", *arguments, value=2 * ETHER + fee)
        request_id = int(await read(self.oracle, "requestCount"))
        times = (asked.timestamp, asked.timestamp + 3_600, asked.block)
        request = (borrower.address, self.desk.address, terms, commitment, fee, *times)
        block = await bench.chain.rpc("eth_getBlockByNumber", hex(asked.block), False)
        block_hash = bytes.fromhex(block["hash"][2:])
        report = (request_id, self.model_id, asked.block, block_hash, 1, self.outputs)
        signature = bench.sign(await read(self.oracle, "reportDigest", request, report))
        answered = await bench.transactor.call(
            bench.owner, self.oracle, "provideAssessment", request, report, [signature], b""
        )
        loan_id = int(await read(self.desk, "loanCount"))
        settled = await bench.transactor.call(bench.owner, self.desk, "settle", loan_id)
        if int((await read(self.desk, "loan", loan_id))[1]) != _ACTIVE:
            raise ValueError(f"loan {loan_id} was not paid out: these would be another way's figures")
        steps = {"request": asked, "answer_without_proof": answered, "settle": settled}
        return {name: await bench.gas_of(sent.transaction_hash, floored=False) for name, sent in steps.items()}


_ACTIVE: Final = 3
