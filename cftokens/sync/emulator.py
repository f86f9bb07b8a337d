"""
The emulator for blocking code and its tests: it serves from a thread of its own.

https://developers.cloudflare.com/api/resources/accounts/subresources/tokens/
"""

import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self

from cftokens._options import RateLimit
from cftokens.emulator import Emulator as AsyncEmulator
from cftokens.emulator import Fault, RecordedRequest
from cftokens.emulator._routes import Operation
from cftokens.sync._client import Client
from cftokens.sync._portal import Portal

__all__ = ["Emulator", "Fault", "RecordedRequest"]


class Emulator:
    """
    Cloudflare's token API on loopback, with one account and one user, all in memory.

    It serves from a thread of its own while its ``with`` block runs, and only once. Its account and
    its user begin with one token each, which hold every permission.

    Args:
        clock: Returns the time in Unix seconds, for tokens and for the rate limit. It is called in the
            emulator's thread.

        rate_limit: The limit to enforce for each token; None enforces none.

        port: The port on 127.0.0.1, 0 for a free one.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        rate_limit: RateLimit | None = None,
        port: int = 0,
    ) -> None:
        self._wrapped = AsyncEmulator(clock=clock, rate_limit=rate_limit, port=port)
        self._portal = Portal(self._stop)

    def __enter__(self) -> Self:
        self._portal.call(self._wrapped.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._portal.close()

    if not TYPE_CHECKING:  # a type checker shall see that there is no "async with"

        async def __aenter__(self) -> NoReturn:
            raise TypeError(
                "This emulator is used with a plain 'with'. For 'async with', take cftokens.emulator."
            )

        async def __aexit__(self, *_: object) -> None:
            """
            Never reached: `async with` only looks whether it is there.
            """

    def __repr__(self) -> str:
        return repr(self._wrapped)

    @property
    def base_url(self) -> str:
        """
        Where the API is, like ``http://127.0.0.1:8787/client/v4``.
        """
        return self._wrapped.base_url

    @property
    def account_id(self) -> str:
        """
        The id of the only account.
        """
        return self._wrapped.account_id

    @property
    def user_id(self) -> str:
        """
        The id of the only user.
        """
        return self._wrapped.user_id

    @property
    def api_token(self) -> str:
        """
        The value that the account's first token began with.
        """
        return self._wrapped.api_token

    @property
    def user_api_token(self) -> str:
        """
        The value that the user's first token began with.
        """
        return self._wrapped.user_api_token

    @property
    def requests(self) -> list[RecordedRequest]:
        """
        What has been received below the base URL, oldest first.
        """
        return self._wrapped.requests

    def client(self, **options: Any) -> Client:
        """
        Return a blocking client for the account's first token.

        It keeps no pace of its own unless the emulator's limit is on.

        Args:
            options: Arguments for the client; they win over the emulator's.
        """
        return Client(**self._wrapped.client_options(options))

    def inject(self, fault: Fault, *, operation: Operation | None = None, times: int | None = 1) -> None:
        """
        Let a fault strike. Of several that fit a request, the one injected first does.

        Args:
            fault: What goes wrong.

            operation: The operation that it strikes, None for any request.

            times: How often it strikes, None for always.

        Raises:
            ValueError: There is no such operation, or *times* is not positive.
        """
        self._wrapped.inject(fault, operation=operation, times=times)

    def clear_faults(self) -> None:
        """
        Forget all faults that have been injected.
        """
        self._wrapped.clear_faults()

    async def _stop(self) -> None:
        await self._wrapped.__aexit__(None, None, None)
