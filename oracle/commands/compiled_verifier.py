"""The compiled verifier of a key folder: made from the shipped code, or taken from a build for another circuit."""

import json
from pathlib import Path

from oracle.assessment.errors import ConfigurationFault
from oracle.proving.keys import Keys
from oracle.proving.verifier_code import UnknownCircuit, VerifierCode, verifier_code


def compiled_verifier(keys: Keys, model: str, build: Path) -> VerifierCode:
    """Return the code of the keys' verifier; `build` has it where this release brings none for the circuit.

    Raises ConfigurationFault when neither has it.
    """
    try:
        return verifier_code(keys.verifier_source)
    except UnknownCircuit as unknown:
        artifact = build / "verifiers" / model / "Verifier.sol" / "Halo2Verifier.json"
        if not artifact.is_file():
            raise ConfigurationFault(f"{unknown}; {artifact} is not there") from unknown
    content = json.loads(artifact.read_text())
    return VerifierCode(bytes.fromhex(content["bytecode"][2:]), bytes.fromhex(content["deployedBytecode"][2:]))
