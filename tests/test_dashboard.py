"""
The address of the dashboard's form, with its fields filled in.
"""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from cftokens import bootstrap_url


def test_each_kind_has_its_form() -> None:
    """
    The address has Cloudflare's documented form, and asks for the one permission to manage tokens.
    """
    assert bootstrap_url("account", "Token maker") == (
        "https://dash.cloudflare.com/?to=/:account/api-tokens"
        "&permissionGroupKeys=%5B%7B%22key%22%3A%22account_api_tokens%22%2C%22type%22%3A%22edit%22%7D%5D"
        "&name=Token%20maker"
    )
    assert bootstrap_url("user", "Token maker") == (
        "https://dash.cloudflare.com/profile/api-tokens"
        "?permissionGroupKeys=%5B%7B%22key%22%3A%22api_tokens%22%2C%22type%22%3A%22edit%22%7D%5D"
        "&accountId=%2A&zoneId=all&name=Token%20maker"
    )


@pytest.mark.parametrize("name", ["a&b=c#d", 'é "quoted" + 100 %', "%26", "?to=/x", "x" * 120])
@pytest.mark.parametrize("kind", ["account", "user"])
def test_a_name_is_only_a_name(kind: Any, name: str) -> None:
    """
    Whatever it contains, it changes nothing else in the address.
    """
    url = urlsplit(bootstrap_url(kind, name))
    query = parse_qs(url.query, strict_parsing=True)

    assert url.fragment == ""
    assert query["name"] == [name]
    assert [len(values) for values in query.values()] == [1] * len(query)
    assert {entry["type"] for entry in json.loads(query["permissionGroupKeys"][0])} == {"edit"}


def test_it_is_one_line_with_a_name_by_default() -> None:
    """
    Without arguments, it is for an account-owned token named "cftokens".
    """
    assert bootstrap_url() == bootstrap_url("account", "cftokens") == "".join(bootstrap_url().split())


@pytest.mark.parametrize(
    ("arguments", "kind", "problem"),
    [
        (("zone",), ValueError, "kind must be 'account' or 'user', not 'zone'"),
        (("account", ""), ValueError, "name must not be empty"),
        (("account", "x" * 121), ValueError, "name must be at most 120 characters long; got 121"),
        (("account", "\ud800"), ValueError, "name must be valid Unicode"),
        (("account", None), TypeError, "name must be a str, not NoneType"),
    ],
)
def test_arguments_are_checked(arguments: tuple[Any, ...], kind: type[Exception], problem: str) -> None:
    """
    A wrong kind, or a name that Cloudflare does not accept, is an error.
    """
    with pytest.raises(kind, match=problem):
        bootstrap_url(*arguments)
