"""
Where a first token comes from: the dashboard's form, with its fields filled in.

https://developers.cloudflare.com/fundamentals/api/how-to/account-owned-token-template/
"""

from typing import Final, Literal, NamedTuple
from urllib.parse import quote

from cftokens._checks import check_choice, check_token_name


class _Form(NamedTuple):
    address: str
    """Where the form is, up to the permission."""

    key: str
    """The dashboard's name for the permission to manage tokens."""

    rest: str
    """Parameters that the form needs."""


_FORMS: Final = {
    "account": _Form("https://dash.cloudflare.com/?to=/:account/api-tokens&", "account_api_tokens", ""),
    "user": _Form(
        "https://dash.cloudflare.com/profile/api-tokens?", "api_tokens", "&accountId=%2A&zoneId=all"
    ),
}


def bootstrap_url(kind: Literal["account", "user"] = "account", name: str = "cftokens") -> str:
    """
    Return the address of the dashboard's form for a token that can create tokens.

    Such a token cannot be made through the API. Open the address in a browser, check that the form shows
    the permission "API Tokens: Edit" (the dashboard ignores what it does not know), choose an expiry, and
    create the token. It can grant nearly everything else, so keep it as you keep a root password.

    https://developers.cloudflare.com/fundamentals/api/how-to/account-owned-token-template/

    Args:
        kind: ``"account"`` for an account-owned token, whose account is chosen in the dashboard, or
            ``"user"`` for a token of the user.

        name: The token's name, at most 120 characters.

    Raises:
        ValueError: An argument cannot be used.

        TypeError: *name* is not a string.
    """
    form = _FORMS[check_choice(kind, "kind", ("account", "user"))]
    permission = quote(f'[{{"key":"{form.key}","type":"edit"}}]', safe="")
    named = quote(check_token_name(name), safe="")
    return f"{form.address}permissionGroupKeys={permission}{form.rest}&name={named}"
