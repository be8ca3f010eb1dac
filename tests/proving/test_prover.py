"""The prover: real proofs, compared with inference, tampered with, interrupted."""

import asyncio
import os
import random
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from oracle.assessment.features import ENCODED_ONE, FEATURES, NEUTRAL_PRIVATE, PRIVATE_FEATURES, SALT_ELEMENTS
from oracle.assessment.request import FIELD_MODULUS
from oracle.models.inference import Model
from oracle.models.registry import ShippedModel
from oracle.proving.commitment import commit_chain, commit_private
from oracle.proving.errors import KeysFault, ProverUnavailable, UnprovableInput
from oracle.proving.keys import PROVING_KEY, Keys
from oracle.proving.making import setup
from oracle.proving.prover import Prover

LARGEST_SALT = 2**32 - 1


@pytest.fixture
async def prover(shipped: ShippedModel, keys: Keys) -> AsyncIterator[Prover]:
    async with Prover(shipped.directory, keys.folder) as running:
        yield running


def wallet(seed: int) -> tuple[list[int], list[int]]:
    rng = random.Random(seed)  # noqa: S311 - test data
    chain = [rng.randint(0, ENCODED_ONE) for _ in FEATURES]
    private = [ENCODED_ONE, *(rng.randint(0, ENCODED_ONE) for _ in PRIVATE_FEATURES[1:])]
    return chain, private + [rng.randint(0, LARGEST_SALT) for _ in range(SALT_ELEMENTS)]


def gone(pid: int) -> bool:
    """Whether a process has ended (a zombie that nobody reaped yet has)."""
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return True


def scratch_files() -> list[Path]:
    """What lies in the scratch folders of this process's workers."""
    return list(Path("/dev/shm").glob(f"risk-oracle-prover-{os.getpid()}-*/*"))  # noqa: S108


EXTREMES = [
    ([0] * len(FEATURES), list(NEUTRAL_PRIVATE)),
    ([ENCODED_ONE] * len(FEATURES), [ENCODED_ONE] * len(PRIVATE_FEATURES) + [LARGEST_SALT] * SALT_ELEMENTS),
]


async def test_prove__random_and_extreme_wallets__equals_inference_to_the_bit(
    prover: Prover, shipped: ShippedModel
) -> None:
    model = Model.open(shipped)
    for chain, private in [*EXTREMES, wallet(1), wallet(2)]:
        proof = await prover.prove(chain, private)
        assert proof.outputs == model.infer(chain, private).outputs
        assert proof.instances[:2] == (commit_chain(chain), commit_private(private))
        assert tuple(value % FIELD_MODULUS for value in proof.outputs) == proof.instances[2:]
        assert await prover.verify(proof)


async def test_prove__other_salt__hides_in_another_commitment_with_the_same_outputs(prover: Prover) -> None:
    chain, private = wallet(3)
    salted = [*private[:-1], private[-1] ^ 1]
    first, second = await prover.prove(chain, private), await prover.prove(chain, salted)
    assert first.instances[1] != second.instances[1]
    assert first.instances[0] == second.instances[0]
    assert first.outputs == second.outputs


async def test_verify__any_instance_changed__refuses(prover: Prover) -> None:
    proof = await prover.prove(*wallet(4))
    for index in range(len(proof.instances)):
        changed = list(proof.instances)
        changed[index] = (changed[index] + 1) % FIELD_MODULUS
        assert not await prover.verify(replace(proof, instances=tuple(changed))), index
    assert await prover.verify(proof)


