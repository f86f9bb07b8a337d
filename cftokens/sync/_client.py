"""
The blocking client: the async one behind a portal.
"""

import ssl as ssl_module
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn, Self

from yarl import URL

from cftokens._client import Client as AsyncClient
from cftokens._options import UNSET, RateLimit, Retry, Unset
from cftokens._secret import TokenValue, hide, hide_proxy
from cftokens.sync._generated import Accounts, User
from cftokens.sync._portal import Portal


class Client:
    """
    Cloudflare's API tokens, for blocking code: scripts, threads, notebooks.

    It runs the coroutines of `cftokens.Client` on an event loop of its own, in a background thread
    that starts with the first call. Any number of threads may use one client. Use it with ``with``, or
    call `close()`, so that thread and connections are given back.

    Arguments, environment, errors and what is sent again are those of `cftokens.Client`.

    Args:
        api_token: The credential.

        account_id: The account whose tokens `accounts.tokens` is about, unless a call names another.

        base_url: Where Cloudflare's API is; https, or http on loopback. The credential goes there.

        timeout: Seconds for one attempt.

        retry: How often and how long a call is tried; None for one attempt.

        rate_limit: How many requests are sent in how many seconds; None for no limit of our own.

        proxy: The URL of an HTTP proxy.

        ssl: An `ssl.SSLContext` for another set of certificates than the system's.

    Attributes:
        accounts: What belongs to accounts: ``client.accounts.tokens``.

        user: What belongs to the user who owns the credential: ``client.user.tokens``.

    Raises:
        ValueError: An argument is not usable, or there is no credential.

        TypeError: An argument has the wrong type.
    """

    def __init__(
        self,
        api_token: str | TokenValue | None = None,
        *,
        account_id: str | None = None,
        base_url: str | URL | None = None,
        timeout: float = 30.0,
        retry: Retry | None = Retry(),
        rate_limit: RateLimit | None = RateLimit(),
        proxy: str | URL | None = None,
        ssl: ssl_module.SSLContext | None = None,
    ) -> None:
        api_token, proxy = hide(api_token), hide_proxy(proxy)  # a traceback may show the locals of this frame
        self._wrapped = AsyncClient(
            api_token,
            account_id=account_id,
            base_url=base_url,
            timeout=timeout,
            retry=retry,
            rate_limit=rate_limit,
            proxy=proxy,
            ssl=ssl,
        )
        self._open(Portal(self._wrapped.close), self._wrapped)
        self._owns_portal = True

    _owns_portal = False

    def _open(self, portal: Portal, wrapped: AsyncClient) -> None:
        self._portal = portal
        self._wrapped = wrapped
        self.accounts = Accounts(portal, wrapped.accounts)
        self.user = User(portal, wrapped.user)

    @property
    def account_id(self) -> str | None:
        """
        The account that calls are about unless they name another.
        """
        return self._wrapped.account_id

    @property
    def base_url(self) -> str:
        """
        Where requests, and the credential, go.
        """
        return self._wrapped.base_url

    def with_options(
        self,
        *,
        api_token: str | TokenValue | Unset = UNSET,
        account_id: str | Unset | None = UNSET,
        timeout: float | Unset = UNSET,
        retry: Retry | Unset | None = UNSET,
    ) -> Self:
        """
        Return a view of this client on the same session, with some options changed.

        It may serve one call or many. Only the original closes the session.

        Args:
            api_token: Another credential, for example a new token's value to verify.

            account_id: Another account, or None for no default.

            timeout: Seconds for one attempt.

            retry: How often and how long a call is tried; None for one attempt.

        Raises:
            ValueError: An argument is not usable.

            TypeError: An argument has the wrong type.
        """
        if not isinstance(api_token, Unset):
            api_token = hide(api_token)
        view = type(self).__new__(type(self))
        wrapped = self._wrapped.with_options(
            api_token=api_token, account_id=account_id, timeout=timeout, retry=retry
        )
        view._open(self._portal, wrapped)  # noqa: SLF001 -- of the same class
        return view

    def close(self) -> None:
        """
        Close the connections and end the background thread. May be called again.

        Raises:
            WrongLoopError: It was called from the client's own loop.
        """
        if self._owns_portal:
            self._portal.close()
        else:
            self._wrapped._sender.closed = True  # noqa: SLF001 -- what close() does for a view, without a loop

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    if not TYPE_CHECKING:  # a type checker shall see that there is no "async with"

        async def __aenter__(self) -> NoReturn:
            raise TypeError(
                "This client is used with a plain 'with'. For 'async with', import Client from cftokens."
            )

        async def __aexit__(self, *_: object) -> None:
            """
            Never reached: `async with` only looks whether it is there before it calls `__aenter__`.
            """

    def __repr__(self) -> str:
        if not hasattr(self, "_portal"):  # an argument was refused, and a traceback shows the locals
            return "<cftokens.sync.Client that was not made>"
        return f"<cftokens.sync.Client account_id={self.account_id} base_url={self.base_url}>"
