"""
What a consumer's type checker sees. Mypy and pyright check this file, which is never run.
"""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import assert_type

import aiohttp

from cftokens import (
    UNSET,
    AccessDifference,
    AccountTokens,
    Client,
    Condition,
    ConditionRequestIP,
    CreateAttempt,
    Identity,
    Page,
    Paginator,
    PermissionGroup,
    R2Credentials,
    RateLimit,
    Retry,
    Token,
    TokenCreateResponse,
    TokenDeleteResponse,
    TokenPolicy,
    TokenValue,
    TokenVerifyResponse,
    UserTokens,
    ValueInfo,
    inspect_value,
    r2,
    sync,
)
from cftokens.audit import RULES, Context, Finding, Operation, Remedy, Waiver, audit
from cftokens.emulator import Emulator, Fault
from cftokens.errors import CFTokensError, RateLimitedError, attempt_of
from cftokens.policies import PolicyArgument, PolicyDraft, allow, describe, difference, same_access, zone
from cftokens.sync.emulator import Emulator as SyncEmulator

POLICY = TokenPolicy(effect="allow", permission_groups=[PermissionGroup(id="x")], resources={"y": "*"})
NESTED = {"effect": "allow", "permission_groups": [{"id": "x"}], "resources": {"a": {"b": "*"}}}
CONDITION = Condition(request_ip=ConditionRequestIP(in_=["192.0.2.0/24"], not_in=("192.0.2.1/32",)))


async def credential() -> TokenValue:
    return TokenValue("x")


def credentials() -> None:
    Client(lambda: "x", trust_env=True).with_options(api_token=credential)
    sync.Client(lambda: TokenValue("x"), trust_env=True).with_options(api_token=lambda: "x")
    Client(lambda: 5)  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType]


async def account_tokens(session: aiohttp.ClientSession) -> None:
    async with Client("x", account_id="y", retry=Retry(), rate_limit=None, session=session) as client:
        assert_type(client, Client)
        tokens = client.accounts.tokens
        assert_type(tokens.list(direction="asc", name="x"), Paginator[Token])
        assert_type([token async for token in tokens.list()], list[Token])
        assert_type([page async for page in tokens.list().pages()], list[Page[Token]])
        assert_type(await tokens.list(page=2).page(), Page[Token])
        assert_type(await tokens.list().collect(), list[Token])
        assert_type(await tokens.get("x"), Token)
        created = await tokens.create(name="x", policies=[POLICY, NESTED], condition=CONDITION)
        assert_type(created, TokenCreateResponse)
        assert_type(created.value, TokenValue)
        assert_type(tokens, AccountTokens)
        assert_type(client.user.tokens, UserTokens)
        assert_type(TokenPolicy.from_dict(NESTED), TokenPolicy)
        assert_type(TokenCreateResponse.from_dict(created.to_dict(reveal=True)), TokenCreateResponse)
        assert_type(created.policies, tuple[TokenPolicy, ...])
        assert_type(created.expires_on, datetime | None)
        updated = await tokens.update(
            "x",
            name="y",
            policies=created.policies,
            condition=None,
            expires_on=datetime.now(UTC),
            not_before=None,
        )
        assert_type(updated, Token)
        assert_type(await tokens.delete("x"), TokenDeleteResponse)
        assert_type(await tokens.verify(), TokenVerifyResponse)
        assert_type(tokens.permission_groups.list(scope="x"), Paginator[PermissionGroup])
        assert_type(await tokens.permission_groups.get(), list[PermissionGroup])
        assert_type(await tokens.value.update("x"), TokenValue)
        assert_type(client.with_options(timeout=1.0, account_id=None, retry=UNSET), Client)


async def user_tokens(client: Client, attempt: CreateAttempt) -> None:
    tokens = client.user.tokens
    assert_type(tokens.list(), Paginator[Token])
    assert_type(aiter(tokens.list()), AsyncIterator[Token])
    assert_type(await tokens.get("x"), Token)
    assert_type(await tokens.create(name="x", policies=[]), TokenCreateResponse)
    assert_type(
        await tokens.update("x", name="y", policies=[], condition=None, expires_on=None, not_before=None),
        Token,
    )
    assert_type(await tokens.delete("x"), TokenDeleteResponse)
    assert_type(await tokens.verify(), TokenVerifyResponse)
    assert_type(await tokens.permission_groups.list().collect(), list[PermissionGroup])
    assert_type(await tokens.permission_groups.get(), list[PermissionGroup])
    assert_type(await tokens.value.update("x"), TokenValue)
    assert_type(await tokens.recover(attempt), TokenCreateResponse | None)
    assert_type(same_access([POLICY], [NESTED]), bool)
    words: list[PolicyArgument] = [POLICY, NESTED, allow("DNS Write", on=zone("z"))]
    assert_type(describe(words, await tokens.permission_groups.get()), list[str])
    assert_type(difference(words, [POLICY]), AccessDifference)
    assert_type(difference(words, [POLICY]).added, tuple[TokenPolicy | PolicyDraft, ...])


