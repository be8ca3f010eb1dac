"""Keys and the verifier on the chain: known code needs no proof; other keys, and a yes to everything, are refused."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from oracle.assessment.request import Address, to_address
from oracle.devnet.machinery.anvil import Anvil
from oracle.devnet.machinery.artifacts import verifier
from oracle.devnet.machinery.node import REPOSITORY
from oracle.models.registry import ShippedModel, load
from oracle.pipeline import fitting
from oracle.pipeline.fitting import KeysDoNotFit, Refused, check_fit, probe
from oracle.proving import known_verifiers
from oracle.proving.keys import FILES, MANIFEST, SEEN, VERIFYING_KEY, Keys, read_keys
from oracle.proving.known_verifiers import ReleasedVerifier
from oracle.proving.making import setup
from oracle.proving.prover import Prover
from tests.support.oracle_on_chain import OracleOnChain, oracle_on

SAYS_YES = "0x60015f5260205ff3"
SAYS_NO = "0x5f5f5260205ff3"


@pytest.fixture(scope="module")
def model() -> ShippedModel:
    return load()


@pytest.fixture
async def on_chain(chain: Anvil) -> AsyncIterator[OracleOnChain]:
    async with oracle_on(chain) as deployed:
        yield deployed


@pytest.fixture
async def deployed(on_chain: OracleOnChain, model: ShippedModel) -> Address:
    """The compiled verifier of build/keys, on the chain."""
    return to_address((await on_chain.transactor.deploy(on_chain.owner, verifier(model.name))).address)


@pytest.fixture
def keys(model: ShippedModel, tmp_path: Path) -> Keys:
    """The keys that the compiled verifier was generated from, in a folder that has seen no chain."""
    folder = tmp_path / "keys"
    folder.mkdir()
    for name in (MANIFEST, *FILES):
        (folder / name).symlink_to(REPOSITORY / "build" / "keys" / model.name / name)
    return read_keys(folder)


@pytest.fixture
async def prover(model: ShippedModel, keys: Keys) -> AsyncIterator[Prover]:
    async with Prover(model.directory, keys.folder) as running:
        yield running


class NoProver(Prover):
    """Proves nothing: for what must be known without a proof."""

    async def prove(self, *_: object) -> object:  # type: ignore[override]
        raise AssertionError("a proof was made")


async def test_check_fit__keys_of_the_deployed_verifier__are_proven_once_and_then_known_by_its_code(
    on_chain: OracleOnChain, model: ShippedModel, keys: Keys, deployed: Address, prover: Prover
) -> None:
    assert await check_fit(on_chain.w3, model, keys, deployed, prover) == "it takes a proof of these keys"
    idle = NoProver(model.directory, keys.folder)
    assert "took a proof of these keys before" in await check_fit(on_chain.w3, model, keys, deployed, idle)

    # One byte of the code changed: nothing is known of it.
    code = bytearray.fromhex((await on_chain.chain.rpc("eth_getCode", deployed, "latest"))[2:])
    code[-1] ^= 1
    await on_chain.chain.rpc("anvil_setCode", deployed, "0x" + code.hex())
    with pytest.raises(AssertionError, match="a proof was made"):
        await check_fit(on_chain.w3, model, keys, deployed, idle)


async def test_check_fit__keys_of_another_reference_string__are_refused_and_not_tried_again(
    on_chain: OracleOnChain, model: ShippedModel, deployed: Address, tmp_path: Path
) -> None:
    other = await asyncio.to_thread(setup, model.directory, tmp_path / "other")
    refused: Refused = {}
    prover = Prover(model.directory, other.folder)
    try:
        with pytest.raises(KeysDoNotFit) as caught:
            await check_fit(on_chain.w3, model, other, deployed, prover, refused)
    finally:
        await prover.close()
    said = str(caught.value)
    for words in (deployed, str(other.folder), model.name, "generated from other keys", "model.keys"):
        assert words in said
    assert not (other.folder / SEEN).exists()
    with pytest.raises(KeysDoNotFit, match="generated from other keys"):
        await check_fit(on_chain.w3, model, other, deployed, NoProver(model.directory, other.folder), refused)


async def test_probe__verifier_that_says_yes_or_no_to_everything__is_refused(
    on_chain: OracleOnChain, model: ShippedModel, keys: Keys, deployed: Address, prover: Prover
) -> None:
    await on_chain.chain.rpc("anvil_setCode", deployed, SAYS_YES)
    with pytest.raises(KeysDoNotFit, match="proves nothing"):
        await probe(on_chain.w3, model, keys, deployed, prover)
    await on_chain.chain.rpc("anvil_setCode", deployed, SAYS_NO)
    with pytest.raises(KeysDoNotFit, match="other keys"):
        await probe(on_chain.w3, model, keys, deployed, prover)


async def test_check_fit__verifier_of_the_release__is_known_by_its_code_for_its_own_keys_alone(
    on_chain: OracleOnChain,
    model: ShippedModel,
    keys: Keys,
    deployed: Address,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code_hash = fitting.keccak(hexstr=await on_chain.chain.rpc("eth_getCode", deployed, "latest"))
    released = ReleasedVerifier(model.model_id, keys.logrows, keys.sha256[VERIFYING_KEY], code_hash)
    monkeypatch.setattr(known_verifiers, "released_verifiers", lambda: {model.model_id: released})
    idle = NoProver(model.directory, keys.folder)
    assert "the release's, byte for byte" in await check_fit(on_chain.w3, model, keys, deployed, idle)
    others = ReleasedVerifier(model.model_id, keys.logrows, "00" * 32, code_hash)
    monkeypatch.setattr(known_verifiers, "released_verifiers", lambda: {model.model_id: others})
    with pytest.raises(AssertionError, match="a proof was made"):
        await check_fit(on_chain.w3, model, keys, deployed, idle)
