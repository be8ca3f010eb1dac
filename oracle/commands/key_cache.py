"""The keys of a model on a borrower's machine, named by their hash, hashed again at every use.

Only the reference string is downloaded. The proving key is made from it and from the model here, once: that is a few
seconds, and no key that somebody else made can be told from the model's by its use alone.
"""

import asyncio
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import aiohttp
from platformdirs import user_cache_path
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt

from oracle.assessment.errors import ConfigurationFault, OracleError
from oracle.client.answers import KeyFile, ModelKeys
from oracle.client.borrower import Borrower
from oracle.client.calls import TRIES, passes, pause
from oracle.models.registry import ModelFault, ShippedModel, find, load
from oracle.proving import ezkl_files
from oracle.proving import keys as key_files
from oracle.proving.ceremony import Ceremony, ceremony_of
from oracle.proving.circuit import read_circuit
from oracle.proving.keys import check_keys
from oracle.proving.library_home import ensure_home
from oracle.proving.reference_string import DEVELOPMENT, sha256_of
from oracle.scratch import ScratchFolder

LARGEST_BYTES: Final = 512 << 20
"""What a model may ask a borrower to download; the shipped one asks for 0.7 MB."""

_NEEDED: Final = (key_files.PROVING_KEY, key_files.SRS)
_MAKING: Final = "risk-oracle-keys-"


class UnusableKeys(OracleError):
    """The daemon's keys are not those of the model, or not what it says they are."""


@dataclass(frozen=True, slots=True)
class ProvingKeys:
    """What a borrower proves with; `fetched_bytes` were downloaded now, the rest was there.

    `reference_string` is the ceremony's name, or "development".
    """

    proving_key: Path
    srs: Path
    fetched_bytes: int

    reference_string: str


def default_cache() -> Path:
    """Return the folder of keys below the platform's cache folder."""
    return user_cache_path("risk-oracle") / "keys"


def model_of(model_id: str, folder: Path | None) -> ShippedModel:
    """Return the model whose proof is asked for, from this package or from `folder`, checked against its id.

    The circuit is compiled from it here: a circuit of the daemon's could show the private features in its outputs.
    Raises ModelFault.
    """
    wanted = bytes.fromhex(model_id[2:])
    if folder is not None:
        model = load(folder)
        if model.model_id != wanted:
            raise ModelFault(f"--model: {folder} is model 0x{model.model_id.hex()}, the request is for {model_id}")
        return model
    try:
        return find(wanted)
    except ModelFault:
        raise ModelFault(
            f"the request is for model {model_id}, which is not in this release: get its folder from the operator and "
            "name it with --model (its id is checked), or take the release that ships it"
        ) from None


def own_keys(folder: Path, model: ShippedModel, own: Ceremony | None) -> ProvingKeys:
    """Return keys that were made on this machine, whole; raises KeysFault, also for another model's."""
    keys = check_keys(folder, model.model_id)
    return ProvingKeys(folder / key_files.PROVING_KEY, folder / key_files.SRS, 0, keys.srs_kind(own))


async def keys_of(
    borrower: Borrower,
    model: ShippedModel,
    cache: Path,
    say: Callable[[str], None],
    *,
    own: Ceremony | None = None,
    on_this_machine: bool = False,
) -> ProvingKeys:
    """Return the model's proving key and reference string from the cache: brought and made once, whole.

    A reference string of no ceremony (the shipped one, or `own`) is taken from a daemon on this machine alone.
    Raises UnusableKeys when the daemon lists none, or others than the model's; ConfigurationFault for a cache that
    cannot be written.
    """
    listed = await borrower.model_keys(f"0x{model.model_id.hex()}")
    made, srs_file = _needed(listed, model)
    ceremony = ceremony_of(read_circuit(model.directory).logrows, _hash_of(srs_file), own)
    if ceremony is None and not on_this_machine:
        # Whoever chose its secret so that it is a point of the domain reads a row of the witness off the proof.
        raise UnusableKeys(
            "the daemon's reference string is of no ceremony that this release pins: with one made for it a proof "
            "could give private fields away. Take an operator with a ceremony's, pin theirs with --ceremony, or make "
            "keys of your own (`risk-oracle setup --srs production`) and name them with --keys"
        )
    try:
        await asyncio.to_thread(cache.mkdir, parents=True, exist_ok=True)
        fetched = await _have(borrower, srs_file, cache, say)
        proving_key, srs = (cache / _hash_of(file) for file in (made, srs_file))
        if not await asyncio.to_thread(_is_whole, proving_key):
            say("proving key: made here, once; a few seconds")
            await asyncio.to_thread(_make, model, srs, proving_key)
    except aiohttp.ClientError:
        raise  # some of them are OSErrors too
    except OSError as error:
        raise ConfigurationFault(f"--cache: {cache} cannot be written: {error.strerror or error}") from None
    return ProvingKeys(proving_key, srs, fetched, DEVELOPMENT if ceremony is None else ceremony.name)


