"""What an issuer is set to: its own small file, apart from the oracle's settings."""

import tomllib
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from oracle.assessment.errors import ConfigurationFault, InvalidRequest
from oracle.assessment.request import Address, to_address
from oracle.issuers.errors import IssuerFault
from oracle.issuers.published import check_url
from oracle.issuers.signing import RegistryDomain

_DAY: Final = 86_400


def _url(text: str) -> str:
    try:
        check_url(text)
    except ConfigurationFault as fault:
        raise ValueError(str(fault)) from None
    return text.rstrip("/")


def _address(text: str) -> Address:
    try:
        return to_address(text)
    except InvalidRequest as error:
        raise ValueError(str(error)) from None


class IssuerSettings(BaseModel):
    """An issuer's file; paths in it are beside the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, AfterValidator(_url)] = Field(description="where borrowers and lenders find it, its name too")
    name: str = Field("", description="its name for people")
    chain_id: int = Field(gt=0, description="the chain of the registry that knows its attestations' key")
    registry: Annotated[Address, AfterValidator(_address)] = Field(description="that registry's address")
    keys: Path = Field(Path("keys.json"), description="its private keys, readable by their owner alone")
    records: Path = Field(Path("records.json"), description="what it knows of borrowers")
    journal: Path = Field(Path("journal.sqlite"), description="what it issued and revoked")
    valid_days: int = Field(90, ge=1, le=3_650, description="how long what it issues is valid")
    offer_minutes: int = Field(60, ge=1, le=10_080, description="how long an offer may be taken up")
    host: str = Field("127.0.0.1", description="address to listen on; put a proxy with TLS before it")
    port: int = Field(8640, ge=0, le=65_535, description="port to listen on")

    @classmethod
    def load(cls, file: Path) -> Self:
        """Read a file; raises IssuerFault that names each setting which cannot be used."""
        try:
            given = tomllib.loads(file.read_text(encoding="utf-8"))
            found = cls.model_validate(given)
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise IssuerFault(f"the issuer's settings {file} cannot be read: {error}") from None
        except ValidationError as error:
            faults = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
            raise IssuerFault(f"{file}: {faults}") from None
        beside = {name: file.parent / getattr(found, name) for name in ("keys", "records", "journal")}
        return found.model_copy(update=beside)

    @property
    def domain(self) -> RegistryDomain:
        """The domain of its attestations."""
        return RegistryDomain(self.chain_id, self.registry)

    @property
    def valid_seconds(self) -> int:
        """How long what it issues is valid."""
        return self.valid_days * _DAY

    @property
    def status_uri(self) -> str:
        """Where its status list is."""
        return f"{self.url}/status/1"
