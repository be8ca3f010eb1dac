"""`POST /v1/oracle/assess`: previews, calls for the chain, signed answers; bad bodies; calls made again."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.address import to_checksum_address
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from web3 import Web3

from oracle.assessment.errors import ConfigurationFault, HistoryIncomplete, UnsupportedAsset
from oracle.assessment.request import NATIVE_COIN, Address, BlockRef, LoanTerms
from oracle.assessment.states import State
from oracle.config.api import ApiSettings
from oracle.devnet.machinery.accounts import named_account
from oracle.history.collect import Reading
from oracle.history.identity.labels import Flag, Labels
from oracle.models import registry
from oracle.models.inference import Model
from oracle.pipeline.context import Context
from oracle.store import requests
from oracle.web.server import Watched, application
from tests.support.event_source import Ingest
from tests.unit.models.wallets import SITUATIONS, features
from tests.web.conftest import Door, opened
from tests.web.records import OUTPUTS, SCORES

PATH = "/v1/oracle/assess"
WALLET = "0x" + "11" * 20
LOAN: dict[str, Any] = {"user_address": WALLET, "loan_amount": str(10**18), "loan_duration": 30, "collateral": "0"}
SITUATION = SITUATIONS["indebted"]


class Sources:
    """Histories that count who reads."""

    def __init__(self) -> None:
        self.read_wallets: list[Address] = []
        self.fault: Exception | None = None
        self.reading = asyncio.Event()
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    async def read(self, wallet: Address, at: BlockRef) -> Reading:
        self.read_wallets.append(wallet)
        self.reading.set()
        await self.may_go_on.wait()
        if self.fault is not None:
            raise self.fault
        return Reading(replace(SITUATION.history, wallet=wallet, block=at), 1)


@pytest.fixture
def sources() -> Sources:
    return Sources()


@pytest.fixture
def previewing(door: Door, sources: Sources, monkeypatch: pytest.MonkeyPatch) -> Door:
    """A door whose daemon has a model, and wallets without a chain."""
    model = Model.open(registry.load())

    async def block(_: object, number: int) -> BlockRef:
        return BlockRef(number, f"0x{number:064x}", 1_700_000_000)

    monkeypatch.setattr("oracle.web.api.previews.block_ref", block)
    door.context = cast(
        Context,
        SimpleNamespace(
            model=model,
            answering=lambda: model,
            histories=sources,
            head=BlockRef(100, "0x" + "64" * 32, 1_700_000_000),
            chain=SimpleNamespace(confirmations=12),
            w3=None,
            labels=Labels({Address("0x" + "66" * 20): (Flag("sanctioned", "list", "2026-01-01"),)}),
            declined_labels=frozenset({"sanctioned"}),
        ),
    )
    return door


async def assess(door: Door, **body: Any) -> dict[str, Any]:
    response = await door.ask("POST", PATH, json=LOAN | body)
    assert response.status == 200, await response.text()
    return cast(dict[str, Any], await response.json())


# --------------------------------------------------------------- preview


async def test_preview__then_what_the_model_says_at_the_newest_confirmed_block(previewing: Door) -> None:
    found = await assess(previewing)
    terms = LoanTerms(NATIVE_COIN, 10**18, NATIVE_COIN, 0, 30 * 86_400)
    context = cast(Context, previewing.context)
    expected = context.model.infer(features(replace(SITUATION, terms=terms)).encoded).scores
    assert found["assessment"]["basis_points"]["score"] == expected.score_bps
    assert found["assessment"]["recommended_terms"]["duration_days"] == expected.duration_days
    assert found["block"]["number"] == 100 - 12 + 1
    assert (found["mode"], found["thin"]) == ("preview", False)
    assert found["address"] == to_checksum_address(WALLET)


async def test_preview__when_a_hundred_ask_at_once__then_the_wallet_is_read_once_and_remembered(
    previewing: Door, sources: Sources
) -> None:
    sources.may_go_on.clear()
    asked = [asyncio.create_task(assess(previewing)) for _ in range(100)]
    await sources.reading.wait()
    sources.may_go_on.set()
    found = await asyncio.gather(*asked)
    assert all(one == found[0] for one in found)
    await assess(previewing, loan_amount="5")
    assert sources.read_wallets == [WALLET]


async def test_preview__when_its_time_is_over__then_read_again(previewing: Door, sources: Sources) -> None:
    now = [0.0]
    previewing.api.previews._clock = lambda: now[0]
    await assess(previewing)
    now[0] = previewing.api.settings.preview_seconds + 1
    await assess(previewing)
    assert len(sources.read_wallets) == 2


async def test_preview__when_the_first_client_goes_away__then_the_others_get_theirs(
    previewing: Door, sources: Sources
) -> None:
    sources.may_go_on.clear()
    first = asyncio.create_task(assess(previewing))
    await sources.reading.wait()
    second = asyncio.create_task(assess(previewing))
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    sources.may_go_on.set()
    assert (await second)["mode"] == "preview"


@pytest.mark.parametrize(
    ("fault", "status", "reason"),
    [
        (UnsupportedAsset("token 0xcc has no price"), 422, "unsupported_asset"),
        (HistoryIncomplete("a page is missing"), 503, None),
        (ConfigurationFault("of ours"), 500, None),
    ],
)
async def test_preview__when_the_wallet_cannot_be_read__then_said_and_not_remembered(
    previewing: Door, sources: Sources, fault: Exception, status: int, reason: str | None
) -> None:
    sources.fault = fault
    found = await previewing.problem("POST", PATH, json=LOAN)
    assert (found["status"], found.get("decline_reason")) == (status, reason)
    sources.fault = None
    await assess(previewing)


async def test_preview__of_a_wallet_that_the_operator_declines__then_said_without_reading_it(
    previewing: Door, sources: Sources
) -> None:
    found = await previewing.problem("POST", PATH, json=LOAN | {"user_address": "0x" + "66" * 20})
    assert (found["type"], found["decline_reason"]) == ("urn:risk-oracle:problem:declined", "operator_policy")
    assert sources.read_wallets == []


async def test_preview__when_a_token_has_no_price__then_a_problem_with_the_reason(previewing: Door) -> None:
    found = await previewing.problem("POST", PATH, json=LOAN | {"loan_token": "0x" + "cc" * 20})
    assert (found["status"], found["decline_reason"]) == (422, "unsupported_asset")


async def test_preview__beyond_the_time_limit__then_503(
    engine: AsyncEngine, previewing: Door, sources: Sources
) -> None:
    sources.may_go_on.clear()
    async with opened(engine, ApiSettings(enabled=True, time_limit_seconds=0.1)) as hasty:
        hasty.context = previewing.context
        response = await hasty.ask("POST", PATH, json=LOAN)
        assert (response.status, "Retry-After" in response.headers) == (503, True)
        await hasty.api.previews.close()


# ----------------------------------------------------------------- bodies


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"user_address": "0x11"}, "body.user_address"),
        ({"user_address": 17}, "body.user_address"),
        ({"user_address": "0x" + "00" * 20}, "body.user_address"),
        ({"user_address": "0x52908400098527886E0F7030069857D2E4169Ee7"}, "body.user_address"),
        ({"user_address": "<script>alert(1)</script>"}, "body.user_address"),
        ({"loan_amount": 0}, "body.loan_amount"),
        ({"loan_amount": -1}, "body.loan_amount"),
        ({"loan_amount": "-1"}, "body.loan_amount"),
        ({"loan_amount": 1.5}, "body.loan_amount"),
        ({"loan_amount": True}, "body.loan_amount"),
        ({"loan_amount": None}, "body.loan_amount"),
        ({"loan_amount": "1e18"}, "body.loan_amount"),
        ({"loan_amount": "0x10"}, "body.loan_amount"),
        ({"loan_amount": "007"}, "body.loan_amount"),
        ({"loan_amount": " 7"}, "body.loan_amount"),
        ({"loan_amount": "１"}, "body.loan_amount"),
        ({"loan_amount": 2**53}, "body.loan_amount"),
        ({"loan_amount": str(2**128)}, "body.loan_amount"),
        ({"loan_amount": "9" * 79}, "body.loan_amount"),
        ({"collateral": str(2**128)}, "body.collateral"),
        ({"collateral": []}, "body.collateral"),
        ({"loan_duration": 0}, "body.loan_duration"),
        ({"loan_duration": -1}, "body.loan_duration"),
        ({"loan_duration": 3_651}, "body.loan_duration"),
        ({"loan_duration": 2**64}, "body.loan_duration"),
        ({"loan_duration": "30"}, "body.loan_duration"),
        ({"loan_duration": 30.0}, "body.loan_duration"),
        ({"mode": "magic"}, "body.mode"),
        ({"mode": 7}, "body.mode"),
        ({"mode": "preview", "colour": 1}, "body.colour"),
        ({"mode": "onchain", "submit": True}, "body.submit"),
        ({"mode": "onchain", "consent": {}}, "body.consent.valid_until"),
        ({"mode": "onchain", "consent_seconds": 10**9}, "body.consent_seconds"),
        ({"mode": "onchain", "requester": "0x" + "00" * 20}, "body.requester"),
        ({"mode": "signed", "request_id": "1"}, "body.user_address"),
    ],
    ids=str,
)
async def test_body__when_a_field_is_wrong__then_422_that_names_it_and_nothing_is_read(
    previewing: Door, sources: Sources, change: dict[str, Any], field: str
) -> None:
    found = await previewing.problem("POST", PATH, json=LOAN | change)
    assert found["status"] == 422
    assert field in [one["field"] for one in found["errors"]]
    assert sources.read_wallets == []


@pytest.mark.parametrize("body", [b"[]", b"null", b'"x"', b"7", b"{}"])
async def test_body__when_it_is_no_object_or_empty__then_422(previewing: Door, body: bytes) -> None:
    found = await previewing.problem("POST", PATH, data=body, headers={"Content-Type": "application/json"})
    assert found["status"] == 422


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
async def test_body__in_another_form__then_415(previewing: Door, headers: dict[str, str]) -> None:
    found = await previewing.problem("POST", PATH, data=b"{}", headers=headers, compress=False)
    assert found["status"] in (400, 415)


@pytest.mark.parametrize("chunked", [False, True])
async def test_body__when_huge__then_413_before_it_is_all_here(previewing: Door, chunked: bool) -> None:
    sent = [0]

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(1_000):
            sent[0] += 65_536
            yield b" " * 65_536

    body: Any = endless() if chunked else b" " * (previewing.api.settings.max_body_bytes + 1)
    headers = {"Content-Type": "application/json"}
    try:
        found = await previewing.problem("POST", PATH, data=body, headers=headers)
        assert found["status"] == 413
    except (ConnectionError, OSError):
        assert chunked, "the connection was ended while we sent on"
    assert sent[0] < 65_536_000


async def test_body__when_it_comes_too_slowly__then_408_and_the_connection_ends(engine: AsyncEngine) -> None:
    async with opened(engine, ApiSettings(enabled=True, body_seconds=0.1)) as door:
        reader, writer = await asyncio.open_connection("127.0.0.1", door.server.port)
        lines = [f"POST {PATH} HTTP/1.1", "Host: x", f"Authorization: Bearer {door.key}",
                 "Content-Type: application/json", "Content-Length: 100", "", "{"]  # fmt: skip
        writer.write("\r\n".join(lines).encode())
        answer = await reader.readuntil(b"\r\n")
        assert answer.startswith(b"HTTP/1.1 408"), answer
        writer.close()


# ---------------------------------------------------------------- onchain


@pytest.fixture
async def on_chain(ingest: Ingest) -> AsyncIterator[Door]:
    """A door of a daemon on a real chain with the real contract."""
    async with opened(ingest.engine, ApiSettings(enabled=True)) as door:
        door.api.chain_id, door.api.oracle = ingest.context.chain_id, ingest.context.address
        door.context = ingest.context
        yield door


async def send(ingest: Ingest, call: dict[str, Any]) -> None:
    await ingest.oracle.transactor.send(
        ingest.oracle.user, call["to"], value=int(call["value_wei"]), data=bytes.fromhex(call["calldata"][2:])
    )


async def test_onchain__for_oneself__then_the_calldata_is_a_request_that_the_contract_takes(
    on_chain: Door, ingest: Ingest
) -> None:
    found = await assess(on_chain, mode="onchain", user_address=ingest.oracle.user.address)
    assert (found["function"], found["sender"]) == ("requestAssessment", ingest.oracle.user.address)
    assert found["consent_typed_data"] is None
    await send(ingest, found)
    await ingest.search()
    row = await ingest.row(1)
    assert row.terms == asdict(LoanTerms(NATIVE_COIN, 10**18, NATIVE_COIN, 0, 30 * 86_400))
    assert int(row.data_commitment) == int(found["data_commitment"])


async def test_onchain__for_another__then_the_consent_signed_as_told_is_taken_by_the_contract(
    on_chain: Door, ingest: Ingest
) -> None:
    borrower = named_account("borrower")
    asked = {
        "mode": "onchain",
        "user_address": borrower.address,
        "requester": ingest.oracle.user.address,
        "loan_amount": str(2**128 - 1),
    }
    found = await assess(on_chain, **asked)
    assert (found["calldata"], found["sender"]) == (None, ingest.oracle.user.address)
    typed = json.loads(json.dumps(found["consent_typed_data"]))
    signature = Account.sign_message(encode_typed_data(full_message=typed), borrower.key).signature.to_0x_hex()
    consent = {"valid_until": int(typed["message"]["validUntil"]), "signature": signature}
    await send(ingest, await assess(on_chain, **asked, consent=consent))
    await ingest.search()
    row = await ingest.row(1)
    assert (row.user, row.requester) == (borrower.address.lower(), ingest.oracle.user.address.lower())


async def test_onchain__when_paused__then_409(on_chain: Door, ingest: Ingest) -> None:
    await ingest.oracle.transactor.call(ingest.oracle.owner, ingest.oracle.deployed, "pause")
    found = await on_chain.problem("POST", PATH, json=LOAN | {"mode": "onchain"})
    assert (found["status"], "paused" in found["detail"]) == (409, True)


# ----------------------------------------------------------------- signed


async def signed_row(ingest: Ingest, state: State) -> None:
    """Ask on the chain, and fill the row as its stages would; the proof is none."""
    await ingest.oracle.ask()
    await ingest.search()
    async with ingest.context.sessions.begin() as session:
        key = (ingest.context.chain_id, ingest.context.address, 1)
        row = await requests.find(session, *key, lock=True)
        row.proof, row.scores, row.outputs = b"\x01\x02", SCORES, OUTPUTS
        row.model_id, row.feature_commitment = "0x" + "01" * 32, Decimal(7)
        message = ingest.context.oracle.report_message(
            requests.to_request(row), _report(row), ingest.context.signer_set_digest
        )
        row.signatures = ["0x" + ingest.context.signer.sign_message(message).hex()]
        await requests.move(session, row, state, "test")


def _report(row: Any) -> Any:
    from oracle.pipeline.stages.sign import report_of

    return report_of(row)


async def test_signed__then_the_report_that_was_signed_and_calldata_with_it(on_chain: Door, ingest: Ingest) -> None:
    await signed_row(ingest, State.SIGNED)
    response = await on_chain.ask("POST", PATH, json={"mode": "signed", "request_id": 1})
    found = await response.json()
    assert response.status == 200, found
    assert (found["state"], found["submittable"]) == ("signed", True)
    typed = encode_typed_data(full_message=found["report_typed_data"])
    signer = Account.recover_message(typed, signature=found["signatures"][0])
    assert signer.lower() == ingest.context.signer.address
    contract = Web3().eth.contract(abi=ingest.oracle.deployed.codec.abi)
    name, arguments = contract.decode_function_input(found["calldata"])
    assert name.fn_name == "provideAssessment"
    assert arguments["proof"] == bytes.fromhex(found["proof"][2:])
    assert arguments["report"]["requestId"] == 1


async def test_signed__when_the_set_of_signers_changed__then_not_submittable(on_chain: Door, ingest: Ingest) -> None:
    await signed_row(ingest, State.SIGNED)
    ingest.context.signer_set_digest = b"\x01" * 32
    response = await on_chain.ask("POST", PATH, json={"mode": "signed", "request_id": 1})
    assert (await response.json())["submittable"] is False


@pytest.mark.parametrize("state", [State.REQUESTED, State.PROVEN])
async def test_signed__while_on_the_way__then_409_with_the_state_and_when_to_ask_again(
    on_chain: Door, ingest: Ingest, state: State
) -> None:
    await signed_row(ingest, state)
    response = await on_chain.ask("POST", PATH, json={"mode": "signed", "request_id": 1})
    assert (response.status, (await response.json())["state"]) == (409, state.value)
    assert int(response.headers["Retry-After"]) >= 1


@pytest.mark.parametrize("state", [State.DECLINED, State.EXPIRED, State.VANISHED, State.DEAD])
async def test_signed__when_there_will_be_none__then_409(on_chain: Door, ingest: Ingest, state: State) -> None:
    await signed_row(ingest, state)
    response = await on_chain.ask("POST", PATH, json={"mode": "signed", "request_id": 1})
    assert (response.status, "Retry-After" in response.headers) == (409, False)


async def test_signed__when_unknown__then_404(on_chain: Door) -> None:
    response = await on_chain.ask("POST", PATH, json={"mode": "signed", "request_id": str(2**256 - 1)})
    assert response.status == 404


# ------------------------------------------------------------- made again


async def again(door: Door, once: str, **body: Any) -> Any:
    return await door.ask("POST", PATH, json=LOAN | body, headers={"Idempotency-Key": once})


async def test_again__with_the_same_body__then_the_same_answer_and_no_work(previewing: Door, sources: Sources) -> None:
    first = await again(previewing, "one")
    previewing.api.previews._kept.clear()
    second = await again(previewing, "one")
    assert (await first.read(), first.status) == (await second.read(), second.status)
    assert second.headers["Idempotency-Replayed"] == "true"
    assert len(sources.read_wallets) == 1


async def test_again__with_another_body__then_422_that_names_the_header(previewing: Door) -> None:
    await again(previewing, "one")
    response = await again(previewing, "one", loan_amount="2")
    assert response.status == 422
    assert (await response.json())["errors"][0]["field"] == "header.Idempotency-Key"


async def test_again__by_another_key__then_a_call_of_its_own(previewing: Door) -> None:
    await again(previewing, "one")
    other = await previewing.new_key()
    response = await previewing.ask("POST", PATH, key=other, json=LOAN | {"loan_amount": "2"},
                                    headers={"Idempotency-Key": "one"})  # fmt: skip
    assert response.status == 200


async def test_again__while_the_first_is_at_work__then_409_and_then_its_answer(
    previewing: Door, sources: Sources
) -> None:
    sources.may_go_on.clear()
    first = asyncio.create_task(again(previewing, "one"))
    await sources.reading.wait()
    assert (await again(previewing, "one")).status == 409
    sources.may_go_on.set()
    assert (await first).status == 200
    assert (await again(previewing, "one")).status == 200


async def test_again__after_a_fault_that_passes__then_worked_on(previewing: Door, sources: Sources) -> None:
    sources.fault = HistoryIncomplete("gap")
    assert (await again(previewing, "one")).status == 503
    sources.fault = None
    assert (await again(previewing, "one")).status == 200


async def test_again__after_a_refusal__then_the_same_refusal(previewing: Door) -> None:
    token = "0x" + "cc" * 20
    first, second = [await again(previewing, "one", loan_token=token) for _ in range(2)]
    assert (first.status, second.status, await first.read()) == (422, 422, await second.read())


async def test_again__when_a_day_is_over_or_the_first_died__then_worked_on(
    previewing: Door, engine: AsyncEngine
) -> None:
    await again(previewing, "one")
    for change in ("created_at = now() - interval '25 hours'",
                   "status = null, body = null, created_at = now() - interval '2 minutes'"):  # fmt: skip
        async with engine.begin() as connection:
            await connection.execute(text(f"update api_answers set {change}"))  # noqa: S608
        assert (await again(previewing, "one", loan_amount="3")).status in (200, 422)
    assert (await again(previewing, "one", loan_amount="3")).headers.get("Idempotency-Replayed") == "true"


@pytest.mark.parametrize("once", ["", " ", "a" * 256, "ä"])
async def test_again__with_a_wrong_key__then_422(previewing: Door, once: str) -> None:
    response = await again(previewing, once)
    assert response.status == 422


def test_watched__without_an_api__then_there_is_none() -> None:
    app = application(Watched(cast(Any, None)))
    assert [resource.canonical for resource in app.router.resources()] == ["/healthz", "/readyz", "/metrics"]
