"""A proven assessment as an attestation of the real Ethereum Attestation Service, read back from it."""

import json
import subprocess
import sys
from typing import Any, Final

import pytest
from eth_abi.abi import decode
from eth_account import Account
from web3 import Web3

from oracle.devnet.machinery.accounts import named_account
from oracle.devnet.machinery.anvil import Anvil, RpcError
from oracle.devnet.machinery.artifacts import Deployed, packaged, project, verifier
from oracle.devnet.machinery.node import REPOSITORY
from oracle.processes import ProgramError
from tests.support.oracle_on_chain import FEE_WEI, LIFETIME_SECONDS, TERMS, OracleOnChain, oracle_on

PACKAGE: Final = ("@ethereum-attestation-service/eas-contracts", "1.9.0")
PROOFS: Final = REPOSITORY / "build" / "fixtures" / "proofs.json"


async def _publisher(oracle: OracleOnChain) -> tuple[Deployed, Deployed]:
    deploy, owner = oracle.transactor.deploy, oracle.owner
    try:
        registry = await deploy(owner, packaged(PACKAGE, "SchemaRegistry"))
        service = await deploy(owner, packaged(PACKAGE, "EAS"), registry.address)
        publisher = await deploy(owner, project("EasPublisher"), oracle.deployed.address, service.address)
    except ProgramError as error:
        pytest.skip(str(error))
    return service, publisher


def _proofs() -> dict[str, Any]:
    """Return the build's proofs, made anew when their keys were."""
    if not PROOFS.is_file():
        pytest.skip("no proofs: run `python hardhat/scripts/fixtures.py` first")
    subprocess.run([sys.executable, str(REPOSITORY / "hardhat" / "scripts" / "fixtures.py")], check=True)
    return dict(json.loads(PROOFS.read_text()))


async def _answer(oracle: OracleOnChain) -> Any:
    """Let the user ask, and answer with a real proof; return the stored assessment."""
    fixtures = _proofs()
    case, model_id = fixtures["cases"]["low"], bytes.fromhex(fixtures["modelId"][2:])
    transactor, owner, user = oracle.transactor, oracle.owner, oracle.user
    checker = await transactor.deploy(owner, verifier(fixtures["model"]))
    code = await oracle.chain.rpc("eth_getCode", checker.address, "latest")
    facts = (bytes.fromhex(fixtures["featureSpecHash"][2:]), int(fixtures["neutralCommitment"], 16))
    spec = (checker.address, Web3.keccak(hexstr=code), *facts, bytes.fromhex(fixtures["scales"][2:]), 1, 0)
    await transactor.call(owner, oracle.registry, "propose", model_id, spec)
    await transactor.call(owner, oracle.registry, "activate", model_id)
    features, commitment = (int(text) for text in case["instances"][:2])
    asked = await oracle.ask(commitment)
    block = await oracle.chain.rpc("eth_getBlockByNumber", hex(asked.block), False)
    moments = (asked.timestamp, asked.timestamp + LIFETIME_SECONDS)
    request = (user.address, user.address, TERMS, commitment.to_bytes(32, "big"), FEE_WEI, *moments, asked.block)
    outputs = [int(text) for text in case["outputs"]]
    report = (1, model_id, asked.block, bytes.fromhex(block["hash"][2:]), features, outputs)
    digest = await transactor.read(oracle.deployed, "reportDigest", request, report)
    signature = bytes(Account.unsafe_sign_hash(digest, named_account("signer").key).signature)
    proof = bytes.fromhex(case["proof"][2:])
    await transactor.call(owner, oracle.deployed, "provideAssessment", request, report, [signature], proof)
    return await transactor.read(oracle.deployed, "assessmentOf", 1)


def _selector(error: str) -> str:
    return Web3.keccak(text=error)[:4].to_0x_hex()


async def _refusal(oracle: OracleOnChain, publisher: Deployed) -> str:
    """Return the selector of the error with which a publication is refused."""
    with pytest.raises(RpcError) as refused:
        await oracle.transactor.read(publisher, "publish", oracle.user.address)
    return str(refused.value.payload["data"])[:10]


async def test_publish__when_an_assessment_was_proven__then_its_attestation_says_the_same_and_exists_once() -> None:
    async with Anvil() as chain, oracle_on(chain) as oracle:
        service, publisher = await _publisher(oracle)
        assessment = await _answer(oracle)
        read, call, anyone = oracle.transactor.read, oracle.transactor.call, oracle.owner
        await call(anyone, publisher, "publish", oracle.user.address)
        [log] = await chain.rpc("eth_getLogs", {"address": publisher.address, "fromBlock": "0x0"})
        uid = bytes.fromhex(log["topics"][2][2:])
        attested = await read(service, "getAttestation", uid)
        found, schema, *_ = attested
        recipient, attester, revocable, data = attested[-4:]
        assert found == uid
        assert schema == await read(publisher, "schemaId")
        assert recipient == oracle.user.address.lower()
        assert attester == publisher.address.lower()
        assert revocable is False
        types = [field.split()[0] for field in (await read(publisher, "SCHEMA")).split(",")]
        values = decode(types, data)
        *scores, issued_at, expires_at, block_number, model_index, private_data = assessment
        assert private_data is False
        assert values == (oracle.deployed.address.lower(), *scores, issued_at, block_number, model_index)
        assert expires_at in attested[2:-4]

        assert await _refusal(oracle, publisher) == _selector("AlreadyPublished(address,bytes32)")
        # A second publisher finds the schema registered, and attests by it.
        _, other = (
            service,
            await oracle.transactor.deploy(
                oracle.owner, project("EasPublisher"), oracle.deployed.address, service.address
            ),
        )
        assert await read(other, "schemaId") == schema
        await call(anyone, other, "publish", oracle.user.address)


async def test_publish__when_there_is_no_unexpired_assessment__then_it_is_refused() -> None:
    async with Anvil() as chain, oracle_on(chain) as oracle:
        _, publisher = await _publisher(oracle)
        assert await _refusal(oracle, publisher) == _selector("NoAssessment(address)")
        await _answer(oracle)
        await chain.warp(LIFETIME_SECONDS + 1)
        assert await _refusal(oracle, publisher) == _selector("AssessmentExpired(address,uint40)")
