"""
Faults to inject into an emulator: what can go wrong between a client and Cloudflare.

Pass a fault to :meth:`cftokens.emulator.Emulator.inject`::

    emulator.inject(Fault.status(502), operation="create", times=1)
"""

import json
import re
import sys
from collections.abc import Mapping
from typing import Any, Final, Literal, TypeGuard

import attrs

__all__ = ["Fault"]

_JSON: Final = "application/json"
_HTML: Final = "<!DOCTYPE html><html><head><title>{0}</title></head><body><h1>Error {0}</h1></body></html>"
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE: Final = re.compile(r"[\t\x20-\x7e]*")
_FRAMING: Final = ("Content-Length", "Transfer-Encoding")  # others would shift the answers that follow


@attrs.frozen
class Reply:
    """
    An HTTP answer, ready to send.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class Fault:
    """
    A way to fail. Create one with the methods below.

    Attributes:
        runs: Whether the operation takes effect.
        reply (Reply | None): The answer to send; None for the operation's own.
        seconds: How long to wait before answering.
        sent: How much of the answer to send. The connection is closed unless all is sent.
    """

    runs: bool = True
    reply: Reply | None = None
    seconds: float = 0
    sent: Literal["all", "half", "nothing"] = "all"

    @staticmethod
    def status(
        status: int, *, after: bool = False, headers: Mapping[str, str] | None = None, body: str | None = None
    ) -> "Fault":
        """
        Answer with an HTTP status.

        Args:
            status: The status, 200 to 599.
            after: Whether the operation takes effect anyway.
            headers: Extra headers of the answer.
            body: The whole body; Cloudflare's failure envelope by default.

        Raises:
            ValueError: An argument is invalid in an HTTP answer, or *headers* has one that frames the body.
        """
        _check_status(status)
        text = _failure(status, "Injected by the emulator") if body is None else body
        return Fault(runs=_flag(after), reply=_reply(status, {} if headers is None else headers, text, _JSON))

    @staticmethod
    def delay(seconds: float) -> "Fault":
        """
        Run the operation and answer after a delay.

        Raises:
            ValueError: *seconds* is negative or not a finite number.
        """
        if not (_is_number(seconds) and 0 <= seconds <= sys.float_info.max):
            raise ValueError(f"seconds must be a non-negative finite number, not {seconds!r}")
        return Fault(seconds=seconds)

    @staticmethod
    def drop_before() -> "Fault":
        """
        Read the request, then close the connection, without effect or answer.
        """
        return Fault(runs=False, sent="nothing")

    @staticmethod
    def drop_after() -> "Fault":
        """
        Run the operation, then close the connection without an answer.
        """
        return Fault(sent="nothing")

    @staticmethod
    def truncate() -> "Fault":
        """
        Run the operation, send half the answer's body, and close the connection.
        """
        return Fault(sent="half")

    @staticmethod
    def rate_limited(*, retry_after: int | None = 1) -> "Fault":
        """
        Answer 429 without running the operation.

        Args:
            retry_after: Seconds in the Retry-After header; None to omit it.

        Raises:
            ValueError: *retry_after* is negative or not a whole number.
        """
        if retry_after is not None and not (_is_whole(retry_after) and retry_after >= 0):
            raise ValueError(f"retry_after must be a non-negative whole number or None, not {retry_after!r}")
        headers = {} if retry_after is None else _blocked(retry_after)
        body = _failure(971, "Please wait and consider throttling your request speed")
        return Fault(runs=False, reply=_reply(429, headers, body, _JSON))

    @staticmethod
    def html(status: int = 502, *, after: bool = False) -> "Fault":
        """
        Answer with an HTML page, as a proxy might.

        Args:
            status: The HTTP status, 200 to 599.
            after: Whether the operation takes effect anyway.

        Raises:
            ValueError: *status* is out of range, or *after* is not a boolean.
        """
        _check_status(status)
        page = _HTML.format(status)
        return Fault(runs=_flag(after), reply=_reply(status, {}, page, "text/html; charset=UTF-8"))

    @staticmethod
    def success_false() -> "Fault":
        """
        Run the operation and answer 200 with ``"success": false``.
        """
        return Fault(reply=_reply(200, {}, _failure(1000, "Injected by the emulator"), _JSON))


def _blocked(seconds: int) -> dict[str, str]:
    return {"Retry-After": str(seconds), "Ratelimit": f'"default";r=0;t={seconds}'}


def _failure(code: int, message: str) -> str:
    errors = [{"code": code, "message": message}]
    return json.dumps({"success": False, "errors": errors, "messages": [], "result": None})


def _check_status(status: Any) -> None:
    if not (_is_whole(status) and status in range(200, 600)):
        raise ValueError(f"status must be a whole number from 200 to 599, not {status!r}")


def _flag(after: Any) -> bool:
    if not isinstance(after, bool):
        raise ValueError(f"after must be a boolean, not {after!r}")  # noqa: TRY004 -- like the others
    return after


def _reply(status: int, headers: Any, body: str, content_type: str) -> Reply:
    if not isinstance(body, str):
        raise ValueError(f"body must be a string, not {body!r}")  # noqa: TRY004 -- like the others
    if not _is_mapping(headers):
        raise ValueError(f"headers must be a mapping, not {headers!r}")
    for name, value in headers.items():
        if not (_matches(_HEADER_NAME, name) and _matches(_HEADER_VALUE, value)):
            raise ValueError(f"headers must be valid HTTP header names and values, not {name!r}: {value!r}")
    named = {name.title(): value for name, value in headers.items()}  # case-insensitive
    if not named.keys().isdisjoint(_FRAMING):
        raise ValueError(f"headers must not include {' or '.join(_FRAMING)}")
    return Reply(status, {"Content-Type": content_type, **named}, body.encode())


def _is_mapping(value: Any) -> TypeGuard[Mapping[Any, Any]]:
    return isinstance(value, Mapping)


def _matches(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return _is_whole(value) or isinstance(value, float)
