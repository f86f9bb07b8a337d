"""
The emulator for blocking code, served from a background thread.

https://developers.cloudflare.com/api/resources/accounts/subresources/tokens/
"""

import time
from collections.abc import Callable, Iterable
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self

from cftokens._arguments import PlainCondition
from cftokens._client import Client as AsyncClient
from cftokens._settings import RateLimit
from cftokens.emulator import Emulator as AsyncEmulator
from cftokens.emulator import Fault, IssuedToken, RecordedRequest
from cftokens.emulator._routes import Operation
from cftokens.emulator._values import Kind
from cftokens.policies import PolicyArgument
from cftokens.sync._client import Client
from cftokens.sync._portal import Portal

__all__ = ["Emulator", "Fault", "IssuedToken", "RecordedRequest"]


class Emulator:
    """
    Cloudflare's token API on loopback, with accounts and a user, all in memory.

    It serves from a background thread while its ``with`` block runs, and only once. Each account and the
    user start with one token, which has every permission, as if made in the dashboard, and appears in lists
    like any other.

    Args:
        accounts: The number of accounts; the user is a member of all of them.

        clock: A function that returns the time in Unix seconds, for all that takes time here. It is
            called in the background thread.

        rate_limit: The limit to enforce for each token; None for no limit.

        burst_limit: The limit to enforce for each address; None for no limit. Cloudflare's is 200 requests
            in a second.

        propagation: Seconds until a change of a token is known everywhere. Until then, a new value is
            refused, works on and off, and verify accepts it first; an old one still works.

        lockout: The number of failures to authenticate, in five minutes, that lock an address out for five
            minutes; None for no lock-out.

        port: The port on 127.0.0.1; 0 for a free one.
    """

    def __init__(
        self,
        *,
        accounts: int = 1,
        clock: Callable[[], float] = time.time,
        rate_limit: RateLimit | None = None,
        burst_limit: RateLimit | None = None,
        propagation: float = 0,
        lockout: int | None = None,
        port: int = 0,
    ) -> None:
        self._wrapped = AsyncEmulator(
            accounts=accounts,
            clock=clock,
            rate_limit=rate_limit,
            burst_limit=burst_limit,
            propagation=propagation,
            lockout=lockout,
            port=port,
        )
        self._portal = Portal(self._stop)

    def __enter__(self) -> Self:
        self._portal.call(self._wrapped.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._portal.close()

    if not TYPE_CHECKING:  # so that type checkers reject "async with"

        async def __aenter__(self) -> NoReturn:
            raise TypeError(
                "Use this emulator with a plain 'with', or import Emulator from cftokens.emulator"
            )

        async def __aexit__(self, *_: object) -> None:
            """
            Never called: ``async with`` only checks that it exists.
            """

    def __repr__(self) -> str:
        return repr(self._wrapped)

    @property
    def base_url(self) -> str:
        """
        The URL of the API, like ``http://127.0.0.1:8787/client/v4``.
        """
        return self._wrapped.base_url

    @property
    def account_id(self) -> str:
        """
        The id of the first account.
        """
        return self._wrapped.account_id

    @property
    def account_ids(self) -> tuple[str, ...]:
        """
        The ids of the accounts.
        """
        return self._wrapped.account_ids

    @property
    def user_id(self) -> str:
        """
        The id of the user.
        """
        return self._wrapped.user_id

    @property
    def api_token(self) -> str:
        """
        The value that the first account's first token started with.
        """
        return self._wrapped.api_token

    @property
    def api_tokens(self) -> tuple[str, ...]:
        """
        The values that each account's first token started with, in the order of `account_ids`.
        """
        return self._wrapped.api_tokens

    @property
    def user_api_token(self) -> str:
        """
        The value that the user's first token started with.
        """
        return self._wrapped.user_api_token

    @property
    def requests(self) -> list[RecordedRequest]:
        """
        The last 10,000 requests received below the base URL, oldest first.

        Requests that the emulator does not answer, such as those of web pages, are not recorded.
        """
        return self._wrapped.requests

    def client(self, **options: Any) -> Client:
        """
        Return a blocking client that uses the first account's first token.

        Given an *account_id*, it uses the first token of that account. It keeps the pace that the emulator
        enforces: by default it waits only after a 429.

        Args:
            options: Settings of the client, which override the emulator's.
        """
        return Client(**self._wrapped.client_options(options))

    def async_client(self, **options: Any) -> AsyncClient:
        """
        Return a :class:`cftokens.Client`, for asyncio, with the settings of `client()`.

        Args:
            options: Settings of the client, which override the emulator's.
        """
        return self._wrapped.client(**options)

    def expose(self, token_id: str) -> None:
        """
        Revoke a token as Cloudflare does when it finds the value in public: ``revoked (exposed)``.

        Rolling the token brings it back.

        Raises:
            ValueError: No token has this id.
        """
        self._portal.call(self._expose(token_id))  # not while its thread looks through the tokens

    def issue(
        self,
        kind: Kind,
        *,
        policies: Iterable[PolicyArgument] | None = None,
        name: str = "Issued in the dashboard",
        condition: PlainCondition | None = None,
        expires_on: datetime | None = None,
        account_id: str | None = None,
    ) -> IssuedToken:
        """
        Create a token as a person does in the dashboard.

        Only such a token can manage tokens. It counts towards the quota.

        Args:
            kind: ``"account"`` or ``"user"``.

            policies: What the token may do, as for ``create()``; without any given, only manage the tokens
                of its account or user.

            name: The name of the token.

            condition: Where it may be used from; None for anywhere.

            expires_on: When it expires; None for never.

            account_id: The account of an account token; None for the first.

        Raises:
            ValueError: An argument is wrong, or the quota is reached.

            TypeError: An argument has the wrong type.

            PermissionGroupError: A permission group does not exist, or is ambiguous.
        """
        _ = self._wrapped.base_url  # raises a RuntimeError unless the emulator has been started
        return self._portal.call(
            self._issue(
                kind,
                policies=policies,
                name=name,
                condition=condition,
                expires_on=expires_on,
                account_id=account_id,
            )
        )

    def inject(self, fault: Fault, *, operation: Operation | None = None, times: int | None = 1) -> None:
        """
        Inject a fault. If several match a request, the one injected first applies.

        Args:
            fault: What goes wrong.

            operation: The operation it applies to; None for any request.

            times: The number of requests it applies to; None for no limit.

        Raises:
            ValueError: *fault* is not a Fault, *operation* is unknown, or *times* is not positive.
        """
        self._wrapped.inject(fault, operation=operation, times=times)

    def clear_faults(self) -> None:
        """
        Remove all injected faults.
        """
        self._wrapped.clear_faults()

    def reset(self) -> None:
        """
        Make the emulator as new: forget every token, fault, request, lock-out and count of requests.

        The base URL, the ids of the accounts and of the user, and their first tokens stay the same, and
        these work again with the values that they started with. A client that waits after a 429 still
        does: make a new one.
        """
        _ = self._wrapped.base_url  # raises a RuntimeError unless the emulator has been started
        self._portal.call(self._reset())

    async def _expose(self, token_id: str) -> None:
        self._wrapped.expose(token_id)

    async def _issue(self, kind: Kind, **arguments: Any) -> IssuedToken:
        return self._wrapped.issue(kind, **arguments)

    async def _reset(self) -> None:
        self._wrapped.reset()

    async def _stop(self) -> None:
        await self._wrapped.__aexit__(None, None, None)
