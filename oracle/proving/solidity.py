"""Write the Solidity verifier of a key, in a process of its own: EZKL leaves the interpreter unfit to go on."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import ezkl

from oracle.proving.errors import ProvingFailed


def write_verifier(verifying_key: Path, settings: Path, srs: Path, target: Path) -> None:
    """Write the generated `Halo2Verifier` to `target`; raises ProvingFailed with EZKL's words when none came out."""
    target.unlink(missing_ok=True)
    arguments = [str(path) for path in (verifying_key, settings, srs, target)]
    done = subprocess.run(  # noqa: S603 - our own module and our own paths
        [sys.executable, "-m", "oracle.proving.solidity", *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode != 0 or not target.is_file():
        raise ProvingFailed(f"EZKL wrote no verifier for {verifying_key}: {done.stderr.strip()[-500:]}")


async def _generate(verifying_key: str, settings: str, srs: str, target: str) -> None:
    # The awaitable must be made inside the running loop.
    await ezkl.create_evm_verifier(  # type: ignore[call-arg] # stub without defaults
        verifying_key, settings, target, f"{target}.abi", srs
    )


def _main(verifying_key: str, settings: str, srs: str, target: str) -> None:
    try:
        asyncio.run(_generate(verifying_key, settings, srs, target))
    except RuntimeError:
        # The ABI needs a solc that EZKL wants to download; the Solidity file is complete before that.
        if not Path(target).is_file():
            raise
    finally:
        Path(f"{target}.abi").unlink(missing_ok=True)


if __name__ == "__main__":
    try:
        _main(*sys.argv[1:])
    except RuntimeError as error:
        sys.stderr.write(f"{error}\n")
        sys.stderr.flush()
        os._exit(1)
    # EZKL's background threads crash the interpreter's shutdown: leave without one.
    os._exit(0)
