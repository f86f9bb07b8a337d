"""
Which kind of token works where, and what belongs to which account.
"""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from cftokens.emulator import Emulator

from .caller import (
    TOKENS_READ,
    TOKENS_WRITE,
    UNKNOWN_ID,
    USER_DETAILS_READ,
    WORKERS_READ,
    Caller,
    policy,
)

INVALID = (403, 9109, "Invalid access token")
NOT_VERIFIED = (401, 1000, "Invalid API Token")
NOT_PERMITTED = (403, 9109, "Unauthorized to access requested resource")
OTHER_ACCOUNT = (403, 10000, "Authentication error")


@pytest.fixture
async def pair() -> AsyncIterator[Emulator]:
    """
    Serve an emulator with two accounts.
    """
    async with Emulator(accounts=2) as emulator:
        yield emulator


def of_account(account_id: str, *groups: str) -> dict[str, Any]:
    """
    Return a policy for one account.
    """
    return policy({f"com.cloudflare.api.account.{account_id}": "*"}, *groups)


def tokens_of(account_id: str) -> str:
    """
    Return the path of an account's tokens.
    """
    return f"/accounts/{account_id}/tokens"


@pytest.mark.parametrize(("below", "refusal"), [("", INVALID), ("/verify", NOT_VERIFIED)])
async def test_account_token_on_user_paths(account: Caller, user: Caller, below: str, refusal: Any) -> None:
    """
    An account token is refused on the user's paths; verify has its own error.
    """
    answer = await user.send("GET", below, bearer=account.value)

    assert answer.refusal == refusal


async def test_verify_of_a_user_token_on_an_account_path(account: Caller, user: Caller) -> None:
    """
    A user token can only be verified on the user's path.
    """
    answers = [await caller.send("GET", "/verify", bearer=user.value) for caller in (account, user)]

    assert answers[0].refusal == NOT_VERIFIED
    assert answers[1].result["status"] == "active"


async def test_user_token_on_account_paths(account: Caller) -> None:
    """
    A user token with the account's group lists, creates, changes, rolls and deletes the account's tokens.
    """
    emulator = account.emulator
    policies = [of_account(emulator.account_id, TOKENS_WRITE["account"])]
    bearer = emulator.issue("user", policies=policies).value

    made = await account.send("POST", bearer=bearer, json=account.body())
    below = f"/{made.result['id']}"
    answers = [
        await account.send("GET", bearer=bearer),
        await account.send("GET", "/permission_groups", bearer=bearer),
        await account.send("GET", below, bearer=bearer),
        await account.send("PUT", below, bearer=bearer, json=account.body()),
        await account.send("PUT", f"{below}/value", bearer=bearer),
        await account.send("DELETE", below, bearer=bearer),
    ]

    assert [answer.status for answer in answers] == [200] * 6


async def test_what_a_user_token_makes_on_an_account_path(account: Caller, user: Caller) -> None:
    """
    A token that a user token makes on an account's path is an account token.
    """
    made = await account.send("POST", bearer=user.value, json=account.body())
    verified = await account.send("GET", "/verify", bearer=made.result["value"])
    sought = await user.send("GET", f"/{made.result['id']}")

    assert made.result["value"].startswith("cfat_")
    assert verified.result["id"] == made.result["id"]
    assert sought.refusal[0] == 404


async def test_user_token_that_only_reads_the_account(account: Caller) -> None:
    """
    A user token with the group for reading the account's tokens cannot create one.
    """
    emulator = account.emulator
    policies = [of_account(emulator.account_id, TOKENS_READ["account"])]
    bearer = emulator.issue("user", policies=policies).value

    listed = await account.send("GET", bearer=bearer)
    made = await account.send("POST", bearer=bearer, json=account.body())

    assert listed.status == 200
    assert made.refusal == NOT_PERMITTED


async def test_user_token_without_the_account(pair: Emulator, session: aiohttp.ClientSession) -> None:
    """
    A user token without the account's group is refused on the account's paths.
    """
    caller = Caller(pair, session)
    minter = pair.issue("user").value
    of_first = pair.issue("user", policies=[of_account(pair.account_id, TOKENS_WRITE["account"])]).value

    answers = [
        await caller.send("GET", path=tokens_of(pair.account_id), bearer=minter),
        await caller.send("GET", path=tokens_of(pair.account_ids[1]), bearer=of_first),
    ]

    assert [answer.refusal for answer in answers] == [NOT_PERMITTED] * 2


async def test_user_token_on_an_unknown_account(account: Caller, user: Caller) -> None:
    """
    A user token is refused on accounts that its user is no member of.
    """
    answer = await account.send("GET", path=tokens_of(UNKNOWN_ID), bearer=user.value)

    assert answer.refusal == OTHER_ACCOUNT


