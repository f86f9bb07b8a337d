"""
What the tests of tokens' lives share: faults at chosen requests, interrupts at chosen awaits, and a search
for live tokens that nothing tells of.
"""

import asyncio
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable, Mapping
from typing import Any, Final

import attrs

from cftokens import CreateAttempt, RotationError, Token
from cftokens.emulator import Emulator, Fault
from tests.support import assert_no_secret
from tests.vocabulary import ZONE_READ

FAULTS: Final[Mapping[str, Callable[[], Fault]]] = {
    "refused": lambda: Fault.status(400),
    "forbidden": lambda: Fault.status(403),
    "not found": lambda: Fault.status(404),
    "500": lambda: Fault.status(500),
    "502 after": lambda: Fault.status(502, after=True),
    "dropped before": Fault.drop_before,
    "dropped after": Fault.drop_after,
    "cut short": Fault.truncate,
    "a page": lambda: Fault.html(504, after=True),
    "success: false": Fault.success_false,
    "rate limited": lambda: Fault.rate_limited(retry_after=1000),
    "nonsense": lambda: Fault.status(200, body="{}"),
}
"""What can happen to a request."""

HELD_BEFORE: Final = Fault(runs=False, seconds=30, sent="nothing")
"""The request has no effect, and no answer comes in time."""

HELD_AFTER: Final = Fault.delay(30)
"""The request has its effect, and no answer comes in time."""


class Schedule:
    """
    The faults of an emulator, by the number of the request; the first is 1.

    Args:
        emulator: An emulator, or the one inside a blocking one.

        faults: The fault of each request that has one.

        lasting: Whether all later requests of the same operation have it, too.
    """

    def __init__(self, emulator: Emulator, faults: Mapping[int, Fault], *, lasting: bool = False) -> None:
        self._faults = faults
        self._lasting = lasting
        self._failing: dict[str | None, Fault] = {}
        self.operations: list[str | None] = []
        self.arrived: Callable[[int], object] = lambda number: None
        emulator._injection.take = self._take  # type: ignore[method-assign]

    def _take(self, operation: str | None) -> Fault | None:
        self.operations.append(operation)
        number = len(self.operations)
        fault = self._faults.get(number) or self._failing.get(operation)
        if (
            operation == "delete"
            and fault is not None
            and fault.reply is not None
            and fault.reply.status == 404
        ):
            fault = attrs.evolve(fault, runs=True)  # it is true that there is no such token
        if fault is not None and self._lasting:
            self._failing[operation] = fault
        self.arrived(number)
        return fault


def account_policy(emulator: Emulator) -> dict[str, Any]:
    """
    Return a policy that lets a token read the zones of the account.
    """
    return {
        "effect": "allow",
        "permission_groups": [{"id": ZONE_READ}],
        "resources": {f"com.cloudflare.api.account.{emulator.account_id}": "*"},
    }


def live(emulator: Emulator) -> dict[str, str]:
    """
    Return the names of the account's active tokens by their ids, without the first.
    """
    operations = emulator._operations
    tokens = operations.tokens.owned_by(operations.accounts[0])[1:]
    return {token.id: token.fields.name for token in tokens if token.status(operations._now()) == "active"}


def told(error: BaseException | None) -> str:
    """
    Return what an exception, its causes and its context say, and check that they show no secret.
    """
    text = ""
    links = [error]
    while links:
        link = links.pop()
        if link is not None:
            text += "\n".join([str(link), *getattr(link, "__notes__", ())])
            if isinstance(link, RotationError) and link.successor is not None:
                text += link.successor.id
            links += [link.__cause__, link.__context__]
    if error is not None:
        assert_no_secret(error)
    return text


def unknown(
    emulator: Emulator,
    error: BaseException | None,
    unsettled: Iterable[CreateAttempt],
    known: Iterable[Token | str],
) -> list[str]:
    """
    Return the live tokens that nothing tells of.
    """
    ids = {each if isinstance(each, str) else each.id for each in known}
    names = {attempt.name for attempt in unsettled}
    text = told(error)
    return [
        id_
        for id_, name in live(emulator).items()
        if id_ not in ids and id_ not in text and name not in names
    ]


async def outcome(coroutine: Awaitable[Any]) -> tuple[Any, BaseException | None]:
    """
    Return the result of a coroutine, or what it raised.
    """
    try:
        return await coroutine, None
    except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001
        return None, error


@types.coroutine
def interrupted_at(
    number: int, coroutine: Coroutine[Any, Any, Any], reached: list[int]
) -> Generator[Any, Any, Any]:
    """
    Await a coroutine, and cancel it when it wakes up from an await, whose number goes into *reached*.
    """
    count = 0
    send: Callable[[], Any] = lambda: coroutine.send(None)  # noqa: E731
    while True:
        try:
            waited = send()
        except StopIteration as end:
            return end.value
        count += 1
        try:
            yield waited
        except BaseException as error:  # noqa: BLE001
            send = lambda error=error: coroutine.throw(error)  # type: ignore[misc] # noqa: E731
        else:
            send = lambda: coroutine.send(None)  # noqa: E731
        if count == number:
            reached.append(number)
            send = lambda: coroutine.throw(asyncio.CancelledError())  # noqa: E731
