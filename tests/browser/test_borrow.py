"""The page for borrowers in a real browser, with a wallet in it, before a running daemon on a local chain."""

import asyncio
import json
import re
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio
from eth_account import Account
from nacl.public import PrivateKey
from playwright.async_api import Browser, FilePayload, Page, Request, async_playwright, expect

from oracle.assessment.request import to_address
from oracle.devnet.machinery.accounts import ETHER, named_account
from oracle.devnet.stack import Stack, local_stack
from oracle.passports.private_files import OpeningFile
from oracle.passports.schema import GROUPS, SCHEMA_HASH
from tests.browser.test_browser import CHROMIUM, QUIET, problems
from tests.support.injected_wallet import InjectedWallet, Refused

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

PREFIX: Final = "/ops"
# Patience with a busy machine: each wait ends with what it waits for.
ANSWER_MILLISECONDS: Final = 240_000
expect.set_options(timeout=30_000)
# Values that nothing else in a request could be.
HOME: Final = {
    "employment_years": "7.531",
    "oldest_account_years": "14.253",
    "delinquent_accounts": "0",
    "derogatory_reports": None,
    "recent_inquiries": "1",
    "debt_to_income": "0.31415",
    "open_accounts": "18",
    "credit_requested": "23456.78",
    "mortgage_due": "123456.78",
    "property_value": "212345.67",
}
CARD: Final = [field.name for field in GROUPS["card"].fields]
TELLING: Final = [value for value in HOME.values() if value is not None and "." in value]


@dataclass
class Opened:
    """A page with a wallet; `sent` is each request that the page made, `faults` what its console complained of."""

    page: Page
    wallet: InjectedWallet
    origin: str
    sent: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """A running daemon that takes openings, and offers a lender below a path prefix."""
    async with local_stack(tmp_path_factory.mktemp("stack"), histories=False, durable=False) as running:
        keys = [running.folder / name for name in ("sealing.key", "storage.key")]
        for key, content in zip(keys, (bytes(PrivateKey.generate()), secrets.token_bytes(32)), strict=True):
            key.touch(mode=0o600)
            key.write_text(content.hex())
        with running.settings_file.open("a") as settings:
            settings.write(f"""
[privacy]
sealing_key_file = "{keys[0]}"
storage_key_file = "{keys[1]}"

[dashboard]
path_prefix = "{PREFIX}"

[[dashboard.borrow_lenders]]
name = "Smart Lending"
address = "{running.contracts.lending.address}"
""")
        await running.start_daemon()
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    assert CHROMIUM.exists(), "Chromium is not here: `make browser` installs Debian's package"
    async with async_playwright() as driver:
        running = await driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield running
        await running.close()


async def opened(browser: Browser, stack: Stack, name: str, *, coins: int = 100, **how: Any) -> Opened:
    account = named_account(name)
    await stack.chain.set_balance(to_address(account.address), coins * ETHER)
    context = await browser.new_context(**how)
    wallet = InjectedWallet(stack.chain, account, stack.chain.chain_id)
    await wallet.into(context)
    one = Opened(await context.new_page(), wallet, f"http://127.0.0.1:{stack.settings.web.port}/")

    def noted(request: Request) -> None:
        one.sent.append(" ".join([request.method, request.url, json.dumps(request.headers), request.post_data or ""]))

    one.page.on("request", noted)
    one.page.on("pageerror", lambda fault: one.faults.append(str(fault)))
    # A request that is not read yet is told by its status, and the console repeats it.
    quiet = re.compile("status of (404|409|422)")
    one.page.on(
        "console",
        lambda said: one.faults.append(said.text) if said.type == "error" and not quiet.search(said.text) else None,
    )
    await one.page.goto(f"{one.origin.rstrip('/')}{PREFIX}/borrow")
    await one.page.wait_for_selector("html[data-borrow=ready]")
    await one.page.emulate_media(reduced_motion="reduce")
    return one


async def state_all(page: Page) -> None:
    await page.get_by_label("Home owner: I state what follows").check()
    for name, value in HOME.items():
        if value is None:
            await page.locator(f'[id="unknown-home.{name}"]').check()
        else:
            await page.locator(f'[id="home.{name}"]').fill(value)


async def connect(page: Page) -> None:
    await page.get_by_role("button", name="Connect Test Wallet").click()
    await expect(page.locator("#fee")).to_contain_text("coins")


async def ask_for(page: Page, principal: str = "1", collateral: str = "2", days: str = "30") -> None:
    await page.locator("#principal").fill(principal)
    await page.locator("#collateral").fill(collateral)
    await page.locator("#days").fill(days)


