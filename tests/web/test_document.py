"""The OpenAPI document and the page that shows it."""

import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from oracle.web.api.application import OPERATIONS
from tests.web.conftest import Door


@pytest.fixture
async def document(door: Door) -> dict[str, Any]:
    response = await door.client.get(door.server.make_url("/v1/openapi.json"))
    assert response.status == 200, "it needs no key"
    return dict(await response.json())


async def test_document__then_every_route_stands_in_it_with_all_that_may_come_back(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    for one in OPERATIONS:
        if one.scope is None:
            continue
        described = document["paths"][one.path][one.method.lower()]
        assert {"400", "401", "403", "422", "429", "500", "503", str(one.status)} <= set(described["responses"])
        assert {p["name"] for p in described.get("parameters", []) if p["in"] == "path"} == one.in_path


async def test_document__then_it_is_one_of_openapi(document: dict[str, Any]) -> None:
    assert [str(fault) for fault in OPENAPI_31_VALIDATOR.iter_errors(document)] == []
    assert list(OPENAPI_31_VALIDATOR.iter_errors(document | {"paths": 7})) != []


async def test_document__then_every_reference_leads_somewhere_and_none_is_left_over(document: dict[str, Any]) -> None:
    named = set(re.findall(r"#/components/schemas/([\w-]+)", str(document)))
    assert named == set(document["components"]["schemas"])


async def test_document__then_wide_integers_are_texts(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert schemas["PreviewAsked"]["properties"]["loan_amount"]["anyOf"][0]["type"] == "string"
    assert schemas["RequestView"]["properties"]["fee_wei"]["type"] == "string"
    assert schemas["PreviewAsked"]["additionalProperties"] is False


async def test_page__then_it_runs_no_script_but_ours_and_asks_nobody_else(door: Door) -> None:
    response = await door.client.get(door.server.make_url("/v1/docs"))
    page = await response.text()
    policy = response.headers["Content-Security-Policy"]
    assert response.status == 200
    assert "script-src 'self';" in policy
    assert "default-src 'none'" in policy
    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
    assert re.findall(r"(?:src|href|spec-url)=\"([^\"]+)\"", page) == [
        "docs/rapidoc-min.js", "openapi.json", "openapi.json",
    ]  # fmt: skip
    script = await door.client.get(door.server.make_url("/v1/docs/rapidoc-min.js"))
    assert (script.status, script.content_type) == (200, "text/javascript")
    assert len(await script.read()) > 500_000


def test_page__then_what_it_is_made_of_ships_with_its_licence() -> None:
    static = files("oracle.web.api") / "static"
    assert "MIT License" in (static / "rapidoc-LICENSE.txt").read_text()


@pytest.mark.parametrize("path", ["/v1/docs/../../etc/passwd", "/v1/docs/%2e%2e/reads.py", "/v1/docs/docs.html"])
async def test_page__then_no_other_file_is_served(door: Door, path: str) -> None:
    assert (await door.ask("GET", path)).status == 404


def test_guide__then_it_has_every_route_and_no_other() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
    told = {
        re.sub(r"{\w+}", "{}", f"{method} {path}")
        for method, path in re.findall(r"(GET|POST|DELETE) (/v1/[\w/{}]+)", guide)
    }
    described = [one for one in OPERATIONS if one.scope is not None or one.limited]
    there = {f"{one.method} /v1{re.sub(r'{[a-z_]+}', '{}', one.path)}" for one in described}
    assert told == there


def test_guide__then_its_python_is_right() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(example, "docs/api.md", "exec"), names)  # noqa: S102
    called = set(re.findall(r"oracle\.(\w+)\(", example))
    assert called == {"assess", "ask", "wait", "events"}
    assert all(hasattr(names["RiskOracle"], name) for name in called)
