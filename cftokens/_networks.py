"""
Which addresses a list of networks covers.
"""

import contextlib
import ipaddress
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network


def versions_covered(networks: Iterable[str]) -> set[int]:
    """
    Return 4 if networks cover every IPv4 address, and 6 if they cover every IPv6 address.

    A network that cannot be read covers nothing.
    """
    read: list[IPv4Network | IPv6Network] = []
    for network in networks:
        with contextlib.suppress(ValueError):
            read.append(ipaddress.ip_network(network, strict=False))
    four = ipaddress.collapse_addresses(each for each in read if isinstance(each, IPv4Network))
    six = ipaddress.collapse_addresses(each for each in read if isinstance(each, IPv6Network))
    whole = {str(network) for network in (*four, *six)}
    return {version for version, network in ((4, "0.0.0.0/0"), (6, "::/0")) if network in whole}
