"""The page in a real browser, with real keys: six steps by hand, out of order refused, in both themes and widths."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from playwright.async_api import Page, async_playwright, expect

from oracle.approval.examples import EXAMPLES
from oracle.approval.fields import PARTIES
from oracle.approval.layout import clear_row
from oracle.web.approval.page import serving
from oracle.web.approval.record import shortened
from oracle.web.approval.showing import Show
from oracle.web.approval.words import size
from tests.browser.test_browser import CHROMIUM, QUIET, problems
from tests.support.lane import ENGINE_PYTHON, NO_ENGINE

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not ENGINE_PYTHON.exists(), reason=NO_ENGINE),
]
# Four engines on a machine that does other things as well.
PATIENT = 240_000
WATCH = """() => {
  const keys = document.querySelector("[sse-swap=keys]");
  window.seen = [];
  const watching = { childList: true, subtree: true, characterData: true };
  new MutationObserver(() => window.seen.push(keys.innerText)).observe(keys, watching);
}"""


@dataclass
class Shown:
    """The page with joint keys; `faults` is what the browser complained of, `seen` each text while keys were made."""

    show: Show
    page: Page
    address: str
    faults: list[str]
    seen: list[str]

    @property
    def messages(self) -> list[tuple[int, str, str]]:
        """What the server has accepted."""
        assert self.show.lane is not None
        heads = [message.head for message in self.show.lane.board.transcript.messages]
        return [(head.application, head.kind, head.party) for head in heads]

    async def press(self, text: str) -> None:
        await self.page.get_by_role("button", name=text, exact=True).click()

    async def begin(self, fill: str) -> int:
        """Begin an application with an example's answers in the forms, and return its number."""
        if self.show.application is not None:
            await self.press("Next application, same keys")
            await expect(self.page.locator("[sse-swap=inputs]")).to_contain_text("No encrypted answers")
        await self.page.goto(f"{self.address}?fill={fill}")
        await self.page.wait_for_selector("html[data-ready]")
        assert self.show.lane is not None
        return self.show.lane.board.transcript.last_application + 1

    async def send(self, *parties: str) -> None:
        """Let parties encrypt and send, and wait until the page shows their ciphertexts."""
        for party in parties:
            await self.page.locator(f"#form-{party}").get_by_role("button", name="Encrypt and send").click()
            await self.shows("inputs", party, "its answers, encrypted")

    async def run(self) -> None:
        await self.press("Run the evaluation")
        await self.shows("run", "server", "the decision and the what-ifs, encrypted")

    async def shows(self, piece: str, party: str, what: str) -> None:
        """Wait until a table has a party's message, with the size that the server's own copy has."""
        row = self.page.locator(f"[sse-swap={piece}] tbody tr", has_text=party)
        await expect(row).to_contain_text(what, timeout=PATIENT)
        assert self.show.lane is not None
        newest = [one for one in self.show.lane.board.transcript.messages if one.head.party == party][-1]
        await expect(row).to_contain_text(size(len(newest.raw)))
        for name, raw in newest.parts.items():
            await expect(row).to_contain_text(f"{name}, {size(len(raw))} {shortened(raw)}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shown(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shown]:
    assert CHROMIUM.exists(), "Chromium is not here: `make browser` installs Debian's package"
    async with (
        serving(ENGINE_PYTHON, tmp_path_factory.mktemp("page"), 0) as (show, address),
        async_playwright() as driver,
    ):
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = await (await browser.new_context(viewport={"width": 1440, "height": 900})).new_page()
        faults: list[str] = []
        page.on("pageerror", lambda fault: faults.append(str(fault)))
        page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
        await page.goto(address)
        await page.wait_for_selector("html[data-ready]")
        await page.evaluate(WATCH)
        running = Shown(show, page, address, faults, [])
        await running.press("Run the evaluation")
        await expect(page.locator("#said-run")).to_have_text("The joint keys come first: step 1.")
        await running.press("Make the joint keys")
        await expect(page.locator("[sse-swap=keys]")).to_contain_text("The joint keys are there", timeout=PATIENT)
        running.seen += await page.evaluate("window.seen")
        yield running
        await browser.close()


def clear(shown: Shown, fill: str) -> tuple[bool, list[bool]]:
    assert shown.show.lane is not None
    layout = shown.show.lane.layout
    answers = {name: answer for form in EXAMPLES[fill].values() for name, answer in form.items()}
    return clear_row(layout, layout.model.levels_of(answers)[0])


async def test_keys__while_they_are_made__progress_is_shown_and_then_who_holds_a_third(shown: Shown) -> None:
    for words in ("each makes its third", "3 of 12 messages", "its part of the multiplication key"):
        assert any(words in text for text in shown.seen), words
    assert len({found[0] for text in shown.seen if (found := re.search(r"· \d+\.\d s", text))}) > 3, "time passes"
    for party in PARTIES:
        await expect(shown.page.locator(f"section.holder.{party}")).to_contain_text("a third of the key")
    await expect(shown.page.locator("section.holder.server")).not_to_contain_text("a third")
    await expect(shown.page.locator("section.holder.server")).to_contain_text("joint public and evaluation keys")
    await shown.press("Make the joint keys")
    await expect(shown.page.locator("#said-keys")).to_contain_text("made once and serve many applications")


async def test_denial__step_by_step__opens_with_all_three_alone_and_is_explained(shown: Shown) -> None:
    number = await shown.begin("denied")
    page = shown.page
    await shown.send("bank", "applicant")
    await shown.press("Run the evaluation")
    await expect(page.locator("#said-run")).to_contain_text("answers of agency come first")
    await page.locator("#form-bank").get_by_role("button", name="Encrypt and send").click()
    await expect(page.locator("#said-bank")).to_contain_text("a round has one message")
    await shown.send("agency")
    await shown.press("Bank gives its share")
    await expect(page.locator("#said-decision")).to_contain_text("evaluation comes first")
    assert (number, "evaluated", "server") not in shown.messages
    await shown.run()
    for party, told in (("Bank", "1 of 3 shares."), ("Applicant", "2 of 3 shares. Without agency nothing can be read")):
        await shown.press(f"{party} gives its share")
        await expect(page.locator("[sse-swap=decision]")).to_contain_text(told, timeout=PATIENT)
    assert [kind for _, kind, _ in shown.messages].count("decision") == 0
    await expect(page.locator("section.holder.server")).not_to_contain_text("denied")
    await shown.press("All three agree")
    await expect(page.locator("#said-whatifs")).to_contain_text("The decision comes first")
    await shown.press("Agency gives its share")
    await expect(page.locator(".verdict")).to_contain_text("Denied", timeout=PATIENT)
    await expect(page.locator("section.holder.server")).to_contain_text("as all three say: denied")
    assert [one for one in shown.messages if one[1] == "whatifs-share"] == []
    await shown.press("All three agree")
    explained = page.locator("[sse-swap=explain]")
    await expect(explained).to_contain_text("The smallest change", timeout=PATIENT)
    await expect(explained.locator(".lines div", has_text="Years of employment")).to_contain_text("5 to 8")
    await expect(explained.locator(".lines div", has_text="Owns property")).to_contain_text("yes")
    marks = await explained.locator(".tried .pill").all_inner_texts()
    decision, what_ifs = clear(shown, "denied")
    assert not decision
    assert [mark.startswith("✓") for mark in marks] == what_ifs
    # What is shown is what the server accepted, and not what was said of it.
    assert shown.show.lane is not None
    said = shown.show.lane.board.transcript.get(number, "whatifs", "bank")
    assert said is not None
    assert json.loads(said.head.said) == what_ifs


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_page__in_each_theme_and_width__is_accessible_and_fits(shown: Shown, scheme: str, width: int) -> None:
    page = shown.page
    await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    await page.set_viewport_size({"width": width, "height": 900})
    try:
        assert await problems(page, "/") == []
    finally:
        await page.set_viewport_size({"width": 1440, "height": 900})


async def test_approval__with_the_same_keys__is_not_explained_and_what_is_outside_the_table_is_told(
    shown: Shown,
) -> None:
    await shown.begin("approved")
    page = shown.page
    await page.locator("[name=annual_income]").fill("9000000")
    await page.locator("[name=employed]").uncheck()
    await expect(page.locator("[name=years_employed]")).to_be_disabled()
    await page.locator("[name=employed]").check()
    await page.locator("[name=years_employed]").fill("nine")
    await page.locator("#form-agency").get_by_role("button", name="Encrypt and send").click()
    await expect(page.locator("#said-agency")).to_contain_text("'nine' is no number")
    await expect(page.locator("[name=years_employed]")).to_have_value("nine")
    await page.locator("[name=years_employed]").fill("9")
    await shown.send(*PARTIES)
    await expect(page.locator("#said-applicant")).to_contain_text("outside the table, taken as 1.575e+06")
    await shown.run()
    await shown.press("All three")
    await expect(page.locator(".verdict")).to_contain_text("Approved", timeout=PATIENT)
    await shown.press("Bank agrees")
    await expect(page.locator("#said-whatifs")).to_contain_text("this application was approved")
    await expect(page.locator("[sse-swap=explain]")).to_contain_text("the what-ifs stay closed")
    assert shown.show.application is not None
    assert (shown.show.application.number, "whatifs-share", "bank") not in shown.messages


async def test_application__when_withdrawn_half_way__opens_nothing_and_the_next_goes_on(shown: Shown) -> None:
    number = await shown.begin("denied")
    await shown.send(*PARTIES)
    await shown.run()
    await shown.press("Applicant gives its share")
    await expect(shown.page.locator("[sse-swap=decision]")).to_contain_text("1 of 3 shares.", timeout=PATIENT)
    await shown.press("Next application, same keys")
    await expect(shown.page.locator("[sse-swap=inputs]")).to_contain_text("No encrypted answers", timeout=PATIENT)
    assert (number, "abort", "applicant") in shown.messages
    assert [one for one in shown.messages if one[0] == number and one[1] == "decision"] == []
    following = await shown.begin("approved")
    assert following == number + 1
    await shown.send("agency")
    await shown.press("Next application, same keys")
    await expect(shown.page.locator("[sse-swap=inputs]")).to_contain_text("No encrypted answers", timeout=PATIENT)
    await shown.begin("approved")
    await shown.send(*PARTIES)
    await shown.run()
    await shown.press("All three")
    await expect(shown.page.locator(".verdict")).to_contain_text("Approved", timeout=PATIENT)


async def test_story__told_by_the_program__is_shown_as_it_happens(shown: Shown) -> None:
    assert shown.show.lane is not None
    number = shown.show.lane.board.transcript.last_application + 1
    outcomes = await shown.show.apply_whole(number, EXAMPLES["denied"])
    assert [outcome.approved for outcome in outcomes] == [False] * 3
    await expect(shown.page.locator(".verdict")).to_contain_text(f"Application {number}, as all three")
    await expect(shown.page.locator("[sse-swap=explain]")).to_contain_text("The smallest change")
    await expect(shown.page.locator("[sse-swap=status]")).to_have_text(f"Application {number}: denied, and explained.")
    await expect(shown.page.locator("[sse-swap=inputs] .note")).to_contain_text("'IT staff' is not in the table")


async def test_browser__through_all_of_it__complained_of_nothing_but_refusals(shown: Shown) -> None:
    assert [fault for fault in shown.faults if "409" not in fault and "400" not in fault] == []
    assert shown.show.lane is not None
    engines = [engine.pid for engine in shown.show.lane.engines.values()]
    await shown.press("End the session")
    await expect(shown.page.locator("section.holder.applicant")).to_contain_text("nothing yet", timeout=PATIENT)
    assert await asyncio.to_thread(_alive, engines) == []


def _alive(pids: list[int]) -> list[int]:
    from pathlib import Path

    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]
