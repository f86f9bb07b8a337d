"""
Temporary: a token that exists while a block runs, for blocking code.
"""

from collections.abc import Coroutine
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from cftokens._operations.lifecycle import Temporary as AsyncTemporary
from cftokens.errors import CFTokensError
from cftokens.models import TokenCreateResponse
from cftokens.sync._portal import Portal

T = TypeVar("T")


class Temporary:
    """
    A token that exists while a ``with`` block runs.
    """

    def __init__(self, portal: Portal, wrapped: AsyncTemporary) -> None:
        self._portal = portal
        self._wrapped = wrapped

    def __enter__(self) -> TokenCreateResponse:
        return self._call(self._wrapped.__aenter__())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self._call(self._wrapped.__aexit__(kind, error, traceback))
        except CFTokensError as failure:  # the client is closed
            self._wrapped._leave_behind(failure, error)  # noqa: SLF001 -- of its async twin

    if not TYPE_CHECKING:  # type checkers should reject "async with"

        async def __aenter__(self) -> NoReturn:
            raise TypeError("This token needs a plain 'with'. For 'async with', import Client from cftokens.")

        async def __aexit__(self, *_: object) -> None:
            """
            Never called: `async with` only looks it up before it calls `__aenter__`.
            """

    def _call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """
        Run a coroutine. If it is interrupted and there is still a token, delete that.
        """
        try:
            return self._portal.call(coroutine)
        except Exception:
            raise
        except BaseException as interrupt:
            if self._wrapped._exists:  # noqa: SLF001 -- likewise
                self.__exit__(type(interrupt), interrupt, interrupt.__traceback__)
            raise

    def __repr__(self) -> str:
        return repr(self._wrapped)
