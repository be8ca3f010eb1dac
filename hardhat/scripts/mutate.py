"""Breaks each check of the contracts once, and runs the Solidity tests against it: every mutant must be killed.

    python hardhat/scripts/mutate.py [--only SUBSTRING] [--from NUMBER]

All mutants are compiled at once, into a copy below build/mutants, and a test run chooses mutant n by giving the
address M that balance: each part of a check `if (a || b) revert` becomes `(a && M.balance != n)`, each part of an
`a && b`, there or behind a `return`, becomes `(a || M.balance == n)`, and a modifier does nothing when the balance is n.
Each survivor is named; exit code 1 if there is any that is not known to be equivalent.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from oracle.devnet.machinery.node import REPOSITORY, node_binary

HARDHAT = REPOSITORY / "hardhat"
COPY = REPOSITORY / "build" / "mutants"
SWITCH = "address(0x4d7574616e74)"
# The adapters are tested from Python, against the real services.
SKIPPED = ("contracts/adapters/", "contracts/devnet/", "contracts/examples/", "contracts/mocks/")
# What makes each test contract switch on the mutant that the environment names.
SWITCHED_ON = (
    ("    error NotEqual(", f'    constructor() {{ vm.deal({SWITCH}, vm.envOr("MUTANT", uint256(0))); }}\n\n'),
    ("    function deal(", "    function envOr(string calldata name, uint256 value) external view returns (uint);\n"),
)
CHECK = re.compile(r"\bif \(")
REFUSAL = re.compile(r"\s*(\{\s*)?(revert\b|(return )?_refuse\(|return;)")
CONJUNCTION = re.compile(r"(?<=\breturn)\s[^;{}]*?&&[^;{}]*(?=;)")
MODIFIERS = {
    "restricted": "_checkCanCall(_msgSender(), msg.data);",
    "whenNotPaused": "_requireNotPaused();",
}
GUARD = "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol"
# Entry and exit alike: a guard that is off at the entry must leave alone what an outer call holds.
SWITCHED_GUARD = f"""    modifier nonReentrantUnless(uint256 mutant) {{
        if ({SWITCH}.balance != mutant) _nonReentrantBefore();
        _;
        if ({SWITCH}.balance != mutant) _nonReentrantAfter();
    }}

