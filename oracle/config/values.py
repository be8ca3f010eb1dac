"""What a setting's value may be: addresses, endpoints, keys, durations; and what every section is."""

import json
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from oracle.assessment.errors import InvalidRequest
from oracle.assessment.request import Address, to_address

_CURVE_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def _address(value: str) -> Address:
    try:
        return to_address(value)
    except InvalidRequest:
        # A key or an endpoint may have been pasted here: only what can be a mistyped address is repeated.
        shown = repr(value) if value[:2].lower() == "0x" and len(value) <= 44 else f"a text of {len(value)} characters"
        raise ValueError(f"{shown} is not an address: expected 0x and 40 hex digits") from None


def _not_zero(value: Address) -> Address:
    if int(value, 16) == 0:
        raise ValueError("is the zero address: expected a contract's address")
    return value


def private_key(value: SecretStr) -> SecretStr:
    digits = value.get_secret_value().strip().removeprefix("0x")
    # The value itself never stands in a message.
    if len(digits) != 64 or not all(c in "0123456789abcdefABCDEF" for c in digits):
        raise ValueError("is not a private key: expected 64 hex digits")
    if not 0 < int(digits, 16) < _CURVE_ORDER:
        raise ValueError("is not a private key: expected a number above zero and below the order of secp256k1")
    return SecretStr("0x" + digits)


def endpoint(*schemes: str) -> AfterValidator:
    def check(value: SecretStr) -> SecretStr:
        if not value.get_secret_value().startswith(schemes):
            raise ValueError(f"is not an endpoint: expected a URL that starts with {' or '.join(schemes)}")
        return value

    return AfterValidator(check)


def endpoints(value: Any) -> SecretStr | tuple[SecretStr, ...]:
    """Take one endpoint, or several: a list, a JSON list (environment), or one a line (a secret's file)."""
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except json.JSONDecodeError:
            raise ValueError("is not a JSON list of endpoints") from None
    listed = value.split() or [""] if isinstance(value, str) else value
    if not isinstance(listed, list | tuple) or not listed:
        raise ValueError("is not an endpoint: expected a URL or a list of them")
    urls = [url.get_secret_value() if isinstance(url, SecretStr) else url for url in listed]
    if not all(isinstance(url, str) and url.startswith(("http://", "https://")) for url in urls):
        raise ValueError("is not an endpoint: expected a URL that starts with http:// or https://")
    if len(set(urls)) < len(urls):
        raise ValueError("names an endpoint twice: two answers of one endpoint are no agreement")
    return SecretStr(urls[0]) if len(urls) == 1 else tuple(SecretStr(url) for url in urls)


def hidden(value: SecretStr | tuple[SecretStr, ...]) -> Any:
    # The serializer of a union of secrets takes the stars for the value, and complains.
    return [str(url) for url in value] if isinstance(value, tuple) else str(value)


AnyAddress = Annotated[str, AfterValidator(_address)]
ContractAddress = Annotated[str, AfterValidator(_address), AfterValidator(_not_zero)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Section(BaseModel):
    """A table of the settings file; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)