async def commit(page: Page) -> OpeningFile:
    await page.get_by_role("button", name="Commit").click()
    async with page.expect_download() as started:
        await page.get_by_role("link", name="Save the opening").click()
    saved = await (await started.value).path()
    return OpeningFile.parse(await asyncio.to_thread(Path(saved).read_bytes))


def given_away(one: Opened, opening: OpeningFile) -> list[str]:
    """What the page sent, or told its wallet, of what was stated."""
    hidden = [*TELLING, json.dumps(opening.as_json()["salt"])[3:-1], *(f"[{code}," for code in opening.opening.salt)]
    told = [*one.sent, *(json.dumps(call) for call in one.wallet.calls)]
    return [text for text in told for value in hidden if value in text]


async def test_borrow__with_private_data__is_answered_by_an_opening_that_nobody_saw(
    browser: Browser, stack: Stack
) -> None:
    one = await opened(browser, stack, "asks by the page")
    page = one.page
    await state_all(page)
    await connect(page)
    await ask_for(page)
    saved = await commit(page)
    await page.get_by_role("button", name="Ask the oracle").click()
    await expect(page.get_by_text("a higher score is safer").first).to_be_visible(timeout=ANSWER_MILLISECONDS)
    await expect(page.get_by_text("Highest loan to value that it recommends")).to_be_visible()
    await expect(page.locator("#reasons").get_by_role("heading", name="Why", exact=True)).to_be_visible(
        timeout=ANSWER_MILLISECONDS
    )
    link = page.get_by_role("link", name=re.compile("the page of request"))
    number = int(re.findall(r"\d+", await link.inner_text())[0])
    assert await link.get_attribute("href") == f"{PREFIX}/b/{number}"
    contract = stack.contracts.oracle
    assert await stack.transactor.read(contract, "stateOf", number) == 2
    posted = [text for text in one.sent if text.startswith("POST")]
    assert len(posted) == 1
    assert given_away(one, saved) == []
    assert one.faults == []
    assert [text for text in one.sent if not text.split()[1].startswith((one.origin, "blob:"))] == [], (
        "no other host is asked"
    )


async def test_borrow__of_a_lender__signs_the_consent_and_asks_through_it(browser: Browser, stack: Stack) -> None:
    one = await opened(browser, stack, "borrows by the page", coins=100)
    page = one.page
    await state_all(page)
    await connect(page)
    await page.get_by_label("Who asks").select_option(label="A loan of Smart Lending")
    await expect(page.get_by_role("heading", name="The least that you accept")).to_be_visible()
    await ask_for(page)
    await page.get_by_label("Least amount").fill("0.5")
    await page.get_by_label("Shortest duration").fill("1")
    await page.get_by_label("Highest rate").fill("50")
    saved = await commit(page)
    word = await vouched(stack, one.wallet.account.address, saved.opening.commitment)
    await page.get_by_label("An issuer's attestation").fill(word)
    await page.get_by_role("button", name="Ask the oracle").click()
    await expect(page.locator("#outcome")).to_contain_text("of 100", timeout=ANSWER_MILLISECONDS)
    methods = [method for method, _ in one.wallet.calls]
    assert methods.count("eth_signTypedData_v4") == methods.count("eth_sendTransaction") == 1
    (typed,) = [json.loads(params[1]) for method, params in one.wallet.calls if method == "eth_signTypedData_v4"]
    assert typed["primaryType"] == "Consent"
    assert typed["message"]["requester"].lower() == stack.contracts.lending.address.lower()
    assert int(typed["message"]["dataCommitment"], 16) == saved.opening.commitment
    assert given_away(one, saved) == []
    assert one.faults == []


async def vouched(stack: Stack, borrower: str, commitment: int) -> str:
    """What an issuer whom the lender accepts gives the borrower."""
    registry, accepted = stack.contracts.issuers, stack.contracts.accepted_issuers
    transactor, owner, bank = stack.transactor, named_account("owner"), named_account("bank")
    key, until = bytes.fromhex(bank.address[2:]), 2**40 - 1
    issuer = bytes(await transactor.read(registry, "issuerId", 1, key))
    await transactor.call(owner, registry, "addIssuer", 1, key, "bank")
    await transactor.call(owner, registry, "setSchema", issuer, SCHEMA_HASH, True)
    await transactor.call(owner, accepted, "setAccepted", issuer, SCHEMA_HASH, True)
    said = (borrower, commitment.to_bytes(32, "big"), SCHEMA_HASH, until)
    digest = bytes(await transactor.read(registry, "attestationDigest", *said))
    signature = Account.unsafe_sign_hash(digest, bank.key).signature
    told = {
        "issuer": "0x" + issuer.hex(),
        "schema": "0x" + SCHEMA_HASH.hex(),
        "valid_until": str(until),
        "signature": "0x" + bytes(signature).hex(),
    }
    return json.dumps({"attestation": told})


