"""EIP-712 messages as JSON, exact: what `eth_signTypedData_v4` takes."""

from typing import Any

from eth_utils.address import to_checksum_address


def as_json(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message with bytes as hex and the integers of its values as decimal digits; the chain id is a number."""
    domain = message["domain"]
    return message | {
        "domain": domain | {"verifyingContract": to_checksum_address(domain["verifyingContract"])},
        "message": _plain(message["message"]),
    }


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {name: _plain(one) for name, one in value.items()}
        case bytes():
            return f"0x{value.hex()}"
        case int() if not isinstance(value, bool):
            return str(value)
        case str() if value.startswith("0x") and len(value) == 42:
            return to_checksum_address(value)
    return value
