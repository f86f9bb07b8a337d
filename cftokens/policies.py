"""
Access policies in words.

::

    from cftokens import policies as p

    p.allow("DNS Write", "Zone Read", on=p.zone(zone_id))
    p.allow("Logs Read", on=p.all_zones(account_id))
    p.allow("Individual Workers Editor", on=p.worker(account_id, script_tag))

Permission groups are given by name, by id, or as a `PermissionGroup`. Names are looked up when a token
is created or changed. Where two groups have the same name, the resource decides between them: "Logs
Read" on a zone is the group for zones, on an account it is the one for accounts.

https://developers.cloudflare.com/fundamentals/api/how-to/create-via-api/
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from cftokens import _access, _drafts
from cftokens._checks import check_id, check_jurisdiction, check_text
from cftokens._comparing import AccessDifference, describe, difference, same_access
from cftokens._drafts import PolicyDraft, Resource
from cftokens._secret import quoted
from cftokens.models import PermissionGroup

__all__ = [
    "ACCOUNT",
    "R2_BUCKET",
    "USER",
    "WORKER",
    "ZONE",
    "AccessDifference",
    "PolicyArgument",
    "PolicyDraft",
    "Resource",
    "account",
    "all_accounts",
    "all_r2_buckets",
    "all_zones",
    "all_zones_of_all_accounts",
    "allow",
    "deny",
    "describe",
    "difference",
    "r2_bucket",
    "same_access",
    "user",
    "worker",
    "zone",
]


def __dir__() -> list[str]:
    return __all__


for _public in (AccessDifference, PolicyDraft, Resource):
    _public.__module__ = __name__  # where users import it from, in help() and in pickles


ACCOUNT: Final = _access.ACCOUNT
"""The scope of groups that work on accounts."""

ZONE: Final = _access.ZONE
"""The scope of groups that work on zones."""

USER: Final = _access.USER
"""The scope of groups that work on a user."""

R2_BUCKET: Final = _access.R2_BUCKET
"""The scope of groups that work on R2 buckets."""

WORKER: Final = _access.WORKER
"""The scope of groups that work on single Workers."""

_BUCKET_NAME: Final = r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]"


def account(account_id: str) -> Resource:
    """
    One account.

    Raises:
        ValueError: *account_id* is not an id.
    """
    return Resource(ACCOUNT, f"{ACCOUNT}.{check_id(account_id, 'account_id')}")


def all_accounts() -> Resource:
    """
    Every account of the user, for user tokens only.
    """
    return Resource(ACCOUNT, f"{ACCOUNT}.*", for_users_only=True)


def zone(zone_id: str) -> Resource:
    """
    One zone.

    Raises:
        ValueError: *zone_id* is not an id.
    """
    return Resource(ZONE, f"{ZONE}.{check_id(zone_id, 'zone_id')}")


def all_zones(account_id: str) -> Resource:
    """
    Every zone of an account, including those added later.

    Raises:
        ValueError: *account_id* is not an id.
    """
    return Resource(ZONE, f"{ZONE}.*", account=account(account_id).name)


def all_zones_of_all_accounts() -> Resource:
    """
    Every zone of every account of the user, for user tokens only.
    """
    return Resource(ZONE, f"{ZONE}.*", for_users_only=True)


def user(user_id: str) -> Resource:
    """
    The user who owns the token, for user tokens only.

    Raises:
        ValueError: *user_id* is not an id.
    """
    return Resource(USER, f"{USER}.{check_id(user_id, 'user_id')}", for_users_only=True)


def r2_bucket(account_id: str, name: str, jurisdiction: str = "default") -> Resource:
    """
    One R2 bucket.

    https://developers.cloudflare.com/r2/api/tokens/

    Args:
        account_id: The account that owns the bucket.

        name: The bucket's name: 3 to 63 lower-case letters, digits and hyphens.

        jurisdiction: ``"default"``, ``"eu"``, ``"fedramp"``, or whatever Cloudflare adds.

    Raises:
        ValueError: An argument is wrong.
    """
    bucket = check_text(name, "name")
    if not re.fullmatch(_BUCKET_NAME, bucket):
        raise ValueError(
            f"name must be 3 to 63 lower-case letters, digits and hyphens, not {quoted(bucket)}."
        )
    where = f"{check_id(account_id, 'account_id')}_{check_jurisdiction(jurisdiction)}"
    return Resource(R2_BUCKET, f"{R2_BUCKET}.{where}_{bucket}")


def all_r2_buckets(account_id: str) -> Resource:
    """
    Every R2 bucket of an account, including those added later.

    Raises:
        ValueError: *account_id* is not an id.
    """
    return Resource(R2_BUCKET, f"{R2_BUCKET}.*", account=account(account_id).name)


def worker(account_id: str, script_tag: str) -> Resource:
    """
    One Worker.

    Its bindings are not checked: an Editor of one Worker can bind it to the account's other Workers and to
    their KV namespaces, buckets and database connections, and read what is there. The grant is wider than
    it looks.

    https://developers.cloudflare.com/workers/authorization/workers/

    Args:
        account_id: The account that owns the Worker.

        script_tag: The Worker's immutable id, which is ``tag`` in the answer to
            ``GET /accounts/{account_id}/workers/scripts``, not its name.

    Raises:
        ValueError: An argument is wrong.
    """
    return Resource(WORKER, f"{WORKER}.{_check_tag(script_tag)}", account=account(account_id).name)


def _check_tag(script_tag: object) -> str:
    try:
        return check_id(script_tag, "script_tag")
    except ValueError as error:
        raise ValueError(
            f"{error} A Worker's name is not its tag: "
            "GET /accounts/{account_id}/workers/scripts shows the tag of each."
        ) from None


PolicyArgument = _drafts.PolicyArgument
"""A policy in words, as a `TokenPolicy`, or in the API's own JSON shape."""


