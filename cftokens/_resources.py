"""
What a client offers, one class per resource and one method per endpoint.
"""

import builtins
from collections.abc import Iterable
from datetime import datetime
from typing import Literal, TypeVar

from cftokens import _calls as calls
from cftokens._arguments import (
    LARGEST_PAGE,
    SMALLEST_PAGE,
    ConditionArgument,
    PolicyArgument,
    check_choice,
    check_id,
    check_text,
    check_whole_number,
)
from cftokens._pagination import Batch, Paginator
from cftokens._recovery import could_be
from cftokens._secret import TokenValue
from cftokens._transport import Options, Transport
from cftokens._wire import Call
from cftokens.errors import AmbiguousOutcomeError, ClosedError
from cftokens.models import (
    CreateAttempt,
    PermissionGroup,
    Token,
    TokenCreateResponse,
    TokenDeleteResponse,
    TokenVerifyResponse,
)

T = TypeVar("T")


class Sender:
    """
    The way from a resource to the wire: a transport, and what one client sends with.
    """

    def __init__(self, transport: Transport, options: Options) -> None:
        self.transport = transport
        self.options = options
        self.closed = False

    async def send(self, call: Call[T]) -> T:
        """
        Carry out a call.

        Raises:
            CFTokensError: It failed, or may have failed.
        """
        if self.closed:
            raise ClosedError("This client is closed: make another one.")
        return await self.transport.send(call, self.options)

    def account(self, account_id: str | None) -> str:
        """
        Return a checked account id, by default the client's.

        Raises:
            ValueError: There is no account id, or it is none.
        """
        account_id = self.options.account_id if account_id is None else account_id
        if account_id is None:
            raise ValueError(
                "There is no account id: pass account_id here or to the client, or set CLOUDFLARE_ACCOUNT_ID."
            )
        return check_id(account_id, "account_id")


def _list_tokens(
    sender: Sender,
    account_id: str | None,
    *,
    direction: str | None = None,
    include_expired: bool | None = None,
    name: str | None = None,
    page: int | None = None,
    per_page: int | None = None,
) -> Paginator[Token]:
    size = (
        LARGEST_PAGE
        if per_page is None
        else check_whole_number(per_page, "per_page", SMALLEST_PAGE, LARGEST_PAGE)
    )
    first = 1 if page is None else check_whole_number(page, "page", 1)
    query = {"per_page": str(size)}
    if direction is not None:
        query["direction"] = check_choice(direction, "direction", ("asc", "desc"))
    if include_expired is not None:
        query["include_expired"] = "true" if include_expired else "false"
    if name is not None:
        query["name"] = check_text(name, "name")

    async def fetch(number: int) -> Batch[Token]:
        return await sender.send(calls.list_tokens(account_id, {**query, "page": str(number)}))

    return Paginator(fetch, first=first, per_page=size, keep=lambda token: name is None or token.name == name)


def _list_permission_groups(
    sender: Sender, account_id: str | None, *, name: str | None, scope: str | None
) -> Paginator[PermissionGroup]:
    given = {"name": name, "scope": scope}
    query = {key: check_text(value, key) for key, value in given.items() if value is not None}

    async def fetch(_: int) -> Batch[PermissionGroup]:
        return await sender.send(calls.list_permission_groups(account_id, query))

    def keep(group: PermissionGroup) -> bool:
        return (name is None or group.name == name) and (scope is None or scope in (group.scopes or ()))

    return Paginator(fetch, keep=keep)


async def _recover(sender: Sender, attempt: CreateAttempt) -> TokenCreateResponse | None:
    named = _list_tokens(sender, attempt.account_id, name=attempt.name)
    tokens = await named.collect()
    earliest = attempt.started_on.timestamp() + sender.transport.seconds_ahead()
    candidates = [token for token in tokens if could_be(token, attempt, earliest)]
    if not candidates:
        return None
    if len(candidates) > 1:
        raise AmbiguousOutcomeError(
            f"{len(candidates)} tokens named {attempt.name!r} could be the lost one; none was touched. "
            "Compare their ids with those that you know, and delete the one that nobody knows.",
            candidates=tuple(candidates),
        )
    return await sender.send(calls.recover_token(candidates[0], attempt))


