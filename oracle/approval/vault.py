"""What a party keeps on its own disk: its key share, blinds and open forms, locked by its key file; the joint keys."""

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from oracle.approval.errors import VaultFault
from oracle.approval.fields import Answer
from oracle.approval.identity import Identity, write_private

_JOINT: Final = ("public", "multiplication", "rotations")
_HALVES: Final = ("public", "switching", "rotations")
_BLINDS: Final = ("blinds", "masks", "sums")


class Vault:
    """One party's folder for one session. What it holds is of no use without the party's key file."""

    def __init__(self, folder: Path, session: str, name: str, identity: Identity) -> None:
        self._folder = folder
        self._session = session
        self._name = name
        self._identity = identity

    def keep_share(self, share: bytes, public: bytes) -> None:
        """Keep a key share before its public half is sent: one that is lost after leaves keys that nobody can use.

        It does not replace another: which of two public halves is accepted shows only after both were sent, where a
        party was ended between.
        """
        half = hashlib.sha256(public).hexdigest()
        write_private(self._made(half), self._identity.lock(share, self._bound(f"share {half}")))

    def share(self, half: str) -> bytes:
        """Return the share whose public half has this SHA-256; raises VaultFault where it is not here."""
        kept = self._folder / f"{self._session}.share"
        with contextlib.suppress(FileNotFoundError):
            self._made(half).replace(kept)
        try:
            locked = kept.read_bytes()
        except OSError as error:
            raise VaultFault(
                f"{kept}: the share of {self._name}'s keys in this session is not there ({error.strerror}): they were "
                "made with another folder; name that one, or begin a new session"
            ) from error
        try:
            share = self._identity.unlock(locked, self._bound(f"share {half}"))
        except VaultFault as fault:
            raise VaultFault(f"{kept}: {fault}") from fault
        for unused in self._folder.glob(f"{self._session}.*.share"):
            unused.unlink()
        return share

    def give_once(self, number: int, result: str) -> None:
        """Remember of which result a share is given, before it is; raises VaultFault where it was another.

        Two results of one application under the same blinds would tell the margin: a server that shows a party that
        starts again other inputs than before must not get a second share.
        """
        line = f"{number} {result}\n"
        kept = self._folder / f"{self._session}.given"
        with contextlib.suppress(FileNotFoundError):
            for known in kept.read_text(encoding="ascii").splitlines(keepends=True):
                if known == line:
                    return
                if known.startswith(f"{number} "):
                    raise VaultFault(
                        f"{self._name} gave its share of another result of application {number} before: the server "
                        "shows other messages than then, and no second share is given"
                    )
        descriptor = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(line)
            stream.flush()
            os.fsync(stream.fileno())

    def keep_form(self, number: int, answers: Mapping[str, Answer]) -> None:
        """Keep the answers of an application until it is over, so that it can be taken up again."""
        text = json.dumps(dict(answers), sort_keys=True).encode()
        write_private(self._form(number), self._identity.lock(text, self._bound(f"form {number}")))

    def form(self, number: int) -> dict[str, Answer] | None:
        """Return the answers that an application began with, or None; raises VaultFault."""
        try:
            locked = self._form(number).read_bytes()
        except FileNotFoundError:
            return None
        answers: dict[str, Answer] = json.loads(self._identity.unlock(locked, self._bound(f"form {number}")))
        return answers

    def forms(self) -> list[int]:
        """Return the applications whose answers are kept, the oldest first."""
        found = self._folder.glob(f"{self._session}.*.form")
        return sorted(int(file.name.split(".")[1]) for file in found)

    def drop_form(self, number: int) -> None:
        """Forget an application's answers."""
        self._form(number).unlink(missing_ok=True)

    def keep_blinds(self, first: int, pledge: str, blinds: Mapping[str, bytes]) -> None:
        """Keep blinds before they are pledged, with the `sums` that open what-ifs later: no other party has those.

        They do not replace others: which of two pledges is accepted shows only after both were sent.
        """
        packed = _packed(_BLINDS, blinds)
        write_private(self._blinds(first, pledge), self._identity.lock(packed, self._bound(f"blinds {first} {pledge}")))

    def blinds(self, first: int, pledge: str) -> dict[str, bytes]:
        """Return the blinds that were pledged so; raises VaultFault where they are not here."""
        kept = self._blinds(first, pledge)
        try:
            locked = kept.read_bytes()
        except OSError as error:
            raise VaultFault(
                f"{kept}: the blinds that {self._name} pledged in this session are not there ({error.strerror}): name "
                "the folder that has them, or begin a new session"
            ) from error
        packed = self._identity.unlock(locked, self._bound(f"blinds {first} {pledge}"))
        for other in self._folder.glob(f"{self._session}.{first}.*.blinds"):
            if other != kept:
                other.unlink()
        return _unpacked(_BLINDS, packed)

    def drop_blinds(self, first: int) -> None:
        """Forget the blinds of eight applications."""
        for kept in self._folder.glob(f"{self._session}.{first}.*.blinds"):
            kept.unlink()

    def keep_halves(self, halves: Mapping[str, bytes]) -> None:
        """Keep what was pledged until it is sent: a party that starts again can send no other."""
        _keep(self._folder / f"{self._session}.halves", _HALVES, halves)

    def halves(self) -> dict[str, bytes] | None:
        """Return this party's halves of the keys as they were kept, unchecked, or None."""
        return _kept(self._folder / f"{self._session}.halves", _HALVES)

    def drop_halves(self) -> None:
        """Forget the halves: the server has them."""
        (self._folder / f"{self._session}.halves").unlink(missing_ok=True)

    def keep_joint(self, joint: Mapping[str, bytes]) -> None:
        """Keep the joint keys, which are no secret: a party that starts again need not fetch and combine them."""
        _keep(self._folder / f"{self._session}.joint", _JOINT, joint)

    def joint(self) -> dict[str, bytes] | None:
        """Return the joint keys as they were kept, unchecked, or None."""
        return _kept(self._folder / f"{self._session}.joint", _JOINT)

    def _made(self, half: str) -> Path:
        return self._folder / f"{self._session}.{half[:16]}.share"

    def _blinds(self, first: int, pledge: str) -> Path:
        return self._folder / f"{self._session}.{first}.{pledge[:16]}.blinds"

    def _form(self, number: int) -> Path:
        return self._folder / f"{self._session}.{number}.form"

    def _bound(self, what: str) -> bytes:
        return f"{self._session} {self._name} {what}".encode()


def _keep(file: Path, names: Sequence[str], parts: Mapping[str, bytes]) -> None:
    write_private(file, _packed(names, parts))


def _kept(file: Path, names: Sequence[str]) -> dict[str, bytes] | None:
    try:
        raw = file.read_bytes()
    except FileNotFoundError:
        return None
    return _unpacked(names, raw)


def _packed(names: Sequence[str], parts: Mapping[str, bytes]) -> bytes:
    sizes = b"".join(len(parts[name]).to_bytes(8, "big") for name in names)
    return sizes + b"".join(parts[name] for name in names)


def _unpacked(names: Sequence[str], raw: bytes) -> dict[str, bytes]:
    found, place = {}, 8 * len(names)
    for number, name in enumerate(names):
        size = int.from_bytes(raw[8 * number : 8 * number + 8], "big")
        found[name] = raw[place : place + size]
        place += size
    return found


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a folder for this process alone; raises VaultFault while another has it."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise VaultFault(f"{folder} cannot be used: {error.strerror}") from error
    try:
        # The kernel lets go of it with the process, however that ends.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise VaultFault(f"another process works with {folder}: a party, or a server, runs once") from error
    else:
        yield
    finally:
        os.close(descriptor)
