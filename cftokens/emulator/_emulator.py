"""
The public class `Emulator`.
"""

import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, NoReturn, Self

from aiohttp import web

from cftokens._client import Client
from cftokens._settings import RateLimit
from cftokens.emulator._control import Control
from cftokens.emulator._guard import LARGEST_BODY, guard
from cftokens.emulator._injection import Injection
from cftokens.emulator._lockout import Lockout
from cftokens.emulator._operations import Operations
from cftokens.emulator._propagation import SpreadingTokens
from cftokens.emulator._rate import Limits
from cftokens.emulator._routes import BASE, Operation
from cftokens.emulator._server import RecordedRequest, Server
from cftokens.emulator.faults import Fault

_HOST: Final = "127.0.0.1"
_PATIENCE: Final = 0.05  # seconds that closing waits for running requests


class Emulator:
    """
    Cloudflare's token API on loopback, with one account and one user, all in memory.

    It serves while its ``async with`` block runs, and only once. The account and the user start with one
    token each, which has every permission and appears in lists like any other.
    https://developers.cloudflare.com/api/resources/accounts/subresources/tokens/

    Args:
        clock: A function that returns the time in Unix seconds, for all that takes time here.
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
        clock: Callable[[], float] = time.time,
        rate_limit: RateLimit | None = None,
        burst_limit: RateLimit | None = None,
        propagation: float = 0,
        lockout: int | None = None,
        port: int = 0,
    ) -> None:
        self._rate_limit = rate_limit
        self._port = port
        self._injection = Injection()
        tokens, lockouts = SpreadingTokens(propagation, clock), Lockout(lockout, clock)
        self._operations = Operations(clock, tokens, lockouts)
        limits = Limits(rate_limit, burst_limit, clock)
        self._server = Server(self._operations, limits, self._injection)
        self._runner: web.AppRunner | None = None
        self._base_url = self._api_token = self._user_api_token = ""

    def __repr__(self) -> str:
        return f"<Emulator at {self._base_url}>" if self._base_url else "<Emulator, not started>"

    async def __aenter__(self) -> Self:
        if self._runner is not None:
            raise RuntimeError("This emulator has already been started; create a new one")
        self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=_PATIENCE)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, _HOST, self._port).start()
        except OSError:
            await self._runner.cleanup()
            raise
        self._base_url = f"http://{_HOST}:{self._runner.addresses[0][1]}{BASE}"
        self._api_token = self._operations.issue_first("account")
        self._user_api_token = self._operations.issue_first("user")
        self._operations.tokens.settle()  # they are old
        return self

    async def __aexit__(
        self,
        _exception_type: type[BaseException] | None,
        _exception: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    if not TYPE_CHECKING:  # so that type checkers reject a plain "with"

        def __enter__(self) -> NoReturn:
            raise TypeError(
                "Use this emulator with 'async with', or import Emulator from cftokens.sync.emulator"
            )

        def __exit__(self, *_: object) -> None:
            """
            Never called: ``with`` only checks that it exists.
            """

    @property
    def base_url(self) -> str:
        """
        The URL of the API, like ``http://127.0.0.1:8787/client/v4``.
        """
        return self._started(self._base_url)

    @property
    def account_id(self) -> str:
        """
        The id of the account.
        """
        return self._started(self._operations.account_id)

    @property
    def user_id(self) -> str:
        """
        The id of the user.
        """
        return self._started(self._operations.user_id)

    @property
    def api_token(self) -> str:
        """
        The value that the account's first token started with.
        """
        return self._started(self._api_token)

    @property
    def user_api_token(self) -> str:
        """
        The value that the user's first token started with.
        """
        return self._started(self._user_api_token)

    @property
    def requests(self) -> list[RecordedRequest]:
        """
        The last 10,000 requests received below the base URL, oldest first.

        Requests that the emulator does not answer, such as those of web pages, are not recorded.
        """
        return self._server.requests

    def client(self, **options: Any) -> Client:
        """
        Return a :class:`cftokens.Client` that uses the account's first token.

        Its rate limit is the emulator's: none by default.

        Args:
            options: Settings of the client, which override the emulator's.
        """
        return Client(**self.client_options(options))

    def client_options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """
        Return the settings of a client that uses the account's first token.

        Args:
            options: Settings that override these.
        """
        return {
            "api_token": self.api_token,
            "account_id": self.account_id,
            "base_url": self.base_url,
            "rate_limit": self._rate_limit,
            **options,
        }

    def expose(self, token_id: str) -> None:
        """
        Revoke a token as Cloudflare does when it finds the value in public: ``revoked (exposed)``.

        Rolling the token brings it back.

        Raises:
            ValueError: No token has this id.
        """
        self._operations.expose(token_id)

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
        self._injection.add(fault, operation, times)

    def clear_faults(self) -> None:
        """
        Remove all injected faults.
        """
        self._injection.clear()

    def _started(self, value: str) -> str:
        if not self._base_url:
            raise RuntimeError(
                "The emulator has not been started; use 'async with Emulator() as emulator:', "
                "or a plain 'with' if you import Emulator from cftokens.sync.emulator"
            )
        return value

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[guard], client_max_size=LARGEST_BODY)
        application.add_routes(Control(self._injection, self.requests).routes())
        application.router.add_route("*", BASE + "{tail:(/.*)?}", self._server.handle)
        return application
