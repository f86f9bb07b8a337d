"""
What a client offers: one class per resource, one method per endpoint.

Written by hand. The classes for user tokens, and the blocking twins of both, are generated from these:
`nox -s sync`.
"""

import builtins
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from cftokens._arguments import PlainCondition
from cftokens._checks import check_duration, check_seconds, check_text
from cftokens._operations import editing, endpoints, lifecycle, listing, recovery
from cftokens._operations.activation import wait_until_active
from cftokens._operations.bodies import fields_from
from cftokens._operations.groups import find_group, search_groups
from cftokens._operations.lifecycle import Temporary
from cftokens._operations.owners import Owners, Resource
from cftokens._operations.pagination import Paginator
from cftokens._operations.rotation import Callback, plan_from, rotate
from cftokens._secret import TokenValue, hide
from cftokens._settings import UNSET, Unset
from cftokens.models import (
    CreateAttempt,
    Ensured,
    PermissionGroup,
    Rotation,
    Token,
    TokenCreateResponse,
    TokenDeleteResponse,
    TokenVerifyResponse,
)
from cftokens.policies import PolicyArgument


class AccountPermissionGroups(Resource):
    """
    The catalogue of permission groups: everything that a token can be allowed to do.
    """

    def __init__(self, owners: Owners) -> None:
        super().__init__(owners)

    def list(
        self, *, account_id: str | None = None, name: str | None = None, scope: str | None = None
    ) -> Paginator[PermissionGroup]:
        """
        List the permission groups that the credential can see. This takes one request.

        https://developers.cloudflare.com/api/resources/accounts/subresources/tokens/subresources/permission_groups/methods/list/

        Args:
            account_id: The account, by default the client's.

            name: The exact name, as plain text.

            scope: The exact scope, such as ``com.cloudflare.api.account.zone``.

        Raises:
            ValueError: An argument is wrong.

            CFTokensError: The request failed; raised while iterating.
        """
        return listing.list_permission_groups(self._owners.account(account_id), name=name, scope=scope)

    async def get(
        self, *, account_id: str | None = None, name: str | None = None, scope: str | None = None
    ) -> builtins.list[PermissionGroup]:
        """
        Fetch the permission groups that the credential can see. This is the same request as *list*.

        https://developers.cloudflare.com/api/resources/accounts/subresources/tokens/subresources/permission_groups/methods/get/

        Args:
            account_id: The account, by default the client's.

            name: The exact name, as plain text.

            scope: The exact scope, such as ``com.cloudflare.api.account.zone``.

        Raises:
            ValueError: An argument is wrong.

            CFTokensError: The request failed.
        """
        owner = self._owners.account(account_id)
        return await listing.list_permission_groups(owner, name=name, scope=scope).collect()

    async def find(
        self, name: str, *, account_id: str | None = None, scope: str | None = None
    ) -> PermissionGroup:
        """
        Return the one permission group with a name.

        The catalogue is fetched with one request and remembered for five minutes.

        Args:
            name: The exact name, as the API has it: "Write", where the dashboard says "Edit".

            account_id: The account, by default the client's.

            scope: The exact scope, if two groups have the name, such as ``com.cloudflare.api.account.zone``.

        Raises:
            ValueError: An argument is wrong.

            PermissionGroupError: There is no such group, or more than one; see its ``candidates``.

            CFTokensError: The request failed.
        """
        owner = self._owners.account(account_id)
        check_text(name, "name")
        if scope is not None:
            check_text(scope, "scope")
        return await owner.look_up(lambda groups: find_group(groups, name, scope))

    async def search(self, words: str, *, account_id: str | None = None) -> builtins.list[PermissionGroup]:
        """
        Return the permission groups whose names contain all of some words, sorted by name.

        The catalogue is fetched with one request and remembered for five minutes.

        Args:
            words: Words or parts of them, in any case and order, such as ``"dns"`` or ``"read zone"``.

            account_id: The account, by default the client's.

        Raises:
            ValueError: An argument is wrong.

            CFTokensError: The request failed.
        """
        owner = self._owners.account(account_id)
        wanted = check_text(check_text(words, "words").strip(), "words")
        return await owner.look_up(lambda groups: search_groups(groups, wanted))


