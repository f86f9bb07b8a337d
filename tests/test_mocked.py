"""
Users can mock cftokens with aioresponses.
"""

import aiohttp
import pytest
from aioresponses import aioresponses

from cftokens import (
    Client,
    NoResponseError,
    NotFoundError,
    PermissionGroup,
    Token,
    TokenCreateResponse,
    TokenValue,
)
from tests.support import CALLS, failure_of
from tests.vocabulary import ACCOUNT, ADDRESSES, CREDENTIAL, MINTED, RESULTS, TOKEN_ID, ZONE_READ

BASE = "https://api.cloudflare.com/client/v4"
TOKENS = f"{BASE}/accounts/{ACCOUNT}/tokens"


def request_of(operation: str) -> tuple[str, str]:
    """
    Return the method and the URL that mock an operation.
    """
    method, path = ADDRESSES[operation]
    return method, f"{TOKENS}{path}{'?page=1&per_page=50' if operation == 'list' else ''}"


@pytest.mark.parametrize("operation", CALLS)
async def test_each_operation_can_be_mocked(operation: str) -> None:
    """
    A mocked answer to the documented request becomes a result.
    """
    method, url = request_of(operation)
    with aioresponses() as mocked:
        mocked.add(url, method=method, payload={"success": True, "result": RESULTS[operation]})
        async with Client(CREDENTIAL, account_id=ACCOUNT) as client:
            result = await CALLS[operation](client)

    assert result is not None
    assert len(mocked.requests) == 1


async def test_a_mocked_value_is_a_secret_too() -> None:
    """
    Create and roll return it as a TokenValue.
    """
    with aioresponses() as mocked:
        mocked.post(TOKENS, payload={"success": True, "result": RESULTS["create"]})
        mocked.put(f"{TOKENS}/{TOKEN_ID}/value", payload={"success": True, "result": MINTED})
        async with Client(CREDENTIAL, account_id=ACCOUNT) as client:
            created = await client.accounts.tokens.create(name="bot", policies=[])
            rolled = await client.accounts.tokens.value.update(TOKEN_ID)

    assert isinstance(created, TokenCreateResponse)
    assert created.value == rolled == TokenValue(MINTED)


async def test_a_mocked_status_raises_our_error() -> None:
    """
    A mocked 404 raises NotFoundError.
    """
    with aioresponses() as mocked:
        mocked.get(
            f"{TOKENS}/{TOKEN_ID}", status=404, payload={"success": False, "errors": [], "result": None}
        )
        async with Client(CREDENTIAL, account_id=ACCOUNT) as client:
            error = await failure_of(client.accounts.tokens.get(TOKEN_ID))

    assert isinstance(error, NotFoundError)


async def test_a_mocked_network_failure_raises_our_error() -> None:
    """
    An aiohttp exception from a mock becomes a NoResponseError.
    """
    with aioresponses() as mocked:
        mocked.get(f"{TOKENS}/{TOKEN_ID}", exception=aiohttp.ServerDisconnectedError())
        async with Client(CREDENTIAL, account_id=ACCOUNT, retry=None) as client:
            error = await failure_of(client.accounts.tokens.get(TOKEN_ID))

    assert isinstance(error, NoResponseError)


@pytest.mark.parametrize("operation", CALLS)
async def test_a_call_that_is_not_mocked_says_which(operation: str) -> None:
    """
    The error has the method, path and query that a mock would have needed, and nothing may have happened.
    """
    method, url = request_of(operation)
    with aioresponses():
        async with Client(CREDENTIAL, account_id=ACCOUNT, retry=None) as client:
            error = await failure_of(CALLS[operation](client))

    where, _, query = url.removeprefix(BASE).partition("?")
    target, _, sent = str(error).removesuffix(" got no answer: the connection was refused.").partition("?")
    assert target == f"{method} {where}"
    assert {*sent.split("&")} == {*query.split("&")}
    assert not error.outcome_unknown


async def test_mocked_lists_have_models() -> None:
    """
    The listings contain Token and PermissionGroup objects.
    """
    with aioresponses() as mocked:
        mocked.get(f"{TOKENS}?page=1&per_page=50", payload={"success": True, "result": RESULTS["list"]})
        mocked.get(
            f"{TOKENS}/permission_groups", payload={"success": True, "result": RESULTS["permission_groups"]}
        )
        async with Client(CREDENTIAL, account_id=ACCOUNT) as client:
            tokens = await client.accounts.tokens.list().collect()
            groups = [group async for group in client.accounts.tokens.permission_groups.list()]

    assert [type(token) for token in tokens] == [Token]
    assert [(type(group), group.id) for group in groups] == [(PermissionGroup, ZONE_READ)]