def allow(*groups: str | PermissionGroup, on: Resource | Iterable[Resource]) -> PolicyDraft:
    """
    Allow everything in some permission groups, on one or more resources.

    Args:
        groups: Names as the API has them ("Write", where the dashboard says "Edit"), ids, or
            `PermissionGroup` objects.

        on: One or more resources: what `zone()`, `account()` and the others return.

    Raises:
        ValueError: There is no group or no resource.

        TypeError: An argument has the wrong type.
    """
    return _draft("allow", groups, on)


def deny(*groups: str | PermissionGroup, on: Resource | Iterable[Resource]) -> PolicyDraft:
    """
    Deny everything in some permission groups, on one or more resources. A deny overrides every allow.

    Args:
        groups: Names as the API has them, ids, or `PermissionGroup` objects.

        on: One or more resources: what `zone()`, `account()` and the others return.

    Raises:
        ValueError: There is no group or no resource.

        TypeError: An argument has the wrong type.
    """
    return _draft("deny", groups, on)


def _draft(
    effect: str, groups: tuple[str | PermissionGroup, ...], on: Resource | Iterable[Resource]
) -> PolicyDraft:
    if isinstance(on, str | Mapping) or not isinstance(on, Resource | Iterable):
        raise TypeError(_not_a_resource(on))
    resources = (on,) if isinstance(on, Resource) else tuple(on)
    for resource in resources:
        if not isinstance(resource, Resource):
            raise TypeError(_not_a_resource(resource))
    if not groups or not resources:
        raise ValueError(f"{effect}() needs at least one permission group and one resource.")
    for group in groups:
        if not isinstance(group, str | PermissionGroup):
            raise TypeError(
                f"A permission group must be a name, an id or a PermissionGroup, not {type(group).__name__}. "
                "Pass several as separate arguments."
            )
        if isinstance(group, str):
            check_text(group, "a permission group")
    return PolicyDraft(effect, groups, resources)


def _not_a_resource(given: object) -> str:
    return f"on must be what zone(), account() and the others return, not {type(given).__name__}."
