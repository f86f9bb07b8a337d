"""
What a client offers, one class per resource and one method per endpoint.
"""

import builtins
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from cftokens import _calls as calls
from cftokens import _workflows as flows
from cftokens._arguments import ConditionArgument, settings_to_json
from cftokens._options import UNSET, Unset
from cftokens._pagination import Paginator
from cftokens._recovery import check_attempt
from cftokens._secret import TokenValue
from cftokens._sender import Sender
from cftokens.models import (
    CreateAttempt,
    PermissionGroup,
    Token,
    TokenCreateResponse,
    TokenDeleteResponse,
    TokenVerifyResponse,
)
from cftokens.policies import PolicyArgument


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
        return flows.list_permission_groups(
            self._sender, self._sender.account(account_id), name=name, scope=scope
        )

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

    async def find(
        self, name: str, *, account_id: str | None = None, scope: str | None = None
    ) -> PermissionGroup:
        """
        Return the one permission group of a name.

        The catalogue is fetched with one request and remembered for five minutes.

        Args:
            name: The exact name, as the API has it: "Write", where the dashboard says "Edit".

            account_id: The account, by default the client's.

            scope: The exact scope, where a name exists for two, such as ``com.cloudflare.api.account.zone``.

        Raises:
            ValueError: An argument is wrong.

            PermissionGroupError: There is no such group, or more than one; see its ``candidates``.

            CFTokensError: The request failed.
        """
        return await flows.find_permission_group(self._sender, self._sender.account(account_id), name, scope)


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
        return flows.list_tokens(
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

            policies: What the token may do, in words (`cftokens.policies`), as `TokenPolicy`, or in the
                API's own JSON shape.

            condition: From where it may be used; None for everywhere.

            expires_on: When it stops working, with a time zone and cut to whole seconds; None for never.

            not_before: When it starts working, in the same way; None for at once.

            account_id: The account, by default the client's.

        Raises:
            ValueError: An argument is wrong.

            TypeError: An argument has the wrong type.

            PermissionGroupError: A name does not stand for one permission group.

            CFTokensError: The request failed. If ``outcome_unknown`` is true, there may be a token
                that nobody has the value of.
        """
        settings = settings_to_json(
            name=name, condition=condition, expires_on=expires_on, not_before=not_before
        )
        return await flows.create(self._sender, self._sender.account(account_id), policies, settings)

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

            policies: What the token may do, in words (`cftokens.policies`), as `TokenPolicy`, or in the
                API's own JSON shape.

            condition: From where it may be used; None for everywhere.

            expires_on: When it stops working, with a time zone and cut to whole seconds; None for never.

            not_before: When it starts working, in the same way; None for at once.

            status: ``"active"`` or ``"disabled"``; None leaves it as it is.

            account_id: The account, by default the client's.

        Raises:
            ValueError: An argument is wrong.

            TypeError: An argument has the wrong type.

            PermissionGroupError: A name does not stand for one permission group.

            NotFoundError: There is no such token.

            UnexpectedResponseError: The token still has what was to be gone.

            CFTokensError: The request failed.
        """
        settings = settings_to_json(
            name=name,
            condition=condition,
            expires_on=expires_on,
            not_before=not_before,
            status=UNSET if status is None else status,
        )
        return await flows.update(
            self._sender, self._sender.account(account_id), token_id, policies, settings
        )

    async def edit(
        self,
        token_id: str,
        *,
        name: str | Unset = UNSET,
        policies: Iterable[PolicyArgument] | Unset = UNSET,
        condition: ConditionArgument | Unset | None = UNSET,
        expires_on: datetime | Unset | None = UNSET,
        not_before: datetime | Unset | None = UNSET,
        status: Literal["active", "disabled"] | Unset = UNSET,
        account_id: str | None = None,
    ) -> Token:
        """
        Change some of a token's settings and keep the others.

        Reads the token, sends it back with the changes, and checks by the answer that what was to stay
        stayed and what was to go is gone. Members that this library does not know go back as they
        came. What somebody else changes between the two requests is lost.

        Args:
            token_id: Identifier of the token, not its value.

            name: 1 to 120 characters.

            policies: What the token may do, in words, as `TokenPolicy`, or in the API's own JSON shape.

            condition: From where it may be used; None for everywhere.

            expires_on: When it stops working, with a time zone and cut to whole seconds; None for never.

            not_before: When it starts working, in the same way; None for at once.

            status: ``"active"`` or ``"disabled"``.

            account_id: The account, by default the client's.

        Raises:
            ValueError: An argument is wrong.

            TypeError: An argument has the wrong type.

            PermissionGroupError: A name does not stand for one permission group.

            NotFoundError: There is no such token.

            UnexpectedResponseError: The token is not as it was to be.

            CFTokensError: A request failed.
        """
        settings = settings_to_json(
            name=name, condition=condition, expires_on=expires_on, not_before=not_before, status=status
        )
        return await flows.edit(self._sender, self._sender.account(account_id), token_id, policies, settings)

    async def clone(
        self,
        token_id: str,
        *,
        name: str,
        policies: Iterable[PolicyArgument] | Unset = UNSET,
        condition: ConditionArgument | Unset | None = UNSET,
        expires_on: datetime | Unset | None = UNSET,
        not_before: datetime | Unset | None = UNSET,
        account_id: str | None = None,
    ) -> TokenCreateResponse:
        """
        Make a new token with the same access as another, optionally changed.

        Its value is shown only here: store it before anything else can fail. Members that this library
        does not know are copied as they are. If the copy does not come out as it was sent, it is
        deleted again.

        Args:
            token_id: Identifier of the token to copy.

            name: The new token's name, 1 to 120 characters.

            policies: What the token may do, in words, as `TokenPolicy`, or in the API's own JSON shape.

            condition: From where it may be used; None for everywhere.

            expires_on: When it stops working, with a time zone and cut to whole seconds; None for never.

            not_before: When it starts working, in the same way; None for at once.

            account_id: The account, by default the client's.

        Raises:
            ValueError: An argument is wrong.

            TypeError: An argument has the wrong type.

            PermissionGroupError: A name does not stand for one permission group.

            NotFoundError: There is no such token.

            UnexpectedResponseError: The copy is not like the original.

            CFTokensError: A request failed. If ``outcome_unknown`` is true, there may be a token that
                nobody has the value of.
        """
        settings = settings_to_json(
            name=name, condition=condition, expires_on=expires_on, not_before=not_before
        )
        return await flows.clone(self._sender, self._sender.account(account_id), token_id, policies, settings)

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

        Looks for an active token of exactly that name, access, condition and dates, issued since then by
        Cloudflare's clock, never used, and not one whose value this client knows. If there is one, it is
        rolled, so that the value returned is the only valid one.

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
        if check_attempt(attempt).account_id is None:
            raise ValueError("This attempt was about a user's token: use client.user.tokens.")
        return await flows.recover(self._sender, attempt)

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
        return flows.list_permission_groups(self._sender, None, name=name, scope=scope)

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

    async def find(self, name: str, *, scope: str | None = None) -> PermissionGroup:
        """
        Return the one permission group of a name.

        The catalogue is fetched with one request and remembered for five minutes.

        Args:
            name: The exact name, as the API has it: "Write", where the dashboard says "Edit".

            scope: The exact scope, where a name exists for two, such as ``com.cloudflare.api.account.zone``.

        Raises:
            ValueError: An argument is wrong.

            PermissionGroupError: There is no such group, or more than one; see its ``candidates``.

            CFTokensError: The request failed.
        """
        return await flows.find_permission_group(self._sender, None, name, scope)


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
        return flows.list_tokens(
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

            policies: What the token may do, in words (`cftokens.policies`), as `TokenPolicy`, or in the
                API's own JSON shape.

            condition: From where it may be used; None for everywhere.

            expires_on: When it stops working, with a time zone and cut to whole seconds; None for never.

            not_before: When it starts working, in the same way; None for at once.

        Raises:
            ValueError: An argument is wrong.

            TypeError: An argument has the wrong type.

            PermissionGroupError: A name does not stand for one permission group.

            CFTokensError: The request failed. If ``outcome_unknown`` is true, there may be a token
                that nobody has the value of.
        """
        settings = settings_to_json(
            name=name, condition=condition, expires_on=expires_on, not_before=not_before
        )
        return await flows.create(self._sender, None, policies, settings)

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

            policies: What the token may do, in words (`cftokens.policies`), as `TokenPolicy`, or in the
                API's own JSON shape.

            condition: From where it may be used; None for everywhere.

            expires_on: When it stops working, with a time zone and cut to whole seconds; None for never.

            not_before: When it starts working, in the same way; None for at once.

            status: ``"active"`` or ``"disabled"``; None leaves it as it is.

        Raises:
            ValueError: An argument is wrong.

            TypeError: An argument has the wrong type.

            PermissionGroupError: A name does not stand for one permission group.

            NotFoundError: There is no such token.

            UnexpectedResponseError: The token still has what was to be gone.

            CFTokensError: The request failed.
        """
        settings = settings_to_json(
            name=name,
            condition=condition,
            expires_on=expires_on,
            not_before=not_before,
            status=UNSET if status is None else status,
        )
        return await flows.update(self._sender, None, token_id, policies, settings)

    async def edit(
        self,
        token_id: str,
        *,
        name: str | Unset = UNSET,
        policies: Iterable[PolicyArgument] | Unset = UNSET,
        condition: ConditionArgument | Unset | None = UNSET,
        expires_on: datetime | Unset | None = UNSET,
        not_before: datetime | Unset | None = UNSET,
        status: Literal["active", "disabled"] | Unset = UNSET,
    ) -> Token:
        """
        Change some of a token's settings and keep the others.

        Reads the token, sends it back with the changes, and checks by the answer that what was to stay
        stayed and what was to go is gone. Members that this library does not know go back as they
        came. What somebody else changes between the two requests is lost.

        Args:
            token_id: Identifier of the token, not its value.

            name: 1 to 120 characters.

            policies: What the token may do, in words, as `TokenPolicy`, or in the API's own JSON shape.

            condition: From where it may be used; None for everywhere.

            expires_on: When it stops working, with a time zone and cut to whole seconds; None for never.

            not_before: When it starts working, in the same way; None for at once.

            status: ``"active"`` or ``"disabled"``.

        Raises:
            ValueError: An argument is wrong.

            TypeError: An argument has the wrong type.

            PermissionGroupError: A name does not stand for one permission group.

            NotFoundError: There is no such token.

            UnexpectedResponseError: The token is not as it was to be.

            CFTokensError: A request failed.
        """
        settings = settings_to_json(
            name=name, condition=condition, expires_on=expires_on, not_before=not_before, status=status
        )
        return await flows.edit(self._sender, None, token_id, policies, settings)

    async def clone(
        self,
        token_id: str,
        *,
        name: str,
        policies: Iterable[PolicyArgument] | Unset = UNSET,
        condition: ConditionArgument | Unset | None = UNSET,
        expires_on: datetime | Unset | None = UNSET,
        not_before: datetime | Unset | None = UNSET,
    ) -> TokenCreateResponse:
        """
        Make a new token with the same access as another, optionally changed.

        Its value is shown only here: store it before anything else can fail. Members that this library
        does not know are copied as they are. If the copy does not come out as it was sent, it is
        deleted again.

        Args:
            token_id: Identifier of the token to copy.

            name: The new token's name, 1 to 120 characters.

            policies: What the token may do, in words, as `TokenPolicy`, or in the API's own JSON shape.

            condition: From where it may be used; None for everywhere.

            expires_on: When it stops working, with a time zone and cut to whole seconds; None for never.

            not_before: When it starts working, in the same way; None for at once.

        Raises:
            ValueError: An argument is wrong.

            TypeError: An argument has the wrong type.

            PermissionGroupError: A name does not stand for one permission group.

            NotFoundError: There is no such token.

            UnexpectedResponseError: The copy is not like the original.

            CFTokensError: A request failed. If ``outcome_unknown`` is true, there may be a token that
                nobody has the value of.
        """
        settings = settings_to_json(
            name=name, condition=condition, expires_on=expires_on, not_before=not_before
        )
        return await flows.clone(self._sender, None, token_id, policies, settings)

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

        Looks for an active token of exactly that name, access, condition and dates, issued since then by
        Cloudflare's clock, never used, and not one whose value this client knows. If there is one, it is
        rolled, so that the value returned is the only valid one.

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
        if check_attempt(attempt).account_id is not None:
            raise ValueError("This attempt was about an account's token: use client.accounts.tokens.")
        return await flows.recover(self._sender, attempt)

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
