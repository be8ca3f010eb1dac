"""A request's ways through the daemon: answered, declined, closed, expired; and what is on the chain afterwards."""

from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy.ext.asyncio import async_sessionmaker

from oracle.assessment.canonical import history_hash
from oracle.assessment.outputs import decode_outputs
from oracle.assessment.states import State
from oracle.devnet.demo.door import open_dashboard
from oracle.devnet.demo.tampering import tampered_answer_refused
from oracle.devnet.machinery.accounts import ETHER, named_account
from oracle.devnet.stack import Stack
from oracle.devnet.wallets.borrowing import LoanState, settle
from oracle.pipeline import requests_view
from oracle.store import database, operators
from oracle.store.embedded import create_database
from oracle.web.dashboard.answers import SESSION
from tests.daemon.conftest import changed
from tests.daemon.watching import ask, borrower, transactions, transitions, until_state

pytestmark = pytest.mark.asyncio(loop_scope="module")

_COIN = "0x" + "00" * 20
_DAYS = 86_400


@pytest.fixture(autouse=True)
async def _daemon(stack: Stack) -> None:
    if not stack.daemons:
        await stack.start_daemon()


async def test_answer__when_mined__is_what_the_proof_shows_and_the_lender_decides_on_it(stack: Stack) -> None:
    asked = await ask(stack, "answered")
    row = await until_state(stack, asked.request_id, State.FINAL)
    stored = await stack.transactor.read(stack.contracts.oracle, "assessmentOf", asked.request_id)
    scores = decode_outputs(row.outputs or [], stack.model.output_scales)
    assert stored[:8] == (
        scores.category,
        scores.score_bps,
        scores.probability_of_default_bps,
        scores.fraud_likelihood_bps,
        scores.interest_rate_bps,
        scores.duration_days,
        scores.maximum_ltv_bps,
        scores.confidence_bps,
    )
    latest = await stack.transactor.read(stack.contracts.oracle, "getAssessment", named_account("answered").address)
    assert latest == stored, "the borrower, not the lending contract, is the assessed user"
    decision = await settle(stack.transactor, stack.lender, named_account("owner"), asked.loan_id)
    assert decision.state in (LoanState.ACTIVE, LoanState.REVIEW, LoanState.REFUSED)

    log = [step for step in await transitions(stack) if step.request == row.id]
    assert [step.target for step in log] == [
        "requested", "collected", "scored", "proven", "signed", "submitted", "confirmed", "final",
    ]  # fmt: skip
    engine = database.connect(stack.database_url, pool_size=1)
    try:
        async with async_sessionmaker(engine)() as session:
            shown = await requests_view.look_up(session, stack.chain.chain_id, stack.oracle_address, asked.request_id)
    finally:
        await engine.dispose()
    assert shown["explanation"]["fault"] is None
    assert shown["explanation"]["outputs"]["score"]["points"] == pytest.approx(scores.score_bps / 100, abs=0.02)
    assert shown["explanation"]["thin"] is True, "a borrower that nothing is known of"


async def test_answer__when_its_score_is_tampered_with__is_refused_by_the_contract(stack: Stack) -> None:
    asked = await ask(stack, "tampered")
    await until_state(stack, asked.request_id, State.FINAL)
    engine = database.connect(stack.database_url, pool_size=1)
    try:
        accepted, refused = await tampered_answer_refused(stack, async_sessionmaker(engine), asked.request_id)
    finally:
        await engine.dispose()
    assert "accepted" in accepted
    assert "InvalidProof" in refused


async def test_request__for_an_asset_without_a_price__is_declined_and_most_of_its_fee_comes_back(stack: Stack) -> None:
    account = await borrower(stack, "exotic")
    unlisted = stack.contracts.lending.address
    terms = (unlisted, 5, _COIN, ETHER, 30 * _DAYS)
    commitment = stack.model.neutral_commitment.to_bytes(32, "big")
    fee = stack.lender.fee_wei
    await stack.transactor.call(account, stack.contracts.oracle, "requestAssessment", terms, commitment, value=fee)
    number = int(await stack.transactor.read(stack.contracts.oracle, "requestCount"))
    row = await until_state(stack, number, State.DECLINED)
    assert row.decline_reason == 2
    assert await stack.transactor.read(stack.contracts.oracle, "stateOf", number) == 3
    assert await stack.transactor.read(stack.contracts.oracle, "refundOf", account.address) == fee - fee // 10


async def test_request__with_private_data_nobody_opened__is_declined(stack: Stack) -> None:
    account = await borrower(stack, "private")
    commitment = (stack.model.neutral_commitment - 1).to_bytes(32, "big")
    await stack.transactor.call(
        account,
        stack.contracts.oracle,
        "requestAssessment",
        (_COIN, ETHER, _COIN, 2 * ETHER, 30 * _DAYS),
        commitment,
        value=stack.lender.fee_wei,
    )
    number = int(await stack.transactor.read(stack.contracts.oracle, "requestCount"))
    row = await until_state(stack, number, State.DECLINED)
    assert row.decline_reason == 3


