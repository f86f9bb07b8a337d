"""
What the emulator logs: failures of its own, under aiohttp's name, but no malformed requests.
"""

import logging
from typing import TYPE_CHECKING, Any, Final

from aiohttp.http_exceptions import HttpProcessingError

if TYPE_CHECKING:
    _Adapter = logging.LoggerAdapter[logging.Logger]
else:
    _Adapter = logging.LoggerAdapter


class _Log(_Adapter):
    def log(self, level: int, msg: object, *args: object, **details: Any) -> None:
        """
        Log, unless it is about a malformed request: aiohttp quotes the line, which may hold a token.
        """
        if not isinstance(details.get("exc_info"), HttpProcessingError):
            super().log(level, msg, *args, **details)


LOG: Final = _Log(logging.getLogger("aiohttp.server"))
