"""
What errors say about policies that differ and tokens that could be meant.
"""

from collections.abc import Callable
from typing import Any

import pytest

from cftokens import AmbiguousOutcomeError, Token, TokenPolicy
from cftokens._operations.wording import access_that_differs, listed, members_that_differ
from cftokens.emulator import Emulator
from cftokens.models import PermissionGroup
from cftokens.policies import account, allow
from tests.operations.test_editing import DATED, KeepingServer, grants_another_group
from tests.support import client_of, failure_of
from tests.vocabulary import ACCOUNT, DNS_READ, MINTED, POLICY, TOKEN_ID, TOKEN_POLICY, ZONE_READ

ON_THE_ACCOUNT = f"on the account {ACCOUNT}"
ANOTHER_GROUP = f"(Added: {DNS_READ} {ON_THE_ACCOUNT}. Removed: {ZONE_READ} {ON_THE_ACCOUNT}.)"


async def test_an_edit_that_is_answered_with_other_access_says_which() -> None:
    """
    The error says what the token may do and what was sent in words.
    """
    async with KeepingServer(DATED, grants_another_group) as server, client_of(server.base_url) as client:
        error = await failure_of(client.accounts.tokens.edit(TOKEN_ID, name="renamed"))

    assert f"policies: differs from what was sent {ANOTHER_GROUP}" in str(error)


async def test_a_clone_with_other_access_says_which() -> None:
    """
    The error about a copy that was deleted says what it could do in words.
    """
    async with KeepingServer(DATED, grants_another_group) as server, client_of(server.base_url) as client:
        error = await failure_of(client.accounts.tokens.clone(TOKEN_ID, name="copy"))

    assert f"differs from what was sent in policies {ANOTHER_GROUP}, so it was deleted." in str(error)


def names_a_group(text: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """
    Return a server that grants another group, with a name of its own.
    """
    group = {"id": DNS_READ, "name": text}
    return lambda body: {**body, "policies": [{**POLICY, "permission_groups": [group]}]}


@pytest.mark.parametrize("operation", ["edit", "clone"])
async def test_words_from_a_server_show_no_secret(operation: str) -> None:
    """
    A value in the name of a group is masked, and a control character is escaped.
    """
    server = KeepingServer(DATED, names_a_group(f"\x1b[31m{MINTED}"))
    async with server, client_of(server.base_url) as client:
        error = await failure_of(getattr(client.accounts.tokens, operation)(TOKEN_ID, name="renamed"))

    assert f"(Added: \\x1b[31m<hidden> {ON_THE_ACCOUNT}. Removed:" in str(error)


def test_only_policies_are_said_in_words() -> None:
    """
    Other members are named alone, and a long difference is cut.
    """
    many = [
        TokenPolicy(
            effect="allow",
            permission_groups=[PermissionGroup(id=ZONE_READ)],
            resources={f"com.cloudflare.api.account.zone.{number:032x}": "*" for number in range(100)},
        )
    ]

    assert members_that_differ(["condition", "name"], [], [], str) == "condition, name"
    assert members_that_differ(["policies"], [TOKEN_POLICY], [TOKEN_POLICY], str) == "policies"
    assert len(members_that_differ(["policies"], [], many, str)) < 1020


def nested_deeply() -> TokenPolicy:
    """
    Return a policy that cannot be written as JSON again.
    """
    deep: Any = "x"
    for _ in range(5000):
        deep = {"a": deep}
    policy = TokenPolicy(
        effect="allow", permission_groups=(PermissionGroup(id=ZONE_READ),), resources={"a": "*"}
    )
    object.__setattr__(policy, "_unknown", {"deep": deep})
    return policy


def test_what_is_nested_too_deeply_is_not_said() -> None:
    """
    An error is raised all the same, without the words.
    """
    line = listed([Token(id=TOKEN_ID, name="bot", policies=[nested_deeply()])], str)

    assert access_that_differs([POLICY], [nested_deeply()]) == ""
    assert line == f"\n- {TOKEN_ID}, 'bot', issued None: access that is nested too deeply to be shown"


def test_tokens_are_listed_with_what_they_may_do() -> None:
    """
    Each has a line with its id, name, time and access; the eleventh and later ones are counted.
    """
    (first,) = listed([Token(id=TOKEN_ID, name="a\nb", policies=[TOKEN_POLICY])], str).strip("\n").split("\n")
    many = listed([Token(id=TOKEN_ID)] * 12, str)

    assert first == f"- {TOKEN_ID}, 'a\\nb', issued None: {ZONE_READ} {ON_THE_ACCOUNT}"
    assert many.count("\n") == 11
    assert many.endswith("\n- and 2 more")
    assert "no access" in many


async def test_an_ambiguous_name_lists_its_tokens() -> None:
    """
    The message of ensure() has each token of the name, with what it may do.
    """
    async with Emulator() as emulator, client_of(emulator) as client:
        policies = [allow("Account Settings Read", on=account(emulator.account_id))]
        made = [await client.accounts.tokens.create(name="bot", policies=policies) for _ in range(2)]
        with pytest.raises(AmbiguousOutcomeError) as caught:
            await client.accounts.tokens.ensure(
                name="bot", policies=policies, condition=None, expires_on=None, not_before=None
            )

    access = f"Account Settings Read on the account {emulator.account_id}"
    for token in made:
        assert f"\n- {token.id}, 'bot', issued " in str(caught.value)
    assert str(caught.value).count(f"Z: {access}") == 2
