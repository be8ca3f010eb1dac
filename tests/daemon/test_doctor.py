"""`risk-oracle doctor` on a real stack: all well is all ok, and each thing that is broken is named with its remedy."""

import asyncio
import contextlib
import json
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url
from typer.testing import CliRunner

from oracle.cli import app
from oracle.commands.doctor import examine
from oracle.commands.findings import Finding
from oracle.config.settings import AuditSettings, load_settings_of
from oracle.devnet.machinery.accounts import ETHER, named_account
from oracle.devnet.stack import Stack
from oracle.proving.keys import PROVING_KEY, SRS, read_keys
from oracle.proving.making import setup
from oracle.store import database
from oracle.store.embedded import create_database
from tests.daemon.conftest import changed
from tests.support.faulty_node import FaultyNode

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNIMPLEMENTED = {"error": {"code": -32603, "message": "unimplemented"}}
PRUNED = {"error": {"code": -32000, "message": "missing trie node"}}


async def looked(stack: Stack, text: str, **environment: str) -> dict[str, list[Finding]]:
    """Examine other settings; return the lines by subject."""
    file = stack.folder / "examined.toml"
    file.write_text(text)
    found = await examine(load_settings_of(AuditSettings, file, environment), file, environment)
    by_subject: dict[str, list[Finding]] = {}
    for line in found.lines:
        by_subject.setdefault(line.subject, []).append(line)
        assert line.remedy or line.level != "warning", line
    return by_subject


def worst(lines: list[Finding]) -> Finding:
    """Return the first line that is not well, or the first."""
    return next((line for line in lines if line.level != "ok"), lines[0])


async def of(stack: Stack, subject: str, key: str, value: str) -> Finding:
    """Examine the stack's settings with one key changed; return what is wrong with a subject."""
    found = await looked(stack, changed(stack.settings_file, key, value))
    return worst(next(lines for name, lines in found.items() if name.startswith(subject)))


def run_doctor(stack: Stack, *options: str) -> Any:
    return CliRunner().invoke(app, ["doctor", "--config", str(stack.settings_file), *options])


async def test_doctor__all_well__says_so_of_each_part_with_exit_code_0(stack: Stack) -> None:
    done = await asyncio.to_thread(run_doctor, stack)
    assert done.exit_code == 0, done.output
    assert "0 faults, 0 warnings" in done.output
    done = await asyncio.to_thread(run_doctor, stack, "--json")
    content = json.loads(done.output)
    assert (content["faults"], content["warnings"], content["unknown"]) == (0, 0, 0)
    assert {line["subject"] for line in content["findings"]} == {
        "RPC endpoint 1 (127.0.0.1)",
        "wallets' transactions",
        "oracle contract",
        "signer",
        "signer's balance",
        "model",
        "keys",
        "verifier",
        "markets",
        "attestations local-person",
        "attestations local-developer",
        "database",
        "clock",
        "disk",
        "web port",
        "secret files",
    }
    assert bytes(named_account("operator").key).hex() not in done.output


