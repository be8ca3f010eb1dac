"""From a session's messages to a recorded decision and back: real keys, a real chain, the commands as they are run."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from eth_account.signers.local import LocalAccount
from web3 import Web3

from oracle.approval.decision_file import DecisionFile
from oracle.approval.fields import PARTIES
from oracle.approval.layout import clear_row
from oracle.approval.session_file import Session
from oracle.chain.accounts import WalletAccount
from oracle.devnet.machinery.accounts import ETHER, Transactor, named_account
from oracle.devnet.machinery.anvil import Anvil
from oracle.devnet.machinery.artifacts import Deployed, project
from oracle.exit_codes import ExitCode
from oracle.web.api.typed_data import as_json
from tests.approval.test_lane import DENIED_ANSWERS, levels_of
from tests.support.commanding import Ended, command
from tests.support.deploying import write_secret
from tests.support.lane import ANSWERS, ENGINE_PYTHON, NO_ENGINE, Lane, running_lane

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not ENGINE_PYTHON.exists(), reason=NO_ENGINE),
]
AGENCY, APPLICANT, STRANGER = (named_account(name) for name in ("an agency", "an applicant", "somebody"))
PASSPORT = "0x" + "00" * 31 + "2a"


@dataclass
class Desk:
    """A session of two decided applications, a registry with a panel, and everybody's files in one folder."""

    lane: Lane
    chain: Anvil
    transactor: Transactor
    registry: Deployed
    bank: str
    folder: Path

    async def run(self, *words: object) -> Ended:
        """Run a command of `approval decision`."""
        return await asyncio.to_thread(command, "approval", "decision", *words)

    @property
    def place(self) -> list[object]:
        """Where decisions are recorded."""
        return ["--panel", 1, "--registry", self.registry.address, "--rpc-url", self.chain.rpc_url]

    @property
    def messages(self) -> Path:
        return self.lane.folder / "board"

    @property
    def session(self) -> list[object]:
        return ["--session", self.folder / "session.json"]

    def key(self, account: LocalAccount) -> list[object]:
        """Return the options that name an account's key."""
        file = self.folder / f"{account.address}.key"
        write_secret(file, "0x" + bytes(account.key).hex())
        return ["--key-file", file]

    @property
    def wallet(self) -> list[object]:
        """The bank's account, which a wallet keeps."""
        return ["--wallet", self.bank, "--wallet-url", self.chain.rpc_url]

    async def show(self, number: int, file: Path, *more: object) -> Ended:
        who = ["--applicant", APPLICANT.address, "--application", number, "--out", file]
        return await self.run("show", self.messages, *who, *self.place, *self.session, *more)

    async def sign(self, file: Path, who: list[object]) -> Ended:
        return await self.run("sign", file, self.messages, *self.session, *who)

    async def submit(self, file: Path) -> Ended:
        return await self.run("submit", file, "--rpc-url", self.chain.rpc_url, *self.key(STRANGER))

    async def check(self, number: int) -> tuple[int, Any]:
        ended = await self.run("check", self.messages, "--application", number, *self.place, *self.session, "--json")
        assert ended.output, ended.error
        return ended.code, json.loads(ended.output)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    async with running_lane(folder / "lane") as lane, Anvil() as chain:
        transactor, owner = Transactor(chain), named_account("owner")
        for account in (owner, STRANGER):
            await chain.set_balance(account.address, 100 * ETHER)
        await chain.warp_to(int(time.time()))
        manager = await transactor.deploy(owner, project("AccessManager"), owner.address)
        registry = await transactor.deploy(owner, project("ApprovalRegistry"), manager.address)
        bank = Web3.to_checksum_address((await chain.rpc("eth_accounts"))[0])
        await transactor.call(owner, registry, "addPanel", bank, AGENCY.address, "A bank and an agency")
        made = Desk(lane, chain, transactor, registry, bank, folder)
        session = Session(b"test" * 4, lane.url, lane.layout.model, lane.roster)
        (folder / "session.json").write_text(session.written())
        for answers in (ANSWERS, DENIED_ANSWERS):
            await lane.apply(lane.next(), answers)
        yield made


