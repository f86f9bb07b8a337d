"""
What to do about a refusal, in one line.

The status counts first, then the code, then the text: 9109 alone has three meanings, and some texts
come with several codes or none.
https://developers.cloudflare.com/fundamentals/api/troubleshooting/
"""

import re
from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from cftokens.errors import APIError, ErrorData

_KINDS: Final = {
    "account": ("an account-owned", "client.accounts.tokens"),
    "user": ("a user", "client.user.tokens"),
}
_GROUP_NAME: Final = r'Permission group: "([^"]+)"'


class Refusal(NamedTuple):
    """
    A refused request, and Cloudflare's reasons.
    """

    status: int
    errors: tuple[ErrorData, ...]
    operation: str
    has_effect: bool
    path: str
    kind: Literal["account", "user"] | None

    def says(self, *codes: int, text: str = "") -> bool:
        """
        Return whether an error has one of the *codes*, if any are given, and *text* in its message.
        """
        return any(
            (not codes or error.code in codes) and text.lower() in error.message.lower()
            for error in self.errors
        )

    @property
    def is_lock_out(self) -> bool:
        """
        Whether Cloudflare refuses every credential from this machine.
        """
        return self.says(10502) or self.says(text="too many authentication failures")

    @property
    def world(self) -> Literal["account", "user"]:
        """
        The kind of token that the endpoint is for.
        """
        return "user" if self.path.startswith("/user/") else "account"


def hint_for(refusal: Refusal) -> str | None:
    """
    Return what to do about a refusal, or None.
    """
    return next((hint(refusal) for applies, hint in _HINTS if applies(refusal)), None)


def _other_kind(refusal: Refusal) -> bool:
    """
    An account's endpoints accept user tokens, except to verify them. A user's accept no other kind.
    """
    if refusal.kind is None or refusal.kind == refusal.world:
        return False
    if refusal.kind == "user":
        return refusal.operation == "verify" and _not_accepted(refusal)
    return _not_accepted(refusal) or refusal.status == 403


def _lacks_permission(refusal: Refusal) -> bool:
    return (
        refusal.status in {401, 403}
        and refusal.operation != "verify"  # needs none
        and (refusal.says(9109, text="unauthorized to access") or refusal.says(10000))
    )


def _not_accepted(refusal: Refusal) -> bool:
    return refusal.status == 401 or (
        refusal.status == 403
        and (
            refusal.says(1000)
            or (refusal.operation == "verify" and refusal.says(10000))
            or refusal.says(9109, text="invalid access token")
        )
    )


def _use_the_other_world(refusal: Refusal) -> str:
    kind, door = kind_and_door(refusal.kind or refusal.world)
    return f"The credential is {kind} token, which this endpoint never accepts; use {door}."


def kind_and_door(kind: Literal["account", "user"]) -> tuple[str, str]:
    """
    Return what a kind of token is called, with its article, and where a client has its operations.
    """
    return _KINDS[kind]


def refuses_address(error: APIError) -> bool:
    """
    Return whether a token was refused because of the address that it was used from.
    """
    return any("from location" in each.message for each in error.errors)


def _grant_the_permission(refusal: Refusal) -> str:
    name = "API Tokens" if refusal.world == "user" else "Account API Tokens"
    level = f'"{name} Write"' if refusal.has_effect else f'"{name} Read" or "{name} Write"'
    return f"The credential needs the permission group {level} for this account, or more time if it is new."


def _name_the_missing_group(refusal: Refusal) -> str:
    names = [match[1] for error in refusal.errors if (match := re.search(_GROUP_NAME, error.message))]
    group = f'the permission group "{names[0]}"' if names else "one of these permission groups"
    return (
        f"The credential lacks {group} on a single zone, where the creator of an account-owned token must "
        "hold what it grants, or the group does not apply to this kind of resource."
    )


_Rule = tuple[Callable[[Refusal], bool], Callable[[Refusal], str]]

_HINTS: Final[tuple[_Rule, ...]] = (
    (
        lambda refusal: refusal.is_lock_out,
        lambda _: (
            "After too many refused credentials, Cloudflare refuses all from this machine, whichever they "
            "are. Stop, find the credential that is wrong, and wait some minutes before the next request."
        ),
    ),
    (
        lambda refusal: refusal.says(6003, 6111),
        lambda _: "The credential does not look like a token: is it complete, and not a global API key?",
    ),
    (
        lambda refusal: refusal.says(9106, 9107),
        lambda _: "Something on the way removed the Authorization header, perhaps a proxy.",
    ),
    (
        lambda refusal: refusal.says(9109, text="from location"),
        lambda _: (
            "This address is outside the token's request_ip condition. List both IPv4 and IPv6 networks."
        ),
    ),
    (_other_kind, _use_the_other_world),
    (_lacks_permission, _grant_the_permission),
    (
        _not_accepted,
        lambda _: (
            "The credential is unknown, rolled, deleted, expired, not valid yet (not_before), disabled or "
            "of the other kind, or too new to work everywhere yet."
        ),
    ),
    (
        lambda refusal: refusal.says(10405),
        lambda _: "The credential may be too new to work everywhere yet; try again in a few seconds.",
    ),
    (lambda refusal: refusal.says(text="failed common permission check"), _name_the_missing_group),
    (
        lambda refusal: refusal.says(text="permissions to manage other tokens"),
        lambda _: (
            "A token that is made through the API can never manage tokens: make it in the dashboard, or let "
            'two such tokens roll each other. See "Rotate a token that makes tokens" in the documentation.'
        ),
    ),
    (
        lambda refusal: refusal.says(text="not a supported resource type"),
        lambda _: (
            "This kind of resource is unknown or in the wrong place. One Worker, and all zones or buckets of "
            'an account, must be nested under the account: {"com.cloudflare.api.account.<account id>": '
            '{"com.cloudflare.edge.worker.script.<tag>": "*"}}.'
        ),
    ),
    (
        lambda refusal: refusal.says(text="must specify a zone"),
        lambda _: (
            "An account-owned token must name its zones, or nest them under the account: "
            '{"com.cloudflare.api.account.<account id>": {"com.cloudflare.api.account.zone.*": "*"}}.'
        ),
    ),
    (
        lambda refusal: refusal.says(7003) and refusal.world == "account",
        lambda _: "Cloudflare does not know this path: is the account id right?",
    ),
    (
        lambda refusal: refusal.status == 429,
        lambda _: "A token that exceeds 1200 requests in five minutes is blocked for the next five minutes.",
    ),
)
