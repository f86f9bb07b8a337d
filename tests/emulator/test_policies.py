"""
Which policies are accepted.
"""

from typing import Any

import pytest

from cftokens.emulator import _targets

from .caller import (
    BUCKET_READ,
    DNS_READ,
    TOKENS_READ,
    UNKNOWN_ID,
    USER_DETAILS_READ,
    WORKERS_READ,
    ZONE_ID,
    ZONE_READ,
    Caller,
    policy,
)

ACCOUNT = "com.cloudflare.api.account." + UNKNOWN_ID
WORKER = "com.cloudflare.edge.worker.script.8b1a9953c4611296a827abf8c47804d7"
WORKER_EDITOR = f"{17:032}"
ZONE = f"com.cloudflare.api.account.zone.{ZONE_ID}"
ALL_ZONES = "com.cloudflare.api.account.zone.*"
ALL_ACCOUNTS = "com.cloudflare.api.account.*"
ALL_BUCKETS = "com.cloudflare.edge.r2.bucket.*"


def account_of(caller: Caller) -> str:
    """
    Return the resource for the emulator's account.
    """
    return f"com.cloudflare.api.account.{caller.emulator.account_id}"


def bucket_of(caller: Caller) -> str:
    """
    Return the resource for a bucket in the emulator's account.
    """
    return f"com.cloudflare.edge.r2.bucket.{caller.emulator.account_id}_eu_my-eu-bucket"


def not_held(name: str) -> tuple[int, int, str]:
    """
    Return the refusal to grant a group.
    """
    text = f'Failed common permission check against resources. (Permission group: "{name}")'
    return 400, 1001, text


async def test_policies_as_answered(account: Caller) -> None:
    """
    Policies come back reversed and with ids, and their groups sorted and named.
    """
    home, zone = account.home, {ZONE: "*"}

    token = await account.create(policy(home, WORKERS_READ), policy(zone, ZONE_READ, DNS_READ, ZONE_READ))
    second, first = token["policies"]

    assert (first["effect"], first["resources"], len(first["id"])) == ("allow", home, 32)
    assert [group["name"] for group in second["permission_groups"]] == ["DNS Read", "Zone Read"]
    assert first["permission_groups"] == [
        {
            "id": WORKERS_READ,
            "name": "Workers Scripts Read",
            "meta": {"label": "workers_scripts_read", "scopes": "com.cloudflare.api.account"},
        }
    ]


async def test_policy_with_id(caller: Caller) -> None:
    """
    A create cannot reuse a policy that has an id.
    """
    used = {**policy(caller.home, TOKENS_READ[caller.kind]), "id": UNKNOWN_ID}

    answer = await caller.send("POST", json=caller.body(used))

    assert answer.refusal == (400, 1001, "Reusing existing policies is not supported by token creation")
    assert answer.content["errors"][0]["source"] == {"pointer": "/policies/0/id"}


async def test_update_with_policy_ids(caller: Caller) -> None:
    """
    An update accepts policies with ids and gives them new ones.
    """
    token = await caller.reader()

    answer = await caller.send("PUT", f"/{token['id']}", json=caller.body(*token["policies"]))

    assert answer.result["policies"][0]["id"] != token["policies"][0]["id"]


@pytest.mark.parametrize(
    ("change", "pointer", "rule"),
    [
        ({"effect": "permit"}, "/effect", "effect must be one of allow, deny"),
        ({"effect": None}, "/effect", "effect must be one of allow, deny"),
        ({"permission_groups": []}, "/permission_groups", "permission_groups must not be empty"),
        (
            {"permission_groups": None},
            "/permission_groups",
            "permission_groups must be present and an array",
        ),
        ({"permission_groups": [dict[str, Any]()]}, "/permission_groups/0/id", "id must be present"),
        ({"permission_groups": [{"name": "Zone Read"}]}, "/permission_groups/0/id", "id must be present"),
        ({"permission_groups": [ZONE_READ]}, "/permission_groups/0", "0 must be present and an object"),
        (
            {"permission_groups": [{"id": UNKNOWN_ID}]},
            "/permission_groups/0/id",
            "Permission group must exist",
        ),
        (
            {"permission_groups": [{"id": ["x"]}]},
            "/permission_groups/0/id",
            "Permission group must exist",
        ),
        ({"resources": None}, "/resources", "resources must be present and an object"),
    ],
)
async def test_bad_policy(caller: Caller, change: dict[str, Any], pointer: str, rule: str) -> None:
    """
    A malformed policy is refused with a pointer to the mistake.
    """
    answer = await caller.send("POST", json=caller.body({**policy({ZONE: "*"}, ZONE_READ), **change}))

    assert answer.refusal == (400, 1001, f"These rules must pass for /policies/0{pointer}: {rule}")
    assert answer.content["errors"][0]["source"] == {"pointer": f"/policies/0{pointer}"}


