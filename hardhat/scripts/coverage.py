"""Measures which lines and branches of the project's contracts the Solidity tests reach, with forge.

    python hardhat/scripts/coverage.py

Exit code 1 when a test fails, or when less than 95 % of the lines or of the branches is reached. Branches are those of
`if`, `require` and `try`; lines in assembly count as never reached, because the compiler does not say where they went.
"""

import os
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass, field

from oracle.devnet.machinery.node import REPOSITORY, foundry_binary, node_binary

HARDHAT = REPOSITORY / "hardhat"
LCOV = REPOSITORY / "build" / "coverage" / "lcov.info"
REQUIRED_PERCENT = 95
# The adapters are tested from Python, against the real services; the rest of these stands on local chains only.
SKIPPED = ("contracts/adapters/", "contracts/devnet/")


@dataclass
class Reached:
    """How often each line, and each branch, of a file was reached."""

    lines: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    branches: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def main() -> None:
    measure()
    files = read(LCOV.read_text())
    if not files:
        sys.exit(f"{LCOV} names none of the project's contracts")
    for name, reached in sorted(files.items()):
        print(f"{name:44} lines {share(reached.lines):>18}   branches {share(reached.branches):>18}")
    lines = {f"{name}:{line}": hits for name, file in files.items() for line, hits in file.lines.items()}
    branches = {f"{name}:{branch}": hits for name, file in files.items() for branch, hits in file.branches.items()}
    print(f"{'all':44} lines {share(lines):>18}   branches {share(branches):>18}")
    for kind, hits in ("lines", lines), ("branches", branches):
        if percent(hits) < REQUIRED_PERCENT:
            missed = ", ".join(sorted(place for place, count in hits.items() if count == 0))
            sys.exit(f"{share(hits)} of the {kind} are reached, {REQUIRED_PERCENT} % are required; missed: {missed}")


def measure() -> None:
    """Run every Solidity test and write what it reached to LCOV; exits when a test fails."""
    LCOV.parent.mkdir(parents=True, exist_ok=True)
    LCOV.unlink(missing_ok=True)
    forge = foundry_binary("forge", HARDHAT / "forge" / "node_modules")
    command = [str(forge), "coverage", "--root", str(HARDHAT), "--use", str(HARDHAT / "scripts" / "solc.mjs")]
    # Without the optimizer the contracts do not fit the stack: this is the least of it that makes them fit.
    command += ["--ir-minimum", "--exclude-tests", "--report", "lcov", "--report-file", str(LCOV)]
    environment = os.environ | {"PATH": f"{node_binary().parent}{os.pathsep}{os.environ['PATH']}"}
    log = LCOV.with_name("forge.log")
    with log.open("w") as out:
        code = subprocess.run(command, env=environment, stdout=out, stderr=subprocess.STDOUT, check=False).returncode  # noqa: S603
    if code != 0 or not LCOV.is_file():
        sys.exit(f"{log.read_text()[-6000:]}\nforge coverage ended with code {code}: see {log}")


def read(lcov: str) -> dict[str, Reached]:
    """Return what was reached of each of the project's contracts, by path from the repository's root."""
    files: dict[str, Reached] = defaultdict(Reached)
    name = ""
    for line in lcov.splitlines():
        key, _, value = line.partition(":")
        if key == "SF":
            name = project_file(value)
        elif not name or name.startswith(SKIPPED):
            continue
        elif key == "DA":
            number, hits = value.split(",")[:2]
            files[name].lines[number] += int(hits)
        elif key == "BRDA":
            branch, hits = value.rsplit(",", 1)
            files[name].branches[branch] += 0 if hits == "-" else int(hits)
    return files


def project_file(path: str) -> str:
    """Return a contract's path from the repository's root, empty for what is not the project's."""
    # hardhat/contracts is a link to contracts: forge may call one file by both names.
    file = (HARDHAT / path).resolve()
    contracts = REPOSITORY / "contracts"
    return file.relative_to(REPOSITORY).as_posix() if file.is_relative_to(contracts) else ""


def percent(hits: dict[str, int]) -> float:
    """Return how many of the places were reached, in percent; 100 where there are none."""
    return 100 * sum(count > 0 for count in hits.values()) / len(hits) if hits else 100.0


def share(hits: dict[str, int]) -> str:
    """Return the percentage with its numbers."""
    return f"{percent(hits):.2f} % ({sum(count > 0 for count in hits.values())}/{len(hits)})"


if __name__ == "__main__":
    main()
