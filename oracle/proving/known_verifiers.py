"""Which verifier code is known to take the proofs of a key folder: what the release ships, and what was seen here."""

import contextlib
import hashlib
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from oracle.proving.errors import KeysFault
from oracle.proving.keys import SEEN, VERIFYING_KEY, Keys

_TABLE: Final = "verifiers.toml"


@dataclass(frozen=True, slots=True)
class ReleasedVerifier:
    """A verifier as released: Keccak-256 of its runtime code, for a model's keys of the shipped ceremony."""

    model_id: bytes
    k: int
    verifying_key_sha256: str
    code_hash: bytes


@cache
def released_verifiers() -> dict[bytes, ReleasedVerifier]:
    """Return the verifiers that this release knows, by model id; raises KeysFault for a damaged table."""
    return parse((files("oracle.proving") / _TABLE).read_text())


def parse(text: str) -> dict[bytes, ReleasedVerifier]:
    """Return the verifiers of a table in the form of `verifiers.toml`."""
    try:
        return {entry.model_id: entry for entry in map(_entry, tomllib.loads(text).get("verifier", []))}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise KeysFault(f"{_TABLE} is damaged ({error!r}): install this release again") from error


def entry_text(keys: Keys, name: str, code_hash: bytes) -> str:
    """Return the table's entry for keys and the runtime code that was compiled from their verifier."""
    ceremony = keys.ceremony()
    if ceremony is None:
        raise KeysFault(
            f"the keys in {keys.folder} were made with a development reference string: only keys of the ceremony have "
            "a verifier that is the same for everybody. Run `risk-oracle setup --srs production`"
        )
    fields = {
        "model": name,
        "model_id": keys.model_id.hex(),
        "ceremony": ceremony.name,
        "verifying_key_sha256": keys.sha256[VERIFYING_KEY],
        "code_hash": f"0x{code_hash.hex()}",
    }
    lines = ["[[verifier]]", *(f'{key} = "{value}"' for key, value in fields.items()), f"k = {keys.logrows}"]
    return "\n".join(lines)


def is_known(keys: Keys, code_hash: bytes) -> str | None:
    """Say how it is known that code with this hash takes the proofs of these keys; None when it is not."""
    released = released_verifiers().get(keys.model_id)
    if (
        released is not None
        and released.verifying_key_sha256 == keys.sha256[VERIFYING_KEY]
        and released.code_hash == code_hash
    ):
        return "its code is the release's, byte for byte"
    with contextlib.suppress(OSError):
        if _line(keys, code_hash) in (keys.folder / SEEN).read_text().splitlines():
            return "its code, byte for byte, took a proof of these keys before"
    return None


def remember(keys: Keys, code_hash: bytes) -> None:
    """Note that code with this hash took a proof of these keys; not in a folder that cannot be written."""
    with contextlib.suppress(OSError), (keys.folder / SEEN).open("a") as file:
        file.write(_line(keys, code_hash) + "\n")


def _line(keys: Keys, code_hash: bytes) -> str:
    return f"{keys_digest(keys)} 0x{code_hash.hex()}"


def keys_digest(keys: Keys) -> str:
    """Return one SHA-256 over those of all files: other keys, in whatever part, have another."""
    return hashlib.sha256("".join(f"{name} {keys.sha256[name]}\n" for name in sorted(keys.sha256)).encode()).hexdigest()


def _entry(fields: dict[str, Any]) -> ReleasedVerifier:
    return ReleasedVerifier(
        model_id=bytes.fromhex(fields["model_id"]),
        k=int(fields["k"]),
        verifying_key_sha256=str(fields["verifying_key_sha256"]),
        code_hash=bytes.fromhex(fields["code_hash"].removeprefix("0x")),
    )
