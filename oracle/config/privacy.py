"""Private credit data: whether requests with a commitment are waited for, and the keys that openings take."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from oracle.config.values import Section


class PrivacySettings(Section):
    """How a request that commits to private data is answered; without any of this it is declined at once."""

    sealing_key_file: Path | None = Field(
        None,
        description="file of the X25519 secret key that borrowers seal their openings to: 64 hex digits, or what AWS "
        "KMS encrypted; `risk-oracle privacy keys` makes it",
    )
    storage_key_file: Path | None = Field(
        None,
        description="file of the key that openings are encrypted with in the database: 64 hex digits, or what AWS KMS "
        "encrypted; the same for all daemons of one database",
    )
    take_proofs: bool = Field(
        False, description="wait for proofs that borrowers make themselves also without keys for openings"
    )
    decline_margin_seconds: int = Field(
        120,
        ge=1,
        le=86_400,
        description="so long before its deadline a request without its data is declined; a quarter of its time at most",
    )

    @property
    def takes_openings(self) -> bool:
        """Whether borrowers may hand their openings over."""
        return self.sealing_key_file is not None

    @property
    def waits(self) -> bool:
        """Whether a request with private data is waited for at all."""
        return self.takes_openings or self.take_proofs

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.sealing_key_file is None) != (self.storage_key_file is None):
            raise ValueError("sealing_key_file and storage_key_file go together: `risk-oracle privacy keys` makes both")
        if self.sealing_key_file is not None and self.sealing_key_file == self.storage_key_file:
            raise ValueError("sealing_key_file and storage_key_file name the same file: give each key its own")
        return self
