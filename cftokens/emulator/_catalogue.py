"""
The catalogue of permission groups, and which kind of token sees which.
"""

import re
from collections.abc import Iterable
from typing import Any, Final

import attrs

from cftokens.emulator._permission_groups import (
    ACCOUNT,
    BUCKET,
    CATEGORIES,
    PERMISSION_GROUPS,
    USER,
    WORKER,
    ZONE,
)
from cftokens.emulator._values import Kind

__all__ = ["ACCOUNT", "BUCKET", "CATALOGUE", "USER", "WORKER", "ZONE", "Group", "groups_of", "visible_to"]


@attrs.frozen
class Group:
    """
    A permission group; *scope* is the kind of resource that it applies to.
    """

    id: str
    name: str
    scope: str

    def as_listed(self) -> dict[str, Any]:
        """
        Return the group as the permission groups endpoint shows it.
        """
        category = {"category": CATEGORIES[self.id]} if self.id in CATEGORIES else {}
        return {"id": self.id, "name": self.name, "scopes": [self.scope], **category}

    def as_granted(self) -> dict[str, Any]:
        """
        Return the group as a token's policy shows it.
        """
        label = re.sub(r"\W+", "_", self.name.lower()).strip("_")
        return {"id": self.id, "name": self.name, "meta": {"label": label, "scopes": self.scope}}


CATALOGUE: Final = {row[0]: Group(*row) for row in PERMISSION_GROUPS}


def visible_to(kind: Kind) -> list[Group]:
    """
    Return the groups that this kind of token sees. Account tokens see no user-scoped ones.
    """
    return [group for group in CATALOGUE.values() if kind == "user" or group.scope != USER]


def groups_of(scopes: Iterable[str]) -> tuple[str, ...]:
    """
    Return the ids of all groups with one of these scopes, sorted.
    """
    wanted = frozenset(scopes)
    return tuple(sorted(group.id for group in CATALOGUE.values() if group.scope in wanted))
