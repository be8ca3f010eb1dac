"""The compiled verifier of a key folder: made from the shipped code, or taken from a build for another circuit."""

import json
from pathlib import Path

from oracle.assessment.errors import ConfigurationFault
from oracle.proving.keys import Keys
from oracle.proving.verifier_code import UnknownCircuit, VerifierCode, verifier_code


def compiled_verifier(keys: Keys, model: str, build: Path) -> VerifierCode:
    """Return the code of the keys' verifier, before anything is paid for it.

    `build` has it where this release brings none for the circuit. Raises ConfigurationFault when neither has it, and
    when the two differ: then the build is of other keys.
    """
    artifact = build / "verifiers" / model / "Verifier.sol" / "Halo2Verifier.json"
    built = _built(artifact) if artifact.is_file() else None
    try:
        made = verifier_code(keys.verifier_source)
    except UnknownCircuit as unknown:
        if built is None:
            raise ConfigurationFault(f"{unknown}; {artifact} is not there") from unknown
        return built
    if built is not None and built != made:
        raise ConfigurationFault(
            f"the verifier compiled in {artifact} was generated from other keys than those in {keys.folder}: compile "
            "it again (`make contracts`), or name another folder with --build"
        )
    return made


def _built(artifact: Path) -> VerifierCode:
    try:
        content = json.loads(artifact.read_text())
        return VerifierCode(bytes.fromhex(content["bytecode"][2:]), bytes.fromhex(content["deployedBytecode"][2:]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        what = f"{artifact} is no compiled contract ({type(error).__name__})"
        raise ConfigurationFault(f"{what}: compile it again (`make contracts`)") from error