class AccountTokenValue(Resource):
    """
    The value of a token.
    """

    def __init__(self, owners: Owners) -> None:
        super().__init__(owners)

    async def update(self, token_id: str, *, account_id: str | None = None) -> TokenValue:
        """
        Roll a token: replace its value and return the new one.

        The old value stops working at once, and the new one is shown only here: store it before
        anything else can fail. Retried only if the first request certainly had no effect.

        https://developers.cloudflare.com/api/resources/accounts/subresources/tokens/subresources/value/methods/update/
        https://developers.cloudflare.com/fundamentals/api/how-to/roll-token/

        Args:
            token_id: Identifier of the token, not its value.

            account_id: The account, by default the client's.

        Raises:
            ValueError: An argument is wrong.

            NotFoundError: There is no such token.

            CFTokensError: The request failed. If ``outcome_unknown`` is true, the old value may no
                longer work, and the new one is lost: roll again.
        """
        owner = self._owners.account(account_id)
        return await owner.roll(owner.path_of(token_id))


class AccountTokens(Resource):
    """
    The tokens of one owner: an account, or the user.

    Attributes:
        permission_groups (AccountPermissionGroups): What a token can be allowed to do.

        value (AccountTokenValue): The values of tokens.
    """

    if not TYPE_CHECKING:  # what create_autospec() sees; __init__ sets the instances
        permission_groups = AccountPermissionGroups
        value = AccountTokenValue

    def __init__(self, owners: Owners) -> None:
        super().__init__(owners)
        self.permission_groups = AccountPermissionGroups(owners)
        self.value = AccountTokenValue(owners)

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
        List tokens, without their values. Nothing is sent until the result is iterated.

        https://developers.cloudflare.com/api/resources/accounts/subresources/tokens/methods/list/

        Args:
            account_id: The account, by default the client's.

            direction: Sort order. Cloudflare does not document the sort key.

            include_expired: Also list recently expired tokens.

            name: The exact name, as plain text.

            page: The page to start at, 1 or more.

            per_page: Tokens per request, 5 to 50.

        Raises:
            ValueError: An argument is wrong.

            CFTokensError: A request failed; raised while iterating.
        """
        return listing.list_tokens(
            self._owners.account(account_id),
            direction=direction,
            include_expired=include_expired,
            name=name,
            page=page,
            per_page=per_page,
        )

    async def get(self, token_id: str, *, account_id: str | None = None) -> Token:
        """
        Fetch a token, without its value.

        Expired and revoked tokens are returned too: check the ``status``.

        https://developers.cloudflare.com/api/resources/accounts/subresources/tokens/methods/get/

        Args:
            token_id: Identifier of the token, not its value.

            account_id: The account, by default the client's.

        Raises:
            ValueError: An argument is wrong.

            NotFoundError: There is no such token.

            CFTokensError: The request failed.
        """
        owner = self._owners.account(account_id)
        return await owner.send(endpoints.get_token(owner.path_of(token_id)))

    async def create(
        self,
        *,
        name: str,
        policies: Iterable[PolicyArgument],
        condition: PlainCondition | None = None,
        expires_on: datetime | None = None,
        not_before: datetime | None = None,
        account_id: str | None = None,
    ) -> TokenCreateResponse:
        """
        Create a token. Its value is shown only here: store it before anything else can fail.

        Retried only if the first request certainly had no effect.

        https://developers.cloudflare.com/api/resources/accounts/subresources/tokens/methods/create/
        https://developers.cloudflare.com/fundamentals/api/how-to/create-via-api/

        Args:
            name: 1 to 120 characters. Names need not be unique.

            policies: What the token may do: in words (`cftokens.policies`), as `TokenPolicy`, or in the
                API's own JSON shape.

            condition: From where the token may be used; None for anywhere.

            expires_on: When it stops working, with a time zone, cut to whole seconds; None for never.

            not_before: When it starts working, in the same form; None for at once.

            account_id: The account, by default the client's.

        Raises:
            ValueError: An argument is wrong.

            TypeError: An argument has the wrong type.

            PermissionGroupError: A name does not match exactly one permission group.

            CFTokensError: The request failed. If ``outcome_unknown`` is true, there may be a token
                whose value is lost: see `recover()`.
        """
        fields = fields_from(name=name, condition=condition, expires_on=expires_on, not_before=not_before)
        return await editing.create(self._owners.account(account_id), policies, fields)

    async def update(
        self,
        token_id: str,
        *,
        name: str,
        policies: Iterable[PolicyArgument],
        condition: PlainCondition | None,
        expires_on: datetime | None,
        not_before: datetime | None,
        status: Literal["active", "disabled"] | None = None,
        account_id: str | None = None,
    ) -> Token:
        """
        Replace a token's fields. Its value is unchanged.

        This replaces all fields: anything you omit is removed. Therefore only *status* has a default,
        and None removes a field. To change some fields, use `edit()`.

        https://developers.cloudflare.com/api/resources/accounts/subresources/tokens/methods/update/

        Args:
            token_id: Identifier of the token, not its value.

            name: 1 to 120 characters.

            policies: What the token may do: in words (`cftokens.policies`), as `TokenPolicy`, or in the
                API's own JSON shape.

            condition: From where the token may be used; None for anywhere.

            expires_on: When it stops working, with a time zone, cut to whole seconds; None for never.

            not_before: When it starts working, in the same form; None for at once.

            status: ``"active"`` or ``"disabled"``; None leaves it unchanged.

            account_id: The account, by default the client's.

        Raises:
            ValueError: An argument is wrong.

            TypeError: An argument has the wrong type.

            PermissionGroupError: A name does not match exactly one permission group.

            NotFoundError: There is no such token.

            UnexpectedResponseError: A field that should have been removed is still set.

            CFTokensError: The request failed.
        """
        fields = fields_from(
            name=name,
            condition=condition,
            expires_on=expires_on,
            not_before=not_before,
            status=UNSET if status is None else status,
        )
        return await editing.update(self._owners.account(account_id), token_id, policies, fields)

    async def edit(
        self,
        token_id: str,
        *,
        name: str | Unset = UNSET,
        policies: Iterable[PolicyArgument] | Unset = UNSET,
        condition: PlainCondition | Unset | None = UNSET,
        expires_on: datetime | Unset | None = UNSET,
        not_before: datetime | Unset | None = UNSET,
        status: Literal["active", "disabled"] | Unset = UNSET,
        account_id: str | None = None,
    ) -> Token:
        """
        Change some of a token's fields, and leave the others unchanged.

        Reads the token, sends it back with the changes, and checks the answer: no other field may
        differ. Members that this library does not know are sent back unchanged. A change that another
        client makes between the two requests is lost.

        Args:
            token_id: Identifier of the token, not its value.

            name: 1 to 120 characters.

            policies: What the token may do: in words (`cftokens.policies`), as `TokenPolicy`, or in the
                API's own JSON shape.

            condition: From where the token may be used; None for anywhere.

            expires_on: When it stops working, with a time zone, cut to whole seconds; None for never.

            not_before: When it starts working, in the same form; None for at once.

            status: ``"active"`` or ``"disabled"``.

            account_id: The account, by default the client's.

        Raises:
            ValueError: An argument is wrong.

            TypeError: An argument has the wrong type.

            PermissionGroupError: A name does not match exactly one permission group.

            NotFoundError: There is no such token.

            UnexpectedResponseError: The token differs from what was sent.

            CFTokensError: A request failed.
        """
        fields = fields_from(
            name=name, condition=condition, expires_on=expires_on, not_before=not_before, status=status
        )
        return await editing.edit(self._owners.account(account_id), token_id, policies, fields)

    async def clone(
        self,
        token_id: str,
        *,
        name: str,
        policies: Iterable[PolicyArgument] | Unset = UNSET,
        condition: PlainCondition | Unset | None = UNSET,
        expires_on: datetime | Unset | None = UNSET,
        not_before: datetime | Unset | None = UNSET,
        account_id: str | None = None,
    ) -> TokenCreateResponse:
        """
        Create a token with the same access as another, optionally changed.

        Its value is shown only here: store it before anything else can fail. Members that this library
        does not know are copied unchanged. A copy that differs from what was sent is deleted.

        Args:
            token_id: Identifier of the token to copy.

            name: The new token's name, 1 to 120 characters.

            policies: What the token may do: in words (`cftokens.policies`), as `TokenPolicy`, or in the
                API's own JSON shape.

            condition: From where the token may be used; None for anywhere.

            expires_on: When it stops working, with a time zone, cut to whole seconds; None for never.

            not_before: When it starts working, in the same form; None for at once.

            account_id: The account, by default the client's.

        Raises:
            ValueError: An argument is wrong.

            TypeError: An argument has the wrong type.

            PermissionGroupError: A name does not match exactly one permission group.

            NotFoundError: There is no such token.

            UnexpectedResponseError: The copy differed from what was sent.

            CFTokensError: A request failed. If ``outcome_unknown`` is true, there may be a token whose
                value is lost: see `recover()`.
        """
        fields = fields_from(name=name, condition=condition, expires_on=expires_on, not_before=not_before)
        return await editing.clone(self._owners.account(account_id), token_id, policies, fields)

    async def delete(self, token_id: str, *, account_id: str | None = None) -> TokenDeleteResponse:
        """
        Delete a token for good. Cloudflare's products may accept its value for some seconds more.

        https://developers.cloudflare.com/api/resources/accounts/subresources/tokens/methods/delete/

        Args:
            token_id: Identifier of the token, not its value.

            account_id: The account, by default the client's.

        Raises:
            ValueError: An argument is wrong.

            NotFoundError: There is no such token.

            CFTokensError: The request failed.
        """
        owner = self._owners.account(account_id)
        return await owner.change(endpoints.delete_token(owner.path_of(token_id)))

    async def recover(self, attempt: CreateAttempt) -> TokenCreateResponse | None:
        """
        Settle a create whose outcome is unknown.

        Looks for an active, unused token with exactly that name, access, condition and dates, issued since
        the attempt by Cloudflare's clock, whose value this client has not received. If there is one, it
        is rolled, so that the returned value is the only valid one.

        Args:
            attempt: ``error.attempt``, or what `cftokens.errors.attempt_of()` returns.

        Returns:
            The token with its value, or None if there is none yet. None is not final; try again a
            little later.

        Raises:
            ValueError: The attempt was for the other kind of token.

            AmbiguousOutcomeError: There is more than one such token. None was changed.

            CFTokensError: A request failed.
        """
        return await recovery.recover(self._owners.account_of(attempt), attempt)

    async def ensure(
        self,
        *,
        name: str,
        policies: Iterable[PolicyArgument],
        condition: PlainCondition | None = None,
        expires_on: datetime | Unset | None = UNSET,
        not_before: datetime | Unset | None = UNSET,
        account_id: str | None = None,
    ) -> Ensured:
        """
        Create a token unless there is an active one of that name, and edit that one if it differs.

        For scripts that run again: a second run changes nothing and sends no write. A token that exists is
        returned without its value, which cannot be fetched.

        Args:
            name: 1 to 120 characters. The name is what identifies the token.

            policies: What the token may do: in words (`cftokens.policies`), as `TokenPolicy`, or in the
                API's own JSON shape. Their order does not matter.

            condition: From where the token may be used; None for anywhere.

            expires_on: When it stops working, with a time zone, cut to whole seconds; None for never. If
                it is omitted, an existing token keeps its own.

            not_before: When it starts working, in the same form; None for at once.

            account_id: The account, by default the client's.

        Raises:
            ValueError: An argument is wrong.

            TypeError: An argument has the wrong type.

            PermissionGroupError: A name does not match exactly one permission group.

            AmbiguousOutcomeError: More than one active token has the name, or another process made one at
                the same time; then this one was deleted.

            CFTokensError: A request failed. If ``outcome_unknown`` is true, there may be a token whose
                value is lost: see `recover()`.
        """
        fields = fields_from(name=name, condition=condition, expires_on=expires_on, not_before=not_before)
        return await lifecycle.ensure(self._owners.account(account_id), policies, fields)

    def temporary(
        self,
        *,
        policies: Iterable[PolicyArgument],
        lifetime: timedelta = timedelta(minutes=15),
        name: str = "temporary",
        condition: PlainCondition | None = None,
        wait: float | None = 60.0,
        delete_timeout: float = 10.0,
        account_id: str | None = None,
    ) -> Temporary:
        """
        Return a context manager that makes a token, and deletes it at the end of the block.

        The block gets a `TokenCreateResponse`. The token also expires after its lifetime, in case this
        process ends before the block does. If the answer to its create is lost, it is found or removed.

        Leaving the block deletes the token even if the task is cancelled or interrupted. If that fails,
        the log has a warning, and the block's own exception a note; nothing is raised.

        Args:
            policies: What the token may do: in words (`cftokens.policies`), as `TokenPolicy`, or in the
                API's own JSON shape.

            lifetime: How long the token works at most, by Cloudflare's clock; at least a second.

            name: 1 to 111 characters, to which a random ending is added.

            condition: From where the token may be used; None for anywhere.

            wait: The most seconds to wait until the token is active: see `wait_until_active()`. None does
                not wait.

            delete_timeout: The most seconds that deleting the token may take.

            account_id: The account, by default the client's.

        Raises:
            ValueError: An argument is wrong.

            TypeError: An argument has the wrong type.

            PermissionGroupError: A name does not match exactly one permission group; raised on entering.

            NotActiveError: The token did not become active, and was deleted; raised on entering.

            CFTokensError: A request failed; raised on entering. If ``outcome_unknown`` is true, there may
                be a token whose value is lost.
        """
        return lifecycle.temporary(
            self._owners.account(account_id),
            policies=policies,
            fields=fields_from(name=name, condition=condition),
            lifetime=lifetime,
            wait=wait,
            delete_timeout=delete_timeout,
        )

    async def rotate(
        self,
        token_id: str,
        *,
        store: Callback,
        lifetime: timedelta | None,
        overlap: timedelta = timedelta(hours=1),
        check: Callback | None = None,
        name: str | None = None,
        wait: float | None = 60.0,
        account_id: str | None = None,
    ) -> Rotation:
        """
        Replace a token by a successor with the same access, without a gap.

        Reads the token, makes its successor, waits until that is active, lets *check* try it and *store*
        keep it, and shortens the old token's life. Nothing has to be resumed: Cloudflare itself ends the
        old token. If a step before *store* fails, the successor is deleted.

        Args:
            token_id: Identifier of the token to replace.

            store: Gets the successor, a `TokenCreateResponse`, and keeps its value.

            lifetime: How long the successor works, by Cloudflare's clock; None if it never expires.

            overlap: How long the old token still works after that; it never works longer than before.

            check: Gets the successor before it is stored, and raises or returns False to refuse it.

            name: The successor's name, 1 to 120 characters. By default it is the old one's, with the date
                and a random ending, by which a successor is found if the answer to its create is lost.

            wait: The most seconds to wait until the successor is active: see `wait_until_active()`. None
                does not wait.

            account_id: The account, by default the client's.

        Raises:
            ValueError: An argument is wrong.

            TypeError: An argument has the wrong type.

            RotationError: A step failed. Its ``stage`` is the step, and its message says what there is now.
        """
        plan = plan_from(store=store, check=check, lifetime=lifetime, overlap=overlap, name=name, wait=wait)
        return await rotate(self._owners.account(account_id), token_id, plan)

    async def retire(
        self, token_id: str, *, after: timedelta = timedelta(0), account_id: str | None = None
    ) -> Token:
        """
        End a token in a way that can be taken back, unlike `delete()`. May be called again.

        Without *after*, its status becomes ``disabled`` at once. With it, the token expires after that time,
        but never later than it would have.

        Args:
            token_id: Identifier of the token, not its value.

            after: How long the token still works, by Cloudflare's clock.

            account_id: The account, by default the client's.

        Raises:
            ValueError: An argument is wrong.

            TypeError: An argument has the wrong type.

            NotFoundError: There is no such token.

            CFTokensError: A request failed.
        """
        after = check_duration(after, "after", timedelta(0))
        return await lifecycle.retire(self._owners.account(account_id), token_id, after)

    async def wait_until_active(
        self, value: str | TokenValue, *, timeout: float = 60.0, account_id: str | None = None
    ) -> TokenVerifyResponse:
        """
        Wait until a new value works: until *verify*, asked with it, says twice in a row that it is active.

        Makes at most eight requests, with growing pauses, because refusals count towards a lock-out. Stops
        at once if waiting cannot help: for a token that is expired, disabled, revoked or not valid yet, an
        address that is refused, a rate limit, or a lock-out.

        It cannot promise more than *verify* knows: a product may accept a new token later than that.

        https://developers.cloudflare.com/api/resources/accounts/subresources/tokens/methods/verify/

        Args:
            value: The token's value.

            timeout: The most seconds to wait.

            account_id: The account, by default the client's.

        Raises:
            ValueError: An argument is wrong, or the value is that of the other kind of token.

            TypeError: An argument has the wrong type.

            NotActiveError: The token did not become active in time, or never will.
        """
        value = hide(value)
        owner = self._owners.account(account_id)
        return await wait_until_active(owner, value, check_seconds(timeout, "timeout"))

    async def verify(self, *, account_id: str | None = None) -> TokenVerifyResponse:
        """
        Check whether the client's credential works, and until when.

        To check another value, such as a new token's, use the client's `with_options()`.

        https://developers.cloudflare.com/api/resources/accounts/subresources/tokens/methods/verify/

        Args:
            account_id: The account, by default the client's.

        Raises:
            ValueError: An argument is wrong.

            AuthenticationError: The credential does not work, or is of the other kind.

            CFTokensError: The request failed.
        """
        owner = self._owners.account(account_id)
        return await owner.send(endpoints.verify_token(owner.tokens_path))


class Accounts(Resource):
    """
    The resources of one kind of owner.

    Attributes:
        tokens (AccountTokens): The tokens of the owner.
    """

    if not TYPE_CHECKING:  # what create_autospec() sees; __init__ sets the instances
        tokens = AccountTokens

    def __init__(self, owners: Owners) -> None:
        super().__init__(owners)
        self.tokens = AccountTokens(owners)
