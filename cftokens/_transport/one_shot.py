"""
A request body that can be sent only once.
"""

import aiohttp
from aiohttp.abc import AbstractStreamWriter


class OneShotBody(aiohttp.BytesPayload):
    """
    A body that can be written only once.

    aiohttp, and retry middlewares of a borrowed session, send a request again when a connection
    drops. That could make a second credential, so a second write is refused.
    """

    def __init__(self, value: bytes) -> None:
        super().__init__(value, content_type="application/json")
        self.written = False
        self.halted = False

    @property
    def consumed(self) -> bool:
        """
        Whether the body has been sent. aiohttp checks this before it sends one again.
        """
        return self.written

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """
        Send the body, unless it was sent before.
        """
        if self.written:
            raise aiohttp.ClientPayloadError("This request must not be sent twice.")
        self.written = True  # first, so that a thread that halts the body knows whether it went out
        if self.halted:
            raise aiohttp.ClientPayloadError("This request is not sent any more.")
        await super().write_with_length(writer, content_length)
