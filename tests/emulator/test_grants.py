"""
What a token may grant, and what only the dashboard can.
"""

from typing import Any

import pytest

from cftokens.emulator import Emulator

from .caller import (
    BUCKET_READ,
    DNS_READ,
    TOKENS_READ,
    TOKENS_WRITE,
    USER_DETAILS_READ,
    WORKERS_READ,
    ZONE_ID,
    ZONE_READ,
    Caller,
    policy,
)

SUB_TOKEN = (400, 1001, "sub-token is not allowed to have permissions to manage other tokens")
ZONE = {f"com.cloudflare.api.account.zone.{ZONE_ID}": "*"}


def account_of(caller: Caller) -> dict[str, str]:
    """
    Return the emulator's account as resources.
    """
    return {f"com.cloudflare.api.account.{caller.emulator.account_id}": "*"}


def zones_of(caller: Caller, zone: str = "*") -> dict[str, Any]:
    """
    Return a zone, or all zones, nested in the emulator's account.
    """
    return {next(iter(account_of(caller))): {f"com.cloudflare.api.account.zone.{zone}": "*"}}


def not_held(name: str) -> tuple[int, int, str]:
    """
    Return the refusal to grant a group.
    """
    return 400, 1001, f'Failed common permission check against resources. (Permission group: "{name}")'


def managing(caller: Caller) -> list[dict[str, Any]]:
    """
    Return all policies of one group that allow a token of this kind to manage tokens.
    """
    user = {f"com.cloudflare.api.user.{caller.emulator.user_id}": "*"}
    return [
        policy(account_of(caller), TOKENS_WRITE["account"]),
        policy({"com.cloudflare.api.account.*": "*"}, WORKERS_READ, TOKENS_WRITE["account"]),
        policy(user, TOKENS_WRITE["user"]),
    ][:: 1 if caller.kind == "user" else 3]


async def test_a_created_token_cannot_manage_tokens(caller: Caller) -> None:
    """
    A create with a group for managing tokens is refused, whatever the creator may do.
    """
    answers = [
        await caller.send("POST", json=caller.body(policy(ZONE, ZONE_READ), minting))
        for minting in managing(caller)
    ]

    assert {answer.refusal for answer in answers} == {SUB_TOKEN}


async def test_a_user_token_cannot_make_an_account_minter(account: Caller, user: Caller) -> None:
    """
    A user token on the account's path is refused, too.
    """
    body = account.body(policy(account.home, TOKENS_WRITE["account"]))

    answer = await account.send("POST", bearer=user.value, json=body)

    assert answer.refusal == SUB_TOKEN


async def test_an_update_cannot_add_it(caller: Caller) -> None:
    """
    An update that would make a token able to manage tokens is refused.
    """
    token = await caller.reader()

    answers = [
        await caller.send("PUT", f"/{token['id']}", json=caller.body(minting)) for minting in managing(caller)
    ]

    assert {answer.refusal for answer in answers} == {SUB_TOKEN}


async def test_an_update_can_keep_it(caller: Caller) -> None:
    """
    A token that manages tokens may be edited, by itself too, and still manages tokens.
    """
    minter = caller.emulator.issue(caller.kind)
    body = caller.body(policy(caller.home, TOKENS_WRITE[caller.kind]), expires_on="2027-02-01T00:00:00Z")

    edited = await caller.send("PUT", f"/{minter.id}", bearer=minter.value, json=body)
    made = await caller.send("POST", bearer=minter.value, json=caller.body())

    assert edited.result["expires_on"] == "2027-02-01T00:00:00Z"
    assert made.status == 200


async def test_an_update_cannot_widen_it(user: Caller) -> None:
    """
    A token that manages the tokens of one account cannot be made to manage those of all.
    """
    minter = user.emulator.issue("user", policies=[policy(account_of(user), TOKENS_WRITE["account"])])
    wider = policy({"com.cloudflare.api.account.*": "*"}, TOKENS_WRITE["account"])

    answer = await user.send("PUT", f"/{minter.id}", json=user.body(wider))

    assert answer.refusal == SUB_TOKEN


async def test_an_update_can_remove_it_for_good(caller: Caller) -> None:
    """
    A token that may no longer manage tokens cannot get that back.
    """
    minter = caller.emulator.issue(caller.kind)
    minting = caller.body(policy(caller.home, TOKENS_WRITE[caller.kind]))

    removed = await caller.send("PUT", f"/{minter.id}", json=caller.body())
    added = await caller.send("PUT", f"/{minter.id}", json=minting)

    assert removed.status == 200
    assert added.refusal == SUB_TOKEN


