"""
Whose token a value is.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from cftokens import (
    Client,
    Identity,
    PermissionDeniedError,
    ServerError,
    TokenValue,
    TooManyFailuresError,
    sync,
)
from cftokens import policies as p
from cftokens.emulator import Emulator
from tests.servers import RawServer, drop, reply
from tests.support import assert_no_secret, client_of, failure_of
from tests.vocabulary import (
    ACCOUNT,
    CREDENTIAL,
    MARK,
    MINTED,
    RESULTS,
    TOKEN,
    TOKEN_ID,
    entry,
    failure,
    success,
)

OTHER_ACCOUNT = "0000000000000000000000000000e002"
USER_VALUE = MINTED.replace("cfat_", "cfut_")
OLD_VALUE = f"{MARK}{'o' * 31}"
UNKNOWN = reply(401, failure(entry(1000, "Invalid API Token")))
REFUSED = reply(403, failure(entry(9109, "Unauthorized to access requested resource")))
VERIFIED = reply(200, success({**RESULTS["verify"], "expires_on": "2030-01-01T00:00:00Z"}))
READ = reply(200, success(TOKEN))


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    """
    An emulator of two accounts and a user.
    """
    async with Emulator() as running:
        yield running


async def test_an_account_token_is_found_in_its_account(emulator: Emulator) -> None:
    """
    Its id, status, account and the token itself are known.
    """
    policies = [p.allow("Account Settings Read", on=p.account(emulator.account_id))]
    async with client_of(emulator) as client:
        made = await client.accounts.tokens.create(name="bot", policies=policies)
        found = await client.identify(made.value)

    assert (found.kind, found.id, found.status) == ("account", made.id, "active")
    assert (found.account_id, found.expires_on) == (emulator.account_id, None)
    assert found.token is not None
    assert found.token.name == "bot"


async def test_a_user_token_is_asked_about_once(emulator: Emulator) -> None:
    """
    The prefix tells the endpoint. An account's credential cannot read it, so it does not try.
    """
    async with client_of(emulator) as client:
        before = len(emulator.requests)
        found = await client.identify(emulator.user_api_token)

    assert (found.kind, found.account_id, found.token) == ("user", None, None)
    assert found.id is not None
    assert [request.operation for request in emulator.requests[before:]] == ["verify"]


async def test_a_user_reads_its_own_token(emulator: Emulator) -> None:
    """
    A client with a user's credential gets the token itself.
    """
    async with client_of(emulator, api_token=emulator.user_api_token) as client:
        found = await client.identify(emulator.user_api_token)

    assert found.token is not None
    assert found.token.id == found.id


async def paths_asked(
    server: RawServer, value: str, **arguments: Any
) -> tuple[Identity, list[tuple[str, str]]]:
    """
    Return an identity, and for each request its path and the last characters of its credential.
    """
    async with server, client_of(server.base_url) as client:
        found = await client.identify(value, **arguments)
    return found, [
        (each.path, each.headers["authorization"].removeprefix("Bearer ")) for each in server.requests
    ]


async def test_each_candidate_is_asked_once_until_one_knows_it() -> None:
    """
    A value without a prefix goes to the user endpoint, the client's account and the others, and the token
    is read with the client's own credential.
    """
    server = RawServer(UNKNOWN, UNKNOWN, VERIFIED, READ)
    ids = [ACCOUNT, OTHER_ACCOUNT, OTHER_ACCOUNT, "0000000000000000000000000000e003"]
    found, asked = await paths_asked(server, OLD_VALUE, account_ids=ids)

    assert asked == [
        ("/user/tokens/verify", OLD_VALUE),
        (f"/accounts/{ACCOUNT}/tokens/verify", OLD_VALUE),
        (f"/accounts/{OTHER_ACCOUNT}/tokens/verify", OLD_VALUE),
        (f"/accounts/{OTHER_ACCOUNT}/tokens/{TOKEN_ID}", CREDENTIAL),
    ]
    assert (found.kind, found.account_id, found.id) == ("account", OTHER_ACCOUNT, TOKEN_ID)
    assert found.expires_on == datetime(2030, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "refusal",
    [
        UNKNOWN,
        reply(403, failure(entry(9109, "Invalid access token"))),
        reply(400, failure(entry(6003, "Invalid request headers"))),
        reply(404, failure(entry(7003, "Could not route"))),
    ],
)
async def test_a_value_that_no_endpoint_knows_has_no_id(refusal: Any) -> None:
    """
    Its kind is that of its form.
    """
    found, asked = await paths_asked(RawServer(refusal), MINTED)

    assert found == Identity(kind="account")
    assert len(asked) == 1


async def test_a_token_that_cannot_be_read_is_known_all_the_same() -> None:
    """
    Without permission to read it, or with an id of another form, there is no token.
    """
    found, _ = await paths_asked(RawServer(VERIFIED, REFUSED), MINTED)
    strange, asked = await paths_asked(
        RawServer(reply(200, success({"id": "x", "status": "active"}))), MINTED
    )

    assert (found.id, found.token) == (TOKEN_ID, None)
    assert (strange.id, strange.token) == ("x", None)
    assert len(asked) == 1


async def test_a_global_key_is_sent_nowhere() -> None:
    """
    It is no token, so no endpoint could know it.
    """
    server = RawServer(UNKNOWN)
    found, asked = await paths_asked(server, MINTED.replace("cfat_", "cfk_"))

    assert found == Identity(kind="global_key")
    assert asked == []


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (reply(429, failure(entry(10502, "Too many authentication failures"))), TooManyFailuresError),
        (
            reply(403, failure(entry(9109, "Cannot use the access token from location: 192.0.2.1"))),
            PermissionDeniedError,
        ),
        (reply(503), ServerError),
    ],
)
async def test_what_says_nothing_about_the_value_is_raised(answer: Any, kind: type[Exception]) -> None:
    """
    A lock-out ends the search at once, a token that cannot be used from here is known, and a failure is
    no answer.
    """
    server = RawServer(answer)
    async with server, client_of(server.base_url, retry=None) as client:
        error = await failure_of(client.identify(OLD_VALUE, account_ids=[OTHER_ACCOUNT]))

    assert isinstance(error, kind)
    assert len(server.requests) == 1


async def test_a_lock_out_while_reading_is_raised() -> None:
    """
    It concerns every later request.
    """
    locked = reply(403, failure(entry(10502, "Too many authentication failures")))
    server = RawServer(VERIFIED, locked)
    async with server, client_of(server.base_url) as client:
        error = await failure_of(client.identify(MINTED))

    assert isinstance(error, TooManyFailuresError)


@pytest.mark.parametrize(
    ("value", "ids", "kind", "problem"),
    [
        (f" {MINTED}", [], ValueError, "value cannot be used: it has white space"),
        (5, [], TypeError, "value must be a str or a TokenValue, not int"),
        (MINTED, [], ValueError, "does not name its account: pass account_ids"),
        (MINTED, ["x"], ValueError, "account_ids must be 32"),
        (MINTED, ACCOUNT, TypeError, "account_ids must be a list of account ids, not str"),
    ],
)
async def test_arguments_are_checked(value: Any, ids: Any, kind: type[Exception], problem: str) -> None:
    """
    A mistake is an error before anything is sent, and shows no secret.
    """
    async with Client("cfat_another", base_url="http://127.0.0.1:1") as client:
        given = TokenValue(value) if isinstance(value, str) else value
        del value
        with pytest.raises(kind, match=problem) as caught:
            await client.identify(given, account_ids=ids)

    if isinstance(given, TokenValue):
        assert MARK not in str(caught.value)


async def test_frames_show_no_value() -> None:
    """
    A value that is passed as a string is hidden before anything can fail.
    """
    server = RawServer(drop)
    async with server, client_of(server.base_url, retry=None) as client:
        error = await failure_of(client.identify(MINTED))

    assert_no_secret(error)
    assert MARK not in repr(Identity(kind="account", id=TOKEN_ID))


async def test_the_blocking_client_identifies_too(emulator: Emulator) -> None:
    """
    It is the same method without await.
    """

    def ask() -> Identity:
        with sync.Client(
            emulator.api_token, account_id=emulator.account_id, base_url=emulator.base_url
        ) as client:
            return client.identify(emulator.api_token)

    found = await asyncio.to_thread(ask)

    assert (found.kind, found.account_id) == ("account", emulator.account_id)
    assert found.token is not None
