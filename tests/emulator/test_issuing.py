"""
Tokens from the dashboard.
"""

from datetime import UTC, datetime
from typing import Any

import pytest

import cftokens.sync.emulator
from cftokens import PermissionGroupError
from cftokens import policies as p
from cftokens.emulator import Emulator, IssuedToken

from .caller import TOKENS_WRITE, UNKNOWN_ID, WORKERS_READ, ZONE_ID, Caller, ManualClock, policy


async def test_default(caller: Caller) -> None:
    """
    Without policies, an issued token manages the tokens of its kind and does nothing else.
    """
    issued = caller.emulator.issue(caller.kind)

    token = (await caller.send("GET", f"/{issued.id}", bearer=issued.value)).result

    assert (token["id"], token["name"]) == (issued.id, "Issued in the dashboard")
    assert [group["id"] for each in token["policies"] for group in each["permission_groups"]] == [
        TOKENS_WRITE[caller.kind]
    ]
    assert token["policies"][0]["resources"] == caller.home


async def test_arguments(account: Caller, clock: ManualClock) -> None:
    """
    An issued token has the name, policies, condition and expiry given.
    """
    issued = account.emulator.issue(
        "account",
        name="reader",
        policies=[
            p.allow("Account API Tokens Read", on=p.account(account.emulator.account_id)),
            policy(account.home, WORKERS_READ),
        ],
        condition={"request_ip": {"in": ["127.0.0.1/32"]}},
        expires_on=datetime(2027, 1, 15, 9, 0, tzinfo=UTC),
    )

    token = (await account.send("GET", f"/{issued.id}", bearer=issued.value)).result
    clock.now += 3600
    expired = await account.send("GET", bearer=issued.value)

    assert (token["name"], token["condition"]) == ("reader", {"request_ip": {"in": ["127.0.0.1/32"]}})
    assert [each["permission_groups"][0]["name"] for each in token["policies"]] == [
        "Workers Scripts Read",
        "Account API Tokens Read",
    ]
    assert token["expires_on"] == "2027-01-15T09:00:00Z"
    assert expired.refusal == (403, 9109, "Invalid access token")


async def test_other_account() -> None:
    """
    An account token can be issued for any account of the emulator.
    """
    async with Emulator(accounts=2) as emulator:
        second = emulator.account_ids[1]
        issued = emulator.issue("account", account_id=second)

        async with emulator.client(api_token=issued.value, account_id=second) as client:
            verified = await client.accounts.tokens.verify()

    assert verified.id == issued.id


def test_repr() -> None:
    """
    The repr of an issued token does not show its value.
    """
    assert repr(IssuedToken("a", "cfat_secret")) == "IssuedToken(id='a')"


async def test_quota(user: Caller) -> None:
    """
    Issued tokens count towards the quota, which also holds for the dashboard.
    """
    for _ in range(49):
        user.emulator.issue("user")

    answer = await user.send("POST", json=user.body())

    assert answer.refusal == (400, 1001, "Maximum number of API tokens reached: 50")
    with pytest.raises(ValueError, match="Maximum number of API tokens reached: 50"):
        user.emulator.issue("user")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"kind": "global"}, ValueError, "kind must be"),
        ({"kind": "user", "account_id": UNKNOWN_ID}, ValueError, "account_id must be None for a user token"),
        ({"kind": "account", "account_id": UNKNOWN_ID}, ValueError, "account_id must be one of account_ids"),
        ({"kind": "account", "policies": [5]}, TypeError, "policies"),
        (
            {"kind": "account", "policies": [p.allow("DNS Edit", on=p.zone(ZONE_ID))]},
            PermissionGroupError,
            "There is no permission group 'DNS Edit'",
        ),
        (
            {"kind": "account", "policies": [policy({"com.cloudflare.api.account.*": "*"}, WORKERS_READ)]},
            ValueError,
            "must be resources of the account for account owned tokens",
        ),
        ({"kind": "account", "expires_on": datetime(2027, 1, 1)}, ValueError, "expires_on"),  # noqa: DTZ001 -- naive on purpose
    ],
)
async def test_wrong_arguments(
    emulator: Emulator, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    """
    Wrong arguments raise an error, and no token is made.
    """
    with pytest.raises(error, match=message):
        emulator.issue(**arguments)

    async with emulator.client() as client:
        assert len(await client.accounts.tokens.list().collect()) == 1


def test_before_start() -> None:
    """
    No token can be issued before the emulator starts, in either world.
    """
    for emulator in (Emulator(), cftokens.sync.emulator.Emulator()):
        with pytest.raises(RuntimeError, match="The emulator has not been started"):
            emulator.issue("account")


def test_blocking() -> None:
    """
    The blocking emulator has several accounts, too, and issues tokens.
    """
    with cftokens.sync.emulator.Emulator(accounts=2) as emulator:
        second = emulator.account_ids[1]
        issued = emulator.issue("account", account_id=second)

        with emulator.client(account_id=second, api_token=issued.value) as client:
            tokens = list(client.accounts.tokens.list())

        assert len(emulator.api_tokens) == 2

    assert [token.id for token in tokens][-1] == issued.id