def blocking_account_tokens(attempt: CreateAttempt) -> None:
    with sync.Client("x", account_id="y", rate_limit=RateLimit(requests=5)) as client:
        assert_type(client, sync.Client)
        tokens = client.accounts.tokens
        assert_type(tokens.list(include_expired=True), sync.Paginator[Token])
        assert_type(list(tokens.list()), list[Token])
        assert_type(iter(tokens.list()), Iterator[Token])
        assert_type(list(tokens.list().pages()), list[Page[Token]])
        assert_type(tokens.list(page=2).page(), Page[Token])
        assert_type(tokens.list().collect(), list[Token])
        assert_type(tokens.get("x"), Token)
        assert_type(tokens.create(name="x", policies=[POLICY]), TokenCreateResponse)
        assert_type(
            tokens.update(
                "x",
                name="y",
                policies=[NESTED],
                condition=None,
                expires_on=None,
                not_before=None,
                status="active",
            ),
            Token,
        )
        assert_type(tokens.delete("x"), TokenDeleteResponse)
        assert_type(tokens.verify(), TokenVerifyResponse)
        assert_type(tokens.permission_groups.list(), sync.Paginator[PermissionGroup])
        assert_type(tokens.permission_groups.get(name="x"), list[PermissionGroup])
        assert_type(tokens.value.update("x"), TokenValue)
        assert_type(tokens.recover(attempt), TokenCreateResponse | None)
        assert_type(client.with_options(api_token="z"), sync.Client)


def blocking_user_tokens(client: sync.Client) -> None:
    tokens = client.user.tokens
    assert_type(tokens.list(), sync.Paginator[Token])
    assert_type(tokens.get("x"), Token)
    assert_type(tokens.create(name="x", policies=[]), TokenCreateResponse)
    assert_type(
        tokens.update("x", name="y", policies=[], condition=None, expires_on=None, not_before=None), Token
    )
    assert_type(tokens.delete("x"), TokenDeleteResponse)
    assert_type(tokens.verify(), TokenVerifyResponse)
    assert_type(tokens.permission_groups.list().page(), Page[PermissionGroup])
    assert_type(tokens.permission_groups.get(), list[PermissionGroup])
    assert_type(tokens.value.update("x"), TokenValue)


async def emulators() -> None:
    async with Emulator() as emulator:
        assert_type(emulator.client(), Client)
        emulator.inject(Fault.status(502), operation="create", times=1)
    with SyncEmulator() as blocking:
        assert_type(blocking.client(), sync.Client)


def audited(tokens: list[Token]) -> None:
    def rule(token: Token, context: Context) -> Iterator[Finding]:
        yield Finding("mine", "low", token, f"{context.now}")

    (finding,) = rule(tokens[0], Context(datetime.now(UTC), (), (), 1))
    assert_type(finding.remedies, tuple[Remedy, ...])
    assert_type(finding.remedies[0].operation, Operation)
    assert_type(finding.message_with(lambda remedy: remedy.call), str)
    assert_type(audit(tokens, rules=[*RULES, rule], ignore={"x": "why", "y": Waiver("why")}), list[Finding])


def values(client: sync.Client) -> None:
    assert_type(inspect_value("x"), ValueInfo)
    assert_type(inspect_value("x").checksum, bool | None)
    assert_type(client.identify("x", account_ids=["y"]), Identity)
    assert_type(client.identify("x").token, Token | None)
    made = r2.credentials("x", "y", "z")
    assert_type(made, R2Credentials)
    assert_type(made.to_dict(reveal=True), dict[str, str])


def errors(error: CFTokensError) -> None:
    assert_type(error.outcome_unknown, bool)
    assert_type(error.attempt, CreateAttempt | None)
    assert_type(attempt_of(error), CreateAttempt | None)
    if isinstance(error, RateLimitedError):
        assert_type(error.retry_after, float | None)
