"""The OpenAPI document, made from the routes' declarations: what is checked is what is documented."""

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, Final

from pydantic import TypeAdapter

from oracle.web.api.calls import JSON, Operation
from oracle.web.api.once import IDEMPOTENCY_KEY
from oracle.web.api.problems import MEDIA_TYPE, Kind, ProblemBody

_REF: Final = "#/components/schemas/{model}"
_ABOUT: Final = """\
Numbers that may pass 2^53 are texts of decimal digits, both ways. Addresses are taken in one case, or with the checksum
of EIP-55, and told with it. What goes wrong is `application/problem+json` (RFC 9457), whose `errors` name the fields.
A 429 or a 503 says in `Retry-After` when to try again."""

_SUBJECTS: Final = {
    "oracle": "Assessments",
    "assessments": "Assessments",
    "requests": "Requests",
    "models": "Models",
    "passports": "Private data",
    "verify": "Verification",
    "events": "Events and webhooks",
    "webhooks": "Events and webhooks",
    "openapi.json": "This document",
    "docs": "This document",
}
"""What a route is about, by the first part of its path; the viewer lists routes by it."""


def _subject_of(one: Operation) -> str:
    return _SUBJECTS[one.path.split("/")[1]]


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of a list of routes, all below /v1."""
    schemas, definitions = _schemas(operations)
    paths: dict[str, Any] = {}
    for one in operations:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "AI Risk Oracle",
            "version": version("risk-oracle"),
            "summary": "Proven credit-risk assessments of wallets",
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/v1"}],
        "tags": [{"name": subject} for subject in dict.fromkeys(map(_subject_of, operations))],
        "paths": paths,
        "components": {
            "schemas": definitions,
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "made by `risk-oracle keys create`"}
            },
        },
    }


_Schemas = dict[tuple[str, str], dict[str, Any]]


def _schemas(operations: Sequence[Operation]) -> tuple[_Schemas, dict[str, Any]]:
    wanted: list[tuple[str, Any, TypeAdapter[Any]]] = [("problem", "serialization", TypeAdapter(ProblemBody))]
    for one in operations:
        wanted.append((f"{one.name} answer", "serialization", TypeAdapter(one.answer)))
        if one.body is not None:
            wanted.append((f"{one.name} body", "validation", TypeAdapter(one.body)))
    found, shared = TypeAdapter.json_schemas(wanted, ref_template=_REF)
    return {(name, mode): schema for (name, mode), schema in found.items()}, dict(shared.get("$defs", {}))


def _operation(one: Operation, schemas: _Schemas) -> dict[str, Any]:
    answer = schemas[f"{one.name} answer", "serialization"]
    responses: dict[str, Any] = {
        str(one.status): {"description": "Done", "content": {one.media: {"schema": answer}}}
        if one.answer is not None
        else {"description": "Done"}
    }
    for status, kinds in sorted(_kinds_of(one).items()):
        responses[str(status)] = {
            "description": "; or: ".join(kind.title for kind in kinds),
            "content": {MEDIA_TYPE: {"schema": schemas["problem", "serialization"]}},
        }
        if status in (Kind.TOO_MANY.status, Kind.UNAVAILABLE.status):
            responses[str(status)]["headers"] = {
                "Retry-After": {"schema": {"type": "integer"}, "description": "seconds"}
            }
    described: dict[str, Any] = {
        "operationId": one.name,
        "tags": [_subject_of(one)],
        "summary": one.summary,
        "responses": responses,
    }
    if one.description:
        described["description"] = one.description
    if parameters := _parameters(one):
        described["parameters"] = parameters
    if one.body is not None:
        content = {JSON: {"schema": schemas[f"{one.name} body", "validation"]}}
        described["requestBody"] = {"required": True, "content": content}
    described["security"] = [] if one.scope is None else [{"key": []}]
    if one.scope is not None:
        described["x-scope"] = one.scope.value
    return described


def _kinds_of(one: Operation) -> dict[int, list[Kind]]:
    kinds = [Kind.MALFORMED, Kind.INVALID, Kind.FAULT, Kind.UNAVAILABLE, *one.problems]
    if one.scope is not None:
        kinds += [Kind.NO_KEY, Kind.NOT_ALLOWED, Kind.TOO_MANY]
    if one.limited:
        kinds.append(Kind.TOO_MANY)
    if one.body is not None:
        kinds += [Kind.TOO_SLOW, Kind.TOO_LARGE, Kind.NOT_JSON]
    if one.repeatable:
        kinds.append(Kind.CONFLICT)
    by_status: dict[int, list[Kind]] = {}
    for kind in dict.fromkeys(kinds):
        by_status.setdefault(kind.status, []).append(kind)
    return by_status


def _parameters(one: Operation) -> list[dict[str, Any]]:
    schema = one.parameters.model_json_schema()
    found = [
        {
            "name": name,
            "in": "path" if name in one.in_path else "header" if name in one.in_headers else "query",
            "required": name in one.in_path or name in schema.get("required", []),
            "schema": _plain(described),
            **({"description": described["description"]} if "description" in described else {}),
        }
        for name, described in schema.get("properties", {}).items()
    ]
    if one.repeatable:
        repeated = {"type": "string", "pattern": "^[\\x21-\\x7e]{1,255}$"}
        text = "the same key and body get the same answer for a day, and do nothing twice"
        found.append(
            {"name": IDEMPOTENCY_KEY, "in": "header", "required": False, "schema": repeated, "description": text}
        )
    return found


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a parameter's schema: it is left out where a field would be null, and texts all of them."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind.get("type") != "null"]
    if len(kinds) == 1 and len(kinds) < len(schema["anyOf"]):
        schema = {**{name: one for name, one in schema.items() if name not in ("anyOf", "default")}, **kinds[0]}
    return {name: one for name, one in schema.items() if name not in ("title", "description")}
