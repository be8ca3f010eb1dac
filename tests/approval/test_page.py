"""The page's door, where no engine runs: order, who may ask, and what an answer must be."""

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from oracle.approval.errors import InvalidAnswer
from oracle.approval.examples import EXAMPLES
from oracle.approval.layout import Layout, clear_row
from oracle.approval.model import load_model
from oracle.web.approval.models import shown_models
from oracle.web.approval.page import serving
from oracle.web.approval.questions import answers_of, questions, title_of
from oracle.web.approval.record import shortened
from oracle.web.approval.showing import Show

HTMX = {"HX-Request": "true"}
EARLY = (
    ("/send/applicant", "joint keys come first"),
    ("/send/bank", "joint keys come first"),
    ("/run", "joint keys come first"),
    ("/agree/decision/bank", "joint keys come first"),
    ("/agree/whatifs/all", "joint keys come first"),
    ("/next", "joint keys come first"),
)


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[tuple[Show, str, aiohttp.ClientSession]]:
    async with (
        serving(tmp_path / "no-python", tmp_path / "sessions", 0) as (show, address),
        aiohttp.ClientSession(address) as http,
    ):
        yield show, address, http


Served = tuple[Show, str, aiohttp.ClientSession]


@pytest.mark.parametrize(("path", "said"), EARLY)
async def test_step__before_the_keys__is_refused_and_says_what_comes_first(
    served: Served, path: str, said: str
) -> None:
    show, _, http = served
    async with http.post(path, data={"account_months": "5"}, headers=HTMX) as answer:
        assert answer.status == 409
        assert said in await answer.text()
    assert not show.begun
    assert show.application is None


async def test_step__without_scripts__is_told_on_the_page(served: Served) -> None:
    async with served[2].post("/run", data={"a": "b"}) as answer:
        assert answer.status == 409
        page = await answer.text()
    assert "The joint keys come first: step 1." in page
    assert page.rstrip().endswith("</html>")


async def test_keys__where_the_engine_does_not_start__the_page_says_why_and_another_session_can_begin(
    served: Served, tmp_path: Path
) -> None:
    show, _, http = served
    for _ in range(2):
        async with http.post("/keys", data={"model": "fair"}, headers=HTMX) as answer:
            assert answer.status == 200
        with pytest.raises(Exception, match="cannot be run"):
            await show.joined()
        async with http.get("/") as answer:
            assert "The session failed" in await answer.text()
        async with http.post("/run", data={"a": "b"}, headers=HTMX) as answer:
            assert "end it and begin another" in await answer.text()
        async with http.post("/end", data={"a": "b"}) as answer:
            assert (answer.status, show.begun) == (200, False)


@pytest.mark.parametrize("model", ["fair", "reference"])
async def test_page__of_each_model__asks_what_it_is_told_and_says_what_it_leaves_out(
    served: Served, model: str
) -> None:
    async with served[2].get("/", params={"model": model}) as answer:
        page = await answer.text()
        policy = answer.headers["Content-Security-Policy"]
    for name in load_model("reference").weights:
        assert (f'name="{name}"' in page) == (name in load_model(model).weights), name
    assert "Leaves out: children, people in the household, age, family status." in page
    assert "Leaves out nothing: it is told age, family status, children, people in the household, too." in page
    for label, _ in load_model().fields[4].labels:
        assert f">{label}</option>" in page
    assert "37,800 to 1,575,000 in the table" in page
    assert "on a host of its own" in page
    assert "<style" not in page
    assert " style=" not in page
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("name", ["../fair", "/etc/passwd", "nothing"])
async def test_model__that_is_not_shipped__opens_no_file(served: Served, name: str) -> None:
    async with served[2].get("/", params={"model": name}) as answer:
        assert answer.status == 200
    async with served[2].post("/keys", data={"model": name}, headers=HTMX) as answer:
        assert answer.status == 400
        assert "none of those that are shipped" in await answer.text()
    assert not served[0].begun