class AccountPermissionGroups:
    """
    The catalogue of what an account-owned token can be allowed to do.
    """

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def list(
        self, *, account_id: str | None = None, name: str | None = None, scope: str | None = None
    ) -> Paginator[PermissionGroup]:
        """
        List the permission groups that the credential can see, which takes one request.

        https://developers.cloudflare.com/api/resources/accounts/subresources/tokens/subresources/permission_groups/methods/list/

        Args:
            account_id: The account, by default the client's.

            name: The exact name, as plain text.

            scope: The exact scope, such as ``com.cloudflare.api.account.zone``.

        Raises:
            ValueError: An argument is wrong.

            CFTokensError: The request failed; raised while iterating.
        """
        return _list_permission_groups(self._sender, self._sender.account(account_id), name=name, scope=scope)

    async def get(
        self, *, account_id: str | None = None, name: str | None = None, scope: str | None = None
    ) -> builtins.list[PermissionGroup]:
        """
        Fetch the permission groups that the credential can see. The same request as *list*.

        https://developers.cloudflare.com/api/resources/accounts/subresources/tokens/subresources/permission_groups/methods/get/

        Args:
            account_id: The account, by default the client's.

            name: The exact name, as plain text.

            scope: The exact scope, such as ``com.cloudflare.api.account.zone``.

        Raises:
            ValueError: An argument is wrong.

            CFTokensError: The request failed.
        """
        return await self.list(account_id=account_id, name=name, scope=scope).collect()


class AccountTokenValue:
    """
    The value of an account-owned token.
    """

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def update(self, token_id: str, *, account_id: str | None = None) -> TokenValue:
        """
        Roll a token: replace its value and return the new one.

        The old value stops working at once, and the new one is shown only here: store it before
        anything else can fail. The request is sent at most once, unless it surely was not carried out.

        https://developers.cloudflare.com/api/resources/accounts/subresources/tokens/subresources/value/methods/update/
        https://developers.cloudflare.com/fundamentals/api/how-to/roll-token/

        Args:
            token_id: Identifier of the token, not its value.

            account_id: The account, by default the client's.

        Raises:
            ValueError: An argument is wrong.

            NotFoundError: There is no such token.

            CFTokensError: The request failed. If ``outcome_unknown`` is true, the old value may be
                dead and nobody has the new one: roll again.
        """
        return await self._sender.send(calls.roll_token(self._sender.account(account_id), token_id))


