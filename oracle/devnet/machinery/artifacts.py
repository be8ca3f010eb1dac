"""Compiled contracts: loaded from npm packages or this project's build, their libraries linked."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from web3 import Web3
from web3.contract import Contract

from oracle.devnet.machinery.node import REPOSITORY, npm_package
from oracle.processes import ProgramError

AAVE_V3_PACKAGE: Final = "@aave/core-v3"
AAVE_V3_VERSION: Final = "1.19.3"
AAVE_V2: Final = ("@aave/protocol-v2", "1.0.1")
VENUS: Final = ("@venusprotocol/venus-protocol", "0.4.1")
UNISWAP_V2_CORE: Final = ("@uniswap/v2-core", "1.0.1")
UNISWAP_V2_PERIPHERY: Final = ("@uniswap/v2-periphery", "1.1.0-beta.0")
UNISWAP_V3_CORE: Final = ("@uniswap/v3-core", "1.0.1")
UNISWAP_V3_PERIPHERY: Final = ("@uniswap/v3-periphery", "1.4.4")
UNISWAP_SECOND_ROUTER: Final = ("@uniswap/swap-router-contracts", "1.3.1")
UNISWAP_UNIVERSAL_ROUTER: Final = ("@uniswap/universal-router", "2.1.0")
EAS: Final = ("@ethereum-attestation-service/eas-contracts", "1.9.0")
BUILD: Final = REPOSITORY / "build" / "contracts"

# Encodes calls; it never connects.
_OFFLINE: Final = Web3()


@dataclass(frozen=True)
class Artifact:
    """One compiled contract: `bytecode` is creation code in hex, with holes for the libraries in `links`."""

    name: str
    abi: list[dict[str, Any]]
    bytecode: str
    links: Mapping[str, tuple[int, ...]]

    def creation_code(self, arguments: tuple[Any, ...] = (), libraries: Mapping[str, str] | None = None) -> str:
        """Return creation code with its libraries linked and the constructor's arguments appended.

        `libraries` maps a library's name to its address; raises ProgramError when one is missing.
        """
        code = self.bytecode
        for library, offsets in self.links.items():
            address = (libraries or {}).get(library)
            if address is None:
                raise ProgramError(f"{self.name} needs the address of its library {library}")
            for offset in offsets:
                position = 2 + 2 * offset
                code = code[:position] + address[2:].lower() + code[position + 40 :]
        factory = _OFFLINE.eth.contract(abi=self.abi, bytecode=code)
        return str(factory.constructor(*arguments).data_in_transaction)

    def at(self, address: str) -> "Deployed":
        """Return this contract as it stands at an address."""
        checksummed = Web3.to_checksum_address(address)
        return Deployed(self.name, checksummed, _OFFLINE.eth.contract(address=checksummed, abi=self.abi))


@dataclass(frozen=True)
class Deployed:
    """A contract on a chain: its address, and how its calls are encoded."""

    name: str
    address: str
    codec: Contract

    def encode(self, function: str, *arguments: Any) -> str:
        """Return the call data of a function."""
        return str(self.codec.encode_abi(function, args=list(arguments)))


@cache
def aave_v3(path: str) -> Artifact:
    """Return an artifact of Aave V3, by its path below `contracts/`, without the suffix: `misc/AaveOracle`."""
    name = path.rsplit("/", 1)[-1]
    folder = npm_package(AAVE_V3_PACKAGE, AAVE_V3_VERSION) / "artifacts" / "contracts"
    return _load(folder / f"{path}.sol" / f"{name}.json")


@cache
def packaged(package: tuple[str, str], path: str) -> Artifact:
    """Return an artifact of an npm package (name, version), by its path below `contracts/`, without the suffix."""
    name = path.rsplit("/", 1)[-1]
    return _load(npm_package(*package) / "artifacts" / "contracts" / f"{path}.sol" / f"{name}.json")


@cache
def waffled(package: tuple[str, str], name: str) -> Artifact:
    """Return an artifact of an npm package that was built by Waffle: one file a contract below `build/`."""
    return _load(npm_package(*package) / "build" / f"{name}.json")


@cache
def project(name: str) -> Artifact:
    """Return an artifact of this project's own contracts; raises ProgramError when they are not built."""
    found = sorted(BUILD.glob(f"**/{name}.sol/{name}.json"))
    if not found:
        raise ProgramError(f"no compiled {name} below {BUILD}: run `make contracts` (or `make setup`) first")
    if len(found) > 1:
        raise ProgramError(f"several contracts are called {name}: {', '.join(str(path) for path in found)}")
    return _load(found[0])


@cache
def verifier(keys: str) -> Artifact:
    """Return the generated verifier of a key folder below build/keys; raises ProgramError when it is not built."""
    return _load(BUILD / "verifiers" / keys / "Verifier.sol" / "Halo2Verifier.json")


def _load(path: Path) -> Artifact:
    if not path.is_file():
        raise ProgramError(f"no compiled contract at {path}: run `make setup` first")
    content = json.loads(path.read_text())
    links = {
        library: tuple(place["start"] for place in places)
        for libraries in content.get("linkReferences", {}).values()
        for library, places in libraries.items()
    }
    bytecode = content["bytecode"]
    if not bytecode.startswith("0x"):
        bytecode = f"0x{bytecode}"
    return Artifact(content.get("contractName", path.stem), content["abi"], bytecode, links)
