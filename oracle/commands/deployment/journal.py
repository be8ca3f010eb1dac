"""What a deployment has done so far, in a file: each deed is noted before it is sent, and again when it is mined."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from oracle.assessment.errors import ConfigurationFault


@dataclass(slots=True)
class Deed:
    """One transaction of a deployment, which all of `hashes` are tries of (one nonce, rising fees in wei).

    `arguments` say for people what it was made with, `digest` is the SHA-256 of target, data and value. `address` is
    the contract that it creates, with `constructor` behind its code (hex: block explorers ask for it). `block` is None
    until it is mined.
    """

    nonce: int
    digest: str
    arguments: dict[str, str]
    address: str | None
    noted_at_block: int
    constructor: str = ""
    hashes: list[str] = field(default_factory=list)
    fees: tuple[int, int] | None = None
    block: int | None = None


@dataclass(slots=True)
class Journal:
    """The file of one deployment; written anew, in one step, whenever something is noted."""

    file: Path
    chain_id: int
    deployer: str
    deeds: dict[str, Deed]

    @classmethod
    def open(cls, file: Path, chain_id: int, deployer: str) -> Self:
        """Read the file, or begin one; raises ConfigurationFault when it is of another chain or deployer."""
        if not file.exists():
            return cls(file, chain_id, deployer, {})
        try:
            content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            deeds = {name: Deed(**deed) for name, deed in content["deeds"].items()}
            found = cls(file, int(content["chain_id"]), str(content["deployer"]), deeds)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigurationFault(
                f"the records in {file} cannot be read ({type(error).__name__}): restore the file, or begin another "
                "deployment with --records"
            ) from error
        for what, there, here in (("chain", found.chain_id, chain_id), ("deployer", found.deployer, deployer)):
            if there != here:
                raise ConfigurationFault(
                    f"{what} differs from the first run's: {there} then, {here} now. Go on with that one, or begin "
                    f"another deployment with --records ({file} holds the first)"
                )
        return found

    def write(self) -> None:
        """Put all deeds into the file, which is whole at any moment."""
        content = {
            "chain_id": self.chain_id,
            "deployer": self.deployer,
            "deeds": {name: asdict(deed) for name, deed in self.deeds.items()},
        }
        self.file.parent.mkdir(parents=True, exist_ok=True)
        beside = self.file.with_name(f"{self.file.name}.new")
        with beside.open("w", encoding="utf-8") as text:
            text.write(json.dumps(content, indent=2) + "\n")
            text.flush()
            os.fsync(text.fileno())
        beside.replace(self.file)