class AccountTokens:
    """
    The tokens that an account owns.
    """

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self.permission_groups = AccountPermissionGroups(sender)
        self.value = AccountTokenValue(sender)

    def list(
        self,
        *,
        account_id: str | None = None,
        direction: Literal["asc", "desc"] | None = None,
        include_expired: bool | None = None,
        name: str | None = None,
        page: int | None = None,
        per_page: int | None = None,
    ) -> Paginator[Token]:
        """
        List tokens, without their values. Nothing is sent before the result is iterated.

        https://developers.cloudflare.com/api/resources/accounts/subresources/tokens/methods/list/

        Args:
            account_id: The account, by default the client's.

            direction: The order, by a key that Cloudflare does not tell.

            include_expired: List tokens that expired not long ago, too.

            name: The exact name, as plain text.

            page: The page to start at, 1 or more.

            per_page: Tokens per request, 5 to 50.

        Raises:
            ValueError: An argument is wrong.

            CFTokensError: A request failed; raised while iterating.
        """
        return _list_tokens(
            self._sender,
            self._sender.account(account_id),
            direction=direction,
            include_expired=include_expired,
            name=name,
            page=page,
            per_page=per_page,
        )

    async def get(self, token_id: str, *, account_id: str | None = None) -> Token:
        """
        Fetch a token, without its value.

        An expired or revoked token is found, too: look at its ``status``.

        https://developers.cloudflare.com/api/resources/accounts/subresources/tokens/methods/get/

        Args:
            token_id: Identifier of the token, not its value.

            account_id: The account, by default the client's.

        Raises:
            ValueError: An argument is wrong.

            NotFoundError: There is no such token.

            CFTokensError: The request failed.
        """
        return await self._sender.send(calls.get_token(self._sender.account(account_id), token_id))

    async def create(
        self,
        *,
        name: str,
        policies: Iterable[PolicyArgument],
        condition: ConditionArgument | None = None,
        expires_on: datetime | None = None,
        not_before: datetime | None = None,
        account_id: str | None = None,
    ) -> TokenCreateResponse:
        """
        Make a token. Its value is shown only here: store it before anything else can fail.

        The request is sent at most once, unless it surely was not carried out.

        https://developers.cloudflare.com/api/resources/accounts/subresources/tokens/methods/create/
        https://developers.cloudflare.com/fundamentals/api/how-to/create-via-api/

        Args:
            name: 1 to 120 characters. Names are not unique.

            policies: What the token may do: `TokenPolicy`, or the API's own JSON shape.

            condition: From where it may be used; None for everywhere.

            expires_on: When it stops working, with a time zone and cut to whole seconds; None for never.

            not_before: When it starts working, in the same way; None for at once.

            account_id: The account, by default the client's.

        Raises:
            ValueError: An argument is wrong.

            TypeError: An argument has the wrong type.

            CFTokensError: The request failed. If ``outcome_unknown`` is true, there may be a token
                that nobody has the value of.
        """
        return await self._sender.send(
            calls.create_token(
                self._sender.account(account_id),
                name=name,
                policies=policies,
                condition=condition,
                expires_on=expires_on,
                not_before=not_before,
            )
        )

    async def update(
        self,
        token_id: str,
        *,
        name: str,
        policies: Iterable[PolicyArgument],
        condition: ConditionArgument | None,
        expires_on: datetime | None,
        not_before: datetime | None,
        status: Literal["active", "disabled"] | None = None,
        account_id: str | None = None,
    ) -> Token:
        """
        Replace a token's settings. Its value stays as it is.

        This is a full replacement: whatever is not said is gone. Nothing but *status* can therefore
        be left out, and None means that the token shall be without it.

        https://developers.cloudflare.com/api/resources/accounts/subresources/tokens/methods/update/

        Args:
            token_id: Identifier of the token, not its value.

            name: 1 to 120 characters.

            policies: What the token may do: `TokenPolicy`, or the API's own JSON shape.

            condition: From where it may be used; None for everywhere.

            expires_on: When it stops working, with a time zone and cut to whole seconds; None for never.

            not_before: When it starts working, in the same way; None for at once.

            status: ``"active"`` or ``"disabled"``; None leaves it as it is.

            account_id: The account, by default the client's.

        Raises:
            ValueError: An argument is wrong.

            TypeError: An argument has the wrong type.

            NotFoundError: There is no such token.

            UnexpectedResponseError: The token still has what was to be gone.

            CFTokensError: The request failed.
        """
        return await self._sender.send(
            calls.update_token(
                self._sender.account(account_id),
                token_id,
                name=name,
                policies=policies,
                condition=condition,
                expires_on=expires_on,
                not_before=not_before,
                status=status,
            )
        )

    async def delete(self, token_id: str, *, account_id: str | None = None) -> TokenDeleteResponse:
        """
        Delete a token, which stops working at once.

        https://developers.cloudflare.com/api/resources/accounts/subresources/tokens/methods/delete/

        Args:
            token_id: Identifier of the token, not its value.

            account_id: The account, by default the client's.

        Raises:
            ValueError: An argument is wrong.

            NotFoundError: There is no such token.

            CFTokensError: The request failed.
        """
        return await self._sender.send(calls.delete_token(self._sender.account(account_id), token_id))

    async def recover(self, attempt: CreateAttempt) -> TokenCreateResponse | None:
        """
        Settle a create whose outcome is unknown.

        Looks for a token of exactly that name and access, issued since then by Cloudflare's clock and
        never used. If there is one, it is rolled, so that the value returned is the only valid one.

        Args:
            attempt: ``error.attempt``, or what `cftokens.errors.attempt_of()` finds.

        Returns:
            The token with its value; or None if there is none yet, which is not final: look again a
            little later.

        Raises:
            ValueError: The attempt was about a user's token.

            AmbiguousOutcomeError: There is more than one; none was touched.

            CFTokensError: A request failed.
        """
        if attempt.account_id is None:
            raise ValueError("This attempt was about a user's token: use client.user.tokens.")
        return await _recover(self._sender, attempt)

    async def verify(self, *, account_id: str | None = None) -> TokenVerifyResponse:
        """
        Ask whether the credential of this client works, and until when.

        To check another value, such as a new token's, use the client's `with_options()`.

        https://developers.cloudflare.com/api/resources/accounts/subresources/tokens/methods/verify/

        Args:
            account_id: The account, by default the client's.

        Raises:
            ValueError: An argument is wrong.

            AuthenticationError: It does not work, or it is a user token.

            CFTokensError: The request failed.
        """
        return await self._sender.send(calls.verify_token(self._sender.account(account_id)))


