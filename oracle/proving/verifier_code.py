"""The code of a generated verifier without a compiler: the shipped circuits' code, with a key's numbers put in.

Two keys of one circuit differ in their verifiers only by numbers (points, and a digest). The code the compiler
makes of them differs by these numbers, and by what moves where one begins with zero bytes, which it leaves out.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from eth_utils.crypto import keccak

from oracle.proving.errors import KeysFault

_NUMBER: Final = re.compile(
    r"(mstore\(0x[0-9a-f]{4}, )(0x[0-9a-f]{64})"
    r"(\) // (?:vk_digest|neg_s_g2_\w+|(?:fixed|permutation)_comms\[\d+\]\.[xy])\n)"
)
# Points that no reference string changes (zero, the generator) are smaller than this, a key's numbers larger.
_LEAST_NUMBER: Final = 2**200
# What is used several times lies with the code's data, unless it is shorter than this: then it stands in each place.
_LEAST_DATA: Final = 2**240
_PUSH0: Final = 0x5F
_WORD_BYTES: Final = 32
_JUMP_BYTES: Final = 2


@dataclass(frozen=True, slots=True)
class VerifierCode:
    """What is sent to create a verifier, and what then stands on the chain."""

    creation: bytes
    runtime: bytes


class UnknownCircuit(KeysFault):
    """The verifier is of a circuit whose compiled code is not shipped."""


def verifier_code(source: Path) -> VerifierCode:
    """Return what the compiler makes of a generated verifier, byte for byte, without one.

    Raises UnknownCircuit when no shipped circuit has such a verifier (or, once in 12,000 keys, when the compiler would
    lay its digest elsewhere), KeysFault when the file is missing.
    """
    try:
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise KeysFault(f"{source} cannot be read ({error}): make the keys with `risk-oracle setup`") from error
    numbers = _numbers_of(text)
    shape = hashlib.sha256(_without(text, numbers).encode()).hexdigest()
    template, values = _templates().get(shape), [int(number, 16) for number in numbers]
    if template is None or any(values[word] < _LEAST_DATA for word in template["data"] if isinstance(word, int)):
        raise UnknownCircuit(
            f"{source} is the verifier of a circuit that this release brings no compiled code for: compile it in a "
            "checkout (`make contracts`) and name the folder with --build"
        )
    return _filled(template, values)


def _numbers_of(text: str) -> list[str]:
    """Return a verifier's numbers in the order in which they first appear."""
    found = (match[2] for match in _NUMBER.finditer(text))
    return list(dict.fromkeys(number for number in found if int(number, 16) >= _LEAST_NUMBER))


def _without(text: str, numbers: list[str]) -> str:
    places = {number: index for index, number in enumerate(numbers)}

    def hole(match: re.Match[str]) -> str:
        return f"{match[1]}#{places[match[2]]}{match[3]}" if match[2] in places else match[0]

    return _NUMBER.sub(hole, text)


@cache
def _templates() -> dict[str, dict[str, Any]]:
    """Return the shipped circuits' code by the hash of their verifiers' shape; scripts/artifacts.mjs writes them."""
    folder = files("oracle.proving") / "verifiers"
    loaded = [json.loads(file.read_text()) for file in folder.iterdir() if file.name.endswith(".json")]
    return {template["source_sha256"]: template for template in loaded}


def _filled(template: dict[str, Any], numbers: list[int]) -> VerifierCode:
    code = bytes.fromhex(template["code"])
    values = dict(template["number_places"])
    data = [numbers[word] if isinstance(word, int) else int(word, 16) for word in template["data"]]
    words = [value.to_bytes(_WORD_BYTES, "big") for value in data]
    # The compiler lays data out by hash.
    order = sorted(range(len(words)), key=lambda index: keccak(words[index]))
    pieces: list[bytes] = []
    position, shortened = 0, 0
    moved: list[tuple[int, int]] = []  # from which old place on, by how many bytes
    for place in sorted(values):
        number = numbers[values[place]]
        length = (number.bit_length() + 7) // 8
        pieces += [code[position:place], bytes([_PUSH0 + length]), number.to_bytes(length, "big")]
        position = place + 1 + _WORD_BYTES
        shortened += _WORD_BYTES - length
        moved.append((position, shortened))
    pieces.append(code[position:])
    runtime = bytearray(b"".join(pieces))

    def now(place: int) -> int:
        return place - next((by for since, by in reversed(moved) if place >= since), 0)

    for place in template["tag_places"]:
        target = int.from_bytes(code[place + 1 : place + 1 + _JUMP_BYTES], "big")
        _write(runtime, now(place), now(target))
    for place, index in template["data_places"]:
        _write(runtime, now(place), len(runtime) + _WORD_BYTES * order.index(index))
    runtime += b"".join(words[index] for index in order) + bytes.fromhex(template["trailer"])
    before = len(code) + _WORD_BYTES * len(words) + len(template["trailer"]) // 2
    creation = bytes.fromhex(template["creation"])
    size, smaller = before.to_bytes(_JUMP_BYTES, "big"), len(runtime).to_bytes(_JUMP_BYTES, "big")
    if creation.count(size) != 1:
        raise ValueError("the shipped verifier's creation code does not name its length once")
    return VerifierCode(creation.replace(size, smaller) + bytes(runtime), bytes(runtime))


def _write(runtime: bytearray, place: int, value: int) -> None:
    runtime[place + 1 : place + 1 + _JUMP_BYTES] = value.to_bytes(_JUMP_BYTES, "big")
