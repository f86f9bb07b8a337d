"""
Policy drafts, from what a caller writes to what a token grants.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cftokens import Client, PermissionGroup, PermissionGroupError, TokenPolicy
from cftokens import policies as p
from cftokens._operations.bodies import to_json
from cftokens._operations.groups import find_group, resolve
from cftokens.emulator import Emulator
from cftokens.policies import PolicyDraft, Resource, same_access
from tests.servers import RawServer, reply
from tests.support import client_of
from tests.vocabulary import ACCOUNT, RESULTS, TOKEN_ID, ZONE_ID, ZONE_READ, success

ACCOUNT_KEY = f"com.cloudflare.api.account.{ACCOUNT}"
LOGS_READ = {"account": "6a315a56f18441e59ed03352369ae956", "zone": "c4a30cd58c5d42619c86a3c36c441e2d"}
DNS_WRITE = "4755a26eedb94da69e1066d98aa820be"
BUCKET_READ = "6a018a9f2fc74eb6b293b0c548f38b39"
WORKERS_EDITOR = "e" * 32
TAG = "e8f70fdbc8b1fb0b8ddb1af166186758"
OTHER_TAG = "38d6bfc75445412ab02149c1d30fbf37"
USER_READ = "8acbe5bb0d54464ab867149d7f7cf8ac"


def resolved(draft: p.PolicyDraft, groups: tuple[PermissionGroup, ...]) -> Any:
    """
    Return the policies of a draft as they are sent.
    """
    return to_json({"policies": resolve([draft], groups)})["policies"]


@pytest.mark.parametrize(
    ("resource", "mapping"),
    [
        (p.account(ACCOUNT), {ACCOUNT_KEY: "*"}),
        (p.all_accounts(), {"com.cloudflare.api.account.*": "*"}),
        (p.zone(ZONE_ID), {f"com.cloudflare.api.account.zone.{ZONE_ID}": "*"}),
        (p.all_zones(ACCOUNT), {ACCOUNT_KEY: {"com.cloudflare.api.account.zone.*": "*"}}),
        (p.all_zones_of_all_accounts(), {"com.cloudflare.api.account.zone.*": "*"}),
        (p.user(TOKEN_ID), {f"com.cloudflare.api.user.{TOKEN_ID}": "*"}),
        (
            p.r2_bucket(ACCOUNT, "my-bucket"),
            {f"com.cloudflare.edge.r2.bucket.{ACCOUNT}_default_my-bucket": "*"},
        ),
        (p.r2_bucket(ACCOUNT, "b-1", "eu"), {f"com.cloudflare.edge.r2.bucket.{ACCOUNT}_eu_b-1": "*"}),
        (p.worker(ACCOUNT, TAG), {ACCOUNT_KEY: {f"com.cloudflare.edge.worker.script.{TAG}": "*"}}),
        (p.all_r2_buckets(ACCOUNT), {ACCOUNT_KEY: {"com.cloudflare.edge.r2.bucket.*": "*"}}),
    ],
)
def test_each_resource_has_cloudflares_form(resource: Resource, mapping: dict[str, Any]) -> None:
    """
    Every form that Cloudflare documents has its function.
    """
    group = PermissionGroup(id=ZONE_READ, scopes=(resource.scope,))

    assert resolved(p.deny(group, on=resource), ()) == [
        {"effect": "deny", "permission_groups": [{"id": ZONE_READ}], "resources": mapping}
    ]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: p.account("x"), "account_id must be 32"),
        (lambda: p.zone(""), "zone_id must be 32"),
        (lambda: p.user(f"{TOKEN_ID}\n"), "user_id must be 32"),
        (lambda: p.all_zones("*"), "account_id must be 32"),
        (lambda: p.all_r2_buckets("*"), "account_id must be 32"),
        (lambda: p.worker("x", TAG), "account_id must be 32"),
        (lambda: p.worker(ACCOUNT, "my-worker"), "script_tag must be 32 .* A Worker's name is not its tag"),
        (lambda: p.worker(ACCOUNT, ""), "script_tag must be 32 .* got an empty string"),
        (lambda: p.worker(ACCOUNT, "*"), "script_tag must be 32 .* A Worker's name is not its tag"),
        (lambda: p.worker(ACCOUNT, TAG.upper()), "script_tag must be 32 .* got capital letters"),
        (lambda: p.r2_bucket("x", "my-bucket"), "account_id must be 32"),
        (lambda: p.r2_bucket(ACCOUNT, "No"), "name must be 3 to 63"),
        (lambda: p.r2_bucket(ACCOUNT, "a_b_c"), "name must be 3 to 63"),
        (lambda: p.r2_bucket(ACCOUNT, "*"), "name must be 3 to 63"),
        (lambda: p.r2_bucket(ACCOUNT, "my-bucket", "E_U"), "jurisdiction must be a word"),
        (lambda: p.allow(on=p.zone(ZONE_ID)), "at least one permission group"),
        (lambda: p.allow("DNS Read", on=[]), "at least one permission group and one resource"),
        (lambda: p.allow("", on=p.zone(ZONE_ID)), "a permission group must not be empty"),
    ],
)
def test_ids_and_names_are_checked(make: Callable[[], object], words: str) -> None:
    """
    A malformed or missing argument is a ValueError as soon as it is passed.
    """
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize("on", [ZONE_ID, {ZONE_ID: "*"}, 5, [ZONE_ID]])
def test_a_resource_is_an_object(on: Any) -> None:
    """
    A bare id could belong to anything, so the error names the functions to use.
    """
    with pytest.raises(TypeError, match=r"on must be what zone\(\), account\(\)"):
        p.allow("DNS Read", on=on)


def test_a_group_is_not_a_number() -> None:
    """
    The TypeError says what a group can be.
    """
    with pytest.raises(
        TypeError, match="A permission group must be a name, an id or a PermissionGroup, not int"
    ):
        p.allow(5, on=p.zone(ZONE_ID))  # type: ignore[arg-type]  # that is the mistake


def test_a_draft_is_a_value() -> None:
    """
    Drafts with the same content are equal and hash alike.
    """
    draft = p.allow("DNS Read", on=[p.zone(ZONE_ID)])

    assert draft == PolicyDraft("allow", ("DNS Read",), (p.zone(ZONE_ID),))
    assert len({draft, p.allow("DNS Read", on=p.zone(ZONE_ID))}) == 1


async def test_the_scope_follows_from_the_resource(client: Client) -> None:
    """
    A name means the zone group on a zone and the account group on an account, even in one draft.
    """
    created = await client.accounts.tokens.create(
        name="logs",
        policies=[p.allow("Logs Read", on=[p.zone(ZONE_ID), p.account(str(client.account_id))])],
    )

    granted = {
        next(iter(policy.resources)).count("zone"): policy.permission_groups[0].id
        for policy in created.policies
    }
    assert granted == {1: LOGS_READ["zone"], 0: LOGS_READ["account"]}


async def test_groups_may_be_given_in_every_way(client: Client) -> None:
    """
    A draft takes names, ids and objects, and mixes with a TokenPolicy and a mapping.
    """
    zone_read = await client.accounts.tokens.permission_groups.find("Zone Read")
    zone = p.zone(ZONE_ID)
    mapping = {f"com.cloudflare.api.account.zone.{ZONE_ID}": "*"}
    created = await client.accounts.tokens.create(
        name="many",
        policies=[
            p.allow("DNS Write", zone_read, LOGS_READ["zone"], on=zone),
            p.deny("DNS Write", on=p.all_zones(str(client.account_id))),
            TokenPolicy(effect="allow", permission_groups=[zone_read], resources=mapping),
            {"effect": "allow", "permission_groups": [{"id": DNS_WRITE}], "resources": mapping},
        ],
    )

    account = f"com.cloudflare.api.account.{client.account_id}"
    expected = [
        {
            "effect": "allow",
            "permission_groups": [{"id": DNS_WRITE}, {"id": ZONE_READ}, {"id": LOGS_READ["zone"]}],
            "resources": mapping,
        },
        {
            "effect": "deny",
            "permission_groups": [{"id": DNS_WRITE}],
            "resources": {account: {"com.cloudflare.api.account.zone.*": "*"}},
        },
    ]
    assert same_access(created.policies, expected)


async def test_flat_and_nested_resources_become_two_policies(client: Client) -> None:
    """
    The API accepts no mixture, so a draft with both is sent as two.
    """
    resources = [p.zone(ZONE_ID), p.all_zones(str(client.account_id))]
    created = await client.accounts.tokens.create(name="x", policies=[p.allow("DNS Read", on=resources)])

    assert len(created.policies) == 2


GROUPS = (
    PermissionGroup(id=ZONE_READ, name="Zone Read", scopes=(p.ZONE,)),
    PermissionGroup(id=DNS_WRITE, name="DNS Write", scopes=(p.ZONE,)),
    PermissionGroup(id=LOGS_READ["zone"], name="Logs Read", scopes=(p.ZONE,)),
    PermissionGroup(id=LOGS_READ["account"], name="Logs Read", scopes=(p.ACCOUNT,)),
    PermissionGroup(id="1" * 32, name="Twin", scopes=(p.ZONE,)),
    PermissionGroup(id="2" * 32, name="Twin", scopes=(p.ZONE,)),
    PermissionGroup(id="3" * 32, name="Both", scopes=(p.ZONE, p.ACCOUNT)),
    PermissionGroup(id=WORKERS_EDITOR, name="Individual Workers Editor", scopes=(p.WORKER,)),
    PermissionGroup(id="5" * 32, name="Workers Scripts Write", scopes=(p.ACCOUNT,)),
    PermissionGroup(id="4" * 32, name="New Kind", scopes=("com.cloudflare.api.new",)),
)


@pytest.mark.parametrize(
    ("group", "on", "words", "candidates"),
    [
        (
            "DNS Edit",
            p.zone(ZONE_ID),
            r"no permission group 'DNS Edit'. The nearest names are 'DNS Write'",
            [DNS_WRITE],
        ),
        (
            "zone reed",
            p.zone(ZONE_ID),
            r"The nearest names are 'Zone Read'",
            [ZONE_READ, *LOGS_READ.values()],
        ),
        ("Quantum", p.zone(ZONE_ID), r"no permission group 'Quantum'. permission_groups.list", []),
        (
            "DNS Write",
            p.account(ACCOUNT),
            r"'DNS Write' grants nothing on account\(\); it works on zone\(\) or all_zones\(\)",
            [DNS_WRITE],
        ),
        (DNS_WRITE, p.account(ACCOUNT), r"'DNS Write' grants nothing on account\(\)", [DNS_WRITE]),
        (
            PermissionGroup(id=DNS_WRITE),
            p.account(ACCOUNT),
            r"'DNS Write' grants nothing on account\(\)",
            [DNS_WRITE],
        ),
        (GROUPS[0], p.r2_bucket(ACCOUNT, "abc"), r"'Zone Read' grants nothing on r2_bucket\(\)", [ZONE_READ]),
        (
            "Individual Workers Editor",
            p.account(ACCOUNT),
            r"grants nothing on account\(\); it works on worker\(\)",
            [WORKERS_EDITOR],
        ),
        (
            "Workers Scripts Write",
            p.worker(ACCOUNT, TAG),
            r"grants nothing on worker\(\); it works on account\(\)",
            ["5" * 32],
        ),
        ("New Kind", p.zone(ZONE_ID), r"it works on com\.cloudflare\.api\.new", ["4" * 32]),
        (
            "Twin",
            p.zone(ZONE_ID),
            r"There are 2 permission groups 'Twin' for this resource; pass the id instead",
            ["1" * 32, "2" * 32],
        ),
    ],
)
def test_nothing_is_guessed(group: Any, on: Resource, words: str, candidates: list[str]) -> None:
    """
    A name that is unknown, ambiguous or useless on the resource is an error with suggestions.
    """
    with pytest.raises(PermissionGroupError, match=words) as caught:
        resolved(p.allow(group, on=on), GROUPS)

    assert sorted(each.id for each in caught.value.candidates) == sorted(candidates)
    assert isinstance(caught.value, LookupError)


def test_several_workers_are_one_policy() -> None:
    """
    They are nested below the account of each, apart from the account's zones and the account itself.
    """
    other = "0" * 32
    on = [p.worker(ACCOUNT, TAG), p.worker(other, TAG), p.worker(ACCOUNT, OTHER_TAG)]
    prefix = "com.cloudflare.edge.worker.script"

    assert resolved(p.allow("Individual Workers Editor", on=on), GROUPS) == [
        {
            "effect": "allow",
            "permission_groups": [{"id": WORKERS_EDITOR}],
            "resources": {
                ACCOUNT_KEY: {f"{prefix}.{TAG}": "*", f"{prefix}.{OTHER_TAG}": "*"},
                f"com.cloudflare.api.account.{other}": {f"{prefix}.{TAG}": "*"},
            },
        }
    ]
    mixed = resolved(p.allow("f" * 32, on=[*on, p.all_zones(ACCOUNT), p.account(ACCOUNT)]), ())
    assert [len(policy["resources"]) for policy in mixed] == [2, 1, 1]


async def test_a_worker_is_granted_by_name() -> None:
    """
    The name of the group is looked up, and the Worker is sent nested below its account.
    """
    listed = {"id": WORKERS_EDITOR, "name": "Individual Workers Editor", "scopes": [p.WORKER]}
    policy = p.allow("Individual Workers Editor", on=p.worker(ACCOUNT, TAG))
    async with RawServer(reply(200, success([listed])), reply(200, success(RESULTS["create"]))) as server:
        async with client_of(server.base_url) as client:
            await client.accounts.tokens.create(name="deploy", policies=[policy])

    assert json.loads(server.requests[-1].body)["policies"] == [
        {
            "effect": "allow",
            "permission_groups": [{"id": WORKERS_EDITOR}],
            "resources": {ACCOUNT_KEY: {f"com.cloudflare.edge.worker.script.{TAG}": "*"}},
        }
    ]


def test_another_worker_is_other_access() -> None:
    """
    same_access() compares the Workers below an account, in any order.
    """

    def granted(*tags: str) -> Any:
        draft = p.allow(WORKERS_EDITOR, on=[p.worker(ACCOUNT, tag) for tag in tags])
        return resolve([draft], ())

    assert same_access(granted(TAG, OTHER_TAG), granted(OTHER_TAG, TAG))
    assert not same_access(granted(TAG), granted(OTHER_TAG))
    assert not same_access(granted(TAG), granted(TAG, OTHER_TAG))


@pytest.mark.parametrize("group", ["f" * 32, PermissionGroup(id="f" * 32)])
def test_an_unknown_id_is_sent_as_it_is(group: Any) -> None:
    """
    An id that is not in the catalogue is left for Cloudflare to judge.
    """
    (policy,) = resolved(p.allow(group, on=p.zone(ZONE_ID)), GROUPS)

    assert policy["permission_groups"] == [{"id": "f" * 32}]


def test_a_group_of_two_scopes_works_on_both() -> None:
    """
    The same id is sent for a zone and for an account.
    """
    policies = resolved(p.allow("Both", on=[p.zone(ZONE_ID), p.account(ACCOUNT)]), GROUPS)

    assert [policy["permission_groups"] for policy in policies] == [[{"id": "3" * 32}]] * 2


@pytest.mark.parametrize("effect", [p.allow, p.deny])
@pytest.mark.parametrize(
    ("resource", "words"),
    [
        (p.all_zones_of_all_accounts(), r"Use all_zones\(account_id\)"),
        (p.all_accounts(), "only a user token can"),
        (p.user(TOKEN_ID), "only a user token can"),
    ],
)
async def test_resources_of_user_tokens_are_refused_for_account_tokens(
    client: Client,
    emulator: Emulator,
    effect: Callable[..., PolicyDraft],
    resource: Resource,
    words: str,
) -> None:
    """
    Nothing is sent, neither to allow nor to deny, and the error says what would work.
    """
    with pytest.raises(ValueError, match=words):
        await client.accounts.tokens.create(name="x", policies=[effect("Zone Read", on=resource)])

    assert emulator.requests == []


async def test_user_tokens_can_have_all_resources(emulator: Emulator) -> None:
    """
    All accounts, all zones and the user are accepted for a user token.
    """
    async with emulator.client(api_token=emulator.user_api_token) as client:
        created = await client.user.tokens.create(
            name="x",
            policies=[
                p.allow("Zone Read", on=p.all_zones_of_all_accounts()),
                p.allow("Workers Scripts Read", on=p.all_accounts()),
                p.allow("User Details Read", on=p.user(emulator.user_id)),
            ],
        )

    assert len(created.policies) == 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"policies": [p.allow("Zone Read", on=p.zone(ZONE_ID)), {"effect": "allow"}]},
        {"policies": p.allow("Zone Read", on=p.zone(ZONE_ID))},
        {"policies": [p.allow("Zone Read", on=p.zone(ZONE_ID))], "name": ""},
        {"policies": [p.allow("Zone Read", on=p.zone(ZONE_ID))], "condition": {}},
    ],
)
async def test_other_mistakes_are_found_before_the_catalogue_is_fetched(
    client: Client, emulator: Emulator, wrong: dict[str, Any]
) -> None:
    """
    Invalid arguments cost no request.
    """
    with pytest.raises((ValueError, TypeError)):
        await client.accounts.tokens.create(**{"name": "x", **wrong})

    assert emulator.requests == []


async def test_a_group_is_found_by_name_and_scope(client: Client) -> None:
    """
    find() returns the only match; none or several are an error that says what is wrong.
    """
    groups = client.accounts.tokens.permission_groups
    found = await groups.find("Logs Read", scope=p.ZONE)
    with pytest.raises(
        PermissionGroupError, match=r"2 permission groups 'Logs Read' with scopes .* pass scope="
    ):
        await groups.find("Logs Read")
    with pytest.raises(PermissionGroupError, match=r"has the scope .*, not"):
        await groups.find("Logs Read", scope=p.USER)
    with pytest.raises(PermissionGroupError, match="no permission group 'Log Read'"):
        await groups.find("Log Read")
    with pytest.raises(ValueError, match="scope must not be empty"):
        await groups.find("Logs Read", scope="")

    assert found.id == LOGS_READ["zone"]


async def test_groups_of_users_are_found(emulator: Emulator) -> None:
    """
    find() on user tokens finds a group with the scope of a user.
    """
    async with emulator.client(api_token=emulator.user_api_token) as client:
        found = await client.user.tokens.permission_groups.find("User Details Read")

    assert found.id == USER_READ


@pytest.mark.parametrize("scope", [None, p.ZONE])
def test_two_groups_of_one_name_and_scope_are_ambiguous(scope: str | None) -> None:
    """
    Only an id can choose between them, so the error gives both.
    """
    with pytest.raises(PermissionGroupError, match=f"{'1' * 32} and {'2' * 32}") as caught:
        find_group(GROUPS, "Twin", scope)

    assert [each.id for each in caught.value.candidates] == ["1" * 32, "2" * 32]
    assert ("pass scope= to choose" in str(caught.value)) == (scope is None)


async def test_the_scopes_of_a_group_are_looked_up(client: Client, emulator: Emulator) -> None:
    """
    A group given as an id, or as an object without scopes, is checked against the catalogue before anything
    is created.
    """
    for group in (DNS_WRITE, PermissionGroup(id=DNS_WRITE)):
        with pytest.raises(PermissionGroupError, match=r"'DNS Write' grants nothing on account\(\)"):
            await client.accounts.tokens.create(
                name="x", policies=[p.allow(group, on=p.account(str(client.account_id)))]
            )

    assert {request.operation for request in emulator.requests} == {"permission_groups"}


async def test_a_group_with_scopes_is_not_looked_up(client: Client, emulator: Emulator) -> None:
    """
    What it applies to is known, so the create is the only request.
    """
    await client.accounts.tokens.create(name="x", policies=[p.allow(GROUPS[0], on=p.zone(ZONE_ID))])

    assert [request.operation for request in emulator.requests] == ["create"]


ids = st.text("0123456789abcdef", min_size=32, max_size=32)
resources = st.one_of(
    ids.map(p.zone),
    ids.map(p.account),
    ids.map(p.all_zones),
    ids.map(p.all_r2_buckets),
    ids.map(p.user),
    st.builds(p.worker, ids, ids),
    st.builds(p.r2_bucket, ids, st.from_regex(r"[a-z0-9][a-z0-9-]{1,20}[a-z0-9]", fullmatch=True)),
    st.sampled_from([p.all_accounts(), p.all_zones_of_all_accounts()]),
)
drafts = st.builds(
    lambda effect, groups, on: effect(*groups, on=on),
    st.sampled_from([p.allow, p.deny]),
    st.lists(ids, min_size=1, max_size=4),
    st.lists(resources, min_size=1, max_size=4),
)


@given(st.lists(drafts, max_size=4))
def test_any_policy_survives_a_round_trip(written: list[PolicyDraft]) -> None:
    """
    An answer in another order and with read-only members grants the same access.
    """
    sent = [policy for draft in written for policy in resolved(draft, ())]
    answered = [
        {
            **policy,
            "id": TOKEN_ID,
            "permission_groups": [{**group, "name": "x"} for group in policy["permission_groups"][::-1]],
        }
        for policy in reversed(sent)
    ]

    assert same_access(sent, answered)


def test_a_mocked_catalogue_is_enough() -> None:
    """
    A name can be resolved by groups with only an id, a name and scopes.
    """
    (group,) = RESULTS["permission_groups"]
    known = (PermissionGroup(id=group["id"], name=group["name"], scopes=group["scopes"]),)
    (policy,) = resolved(p.allow("Zone Read", on=p.zone(ZONE_ID)), known)

    assert {*group} == {"id", "name", "scopes"}
    assert policy["permission_groups"] == [{"id": ZONE_READ}]