"""
# Mutants that behave like the original, as "file: function: text", and why.
EQUIVALENT = {
    "contracts/AIRiskOracle.sol: _checkConsent: && failed == ECDSA.RecoverError.NoError": "recovers zero: no user",
    "contracts/OracleViews.sol: isFresh: && found": "what was not found expires at zero",
    "contracts/access/SignerSet.sol: _checkSignatures: && signer != lowest": "spares a read: the lowest is registered",
}


class Mutants:
    """The list of mutants made so far; number n is the balance that switches mutant n on."""

    def __init__(self) -> None:
        self.places: list[str] = []
        self.names: list[str] = []

    def add(self, file: str, before: str, text: str) -> int:
        """Note a mutant that stands behind `before` in the file, and return its number."""
        function = re.findall(r"^    (?:function )?(\w+)\(", before, re.MULTILINE)[-1]
        name = f"{function}: {' '.join(text.split())}"
        line = before.count("\n") + 1
        self.places.append(f"{file}:{line}: {name[:110]}")
        self.names.append(f"{file}: {name}")
        return len(self.places)


def main() -> None:
    parser = argparse.ArgumentParser(description="Mutation test of the contracts' checks.")
    parser.add_argument("--only", default="", help="only mutants whose place contains this")
    parser.add_argument("--from", type=int, default=1, dest="first", help="go on at this number, after a break")
    arguments = parser.parse_args()
    subprocess.run([sys.executable, str(HARDHAT / "scripts" / "fixtures.py")], check=True)  # noqa: S603
    mutants = make_copy()
    if unknown := EQUIVALENT.keys() - set(mutants.names):
        sys.exit(f"listed as equivalent, but there is no such mutant: {', '.join(sorted(unknown))}")
    started = time.monotonic()
    print(f"{len(mutants.places)} mutants; compiling them together", flush=True)
    if not passes(0):
        sys.exit("the tests fail without any mutant: mend that first")
    chosen = [n for n, place in enumerate(mutants.places, start=1) if n >= arguments.first and arguments.only in place]
    killed = 0
    wrong = []
    for number in chosen:
        place = mutants.places[number - 1]
        equivalent = EQUIVALENT.get(mutants.names[number - 1])
        survived = passes(number)
        verdict = ("equivalent" if equivalent else "SURVIVED") if survived else "killed"
        print(f"{number:3} {verdict:10} {place}{f' ({equivalent})' if equivalent else ''}", flush=True)
        killed += not survived
        # One that is listed and killed is not equivalent: the list lies.
        if survived != bool(equivalent):
            wrong.append(place)
    print(f"{len(chosen)} mutants, {killed} killed, {len(wrong)} wrong, in {time.monotonic() - started:.0f} s")
    sys.exit(1 if wrong else 0)


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
    guard = (HARDHAT / "node_modules" / GUARD).read_text().replace('"./', f'"{os.path.dirname(GUARD)}/')
    write(COPY / "contracts" / "Guard.sol", guard.replace("    modifier ", SWITCHED_GUARD + "    modifier ", 1))
    for source in sorted((HARDHAT / "tests").rglob("*.sol")):
        text = source.read_text()
        if source.name == "Vm.sol":
            for anchor, added in SWITCHED_ON:
                text = text.replace(anchor, added + anchor, 1)
        else:
            text = impure(text)
        write(COPY / "hardhat" / source.relative_to(HARDHAT), text)
    (COPY / "hardhat" / "scripts").mkdir(exist_ok=True)
    for name in ("package.json", "tsconfig.json", "scripts/compilers.mjs"):
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
        if not REFUSAL.match(text, end + 1):
            continue
        parts = []
        for part in split(text[match.end() : end], "||"):
            number = mutants.add(name, text[: match.start()], f"if ({part})")
            both = each_part(part, name, text[: match.start()], mutants)
            parts.append(f"(({both}) && {SWITCH}.balance != {number})")
        out.append(text[position : match.end()] + " || ".join(parts))
        position = end
    text = "".join(out) + text[position:]
    text = CONJUNCTION.sub(lambda match: " " + each_part(match[0], name, match.string[: match.start()], mutants), text)
    for modifier, check in MODIFIERS.items():
        parts = re.split(rf"(?<= ){modifier} (?=[^;{{]*\{{)", text)
        rebuilt = parts[0]
        for part in parts[1:]:
            number = mutants.add(name, rebuilt, modifier)
            rebuilt += part.replace("{", f"{{ if ({SWITCH}.balance != {number}) {check} ", 1)
        text = rebuilt
    text = re.sub(r"\bnonReentrant (?=[^;{]*\{)", lambda match: guard(match, name, mutants), text)
    return impure(text.replace(GUARD, ("../" * (name.count("/") - 1) or "./") + "Guard.sol"))


def each_part(condition: str, name: str, before: str, mutants: Mutants) -> str:
    """Return a conjunction that stands behind `before`, with a switch in each of its parts."""
    parts = split(condition, "&&")
    if len(parts) == 1:
        return condition
    numbers = [mutants.add(name, before, f"&& {part}") for part in parts]
    return " && ".join(
        f"(({part}) || {SWITCH}.balance == {number})" for part, number in zip(parts, numbers, strict=True)
    )


def guard(match: re.Match[str], name: str, mutants: Mutants) -> str:
    """Return the guard of one function with a switch in it."""
    number = mutants.add(name, match.string[: match.start()], "nonReentrant")
    return f"nonReentrantUnless({number}) "


def split(condition: str, operator: str) -> list[str]:
    """Return the parts of a condition: the operator counts where no parenthesis is open."""
    parts, depth = [""], 0
    for token in re.split(rf"({re.escape(operator)}|[()])", condition):
        depth += {"(": 1, ")": -1}.get(token, 0)
        if token == operator and depth == 0:
            parts.append("")
        else:
            parts[-1] += token
    return [part.strip() for part in parts]


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
