"""
The way from a resource to the wire.
"""

from collections.abc import Awaitable
from typing import TypeVar

from cftokens._arguments import check_id
from cftokens._transport import Options, Transport
from cftokens._wire import Call
from cftokens.errors import ClosedError

T = TypeVar("T")


class Sender:
    """
    The way from a resource to the wire: a transport, and what one client sends with.
    """

    def __init__(self, transport: Transport, options: Options) -> None:
        self.transport = transport
        self.options = options
        self.closed = False

    def send(self, call: Call[T]) -> Awaitable[T]:
        """
        Carry out a call.

        Raises:
            CFTokensError: It failed, or may have failed.
        """
        if self.closed:
            raise ClosedError("This client is closed: make another one.")
        return self.transport.send(call, self.options)

    def account(self, account_id: str | None) -> str:
        """
        Return a checked account id, by default the client's.

        Raises:
            ValueError: There is no account id, or it is none.
        """
        if account_id is not None:
            return check_id(account_id, "account_id")
        if self.options.account_id is None:
            raise ValueError(
                "There is no account id: pass account_id here or to the client, or set CLOUDFLARE_ACCOUNT_ID."
            )
        return self.options.account_id
