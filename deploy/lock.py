"""Write the lock files from pyproject.toml: every version exact, every file by its hash, no registry address.

Run by `make lock`: versions that are locked stay, unless `--upgrade` is given (`make lock UPGRADE=1`).
`requirements.lock` is everything (development included), `requirements-runtime.lock` what the daemon needs, with
telemetry, KMS and a fleet of provers, in the same versions; `requirements-generator.lock` is the generator of API
clients that the tests run in an environment of its own.
PyTorch comes in two builds of one version: the CPU build needs nothing more, the CUDA build needs a dozen large
packages. Each has a lock of its own; `install.sh` takes the one whose build the machine's registries offer first.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
CUDA = re.compile(r"^(torch==|nvidia-|cuda-|triton==)")
# torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl
TORCH_CPU_HASH = "sha256:6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b"


def main() -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as kept:
        kept.write("" if "--upgrade" in sys.argv[1:] else "\n".join(locked_versions()))
        kept.flush()
        lock("--constraint", kept.name)


def lock(*kept: str) -> None:
    everything = compiled("--all-extras", *kept)
    cuda = [entry for entry in everything if CUDA.match(entry)]
    version = next(entry.split()[0] for entry in cuda if entry.startswith("torch=="))
    write("requirements.lock", [entry for entry in everything if not CUDA.match(entry)])
    write("requirements-torch-cuda.lock", cuda)
    write("requirements-torch-cpu.lock", [f"{version}+cpu \\\n    --hash={TORCH_CPU_HASH}"])
    runtime = compiled(
        "--extra", "telemetry", "--extra", "kms", "--extra", "fleet", "--constraint", str(HERE / "requirements.lock")
    )
    write("requirements-runtime.lock", [entry for entry in runtime if not CUDA.match(entry)])
    # An environment of its own, for the tests: it pins another version of what we use.
    write("requirements-generator.lock", compiled(source="deploy/requirements-generator.in"))


def locked_versions() -> list[str]:
    """Return what the lock files pin now, PyTorch's builds of their own aside."""
    text = "".join((HERE / name).read_text() for name in ("requirements.lock", "requirements-torch-cuda.lock"))
    return re.findall(r"^[a-z0-9._-]+==[^\s+]+", text, re.MULTILINE)


def compiled(*options: str, source: str = "pyproject.toml") -> list[str]:
    """Return the resolved packages, one entry with its hashes each."""
    text = subprocess.run(
        [sys.executable, "-m", "uv", "pip", "compile", source, "--generate-hashes", "--no-annotate",
         "--no-header", "--no-emit-index-url", "--python-version", "3.11", "--quiet", *options],
        cwd=HERE.parent, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    return re.split(r"\n(?=\S)", text.strip())


def write(name: str, entries: list[str]) -> None:
    (HERE / name).write_text("\n".join(entries) + "\n")


if __name__ == "__main__":
    main()
