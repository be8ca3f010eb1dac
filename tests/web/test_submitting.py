"""Requests that the API sends with the operator's account, on a real chain with the real contract."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_account.signers.local import LocalAccount
from pydantic import SecretStr

from oracle.assessment.errors import ConfigurationFault
from oracle.assessment.request import to_address
from oracle.chain.rpc import EndpointUnreachable
from oracle.client import RiskOracle
from oracle.config.api import ApiSettings
from oracle.config.settings import load_settings
from oracle.devnet.machinery.accounts import ETHER, named_account
from oracle.store.api_keys import Scope
from oracle.web.api.application import parts_of
from oracle.web.api.sending import send_again
from tests.support.event_source import Ingest
from tests.web.conftest import LOAN, PATH, Door, opened

REQUESTER = named_account("requests' own")


def settings(**more: Any) -> ApiSettings:
    key = SecretStr("0x" + bytes(REQUESTER.key).hex())
    return ApiSettings(enabled=True, requester_key=key, **more)


class opened_on_chain(opened):  # noqa: N801
    """A door of a daemon on a real chain, whose requester has coins."""

    def __init__(self, ingest: Ingest, **more: Any) -> None:
        super().__init__(ingest.engine, settings(**more))
        self._ingest = ingest

    async def __aenter__(self) -> Door:
        door = await super().__aenter__()
        door.api.chain_id, door.api.oracle = self._ingest.context.chain_id, self._ingest.context.address
        door.context = self._ingest.context
        await self._ingest.chain.set_balance(to_address(REQUESTER.address), 10 * ETHER)
        return door


@pytest.fixture
async def sending(ingest: Ingest) -> AsyncIterator[Door]:
    async with opened_on_chain(ingest) as door:
        yield door


async def consented(door: Door, person: LocalAccount, **more: Any) -> dict[str, Any]:
    """Return the body that has a request sent, with the borrower's consent in it."""
    body = LOAN | {"mode": "onchain", "user_address": person.address, "submit": True} | more
    response = await door.ask("POST", PATH, json=body)
    found = await response.json()
    assert (response.status, found["transaction_hash"], found["calldata"]) == (200, None, None), found
    assert found["sender"] == REQUESTER.address
    typed = json.loads(json.dumps(found["consent_typed_data"]))
    signature = Account.sign_message(encode_typed_data(full_message=typed), person.key).signature.to_0x_hex()
    return body | {"consent": {"valid_until": int(typed["message"]["validUntil"]), "signature": signature}}


async def sent(door: Door, body: dict[str, Any], **options: Any) -> str:
    response = await door.ask("POST", PATH, json=body, **options)
    found = await response.json()
    assert response.status == 200, found
    return str(found["transaction_hash"])


async def count(ingest: Ingest) -> int:
    """Return how many requests the contract has, with whatever was sent mined: the node answers before it mines."""
    await ingest.chain.mine()
    return int(await ingest.oracle.transactor.read(ingest.oracle.deployed, "requestCount"))


async def test_submit__with_the_borrowers_consent__then_the_operators_account_asks(
    sending: Door, ingest: Ingest
) -> None:
    person = named_account("borrower")
    transaction = await sent(sending, await consented(sending, person))
    assert await count(ingest) == 1
    await ingest.search()
    row = await ingest.row(1)
    assert (row.user, row.requester) == (person.address.lower(), REQUESTER.address.lower())
    assert row.transaction_hash == transaction


async def test_submit__by_the_client__then_the_hash_of_the_transaction(sending: Door, ingest: Ingest) -> None:
    person = named_account("borrower")
    async with RiskOracle(str(sending.server.make_url("/")), sending.key) as client:
        wanted = await client.ask(person.address, 1, 30, 0, submit=True)
        typed = wanted.consent_typed_data or {}
        signature = Account.sign_message(encode_typed_data(full_message=typed), person.key).signature.to_0x_hex()
        consent = (int(typed["message"]["validUntil"]), signature)
        asked = await client.ask(person.address, 1, 30, 0, submit=True, consent=consent)
    assert await count(ingest) == 1
    await ingest.search()
    assert (await ingest.row(1)).transaction_hash == asked.transaction_hash


async def test_submit__however_often_it_is_asked__then_one_transaction(sending: Door, ingest: Ingest) -> None:
    body = await consented(sending, named_account("borrower"))
    first = await asyncio.gather(*(sent(sending, body) for _ in range(4)))
    once = {"Idempotency-Key": "one"}
    again = [
        await sent(sending, body),
        await sent(sending, body, headers=once),
        await sent(sending, body, headers=once),
    ]
    assert {*first, *again} == {first[0]}
    assert (await count(ingest), await ingest.context.client.nonce(sending.api.requester.address)) == (1, 1)  # type: ignore[union-attr]


async def test_submit__for_several_at_once__then_each_has_its_nonce(sending: Door, ingest: Ingest) -> None:
    bodies = [await consented(sending, named_account(f"borrower {number}")) for number in range(5)]
    hashes = await asyncio.gather(*(sent(sending, body) for body in bodies))
    assert (len(set(hashes)), await count(ingest)) == (5, 5)


