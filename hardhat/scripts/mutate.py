"""Breaks each check of the contracts once, and runs the Solidity tests against it: every mutant must be killed.

    python hardhat/scripts/mutate.py [--only SUBSTRING]

All mutants are compiled at once, into a copy below build/mutants: a check `if (c) revert` becomes
`if (c && M.balance != n) revert`, each part of a `return a && b` becomes `(a || M.balance == n)`, and a test run
chooses mutant n by giving the address M that balance.
Each survivor is named; exit code 1 if there is any.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from oracle.devnet.node import REPOSITORY, node_binary

HARDHAT = REPOSITORY / "hardhat"
COPY = REPOSITORY / "build" / "mutants"
SWITCH = "address(0x4d7574616e74)"
# The adapters are tested from Python, against the real services.
SKIPPED = ("contracts/adapters/", "contracts/devnet/", "contracts/examples/")
# What makes each test contract switch on the mutant that the environment names.
SWITCHED_ON = (
    ("    error NotEqual(", f'    constructor() {{ vm.deal({SWITCH}, vm.envOr("MUTANT", uint256(0))); }}\n\n'),
    ("    function deal(", "    function envOr(string calldata name, uint256 value) external view returns (uint);\n"),
)
CHECK = re.compile(r"\bif \(")
CONJUNCTION = re.compile(r"(?<=\breturn)\s[^;{}]*?&&[^;{}]*(?=;)")
MODIFIERS = {
    "restricted": "_checkCanCall(_msgSender(), msg.data);",
    "whenNotPaused": "_requireNotPaused();",
}


class Mutants:
    """The list of mutants made so far; number n is the balance that switches mutant n on."""

    def __init__(self) -> None:
        self.places: list[str] = []

    def add(self, file: str, line: int, text: str) -> int:
        self.places.append(f"{file}:{line}: {' '.join(text.split())[:110]}")
        return len(self.places)


def main() -> None:
    parser = argparse.ArgumentParser(description="Mutation test of the contracts' checks.")
    parser.add_argument("--only", default="", help="only mutants whose place contains this")
    arguments = parser.parse_args()
    subprocess.run([sys.executable, str(HARDHAT / "scripts" / "fixtures.py")], check=True)  # noqa: S603
    mutants = make_copy()
    started = time.monotonic()
    print(f"{len(mutants.places)} mutants; compiling them together", flush=True)
    if not passes(0):
        sys.exit("the tests fail without any mutant: mend that first")
    survivors = []
    for number, place in enumerate(mutants.places, start=1):
        if arguments.only not in place:
            continue
        survived = passes(number)
        print(f"{number:3} {'SURVIVED' if survived else 'killed  '} {place}", flush=True)
        if survived:
            survivors.append(place)
    print(f"{len(survivors)} survived, in {time.monotonic() - started:.0f} s")
    sys.exit(1 if survivors else 0)


def make_copy() -> Mutants:
    """Write the mutated project below build/mutants."""
    shutil.rmtree(COPY / "hardhat" / "tests", ignore_errors=True)
    shutil.rmtree(COPY / "contracts", ignore_errors=True)
    (COPY / "hardhat").mkdir(parents=True, exist_ok=True)
    (COPY / "build").mkdir(exist_ok=True)
    mutants = Mutants()
    for source in sorted((REPOSITORY / "contracts").rglob("*.sol")):
        name = source.relative_to(REPOSITORY).as_posix()
        text = source.read_text()
        write(COPY / name, text if name.startswith(SKIPPED) else mutate(name, text, mutants))
    for source in sorted((HARDHAT / "tests").rglob("*.sol")):
        text = source.read_text()
        if source.name == "Vm.sol":
            for anchor, added in SWITCHED_ON:
                text = text.replace(anchor, added + anchor, 1)
        else:
            text = impure(text)
        write(COPY / "hardhat" / source.relative_to(HARDHAT), text)
    for name in ("package.json", "tsconfig.json"):
        shutil.copyfile(HARDHAT / name, COPY / "hardhat" / name)
    config = (HARDHAT / "hardhat.config.ts").read_text()
    config = re.sub(r"fuzz: \{[^}]*\}", 'fuzz: { runs: 24, seed: "0x7269736b" }', config)
    config = re.sub(r"invariant: \{[^}]*\}", "invariant: { runs: 4, depth: 48 }", config)
    # The fixtures are a link to the real ones.
    config = config.replace("readDirectory: [build]", f'readDirectory: [build, "{REPOSITORY / "build"}"]')
    (COPY / "hardhat" / "hardhat.config.ts").write_text(config)
    for link, target in {
        "hardhat/contracts": "../contracts",
        "hardhat/verifiers": "../build/keys",
        "hardhat/node_modules": os.path.relpath(HARDHAT / "node_modules", COPY / "hardhat"),
        "build/keys": os.path.relpath(REPOSITORY / "build" / "keys", COPY / "build"),
        "build/fixtures": os.path.relpath(REPOSITORY / "build" / "fixtures", COPY / "build"),
    }.items():
        path = COPY / link
        if not path.is_symlink():
            path.symlink_to(target)
    return mutants


def mutate(name: str, text: str, mutants: Mutants) -> str:
    """Return the source with a switch in each of its checks."""
    out, position = [], 0
    for match in CHECK.finditer(text):
        end = closing(text, match.end() - 1)
        if not re.match(r"\s*(\{\s*)?(revert|return _refuse|return;)", text[end + 1 :]):
            continue
        line = text.count("\n", 0, match.start()) + 1
        condition = text[match.end() : end]
        number = mutants.add(name, line, f"if ({condition})")
        out.append(text[position : match.end()] + f"({condition}) && {SWITCH}.balance != {number}")
        position = end
    text = "".join(out) + text[position:]
    text = CONJUNCTION.sub(lambda match: each_part(match, name, mutants), text)
    for modifier, check in MODIFIERS.items():
        parts = re.split(rf"(?<= ){modifier} (?=[^;{{]*\{{)", text)
        rebuilt = parts[0]
        for part in parts[1:]:
            function = re.findall(r"function (\w+)", rebuilt)[-1]
            number = mutants.add(name, rebuilt.count("\n") + 1, f"{function}: {modifier}")
            rebuilt += part.replace("{", f"{{ if ({SWITCH}.balance != {number}) {check} ", 1)
        text = rebuilt
    return impure(text)


def each_part(match: re.Match[str], name: str, mutants: Mutants) -> str:
    """Return a conjunction with a switch in each of its parts."""
    line = match.string.count("\n", 0, match.start()) + 1
    parts = []
    for part in match[0].split("&&"):
        number = mutants.add(name, line, f"&& {part}")
        parts.append(f" (({part.strip()}) || {SWITCH}.balance == {number}) ")
    return "&&".join(parts)


def impure(text: str) -> str:
    """Return the source with pure functions made view: a switch reads a balance."""
    return re.sub(r"\bpure\b(?! override returns \(uint8\) \{\n        return 6)", "view", text)


def closing(text: str, opening: int) -> int:
    """Return where the parenthesis that opens at `opening` closes."""
    depth = 0
    for index in range(opening, len(text)):
        depth += {"(": 1, ")": -1}.get(text[index], 0)
        if depth == 0:
            return index
    raise ValueError("unbalanced parentheses")


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def passes(mutant: int) -> bool:
    """Run the tests against one mutant; 0 is none."""
    command = [str(node_binary()), "node_modules/hardhat/dist/src/cli.js", "test", "solidity"]
    environment = os.environ | {"MUTANT": str(mutant)}
    ended = subprocess.run(  # noqa: S603
        command, cwd=COPY / "hardhat", env=environment, capture_output=True, text=True, check=False
    )
    if mutant == 0 and ended.returncode != 0:
        print(ended.stdout[-6000:], ended.stderr[-3000:], file=sys.stderr)
    return ended.returncode == 0


if __name__ == "__main__":
    main()
