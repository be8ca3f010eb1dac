"""Where state is kept."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr

from oracle.config.values import Section, endpoint


class DatabaseSettings(Section):
    """The Postgres that holds all state."""

    url: Annotated[SecretStr, endpoint("postgresql://", "postgresql+psycopg://")] | None = Field(
        None, description="postgresql://user:password@host/name; absent: an embedded server"
    )
    password: SecretStr | None = Field(None, description="its password, when the URL does not hold it")
    directory: Path = Field(Path("build/postgres"), description="data folder of the embedded server")