async def test_submit__when_the_node_is_away__then_the_same_transaction_goes_out_later(
    sending: Door, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = await consented(sending, named_account("borrower"))

    async def away(_: bytes) -> None:
        raise EndpointUnreachable("the RPC endpoint does not answer")

    with monkeypatch.context() as broken:
        broken.setattr(ingest.context.client, "broadcast", away)
        response = await sending.ask("POST", PATH, json=body, headers={"Idempotency-Key": "one"})
        assert (response.status, "Retry-After" in response.headers) == (503, True)
    assert await count(ingest) == 0
    assert await send_again(sending.api, ingest.context) == 1
    assert await count(ingest) == 1
    await sent(sending, body, headers={"Idempotency-Key": "one"})
    assert (await count(ingest), await send_again(sending.api, ingest.context)) == (1, 0)


async def test_submit__while_the_wallets_last_one_waits__then_409(sending: Door, ingest: Ingest) -> None:
    person = named_account("borrower")
    first, second = await consented(sending, person), await consented(sending, person, consent_seconds=7_200)
    await ingest.chain.rpc("evm_setAutomine", False)
    await sent(sending, first)
    assert (await sending.problem("POST", PATH, json=second))["status"] == 409
    await ingest.chain.mine()
    assert await count(ingest) == 1


@pytest.mark.parametrize("limit", [{"requester_daily_requests": 1}, {"requester_daily_fee_wei": 1}])
async def test_submit__beyond_the_keys_budget__then_429_and_nothing_is_sent(
    ingest: Ingest, limit: dict[str, int]
) -> None:
    async with opened_on_chain(ingest, **limit) as door:
        most = limit.get("requester_daily_requests", 0)
        for number in range(most):
            await sent(door, await consented(door, named_account(f"borrower {number}")))
        body = await consented(door, named_account("one more"))
        found = await door.problem("POST", PATH, json=body)
        assert (found["status"], await count(ingest)) == (429, most)
        other = await door.new_key(tuple(Scope))
        assert most == 0 or await sent(door, body, key=other), "another key has a budget of its own"


async def test_submit__when_the_contract_would_refuse__then_422_and_no_nonce_is_spent(
    sending: Door, ingest: Ingest
) -> None:
    body = await consented(sending, named_account("borrower"))
    forged = body | {"loan_amount": "7"}
    assert (await sending.problem("POST", PATH, json=forged))["status"] == 422
    await sent(sending, body)
    assert await count(ingest) == 1


async def test_submit__when_the_account_cannot_pay__then_503_and_nothing_is_kept(sending: Door, ingest: Ingest) -> None:
    body = await consented(sending, named_account("borrower"))
    await ingest.chain.set_balance(to_address(REQUESTER.address), 1)
    assert (await sending.problem("POST", PATH, json=body))["status"] == 503
    assert await send_again(sending.api, ingest.context) == 0


async def test_submit__without_the_scope_or_an_account__then_refused(sending: Door, ingest: Ingest) -> None:
    body = LOAN | {"mode": "onchain", "submit": True}
    found = await sending.problem("POST", PATH, json=body, key=await sending.new_key([Scope.ASSESS]))
    assert (found["status"], "submit" in found["detail"]) == (403, True)
    stranger = await sending.problem("POST", PATH, json=body | {"requester": "0x" + "17" * 20})
    assert [one["field"] for one in stranger["errors"]] == ["body.requester"]
    async with opened(ingest.engine, ApiSettings(enabled=True)) as door:
        door.context = ingest.context
        found = await door.problem("POST", PATH, json=body)
        assert [one["field"] for one in found["errors"]] == ["body.submit"]


async def test_daemon__when_it_has_no_account_for_requests__then_nothing_runs_for_it(
    sending: Door, ingest: Ingest
) -> None:
    assert "api_requests" in parts_of(sending.api)
    async with opened(ingest.engine, ApiSettings(enabled=True)) as door:
        assert "api_requests" not in parts_of(door.api), "a part that ends by itself has fallen"


def test_settings__when_requests_share_the_signers_key__then_refused() -> None:
    environment = {
        "RISK_ORACLE_CHAIN__RPC_URL": "http://127.0.0.1:1",
        "RISK_ORACLE_CHAIN__CHAIN_ID": "31337",
        "RISK_ORACLE_CHAIN__ORACLE": "0x" + "17" * 20,
        "RISK_ORACLE_HISTORY__COIN_PRICE_FEED": "0x" + "18" * 20,
        "RISK_ORACLE_SIGNER__KEY": "0x" + "ab" * 32,
        "RISK_ORACLE_API__REQUESTER_KEY": "AB" * 32,
    }
    with pytest.raises(ConfigurationFault, match="account of their own"):
        load_settings(None, environment)
    assert load_settings(None, environment | {"RISK_ORACLE_API__REQUESTER_KEY": "cd" * 32}).api.requester_key
