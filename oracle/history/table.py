"""The table that a wallet's features depend on: which contracts are read, and since when; canonical, and its hash.

With another table the same wallet has other features. So an operator publishes its table and registers its hash, and an
auditor reads wallets by the published one. What only says how to read (pages, ranges, APIs) is no part of it.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final, get_type_hints

from oracle.assessment.errors import ConfigurationFault, InvalidRequest
from oracle.assessment.request import Address, to_address
from oracle.history.configuration import (
    AaveV3Market,
    AttestationSchema,
    CoinPriceFeed,
    HistoryConfiguration,
    TermLender,
)
from oracle.history.markets import (
    AaveV2Market,
    CometMarket,
    CompoundV2Market,
    MakerVaults,
    UniswapV2Exchange,
    UniswapV3Exchange,
)

_KINDS: Final[dict[str, type[Any]]] = {
    "aave_v2": AaveV2Market,
    "aave_v3": AaveV3Market,
    "attestations": AttestationSchema,
    "compound_v2": CompoundV2Market,
    "compound_v3": CometMarket,
    "maker": MakerVaults,
    "term_lender": TermLender,
    "uniswap_v2": UniswapV2Exchange,
    "uniswap_v3": UniswapV3Exchange,
}
_KIND_OF: Final = {kind: name for name, kind in _KINDS.items()}
_READS: Final = ", ".join(_KINDS)
_EXCHANGES: Final = (UniswapV2Exchange, UniswapV3Exchange)
_NO_LENDING: Final = (AaveV3Market, AttestationSchema, TermLender, *_EXCHANGES)
_ADDRESSES: Final = (Address, Address | None, tuple[Address, ...])


def plain_table(configuration: HistoryConfiguration) -> dict[str, Any]:
    """Return the table as nested dictionaries, lists, integers, texts and nulls; the order of markets is its own."""
    read = (
        *configuration.aave_v3,
        *configuration.lending,
        *configuration.exchanges,
        *configuration.term_lenders,
        *configuration.attestations,
    )
    entries = [{"kind": _KIND_OF[type(one)], **asdict(one)} for one in read]
    priced_at = configuration.token_prices
    return {
        "chain_id": configuration.chain_id,
        "coin_price_feed": asdict(configuration.coin_price_feed),
        "token_prices": None if priced_at is None else priced_at.name,
        "ens_registry": configuration.ens_registry,
        "read": sorted(json.loads(json.dumps(entries)), key=lambda one: (one["kind"], one["name"])),
    }


def encode_table(table: Mapping[str, Any]) -> bytes:
    """Return the canonical bytes of a table: JSON in ASCII, keys sorted, no spaces."""
    return json.dumps(table, sort_keys=True, separators=(",", ":")).encode("ascii")


def table_hash(configuration: HistoryConfiguration) -> str:
    """Return the SHA-256 of the canonical bytes, 0x and hex digits."""
    return "0x" + hashlib.sha256(encode_table(plain_table(configuration))).hexdigest()


def configuration_of(table: Mapping[str, Any]) -> HistoryConfiguration:
    """Return what a published table points the sources at; raises ConfigurationFault that says what is wrong in it."""
    try:
        read = [_entry(one, f"read[{place}]") for place, one in enumerate(table["read"])]
        aave = {one.name: one for one in read if isinstance(one, AaveV3Market)}
        priced_at = table["token_prices"]
        found = HistoryConfiguration(
            chain_id=table["chain_id"],
            coin_price_feed=CoinPriceFeed(**table["coin_price_feed"]),
            aave_v3=tuple(aave.values()),
            lending=tuple(one for one in read if not isinstance(one, _NO_LENDING)),
            exchanges=tuple(one for one in read if isinstance(one, _EXCHANGES)),
            term_lenders=tuple(one for one in read if isinstance(one, TermLender)),
            token_prices=None if priced_at is None else aave[priced_at],
            ens_registry=table["ens_registry"],
            attestations=tuple(one for one in read if isinstance(one, AttestationSchema)),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ConfigurationFault(f"the history table is incomplete or of another release: {error!r}") from error
    if plain_table(found) != dict(table):
        raise ConfigurationFault(
            "the history table holds more than this release knows: use the release it was made with"
        )
    return found


def _entry(given: Mapping[str, Any], path: str) -> Any:
    values = dict(given)
    name = values.pop("kind")
    kind = _KINDS.get(name)
    if kind is None:
        raise ConfigurationFault(f"{path} is of kind {name!r}, which this release does not read; it reads {_READS}")
    hints = get_type_hints(kind)
    for key, value in values.items():
        if hints.get(key) is int and not isinstance(value, int):
            raise ConfigurationFault(f"{path}.{key} is {value!r}, expected a whole number")
        if isinstance(value, list):
            values[key] = tuple(value)
        several = value if isinstance(value, list) else [value] if isinstance(value, str) else []
        for address in several if hints.get(key) in _ADDRESSES else ():
            try:
                to_address(address)
            except InvalidRequest as error:
                raise ConfigurationFault(f"{path}.{key}: {error}") from None
    return kind(**values)
