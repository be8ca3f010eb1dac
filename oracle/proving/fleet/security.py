"""Who may talk to a fleet: mutual TLS by certificates of the operator's own, or nobody but this machine."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oracle.assessment.errors import ConfigurationFault


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files of an authority, a certificate and its key; all three or none."""

    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def __post_init__(self) -> None:
        given = [one for one in (self.authority, self.certificate, self.key) if one is not None]
        if len(given) not in (0, 3):
            raise ConfigurationFault("the authority, the certificate and its key go together: name all three, or none")

    def check(self, scheduler: str) -> None:
        """Raise ConfigurationFault for an address that does not go with them."""
        if (self.key is None) != (not scheduler.startswith("tls://")):
            raise ConfigurationFault(
                f"{scheduler}: tls://… and the three certificate files go together; plain tcp://… is for one machine"
            )


def security_of(certificates: Certificates) -> Any:
    """Return Dask's form of them, None without any."""
    if certificates.key is None:
        return None
    from distributed.security import Security

    files = {"ca_file": certificates.authority, "cert": certificates.certificate, "key": certificates.key}
    named = {f"tls_{name}": str(file) for name, file in files.items() if name == "ca_file"}
    for side in ("client", "worker", "scheduler"):
        named |= {f"tls_{side}_{name}": str(file) for name, file in files.items() if name != "ca_file"}
    return Security(require_encryption=True, **named)  # type: ignore[no-untyped-call]