@pytest.mark.parametrize("policies", [None, {}, [5]])
async def test_no_policies(caller: Caller, policies: Any) -> None:
    """
    Policies must be an array of objects.
    """
    answer = await caller.send("POST", json=caller.body(policies=policies))

    assert answer.refusal[:2] == (400, 1001)


async def test_empty_policies(caller: Caller) -> None:
    """
    A token may have no policies.
    """
    token = await caller.create()

    assert token["policies"] == []


@pytest.mark.parametrize(
    "resources",
    [
        {},
        {ZONE: "read"},
        {ZONE: None},
        {ZONE: ["*"]},
        {"com.cloudflare.api.account." + UNKNOWN_ID: {}},
        {"com.cloudflare.api.account." + UNKNOWN_ID: {ALL_ZONES: "read"}},
        {"com.cloudflare.api.account." + UNKNOWN_ID: {ALL_ZONES: {}}},
        {"com.cloudflare.api.account." + UNKNOWN_ID: {ALL_ZONES: "*"}, ZONE: "*"},
    ],
)
async def test_resources_without_star(caller: Caller, resources: Any) -> None:
    """
    Resources that do not end in ``*``, or mix flat and nested, are refused.
    """
    answer = await caller.send("POST", json=caller.body(policy(resources, ZONE_READ)))
    rule = 'must map names to "*", all of them flat or all nested'

    assert answer.refusal == (400, 1001, f"These rules must pass for /policies/0/resources: {rule}")


@pytest.mark.parametrize(
    "resources",
    [
        {"com.cloudflare.api.account": "*"},
        {"com.cloudflare.api.account.zone.example.com": "*"},
        {"com.cloudflare.api.user.*": "*"},
        {ALL_BUCKETS: "*"},
        {ALL_ACCOUNTS: {ALL_ZONES: "*"}},
        {"com.cloudflare.api.account." + UNKNOWN_ID: {"com.cloudflare.edge.worker.script.my-worker": "*"}},
        {"com.cloudflare.api.account." + UNKNOWN_ID: {"com.cloudflare.edge.worker.script.*": "*"}},
        {"com.cloudflare.api.account." + UNKNOWN_ID: {f"com.cloudflare.edge.r2.bucket.{ZONE_ID}_eu_x": "*"}},
    ],
)
async def test_unknown_resources(caller: Caller, resources: Any) -> None:
    """
    Names that end in no id, tag or bucket of the form that Cloudflare documents are refused.
    """
    answer = await caller.send("POST", json=caller.body(policy(resources, ZONE_READ)))
    rule = "must name resources that exist"

    assert answer.refusal == (400, 1001, f"These rules must pass for /policies/0/resources: {rule}")


@pytest.mark.parametrize(
    ("resources", "name"),
    [
        (
            {"com.cloudflare.api.organization." + UNKNOWN_ID: "*"},
            "com.cloudflare.api.organization." + UNKNOWN_ID,
        ),
        ({"account": "*"}, "account"),
        ({WORKER: "*"}, WORKER),
        ({ZONE: {ALL_ZONES: "*"}}, ZONE),
        ({ACCOUNT: {ACCOUNT: "*"}}, ACCOUNT),
        (
            {ACCOUNT: {ALL_ZONES: "*", "com.cloudflare.edge.kv." + UNKNOWN_ID: "*"}},
            "com.cloudflare.edge.kv." + UNKNOWN_ID,
        ),
    ],
)
async def test_unsupported_resources(caller: Caller, resources: Any, name: str) -> None:
    """
    A resource of an unknown type, or of one that is only flat or only nested, is refused by its name.
    """
    answer = await caller.send("POST", json=caller.body(policy(resources, ZONE_READ)))

    assert answer.refusal == (400, 1001, f"{name} is not a supported resource type")
    assert answer.content["errors"][0]["source"] == {"pointer": "/policies/0/resources"}


async def test_single_workers(caller: Caller) -> None:
    """
    The groups for individual Workers apply to Workers that are nested in their account, by their tags.
    """
    workers = {account_of(caller): {WORKER: "*", WORKER[:-1] + "f": "*"}}

    token = await caller.create(policy(workers, WORKER_EDITOR))

    assert token["policies"][0]["resources"] == workers


@pytest.mark.parametrize("nested", [True, False])
async def test_groups_of_other_scopes_on_workers(caller: Caller, *, nested: bool) -> None:
    """
    A Worker takes no group of the account, and the account no group for individual Workers.
    """
    account = account_of(caller)
    wanted = (
        policy({account: {WORKER: "*"}}, WORKERS_READ) if nested else policy({account: "*"}, WORKER_EDITOR)
    )

    answer = await caller.send("POST", json=caller.body(wanted))

    assert answer.refusal == not_held("Workers Scripts Read" if nested else "Individual Workers Editor")


async def test_flat_zones_in_account_token(account: Caller) -> None:
    """
    An account token cannot have all zones of all accounts.
    """
    answer = await account.send("POST", json=account.body(policy({ALL_ZONES: "*"}, ZONE_READ)))
    text = "Must specify a zone for account owned tokens, or nest zone under specific account resource"

    assert answer.refusal == (400, 1001, text)


