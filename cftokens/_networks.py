"""
Which addresses networks leave open.
"""

import contextlib
import ipaddress
from collections.abc import Collection, Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network
from typing import Final, TypeVar

N = TypeVar("N", IPv4Network, IPv6Network)

EVERY_VERSION: Final = frozenset({4, 6})


def versions_open(inside: Collection[str] | None, outside: Collection[str] | None) -> frozenset[int]:
    """
    Return the versions of IP of which every address may use a token.

    Args:
        inside: Only these networks may; without any, every address. One that cannot be read covers nothing.

        outside: These may not, so that not every address may.
    """
    if outside:
        return frozenset()
    return frozenset(_covered(inside)) if inside else EVERY_VERSION


def _covered(networks: Iterable[str]) -> Iterator[int]:
    read: list[IPv4Network | IPv6Network] = []
    for network in networks:
        with contextlib.suppress(ValueError):
            read.append(ipaddress.ip_network(network, strict=False))
    if _are_all([each for each in read if isinstance(each, IPv4Network)], 32):
        yield 4
    if _are_all([each for each in read if isinstance(each, IPv6Network)], 128):
        yield 6


def _are_all(networks: list[N], bits: int) -> bool:
    """
    Return whether networks cover all addresses. Most are too few, which is faster to see.
    """
    if sum(network.num_addresses for network in networks) < 2**bits:
        return False
    return any(network.prefixlen == 0 for network in ipaddress.collapse_addresses(networks))
