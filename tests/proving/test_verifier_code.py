"""The code of generated verifiers, made without a compiler, against the compiler's."""

import json
import re
import subprocess
from pathlib import Path
from random import Random

import pytest

from oracle.devnet.machinery.artifacts import verifier
from oracle.devnet.machinery.node import REPOSITORY, node_binary
from oracle.models.registry import ShippedModel
from oracle.processes import ProgramError
from oracle.proving.errors import KeysFault
from oracle.proving.keys import VERIFIER, Keys
from oracle.proving.verifier_code import UnknownCircuit, VerifierCode, verifier_code

_NUMBERS = re.compile(r"0x[0-9a-f]{64}(?=\) // (?:vk_digest|neg_s_g2|fixed_comms|permutation_comms))")


def _compiled(*sources: Path) -> list[VerifierCode]:
    script = REPOSITORY / "hardhat" / "scripts" / "verifier.mjs"
    command = [str(node_binary()), str(script), *map(str, sources)]
    made = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return [
        VerifierCode(bytes.fromhex(one["bytecode"][2:]), bytes.fromhex(one["deployedBytecode"][2:])) for one in made
    ]


def _with_numbers_that_begin_with_zeros(source: Path, target: Path, seed: int) -> Path:
    """The verifier of another imaginary key: the compiler leaves leading zero bytes out, and all that follows moves."""
    text, random = source.read_text(), Random(seed)  # noqa: S311 - numbers for a test
    numbers = [number for number in dict.fromkeys(_NUMBERS.findall(text)) if int(number, 16) >= 2**200]
    zeros = [random.choice((0, 0, 0, 1, 2, 4)) for _ in numbers]
    zeros[0] = seed % 2  # the digest is used twice, and so lies with the data of the code
    others = {
        number: f"0x{(1 << 252 | random.getrandbits(252)) >> 8 * count:064x}"
        for number, count in zip(numbers, zeros, strict=True)
    }
    target.write_text(_NUMBERS.sub(lambda number: others.get(number[0], number[0]), text))
    return target


@pytest.mark.timeout(600)
def test_verifier_code__of_other_keys_of_the_circuit__is_the_compilers_byte_for_byte(
    keys: Keys, tmp_path: Path
) -> None:
    tree = REPOSITORY / "build" / "keys" / "credit-v1" / VERIFIER
    imagined = [_with_numbers_that_begin_with_zeros(tree, tmp_path / f"{seed}.sol", seed) for seed in range(6)]
    sources = [keys.verifier_source, tree, *imagined]
    codes = [verifier_code(source) for source in sources]
    assert len({code.runtime for code in codes}) == len(codes)
    assert len({len(code.runtime) for code in codes}) > 2, "numbers of several lengths are what this is about"
    assert codes == _compiled(*sources)


def test_verifier_code__of_the_trees_keys__is_what_the_build_has() -> None:
    try:
        built = verifier("credit-v1")
    except ProgramError as error:
        pytest.fail(f"the contracts are not compiled: {error}")
    made = verifier_code(REPOSITORY / "build" / "keys" / "credit-v1" / VERIFIER)
    assert built.bytecode == "0x" + made.creation.hex()


def test_verifier_code__when_anything_but_a_number_differs__then_the_circuit_is_unknown(
    keys: Keys, shipped: ShippedModel, tmp_path: Path
) -> None:
    text = keys.verifier_source.read_text()
    for before, after in (
        (", 0x" + "0" * 63 + "c) // k\n", ", 0x" + "0" * 63 + "d) // k\n"),  # k, which is the circuit's
        ("return(0x00, 0x20)", "return(0x20, 0x20)"),
    ):
        assert before in text
        other = tmp_path / VERIFIER
        other.write_text(text.replace(before, after))
        with pytest.raises(UnknownCircuit, match="make contracts"):
            verifier_code(other)


def test_verifier_code__of_a_digest_that_the_compiler_would_lay_elsewhere__is_left_to_the_compiler(
    keys: Keys, tmp_path: Path
) -> None:
    text = keys.verifier_source.read_text()
    digest = re.search(r"0x[0-9a-f]{64}(?=\) // vk_digest)", text)
    assert digest is not None
    short = tmp_path / VERIFIER
    short.write_text(text.replace(digest[0], f"0x{2**240 - 1:064x}"))
    with pytest.raises(UnknownCircuit, match="make contracts"):
        verifier_code(short)


def test_verifier_code__without_the_file__then_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(KeysFault, match="risk-oracle setup"):
        verifier_code(tmp_path / VERIFIER)