async def test_borrow__without_the_daemons_help__is_proven_on_ones_own_machine_and_continued(
    browser: Browser, stack: Stack
) -> None:
    one = await opened(browser, stack, "proves by themselves")
    page = one.page
    await state_all(page)
    await connect(page)
    await ask_for(page)
    await page.get_by_label("My own machine").check()
    saved = await commit(page)
    await page.get_by_role("button", name="Ask the oracle").click()
    command = page.locator("#command")
    await expect(command).to_contain_text("risk-oracle passport prove", timeout=ANSWER_MILLISECONDS)
    [number] = re.findall(r"\.json (\d+) --url", await command.inner_text())
    assert [text for text in one.sent if text.startswith("POST")] == []

    # Somebody changes their mind, in another tab: the saved opening goes on with the same request.
    other = await opened(browser, stack, "proves by themselves")
    page = other.page
    await connect(page)
    await page.get_by_text("Continue a request").click()
    await page.get_by_label("Request").fill(number)
    wrong = saved.as_json() | {"salt": "0x" + "1f" * 20}
    await give(page, "again-file", wrong)
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_role("alert")).to_contain_text("the file was changed")
    await give(page, "again-file", saved.as_json())
    await page.get_by_role("button", name="Continue").click()
    await expect(page.locator("#outcome")).to_contain_text("of 100", timeout=ANSWER_MILLISECONDS)


async def give(page: Page, where: str, content: Any) -> None:
    """Choose a file, as if it lay on the person's disk."""
    text = content if isinstance(content, str) else json.dumps(content)
    file = FilePayload(name="given.json", mimeType="application/json", buffer=text.encode())
    await page.locator(f'[id="{where}"]').set_input_files(file)


async def test_borrow__when_something_is_wrong__says_so_in_plain_words_and_asks_nothing(
    browser: Browser, stack: Stack
) -> None:
    one = await opened(browser, stack, "makes mistakes")
    page, alert = one.page, one.page.locator("#fault")
    await page.get_by_role("button", name="Commit").click()
    await expect(alert).to_contain_text("the passport states nothing")
    await page.get_by_text("Continue a request").click()
    await page.get_by_role("button", name="Continue", exact=True).click()
    await expect(alert).to_contain_text("Connect your wallet first")

    await state_all(page)
    await page.locator('[id="home.open_accounts"]').fill("61")
    await page.locator('[id="home.employment_years"]').fill("")
    await page.get_by_role("button", name="Commit").click()
    await expect(alert).to_contain_text("Years in the present job: state it, or tick unknown")
    await page.locator('[id="home.employment_years"]').fill("7.531")
    for written, said in (
        ("61", "is outside its range: expected a whole number within 0..60 (count)"),
        ("1.5", "is not of its kind: expected a whole number"),
        ("many", "is not of its kind"),
    ):
        await page.locator('[id="home.open_accounts"]').fill(written)
        await page.get_by_role("button", name="Commit").click()
        await expect(page.locator('[id="fault-home.open_accounts"]')).to_contain_text(said)
        await expect(page.locator('[id="home.open_accounts"]')).to_be_focused()
    await page.locator('[id="home.open_accounts"]').fill("18")

    for content, said in (
        ("{", "no JSON"),
        ("x" * 70_000, "larger than 64 KB"),
        ({"schema": "urn:risk-oracle:passport:2"}, "another schema"),
        ({"salt": "0x12"}, "no opening"),
    ):
        await give(page, "file", content)
        await expect(alert).to_contain_text(said)
    assert await page.locator('[id="home.open_accounts"]').input_value() == "18", "what was written stays"

    asked = page.get_by_role("button", name="Ask the oracle")
    await page.get_by_role("button", name="Commit").click()
    await asked.click()
    await expect(alert).to_contain_text("Connect your wallet first")

    def refuses(method: str, params: Any) -> None:
        if method in ("eth_requestAccounts", "eth_sendTransaction", "eth_signTypedData_v4"):
            raise Refused(4001, "User rejected the request.")

    one.wallet.before = refuses
    await page.get_by_role("button", name="Connect Test Wallet").click()
    await expect(alert).to_contain_text("You refused it in your wallet")
    one.wallet.before = lambda method, params: None
    one.wallet.chain_id = 1
    await page.get_by_role("button", name="Connect Test Wallet").click()
    await expect(page.locator("#network")).to_contain_text(
        f"on chain 1; this oracle is on chain {stack.chain.chain_id}"
    )
    await asked.click()
    await expect(alert).to_contain_text("switch the network")
    await page.get_by_role("button", name="Switch the network").click()
    await expect(page.locator("#fee")).to_contain_text("coins")

    await asked.click()
    await expect(alert).to_contain_text("Amount: expected a number like 1.5")
    await ask_for(page, days="0")
    await asked.click()
    await expect(alert).to_contain_text("Duration: expected whole days")
    await ask_for(page)
    one.wallet.before = refuses
    await asked.click()
    await expect(alert).to_contain_text("You refused it in your wallet. Nothing was sent.")
    one.wallet.before = lambda method, params: None
    await lend(page)
    for attestation, said in (
        ("{", "no JSON"),
        ({"issuer": "0x12"}, "expected issuer, schema, valid_until and signature"),
        (attested(schema="0x" + "00" * 32), "another schema"),
        (attested(valid_until="1"), "it ran out"),
        (attested(chain_id="1"), "another chain"),
        (attested(borrower="0x" + "11" * 20), "another account"),
        (attested(data_commitment="0x" + "11" * 32), "another commitment"),
    ):
        text = attestation if isinstance(attestation, str) else json.dumps({"attestation": attestation})
        await page.locator("#attestation").fill(text)
        await asked.click()
        await expect(alert).to_contain_text(said)
    await page.locator("#attestation").fill("")
    await page.locator("#collateral").fill("1000")
    await asked.click()
    await expect(alert).to_contain_text("not enough coins")
    assert "eth_sendRawTransaction" not in [method for method, _ in one.wallet.calls]
    assert await stack.chain.rpc("eth_getTransactionCount", one.wallet.account.address, "pending") == "0x0"