async def test_a_deny_policy_may_have_it(caller: Caller) -> None:
    """
    A policy that denies to manage tokens is accepted.
    """
    token = await caller.create(policy(caller.home, TOKENS_WRITE[caller.kind], effect="deny"))

    assert token["policies"][0]["effect"] == "deny"


async def test_reading_tokens_can_be_granted(caller: Caller) -> None:
    """
    The group for reading tokens can be granted by a token that has only the one for managing them.
    """
    minter = caller.emulator.issue(caller.kind)
    body = caller.body(policy(caller.home, TOKENS_READ[caller.kind]))

    made = await caller.send("POST", bearer=minter.value, json=body)
    listed = await caller.send("GET", bearer=made.result["value"])

    assert listed.status == 200


async def test_a_user_token_grants_anything_else(user: Caller) -> None:
    """
    A user's creator needs nothing but the group for managing tokens.
    """
    minter = user.emulator.issue("user")
    policies = [
        policy(user.home, USER_DETAILS_READ),
        policy({"com.cloudflare.api.account.*": "*"}, WORKERS_READ),
        policy({"com.cloudflare.api.account.zone.*": "*"}, ZONE_READ),
        policy(ZONE, DNS_READ),
    ]

    answer = await user.send("POST", bearer=minter.value, json=user.body(*policies))

    assert len(answer.result["policies"]) == 4


async def test_an_account_token_grants_more_than_it_holds(account: Caller) -> None:
    """
    An account's creator needs nothing but the group for managing tokens, unless a zone is named flat.
    """
    minter = account.emulator.issue("account")
    bucket = f"com.cloudflare.edge.r2.bucket.{account.emulator.account_id}_default_logs"
    policies = [
        policy(account.home, WORKERS_READ),
        policy(zones_of(account), ZONE_READ),
        policy(zones_of(account, ZONE_ID), ZONE_READ),
        policy({bucket: "*"}, BUCKET_READ),
        policy(ZONE, DNS_READ, effect="deny"),
    ]

    answer = await account.send("POST", bearer=minter.value, json=account.body(*policies))

    assert len(answer.result["policies"]) == 5


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_a_flat_zone_must_be_held(account: Caller, method: str) -> None:
    """
    An account token cannot grant a group on a single zone, flat, that it lacks there.
    """
    minter = account.emulator.issue("account")
    below = f"/{(await account.create())['id']}" if method == "PUT" else ""

    answer = await account.send(method, below, bearer=minter.value, json=account.body(policy(ZONE, DNS_READ)))

    assert answer.refusal == not_held("DNS Read")


async def test_a_flat_zone_is_held_with_all_zones(account: Caller) -> None:
    """
    A creator with all zones of the account can grant one of them, flat.
    """
    held = [policy(account.home, TOKENS_WRITE["account"]), policy(zones_of(account), ZONE_READ)]
    creator = account.emulator.issue("account", policies=held)

    answer = await account.send("POST", bearer=creator.value, json=account.body(policy(ZONE, ZONE_READ)))

    assert answer.status == 200


async def test_a_flat_zone_that_the_creator_is_denied(account: Caller) -> None:
    """
    A creator's deny policy counts against what it holds.
    """
    held = [
        policy(account.home, TOKENS_WRITE["account"]),
        policy(zones_of(account), ZONE_READ),
        policy(ZONE, ZONE_READ, effect="deny"),
    ]
    creator = account.emulator.issue("account", policies=held)

    answer = await account.send("POST", bearer=creator.value, json=account.body(policy(ZONE, ZONE_READ)))

    assert answer.refusal == not_held("Zone Read")


async def test_a_user_token_must_hold_a_flat_zone_of_an_account_token(
    emulator: Emulator, account: Caller
) -> None:
    """
    A user token that makes an account token is checked like an account token.
    """
    managing_accounts = policy({"com.cloudflare.api.account.*": "*"}, TOKENS_WRITE["account"])
    all_zones = policy({"com.cloudflare.api.account.zone.*": "*"}, ZONE_READ)
    body = account.body(policy(ZONE, ZONE_READ))

    answers = [
        await account.send("POST", bearer=emulator.issue("user", policies=policies).value, json=body)
        for policies in ([managing_accounts], [managing_accounts, all_zones])
    ]

    assert answers[0].refusal == not_held("Zone Read")
    assert answers[1].status == 200
