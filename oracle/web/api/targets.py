"""Where webhooks may go: never to what only this machine or its network can reach, whatever a name resolves to."""

import ipaddress
import re
import socket
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from aiohttp.connector import AddrInfoType

_LONGEST: Final = 2_000
_PRINTABLE: Final = re.compile(r"[\x21-\x7e]+")
# Addresses in these hold an IPv4 address, which may be a private one.
_CARRIERS: Final = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))
# Global unicast: what lies beyond is of no public network, whatever Python's tables (of its release's day) say of it.
_PUBLIC_V6: Final = ipaddress.ip_network("2000::/3")
_DOCUMENTATION: Final = ipaddress.ip_network("3fff::/20")
_NOT_PUBLIC_V4: Final = ipaddress.ip_network("192.0.0.0/24")


class TargetRefused(OSError):
    """A webhook's target is an address that is not public."""


def is_public(address: str) -> bool:
    """Say whether an IP address is one of the public internet's."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if isinstance(found, ipaddress.IPv6Address) and (
        found not in _PUBLIC_V6 or any(found in network for network in (*_CARRIERS, _DOCUMENTATION))
    ):
        return False
    if isinstance(found, ipaddress.IPv4Address) and found in _NOT_PUBLIC_V4:
        return False
    return found.is_global and not found.is_multicast


def check_url(text: str, *, private: bool) -> str:
    """Return a webhook's URL; raises ValueError for one that no delivery would be made to.

    With `private` it may be of plain HTTP, and of any address.
    """
    if len(text) > _LONGEST or not _PRINTABLE.fullmatch(text):
        raise ValueError(f"expected a URL of at most {_LONGEST} visible ASCII characters")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("is not a URL") from None
    schemes = ("https", "http") if private else ("https",)
    if parts.scheme not in schemes or not host or port == 0:
        raise ValueError(f"expected a URL that starts with {' or '.join(f'{one}://' for one in schemes)}")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise ValueError("expected a URL without a user, a password or a fragment")
    if not private and _is_address(host) and not is_public(host):
        raise ValueError("is not a public address")
    # A dot at the end makes it no other host.
    if not private and f".{host.rstrip('.')}".endswith((".localhost", ".local", ".internal")):
        raise ValueError("is not a public host")
    return text


def connector(*, private: bool) -> aiohttp.TCPConnector:
    """Return what makes connections for deliveries: each address is looked at when it is connected to.

    A check before the connection would be of another answer of the resolver than the one that is used.
    """

    def connecting(address: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, where = address
        if not private and not is_public(str(where[0])):
            # Without the address: what a name stands for in this network is nothing for whoever made the webhook.
            raise TargetRefused("the host is not a public address: webhooks are not delivered there")
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        return made

    return aiohttp.TCPConnector(socket_factory=connecting, force_close=True, use_dns_cache=False)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        # Also as one number or in octal, as the system's resolver takes it.
        return re.fullmatch(r"[0-9a-fx.]+", host) is not None and not re.search(r"[a-z]{2,}$", host)
    return True