class UserPermissionGroups:
    """
    The catalogue of what a user token can be allowed to do.
    """

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def list(self, *, name: str | None = None, scope: str | None = None) -> Paginator[PermissionGroup]:
        """
        List the permission groups that the credential can see, which takes one request.

        https://developers.cloudflare.com/api/resources/user/subresources/tokens/subresources/permission_groups/methods/list/

        Args:
            name: The exact name, as plain text.

            scope: The exact scope, such as ``com.cloudflare.api.account.zone``.

        Raises:
            ValueError: An argument is wrong.

            CFTokensError: The request failed; raised while iterating.
        """
        return _list_permission_groups(self._sender, None, name=name, scope=scope)

    async def get(
        self, *, name: str | None = None, scope: str | None = None
    ) -> builtins.list[PermissionGroup]:
        """
        Fetch the permission groups that the credential can see. The same request as *list*.

        https://developers.cloudflare.com/api/resources/user/subresources/tokens/subresources/permission_groups/methods/get/

        Args:
            name: The exact name, as plain text.

            scope: The exact scope, such as ``com.cloudflare.api.account.zone``.

        Raises:
            ValueError: An argument is wrong.

            CFTokensError: The request failed.
        """
        return await self.list(name=name, scope=scope).collect()


class UserTokenValue:
    """
    The value of a user token.
    """

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def update(self, token_id: str) -> TokenValue:
        """
        Roll a token: replace its value and return the new one.

        The old value stops working at once, and the new one is shown only here: store it before
        anything else can fail. The request is sent at most once, unless it surely was not carried out.

        https://developers.cloudflare.com/api/resources/user/subresources/tokens/subresources/value/methods/update/
        https://developers.cloudflare.com/fundamentals/api/how-to/roll-token/

        Args:
            token_id: Identifier of the token, not its value.

        Raises:
            ValueError: An argument is wrong.

            NotFoundError: There is no such token.

            CFTokensError: The request failed. If ``outcome_unknown`` is true, the old value may be
                dead and nobody has the new one: roll again.
        """
        return await self._sender.send(calls.roll_token(None, token_id))