@pytest.mark.parametrize("resource", [ALL_ACCOUNTS, "com.cloudflare.api.user." + UNKNOWN_ID])
async def test_foreign_resources_in_account_token(account: Caller, resource: str) -> None:
    """
    An account token cannot have all accounts, or a user.
    """
    answer = await account.send("POST", json=account.body(policy({resource: "*"}, WORKERS_READ)))
    rule = "must be resources of the account for account owned tokens"

    assert answer.refusal == (400, 1001, f"These rules must pass for /policies/0/resources: {rule}")


async def test_resources_of_an_account(account: Caller) -> None:
    """
    A token of the account can have everything in the account.
    """
    inside = {account_of(account): {ALL_ZONES: "*"}}
    resources: list[dict[str, Any]] = [account.home, {ZONE: "*"}, inside, {account_of(account): {ZONE: "*"}}]

    token = await account.create(
        *(policy(resource, ZONE_READ) for resource in resources),
        policy(account.home, WORKERS_READ),
        policy({bucket_of(account): "*"}, BUCKET_READ),
        policy({account_of(account): {bucket_of(account): "*"}}, BUCKET_READ),
        policy({account_of(account): {ALL_BUCKETS: "*"}}, BUCKET_READ),
    )

    assert len(token["policies"]) == 8


async def test_resources_of_a_user(user: Caller) -> None:
    """
    A token of the user can have everything of the user and in all accounts.
    """
    token = await user.create(
        policy(user.home, USER_DETAILS_READ),
        policy({ALL_ACCOUNTS: "*"}, WORKERS_READ),
        policy({ALL_ZONES: "*"}, ZONE_READ),
        policy({"com.cloudflare.api.account." + UNKNOWN_ID: {ALL_ZONES: "*"}}, ZONE_READ),
        policy({bucket_of(user): "*"}, BUCKET_READ),
    )

    assert len(token["policies"]) == 5


@pytest.mark.parametrize(
    ("resources", "group", "name"),
    [
        ({"com.cloudflare.api.account." + UNKNOWN_ID: "*"}, WORKERS_READ, "Workers Scripts Read"),
        ({"com.cloudflare.api.account." + UNKNOWN_ID: {ALL_ZONES: "*"}}, ZONE_READ, "Zone Read"),
        ({ZONE: "*"}, WORKERS_READ, "Workers Scripts Read"),
        ({ZONE: "*"}, USER_DETAILS_READ, "User Details Read"),
    ],
)
async def test_beyond_the_account(account: Caller, resources: Any, group: str, name: str) -> None:
    """
    A token of the account cannot have other accounts, or groups that do not fit the resource.
    """
    answer = await account.send("POST", json=account.body(policy(resources, group)))

    assert answer.refusal == not_held(name)


async def test_another_user(user: Caller) -> None:
    """
    A token of the user cannot have another user.
    """
    wanted = policy({"com.cloudflare.api.user." + UNKNOWN_ID: "*"}, USER_DETAILS_READ)

    answer = await user.send("POST", json=user.body(wanted))

    assert answer.refusal == not_held("User Details Read")


async def test_deny_policy_of_wrong_scope(account: Caller) -> None:
    """
    The groups of a deny policy must also fit the resources.
    """
    answer = await account.send("POST", json=account.body(policy({ZONE: "*"}, WORKERS_READ, effect="deny")))

    assert answer.refusal == not_held("Workers Scripts Read")


@pytest.mark.parametrize(
    ("broad", "narrow"),
    [
        (_targets.EVERY_ACCOUNT, _targets.account_target("a")),
        (_targets.EVERY_ACCOUNT, _targets.EVERY_ZONE),
        (_targets.EVERY_ZONE, _targets.Target("zone", "a")),
        (_targets.Target("zone", "a"), _targets.Target("zone", "?", "z")),
        (_targets.Target("bucket", "a"), _targets.Target("bucket", "a", "eu_b")),
    ],
)
def test_covering(broad: _targets.Target, narrow: _targets.Target) -> None:
    """
    The broader target covers the narrower one, not the other way round.
    """
    covered = broad.covers(narrow), narrow.covers(broad)

    assert covered == (True, False)
    assert narrow.meets(broad)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (_targets.EVERY_ACCOUNT, _targets.user_target("u")),
        (_targets.account_target("a"), _targets.account_target("b")),
        (_targets.account_target("a"), _targets.Target("zone", "a")),
        (_targets.Target("zone", "a"), _targets.Target("zone", "b")),
        (_targets.Target("zone", "?", "y"), _targets.Target("zone", "?", "z")),
        (_targets.Target("bucket", "a"), _targets.Target("bucket", "b", "eu_b")),
    ],
)
def test_nothing_in_common(one: _targets.Target, other: _targets.Target) -> None:
    """
    Unrelated targets do not meet.
    """
    met = one.meets(other)

    assert not met