async def test_accounts_are_separate(pair: Emulator, session: aiohttp.ClientSession) -> None:
    """
    An account token sees its own account only, and each account has its own tokens.
    """
    caller = Caller(pair, session)
    first, second = pair.account_ids
    made = (await caller.send("POST", json=caller.body())).result

    own = await caller.send("GET", path=tokens_of(second), bearer=pair.api_tokens[1])
    foreign = await caller.send("GET", path=tokens_of(second), bearer=pair.api_tokens[0])
    sought = await caller.send("GET", path=f"{tokens_of(second)}/{made['id']}", bearer=pair.api_tokens[1])
    verified = await caller.send("GET", path=f"{tokens_of(second)}/verify", bearer=pair.api_tokens[0])

    assert first != second
    assert len(own.result) == 1
    assert foreign.refusal == OTHER_ACCOUNT
    assert sought.refusal == (404, 1003, "API token not found")
    assert verified.refusal == NOT_VERIFIED


async def test_user_token_sees_all_accounts(pair: Emulator, session: aiohttp.ClientSession) -> None:
    """
    The user's first token works in every account.
    """
    caller = Caller(pair, session)

    answers = [
        await caller.send("GET", path=tokens_of(account_id), bearer=pair.user_api_token)
        for account_id in pair.account_ids
    ]

    assert [len(answer.result) for answer in answers] == [1, 1]


async def test_no_grant_on_another_account(pair: Emulator, session: aiohttp.ClientSession) -> None:
    """
    An account's token cannot be given another account.
    """
    caller = Caller(pair, session)
    wanted = of_account(pair.account_ids[1], WORKERS_READ)

    answer = await caller.send("POST", json=caller.body(wanted))

    assert answer.refusal[:2] == (400, 1001)


async def test_client_of_an_account(pair: Emulator) -> None:
    """
    A client of the second account uses that account's first token.
    """
    async with pair.client(account_id=pair.account_ids[1]) as client:
        tokens = await client.accounts.tokens.list().collect()

    assert len(tokens) == 1


@pytest.mark.parametrize(("accounts", "error"), [(0, ValueError), (True, TypeError), ("2", TypeError)])
def test_number_of_accounts(accounts: Any, error: type[Exception]) -> None:
    """
    There is at least one account.
    """
    with pytest.raises(error, match="accounts must be"):
        Emulator(accounts=accounts)


async def test_user_details(user: Caller) -> None:
    """
    A user token that may read the user's details, or its tokens, learns the user's id.
    """
    emulator = user.emulator
    reader = emulator.issue("user", policies=[policy(user.home, USER_DETAILS_READ)])

    answers = [
        await user.send("GET", path="/user", bearer=value)
        for value in (user.value, reader.value, emulator.issue("user").value)
    ]

    assert [answer.result for answer in answers] == [
        {"id": emulator.user_id, "email": "user@example.com", "first_name": None, "last_name": None}
    ] * 3


async def test_user_details_not_permitted(account: Caller, user: Caller) -> None:
    """
    A user token without such a group is refused, and so is an account token.
    """
    worker = user.emulator.issue("user", policies=[policy(account.home, WORKERS_READ)])

    answers = [await user.send("GET", path="/user", bearer=value) for value in (worker.value, account.value)]

    assert [answer.refusal for answer in answers] == [NOT_PERMITTED, INVALID]


async def test_accounts(session: aiohttp.ClientSession) -> None:
    """
    A user token lists the accounts in pages.
    """
    async with Emulator(accounts=6) as emulator:
        caller = Caller(emulator, session, "user")
        answer = await caller.send("GET", path="/accounts", params={"per_page": "5", "page": "2"})

    assert answer.result == [{"id": emulator.account_ids[5], "name": "Account 6", "type": "standard"}]
    assert answer.content["result_info"] == {"page": 2, "per_page": 5, "count": 1, "total_count": 6}


async def test_accounts_by_name(session: aiohttp.ClientSession) -> None:
    """
    Accounts can be listed by name.
    """
    async with Emulator(accounts=2) as emulator:
        caller = Caller(emulator, session, "user")
        answer = await caller.send("GET", path="/accounts", params={"name": "Account 2"})

    assert [account["id"] for account in answer.result] == [emulator.account_ids[1]]


async def test_accounts_of_an_account_token(account: Caller) -> None:
    """
    An account token cannot list accounts.
    """
    answer = await account.send("GET", path="/accounts")

    assert answer.refusal == (400, 1001, "List accounts endpoint does not support account owned tokens.")