def attested(**changed: str) -> dict[str, str]:
    return {
        "issuer": "0x" + "22" * 32,
        "schema": f"0x{SCHEMA_HASH.hex()}",
        "valid_until": str(2**62),
        "signature": "0x" + "33" * 65,
        **changed,
    }


async def lend(page: Page) -> None:
    await page.get_by_label("Who asks").select_option(label="A loan of Smart Lending")
    await expect(page.get_by_label("Least amount")).to_be_visible()
    for label, value in (("Least amount", "0.5"), ("Shortest duration", "1"), ("Highest rate", "50")):
        await page.get_by_label(label).fill(value)


async def test_borrow__when_the_fee_changes__is_told_before_anything_is_sent(browser: Browser, stack: Stack) -> None:
    one = await opened(browser, stack, "sees another fee")
    page = one.page
    await state_all(page)
    await connect(page)
    await ask_for(page)
    await commit(page)
    contract = stack.contracts.oracle
    owner, before = named_account("owner"), await stack.transactor.read(contract, "fee")
    await stack.transactor.call(owner, contract, "setFees", 2 * 10**15, 10**9)
    await page.get_by_role("button", name="Ask the oracle").click()
    await expect(page.locator("#fault")).to_contain_text("fee is 0.002 coins now, not 0.001 coins")
    await expect(page.locator("#fee")).to_have_text("0.002 coins")
    assert "eth_sendTransaction" not in [method for method, _ in one.wallet.calls]
    await stack.transactor.call(owner, contract, "setFees", before, 10**9)


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_borrow__in_each_theme_and_width__is_accessible_and_fits(
    browser: Browser, stack: Stack, scheme: str, width: int
) -> None:
    one = await opened(browser, stack, "looks", color_scheme=scheme, viewport={"width": width, "height": 900})
    page = one.page
    found = await problems(page, "empty")
    await state_all(page)
    await page.get_by_label("Card holder: I state what follows").check()
    await connect(page)
    await lend(page)
    await page.get_by_role("button", name="Commit").click()
    await page.get_by_text("Continue a request").click()
    found += await problems(page, "with faults")
    for name in CARD:
        await page.locator(f'[id="unknown-card.{name}"]').check()
    await commit(page)
    found += await problems(page, "committed")
    assert found == []
    assert one.faults == []
    assert "unsafe-inline" not in (await page.request.get(page.url)).headers["content-security-policy"]
    await page.context.close()
