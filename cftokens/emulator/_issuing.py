"""
The dashboard's part: tokens that no other token made.

https://developers.cloudflare.com/fundamentals/api/get-started/create-token/
"""

from collections.abc import Iterable
from datetime import datetime

import attrs

from cftokens._arguments import PlainCondition
from cftokens._operations.bodies import encode, fields_from, policies_from, to_json
from cftokens._operations.groups import resolve
from cftokens.emulator._catalogue import visible_to
from cftokens.emulator._policies import TOKENS_WRITE
from cftokens.emulator._state import Owner
from cftokens.emulator._values import Kind
from cftokens.models import PermissionGroup, TokenPolicy
from cftokens.policies import PolicyArgument


@attrs.frozen
class IssuedToken:
    """
    A token that `Emulator.issue()` made.

    Attributes:
        id: The id of the token.
        value: Its value, a plain string, which the repr leaves out.
    """

    id: str
    value: str = attrs.field(repr=False)


def body_of(
    owner: Owner,
    *,
    name: str,
    policies: Iterable[PolicyArgument] | None,
    condition: PlainCondition | None,
    expires_on: datetime | None,
) -> bytes:
    """
    Return the body of a create, with the permission groups found in the emulator's catalogue.

    Without *policies*, the token manages its owner's tokens and does nothing else.

    Raises:
        ValueError: An argument is wrong.
        TypeError: An argument has the wrong type.
        PermissionGroupError: A permission group does not exist, or is ambiguous.
    """
    fields = fields_from(name=name, condition=condition, expires_on=expires_on)
    given = [_minting(owner)] if policies is None else policies_from(policies)
    return encode(to_json({**fields, "policies": resolve(given, _groups(owner.kind))}))


def _minting(owner: Owner) -> TokenPolicy:
    group = PermissionGroup(id=TOKENS_WRITE[owner.kind])
    return TokenPolicy(effect="allow", permission_groups=[group], resources={owner.name: "*"})


def _groups(kind: Kind) -> tuple[PermissionGroup, ...]:
    return tuple(
        PermissionGroup(id=group.id, name=group.name, scopes=[group.scope]) for group in visible_to(kind)
    )
