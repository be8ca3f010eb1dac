"""Variables that bear our prefix and are no settings: what a cluster injects, and what our own tools read."""

import ipaddress
import re
from typing import Final

OWN: Final = {
    "CONFIG": "names the settings file",
    "RPC_URL": "says where contracts are deployed",
    "DEPLOYER_KEY": "is the key that deploys contracts",
    "DASHBOARD_DATABASE": "says which database the dashboard that stands alone reads",
    "DASHBOARD_PASSWORD_FILE": "says which file holds the password for that database",
    "ISSUER": "names the issuer's settings file",
    "MODEL": "says which verifier is compiled",
    "SCENARIO_SEED": "is for the tests",
    "SCENARIO_WALLETS": "is for the tests",
}
"""Variables of the command line, the deployment and the tests, without the prefix, and what each is for."""

MISTAKEN_FOR: Final = {"chain.rpc_url": "RPC_URL"}
"""Settings that somebody may believe to have set when they set a variable of OWN."""

_PORT: Final = r"PORT_\d+_(?:TCP|UDP|SCTP)"
# A service `risk-oracle` gives RISK_ORACLE_PORT, and `risk-oracle-web` RISK_ORACLE_WEB_PORT; never two underscores.
_SHAPES: Final = tuple(
    (re.compile(rf"(?:[A-Z0-9]+_)*?{name}", re.ASCII), re.compile(value))
    for name, value in (
        (rf"(?:PORT|{_PORT})", r"(?:tcp|udp|sctp)://\S+"),
        (rf"{_PORT}_PROTO", r"tcp|udp|sctp"),
        (rf"{_PORT}_PORT", r"\d{1,5}"),
        (r"SERVICE_PORT(?:_[A-Z0-9]+)*", r"\d{1,5}"),
        # Docker's links tell the other container's name as well.
        (r"NAME", r"/\S+/\S+"),
    )
)
_HOSTS: Final = re.compile(rf"(?:[A-Z0-9]+_)*?(?:SERVICE_HOST|{_PORT}_ADDR)", re.ASCII)


def is_foreign(name: str, value: str) -> bool:
    """Say whether a variable, given without the prefix, is no attempt at a setting.

    A cluster's are known by their names and their values together: RISK_ORACLE_WEB_PORT=8080 is a misspelt setting.
    """
    if name in OWN:
        return True
    if _HOSTS.fullmatch(name):
        return _is_ip_address(value)
    return any(shape.fullmatch(name) and content.fullmatch(value) for shape, content in _SHAPES)


def _is_ip_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
