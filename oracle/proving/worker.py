"""The prover's process: it proves and verifies with files, because EZKL takes nothing else.

EZKL reads the proving key from its file at every proof; the operating system keeps that file in memory, and the
scratch files live in shared memory where there is some.
"""

import ctypes
import multiprocessing.util
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from oracle.proving import ezkl_files
from oracle.proving import keys as key_files
from oracle.proving.circuit import Circuit, read_circuit
from oracle.proving.errors import KeysFault, ProverUnavailable
from oracle.proving.field import to_element, to_signed
from oracle.proving.keys import Keys, check_keys, read_keys
from oracle.proving.library_home import ensure_home
from oracle.scratch import ScratchFolder, memory_folder

_PREFIX = "risk-oracle-prover-"
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof as the contract takes it.

    `instances` are the 12 field elements [H(chain), H(private ‖ salt), outputs...], or of an open circuit [the chain
    features' two words, outputs...]; `outputs` are the signed fixed-point outputs; `seconds` is witness and proof.
    """

    proof: bytes
    instances: tuple[int, ...]
    outputs: tuple[int, ...]
    seconds: float


def proof_of(proof: bytes, feature_commitment: int, data_commitment: int, outputs: Sequence[int]) -> Proof:
    """Return a proof that came from elsewhere with what it shall show; raises ValueError for outputs beyond r / 2."""
    instances = (feature_commitment, data_commitment, *(to_element(value) for value in outputs))
    return Proof(proof, instances, tuple(outputs), 0.0)


@dataclass(frozen=True, slots=True)
class _Bench:
    circuit: Circuit
    keys: Keys
    scratch: Path


_bench: _Bench | None = None


def start(model_dir: Path, keys_dir: Path, parent_pid: int, expected: Keys | None = None) -> None:
    """Validate the keys and set the process up; runs once in a fresh worker.

    With `expected`, proofs are made with exactly these keys or not at all.
    """
    global _bench
    _die_with(parent_pid)
    # Ctrl-C reaches the whole group; the parent decides when this process ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Private data are in the clear here and nowhere else: not in a core file either.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ensure_home()
    circuit = read_circuit(model_dir)
    keys = check_keys(keys_dir, circuit.model_id)
    # One killed in the middle of a proof leaves its inputs behind, the private ones too: the next one removes them.
    scratch = ScratchFolder(_PREFIX, str(memory_folder()))
    multiprocessing.util.Finalize(None, scratch.remove, exitpriority=1)
    _bench = _Bench(circuit, expected or keys, scratch.path)


def scratch_folder() -> tuple[int, Path]:
    """Return this worker's process id and its scratch folder, which the parent removes when it kills the worker."""
    return os.getpid(), _ready().scratch


def prove(*tensors: tuple[int, ...]) -> Proof:
    """Return the proof of one assessment over the circuit's input tensors.

    Raises ProvingFailed with EZKL's words, ProverUnavailable for other keys.
    """
    bench, started = _ready(), time.perf_counter()
    _check_unchanged(bench.keys)
    folder = Path(tempfile.mkdtemp(dir=bench.scratch))
    circuit, proving_key, srs = (
        bench.keys.folder / name for name in (key_files.CIRCUIT, key_files.PROVING_KEY, key_files.SRS)
    )
    try:
        ezkl_files.solve(folder, circuit, *tensors)
        made, instances = ezkl_files.prove(folder, circuit, proving_key, srs)
    finally:
        # The input holds the private features: it does not outlive the proof.
        shutil.rmtree(folder, ignore_errors=True)
    return Proof(
        proof=made,
        instances=instances,
        outputs=tuple(to_signed(element) for element in instances[2:]),
        seconds=time.perf_counter() - started,
    )


def verify(proof: bytes, instances: tuple[int, ...]) -> bool:
    """Return whether a proof holds for these instances under the verifying key."""
    bench = _ready()
    folder = Path(tempfile.mkdtemp(dir=bench.scratch))
    settings, key, srs = (
        bench.keys.folder / name for name in (key_files.SETTINGS, key_files.VERIFYING_KEY, key_files.SRS)
    )
    try:
        return ezkl_files.verify(folder, settings, key, srs, proof, instances)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _check_unchanged(keys: Keys) -> None:
    # EZKL reads the files at every proof: others than were checked at the start would not fit the verifier.
    try:
        changed = read_keys(keys.folder) != keys
    except KeysFault as error:
        raise ProverUnavailable(f"the keys are gone since the daemon started: {error}") from error
    if changed:
        raise ProverUnavailable(f"the keys in {keys.folder} were made anew since the daemon started: restart it")


def _ready() -> _Bench:
    if _bench is None:
        raise RuntimeError("the prover's worker was used before start()")
    return _bench


def _die_with(parent_pid: int) -> None:
    if sys.platform == "linux":
        # A killed daemon must not leave a prover behind: the kernel ends this process with its parent.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(1)
