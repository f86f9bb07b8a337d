"""
A request body that goes out once, whoever tries to send it again.
"""

import aiohttp
from aiohttp.abc import AbstractStreamWriter


class OneShotBody(aiohttp.BytesPayload):
    """
    A body that is written once.

    aiohttp, and retry middlewares of a borrowed session, send a request again when a connection
    drops. That could make a second credential, so the second time is refused here.
    """

    def __init__(self, value: bytes) -> None:
        super().__init__(value, content_type="application/json")
        self.written = False

    @property
    def consumed(self) -> bool:
        """
        Whether the body cannot be sent any more. aiohttp asks before it sends one again.
        """
        return self.written

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """
        Send the body, if this is the first time.
        """
        if self.written:
            raise aiohttp.ClientPayloadError("This request must not be sent twice.")
        self.written = True
        await super().write_with_length(writer, content_length)
