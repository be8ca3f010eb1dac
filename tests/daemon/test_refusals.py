"""What the daemon refuses to start with: exit code 2, and a line that says what is wrong and what to do."""

import asyncio
import json
import shutil
from pathlib import Path

import pytest
from sqlalchemy import text
from web3 import Web3

from oracle.devnet.machinery.accounts import named_account
from oracle.devnet.stack import Stack, local_stack
from oracle.proving.keys import read_keys
from oracle.proving.making import setup
from oracle.store import database
from oracle.store.embedded import create_database
from tests.daemon.conftest import changed, refusal

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_start__with_an_unknown_setting__names_the_nearest(stack: Stack) -> None:
    said = await refusal(stack, stack.settings_file.read_text() + "\n[worker]\nconcurency = 3\n")
    assert "worker.concurency: is not a setting; did you mean worker.concurrency?" in said


async def test_start__on_another_chain_id__says_both(stack: Stack) -> None:
    said = await refusal(stack, changed(stack.settings_file, "chain_id", "1337"))
    assert "serves chain 31337, chain.chain_id says 1337" in said


async def test_start__without_a_contract_at_the_address__names_the_setting(stack: Stack) -> None:
    said = await refusal(stack, changed(stack.settings_file, "oracle", f'"0x{"12" * 20}"'))
    assert "chain.oracle: there is no contract at 0x1212" in said


async def test_start__with_another_contract_at_the_address__says_so(stack: Stack) -> None:
    said = await refusal(stack, changed(stack.settings_file, "oracle", f'"{stack.contracts.lending.address}"'))
    assert "does not answer like an AIRiskOracle" in said


async def test_start__with_the_zero_address__says_so(stack: Stack) -> None:
    said = await refusal(stack, changed(stack.settings_file, "oracle", f'"0x{"00" * 20}"'))
    assert "chain.oracle: is the zero address" in said


async def test_start__without_a_key__asks_for_it(stack: Stack) -> None:
    lines = [line for line in stack.settings_file.read_text().splitlines() if not line.startswith("key_file")]
    assert "signer.key: is required" in await refusal(stack, "\n".join(lines))


async def test_start__with_a_key_that_is_no_key__says_so_without_showing_it(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("0x" + "zz" * 32)
    said = await refusal(stack, changed(stack.settings_file, "key_file", f'"{tmp_path / "key"}"'))
    assert "signer.key: is not a private key" in said
    assert "zzzz" not in said


async def test_start__with_an_unregistered_key__names_both_addresses(stack: Stack, tmp_path: Path) -> None:
    stranger = named_account("stranger")
    (tmp_path / "key").write_text("0x" + bytes(stranger.key).hex())
    said = await refusal(stack, changed(stack.settings_file, "key_file", f'"{tmp_path / "key"}"'))
    assert stranger.address.lower() in said
    assert named_account("operator").address.lower() in said
    assert bytes(stranger.key).hex() not in said


async def test_start__with_a_primary_that_is_not_here__or_a_named_model_that_is_retired__says_which(
    stack: Stack,
) -> None:
    registry, before = stack.contracts.registry, await stack.chain.snapshot()
    # A second model with the same facts takes the first one's place; then the first is retired.
    verifier, *facts = (await stack.transactor.read(registry, "model", stack.model.model_id))[0]
    spec = (Web3.to_checksum_address(verifier), *facts)
    other = bytes(31) + b"\x07"
    owner = named_account("owner")
    await stack.transactor.call(owner, registry, "propose", other, spec)
    await stack.transactor.call(owner, registry, "activate", other)
    await stack.transactor.call(owner, registry, "retire", stack.model.model_id)
    own = f"{stack.model.name} (0x{stack.model.model_id.hex()})"
    text = stack.settings_file.read_text()
    said = await refusal(stack, text)
    assert f"model 0x{other.hex()} is not here" in said
    assert own in said
    assert "risk-oracle setup" in said
    said = await refusal(stack, text.replace("[model]", f'[model]\nname = "{stack.model.name}"'))
    assert f"model {own} is not active" in said
    assert "retired" in said
    await stack.chain.revert(before)


async def test_start__with_a_corrupt_proving_key__names_the_file(stack: Stack, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    shutil.copytree(stack.settings.model.keys, keys)
    content = bytearray((keys / "proving.key").read_bytes())
    content[len(content) // 2] ^= 1
    (keys / "proving.key").write_bytes(content)
    said = await refusal(stack, changed(stack.settings_file, "keys", f'"{keys}"'))
    assert "proving.key is corrupt" in said
    assert "risk-oracle setup" in said


async def test_start__with_keys_of_another_reference_string__does_not_serve(stack: Stack, tmp_path: Path) -> None:
    # What every newcomer does: each `setup` in a new folder makes another development string.
    keys = await asyncio.to_thread(setup, stack.model.directory, tmp_path / "keys")
    said = await refusal(stack, changed(stack.settings_file, "keys", f'"{keys.folder}"'))
    assert f"the verifier at {stack.contracts.verifier.address.lower()} refuses a proof" in said
    assert str(keys.folder) in said
    assert "model.keys" in said
    assert "serving" not in said


async def test_start__with_a_reference_string_that_only_calls_itself_a_file_of_the_ceremony__is_refused(
    tmp_path: Path,
) -> None:
    async with local_stack(tmp_path / "public", chain_id=424242, histories=False, durable=False) as public:
        keys = tmp_path / "keys"
        shutil.copytree(public.settings.model.keys, keys)
        for label in ("file", "production"):
            manifest = json.loads((keys / "manifest.json").read_text()) | {"srs": label}
            (keys / "manifest.json").write_text(json.dumps(manifest))
            said = await refusal(public, changed(public.settings_file, "keys", f'"{keys}"'))
            assert "development reference string" in said
            assert "424242" in said


async def test_start__on_a_public_chain_id_with_the_operators_own_ceremony__serves_and_says_so(tmp_path: Path) -> None:
    async with local_stack(tmp_path / "public", chain_id=424242, histories=False, durable=False) as public:
        srs = read_keys(public.settings.model.keys).sha256["kzg.srs"]
        ceremony = tmp_path / "rehearsal.toml"
        ceremony.write_text(f'name = "rehearsal"\n[sha256]\n12 = "{srs}"\n')
        text = public.settings_file.read_text().replace("[model]", f'[model]\nceremony = "{ceremony}"')
        public.settings_file.write_text(text)
        daemon = await public.start_daemon()
        said = daemon.tail(40)
        assert "own_ceremony_trusted" in said
        assert "rehearsal" in said
        assert "serving" in said
        public.stop_daemons()
        ceremony.write_text(f'name = "rehearsal"\n[sha256]\n12 = "{"00" * 32}"\n')
        assert "development reference string" in await refusal(public, text)


async def test_start__on_an_empty_database__says_how_to_upgrade(stack: Stack) -> None:
    url = create_database(stack.database_url, "empty")
    said = await refusal(stack, changed(stack.settings_file, "url", f'"{url}"'))
    assert "the database is behind" in said
    assert "risk-oracle db upgrade" in said


async def test_start__on_a_database_of_the_future__says_so(stack: Stack) -> None:
    url = create_database(stack.database_url, "future")
    engine = database.connect(url, pool_size=1)
    await database.migrate(engine)
    async with engine.begin() as connection:
        await connection.execute(text("update alembic_version set version_num = '9999'"))
    await engine.dispose()
    said = await refusal(stack, changed(stack.settings_file, "url", f'"{url}"'))
    assert "the database is ahead" in said
