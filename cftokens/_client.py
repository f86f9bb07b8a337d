"""
The client: its settings, its session, `accounts` and `user`.
"""

import os
import ssl as ssl_module
import warnings
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Final, NoReturn, Self, TypeVar

import aiohttp
import attrs
from yarl import URL

from cftokens._checks import check_id, check_seconds
from cftokens._dashboard import bootstrap_url
from cftokens._operations.catalogue import Catalogue
from cftokens._operations.changes import Ledger
from cftokens._operations.identity import Identity, identify
from cftokens._operations.owners import Owners
from cftokens._resources import Accounts
from cftokens._secret import Ask, HiddenAsk, TokenValue, hide, hide_credential, hide_proxy
from cftokens._settings import (
    UNSET,
    RateLimit,
    Retry,
    Timing,
    Unset,
    check_base_url,
    check_credential,
    choose_proxy,
)
from cftokens._transport.credential import CredentialSource
from cftokens._transport.sending import Sender, Settings, Transport
from cftokens._transport.session import check_borrowed
from cftokens._user_resources import User
from cftokens.models import CreateAttempt

T = TypeVar("T")

_BASE_URL: Final = "https://api.cloudflare.com/client/v4"


class Client:
    """
    Cloudflare's API tokens, for asyncio.

    Arguments you omit come from the environment: ``CLOUDFLARE_API_TOKEN``, ``CLOUDFLARE_ACCOUNT_ID`` and
    ``CLOUDFLARE_BASE_URL``. An argument always overrides the environment.

    A client belongs to the event loop of its first request. Use ``async with``, or call `close()`, to
    close its connections.

    What is retried, up to ``retry.attempts`` tries in all and ``retry.budget`` seconds of waiting:

    - every request that was not sent at all, or was answered with 429; but none after a
      `TooManyFailuresError`
    - list, get, verify, permission groups, update and delete, after no answer or a 5xx; a delete that
      then gets 404 has succeeded
    - create and roll only if the first request certainly had no effect; if it may have had one, the
      error has ``outcome_unknown``

    Args:
        api_token: The credential, or a function that returns it, which may be an ``async def``. It is called
            before each try, takes at most *timeout*, and is shared by requests that need it at the same
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

        session: A session to borrow. It is never closed, and its settings are unchanged. Exceptions
            from its hooks pass through, except an `OSError`, which is taken for a network error.

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
        session: aiohttp.ClientSession | None = None,
    ) -> None:
        # A traceback may show the locals of this frame.
        api_token, proxy = hide_credential(api_token), hide_proxy(proxy)
        address = check_base_url(_base_url_of_environment() if base_url is None else base_url)
        borrowed, trusted = _borrowed(session), _of_type(trust_env, bool, "trust_env")
        # aiohttp would take a proxy for a session with trust_env, too, but without our checks.
        trusted = trusted or (borrowed is not None and borrowed.trust_env)
        transport = Transport(borrowed, self._timing)
        credential = _credential(transport, api_token or _credential_of_environment())
        settings = Settings(
            credential=credential,
            base_url=address,
            timeout=check_seconds(timeout, "timeout"),
            retry=_retry(retry),
            pace=transport.pace(credential, _of_type(rate_limit, RateLimit, "rate_limit")),
            proxy=choose_proxy(proxy, address, trust_env=bool(trusted)),
            context=_of_type(ssl, ssl_module.SSLContext, "ssl"),
        )
        catalogue = Catalogue(self._timing.clock)
        self._open(Owners(Sender(transport, settings), catalogue, Ledger(), _account_id(account_id)))
        self._owns_transport = True

    _owns_transport = False

    _timing: ClassVar[Timing] = Timing()

    def _open(self, owners: Owners) -> None:
        self._owners = owners
        self.accounts = Accounts(owners)
        self.user = User(owners)

    @property
    def account_id(self) -> str | None:
        """
        The default account, or None.
        """
        return self._owners.account_id

    @property
    def base_url(self) -> str:
        """
        The URL that requests and the credential are sent to.
        """
        return self._owners.sender.settings.address

    @property
    def unsettled(self) -> tuple[CreateAttempt, ...]:
        """
        The creates of this client and its views whose outcome is unknown, and that no `recover()` settled.

        The oldest comes first, and there are at most 1000. Some are on no exception that reaches a caller:
        for example if an `asyncio.TaskGroup` cancels them because another task failed.
        """
        return self._owners.ledger.unsettled

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
        sender, catalogue, account = self._owners.sender, self._owners.catalogue, self._owners.account_id
        if not isinstance(api_token, Unset):
            api_token = hide_credential(api_token)
            credential = _credential(sender.transport, api_token)
            if credential != sender.settings.credential:  # each has its own pace and catalogue
                sender, catalogue = sender.with_credential(credential), Catalogue(self._timing.clock)
        settings = sender.settings
        if not isinstance(account_id, Unset):
            account = None if account_id is None else check_id(account_id, "account_id")
        if not isinstance(timeout, Unset):
            settings = attrs.evolve(settings, timeout=check_seconds(timeout, "timeout"))
        if not isinstance(retry, Unset):
            settings = attrs.evolve(settings, retry=_retry(retry))
        return self._view(Owners(sender.with_settings(settings), catalogue, self._owners.ledger, account))

    def _view(self, owners: Owners) -> Self:
        view = type(self).__new__(type(self))
        view._open(owners)  # noqa: SLF001 -- of the same class
        return view

    async def identify(self, value: str | TokenValue, *, account_ids: Iterable[str] = ()) -> Identity:
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
        return await identify(self._owners, value, account_ids)

    async def close(self) -> None:
        """
        Close the connections, unless the session is borrowed. May be called again.
        """
        self._owners.sender.closed = True
        if self._owns_transport:
            await self._owners.sender.transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    if not TYPE_CHECKING:  # type checkers should reject a plain "with"

        def __enter__(self) -> NoReturn:
            raise TypeError(
                "This client needs 'async with'. For a plain 'with', import Client from cftokens.sync."
            )

        def __exit__(self, *_: object) -> None:
            """
            Never called: `with` only looks it up before it calls `__enter__`.
            """

    def __del__(self, _warn: Any = warnings.warn) -> None:
        if self._owns_transport and self._owners.sender.transport.abandon():
            _warn(
                f"{self!r} was not closed; use 'async with', or call its close().",
                ResourceWarning,
                source=self,
            )

    def __repr__(self) -> str:
        if not hasattr(self, "_owners"):  # __init__ raised, and a traceback shows its locals
            return "<cftokens.Client that was not made>"
        return f"<cftokens.Client account_id={self.account_id} base_url={self.base_url:.100}>"


def _credential(transport: Transport, given: object) -> TokenValue | CredentialSource:
    return transport.source(given) if isinstance(given, HiddenAsk) else check_credential(given)


def _credential_of_environment() -> TokenValue:
    value = hide(os.environ.get("CLOUDFLARE_API_TOKEN") or None)
    if value is None:
        raise ValueError(
            "There is no credential: pass api_token, or set CLOUDFLARE_API_TOKEN. "
            f"Make one in the dashboard:\n{bootstrap_url()}"
        )
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
    check_borrowed(session)
    return session


def _of_type(value: T | None, kind: type[T], name: str) -> T | None:
    if value is not None and not isinstance(value, kind):
        raise TypeError(f"{name} must be a {kind.__name__}, not {type(value).__name__}.")
    return value
