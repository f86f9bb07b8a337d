"""
The public class `Emulator`.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, NoReturn, Self, get_args

from aiohttp import web

from cftokens._arguments import PlainCondition
from cftokens._checks import check_choice, check_whole_number
from cftokens._client import Client
from cftokens._settings import RateLimit
from cftokens.emulator._bodies import LARGEST_BODY
from cftokens.emulator._control import Control
from cftokens.emulator._guard import guard
from cftokens.emulator._injection import Injection
from cftokens.emulator._issuing import IssuedToken, body_of
from cftokens.emulator._lockout import Lockout
from cftokens.emulator._log import LOG
from cftokens.emulator._operations import Operations
from cftokens.emulator._propagation import SpreadingTokens
from cftokens.emulator._rate import Limits
from cftokens.emulator._refusals import RefusedError
from cftokens.emulator._routes import BASE, Operation
from cftokens.emulator._server import RecordedRequest, Server
from cftokens.emulator._state import Owner, Token
from cftokens.emulator._values import Kind
from cftokens.emulator.faults import Fault
from cftokens.policies import PolicyArgument

_HOST: Final = "127.0.0.1"
_PATIENCE: Final = 0.05  # seconds that closing waits for running requests


class Emulator:
    """
    Cloudflare's token API on loopback, with accounts and a user, all in memory.

    It serves while its ``async with`` block runs, and only once. Each account and the user start with one
    token, which has every permission, as if made in the dashboard, and appears in lists like any other.

    https://developers.cloudflare.com/api/resources/accounts/subresources/tokens/

    Args:
        accounts: The number of accounts; the user is a member of all of them.
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
        accounts: int = 1,
        clock: Callable[[], float] = time.time,
        rate_limit: RateLimit | None = None,
        burst_limit: RateLimit | None = None,
        propagation: float = 0,
        lockout: int | None = None,
        port: int = 0,
    ) -> None:
        self._rate_limit = rate_limit or (RateLimit() if burst_limit else None)
        self._port = port
        self._injection = Injection()
        self._first: tuple[Token, ...] = ()
        tokens, lockouts = SpreadingTokens(propagation, clock), Lockout(lockout, clock)
        number = check_whole_number(accounts, "accounts", 1)
        self._operations = Operations(clock, tokens, lockouts, number)
        self._limits = Limits(rate_limit, burst_limit, clock)
        self._server = Server(self._operations, self._limits, self._injection)
        self._runner: web.AppRunner | None = None
        self._base_url = self._user_api_token = ""
        self._api_tokens: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"<Emulator at {self._base_url}>" if self._base_url else "<Emulator, not started>"

    async def __aenter__(self) -> Self:
        if self._runner is not None:
            raise RuntimeError("This emulator has already been started; create a new one")
        self._runner = web.AppRunner(
            self._application(),
            access_log=None,
            auto_decompress=False,
            logger=LOG,
            shutdown_timeout=_PATIENCE,
        )
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, _HOST, self._port).start()
        except OSError:
            await self._runner.cleanup()
            raise
        self._base_url = f"http://{_HOST}:{self._runner.addresses[0][1]}{BASE}"
        self._api_tokens = {
            account.id: self._operations.issue_first(account) for account in self._operations.accounts
        }
        self._user_api_token = self._operations.issue_first(self._operations.user)
        self._operations.tokens.settle()  # they are old
        self._first = self._operations.tokens.all
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
        self._check_started()
        return self._base_url

    @property
    def account_id(self) -> str:
        """
        The id of the first account.
        """
        return self.account_ids[0]

    @property
    def account_ids(self) -> tuple[str, ...]:
        """
        The ids of the accounts.
        """
        self._check_started()
        return tuple(self._api_tokens)

    @property
    def user_id(self) -> str:
        """
        The id of the user.
        """
        self._check_started()
        return self._operations.user.id

    @property
    def api_token(self) -> str:
        """
        The value that the first account's first token started with.
        """
        return self.api_tokens[0]

    @property
    def api_tokens(self) -> tuple[str, ...]:
        """
        The values that each account's first token started with, in the order of `account_ids`.
        """
        self._check_started()
        return tuple(self._api_tokens.values())

    @property
    def user_api_token(self) -> str:
        """
        The value that the user's first token started with.
        """
        self._check_started()
        return self._user_api_token

    @property
    def requests(self) -> list[RecordedRequest]:
        """
        The last 10,000 requests received below the base URL, oldest first.

        Requests that the emulator does not answer, such as those of web pages, are not recorded.
        """
        return self._server.requests

    def client(self, **options: Any) -> Client:
        """
        Return a :class:`cftokens.Client` that uses the first account's first token.

        Given an *account_id*, it uses the first token of that account. It keeps the pace that the emulator
        enforces: by default it waits only after a 429.

        Args:
            options: Settings of the client, which override the emulator's.
        """
        return Client(**self.client_options(options))

    def client_options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """
        Return the settings of a client that uses an account's first token.

        Args:
            options: Settings that override these.
        """
        account_id = options.get("account_id", self.account_id)
        return {
            "api_token": self._api_tokens.get(account_id, self.api_token),
            "account_id": account_id,
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
        owner = self._owner(kind, account_id)
        body = body_of(owner, name=name, policies=policies, condition=condition, expires_on=expires_on)
        try:
            token, value = self._operations.issue(owner, body)
        except RefusedError as refused:
            raise ValueError(str(refused)) from None
        return IssuedToken(token.id, value)

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

    def reset(self) -> None:
        """
        Make the emulator as new: forget every token, fault, request, lock-out and count of requests.

        The base URL, the ids of the accounts and of the user, and their first tokens stay the same, and
        these work again with the values that they started with. A client that waits after a 429 still
        does: make a new one.
        """
        self._check_started()
        self._operations.reset(self._first)
        self._limits.reset()
        self._injection.clear()
        self.requests.clear()

    def _owner(self, kind: Kind, account_id: str | None) -> Owner:
        if check_choice(kind, "kind", get_args(Kind)) == "user":
            if account_id is not None:
                raise ValueError("account_id must be None for a user token.")
            return Owner("user", self.user_id)
        if account_id not in (None, *self.account_ids):
            raise ValueError(f"account_id must be one of account_ids, not {account_id!r}.")
        return Owner("account", account_id or self.account_id)

    def _check_started(self) -> None:
        if not self._base_url:
            raise RuntimeError(
                "The emulator has not been started; use 'async with Emulator() as emulator:', "
                "or a plain 'with' if you import Emulator from cftokens.sync.emulator"
            )

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[guard, self._server.serve], client_max_size=LARGEST_BODY)
        application.add_routes(Control(self._injection, self.requests).routes())
        return application
