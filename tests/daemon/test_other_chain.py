"""The same daemon on a second chain, with another chain id and other addresses, by its settings alone."""

import pytest

from oracle.assessment.states import State
from oracle.devnet.machinery.accounts import named_account
from oracle.devnet.stack import Stack, local_stack
from tests.daemon.conftest import refusal
from tests.daemon.watching import ask, until_state


async def test_daemon__on_a_second_chain_with_other_addresses__answers_there(
    stack: Stack, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with local_stack(
        tmp_path_factory.mktemp("second"), chain_id=1337, histories=False, durable=False, spent_nonces=3
    ) as second:
        assert second.contracts.oracle.address != stack.contracts.oracle.address
        await second.start_daemon()
        asked = await ask(second, "on the second chain")
        row = await until_state(second, asked.request_id, State.FINAL)
        assert row.chain_id == 1337
        assert row.oracle == second.oracle_address


async def test_daemon__with_a_development_reference_string_on_a_public_chain_id__refuses(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    async with local_stack(tmp_path_factory.mktemp("public"), chain_id=137, histories=False, durable=False) as public:
        said = await refusal(public, public.settings_file.read_text())
        assert "development reference string" in said
        assert "chain 137" in said
        nonce = await public.chain.rpc("eth_getTransactionCount", named_account("operator").address, "latest")
        assert int(nonce, 16) == 0