def _needed(listed: ModelKeys, model: ShippedModel) -> tuple[KeyFile, KeyFile]:
    by_name = {file.name: file for file in listed.files}
    if missing := sorted({*_NEEDED, key_files.SETTINGS} - by_name.keys()):
        raise UnusableKeys(f"the daemon's keys of {model.name} lack {', '.join(missing)}: it cannot be proven with")
    if _hash_of(by_name[key_files.SETTINGS]) != sha256_of(model.settings):
        raise UnusableKeys(
            f"the daemon's keys were made with other settings than model {model.name}'s: tell the operator"
        )
    proving_key, srs = (by_name[name] for name in _NEEDED)
    if srs.bytes > LARGEST_BYTES:
        raise UnusableKeys(
            f"the daemon's reference string is {srs.bytes / 1e6:.0f} MB, more than any model's that this release knows"
        )
    return proving_key, srs


def _make(model: ShippedModel, srs: Path, proving_key: Path) -> None:
    """Make the proving key; raises UnusableKeys when it is not the one that the daemon proves with."""
    ensure_home()
    scratch = ScratchFolder(_MAKING, str(proving_key.parent))
    try:
        found = ezkl_files.make_proving_key(read_circuit(model.directory), srs, scratch.path)
        if sha256_of(found) != proving_key.name:
            raise UnusableKeys(
                f"the daemon's proving key does not follow from model {model.name} and its reference string: "
                "nothing was proven. Tell the operator"
            )
        os.replace(found, proving_key)
    finally:
        scratch.remove()


async def _have(borrower: Borrower, file: KeyFile, cache: Path, say: Callable[[str], None]) -> int:
    """Have a file whole in the cache; return how many bytes were downloaded for it."""
    place = cache / _hash_of(file)
    if await asyncio.to_thread(_is_whole, place):
        return 0
    with _owned(cache / f"{place.name}.part") as part:
        # Another one of us may have brought it while we waited for the lock.
        if await asyncio.to_thread(_is_whole, place):
            os.unlink(part.name)
            return 0
        before = part.seek(0, os.SEEK_END)
        say(f"{file.name}: {file.bytes / 1e6:.1f} MB, kept in {cache}")
        async for attempt in AsyncRetrying(
            retry=retry_if_exception(passes), stop=stop_after_attempt(TRIES), wait=pause, reraise=True
        ):
            with attempt:
                await _fetch(borrower, file, part)
        part.flush()
        found = await asyncio.to_thread(sha256_of, Path(part.name))
        if found != place.name:
            part.truncate(0)
            raise UnusableKeys(f"{file.name} has SHA-256 {found}, the daemon told of {place.name}: it was thrown away")
        os.replace(part.name, place)
    return file.bytes - (before if before < file.bytes else 0)


async def _fetch(borrower: Borrower, file: KeyFile, part: IO[bytes]) -> None:
    """Bring what is missing of a file."""
    there = part.seek(0, os.SEEK_END)
    if there >= file.bytes:
        # Whole by its length, yet not in its place: it did not pass.
        part.truncate(0)
        there = 0
    async with borrower.download(file, there) as (have, parts):
        part.truncate(have)
        async for some in parts:
            have += len(some)
            if have > file.bytes:
                part.truncate(0)
                raise UnusableKeys(f"{file.name} is longer than the {file.bytes} bytes that the daemon told of")
            part.write(some)
    if have < file.bytes:
        raise aiohttp.ClientPayloadError(f"{file.name} ended after {have} of {file.bytes} bytes")


def _is_whole(place: Path) -> bool:
    return place.is_file() and sha256_of(place) == place.name


@contextmanager
def _owned(path: Path) -> Iterator[IO[bytes]]:
    """Give a half-downloaded file to one process at a time."""
    while True:
        with path.open("ab+") as part:
            fcntl.flock(part, fcntl.LOCK_EX)
            # Whoever had it before may have moved it to its place: what we hold then is the finished file.
            if _is_at(part, path):
                yield part
                return


def _is_at(part: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(part.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _hash_of(file: KeyFile) -> str:
    return file.sha256.removeprefix("0x").lower()
