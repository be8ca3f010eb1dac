"""The pages in a real browser: accessible in both themes, wide and narrow; by keyboard; live, stale when cut off."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright, expect

from oracle.store import operators
from tests.support.board import PASSWORD, WALLETS, Serving, serving, well

CHROMIUM: Final = Path("/usr/bin/chromium")
SIGN_IN: Final = "/sign-in"
PAGES: Final = (
    "/",
    "/requests",
    "/requests/2",
    "/requests/22",
    f"/wallets/{WALLETS[1]}",
    "/dead-letters",
    "/dead-letters/confirm?action=decline&request=22",
    "/transactions",
    "/models",
    "/models/credit-v1",
    "/lenders",
    "/endpoints",
    "/settings",
    "/b/2",
    "/requests?state=happy",
)
QUIET: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# Those are what make a page unusable for somebody; the rest is advice.
SERIOUS: Final = ("serious", "critical")


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    assert CHROMIUM.exists(), "Chromium is not here: `make browser` installs Debian's package"
    async with async_playwright() as driver:
        running = await driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield running
        await running.close()


@pytest.fixture
async def board(board_url: str) -> AsyncIterator[Serving]:
    async with serving(board_url, health=well(), path_prefix="/ops", refresh_seconds=0.5) as running:
        yield running


async def opened(browser: Browser, faults: list[str], **how: Any) -> Page:
    """Give a page whose complaints are kept: what the policy forbids is told on the console."""
    page = await (await browser.new_context(**how)).new_page()
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    return page


async def signed_in(page: Page, board: Serving, name: str = "ada") -> None:
    await page.goto(board.address + SIGN_IN)
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(board.address + "/")


async def settled(page: Page) -> None:
    await page.wait_for_selector("html[data-ready]")
    # An animation's half-faded colour has no contrast to be judged.
    await page.emulate_media(reduced_motion="reduce")


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_pages__in_each_theme_and_width__are_accessible_and_fit(
    browser: Browser, board: Serving, scheme: str, width: int
) -> None:
    faults: list[str] = []
    page = await opened(browser, faults, color_scheme=scheme, viewport={"width": width, "height": 900})
    await page.goto(board.address + SIGN_IN)
    await settled(page)
    found = await problems(page, SIGN_IN)
    await signed_in(page, board)
    for path in PAGES:
        await page.goto(board.address + path)
        await settled(page)
        found += await problems(page, path)
    assert found == []
    assert [one for one in faults if "400" not in one] == []


async def problems(page: Page, path: str) -> list[str]:
    result = await Axe().run(page)
    found = [
        f"{path}: {one['id']}: {node['html'][:150]}"
        for one in result.response["violations"]
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]
    wider = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return found + ([f"{path}: {wider} pixels wider than the window"] if wider > 0 else [])


async def test_keyboard__from_sign_in_to_one_request__needs_no_mouse(browser: Browser, board: Serving) -> None:
    page = await opened(browser, [])
    await page.goto(board.address + SIGN_IN)
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await page.keyboard.type("ada")
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url(board.address + "/")
    await tab_to(page, "Requests")
    await page.keyboard.press("Enter")
    await page.wait_for_url(board.address + "/requests")
    await tab_to(page, "30")
    outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid", "who goes by keyboard sees where they are"
    await page.keyboard.press("Enter")
    await page.wait_for_url(board.address + "/requests/30")
    await expect(page.get_by_role("heading", name="Request 30")).to_be_visible()


async def tab_to(page: Page, text: str) -> None:
    for _ in range(80):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.innerText?.trim()") == text:
            return
    raise AssertionError(f"no way to {text} by the Tab key")


async def test_overview__while_open__shows_what_changes_and_says_when_it_is_stale(
    browser: Browser, board_url: str
) -> None:
    faults: list[str] = []
    async with serving(board_url, health=well(), path_prefix="/ops", refresh_seconds=0.5) as board:
        page = await opened(browser, faults)
        await signed_in(page, board)
        await expect(page.locator("[data-live-text]")).to_have_text("live")
        await expect(page.locator(".chart canvas")).to_have_count(2)
        acting = await page.context.new_page()
        await acting.goto(board.address + "/dead-letters")
        await acting.get_by_role("link", name="Requeue request 22").click()
        await acting.get_by_label("I mean it").check()
        await acting.get_by_role("button", name="Requeue").click()
        await expect(acting.get_by_role("status")).to_contain_text("start again")
        await expect(page.locator(".flow .dead .count")).to_have_text("2")
        await expect(page.locator(".chart canvas")).to_have_count(2)
        assert faults == []
    await expect(page.locator("[data-live-text]")).to_contain_text("stale since", timeout=30_000)


async def test_overview__while_a_curve_is_read__waits_and_then_goes_on(browser: Browser, board: Serving) -> None:
    page = await opened(browser, [])
    await signed_in(page, board)
    before = await page.get_attribute("[data-as-of]", "data-as-of")
    await page.locator(".chart").first.hover()
    await expect(page.locator("[data-live-text]")).to_have_text("waits while you read")
    await page.mouse.move(2, 2)
    await expect(page.locator("[data-live-text]")).to_have_text("live")
    assert await page.get_attribute("[data-as-of]", "data-as-of") != before


async def test_overview__when_signed_out_elsewhere__leads_to_the_sign_in(browser: Browser, board: Serving) -> None:
    page = await opened(browser, [])
    await signed_in(page, board)
    async with board.parts.sessions.begin() as session:
        row = await operators.find(session, "ada")
        assert row is not None
        await operators.sign_out_everywhere(session, row.id)
    await page.wait_for_url(re.compile("/ops/sign-in"), timeout=60_000)


async def test_theme__when_switched__stays_so_on_the_next_page(browser: Browser, board: Serving) -> None:
    page = await opened(browser, [], color_scheme="light")
    await signed_in(page, board)
    await settled(page)
    await page.get_by_role("button", name="Switch between light and dark").click()
    await page.goto(board.address + "/requests")
    assert await page.get_attribute("html", "data-theme") == "dark"
    ground = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(14, 20, 25)"
