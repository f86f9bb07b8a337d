"""
Tokens as they should be: made once, edited if they differ, and never made twice.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cftokens import UNSET, AmbiguousOutcomeError, CFTokensError, Client, Ensured, TokenPolicy
from cftokens import policies as p
from cftokens.emulator import Emulator, Fault
from cftokens.errors import attempt_of
from tests.lives import (
    FAULTS,
    HELD_AFTER,
    HELD_BEFORE,
    Schedule,
    account_policy,
    interrupted_at,
    live,
    outcome,
    unknown,
)
from tests.servers import Exchange, RawServer, reply
from tests.support import Clock, client_of, failure_of
from tests.vocabulary import ACCOUNT, CREDENTIAL, DNS_READ, MINTED, POLICY, TOKEN, TOKEN_ID, ZONE_ID, success

LATER = datetime(2030, 1, 2, tzinfo=UTC)


class World:
    """
    An emulator, and a client on its clock.
    """

    def __init__(self, emulator: Emulator, client: Client) -> None:
        self.emulator = emulator
        self.client = client

    async def ensure(self, **options: Any) -> Ensured:
        """
        Ensure a token that may read zones.
        """
        given = {"name": "ci", "policies": [account_policy(self.emulator)], **options}
        return await self.client.accounts.tokens.ensure(**given)

    def writes(self) -> list[str | None]:
        """
        Return the requests that change something.
        """
        operations = [each.operation for each in self.emulator.requests]
        return [each for each in operations if each in {"create", "update", "delete", "roll"}]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """
    An emulator, and a client on its clock.
    """
    clock = Clock()
    async with Emulator(clock=clock) as emulator, client_of(emulator, clock) as client:
        yield World(emulator, client)


async def test_the_first_run_makes_a_token(world: World) -> None:
    """
    It has a value, and a list shows that nothing else has the name.
    """
    ensured = await world.ensure()

    assert (ensured.created, ensured.changed) == (True, False)
    assert ensured.value is not None
    assert [each.operation for each in world.emulator.requests] == ["list", "create", "list"]
    verified = await world.client.with_options(api_token=ensured.value).accounts.tokens.verify()
    assert verified.id == ensured.token.id


ARGUMENTS: dict[str, dict[str, Any]] = {
    "ids": {},
    "names": {"policies": [p.allow("Zone Read", "DNS Read", on=p.zone(ZONE_ID))]},
    "nothing": {"policies": []},
    "a condition": {
        "condition": {"request_ip": {"in": ["192.0.2.0/24", "198.51.100.1"], "not_in": ["192.0.2.7"]}}
    },
    "an expiry": {"expires_on": LATER},
    "no expiry": {"expires_on": None, "not_before": None},
    "a start": {"not_before": datetime(2026, 1, 2, tzinfo=UTC), "expires_on": LATER},
}


@pytest.mark.parametrize("case", ARGUMENTS)
async def test_a_second_run_sends_no_write(world: World, case: str) -> None:
    """
    One read is enough to see that the token is as it should be, and its value stays unknown.
    """
    first = await world.ensure(**ARGUMENTS[case])
    made = world.writes()
    second = await world.ensure(**ARGUMENTS[case])

    assert world.writes() == made == ["create"]
    assert (second.created, second.changed, second.value) == (False, False, None)
    assert second.token.id == first.token.id


async def test_the_order_of_policies_groups_and_addresses_does_not_matter(world: World) -> None:
    """
    Access is compared as sets.
    """
    zone = p.allow("Zone Read", "DNS Read", on=p.zone(ZONE_ID))
    networks = ["192.0.2.0/24", "198.51.100.1/32"]
    await world.ensure(
        policies=[account_policy(world.emulator), zone], condition={"request_ip": {"in": networks}}
    )
    turned = p.allow("DNS Read", "Zone Read", "DNS Read", on=p.zone(ZONE_ID))
    second = await world.ensure(
        policies=[turned, account_policy(world.emulator)], condition={"request_ip": {"in": networks[::-1]}}
    )

    assert not second.changed
    assert world.writes() == ["create"]


@pytest.mark.parametrize(
    "change",
    [
        {"policies": []},
        {"policies": [p.allow("Zone Read", on=p.zone(ZONE_ID))]},
        {"condition": {"request_ip": {"in": ["192.0.2.0/24"]}}},
        {"expires_on": LATER},
    ],
)
async def test_a_difference_is_edited(world: World, change: dict[str, Any]) -> None:
    """
    The token keeps its id, one update is sent, and a third run sends none.
    """
    first = await world.ensure()
    second = await world.ensure(**change)
    third = await world.ensure(**change)

    assert (second.created, second.changed, third.changed) == (False, True, False)
    assert first.token.id == second.token.id == third.token.id
    assert world.writes() == ["create", "update"]


async def test_a_number_that_we_do_not_know_is_a_difference() -> None:
    """
    It may be a limit, so that of the policy that is given is sent.
    """
    before = {**TOKEN, "policies": [{**POLICY, "max_uses": 5}]}
    wanted = TokenPolicy.from_dict({**POLICY, "max_uses": 1})
    listed, read, edited = (reply(200, success(result)) for result in ([before], before, before))
    async with RawServer(listed, read, edited) as server, client_of(server.base_url) as client:
        ensured = await client.accounts.tokens.ensure(name=TOKEN["name"], policies=[wanted])

    assert ensured.changed
    assert '"max_uses": 1' in server.requests[-1].body.decode()


async def test_access_that_is_wider_than_asked_is_taken_away(world: World) -> None:
    """
    A group that was added by hand is removed, and so is a restriction that was dropped restored.
    """
    restricted = {"condition": {"request_ip": {"in": ["192.0.2.0/24"]}}}
    first = await world.ensure(**restricted)
    wider = account_policy(world.emulator)
    wider["permission_groups"].append({"id": DNS_READ})
    await world.client.accounts.tokens.edit(first.token.id, policies=[wider], condition=None)
    second = await world.ensure(**restricted)

    assert second.changed
    assert [len(policy.permission_groups) for policy in second.token.policies] == [1]
    assert second.token.condition == first.token.condition


async def test_dates_that_are_omitted_are_left_as_they_are(world: World) -> None:
    """
    None removes them.
    """
    await world.ensure(expires_on=LATER)
    kept = await world.ensure(expires_on=UNSET)
    removed = await world.ensure(expires_on=None)

    assert (kept.changed, kept.token.expires_on) == (False, LATER)
    assert (removed.changed, removed.token.expires_on) == (True, None)


@pytest.mark.parametrize("end", ["disabled", "expired", "exposed"])
async def test_tokens_that_do_not_work_do_not_count(world: World, end: str) -> None:
    """
    A token that is disabled, expired or revoked is left alone, and another is made.
    """
    tokens = world.client.accounts.tokens
    old = (await world.ensure()).token
    if end == "exposed":
        world.emulator.expose(old.id)
    else:
        await tokens.retire(old.id, after=timedelta(seconds=5 * (end == "expired")))
        await world.client._timing.sleep(6)
    new = await world.ensure()

    assert new.created
    assert new.token.id != old.id


async def test_an_expired_token_that_is_still_called_active_does_not_count() -> None:
    """
    Cloudflare may show an expiry late.
    """
    clock = Clock()
    async with Emulator(clock=clock, propagation=60) as emulator, client_of(emulator, clock) as client:
        world = World(emulator, client)
        old = await world.ensure(expires_on=datetime.fromtimestamp(clock.now + 5, UTC))
        clock.now += 30
        assert (await client.accounts.tokens.get(old.token.id)).status == "active"
        new = await world.ensure()

    assert new.created


async def test_two_of_the_name_are_ambiguous(world: World) -> None:
    """
    The error has both, and nothing is changed.
    """
    made = [
        await world.client.accounts.tokens.create(name="ci", policies=[account_policy(world.emulator)])
        for _ in range(2)
    ]
    error = await failure_of(world.ensure())

    assert isinstance(error, AmbiguousOutcomeError)
    assert {each.id for each in error.candidates} == {each.id for each in made}
    assert world.writes() == ["create", "create"]


async def test_two_at_once_end_with_one_token_or_a_clear_error(world: World) -> None:
    """
    If both made one, both delete theirs and say so, and running again mends it.
    """
    results = await asyncio.gather(world.ensure(), world.ensure(), return_exceptions=True)
    made = [each.token.id for each in results if isinstance(each, Ensured) and each.created]
    errors = [each for each in results if isinstance(each, BaseException)]

    assert list(live(world.emulator)) == made
    assert len(made) <= 1
    assert all("was made at the same time" in str(error) for error in errors)
    assert all(isinstance(error, AmbiguousOutcomeError) for error in errors)
    await world.ensure()
    assert len(live(world.emulator)) == 1


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("number", range(1, 4))
async def test_after_a_fault_every_live_token_is_known(
    world: World, number: int, name: str, lasting: bool
) -> None:
    """
    A lost create has its attempt, and a token whose name cannot be checked is deleted, or told of.
    """
    Schedule(world.emulator, {number: FAULTS[name]()}, lasting=lasting)
    ensured, error = await outcome(world.ensure())
    known = [] if ensured is None else [ensured.token]

    assert error is None or isinstance(error, CFTokensError)
    assert unknown(world.emulator, error, world.client.unsettled, known) == []
    if number == 3 and error is not None:
        held = name == "rate limited"  # for longer than a call may wait, so no delete is sent either
        assert len(live(world.emulator)) == held
        assert ("could not be deleted" if held else "was deleted") in error.__notes__[-1]


@pytest.mark.parametrize("fault", [HELD_BEFORE, HELD_AFTER], ids=["before", "after"])
@pytest.mark.parametrize("number", range(1, 4))
async def test_after_a_cancellation_every_live_token_is_known(
    world: World, number: int, fault: Fault
) -> None:
    """
    The name is not ours, so a lost create is only told; a token that arrived is deleted.
    """
    schedule = Schedule(world.emulator, {number: fault})
    task = asyncio.ensure_future(world.ensure())
    schedule.arrived = lambda count: task.cancel() if count == number else None
    _, error = await outcome(waited(task))

    assert isinstance(error, asyncio.CancelledError)
    assert unknown(world.emulator, error, world.client.unsettled, []) == []
    assert (attempt_of(error) is not None) == (number == 2)
    if number == 3:
        assert live(world.emulator) == {}


async def waited(task: "asyncio.Task[Any]") -> Any:
    """
    Await a task.
    """
    return await task


async def test_an_interrupt_at_each_await_leaves_every_live_token_known(world: World) -> None:
    """
    At no await does a cancellation leave a token that nothing tells of.
    """
    number = 0
    reached = [0]
    known: list[str] = []
    while reached[-1] == number:
        number += 1
        ensured, error = await outcome(interrupted_at(number, world.ensure(name=f"ci {number}"), reached))
        known += [] if ensured is None else [ensured.token.id]
        assert unknown(world.emulator, error, world.client.unsettled, known) == [], number

    assert number > 3


async def test_a_second_cancellation_while_the_token_is_deleted_is_raised(world: World) -> None:
    """
    It has a note that the token was deleted.
    """
    schedule = Schedule(world.emulator, {3: Fault.status(403)})
    task = asyncio.ensure_future(world.ensure())
    schedule.arrived = lambda count: task.cancel() if count == 4 else None
    _, error = await outcome(waited(task))

    assert isinstance(error, asyncio.CancelledError)
    assert error.__notes__[0].endswith("was deleted.")
    assert live(world.emulator) == {}


class Account(RawServer):
    """
    Holds tokens in the way of an API that adds members which this library does not know.
    """

    def __init__(self) -> None:
        self.tokens: list[dict[str, Any]] = []
        super().__init__(self._behave)

    async def _behave(self, exchange: Exchange) -> None:
        if exchange.request.method != "POST":
            info = {"page": 1, "per_page": 50, "count": len(self.tokens), "total_count": len(self.tokens)}
            await reply(200, success(self.tokens, result_info=info))(exchange)
            return
        sent = json.loads(exchange.request.body)
        groups = [{**each, "name": "x", "tier": 3} for each in sent["policies"][0]["permission_groups"]]
        policy = {**sent["policies"][0], "id": "9" * 32, "permission_groups": groups, "note": "new"}
        condition = {**sent.get("condition", {}), "request_country": None}
        token = {**TOKEN, **sent, "policies": [policy], "condition": condition, "uses": 3, "tags": ["a"]}
        self.tokens.append(token)
        await reply(200, success({**token, "value": MINTED}))(exchange)


async def test_members_that_the_server_adds_are_no_difference() -> None:
    """
    A second run sends no write, although the token has members that were not asked for.
    """
    given: dict[str, Any] = {"name": "ci", "policies": [POLICY]}
    async with Account() as server, client_of(server.base_url) as client:
        first = await client.accounts.tokens.ensure(**given)
        second = await client.accounts.tokens.ensure(**given)

    assert (first.created, second.created, second.changed) == (True, False, False)
    assert second.token.id == TOKEN_ID
    assert [each.method for each in server.requests] == ["GET", "POST", "GET", "GET"]


async def test_an_account_is_chosen_like_elsewhere() -> None:
    """
    By its argument, or a message says how.
    """
    async with Account() as server:
        async with Client(CREDENTIAL, base_url=server.base_url) as client:
            with pytest.raises(ValueError, match="There is no account id"):
                await client.accounts.tokens.ensure(name="ci", policies=[POLICY])
            await client.accounts.tokens.ensure(name="ci", policies=[POLICY], account_id=ACCOUNT)

    assert {each.path.partition("?")[0] for each in server.requests} == {f"/accounts/{ACCOUNT}/tokens"}


async def test_a_users_token_is_ensured_too(world: World) -> None:
    """
    The same for the user, with the user's credential.
    """
    client = world.client.with_options(api_token=world.emulator.user_api_token)
    given: dict[str, Any] = {
        "name": "ci",
        "policies": [p.allow("User Details Read", on=p.user(world.emulator.user_id))],
    }
    first = await client.user.tokens.ensure(**given)
    second = await client.user.tokens.ensure(**given)

    assert (first.created, second.created, second.changed) == (True, False, False)
