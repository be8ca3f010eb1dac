"""Where proofs are made besides this machine."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from oracle.config.values import Seconds, Section


class ProvingSettings(Section):
    """A fleet of Dask workers that make proofs of requests without private data; absent: this machine alone."""

    scheduler: str | None = Field(
        None,
        pattern=r"^(tcp|tls)://[^\s/]+:\d+$",
        description="address of the fleet's Dask scheduler: tls://host:port with certificates, tcp://… on one machine; "
        "needs risk-oracle[fleet]",
    )
    at_once: int = Field(4, ge=1, le=512, description="proofs that the fleet makes at the same time for this daemon")
    timeout_seconds: Seconds = Field(
        60.0, description="so long a proof of the fleet is waited for; then this machine makes it"
    )
    authority: Path | None = Field(None, description="certificate of the fleet's own authority (PEM)")
    certificate: Path | None = Field(None, description="this daemon's certificate by that authority (PEM)")
    key_file: Path | None = Field(None, description="its private key (PEM)")

    @model_validator(mode="after")
    def _together(self) -> Self:
        given = [name for name in ("authority", "certificate", "key_file") if getattr(self, name) is not None]
        if len(given) not in (0, 3):
            raise ValueError("authority, certificate and key_file go together: name all three, or none")
        if self.scheduler is not None and self.scheduler.startswith("tls://") != (len(given) == 3):
            raise ValueError(
                "scheduler: tls://… and the three certificate files go together; tcp://… is for one machine"
            )
        return self
