"""The page of the HTTP API, from the OpenAPI document that the routes' declarations make."""

from typing import Any

from oracle.web.api.application import OPERATIONS
from oracle.web.api.document import document


def openapi() -> dict[str, Any]:
    """Return the document that the daemon serves at /v1/openapi.json."""
    return document(OPERATIONS)


def page() -> str:
    """Return the page: each route with its parameters, its body, its answers; then what they are made of."""
    told = openapi()
    lines = [
        "# Routes of the HTTP API",
        "",
        "All below `/v1`. [openapi.json](openapi.json) is the same for programs; [The HTTP API](../api.md) says",
        "how to use it.",
        "",
    ]
    for path, methods in told["paths"].items():
        for method, one in methods.items():
            lines += _route(f"{method.upper()} {path}", one)
    lines += ["## What they are made of", ""]
    for name, schema in sorted(told["components"]["schemas"].items()):
        lines += _schema(name, schema)
    return "\n".join(lines) + "\n"


def _route(title: str, one: dict[str, Any]) -> list[str]:
    lines = [f"## `{title}`", "", one["summary"] + ".", "", *([one["description"], ""] if "description" in one else [])]
    if one.get("parameters"):
        lines += ["| parameter | in | type | meaning |", "|---|---|---|---|"]
        for each in one["parameters"]:
            needed = "" if each.get("required") else " (optional)"
            meaning = _cell(each.get("description") or each["schema"].get("description", ""))
            lines.append(f"| `{each['name']}`{needed} | {each['in']} | {_type(each['schema'])} | {meaning} |")
        lines.append("")
    if "requestBody" in one:
        bodies = one["requestBody"]["content"].values()
        lines += [f"Body: {', '.join(_type(body['schema']) for body in bodies)}.", ""]
    lines += ["| answer | what it says | body |", "|---|---|---|"]
    for status, answer in sorted(one["responses"].items()):
        bodies = [_type(body["schema"]) for body in answer.get("content", {}).values()]
        lines.append(f"| {status} | {_cell(answer['description'])} | {', '.join(bodies) or 'none'} |")
    return [*lines, ""]


def _schema(name: str, schema: dict[str, Any]) -> list[str]:
    lines = [f"### {name}", "", *([schema["description"], ""] if "description" in schema else [])]
    if not schema.get("properties"):
        return [*lines, f"{_type(schema)}.", ""]
    lines += ["| field | type | meaning |", "|---|---|---|"]
    for field, inner in schema["properties"].items():
        needed = "" if field in schema.get("required", ()) else " (optional)"
        lines.append(f"| `{field}`{needed} | {_type(inner)} | {_cell(inner.get('description', ''))} |")
    return [*lines, ""]


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    for key in ("oneOf", "anyOf", "allOf"):
        if key in schema:
            return " or ".join(dict.fromkeys(_type(one) for one in schema[key]))
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("type", "anything"))


def _cell(told: str) -> str:
    return " ".join(told.split()).replace("|", r"\|").replace("<", "&lt;")