async def test_verify__proof_byte_changed__refuses(prover: Prover) -> None:
    proof = await prover.prove(*wallet(5))
    for position in (0, len(proof.proof) // 2, len(proof.proof) - 1):
        broken = bytearray(proof.proof)
        broken[position] ^= 1
        assert not await prover.verify(replace(proof, proof=bytes(broken))), position


async def test_prove__tensor_out_of_range__refuses_before_proving(prover: Prover) -> None:
    chain, private = wallet(6)
    with pytest.raises(UnprovableInput, match="element 3 is 5000"):
        await prover.prove([*chain[:3], 5000, *chain[4:]], private)


async def test_prove__worker_killed__says_so_and_a_fresh_one_takes_over(prover: Prover) -> None:
    first = prover.worker_pid
    assert first is not None
    proving = asyncio.create_task(prover.prove(*wallet(7)))
    await asyncio.sleep(0.05)
    os.kill(first, signal.SIGKILL)
    with pytest.raises(ProverUnavailable, match="died"):
        await proving
    proof = await prover.prove(*wallet(7))
    assert await prover.verify(proof)
    assert prover.worker_pid != first


async def test_prover__when_a_killed_one_left_its_inputs__then_the_next_one_removes_them(
    shipped: ShippedModel, keys: Keys
) -> None:
    base = next(place for place in (Path("/dev/shm"), Path(tempfile.gettempdir())) if os.access(place, os.W_OK))  # noqa: S108
    left = Path(tempfile.mkdtemp(prefix="risk-oracle-prover-", dir=base))
    (left / ".owned").touch()
    (left / "input.json").write_text("private")
    async with Prover(shipped.directory, keys.folder) as prover:
        assert await prover.verify(await prover.prove(*wallet(7)))
        assert not os.path.exists(left)  # noqa: ASYNC240


async def test_prove__keys_made_anew_under_it__are_not_used_also_not_by_a_fresh_worker(
    shipped: ShippedModel, keys: Keys, tmp_path: Path
) -> None:
    folder = tmp_path / "keys"
    shutil.copytree(keys.folder, folder)
    async with Prover(shipped.directory, folder) as prover:
        assert await prover.verify(await prover.prove(*wallet(12)))
        shutil.rmtree(folder)
        with pytest.raises(ProverUnavailable, match="the keys are gone since the daemon started"):
            await prover.prove(*wallet(12))
        await asyncio.to_thread(setup, shipped.directory, folder)
        with pytest.raises(ProverUnavailable, match="made anew since the daemon started: restart it"):
            await prover.prove(*wallet(12))
        assert prover.worker_pid is not None
        os.kill(prover.worker_pid, signal.SIGKILL)
        with pytest.raises(ProverUnavailable):
            await prover.prove(*wallet(12))
        with pytest.raises(ProverUnavailable, match="made anew since the daemon started: restart it"):
            await prover.prove(*wallet(12))


async def test_prove__cancelled__leaves_the_prover_usable(prover: Prover) -> None:
    proving = asyncio.create_task(prover.prove(*wallet(8)))
    await asyncio.sleep(0.1)
    proving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await proving
    assert await prover.verify(await prover.prove(*wallet(9)))


async def test_close__in_the_middle_of_a_proof__ends_the_worker(shipped: ShippedModel, keys: Keys) -> None:
    prover = await Prover(shipped.directory, keys.folder).__aenter__()
    pid = prover.worker_pid
    assert pid is not None
    proving = asyncio.create_task(prover.prove(*wallet(10)))
    await asyncio.sleep(0.1)
    started = time.monotonic()
    await prover.close()
    with pytest.raises(ProverUnavailable, match="closed"):
        await proving
    while not gone(pid):
        assert time.monotonic() - started < 30
        await asyncio.sleep(0.02)
    with pytest.raises(ProverUnavailable, match="closed"):
        await prover.prove(*wallet(10))


async def test_prove__after_the_proof__leaves_no_input_on_disk(prover: Prover) -> None:
    await prover.prove(*wallet(11))
    assert prover.worker_pid is not None
    assert scratch_files() == []


async def test_enter__corrupt_proving_key__refuses_and_names_it(
    shipped: ShippedModel, keys: Keys, tmp_path: Path
) -> None:
    for name in os.listdir(keys.folder):
        (tmp_path / name).write_bytes((keys.folder / name).read_bytes())
    (tmp_path / PROVING_KEY).write_bytes(b"not a key")
    with pytest.raises(KeysFault, match=f"{PROVING_KEY} is corrupt"):
        async with Prover(shipped.directory, tmp_path):
            pass