async def test_doctor__something_at_fault__ends_with_exit_code_1(stack: Stack) -> None:
    before, operator = await stack.chain.snapshot(), named_account("operator").address
    await stack.chain.set_balance(operator, ETHER // 10**6)
    done = await asyncio.to_thread(run_doctor, stack)
    assert done.exit_code == 1, done.output
    assert "fault    signer's balance: 0.000001 coins" in done.output
    assert "-> send it" in done.output
    await stack.chain.revert(before)


async def test_doctor__keys_of_another_reference_string_or_broken_ones__names_folder_and_verifier(
    stack: Stack, tmp_path: Path
) -> None:
    other = await asyncio.to_thread(setup, stack.model.directory, tmp_path / "other")
    found = await of(stack, "verifier", "keys", f'"{other.folder}"')
    assert found.level == "fault"
    assert "generated from other keys" in found.found
    shutil.copytree(stack.settings.model.keys, tmp_path / "broken")
    (tmp_path / "broken" / PROVING_KEY).write_bytes(b"")
    found = await of(stack, "keys", "keys", f'"{tmp_path / "broken"}"')
    assert (found.level, "proving.key is corrupt" in found.found) == ("fault", True)
    found = await of(stack, "keys", "keys", f'"{tmp_path / "nothing"}"')
    assert (found.level, "risk-oracle setup" in found.found) == ("fault", True)


async def test_doctor__own_ceremony__is_a_warning(stack: Stack, tmp_path: Path) -> None:
    ceremony, keys = tmp_path / "own.toml", read_keys(stack.settings.model.keys)
    ceremony.write_text(f'name = "rehearsal"\n[sha256]\n{keys.logrows} = "{keys.sha256[SRS]}"\n')
    text = stack.settings_file.read_text().replace("[model]", f'[model]\nceremony = "{ceremony}"')
    found = worst((await looked(stack, text))["keys"])
    assert (found.level, "ceremony rehearsal" in found.found) == ("warning", True)


async def test_doctor__wrong_chain_or_address_or_nobody_there__is_told_and_what_hangs_on_it_is_unknown(
    stack: Stack,
) -> None:
    found = await looked(stack, changed(stack.settings_file, "chain_id", "1337"))
    assert "serves chain 31337, chain.chain_id says 1337" in found["RPC endpoint 1 (127.0.0.1)"][0].found
    assert {found[subject][0].level for subject in ("signer", "model", "keys")} == {"unknown"}
    found = await looked(stack, changed(stack.settings_file, "oracle", f'"0x{"12" * 20}"'))
    assert "there is no contract at 0x1212" in found["oracle contract"][0].found
    assert {found[subject][0].level for subject in ("signer", "model", "keys")} == {"unknown"}
    found = await looked(stack, changed(stack.settings_file, "oracle", f'"{stack.contracts.lending.address}"'))
    assert "does not answer like an AIRiskOracle" in found["oracle contract"][0].found
    found = await looked(stack, changed(stack.settings_file, "rpc_url", '"http://127.0.0.1:9/secret"'))
    [line] = found["RPC endpoint 1 (127.0.0.1)"]
    assert (line.level, "secret" in str(line)) == ("fault", False)
    assert found["clock"][0].level == "unknown"


@contextlib.asynccontextmanager
async def faulty(stack: Stack, answers: dict[str, Any], below: int = 0) -> AsyncIterator[str]:
    """Put a node before the chain that answers some methods otherwise, state only below a block."""

    def tamper(method: str, params: list[Any], true: dict[str, Any]) -> Any:
        pruned = method != "eth_getBalance" or (params[1] != "latest" and int(params[1], 16) < below)
        return answers[method] if method in answers and pruned else true

    async with FaultyNode(stack.chain.rpc_url, tamper) as node:
        yield node.url


async def test_doctor__node_without_old_state_or_ots_methods__says_which_node_is_needed(stack: Stack) -> None:
    async with faulty(stack, {"ots_searchTransactionsBefore": UNIMPLEMENTED}) as url:
        found = await of(stack, "wallets' transactions", "rpc_url", f'"{url}"')
        assert found.level == "fault"
        assert "history.transactions_api_url" in found.remedy
        # One of two that has them is enough.
        found = await of(stack, "wallets' transactions", "rpc_url", f'["{url}", "{stack.chain.rpc_url}"]')
        assert (found.level, "1 of 2" in found.found) == ("ok", True)
    head = await stack.chain.block_number()
    async with faulty(stack, {"eth_getBalance": PRUNED}, below=head) as url:
        found = await of(stack, "RPC endpoint 1", "rpc_url", f'"{url}"')
        assert (found.level, found.found) == ("warning", f"serves state from about block {head} on only")
        assert "archive node" in found.remedy
    async with faulty(stack, {"eth_getLogs": PRUNED}) as url:
        found = await of(stack, "RPC endpoint 1", "rpc_url", f'"{url}"')
        assert (found.level, "serves no logs of block" in found.found) == ("warning", True)


async def test_doctor__signer_unregistered__names_those_that_are(stack: Stack, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.touch(mode=0o600)
    key.write_text(named_account("stranger").key.to_0x_hex())
    text = changed(stack.settings_file, "key_file", f'"{key}"')
    found = worst((await looked(stack, text))["signer"])
    assert found.level == "fault"
    assert named_account("operator").address.lower() in found.remedy
    key.chmod(0o644)
    found = worst((await looked(stack, text))["secret files"])
    assert (found.level, f"{key} (signer.key_file) has mode 0644" in found.found) == ("warning", True)
    assert f"chmod 600 {key}" in found.remedy
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("key_file"))
    by_variable = await looked(stack, lines, RISK_ORACLE_SIGNER__KEY_FILE=str(key))
    assert "RISK_ORACLE_SIGNER__KEY_FILE" in worst(by_variable["secret files"]).found


async def test_doctor__no_market_at_all__is_a_warning(stack: Stack) -> None:
    sections = stack.settings_file.read_text().split("\n[")
    without = "\n[".join(section for section in sections if not section.startswith("[history."))
    found = worst((await looked(stack, without))["markets"])
    assert (found.level, "never borrowed" in found.found) == ("warning", True)


async def test_doctor__database_empty_or_read_only_or_away__says_which(stack: Stack) -> None:
    empty = create_database(stack.database_url, "unmigrated")
    found = await of(stack, "database", "url", f'"{empty}"')
    assert (found.level, "risk-oracle db upgrade" in found.found) == ("fault", True)
    engine = database.connect(empty, pool_size=1)
    await database.migrate(engine)
    await engine.dispose()
    options = make_url(empty).update_query_dict({"options": "-c default_transaction_read_only=on"})
    found = await of(stack, "database", "url", f'"{options.render_as_string(hide_password=False)}"')
    assert (found.level, "takes no writes" in found.found) == ("fault", True)
    found = await of(stack, "database", "url", '"postgresql://nobody:hidden@127.0.0.1:9/none"')
    assert (found.level, "does not answer" in found.found) == ("fault", True)
    assert "hidden" not in str(found)


async def test_doctor__port_taken_by_another_or_by_the_daemon__tells_them_apart(stack: Stack) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        found = await of(stack, "web port", "port", str(taken.getsockname()[1]))
        assert (found.level, "web.port" in found.remedy) == ("fault", True)
    await stack.start_daemon()
    try:
        found = worst((await looked(stack, stack.settings_file.read_text()))["web port"])
        assert (found.level, found.found.endswith("ready")) == ("ok", True)
    finally:
        stack.stop_daemons()
