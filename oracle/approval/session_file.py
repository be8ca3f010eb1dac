"""What a session is about, in one file that all four have: who takes part, the model, and where the server is.

Its name is a digest of roster, model and a nonce, and whoever reads the file computes it anew: a file in which a key or
a weight was changed is another session's, whose messages nobody here accepts. The server's address is no part of it.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from oracle.approval.errors import ModelFault, SessionFault, VaultFault
from oracle.approval.fields import PARTIES
from oracle.approval.identity import Identity, PublicIdentity, session_id
from oracle.approval.model import SHIPPED, CardModel, load_model
from oracle.approval.transcript import SERVER

ALL: Final = (*PARTIES, SERVER)
_Half = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class PublicHalf(_Strict):
    """The public half of a party's keys, as `approval identity` prints it."""

    signing: _Half
    sealing: _Half


class _Roster(_Strict):
    applicant: PublicHalf
    bank: PublicHalf
    agency: PublicHalf
    server: PublicHalf


class _File(_Strict):
    version: Literal[1] = 1
    session: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    nonce: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    server: str
    model: dict[str, Any]
    roster: _Roster


@dataclass(frozen=True)
class Session:
    """A session whose name was computed from what stands here. Raises SessionFault for what no session can be."""

    nonce: bytes
    server: str
    model: CardModel
    roster: Mapping[str, PublicIdentity]

    def __post_init__(self) -> None:
        try:
            address = urlsplit(self.server)
            known = address.scheme in ("http", "https") and bool(address.hostname) and address.port != 0
        except ValueError:
            known = False
        if not known or address.query or address.fragment or self.server.endswith("/"):
            raise SessionFault(
                f"{self.server} is no address of a server: https://host[:port][/path], no slash at its end"
            )
        for half in ("signing", "sealing"):
            owners: dict[bytes, str] = {}
            for name, who in self.roster.items():
                other = owners.setdefault(getattr(who, half), name)
                if other != name:
                    raise SessionFault(f"{other} and {name} have the same key: each makes its own")
        shipped = SHIPPED / f"{self.model.name}.json"
        if shipped.is_file() and load_model(self.model.name).digest != self.model.digest:
            raise SessionFault(f"its model calls itself {self.model.name} and is not the one that this release ships")
        try:
            for who in self.roster.values():
                Identity(bytes(32)).token(who, "")
        except VaultFault as fault:
            raise SessionFault(str(fault)) from fault

    @classmethod
    def begin(cls, roster: Mapping[str, PublicIdentity], model: CardModel, server: str) -> Self:
        """Return a new session of these four."""
        return cls(secrets.token_bytes(16), server.rstrip("/"), model, {name: roster[name] for name in ALL})

    @property
    def id(self) -> str:
        """The session's name."""
        return session_id(dict(self.roster), self.model.digest, self.nonce)

    def identity_of(self, name: str, key: Path) -> Identity:
        """Return a party's keys from its file; raises VaultFault unless they are those of the roster."""
        identity = Identity.read(key)
        if identity.public == self.roster[name]:
            return identity
        other = next((one for one, who in self.roster.items() if who == identity.public), None)
        whose = f"that of the {other}" if other else "nobody's in this session"
        raise VaultFault(f"{key} is not the key of the {name} in session {self.id}: it is {whose}")

    def written(self) -> str:
        """Return the file's text."""
        halves = {
            name: {"signing": who.signing.hex(), "sealing": who.sealing.hex()} for name, who in self.roster.items()
        }
        told = {
            "version": 1,
            "session": self.id,
            "nonce": self.nonce.hex(),
            "server": self.server,
            "model": asdict(self.model),
            "roster": halves,
        }
        return json.dumps(told, indent=2) + "\n"


def read_session(file: Path) -> Session:
    """Return the session of a file; raises SessionFault, which says what of it does not fit."""
    try:
        known = _File.model_validate_json(_text(file))
        roster = {name: public_identity(getattr(known.roster, name)) for name in ALL}
        model = CardModel.parse(json.dumps(known.model))
        found = Session(bytes.fromhex(known.nonce), known.server, model, roster)
    except ValidationError as error:
        raise SessionFault(f"{file} is no session file: {_first(error)}") from error
    except (ModelFault, SessionFault) as fault:
        raise SessionFault(f"{file}: {fault}") from fault
    if found.id != known.session:
        raise SessionFault(
            f"{file} calls itself session {known.session}, and its keys, model and nonce give {found.id}: it was "
            "changed; get it anew from whoever made it"
        )
    return found


def read_public_half(file: Path) -> PublicIdentity:
    """Return the public half in a file that `approval identity` printed; raises SessionFault."""
    try:
        return public_identity(PublicHalf.model_validate_json(_text(file)))
    except ValidationError as error:
        raise SessionFault(
            f"{file} is no public half as `risk-oracle approval identity` prints it: {_first(error)}"
        ) from error


def public_identity(half: PublicHalf) -> PublicIdentity:
    """Return the keys of a public half."""
    return PublicIdentity(bytes.fromhex(half.signing), bytes.fromhex(half.sealing))


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SessionFault(f"{file} cannot be read: {error}") from error


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}"
