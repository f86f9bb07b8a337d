"""
The resources in a policy: what their names mean, and which covers which.

https://developers.cloudflare.com/fundamentals/api/how-to/create-via-api/
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal

import attrs

from cftokens.emulator._catalogue import ACCOUNT, BUCKET, USER, WORKER, ZONE

_ID: Final = r"[0-9a-f]{32}"
_USER: Final = re.compile(rf"com\.cloudflare\.api\.user\.({_ID})")
_ACCOUNT: Final = re.compile(rf"com\.cloudflare\.api\.account\.({_ID}|\*)")
_ZONE: Final = re.compile(rf"com\.cloudflare\.api\.account\.zone\.({_ID}|\*)")
_BUCKET: Final = re.compile(rf"com\.cloudflare\.edge\.r2\.bucket\.({_ID})_([a-z0-9-]+_[a-z0-9.-]+)")
_WORKER: Final = re.compile(rf"com\.cloudflare\.edge\.worker\.script\.({_ID})")
_ALL_BUCKETS: Final = "com.cloudflare.edge.r2.bucket.*"

# The types of resources, by where they may stand; whether the rest of a name is an id is another matter.
_ACCOUNT_TYPE: Final = re.compile(r"com\.cloudflare\.api\.account(\.[^.]*)?")
_FLAT_TYPES: Final = re.compile(
    r"com\.cloudflare\.(api\.(account|user)(\.[^.]*)?|(api\.account\.zone|edge\.r2\.bucket)(\..*)?)"
)
_NESTED_TYPES: Final = re.compile(
    r"com\.cloudflare\.(api\.account\.zone|edge\.r2\.bucket|edge\.worker\.script)(\..*)?"
)

_TAKES: Final = {
    USER: {"user"},
    ACCOUNT: {"account"},
    ZONE: {"zone", "account"},
    BUCKET: {"bucket", "account"},
    WORKER: {"worker"},
}


@attrs.frozen
class Target:
    """
    A resource, or a set of resources, that a policy names.

    Attributes:
        kind: The kind of resource.
        account: The id of its account; ``*`` for any, ``?`` if the name does not say.
        name: Its id, tag or name in that account; ``*`` for all.
    """

    kind: Literal["user", "account", "zone", "bucket", "worker"]
    account: str = "*"
    name: str = "*"

    @property
    def is_flat_zone(self) -> bool:
        """
        Whether this is a single zone that is named without its account.
        """
        return self.kind == "zone" and self.account == "?"

    def takes(self, scope: str) -> bool:
        """
        Return whether a group of this scope can apply to this target.

        Cloudflare accepts zone groups on a whole account.
        """
        return self.kind in _TAKES[scope]

    def covers(self, other: "Target") -> bool:
        """
        Return whether this target includes another. An unknown account matches any.
        """
        if self == EVERY_ACCOUNT:
            return other.kind != "user"
        same_account = self.account in ("*", other.account) or "?" in (self.account, other.account)
        return self.kind == other.kind and self.name in ("*", other.name) and same_account

    def meets(self, other: "Target") -> bool:
        """
        Return whether the two overlap.
        """
        return self.covers(other) or other.covers(self)


EVERY_ACCOUNT: Final = Target("account")
EVERY_ZONE: Final = Target("zone")


def account_target(account_id: str) -> Target:
    """
    Return the target for one account itself.
    """
    return Target("account", account_id)


def user_target(user_id: str) -> Target:
    """
    Return the target for one user.
    """
    return Target("user", "*", user_id)


def parse_target(name: str) -> Target | None:
    """
    Return the target of a resource name at the top level, None if unknown.
    """
    if match := _USER.fullmatch(name):
        return user_target(match[1])
    if match := _ACCOUNT.fullmatch(name):
        return account_target(match[1])
    if match := _ZONE.fullmatch(name):
        return EVERY_ZONE if match[1] == "*" else Target("zone", "?", match[1])
    match = _BUCKET.fullmatch(name)
    return Target("bucket", match[1], match[2]) if match else None


def parse_nested(account: str, name: str) -> Target | None:
    """
    Return the target of a resource name nested in an account, None if unknown.
    """
    outer = _ACCOUNT.fullmatch(account)
    if outer is None or outer[1] == "*":
        return None
    if match := _ZONE.fullmatch(name):
        return Target("zone", outer[1], match[1])
    if match := _WORKER.fullmatch(name):
        return Target("worker", outer[1], match[1])
    if name == _ALL_BUCKETS:
        return Target("bucket", outer[1])
    inner = parse_target(name)
    return inner if inner and inner.kind == "bucket" and inner.account == outer[1] else None


def targets_of(resources: Mapping[str, Any]) -> Iterator[Target | None]:
    """
    Yield the target of each of a policy's resources, None if unknown.
    """
    for name, below in resources.items():
        if below == "*":
            yield parse_target(name)
        else:
            yield from (parse_nested(name, inner) for inner in below)


def unsupported_in(resources: Mapping[str, Any]) -> Iterator[str]:
    """
    Yield the names of an unknown type, or of a type that cannot stand where they do.
    """
    for name, below in resources.items():
        if below == "*":
            yield from _others(_FLAT_TYPES, [name])
        else:
            yield from _others(_ACCOUNT_TYPE, [name])
            yield from _others(_NESTED_TYPES, below)


def _others(types: re.Pattern[str], names: Iterable[str]) -> Iterator[str]:
    return (name for name in names if not types.fullmatch(name))