async def test_door__for_another_site_or_name__stays_shut(served: Served) -> None:
    show, _, http = served
    for headers in ({"Origin": "http://evil.test"}, {"Sec-Fetch-Site": "cross-site"}):
        async with http.post("/keys", data={"model": "fair"}, headers=headers) as answer:
            assert answer.status == 403
    async with http.get("/", headers={"Host": "evil.test"}) as answer:
        assert answer.status == 421
    assert not show.begun
    for path in ("/send/server", "/send/nobody", "/agree/decision/nobody"):
        async with http.post(path, data={"a": "b"}, headers=HTMX) as answer:
            assert answer.status in (404, 409), path
    async with http.post("/agree/margin/all", data={"a": "b"}) as answer:
        assert answer.status == 404
    async with http.get("/static/../page.py") as answer:
        assert answer.status == 404


async def test_command__until_it_is_stopped__serves_the_page(tmp_path: Path) -> None:
    program = "from oracle.cli import main; main()"
    words = ["approval", "page", "--port", "0", "--python", sys.executable, "--folder", str(tmp_path)]
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, *words, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert running.stdout is not None
        said = (await asyncio.wait_for(running.stdout.readline(), 60)).decode()
        found = re.search(r"http://127\.0\.0\.1:\d+/", said)
        assert found is not None, said
        async with aiohttp.ClientSession() as http, http.get(found[0]) as answer:
            assert "Who holds what" in await answer.text()
        running.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(running.wait(), 60) == 0
    finally:
        if running.returncode is None:
            running.kill()
            await running.wait()


def test_answers__of_a_form__are_those_of_the_table() -> None:
    model = load_model()
    given = {
        "own_car": "yes",
        "annual_income": " 130000 ",
        "income_type": "Pensioner",
        "education_type": "Higher education",
        "occupation_type": "",
        "housing_type": "With parents",
    }
    found = answers_of(model, "applicant", given)
    assert found["own_car"] is True
    assert found["own_property"] is False
    assert found["annual_income"] == 130_000
    assert found["occupation_type"] is None
    model.levels_of(found, "applicant")
    assert answers_of(model, "bank", {"unknown:account_months": "yes"}) == {"account_months": None}
    assert answers_of(model, "agency", {}) == {"employed": False, "years_employed": None}
    model.levels_of(answers_of(model, "agency", {}), "agency")


@pytest.mark.parametrize(
    ("party", "form", "said"),
    [
        ("bank", {}, "Age of the account: the answer is missing"),
        ("bank", {"account_months": "ten"}, "'ten' is no number"),
        ("bank", {"account_months": "1,5"}, "'1,5' is no number"),
        ("agency", {"employed": "yes", "years_employed": ""}, "Years of employment: the answer is missing"),
        ("applicant", {"annual_income": "5", "education_type": "x"}, "Kind of income: the answer is missing"),
    ],
)
def test_answers__that_are_missing_or_no_number__are_refused_by_name(
    party: str, form: dict[str, str], said: str
) -> None:
    with pytest.raises(InvalidAnswer, match=said):
        answers_of(load_model(), party, form)


@pytest.mark.parametrize("model", [one.model.name for one in shown_models()])
def test_examples__under_each_shipped_model__come_out_as_they_are_named(model: str) -> None:
    layout = Layout(load_model(model))
    for name, forms in EXAMPLES.items():
        known = {field: answer for form in forms.values() for field, answer in form.items()}
        assert clear_row(layout, layout.model.levels_of(known)[0])[0] == (name == "approved"), name


def test_questions__of_each_party__have_a_title_and_a_first_answer() -> None:
    for fill in EXAMPLES.values():
        for party, asked in questions(load_model("reference"), fill).items():
            for one in asked:
                assert one.value is not None, (party, one.field.name)
                assert title_of(one.field.name) == one.title


def test_ciphertext__when_it_is_long__is_shown_by_its_ends() -> None:
    assert shortened(bytes(range(64))) == "0001 0203 0405 0607 … 3c3d 3e3f"
    assert shortened(b"\x01\x02") == "0102"