async def test_request__whose_deadline_passed_unseen__expires_without_a_transaction(stack: Stack) -> None:
    stack.stop_daemons()
    asked = await ask(stack, "expired")
    await stack.chain.warp(3_700)
    await stack.start_daemon("later")
    await until_state(stack, asked.request_id, State.EXPIRED)
    state = await stack.transactor.read(stack.contracts.oracle, "stateOf", asked.request_id)
    assert state == 1, "the contract still holds it, for cancelRequest to refund"


async def test_request__settled_before_the_daemon_saw_it__is_closed(stack: Stack) -> None:
    asked = await ask(stack, "settled")
    await until_state(stack, asked.request_id, State.FINAL)
    stack.stop_daemons()
    sent = len(await transactions(stack))
    # As after a move to another machine: a daemon with an empty database meets what the chain has settled.
    original = stack.database_url, stack.settings_file
    stack.database_url = create_database(stack.database_url, "moved")
    engine = database.connect(stack.database_url, pool_size=1)
    await database.migrate(engine)
    await engine.dispose()
    text = changed(stack.settings_file, "url", f'"{stack.database_url}"')
    stack.settings_file = stack.settings_file.with_name("moved.toml")
    stack.settings_file.write_text(text)
    try:
        await stack.start_daemon("moved")
        await until_state(stack, asked.request_id, State.CLOSED)
        assert await transactions(stack) == []
    finally:
        stack.stop_daemons()
        stack.database_url, stack.settings_file = original
    assert len(await transactions(stack)) == sent


async def test_request__of_a_sanctioned_user__is_declined_where_the_operator_says_so(
    stack: Stack, tmp_path: Path
) -> None:
    stack.stop_daemons()
    flagged, unwanted = named_account("flagged").address, named_account("unwanted").address
    rows = f"address,label,source\n{flagged},phishing,a list\n{unwanted},sanctioned,OFAC SDN\n"
    (tmp_path / "list.csv").write_text(rows)
    original = stack.settings_file
    stack.settings_file = original.with_name("labels.toml")
    stack.settings_file.write_text(
        f'{original.read_text()}\n[labels]\ndecline = ["sanctioned"]\n'
        f'[[labels.lists]]\nfile = "{tmp_path / "list.csv"}"\ndate = 2025-06-01\n'
    )
    try:
        await stack.start_daemon("labels")
        declined = await until_state(stack, (await ask(stack, "unwanted")).request_id, State.DECLINED)
        answered = await until_state(stack, (await ask(stack, "flagged")).request_id, State.FINAL)
    finally:
        stack.stop_daemons()
        stack.settings_file = original
    assert declined.decline_reason == 5
    assert declined.flags == [{"label": "sanctioned", "source": "OFAC SDN", "date": "2025-06-01"}]
    assert answered.flags == [{"label": "phishing", "source": "a list", "date": "2025-06-01"}]
    assert answered.history is not None
    assert answered.history_hash == history_hash(answered.history)
    log = [step.reason for step in await transitions(stack) if step.request == answered.id]
    assert any("RPC calls" in reason for reason in log)


async def test_dashboard__of_the_running_daemon__shows_what_only_it_knows(stack: Stack) -> None:
    asked = await ask(stack, "watched")
    await until_state(stack, asked.request_id, State.FINAL)
    door = await open_dashboard(stack)
    engine = database.connect(stack.database_url, pool_size=1)
    async with async_sessionmaker(engine).begin() as session:
        account = await operators.find(session, door.name)
        assert account is not None
        cookies = {SESSION: await operators.sign_in(session, account.id, timedelta(hours=1))}
    await engine.dispose()
    pages = {}
    async with aiohttp.ClientSession(cookies=cookies, cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        for page in ("", "endpoints", "lenders", "models", "settings", f"requests/{asked.request_id}"):
            async with browser.get(door.address + page) as answer:
                assert answer.status == 200, page
                pages[page] = await answer.text()
    assert "parts of the daemon are well" in pages[""] or "Needs attention" in pages[""]
    assert "Not connected yet" not in pages[""]
    assert '<span class="pill good">asked</span>' in pages["endpoints"]
    assert '<span class="pill good">yes</span>' in pages["lenders"], "the lender asks this oracle"
    assert '<span class="pill good">primary</span>' in pages["models"]
    secret = stack.settings.signer.key.get_secret_value()
    assert not any(secret.removeprefix("0x") in text for text in pages.values())
    assert "answered, deep enough to stay" in pages[f"requests/{asked.request_id}"]
