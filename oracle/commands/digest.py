"""The release's entry for a verifier: from keys of the ceremony, and the code that was compiled from their verifier."""

import json
from pathlib import Path
from typing import Any

from eth_utils.crypto import keccak

from oracle.assessment.errors import ConfigurationFault
from oracle.models.registry import ShippedModel
from oracle.proving.key_folders import find_keys
from oracle.proving.keys import Keys, check_keys
from oracle.proving.known_verifiers import entry_text


def digest(model: ShippedModel, keys_folder: Path, build: Path) -> str:
    """Return the entry of `oracle/proving/verifiers.toml` for a model's keys and their compiled verifier.

    Raises KeysFault for keys that are missing, corrupt or of a development reference string, ConfigurationFault for a
    build that is missing or was made from another verifier.
    """
    keys = check_keys(find_keys(keys_folder, model.model_id), model.model_id)
    return entry_text(keys, model.name, keccak(compiled_from(keys, model.name, build)))


def compiled_from(keys: Keys, name: str, build: Path) -> bytes:
    """Return the runtime code that Hardhat compiled from exactly these keys' verifier; raises ConfigurationFault."""
    path = build / "verifiers" / name / "Verifier.sol" / "Halo2Verifier.json"
    try:
        artifact: dict[str, Any] = json.loads(path.read_text())
        information = json.loads((build / "build-info" / f"{artifact['buildInfoId']}.json").read_text())
        source = information["input"]["sources"][artifact["inputSourceName"]]["content"]
        code = bytes.fromhex(artifact["deployedBytecode"].removeprefix("0x"))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ConfigurationFault(f"no build of the verifier at {path} ({error!r}): run `make contracts`") from error
    if source != keys.verifier_source.read_text():
        raise ConfigurationFault(
            f"{path} was compiled from another verifier than {keys.verifier_source}: run `make contracts` again"
        )
    return code
