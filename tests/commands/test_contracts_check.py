"""`risk-oracle contracts check` against real contracts: it needs no Node, and sees a single changed byte."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio
from web3 import Web3

from oracle.devnet.deploy import POLICY
from oracle.devnet.machinery.accounts import NOBODY
from oracle.devnet.machinery.anvil import Anvil
from oracle.devnet.machinery.artifacts import Deployed, aave_v3, project, verifier
from oracle.devnet.machinery.node import REPOSITORY
from oracle.models.registry import load
from oracle.processes import ProgramError
from oracle.proving.making import setup
from tests.support.oracle_on_chain import FEE_WEI, LIFETIME_SECONDS, OracleOnChain, oracle_on

MODEL = load("credit-v1")
UNKNOWN = b"\x5a" * 32
SAYS_YES = "0x60015f5260205ff3"


@pytest_asyncio.fixture
async def oracle() -> AsyncIterator[OracleOnChain]:
    async with Anvil() as chain, oracle_on(chain) as deployed:
        yield deployed


async def _register(
    oracle: OracleOnChain,
    checker: Deployed,
    model_id: bytes = MODEL.model_id,
    scales: Sequence[int] = MODEL.output_scales,
) -> None:
    code = await oracle.chain.rpc("eth_getCode", checker.address, "latest")
    spec = (checker.address, Web3.keccak(hexstr=code), MODEL.feature_spec_hash, MODEL.neutral_commitment)
    padded = bytes(scales).ljust(32, b"\0")
    await oracle.transactor.call(oracle.owner, oracle.registry, "propose", model_id, (*spec, padded, 1, 0))


async def _activate(oracle: OracleOnChain, checker: Deployed, model_id: bytes = MODEL.model_id) -> None:
    await _register(oracle, checker, model_id)
    await oracle.transactor.call(oracle.owner, oracle.registry, "activate", model_id)


async def _permissive(oracle: OracleOnChain) -> Deployed:
    """A verifier that says yes to all, at an address of its own."""
    checker = await _verifier(oracle)
    await oracle.chain.rpc("anvil_setCode", checker.address, SAYS_YES)
    return checker


async def _lending(oracle: OracleOnChain, asks: Deployed, accepted: str = NOBODY) -> Deployed:
    return await oracle.transactor.deploy(
        oracle.owner, project("SmartLending"), oracle.manager.address, asks.address, accepted, POLICY
    )


async def _token_lender(oracle: OracleOnChain, asks: Deployed) -> Deployed:
    send, owner = oracle.transactor, oracle.owner
    token = await send.deploy(owner, aave_v3("mocks/tokens/MintableERC20"), "Dollar", "USD", 6)
    feed = await send.deploy(owner, project("PriceFeed"), "ETH / USD", 2_000 * 10**8)
    of_both = (oracle.manager.address, asks.address, NOBODY, POLICY)
    return await send.deploy(owner, project("TokenLender"), *of_both, token.address, feed.address, 9_400, 4_500)


async def _another_oracle(oracle: OracleOnChain) -> Deployed:
    own, owner = oracle.transactor, oracle.owner
    settings = (
        [Web3.to_checksum_address(oracle.signer.address)],
        1,
        FEE_WEI,
        LIFETIME_SECONDS,
        LIFETIME_SECONDS,
        owner.address,
        True,
    )
    creation = project("AIRiskOracle")
    return await own.deploy(owner, creation, oracle.manager.address, oracle.registry.address, *settings)


async def _flip_last_byte(oracle: OracleOnChain, address: str) -> None:
    code = await oracle.chain.rpc("eth_getCode", address, "latest")
    await oracle.chain.rpc("anvil_setCode", address, code[:-2] + f"{int(code[-2:], 16) ^ 1:02x}")


async def _verifier(oracle: OracleOnChain) -> Deployed:
    try:
        return await oracle.transactor.deploy(oracle.owner, verifier(MODEL.name))
    except ProgramError as error:
        pytest.skip(f"the verifier is not compiled: {error}")


async def _check(
    oracle: OracleOnChain,
    folder: Path,
    *lenders: str,
    foreign: Sequence[str] = (),
    model: str | None = None,
    chain_id: int | None = None,
    keys: Path | None = None,
    options: Sequence[str] = (),
    elsewhere: bool = False,
) -> tuple[int, str]:
    """Run the command: in the repository, where a build and keys are, or `elsewhere`, where there is neither."""
    file = folder / "check.toml"
    file.write_text(
        f'[chain]\nrpc_url = "{oracle.chain.rpc_url}"\nchain_id = {chain_id or oracle.chain.chain_id}\n'
        f'oracle = "{oracle.deployed.address}"\n[history]\ncoin_price_feed = "0x{"11" * 20}"\n'
        + "".join(f'[[history.lenders]]\nname = "lender"\naddress = "{lender}"\n' for lender in lenders)
        + "".join(f'[[history.lenders]]\nname = "theirs"\naddress = "{lender}"\nforeign = true\n' for lender in foreign)
        + "[model]\n"
        + (f'name = "{model}"\n' if model else "")
        + (f'keys = "{keys}"\n' if keys else "")
    )
    command = [str(Path(sys.executable).with_name("risk-oracle")), "contracts", "check", "--config", str(file)]
    command += options
    child = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder if elsewhere else None,
        env={"PATH": "/nowhere"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await child.communicate()
    return child.returncode or 0, said.decode()


def _line(said: str, address: str) -> str:
    lines = [line for line in said.splitlines() if address.lower() in line.lower()]
    assert lines, f"no line about {address} in: {said}"
    return lines[0]


async def test_check__when_all_is_as_released__then_each_contract_is_named_as_the_same(
    oracle: OracleOnChain, tmp_path: Path
) -> None:
    checker = await _verifier(oracle)
    await _register(oracle, checker)
    lending, tokens = await _lending(oracle, oracle.deployed), await _token_lender(oracle, oracle.deployed)
    code, said = await _check(oracle, tmp_path, lending.address, tokens.address)
    assert code == 0, said
    for contract in (oracle.deployed, oracle.registry, checker, lending, tokens):
        assert _line(said, contract.address).startswith("same "), said
    assert "and as built" in _line(said, checker.address)


async def test_check__without_build_and_keys__then_the_verifier_is_unchecked_and_not_the_same(
    oracle: OracleOnChain, tmp_path: Path
) -> None:
    checker = await _permissive(oracle)
    await _register(oracle, checker)
    code, said = await _check(oracle, tmp_path, elsewhere=True)
    assert code == 0, said
    line = _line(said, checker.address)
    assert line.startswith("unchecked"), said
    assert "the registry's own word" in line
    for missing in ("not compared with the release", "nor with a build (build/contracts", "nor with keys (no keys of"):
        assert missing in line
    assert "not everything was compared" in said
    code, said = await _check(oracle, tmp_path, elsewhere=True, options=["--json"])
    [found] = [one for one in json.loads(said.partition("\nnot everything")[0]) if one["contract"] == "Halo2Verifier"]
    assert (found["status"], found["compared"], len(found["not_compared"])) == ("unchecked", [], 3)


async def test_check__without_build__then_a_proof_of_the_keys_tells_a_verifier_that_fits_from_one_that_does_not(
    oracle: OracleOnChain, tmp_path: Path
) -> None:
    checker = await _verifier(oracle)
    await _register(oracle, checker)
    keys = REPOSITORY / "build" / "keys" / MODEL.name
    code, said = await _check(oracle, tmp_path, elsewhere=True, keys=keys)
    assert code == 0, said
    assert _line(said, checker.address).startswith("same ")
    assert f"it fits the keys in {keys}" in said
    assert "nor with a build" in said

    other = await asyncio.to_thread(setup, MODEL.directory, tmp_path / "other")
    code, said = await _check(oracle, tmp_path, elsewhere=True, keys=other.folder)
    assert code == 1, said
    assert _line(said, checker.address).startswith("DIFFERENT")
    assert f"refuses a proof of model {MODEL.name}" in said

    # The compiled verifier alone is no proof that the keys fit: it may be of those that were there before.
    code, said = await _check(oracle, tmp_path, keys=other.folder)
    assert code == 1, said
    assert "as built in build/contracts" in said


async def test_check__on_a_public_chain_id__then_a_verifier_of_development_keys_is_a_fault(tmp_path: Path) -> None:
    async with Anvil(chain_id=424242) as chain, oracle_on(chain) as oracle:
        checker = await _verifier(oracle)
        await _register(oracle, checker)
        code, said = await _check(oracle, tmp_path)
        assert code == 1, said
        assert _line(said, checker.address).startswith("DIFFERENT")
        assert "can forge answers of this oracle" in said


async def test_check__when_a_lender_is_another_projects__then_only_settings_that_say_so_let_it_pass(
    oracle: OracleOnChain, tmp_path: Path
) -> None:
    await _register(oracle, await _verifier(oracle))
    theirs = oracle.manager.address
    code, said = await _check(oracle, tmp_path, foreign=[theirs])
    assert code == 0, said
    assert _line(said, theirs).startswith("foreign ")
    code, said = await _check(oracle, tmp_path, theirs)
    assert code == 1, said
    assert _line(said, theirs).startswith("DIFFERENT")
    assert "foreign = true" in _line(said, theirs)
    nobody = oracle.user.address
    code, said = await _check(oracle, tmp_path, foreign=[nobody])
    assert code == 1, said
    assert "no code there" in _line(said, nobody)


async def test_check__when_one_byte_of_a_lender_differs__then_it_says_so(oracle: OracleOnChain, tmp_path: Path) -> None:
    await _register(oracle, await _verifier(oracle))
    lending = await _lending(oracle, oracle.deployed)
    await _flip_last_byte(oracle, lending.address)
    code, said = await _check(oracle, tmp_path, lending.address)
    assert code == 1, said
    assert _line(said, lending.address).startswith("DIFFERENT")


async def test_check__when_a_lender_takes_private_data__then_whose_word_it_takes_is_compared_too(
    oracle: OracleOnChain, tmp_path: Path
) -> None:
    await _register(oracle, await _verifier(oracle))
    send, manager = oracle.transactor, oracle.manager.address
    registry = await send.deploy(oracle.owner, project("IssuerRegistry"), manager)
    accepted = await send.deploy(oracle.owner, project("AcceptedIssuers"), manager, registry.address)
    lenders = [(await _lending(oracle, oracle.deployed, accepted.address)).address for _ in range(2)]
    code, said = await _check(oracle, tmp_path, *lenders)
    assert code == 0, said
    for contract in (accepted, registry):
        assert _line(said, contract.address).startswith("same "), said
        assert said.lower().count(contract.address.lower()) == 1
    for contract in (registry, accepted):
        await _flip_last_byte(oracle, contract.address)
        code, said = await _check(oracle, tmp_path, *lenders)
        assert code == 1, said
        assert _line(said, contract.address).startswith("DIFFERENT")


async def test_check__when_a_lender_wants_an_approval_too__then_its_registry_is_compared_too(
    oracle: OracleOnChain, tmp_path: Path
) -> None:
    await _register(oracle, await _verifier(oracle))
    send, manager = oracle.transactor, oracle.manager.address
    issuers = await send.deploy(oracle.owner, project("IssuerRegistry"), manager)
    approvals = await send.deploy(oracle.owner, project("ApprovalRegistry"), manager)
    of_both = (manager, issuers.address, approvals.address)
    accepted = await send.deploy(oracle.owner, project("AcceptedApprovals"), *of_both)
    lender = (await _lending(oracle, oracle.deployed, accepted.address)).address
    code, said = await _check(oracle, tmp_path, lender)
    assert code == 0, said
    for contract in (accepted, issuers, approvals):
        assert _line(said, contract.address).startswith("same "), said
    await _flip_last_byte(oracle, approvals.address)
    code, said = await _check(oracle, tmp_path, lender)
    assert code == 1, said
    assert _line(said, approvals.address).startswith("DIFFERENT")


async def test_check__when_a_lender_asks_another_oracle__then_it_says_so(oracle: OracleOnChain, tmp_path: Path) -> None:
    await _register(oracle, await _verifier(oracle))
    other = await _another_oracle(oracle)
    lenders = [await _lending(oracle, other), await _token_lender(oracle, other)]
    code, said = await _check(oracle, tmp_path, *(lender.address for lender in lenders))
    assert code == 1, said
    for lender in lenders:
        assert _line(said, lender.address).startswith("DIFFERENT")
        assert f"asks another oracle: {other.address.lower()}" in _line(said, lender.address)


async def test_check__when_a_lender_holds_two_oracles__then_it_says_so(oracle: OracleOnChain, tmp_path: Path) -> None:
    await _register(oracle, await _verifier(oracle))
    lending, other = await _lending(oracle, oracle.deployed), await _another_oracle(oracle)
    code = bytes.fromhex((await oracle.chain.rpc("eth_getCode", lending.address, "latest")).removeprefix("0x"))
    here, there = bytes.fromhex(oracle.deployed.address[2:]), bytes.fromhex(other.address[2:])
    assert code.count(here) > 1
    # The getter may still name this oracle, while a decision asks the other.
    for at in range(code.count(here)):
        parts = code.split(here)
        forged = here.join(parts[: at + 1]) + there + here.join(parts[at + 1 :])
        await oracle.chain.rpc("anvil_setCode", lending.address, "0x" + forged.hex())
        exit_code, said = await _check(oracle, tmp_path, lending.address)
        assert exit_code == 1, said
        assert _line(said, lending.address).startswith("DIFFERENT")
        assert "as a constructor leaves them" in _line(said, lending.address)


async def test_check__when_the_registry_reads_the_outputs_otherwise__then_it_says_so(
    oracle: OracleOnChain, tmp_path: Path
) -> None:
    checker = await _verifier(oracle)
    scales = (*MODEL.output_scales[:5], MODEL.output_scales[5] + 1, *MODEL.output_scales[6:])
    await _register(oracle, checker, scales=scales)
    code, said = await _check(oracle, tmp_path)
    assert code == 1, said
    assert _line(said, checker.address).startswith("DIFFERENT")
    assert f"its output scales is {scales} in the registry" in said


async def test_check__when_one_byte_of_the_oracle_differs__then_it_says_so(
    oracle: OracleOnChain, tmp_path: Path
) -> None:
    await _register(oracle, await _verifier(oracle))
    await _flip_last_byte(oracle, oracle.deployed.address)
    exit_code, said = await _check(oracle, tmp_path)
    assert exit_code == 1, said
    assert _line(said, oracle.deployed.address).startswith("DIFFERENT")
    assert _line(said, oracle.registry.address).startswith("same ")


async def test_check__when_the_verifier_says_yes_to_all__then_it_says_so(oracle: OracleOnChain, tmp_path: Path) -> None:
    checker = await _permissive(oracle)
    # Registered with the hash of the code that is there: only the build tells that it is another.
    await _register(oracle, checker)
    code, said = await _check(oracle, tmp_path)
    assert code == 1, said
    assert _line(said, checker.address).startswith("DIFFERENT")
    assert "as registered, but not as built" in said


async def test_check__when_the_shadow_is_another_model__then_it_says_so(oracle: OracleOnChain, tmp_path: Path) -> None:
    shadow, primary = await _permissive(oracle), await _verifier(oracle)
    await _activate(oracle, shadow, UNKNOWN)
    await _activate(oracle, primary)
    code, said = await _check(oracle, tmp_path)
    assert code == 1, said
    assert _line(said, primary.address).startswith("same ")
    assert _line(said, shadow.address).startswith("DIFFERENT")
    assert f"the registry's shadow, whose answers count, is no model known here: model 0x{UNKNOWN.hex()}" in said


async def test_check__when_the_shadow_has_another_verifier__then_it_says_so(
    oracle: OracleOnChain, tmp_path: Path
) -> None:
    shadow, primary = await _permissive(oracle), await _verifier(oracle)
    await _activate(oracle, shadow)
    await _activate(oracle, primary, UNKNOWN)
    code, said = await _check(oracle, tmp_path)
    assert code == 1, said
    assert _line(said, shadow.address).startswith("DIFFERENT")
    assert "but not as built" in _line(said, shadow.address)
    assert "is active as the shadow" in _line(said, shadow.address)


async def test_check__when_the_settings_name_the_shadow__then_the_primary_is_checked_too(
    oracle: OracleOnChain, tmp_path: Path
) -> None:
    shadow, primary = await _verifier(oracle), await _permissive(oracle)
    await _activate(oracle, shadow)
    await _activate(oracle, primary, UNKNOWN)
    code, said = await _check(oracle, tmp_path, model=MODEL.name)
    assert code == 1, said
    assert _line(said, shadow.address).startswith("same ")
    assert _line(said, primary.address).startswith("DIFFERENT")
    assert "the registry's primary, whose answers count" in _line(said, primary.address)


async def test_check__when_the_model_is_not_registered__then_it_says_so(oracle: OracleOnChain, tmp_path: Path) -> None:
    code, said = await _check(oracle, tmp_path)
    assert code == 1, said
    assert "is not in the registry" in said


async def test_check__when_chain_or_address_are_wrong__then_one_message_says_so(
    oracle: OracleOnChain, tmp_path: Path
) -> None:
    code, said = await _check(oracle, tmp_path, chain_id=oracle.chain.chain_id + 1)
    assert code == 2, said
    assert "chain_id" in said
    assert "Traceback" not in said
    await oracle.chain.rpc("anvil_setCode", oracle.deployed.address, "0x")
    code, said = await _check(oracle, tmp_path)
    assert code == 2, said
    assert "there is no contract at" in said
    await oracle.chain.rpc("anvil_setCode", oracle.deployed.address, SAYS_YES)
    code, said = await _check(oracle, tmp_path)
    assert code == 2, said
    assert "DIFFERENT" in said
    assert "Traceback" not in said
