"""A fleet of provers: what comes back is a proof that holds here; whatever goes wrong is said and costs no answer."""

import asyncio
import datetime
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from oracle.assessment.errors import ConfigurationFault
from oracle.assessment.features import NEUTRAL_PRIVATE
from oracle.models.inference import Model
from oracle.models.registry import ShippedModel
from oracle.proving.errors import UnprovableInput
from oracle.proving.fleet.fleet import Fleet, FleetUnavailable
from oracle.proving.fleet.order import proof_from, told
from oracle.proving.fleet.security import Certificates
from oracle.proving.keys import VERIFYING_KEY, Keys
from oracle.proving.prover import Prover
from oracle.proving.worker import Proof
from tests.proving.test_prover import wallet
from tests.support.fleet import Machines, machines

pytestmark = pytest.mark.timeout(300)
in_one_loop = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def prover(shipped: ShippedModel, keys: Keys) -> AsyncIterator[Prover]:
    async with Prover(shipped.directory, keys.folder) as running:
        yield running


@pytest.fixture(scope="module")
def two(keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    with machines(tmp_path_factory.mktemp("fleet")) as running:
        for _ in range(2):
            running.add(keys.folder)
        yield running


@in_one_loop
async def test_proofs__of_two_machines__hold_here_and_show_what_the_model_says(
    two: Machines, prover: Prover, keys: Keys, shipped: ShippedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RISK_ORACLE_SIGNER__KEY", "0x" + "5e" * 32)
    model, wallets = Model.open(shipped), [wallet(seed)[0] for seed in range(4)]
    async with Fleet(two.address, Certificates(), 120) as fleet:
        proofs = await asyncio.gather(*(fleet.prove(keys, chain) for chain in wallets))
        for chain, proof in zip(wallets, proofs, strict=True):
            assert proof.outputs == model.infer(chain, NEUTRAL_PRIVATE).outputs
            assert await prover.verify(proof)
        assert b"5e5e5e" not in environment_of(fleet)
        with pytest.raises(UnprovableInput):
            await fleet.prove(keys, [2_000] * 32)
        with pytest.raises(FleetUnavailable, match="other keys of model"):
            await fleet.prove(replace(keys, sha256=keys.sha256 | {VERIFYING_KEY: "00" * 32}), wallets[0])
        with pytest.raises(FleetUnavailable, match="no keys of model"):
            await fleet.prove(replace(keys, model_id=b"\7" * 32), wallets[0])


@in_one_loop
async def test_proofs__when_a_machine_dies_in_the_middle__are_made_by_the_other(
    two: Machines, prover: Prover, keys: Keys
) -> None:
    async with Fleet(two.address, Certificates(), 120) as fleet:
        await fleet.prove(keys, wallet(1)[0])
        asked = [asyncio.create_task(fleet.prove(keys, wallet(seed)[0])) for seed in range(4)]
        await asyncio.sleep(0.5)
        two.provers[0].signal(signal.SIGKILL)
        for proof in await asyncio.gather(*asked):
            assert await prover.verify(proof)


@in_one_loop
async def test_proofs__when_the_scheduler_vanishes__are_given_up_at_once_and_asked_for_again_later(
    keys: Keys, tmp_path: Path
) -> None:
    with machines(tmp_path) as running:
        async with Fleet(running.address, Certificates(), 120) as fleet:
            asked = asyncio.create_task(fleet.prove(keys, wallet(1)[0]))
            await fleet._gateway()
            running.scheduler.signal(signal.SIGKILL)
            with pytest.raises(FleetUnavailable, match="scheduler is gone"):
                await asked
            fleet._not_before = 0.0
            await fleet.close()
            with pytest.raises(FleetUnavailable, match="no Dask scheduler answers"):
                await fleet.prove(keys, wallet(1)[0])
            with pytest.raises(FleetUnavailable, match="tried again in"):
                await fleet.prove(keys, wallet(1)[0])


@in_one_loop
async def test_proofs__when_no_machine_is_there__are_given_up_in_time(keys: Keys, tmp_path: Path) -> None:
    with machines(tmp_path) as running:
        async with Fleet(running.address, Certificates(), 0.5) as fleet:
            with pytest.raises(FleetUnavailable, match=r"no worker of the fleet made the proof in 0\.5 s"):
                await fleet.prove(keys, wallet(1)[0])
            # The next request does not wait for the same.
            with pytest.raises(FleetUnavailable, match=r"made the proof in 0\.5 s; tried again in"):
                await fleet.prove(keys, wallet(1)[0])


@in_one_loop
async def test_fleet__with_certificates__takes_those_of_its_authority_alone(keys: Keys, tmp_path: Path) -> None:
    ours, theirs = Authority(tmp_path / "ours"), Authority(tmp_path / "theirs")
    scheduler, worker, daemon, stranger = ours.of("scheduler"), ours.of("prover"), ours.of("daemon"), theirs.of("x")
    files = [f"--tls-{name}={file}" for name, file in zip(("ca-file", "cert", "key"), paths(scheduler), strict=True)]
    names = ("--authority", "--certificate", "--key")
    options = [word for pair in zip(names, map(str, paths(worker)), strict=True) for word in pair]
    with machines(tmp_path, scheme="tls", of_scheduler=files, of_provers=options) as running:
        running.add(keys.folder)
        async with Fleet(running.address, daemon, 120) as fleet:
            assert len((await fleet.prove(keys, wallet(1)[0])).proof) > 1_000
        async with Fleet(running.address, stranger, 120) as fleet:
            with pytest.raises(FleetUnavailable, match="no Dask scheduler answers"):
                await fleet.prove(keys, wallet(1)[0])
    with pytest.raises(ConfigurationFault, match="go together"):
        Fleet(running.address, Certificates(), 120)


@pytest.mark.parametrize(
    "change",
    [{"instances": ["1"] * 11}, {"instances": ["x"] * 12}, {"proof": "zz"}, {"seconds": None}, {"instances": None}],
    ids=str,
)
def test_answer__that_is_no_proof__is_told(change: dict[str, object]) -> None:
    proof = Proof(b"\1\2", (1,) * 12, (1,) * 10, 1.5)
    assert proof_from(told(proof)) == proof
    with pytest.raises(ValueError):  # noqa: PT011 - each in its own words
        proof_from(told(proof) | change)


def environment_of(fleet: Fleet) -> bytes:
    assert fleet._process is not None
    return Path(f"/proc/{fleet._process.pid}/environ").read_bytes()


class Authority:
    """Signs certificates for this machine, good for a day."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder, self.key = folder, ec.generate_private_key(ec.SECP256R1())
        self.file = folder / "authority.pem"
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, folder.name)])
        own = self._signed(self.name, self.key.public_key(), authority=True)
        self.file.write_bytes(own.public_bytes(serialization.Encoding.PEM))

    def of(self, name: str) -> Certificates:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate, secret = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        made = self._signed(subject, key.public_key(), authority=False)
        certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        no_password = serialization.NoEncryption()
        form = serialization.PrivateFormat.PKCS8
        secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, no_password))
        return Certificates(self.file, certificate, secret)

    def _signed(self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, authority: bool) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(key)
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
        builder = builder.not_valid_after(now + datetime.timedelta(days=1))
        builder = builder.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        return builder.sign(self.key, hashes.SHA256())


def paths(files: Certificates) -> tuple[Path | None, Path | None, Path | None]:
    return files.authority, files.certificate, files.key