class UserTokens:
    """
    The tokens of the user who owns the credential.
    """

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self.permission_groups = UserPermissionGroups(sender)
        self.value = UserTokenValue(sender)

    def list(
        self,
        *,
        direction: Literal["asc", "desc"] | None = None,
        include_expired: bool | None = None,
        name: str | None = None,
        page: int | None = None,
        per_page: int | None = None,
    ) -> Paginator[Token]:
        """
        List tokens, without their values. Nothing is sent before the result is iterated.

        https://developers.cloudflare.com/api/resources/user/subresources/tokens/methods/list/

        Args:
            direction: The order, by a key that Cloudflare does not tell.

            include_expired: List tokens that expired not long ago, too.

            name: The exact name, as plain text.

            page: The page to start at, 1 or more.

            per_page: Tokens per request, 5 to 50.

        Raises:
            ValueError: An argument is wrong.

            CFTokensError: A request failed; raised while iterating.
        """
        return _list_tokens(
            self._sender,
            None,
            direction=direction,
            include_expired=include_expired,
            name=name,
            page=page,
            per_page=per_page,
        )

    async def get(self, token_id: str) -> Token:
        """
        Fetch a token, without its value.

        An expired or revoked token is found, too: look at its ``status``.

        https://developers.cloudflare.com/api/resources/user/subresources/tokens/methods/get/

        Args:
            token_id: Identifier of the token, not its value.

        Raises:
            ValueError: An argument is wrong.

            NotFoundError: There is no such token.

            CFTokensError: The request failed.
        """
        return await self._sender.send(calls.get_token(None, token_id))

    async def create(
        self,
        *,
        name: str,
        policies: Iterable[PolicyArgument],
        condition: ConditionArgument | None = None,
        expires_on: datetime | None = None,
        not_before: datetime | None = None,
    ) -> TokenCreateResponse:
        """
        Make a token. Its value is shown only here: store it before anything else can fail.

        The request is sent at most once, unless it surely was not carried out.

        https://developers.cloudflare.com/api/resources/user/subresources/tokens/methods/create/
        https://developers.cloudflare.com/fundamentals/api/how-to/create-via-api/

        Args:
            name: 1 to 120 characters. Names are not unique.

            policies: What the token may do: `TokenPolicy`, or the API's own JSON shape.

            condition: From where it may be used; None for everywhere.

            expires_on: When it stops working, with a time zone and cut to whole seconds; None for never.

            not_before: When it starts working, in the same way; None for at once.

        Raises:
            ValueError: An argument is wrong.

            TypeError: An argument has the wrong type.

            CFTokensError: The request failed. If ``outcome_unknown`` is true, there may be a token
                that nobody has the value of.
        """
        return await self._sender.send(
            calls.create_token(
                None,
                name=name,
                policies=policies,
                condition=condition,
                expires_on=expires_on,
                not_before=not_before,
            )
        )

    async def update(
        self,
        token_id: str,
        *,
        name: str,
        policies: Iterable[PolicyArgument],
        condition: ConditionArgument | None,
        expires_on: datetime | None,
        not_before: datetime | None,
        status: Literal["active", "disabled"] | None = None,
    ) -> Token:
        """
        Replace a token's settings. Its value stays as it is.

        This is a full replacement: whatever is not said is gone. Nothing but *status* can therefore
        be left out, and None means that the token shall be without it.

        https://developers.cloudflare.com/api/resources/user/subresources/tokens/methods/update/

        Args:
            token_id: Identifier of the token, not its value.

            name: 1 to 120 characters.

            policies: What the token may do: `TokenPolicy`, or the API's own JSON shape.

            condition: From where it may be used; None for everywhere.

            expires_on: When it stops working, with a time zone and cut to whole seconds; None for never.

            not_before: When it starts working, in the same way; None for at once.

            status: ``"active"`` or ``"disabled"``; None leaves it as it is.

        Raises:
            ValueError: An argument is wrong.

            TypeError: An argument has the wrong type.

            NotFoundError: There is no such token.

            UnexpectedResponseError: The token still has what was to be gone.

            CFTokensError: The request failed.
        """
        return await self._sender.send(
            calls.update_token(
                None,
                token_id,
                name=name,
                policies=policies,
                condition=condition,
                expires_on=expires_on,
                not_before=not_before,
                status=status,
            )
        )

    async def delete(self, token_id: str) -> TokenDeleteResponse:
        """
        Delete a token, which stops working at once.

        https://developers.cloudflare.com/api/resources/user/subresources/tokens/methods/delete/

        Args:
            token_id: Identifier of the token, not its value.

        Raises:
            ValueError: An argument is wrong.

            NotFoundError: There is no such token.

            CFTokensError: The request failed.
        """
        return await self._sender.send(calls.delete_token(None, token_id))

    async def recover(self, attempt: CreateAttempt) -> TokenCreateResponse | None:
        """
        Settle a create whose outcome is unknown.

        Looks for a token of exactly that name and access, issued since then by Cloudflare's clock and
        never used. If there is one, it is rolled, so that the value returned is the only valid one.

        Args:
            attempt: ``error.attempt``, or what `cftokens.errors.attempt_of()` finds.

        Returns:
            The token with its value; or None if there is none yet, which is not final: look again a
            little later.

        Raises:
            ValueError: The attempt was about an account's token.

            AmbiguousOutcomeError: There is more than one; none was touched.

            CFTokensError: A request failed.
        """
        if attempt.account_id is not None:
            raise ValueError("This attempt was about an account's token: use client.accounts.tokens.")
        return await _recover(self._sender, attempt)

    async def verify(self) -> TokenVerifyResponse:
        """
        Ask whether the credential of this client works, and until when.

        To check another value, such as a new token's, use the client's `with_options()`.

        https://developers.cloudflare.com/api/resources/user/subresources/tokens/methods/verify/

        Raises:
            AuthenticationError: It does not work, or it is an account-owned token.

            CFTokensError: The request failed.
        """
        return await self._sender.send(calls.verify_token(None))


class Accounts:
    """
    What belongs to accounts.
    """

    def __init__(self, sender: Sender) -> None:
        self.tokens = AccountTokens(sender)


class User:
    """
    What belongs to the user who owns the credential.
    """

    def __init__(self, sender: Sender) -> None:
        self.tokens = UserTokens(sender)
