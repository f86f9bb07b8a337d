"""
Every operation on both kinds of tokens, against the emulator over a real socket.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cftokens import (
    AuthenticationError,
    BadRequestError,
    Client,
    Condition,
    ConditionRequestIP,
    NotFoundError,
    PermissionDeniedError,
    PermissionGroup,
    Token,
    TokenCreateResponse,
    TokenDeleteResponse,
    TokenPolicy,
    TokenValue,
    UnexpectedResponseError,
)
from cftokens._resources import AccountTokens
from cftokens._user_resources import UserTokens
from cftokens.emulator import Emulator
from cftokens.policies import same_access
from cftokens.sync.emulator import Emulator as BlockingEmulator
from tests.answers import SINGLE
from tests.servers import RawServer, reply
from tests.support import CALLS, client_of, failure_of
from tests.vocabulary import ADDRESSES, POLICY, TOKEN, TOKEN_ID, ZONE_ID, ZONE_READ, success

DNS_WRITE = "4755a26eedb94da69e1066d98aa820be"
UNKNOWN = "0" * 32
Tokens = AccountTokens | UserTokens


@pytest.fixture(params=["account", "user"])
async def tokens(request: pytest.FixtureRequest, emulator: Emulator) -> AsyncIterator[Tokens]:
    """
    The tokens of the account, then those of the user.
    """
    is_user = request.param == "user"
    async with emulator.client(
        api_token=emulator.user_api_token if is_user else emulator.api_token
    ) as client:
        yield client.user.tokens if is_user else client.accounts.tokens


def policy(emulator: Emulator, *groups: str) -> TokenPolicy:
    """
    Allow groups on all zones of the account.
    """
    account = f"com.cloudflare.api.account.{emulator.account_id}"
    return TokenPolicy(
        effect="allow",
        permission_groups=[PermissionGroup(id=group) for group in groups or (ZONE_READ,)],
        resources={account: {"com.cloudflare.api.account.zone.*": "*"}},
    )


async def make(tokens: Tokens, emulator: Emulator, name: str = "bot", **options: Any) -> TokenCreateResponse:
    """
    Make a token that may read zones.
    """
    return await tokens.create(name=name, policies=[policy(emulator)], **options)


async def test_a_created_token_is_what_was_requested(tokens: Tokens, emulator: Emulator) -> None:
    """
    Name, access, condition and start come back, and the value is of the right kind.
    """
    start = datetime(2026, 1, 1, 1, 0, 0, 999_999, tzinfo=UTC)
    created = await tokens.create(
        name="bot",
        policies=[policy(emulator, DNS_WRITE, ZONE_READ)],
        condition=Condition(
            request_ip=ConditionRequestIP(in_=["127.0.0.0/8", "2400:cb00::/32"], not_in=["127.0.0.9/32"])
        ),
        not_before=start,
        expires_on=start + timedelta(days=3650),
    )

    assert (created.name, created.status, created.last_used_on) == ("bot", "active", None)
    assert same_access(created.policies, [policy(emulator, ZONE_READ, DNS_WRITE)])
    assert created.condition == Condition(
        request_ip=ConditionRequestIP(in_=("127.0.0.0/8", "2400:cb00::/32"), not_in=("127.0.0.9/32",))
    )
    assert created.not_before == start.replace(microsecond=0)
    assert created.value.kind == ("user" if isinstance(tokens, UserTokens) else "account")


async def test_json_from_the_documentation_can_be_pasted(client: Client, emulator: Emulator) -> None:
    """
    Mappings in the API's form work, including names, ids and the old condition key.
    """
    created = await client.accounts.tokens.create(
        name="pasted",
        policies=[
            {
                "id": "f267e341f3dd4697bd3b9f71dd96247f",
                "effect": "allow",
                "permission_groups": [{"id": ZONE_READ, "name": "Zone Read"}],
                "resources": {"com.cloudflare.api.account.zone.22b1de5f1c0e4b3ea97bb1e963b06a43": "*"},
            }
        ],
        condition={"request.ip": {"in": ["127.0.0.1/32"]}},
    )

    assert created.condition == Condition(request_ip=ConditionRequestIP(in_=("127.0.0.1/32",)))


async def test_a_token_can_be_fetched_without_its_value(tokens: Tokens, emulator: Emulator) -> None:
    """
    get() returns the created token as a plain Token.
    """
    created = await make(tokens, emulator)
    fetched = await tokens.get(created.id)

    assert type(fetched) is Token
    assert (fetched.id, fetched.name, fetched.policies) == (created.id, created.name, created.policies)


async def test_an_update_replaces_everything(tokens: Tokens, emulator: Emulator) -> None:
    """
    Name, policies and status are replaced, and None removes a field.
    """
    created = await make(
        tokens,
        emulator,
        condition={"request_ip": {"in": ["127.0.0.1/32"]}},
        expires_on=datetime.now(UTC) + timedelta(hours=1),
    )
    updated = await tokens.update(
        created.id,
        name="renamed",
        policies=[policy(emulator, DNS_WRITE)],
        condition=None,
        expires_on=None,
        not_before=None,
        status="disabled",
    )

    assert (updated.name, updated.status) == ("renamed", "disabled")
    assert (updated.condition, updated.expires_on, updated.not_before) == (None, None, None)
    assert same_access(updated.policies, [policy(emulator, DNS_WRITE)])


async def test_an_update_without_a_status_does_not_change_it(tokens: Tokens, emulator: Emulator) -> None:
    """
    A disabled token stays disabled.
    """
    created = await make(tokens, emulator)
    settings: dict[str, Any] = {
        "name": "bot",
        "policies": created.policies,
        "condition": None,
        "expires_on": None,
        "not_before": None,
    }
    await tokens.update(created.id, **settings, status="disabled")
    updated = await tokens.update(created.id, **settings)

    assert updated.status == "disabled"


@pytest.mark.parametrize(
    ("key", "left"),
    [
        ("condition", {"request_ip": {"in": ["192.0.2.0/24"]}}),
        ("condition", {"something_new": True}),
        ("expires_on", "2030-01-01T00:00:00Z"),
        ("not_before", "2020-01-01T00:00:00Z"),
    ],
)
async def test_an_update_that_did_not_remove_a_field_is_an_error(key: str, left: object) -> None:
    """
    The error names the field that is still set, and the outcome is unknown.
    """
    async with (
        RawServer(reply(200, success({**TOKEN, key: left}))) as server,
        client_of(server.base_url) as client,
    ):
        error = await failure_of(
            client.accounts.tokens.update(
                TOKEN_ID, name="bot", policies=[POLICY], condition=None, expires_on=None, not_before=None
            )
        )

    assert isinstance(error, UnexpectedResponseError)
    assert f"{key}: still set" in str(error)
    assert error.outcome_unknown


@pytest.mark.parametrize(
    "empty", [None, {}, {"request_ip": None}, {"request_ip": {}}, {"request_ip": {"in": []}}]
)
async def test_an_empty_condition_is_no_condition(empty: object) -> None:
    """
    Every empty form in the answer counts as a removed condition.
    """
    async with RawServer(reply(200, success({**TOKEN, "condition": empty}))) as server:
        async with client_of(server.base_url) as client:
            updated = await client.accounts.tokens.update(
                TOKEN_ID, name="bot", policies=[POLICY], condition=None, expires_on=None, not_before=None
            )

    assert updated.id == TOKEN_ID


async def test_a_deleted_token_is_gone(tokens: Tokens, emulator: Emulator) -> None:
    """
    Delete returns the id; then a get and a second delete raise NotFoundError.
    """
    created = await make(tokens, emulator)
    deleted = await tokens.delete(created.id)

    assert deleted == TokenDeleteResponse(id=created.id)
    assert isinstance(await failure_of(tokens.get(created.id)), NotFoundError)
    assert isinstance(await failure_of(tokens.delete(created.id)), NotFoundError)


OTHER = {**TOKEN, "id": UNKNOWN}


@pytest.mark.parametrize("operation", [each for each in SINGLE if TOKEN_ID in ADDRESSES[each][1]])
async def test_an_answer_about_another_token_is_refused(operation: str) -> None:
    """
    A get, update or delete checks the id in the answer, as does every other call with the id of a token.
    """
    async with RawServer(reply(200, success(OTHER))) as server, client_of(server.base_url) as client:
        error = await failure_of(CALLS[operation](client))

    assert isinstance(error, UnexpectedResponseError)
    assert "id: is another token's" in str(error)


async def test_verify_is_about_the_credential_itself(tokens: Tokens, emulator: Emulator) -> None:
    """
    With a new token's value it returns that token's id and status, and no expiry.
    """
    created = await make(tokens, emulator)
    async with emulator.client(api_token=created.value) as theirs:
        side = theirs.user.tokens if isinstance(tokens, UserTokens) else theirs.accounts.tokens
        verified = await side.verify()

    assert (verified.id, verified.status, verified.expires_on) == (created.id, "active", None)


async def test_a_roll_replaces_the_value(tokens: Tokens, emulator: Emulator) -> None:
    """
    The new value works, and the old one is refused at once.
    """
    created = await make(tokens, emulator)
    rolled = await tokens.value.update(created.id)
    outcomes = []
    for value in (rolled, created.value):
        async with emulator.client(api_token=value) as theirs:
            side = theirs.user.tokens if isinstance(tokens, UserTokens) else theirs.accounts.tokens
            try:
                outcomes.append((await side.verify()).status)
            except AuthenticationError as error:
                outcomes.append(error.errors[0].message)

    assert isinstance(rolled, TokenValue)
    assert outcomes == ["active", "Invalid API Token"]


async def test_the_catalogue_can_be_filtered(tokens: Tokens) -> None:
    """
    A scope selects one of two groups with the same name, and part of a name finds nothing.
    """
    both = await tokens.permission_groups.get(name="Logs Read")
    zone = await tokens.permission_groups.get(name="Logs Read", scope="com.cloudflare.api.account.zone")
    part = [group async for group in tokens.permission_groups.list(name="Logs")]

    assert len(both) == 2
    assert [group.scopes for group in zone] == [("com.cloudflare.api.account.zone",)]
    assert part == []


async def test_the_catalogue_is_one_page(tokens: Tokens) -> None:
    """
    All permission groups come in one answer without page numbers.
    """
    page = await tokens.permission_groups.list().page()

    assert len(page.items) > 300
    assert (page.page, page.per_page, page.count, page.total_count) == (None, None, None, None)


async def test_a_list_is_complete_in_as_few_requests_as_possible(client: Client, emulator: Emulator) -> None:
    """
    120 tokens take three requests, however they are read.
    """
    for number in range(119):
        await make(client.accounts.tokens, emulator, f"bot {number}")
    sent = len(emulator.requests)
    ids = [token.id async for token in client.accounts.tokens.list()]
    pages = [page async for page in client.accounts.tokens.list().pages()]
    collected = await client.accounts.tokens.list().collect()

    assert len(set(ids)) == 120
    assert [token.id for token in collected] == ids
    assert [(page.page, page.count, page.total_count) for page in pages] == [
        (1, 50, 120),
        (2, 50, 120),
        (3, 20, 120),
    ]
    assert len(emulator.requests) - sent == 9


async def test_a_name_finds_its_token(tokens: Tokens, emulator: Emulator) -> None:
    """
    The name filter works on both kinds of tokens.
    """
    created = await make(tokens, emulator)

    assert [token.id async for token in tokens.list(name="bot")] == [created.id]


async def test_a_flag_is_a_bool(client: Client) -> None:
    """
    The string "false" would be true, so it is a TypeError.
    """
    with pytest.raises(TypeError, match="include_expired must be a bool, not str"):
        client.accounts.tokens.list(include_expired="false")  # type: ignore[arg-type]  # that is the mistake


async def test_one_page_can_be_requested(client: Client, emulator: Emulator) -> None:
    """
    page() returns the page of that number and size, and iterating goes on from there.
    """
    for number in range(11):
        await make(client.accounts.tokens, emulator, f"bot {number}")
    paginator = client.accounts.tokens.list(page=2, per_page=5, direction="asc")
    page = await paginator.page()
    rest = [token.name async for token in paginator]

    assert [token.name for token in page.items] == [f"bot {number}" for number in range(4, 9)]
    assert rest == [f"bot {number}" for number in range(4, 11)]


async def test_a_name_is_matched_exactly(client: Client, emulator: Emulator) -> None:
    """
    The name filter takes any text, and part of a name finds nothing.
    """
    for name in ("bot", "bot 2", "50% off & more"):
        await make(client.accounts.tokens, emulator, name)
    found = [
        await client.accounts.tokens.list(name=name).collect() for name in ("bot", "50% off & more", "bo")
    ]

    assert [[token.name for token in tokens] for tokens in found] == [["bot"], ["50% off & more"], []]


async def test_a_filter_that_the_server_ignores_still_filters() -> None:
    """
    The client filters the answer again.
    """
    body = success([TOKEN, {**TOKEN, "id": UNKNOWN, "name": "other"}])
    async with RawServer(reply(200, body)) as server, client_of(server.base_url) as client:
        tokens = await client.accounts.tokens.list(name="other").collect()

    assert [token.id for token in tokens] == [UNKNOWN]


@pytest.mark.parametrize(
    "options",
    [
        {"per_page": 4},
        {"per_page": 51},
        {"page": 0},
        {"direction": "up"},
        {"name": ""},
    ],
)
async def test_a_list_checks_its_arguments_at_once(
    client: Client, emulator: Emulator, options: dict[str, Any]
) -> None:
    """
    An invalid argument is an error in list() itself, and nothing is sent.
    """
    with pytest.raises(ValueError, match=next(iter(options))):
        client.accounts.tokens.list(**options)

    assert emulator.requests == []


async def test_expired_tokens_are_listed_on_demand() -> None:
    """
    With include_expired an expired token is listed, with that status.
    """
    now = datetime(2026, 5, 1, tzinfo=UTC).timestamp()
    async with Emulator(clock=lambda: now) as emulator, emulator.client() as client:
        created = await make(client.accounts.tokens, emulator, expires_on=datetime(2026, 5, 1, 1, tzinfo=UTC))
        now += 3601
        without = [token.id async for token in client.accounts.tokens.list(include_expired=False)]
        having = {token.id: token.status async for token in client.accounts.tokens.list(include_expired=True)}

    assert created.id not in without
    assert having[created.id] == "expired"


async def test_the_wrong_kind_of_token_has_a_hint(emulator: Emulator) -> None:
    """
    The hint for a user token on the account endpoints is to use client.user.tokens.
    """
    async with emulator.client(api_token=emulator.user_api_token) as client:
        error = await failure_of(client.accounts.tokens.verify())

    assert isinstance(error, AuthenticationError)
    assert error.hint is not None
    assert "client.user.tokens" in error.hint


async def test_a_missing_permission_is_named(client: Client, emulator: Emulator) -> None:
    """
    If a token may not list, the error names the permission group that it lacks.
    """
    created = await make(client.accounts.tokens, emulator)
    error = await failure_of(client.with_options(api_token=created.value).accounts.tokens.list().collect())

    assert isinstance(error, PermissionDeniedError)
    assert '"Account API Tokens Read"' in str(error)


async def test_a_single_zone_must_be_held_by_the_creator(client: Client, emulator: Emulator) -> None:
    """
    The error names the group that the creator lacks.
    """
    minter = client.with_options(api_token=emulator.issue("account").value)
    zone = {**POLICY, "resources": {f"com.cloudflare.api.account.zone.{ZONE_ID}": "*"}}
    error = await failure_of(minter.accounts.tokens.create(name="bot", policies=[zone]))

    assert isinstance(error, BadRequestError)
    assert 'lacks the permission group "Zone Read"' in str(error)


async def test_an_address_outside_the_condition_is_explained(client: Client, emulator: Emulator) -> None:
    """
    The error names the token's request_ip condition.
    """
    created = await make(client.accounts.tokens, emulator, condition={"request_ip": {"in": ["192.0.2.0/24"]}})
    error = await failure_of(client.with_options(api_token=created.value).accounts.tokens.list().page())

    assert "outside the token's request_ip condition" in str(error)


async def test_an_unknown_id_is_not_found(tokens: Tokens) -> None:
    """
    A get, roll or delete of it raises NotFoundError, and the outcome is known.
    """
    for call in (tokens.get(UNKNOWN), tokens.value.update(UNKNOWN), tokens.delete(UNKNOWN)):
        error = await failure_of(call)

        assert isinstance(error, NotFoundError)
        assert not error.outcome_unknown


@pytest.mark.parametrize("scope", ["com.cloudflare.api.account.zone", None])
async def test_a_permission_group_of_the_users_catalogue_is_found(
    emulator: Emulator, scope: str | None
) -> None:
    """
    User tokens have the same look-up, with and without a scope.
    """
    async with emulator.client(api_token=emulator.user_api_token) as client:
        found = await client.user.tokens.permission_groups.find("DNS Write", scope=scope)

    assert found.name == "DNS Write"


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("worker kv", ["Workers KV Storage Read", "Workers KV Storage Write"]),
        ("WRITE  dns zone", ["Zone DNS Settings Write"]),
        ("nothing at all", []),
    ],
)
@pytest.mark.parametrize("owner", ["account", "user"])
async def test_permission_groups_are_searched_by_words(
    emulator: Emulator, owner: str, words: str, names: list[str]
) -> None:
    """
    All words must be in the name, in any case and order, and one request serves all searches.
    """
    credential = emulator.user_api_token if owner == "user" else emulator.api_token
    async with emulator.client(api_token=credential) as client:
        tokens: Any = client.user.tokens if owner == "user" else client.accounts.tokens
        groups = tokens.permission_groups
        found = await groups.search(words)
        before = len(emulator.requests)
        everything = await groups.search("e")

    assert [group.name for group in found] == names
    assert len(emulator.requests) == before
    assert [group.name for group in everything] == sorted(str(group.name) for group in everything)


def test_blocking_code_searches_permission_groups() -> None:
    """
    The blocking twin returns the same list.
    """
    with BlockingEmulator() as emulator, emulator.client() as client:
        found = client.accounts.tokens.permission_groups.search("dns firewall")

    assert {str(group.name) for group in found} == {"DNS Firewall Read", "DNS Firewall Write"}


@pytest.mark.parametrize(("words", "kind"), [("", ValueError), (" \t", ValueError), (5, TypeError)])
async def test_words_are_needed_for_a_search(client: Client, words: Any, kind: type[Exception]) -> None:
    """
    An empty search would return everything.
    """
    with pytest.raises(kind, match="words must"):
        await client.accounts.tokens.permission_groups.search(words)
