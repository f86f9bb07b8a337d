"""
Edits and clones leave everything else unchanged, even members that this library does not know.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cftokens import (
    Client,
    Condition,
    ConditionRequestIP,
    NotFoundError,
    Token,
    TokenPolicy,
    UnexpectedResponseError,
)
from cftokens import policies as p
from cftokens._operations.replacement import not_as_sent, replacement
from cftokens.emulator import Emulator
from cftokens.policies import same_access
from tests.servers import Exchange, RawServer, reply
from tests.support import client_of, failure_of
from tests.vocabulary import DNS_READ, MINTED, POLICY, TOKEN, TOKEN_ID, ZONE_ID, ZONE_READ, failure, success

COPY_ID = "1" * 32
START = datetime(2026, 1, 1, tzinfo=UTC)
CONDITION = Condition(request_ip=ConditionRequestIP(in_=["127.0.0.0/8", "::1/128"]))


async def full_token(client: Client) -> Token:
    """
    Make a token with every field set.
    """
    created = await client.accounts.tokens.create(
        name="bot",
        policies=[p.allow("DNS Write", "Zone Read", on=p.zone(ZONE_ID))],
        condition=CONDITION,
        not_before=START,
        expires_on=START + timedelta(days=3650),
    )
    return await client.accounts.tokens.get(created.id)


SETTINGS = ("name", "condition", "not_before", "expires_on", "status")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"name": "renamed"}, {"name": "renamed"}),
        ({"condition": None}, {"condition": None}),
        (
            {"condition": {"request_ip": {"not_in": ["192.0.2.1"]}}},
            {"condition": Condition(request_ip=ConditionRequestIP(not_in=["192.0.2.1/32"]))},
        ),
        ({"not_before": None}, {"not_before": None}),
        ({"expires_on": None}, {"expires_on": None}),
        ({"expires_on": START + timedelta(days=4000)}, {"expires_on": START + timedelta(days=4000)}),
        ({"status": "disabled"}, {"status": "disabled"}),
        ({}, {}),
    ],
    ids=lambda each: ", ".join(each) or "nothing",
)
async def test_a_field_is_changed_and_the_others_are_not(
    client: Client, changes: dict[str, Any], expected: dict[str, Any]
) -> None:
    """
    An edit sets the given field, None removes it, and everything else stays the same.
    """
    before = await full_token(client)
    edited = await client.accounts.tokens.edit(before.id, **changes)
    after = await client.accounts.tokens.get(before.id)

    kept = {name: getattr(before, name) for name in SETTINGS}
    assert {name: getattr(after, name) for name in SETTINGS} == {**kept, **expected}
    assert same_access(after.policies, before.policies)
    assert (edited.id, edited.name, edited.condition) == (after.id, after.name, after.condition)


async def test_policies_can_be_changed_by_drafts(client: Client) -> None:
    """
    New policies replace the old ones, and the condition is unchanged.
    """
    before = await full_token(client)
    edited = await client.accounts.tokens.edit(before.id, policies=[p.allow("DNS Read", on=p.zone(ZONE_ID))])

    assert not same_access(edited.policies, before.policies)
    assert [group.name for group in edited.policies[0].permission_groups] == ["DNS Read"]
    assert edited.condition == before.condition


async def test_an_edit_is_two_requests(client: Client, emulator: Emulator) -> None:
    """
    The first reads the token, and the second writes it.
    """
    before = await full_token(client)
    sent = len(emulator.requests)
    await client.accounts.tokens.edit(before.id, name="renamed")

    assert [request.operation for request in emulator.requests[sent:]] == ["get", "update"]


async def test_user_tokens_are_edited_and_cloned_alike(emulator: Emulator) -> None:
    """
    An edit renames a user token, and a clone has the same access.
    """
    async with emulator.client(api_token=emulator.user_api_token) as client:
        policies = [p.allow("User Details Read", on=p.user(emulator.user_id))]
        created = await client.user.tokens.create(name="bot", policies=policies)
        edited = await client.user.tokens.edit(created.id, name="renamed")
        cloned = await client.user.tokens.clone(created.id, name="copy")

    assert edited.name == "renamed"
    assert same_access(cloned.policies, created.policies)
    assert cloned.value.kind == "user"


async def test_a_clone_has_the_same_access(client: Client) -> None:
    """
    Policies, condition and expiry are the original's, id and name are new, and the original is unchanged.
    """
    original = await full_token(client)
    cloned = await client.accounts.tokens.clone(original.id, name="copy")

    assert same_access(cloned.policies, original.policies)
    assert (cloned.condition, cloned.expires_on) == (original.condition, original.expires_on)
    assert cloned.id != original.id
    assert cloned.name == "copy"
    assert (await client.accounts.tokens.get(original.id)).name == "bot"


async def test_a_clone_can_be_changed(client: Client) -> None:
    """
    Given fields override the original's, and the clone of a disabled token is active.
    """
    original = await full_token(client)
    await client.accounts.tokens.edit(original.id, status="disabled")
    cloned = await client.accounts.tokens.clone(original.id, name="copy", condition=None, expires_on=None)

    assert (cloned.condition, cloned.expires_on, cloned.status) == (None, None, "active")
    assert cloned.not_before == original.not_before


async def test_an_unknown_token_cannot_be_edited_or_cloned(client: Client) -> None:
    """
    An unknown id raises NotFoundError.
    """
    for call in (
        client.accounts.tokens.edit(COPY_ID, name="x"),
        client.accounts.tokens.clone(COPY_ID, name="x"),
    ):
        assert isinstance(await failure_of(call), NotFoundError)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": None},
        {"condition": {}},
        {"expires_on": datetime(2026, 1, 1)},  # noqa: DTZ001 -- the mistake
        {"status": "expired"},
        {"policies": [{"effect": "allow"}]},
        {"not_before": START, "expires_on": START},
    ],
)
async def test_mistakes_are_found_before_the_token_is_read(
    client: Client, emulator: Emulator, changes: dict[str, Any]
) -> None:
    """
    Invalid arguments cost no request.
    """
    with pytest.raises((ValueError, TypeError)):
        await client.accounts.tokens.edit(TOKEN_ID, **changes)

    assert emulator.requests == []


STRANGE: dict[str, Any] = {
    **TOKEN,
    "creator_email_at_creation": "user@example.com",
    "condition": {"request.ip": {"in": ["192.0.2.0/24"]}, "request_country": {"in": ["NL"]}},
    "policies": [
        {
            "id": "f267e341f3dd4697bd3b9f71dd96247f",
            "effect": "allow",
            "only_on": ["monday"],
            "permission_groups": [{"id": ZONE_READ, "name": "Zone Read", "meta": {"x": "y"}, "level": 3}],
            "resources": POLICY["resources"],
        }
    ],
    "max_uses": 5,
}
"""A token of the future, with members that this library does not know."""

WRITTEN = {
    "name": "bot",
    "status": "active",
    "condition": STRANGE["condition"],
    "policies": [
        {
            "effect": "allow",
            "only_on": ["monday"],
            "permission_groups": [{"id": ZONE_READ, "level": 3}],
            "resources": POLICY["resources"],
        }
    ],
    "max_uses": 5,
}
"""What an update sends back of it."""


class KeepingServer(RawServer):
    """
    Holds one token, and answers a write with what *written* makes of its body.
    """

    def __init__(self, token: Mapping[str, Any], written: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        self.bodies: list[Any] = []

        async def behave(exchange: Exchange) -> None:
            if exchange.request.method in {"PUT", "POST"}:
                body = json.loads(exchange.request.body)
                self.bodies.append(body)
                made = (
                    {"id": COPY_ID, "value": MINTED}
                    if exchange.request.method == "POST"
                    else {"id": TOKEN_ID}
                )
                await reply(200, success({**written(body), **made}))(exchange)
            elif exchange.request.method == "DELETE":
                await reply(200, success({"id": COPY_ID}))(exchange)
            else:
                await reply(200, success(token))(exchange)

        super().__init__(behave)


def as_sent(body: dict[str, Any]) -> dict[str, Any]:
    """
    Return what was sent, with read-only members added.
    """
    policies = [{**policy, "id": "9" * 32} for policy in reversed(body["policies"])]
    return {**body, "policies": policies, "modified_on": "2026-02-02T02:02:02Z"}


async def test_unknown_members_are_sent_back_verbatim() -> None:
    """
    An edit preserves a new kind of condition, a new key in a policy or group, and a new field.
    """
    async with KeepingServer(STRANGE, as_sent) as server, client_of(server.base_url) as client:
        edited = await client.accounts.tokens.edit(TOKEN_ID, name="renamed")

    assert server.bodies == [{**WRITTEN, "name": "renamed"}]
    assert edited.name == "renamed"


async def test_the_classes_of_a_read_token_keep_unknown_members() -> None:
    """
    An update or an edit with what a get returned sends them back at every level, as they were read.
    """
    async with KeepingServer(STRANGE, as_sent) as server, client_of(server.base_url) as client:
        tokens = client.accounts.tokens
        token = await tokens.get(TOKEN_ID)
        given: dict[str, Any] = {"policies": token.policies, "condition": token.condition}
        await tokens.update(TOKEN_ID, name="bot", expires_on=None, not_before=None, **given)
        await tokens.edit(TOKEN_ID, name="renamed", **given)

    updated, edited = server.bodies
    condition = {**STRANGE["condition"], "request_ip": {"in": ["192.0.2.0/24"]}}
    del condition["request.ip"]
    assert updated == {"name": "bot", "policies": WRITTEN["policies"], "condition": condition}
    assert edited == {**WRITTEN, "name": "renamed", "condition": condition}


async def test_a_create_with_the_classes_of_a_read_token_keeps_unknown_members() -> None:
    """
    The new token is restricted as the one that was read.
    """
    async with KeepingServer(STRANGE, as_sent) as server, client_of(server.base_url) as client:
        token = await client.accounts.tokens.get(TOKEN_ID)
        await client.accounts.tokens.create(name="n", policies=token.policies, condition=token.condition)

    (body,) = server.bodies
    assert body["policies"] == WRITTEN["policies"]
    assert body["condition"]["request_country"] == {"in": ["NL"]}


@pytest.mark.parametrize("token", [{**TOKEN, "policies": None}, {"id": TOKEN_ID, "name": "bot"}])
async def test_policies_that_a_get_does_not_show_are_not_sent(token: dict[str, Any]) -> None:
    """
    An edit of a token without policies sends none.
    """
    async with KeepingServer(token, lambda body: body) as server, client_of(server.base_url) as client:
        await client.accounts.tokens.edit(TOKEN_ID, name="renamed")

    assert [body.keys() & {"policies"} for body in server.bodies] == [set()]


async def test_a_token_can_be_edited_to_expire(client: Client, emulator: Emulator) -> None:
    """
    An expiry in the past is set, and the status that it entails is no difference.
    """
    before = await full_token(client)
    edited = await client.accounts.tokens.edit(before.id, expires_on=START + timedelta(days=1))

    assert (edited.status, edited.expires_on) == ("expired", START + timedelta(days=1))


async def test_what_is_named_twice_is_no_difference(client: Client) -> None:
    """
    A copy whose policies name a group and a network twice is not deleted.
    """
    original = await full_token(client)
    policy = {
        "effect": "allow",
        "permission_groups": [{"id": ZONE_READ}, {"id": ZONE_READ}],
        "resources": {f"com.cloudflare.api.account.zone.{ZONE_ID}": "*"},
    }
    cloned = await client.accounts.tokens.clone(
        original.id,
        name="copy",
        policies=[policy, policy],
        condition={"request_ip": {"in": ["127.0.0.0/8", "127.0.0.1/8"]}},
    )

    assert (await client.accounts.tokens.get(cloned.id)).name == "copy"


async def test_a_clone_copies_unknown_members() -> None:
    """
    Only the status is left out; without an unknown restriction the clone would grant more.
    """
    async with KeepingServer(STRANGE, as_sent) as server, client_of(server.base_url) as client:
        cloned = await client.accounts.tokens.clone(TOKEN_ID, name="copy")

    expected = {**WRITTEN, "name": "copy"}
    del expected["status"]
    assert server.bodies == [expected]
    assert cloned.value.reveal() == MINTED


DATED = {**TOKEN, "condition": {"request_ip": {"in": ["192.0.2.0/24"]}}, "expires_on": "2030-01-01T00:00:00Z"}


def keeps_what_is_left_out(body: dict[str, Any]) -> dict[str, Any]:
    """
    Treat a PUT as a PATCH.
    """
    return {**DATED, **body}


def drops_the_condition(body: dict[str, Any]) -> dict[str, Any]:
    """
    Ignore the condition.
    """
    return {**body, "condition": None}


def widens_the_policies(body: dict[str, Any]) -> dict[str, Any]:
    """
    Grant more than was sent.
    """
    return {
        **body,
        "policies": [*body["policies"], {**POLICY, "resources": {"com.cloudflare.api.account.*": "*"}}],
    }


@pytest.mark.parametrize(
    ("written", "changes", "words"),
    [
        (keeps_what_is_left_out, {"condition": None}, "condition: still set, but should have been removed"),
        (keeps_what_is_left_out, {"expires_on": None}, "expires_on: still set"),
        (drops_the_condition, {"name": "renamed"}, "condition: differs from what was sent"),
        (widens_the_policies, {"name": "renamed"}, "policies: differs from what was sent"),
        (lambda body: {**body, "name": "bot"}, {"name": "renamed"}, "name: differs from what was sent"),
        (
            lambda body: {**body, "status": "active"},
            {"status": "disabled"},
            "status: differs from what was sent",
        ),
        (
            lambda body: {**body, "expires_on": "2031-01-01T00:00:00Z"},
            {"name": "renamed"},
            "expires_on: differs from what was sent",
        ),
    ],
)
async def test_an_answer_that_differs_is_an_error(
    written: Callable[[dict[str, Any]], dict[str, Any]], changes: dict[str, Any], words: str
) -> None:
    """
    A field that differs from what was sent is named in an UnexpectedResponseError.
    """
    async with KeepingServer(DATED, written) as server, client_of(server.base_url) as client:
        error = await failure_of(client.accounts.tokens.edit(TOKEN_ID, **changes))

    assert isinstance(error, UnexpectedResponseError)
    assert words in str(error)
    assert error.outcome_unknown


@pytest.mark.parametrize("changes", [{}, {"name": "bot"}, {"status": "active"}])
async def test_an_edit_without_a_change_writes_nothing(changes: dict[str, Any]) -> None:
    """
    A token that is already as it should be is returned as it was read.
    """
    async with KeepingServer(DATED, as_sent) as server, client_of(server.base_url) as client:
        edited = await client.accounts.tokens.edit(TOKEN_ID, **changes)

    assert edited.id == TOKEN_ID
    assert server.bodies == []


async def test_a_clone_that_grants_more_is_deleted() -> None:
    """
    A clone that lost the original's condition is deleted, and the error says what it lost.
    """
    async with KeepingServer(DATED, drops_the_condition) as server, client_of(server.base_url) as client:
        error = await failure_of(client.accounts.tokens.clone(TOKEN_ID, name="copy"))

    assert isinstance(error, UnexpectedResponseError)
    assert "differs from what was sent in condition, so it was deleted." in str(error)
    assert [request.method for request in server.requests] == ["GET", "POST", "DELETE"]
    assert not error.outcome_unknown


async def test_a_clone_that_cannot_be_deleted_is_named() -> None:
    """
    The error has its id, so that it can be deleted by hand.
    """
    read, made = (
        reply(200, success(DATED)),
        reply(200, success({**TOKEN, "id": COPY_ID, "value": MINTED})),
    )
    async with RawServer(read, made, reply(403, failure())) as server, client_of(server.base_url) as client:
        error = await failure_of(client.accounts.tokens.clone(TOKEN_ID, name="copy"))

    assert f"{COPY_ID} could not be deleted: delete it" in str(error)
    assert error.outcome_unknown
    assert error.__cause__ is not None


def grants_another_group(body: dict[str, Any]) -> dict[str, Any]:
    """
    Grant something else than was sent.
    """
    return {**body, "policies": [{**POLICY, "permission_groups": [{"id": DNS_READ}]}]}


REPORTED = [
    (drops_the_condition, "condition"),
    (grants_another_group, "policies"),
    (lambda body: {**body, "name": "other"}, "name"),
    (lambda body: {**body, "expires_on": "2031-01-01T00:00:00Z"}, "expires_on"),
    (lambda body: {"name": body["name"], "status": "disabled"}, "condition, expires_on, policies"),
]
GIVEN: dict[str, Any] = {
    "name": "bot",
    "policies": [POLICY],
    "condition": {"request_ip": {"in": ["192.0.2.0/24"]}},
    "expires_on": datetime(2030, 1, 1, tzinfo=UTC),
    "not_before": None,
}


@pytest.mark.parametrize(("written", "members"), REPORTED)
async def test_a_create_that_is_answered_otherwise_is_reported(
    caplog: pytest.LogCaptureFixture, written: Callable[[dict[str, Any]], dict[str, Any]], members: str
) -> None:
    """
    One warning names the token and the members that differ, and the token is returned.
    """
    async with KeepingServer(TOKEN, written) as server, client_of(server.base_url) as client:
        created = await client.accounts.tokens.create(**GIVEN)

    assert created.value.reveal() == MINTED
    assert warnings_of(caplog) == [f"The token {COPY_ID} differs from what was sent in {members}."]


@pytest.mark.parametrize(
    ("written", "members"), [*REPORTED[:4], (lambda body: {**body, "status": "active"}, "status")]
)
async def test_an_update_that_is_answered_otherwise_is_reported(
    caplog: pytest.LogCaptureFixture, written: Callable[[dict[str, Any]], dict[str, Any]], members: str
) -> None:
    """
    One warning names the token and the members that differ, and the token is returned.
    """
    async with KeepingServer(TOKEN, written) as server, client_of(server.base_url) as client:
        updated = await client.accounts.tokens.update(TOKEN_ID, **GIVEN, status="disabled")

    assert updated.id == TOKEN_ID
    assert warnings_of(caplog) == [f"The token {TOKEN_ID} differs from what was sent in {members}."]


async def test_an_answer_that_means_the_same_is_not_reported(
    caplog: pytest.LogCaptureFixture, client: Client
) -> None:
    """
    The emulator sorts, adds members, and writes networks in its own way.
    """
    token = await full_token(client)
    await client.accounts.tokens.create(name="bare", policies=[])
    await client.accounts.tokens.update(token.id, **{**GIVEN, "policies": token.policies}, status="disabled")

    assert warnings_of(caplog) == []


@pytest.mark.parametrize(
    "change",
    [
        {"policies": [TokenPolicy.from_dict({**POLICY, "max_uses": 1})]},
        {"condition": Condition.from_dict({"request_ip": {"in": ["::/0"]}, "max_uses": 1})},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_a_number_that_we_do_not_know_is_a_change(change: dict[str, Any]) -> None:
    """
    It may be a limit, so a new one is sent, although one that differs in an answer may be a counter.
    """
    condition = {"request_ip": {"in": ["::/0"]}, "max_uses": 5}
    before = {**TOKEN, "policies": [{**POLICY, "max_uses": 5}], "condition": condition}
    async with (
        RawServer(reply(200, success(before)), reply(200, success(before))) as server,
        client_of(server.base_url) as client,
    ):
        await client.accounts.tokens.edit(TOKEN_ID, **change)

    assert [request.method for request in server.requests] == ["GET", "PUT"]
    assert '"max_uses": 1' in server.requests[1].body.decode()


async def test_a_report_shows_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    """
    An id that looks like a token's value is masked, and so is anything but the names of members.
    """
    answer = {**TOKEN, "id": MINTED, "value": MINTED, "name": MINTED}
    server = RawServer(reply(200, success(answer)))
    async with server, client_of(server.base_url) as client:
        await client.accounts.tokens.create(name="bot", policies=[POLICY])

    assert warnings_of(caplog) == ["The token <hidden> differs from what was sent in name."]


async def test_an_answer_that_is_nested_deeply_loses_no_value(caplog: pytest.LogCaptureFixture) -> None:
    """
    A create whose answer can be parsed but not compared returns its token, and is reported.
    """
    answer = json.dumps(success({**TOKEN, "value": MINTED, "condition": "nested"}))
    deep = answer.replace('"nested"', '{"a":' * 900 + "1" + "}" * 900)
    async with RawServer(reply(200, deep.encode())) as server, client_of(server.base_url) as client:
        created = await client.accounts.tokens.create(name="bot", policies=[POLICY])

    assert created.value.reveal() == MINTED
    assert warnings_of(caplog) == [f"The token {TOKEN_ID} differs from what was sent in condition."]


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    """
    Return what was logged as a warning.
    """
    return [
        record.getMessage()
        for record in caplog.records
        if (record.name, record.levelname) == ("cftokens", "WARNING")
    ]


@pytest.mark.parametrize(
    "after",
    [
        {"condition": {"request_ip": {"in": ["::1/128", "192.0.2.0/24"]}}},
        {"condition": {"request.ip": {"in": ["192.0.2.0/24", "0:0::1/128"], "not_in": []}}},
        {"expires_on": "2030-01-01T01:00:00+01:00"},
        {"not_before": None},
        {"policies": [{**POLICY, "id": "x", "permission_groups": [{"id": ZONE_READ, "name": "n"}]}]},
        {"something_new": 1},
        {"issued_on": "2031-01-01T00:00:00Z", "status": "expired"},
    ],
)
def test_another_notation_is_not_a_difference(after: dict[str, Any]) -> None:
    """
    Order, read-only members and additions are not differences either.
    """
    before = {
        **TOKEN,
        "condition": {"request_ip": {"in": ["192.0.2.7/24", "::1/128"]}},
        "expires_on": "2030-01-01T00:00:00Z",
        "status": "expired",
    }
    sent = replacement(before, {})

    assert not_as_sent(sent, before, {**before, **after}) == []


@pytest.mark.parametrize(
    ("key", "sent", "after"),
    [
        ("condition", {"request_ip": {"in": "odd"}}, {"request_ip": {"in": "even"}}),
        ("condition", {"request_ip": {"in": ["not a network"]}}, {"request_ip": {"in": ["192.0.2.0/24"]}}),
        ("condition", ["odd"], ["even"]),
        ("condition", {"request_ip": ["odd"]}, {"request_ip": ["even"]}),
        ("expires_on", "some day", "another day"),
        ("max_uses", "5", "6"),
        ("max_uses", 5, None),
    ],
)
def test_an_unreadable_value_is_compared_as_it_is(key: str, sent: object, after: object) -> None:
    """
    A value in an unknown form must be exactly equal.
    """
    assert not_as_sent({key: sent}, {}, {key: after}) == [key]
    assert not_as_sent({key: sent}, {}, {key: sent}) == []