async def test_show__when_something_is_missing_or_elsewhere__then_it_is_said(desk: Desk) -> None:
    undecided = await desk.show(99, desk.folder / "none.json")
    assert (undecided.code, "is not decided: applicant's input" in undecided.error) == (ExitCode.REFUSED, True)
    who = [desk.messages, "--applicant", APPLICANT.address, "--application", 1]
    chain = ["--rpc-url", desk.chain.rpc_url]
    found = await desk.run("show", *who, "--panel", 7, "--registry", desk.registry.address, *chain)
    assert (found.code, "has no panel 7" in found.error) == (ExitCode.REFUSED, True)
    found = await desk.run("show", *who, "--panel", 1, "--registry", "0x" + "ea" * 20, *chain)
    assert (found.code, "no registry of approvals" in found.error) == (ExitCode.REFUSED, True)
    found = await desk.run("show", desk.folder, *who[1:], *desk.place)
    assert (found.code, "holds no messages" in found.error) == (ExitCode.REFUSED, True)
    assert [party for party in PARTIES if (desk.folder / f"{party}.json").exists()] == []


async def test_decision__when_approved__then_three_sign_it_anybody_records_it_and_it_is_what_the_model_gives(
    desk: Desk,
) -> None:
    file = desk.folder / "approved.json"
    nothing = await desk.check(1)
    assert nothing[0] == ExitCode.DIFFERENT
    assert (nothing[1]["recorded"], nothing[1]["equal_to_model"]) == (False, None)
    shown = await desk.show(1, file, "--commitment", PASSPORT, "--json")
    assert shown.json["typed_data"]["primaryType"] == "Decision"
    assert shown.json["typed_data"]["message"]["approved"] is True
    assert (await desk.show(1, file)).code == ExitCode.REFUSED, "what others may have signed is not overwritten"
    early = await desk.submit(file)
    assert early.code == ExitCode.REFUSED
    assert "not signed by applicant and bank and agency" in early.error
    for who in (desk.wallet, desk.key(AGENCY), desk.key(APPLICANT)):
        signed = await desk.sign(file, who)
        assert signed.code == 0, signed.error
    assert DecisionFile.parse(file.read_text()).missing == []
    sent = await desk.submit(file)
    assert sent.code == 0, sent.error
    code, found = await desk.check(1)
    assert (code, found["equal_to_messages"], found["equal_to_model"]) == (0, True, True)
    assert (found["approved"], found["counts_now"]) == (True, True)
    assert found["applicant"] == APPLICANT.address.lower()
    bound = await desk.transactor.read(desk.registry, "boundTo", bytes.fromhex(PASSPORT[2:]))
    assert tuple(bound) == (APPLICANT.address.lower(), 1)
    again = await desk.submit(file)
    assert again.code == ExitCode.REFUSED
    assert "RequestDecided" in again.error


async def test_decision__when_denied__then_what_was_agreed_beforehand_is_enough_and_the_approval_counts_no_more(
    desk: Desk,
) -> None:
    file, agreed = desk.folder / "denied.json", desk.folder / "agreed.json"
    where = [desk.folder / "session.json", "--application", 2, *desk.place, "--out", agreed]
    assert (await desk.run("agree", *where, *desk.key(APPLICANT))).code == 0
    await desk.chain.warp(10)
    shown = await desk.show(2, file, "--agreed", agreed)
    assert shown.code == 0, shown.error
    levels = levels_of(desk.lane, DENIED_ANSWERS)
    _, what_ifs = clear_row(desk.lane.layout, levels)
    asked = zip(desk.lane.layout.what_ifs, what_ifs, strict=True)
    years = [approved for what_if, approved in asked if what_if.field == "years_employed"]
    wanted = years.index(True) + 1 if any(years) else 0
    assert DecisionFile.parse(file.read_text()).decision.outcome.years_bin == wanted
    for who in (desk.wallet, desk.key(AGENCY)):
        assert (await desk.sign(file, who)).code == 0
    sent = await desk.submit(file)
    assert sent.code == 0, sent.error
    assert (await desk.check(1))[1]["counts_now"] is False, "what stands is the newer decision"
    code, found = await desk.check(2)
    assert (code, found["approved"], found["counts_now"]) == (0, False, False)
    assert "Denied" in found["why_not"]
    assert found["applicant"] == APPLICANT.address.lower(), "whom the first was about"


