"""
Policies in words, before their permission groups are looked up, and what they apply to.
"""

import attrs

from cftokens import _reprs as reprs
from cftokens._arguments import PlainPolicy
from cftokens.models import PermissionGroup


@attrs.frozen
class Resource:
    """
    What a policy applies to. Made by the functions of this module.

    Attributes:
        scope: The scope of the permission groups that work on it.

        name: Cloudflare's name for it.

        account: The account resource under which the name is nested, or None.

        for_users_only: Account-owned tokens cannot have it.
    """

    scope: str
    name: str
    account: str | None = None
    for_users_only: bool = False


@attrs.frozen
class PolicyDraft:
    """
    A policy whose permission groups have not been looked up yet. Made by `allow()` and `deny()`.

    Attributes:
        effect: ``"allow"`` or ``"deny"``.

        groups: Names, ids, or `PermissionGroup` objects.

        resources: What the policy applies to.
    """

    effect: str
    groups: tuple[str | PermissionGroup, ...]
    resources: tuple[Resource, ...]

    def __repr__(self) -> str:
        groups = [each if isinstance(each, str) else each.name or each.id for each in self.groups]
        return reprs.call(
            "PolicyDraft",
            effect=reprs.text(self.effect, 10),
            groups=reprs.several(groups, 2, 28),
            resources=reprs.several(map(_path, self.resources), 1, 72),
        )


def _path(resource: Resource) -> str:
    (path,) = reprs.resource_names(
        {resource.account: {resource.name: "*"}} if resource.account else {resource.name: "*"}
    )
    return path


PolicyArgument = PolicyDraft | PlainPolicy
"""A policy in words, as a `TokenPolicy`, or in the API's own JSON shape."""
