"""
The blocking client: the async one behind a portal.
"""

import ssl as ssl_module
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn, Self

from yarl import URL

from cftokens._client import Client as AsyncClient
from cftokens._operations.identity import Identity
from cftokens._secret import Ask, TokenValue, hide, hide_credential, hide_proxy
from cftokens._settings import UNSET, RateLimit, Retry, Unset
from cftokens.models import CreateAttempt
from cftokens.sync._callbacks import asked_in_thread
from cftokens.sync._portal import Portal
from cftokens.sync._resources import Accounts
from cftokens.sync._user_resources import User


class Client:
    """
    Cloudflare's API tokens, for blocking code: scripts, threads, notebooks.

    It runs the coroutines of `cftokens.Client` on its own event loop, in a background thread that starts
    with the first call. Any number of threads may use one client. Use ``with``, or call `close()`,
    to close its connections and end its thread.

    Arguments, environment, errors and retries are those of `cftokens.Client`.

    Args:
        api_token: The credential, or a plain function that returns it. It is called before each try, in a
            thread of its own, takes at most *timeout*, and is shared by requests that need it at the same
            time. If it fails, they do, with a `CredentialError`.

        account_id: The default account of ``accounts.tokens``.

        base_url: The URL of Cloudflare's API: https, or http on loopback. The credential is sent there.

        timeout: Seconds for one try.

        retry: How often and how long a request is tried; None for one try.

        rate_limit: How many requests are sent in how many seconds; None for any number, until a 429.

        proxy: The URL of an HTTP proxy; on loopback if *base_url* is http.

        trust_env: Without *proxy*, take it from ``HTTPS_PROXY``, or from ``HTTP_PROXY`` if *base_url* is
            http, unless ``NO_PROXY`` excludes the host. The rules are those of `urllib.request`, and the
            environment is read once, here. Nothing is ever read from a netrc file.

        ssl: An `ssl.SSLContext`, to trust other certificates than the system's.

    Raises:
        ValueError: An argument cannot be used, or there is no credential.

        TypeError: An argument has the wrong type.

    Attributes:
        accounts (Accounts): The resources of accounts: ``client.accounts.tokens``.

        user (User): The resources of the user who owns the credential: ``client.user.tokens``.
    """

    if not TYPE_CHECKING:  # what create_autospec() sees; _open() sets the instances
        accounts = Accounts
        user = User

    def __init__(
        self,
        api_token: str | TokenValue | Ask | None = None,
        *,
        account_id: str | None = None,
        base_url: str | URL | None = None,
        timeout: float = 30.0,
        retry: Retry | None = Retry(),
        rate_limit: RateLimit | None = RateLimit(),
        proxy: str | URL | None = None,
        trust_env: bool = False,
        ssl: ssl_module.SSLContext | None = None,
    ) -> None:
        # A traceback may show the locals of this frame.
        api_token, proxy = hide_credential(api_token), hide_proxy(proxy)
        self._wrapped = AsyncClient(
            asked_in_thread(api_token),
            account_id=account_id,
            base_url=base_url,
            timeout=timeout,
            retry=retry,
            rate_limit=rate_limit,
            proxy=proxy,
            trust_env=trust_env,
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
        The default account, or None.
        """
        return self._wrapped.account_id

    @property
    def base_url(self) -> str:
        """
        The URL that requests and the credential are sent to.
        """
        return self._wrapped.base_url

    @property
    def unsettled(self) -> tuple[CreateAttempt, ...]:
        """
        The creates of this client and its views whose outcome is unknown, and that no `recover()` settled.

        The oldest comes first, and there are at most 1000.
        """
        return self._wrapped.unsettled

    def with_options(
        self,
        *,
        api_token: str | TokenValue | Ask | Unset = UNSET,
        account_id: str | Unset | None = UNSET,
        timeout: float | Unset = UNSET,
        retry: Retry | Unset | None = UNSET,
    ) -> Self:
        """
        Return a view of this client on the same session, with some settings changed.

        A view may be used for one call or many. Only the original closes the session.

        Args:
            api_token: Another credential, for example a new token's value, to verify it; or a function that
                returns it.

            account_id: Another account, or None for no default.

            timeout: Seconds for one try.

            retry: How often and how long a request is tried; None for one try.

        Raises:
            ValueError: An argument cannot be used.

            TypeError: An argument has the wrong type.
        """
        if not isinstance(api_token, Unset):
            api_token = hide_credential(api_token)
            api_token = asked_in_thread(api_token)
        view = type(self).__new__(type(self))
        wrapped = self._wrapped.with_options(
            api_token=api_token, account_id=account_id, timeout=timeout, retry=retry
        )
        view._open(self._portal, wrapped)  # noqa: SLF001 -- of the same class
        return view

    def identify(self, value: str | TokenValue, *, account_ids: Iterable[str] = ()) -> Identity:
        """
        Find out whose token a value is, by sending it to the endpoints that could know it.

        A value shows at most its kind; an account-owned token does not name its account. Each endpoint gets
        one *verify*, which needs no permission and changes nothing: that of the user, and each account's.
        Then the token is read with the client's own credential. A global API key is sent nowhere.

        Many refused values lock this machine out for some minutes, so do not check long lists.

        Args:
            value: A value that was found somewhere.

            account_ids: Accounts that could own the token, besides the client's default.

        Raises:
            ValueError: *value* cannot be a token, or is an account's and there is no account to ask.

            PermissionDeniedError: The token is known, but cannot be used from this address.

            TooManyFailuresError: This machine is locked out.

            CFTokensError: A request failed.
        """
        value = hide(value)  # a traceback may show the locals of this frame
        return self._portal.call(self._wrapped.identify(value, account_ids=account_ids))

    def close(self) -> None:
        """
        Close the connections and end the background thread. May be called again.

        Raises:
            WrongLoopError: Called from the client's own loop.
        """
        if self._owns_portal:
            self._portal.close()
        else:
            self._wrapped._owners.sender.closed = True  # noqa: SLF001 -- what close() does for a view, without a loop

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    if not TYPE_CHECKING:  # type checkers should reject "async with"

        async def __aenter__(self) -> NoReturn:
            raise TypeError(
                "This client needs a plain 'with'. For 'async with', import Client from cftokens."
            )

        async def __aexit__(self, *_: object) -> None:
            """
            Never called: `async with` only looks it up before it calls `__aenter__`.
            """

    def __repr__(self) -> str:
        if not hasattr(self, "_portal"):  # __init__ raised, and a traceback shows its locals
            return "<cftokens.sync.Client that was not made>"
        return f"<cftokens.sync.Client account_id={self.account_id} base_url={self.base_url:.100}>"