async def test_decision__when_it_is_not_what_the_messages_say__then_nobody_signs_it_and_a_check_finds_out(
    desk: Desk,
) -> None:
    number = desk.lane.next()
    await desk.lane.apply(number, ANSWERS)
    file = desk.folder / "forged.json"
    await desk.chain.warp(10)
    assert (await desk.show(number, file)).code == 0
    made = DecisionFile.parse(file.read_text())
    forged = replace(made, decision=replace(made.decision, outcome=replace(made.decision.outcome, output=bytes(32))))
    forged.write(file)
    refused = await desk.sign(file, desk.key(AGENCY))
    assert refused.code == ExitCode.REFUSED
    assert "otherwise about output" in refused.error
    assert DecisionFile.parse(file.read_text()).signatures == {}
    # Three who sign it all the same are found out by whoever has the messages.
    message = forged.decision.message(forged.domain)
    hands = {"applicant": APPLICANT, "agency": AGENCY}
    for party, account in hands.items():
        forged = forged.with_signature(party, bytes(account.sign_typed_data(full_message=message).signature))
    bank = WalletAccount(forged.accounts["bank"], desk.chain.rpc_url)
    forged = forged.with_signature("bank", await bank.sign_message(as_json(message)))
    forged.write(file)
    assert (await desk.submit(file)).code == 0
    code, found = await desk.check(number)
    assert code == ExitCode.DIFFERENT
    assert (found["recorded"], found["equal_to_messages"], found["equal_to_model"]) == (True, False, True)


async def test_sign__when_the_key_the_signature_or_the_session_is_anothers__then_it_is_said(desk: Desk) -> None:
    file = desk.folder / "mine.json"
    assert (await desk.show(1, file)).code == 0
    before = file.read_text()
    found = await desk.sign(file, desk.key(STRANGER))
    assert (found.code, "no party of this decision" in found.error) == (ExitCode.REFUSED, True)
    found = await desk.sign(file, ["--signature", "0x" + "11" * 65, "--as", "bank"])
    assert (found.code, "is not that of the bank's account" in found.error) == (ExitCode.REFUSED, True)
    found = await desk.sign(file, ["--signature", "0x" + "11" * 65])
    assert found.code != 0
    found = await desk.sign(file, [])
    assert (found.code, "whose key" in found.error) == (ExitCode.REFUSED, True)
    told = json.loads((desk.folder / "session.json").read_text())
    told["nonce"] = "07" * 16
    other = desk.folder / "other.json"
    other.write_text(json.dumps(told))
    found = await desk.run("sign", file, desk.messages, "--session", other, *desk.key(AGENCY))
    assert (found.code, "it was changed" in found.error) == (ExitCode.REFUSED, True)
    assert file.read_text() == before


async def test_revoke__when_bank_or_agency_takes_it_back__then_it_counts_no_more_and_nothing_is_sent_twice(
    desk: Desk,
) -> None:
    about = ["--session", desk.folder / "session.json", "--application"]
    recorded = (await desk.check(1))[1]["recorded"]
    stranger = await desk.run("revoke", *about, 1, *desk.place, *desk.key(STRANGER), "--sign-only")
    assert stranger.code == ExitCode.REFUSED
    assert "signs no revocation of panel 1: its bank is" in stranger.error
    unknown = await desk.run("revoke", *about, 1, *desk.place, *desk.key(STRANGER))
    assert unknown.code == ExitCode.REFUSED
    # The applicant may not, and a signature is of one request.
    signed = await desk.run("revoke", *about, 1, *desk.place, *desk.key(AGENCY), "--sign-only", "--json")
    signature = ["--signature", signed.json["signature"]]
    other = await desk.run("revoke", *about, 2, *desk.place, *desk.key(STRANGER), *signature)
    assert (other.code, "NotOfThePanel" in other.error) == (ExitCode.REFUSED, True)
    sent = await desk.run("revoke", *about, 1, *desk.place, *desk.key(STRANGER), *signature, "--json")
    assert sent.code == 0, sent.error
    assert sent.json["recorded"] is recorded
    assert (await desk.check(1))[1]["counts_now"] is False
    again = await desk.run("revoke", *about, 1, *desk.place, *desk.wallet)
    assert again.code == 0
    assert "was revoked before" in again.output
    assert f"{sent.json['revoked_at']}" in again.output
    # What is not recorded yet never will be: named by its request alone, by the bank's own transaction.
    request = sent.json["request"][:-2] + "77"
    early = await desk.run("revoke", "--request", request, *desk.place, *desk.wallet)
    assert early.code == 0, early.error
    assert "nothing will be" in early.output
    for words in (
        [],
        ["--request", "0x12"],
        ["--request", request, "--application", 1],
        [*about, 1, "--sign-only", *signature],
    ):
        wrong = await desk.run("revoke", *words, *desk.place, *desk.wallet)
        assert wrong.code != 0
        assert "Invalid value" in wrong.error
