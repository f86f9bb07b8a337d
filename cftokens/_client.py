"""
The client: what it sends with, and the doors `accounts` and `user`.
"""

import os
import ssl as ssl_module
import warnings
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, NoReturn, Self, TypeVar

import aiohttp
import attrs
from yarl import URL

from cftokens._arguments import (
    check_base_url,
    check_credential,
    check_id,
    check_proxy,
    check_seconds,
)
from cftokens._catalogue import Catalogue
from cftokens._options import UNSET, RateLimit, Retry, Unset
from cftokens._resources import Accounts, User
from cftokens._secret import TokenValue, hide, hide_proxy
from cftokens._sender import Sender
from cftokens._transport import Options, Transport

T = TypeVar("T")

_BASE_URL: Final = "https://api.cloudflare.com/client/v4"


class Client:
    """
    Cloudflare's API tokens, for asyncio.

    What is not given comes from the environment: ``CLOUDFLARE_API_TOKEN``, ``CLOUDFLARE_ACCOUNT_ID``
    and ``CLOUDFLARE_BASE_URL``. An argument always beats the environment.

    A client belongs to the event loop of its first request. Use it with ``async with``, or call
    `close()`, so that its connections are closed.

    What is sent again, up to ``retry.attempts`` times in all and within ``retry.budget`` seconds:

    - everything, if it was not sent at all, or was answered with 429
    - list, get, verify, permission groups, update and delete, if no answer came, or a 5xx; a delete
      that then finds nothing has succeeded
    - create and roll never, if they may have been carried out: the error has ``outcome_unknown``

    Args:
        api_token: The credential.

        account_id: The account whose tokens `accounts.tokens` is about, unless a call names another.

        base_url: Where Cloudflare's API is; https, or http on loopback. The credential goes there.

        timeout: Seconds for one attempt.

        retry: How often and how long a call is tried; None for one attempt.

        rate_limit: How many requests are sent in how many seconds; None for no limit of our own.

        proxy: The URL of an HTTP proxy.

        ssl: An `ssl.SSLContext` for another set of certificates than the system's.

        session: A session to borrow. It is never closed, and its settings stay as they are. What its
            hooks raise passes through, but for an `OSError`, which cannot be told from the network's.

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
        session: aiohttp.ClientSession | None = None,
    ) -> None:
        api_token, proxy = hide(api_token), hide_proxy(proxy)  # a traceback may show the locals of this frame
        credential = check_credential(api_token or _credential_of_environment())
        proxy_url, proxy_headers = check_proxy(proxy)
        transport = Transport(_borrowed(session))
        options = Options(
            credential=credential,
            account_id=_account_id(account_id),
            base_url=check_base_url(_base_url_of_environment() if base_url is None else base_url),
            timeout=check_seconds(timeout, "timeout"),
            retry=_retry(retry),
            pace=transport.pace(credential, _of_type(rate_limit, RateLimit, "rate_limit")),
            proxy=proxy_url,
            proxy_headers=proxy_headers,
            catalogue=Catalogue(),
            context=_of_type(ssl, ssl_module.SSLContext, "ssl"),
        )
        self._open(transport, options)
        self._owns_transport = True

    _owns_transport = False

    def _open(self, transport: Transport, options: Options) -> None:
        self._sender = Sender(transport, options)
        self.accounts = Accounts(self._sender)
        self.user = User(self._sender)

    @property
    def account_id(self) -> str | None:
        """
        The account that calls are about unless they name another.
        """
        return self._sender.options.account_id

    @property
    def base_url(self) -> str:
        """
        Where requests, and the credential, go.
        """
        return str(self._sender.options.base_url)

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
        options = self._sender.options
        if not isinstance(api_token, Unset):
            api_token = hide(api_token)
            options = self._with_credential(check_credential(api_token))
        if not isinstance(account_id, Unset):
            account_id = None if account_id is None else check_id(account_id, "account_id")
            options = attrs.evolve(options, account_id=account_id)
        if not isinstance(timeout, Unset):
            options = attrs.evolve(options, timeout=check_seconds(timeout, "timeout"))
        if not isinstance(retry, Unset):
            options = attrs.evolve(options, retry=_retry(retry))
        view = type(self).__new__(type(self))
        view._open(self._sender.transport, options)  # noqa: SLF001 -- of the same class
        view._sender.closed = self._sender.closed  # noqa: SLF001 -- as above
        return view

    def _with_credential(self, credential: TokenValue) -> Options:
        """
        Another credential has a pace and a catalogue of its own; the same one keeps both.
        """
        options = self._sender.options
        if credential == options.credential:
            return options
        pace = options.pace and self._sender.transport.pace(credential, options.pace.limit)
        return attrs.evolve(options, credential=credential, pace=pace, catalogue=Catalogue())

    async def close(self) -> None:
        """
        Close the connections, if the session is our own. May be called again.
        """
        self._sender.closed = True
        if self._owns_transport:
            await self._sender.transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    if not TYPE_CHECKING:  # a type checker shall see that there is no plain "with"

        def __enter__(self) -> NoReturn:
            raise TypeError(
                "This client is used with 'async with'. For a plain 'with', import Client from cftokens.sync."
            )

        def __exit__(self, *_: object) -> None:
            """
            Never reached: `with` only looks whether it is there before it calls `__enter__`.
            """

    def __del__(self, _warn: Any = warnings.warn) -> None:
        if self._owns_transport and self._sender.transport.is_open:
            _warn(
                f"{self!r} was not closed: use 'async with', or call its close().",
                ResourceWarning,
                source=self,
            )

    def __repr__(self) -> str:
        if not hasattr(self, "_sender"):  # an argument was refused, and a traceback shows the locals
            return "<cftokens.Client that was not made>"
        return f"<cftokens.Client account_id={self.account_id} base_url={self.base_url}>"


def _credential_of_environment() -> TokenValue:
    value = hide(os.environ.get("CLOUDFLARE_API_TOKEN") or None)
    if value is None:
        raise ValueError("There is no credential: pass api_token, or set CLOUDFLARE_API_TOKEN.")
    return value


def _base_url_of_environment() -> str:
    return os.environ.get("CLOUDFLARE_BASE_URL") or _BASE_URL


def _account_id(given: str | None) -> str | None:
    if given is not None:
        return check_id(given, "account_id")
    found = os.environ.get("CLOUDFLARE_ACCOUNT_ID") or None
    return found and check_id(found, "CLOUDFLARE_ACCOUNT_ID")


def _retry(retry: Retry | None) -> Retry:
    return _of_type(retry, Retry, "retry") or Retry(attempts=1)


def _borrowed(session: aiohttp.ClientSession | None) -> aiohttp.ClientSession | None:
    if _of_type(session, aiohttp.ClientSession, "session") is None or session is None:
        return None
    others = [name for name in session.headers if name.lower().startswith("x-auth-")]
    if session.auth is not None or others:
        raise ValueError(
            f"session would send another credential along ({', '.join(others) or 'its auth'}): lend another."
        )
    return session


def _of_type(value: T | None, kind: type[T], name: str) -> T | None:
    if value is not None and not isinstance(value, kind):
        raise TypeError(f"{name} is a {kind.__name__}, not {type(value).__name__}.")
    return value
