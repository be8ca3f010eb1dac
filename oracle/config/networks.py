"""The registry of networks: where the protocols stand, as defaults of the history's settings."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Final

REGISTRY: Final = Path(__file__).parent / "networks.toml"
_EVENTS: Final = "events"


@cache
def registry() -> dict[str, dict[str, Any]]:
    """Return the whole registry: a table a network, and the events' topics."""
    loaded: dict[str, dict[str, Any]] = tomllib.loads(REGISTRY.read_text(encoding="utf-8"))
    return loaded


def networks() -> dict[str, dict[str, Any]]:
    """Return the networks by name: their `chain_id`, and otherwise settings of the history."""
    return {name: table for name, table in registry().items() if name != _EVENTS}


def with_defaults(values: dict[str, Any]) -> dict[str, Any]:
    """Return a history's settings with what its `network` gives for the keys that it leaves out.

    Raises ValueError for a network that the registry does not have.
    """
    name = values.get("network")
    if name is None:
        return values
    known = networks()
    if name not in known:
        raise ValueError(f"network {name!r} is not in the registry: expected one of {', '.join(known)}")
    return {key: value for key, value in known[name].items() if key != "chain_id"} | values
