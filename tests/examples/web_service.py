"""
Tests of a service that issues tokens, whatever its framework.
"""

import asyncio
import json
import re
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from typing import Any, ClassVar

import aiohttp

from cftokens.sync.emulator import Emulator, Fault
from tests.examples.programs import (
    Program,
    assert_clean,
    at_once_or_later,
    longest_stall,
    received,
    running,
)
from tests.vocabulary import NO_CREDENTIAL, ZONE_ID, entry, failure

ORDER = {"name": "ci", "zone": ZONE_ID, "minutes": 15}
UNKNOWN = "0" * 32
BAD_ORDERS: list[Any] = [
    b"",
    b"[" * 4000,
    b"\xff",
    [],
    {},
    {"name": "ci"},
    {"name": "ci", "minutes": 15},
    {**ORDER, "name": ""},
    {**ORDER, "name": "x" * 81},
    {**ORDER, "name": "two\nlines"},
    {**ORDER, "name": 1},
    {**ORDER, "minutes": 0},
    {**ORDER, "minutes": 61},
    {**ORDER, "minutes": True},
    {**ORDER, "minutes": "15"},
    {**ORDER, "zone": 1},
    {**ORDER, "policies": []},
]

BAD_ZONES = ["", "*", "example.com", "../accounts", ZONE_ID.upper(), f"{ZONE_ID}\n"]
LOCKED_OUT = json.dumps(failure(entry(10502, "Too many authentication failures")))

FAILURES = [
    (Fault.status(400), 400),
    (Fault.status(401), 502),
    (Fault.status(403), 502),
    (Fault.status(422), 400),
    (Fault.status(503), 502),
    (Fault.html(502), 502),
    (Fault.success_false(), 502),
    (Fault.truncate(), 502),
    (Fault.drop_before(), 502),
    (Fault.delay(60.0), 504),
    (Fault.status(429, body=LOCKED_OUT), 503),
    (Fault.status(403, body=LOCKED_OUT), 503),
]
"""Faults, and the status that the caller gets."""

LOSSES = [Fault.drop_after(), Fault.truncate(), Fault.status(502, after=True), Fault.delay(60.0)]
"""Faults that make a token and lose the answer."""


class Caller:
    """
    An HTTP client of the service.
    """

    def __init__(self, session: aiohttp.ClientSession, service: Program, emulator: Emulator) -> None:
        self._session = session
        self.service = service
        self.emulator = emulator

    async def ask(self, method: str, path: str, **arguments: Any) -> tuple[int, Any]:
        """
        Send a request, and return the status and body of the answer.
        """
        async with self._session.request(method, path, **arguments) as response:
            self.headers = response.headers
            body = await response.read()
            return response.status, await response.json() if body else None

    async def order(self) -> tuple[int, Any]:
        """
        Ask for a token.
        """
        return await self.ask("POST", "/tokens", json=ORDER)

    def names(self) -> list[str | None]:
        """
        Return the names of the tokens that the service made.
        """
        with self.emulator.client() as client:
            return [token.name for token in client.accounts.tokens.list()][1:]

    async def stop(self) -> int:
        """
        Stop the service, check that its output is clean, and return its exit status.
        """
        self.service.tell(signal.SIGTERM)
        status = await self.service.status()
        assert_clean(self.service)
        return status


class WebService:
    """
    Tests of one program. Those that have a *caller* share one service, which they leave as it was.
    """

    program: ClassVar[str]
    refusal: ClassVar[int]
    """The status for an invalid order."""

    @asynccontextmanager
    async def start(
        self, emulator: Emulator, deadline: float = 90.0, *, dev: bool = True
    ) -> AsyncIterator[Caller]:
        """
        Start the service, and yield a client for it.

        By default, it gives up on a request so late that no test waits for that.
        """
        arguments = ("--port", "0", "--deadline", str(deadline))
        async with running(self.program, *arguments, emulator=emulator, dev=dev) as service:
            address = await service.says(r"http://127\.0\.0\.1:\d+")
            connector = aiohttp.TCPConnector(limit=0)
            async with aiohttp.ClientSession(address, connector=connector) as session:
                yield Caller(session, service, emulator)

    async def test_an_issued_token_has_limited_access(self, caller: Caller) -> None:
        """
        Its only permission is to write the DNS records of the zone that was ordered, and it expires.
        """
        await caller.order()

        with caller.emulator.client() as client:
            *_, token = client.accounts.tokens.list()
        (policy,) = token.policies
        assert [group.name for group in policy.permission_groups] == ["DNS Write"]
        assert policy.resources == {f"com.cloudflare.api.account.zone.{ZONE_ID}": "*"}
        assert token.expires_on is not None

    async def test_an_invalid_order_is_refused(self, caller: Caller) -> None:
        """
        Anything but a name, a zone and a number of minutes is refused without asking Cloudflare.
        """
        statuses = []
        for order in BAD_ORDERS:
            body = {"data": order} if isinstance(order, bytes) else {"json": order}
            headers = {"Content-Type": "application/json"}
            statuses.append((await caller.ask("POST", "/tokens", headers=headers, **body))[0])

        assert set(statuses) <= {400, self.refusal}
        assert caller.emulator.requests == []

    async def test_a_bad_zone_is_the_callers_mistake(self, caller: Caller) -> None:
        """
        Something that cannot be a zone's id is answered with 400, and not sent to Cloudflare.
        """
        answers = [await caller.ask("POST", "/tokens", json={**ORDER, "zone": zone}) for zone in BAD_ZONES]

        assert [status for status, _ in answers] == [400] * len(BAD_ZONES)
        assert all("zone_id must be 32" in str(body) for _, body in answers)
        assert caller.emulator.requests == []

    async def test_other_tokens_are_out_of_reach(self, caller: Caller) -> None:
        """
        A caller cannot show or revoke tokens that the service did not issue, such as its own.
        """
        with caller.emulator.client() as client:
            others = [client.accounts.tokens.verify().id, UNKNOWN]
        answers = [
            await caller.ask(method, f"/tokens/{token_id}")
            for token_id in others
            for method in ("GET", "DELETE")
        ]

        assert answers == [(404, {"error": "There is no such token."})] * 4
        assert "delete" not in [request.operation for request in caller.emulator.requests]

    async def test_a_lost_create_is_settled(self, caller: Caller) -> None:
        """
        If the answer to a create is lost, the caller still gets one token with a working value.
        """
        for number, fault in enumerate(LOSSES, 1):
            caller.emulator.inject(fault, operation="create")
            status, issued = await caller.order()
            with caller.emulator.client(api_token=issued["value"]) as client:
                verified = client.accounts.tokens.verify()

            assert (status, verified.id) == (201, issued["id"])
            assert len(caller.names()) == number

    async def test_a_create_that_cannot_be_settled_is_named(self, caller: Caller) -> None:
        """
        If the search for a lost token fails too, the answer and the log name the token.
        """
        caller.emulator.inject(Fault.drop_after(), operation="create")
        caller.emulator.inject(Fault.status(502), operation="list", times=None)
        status, body = await caller.order()

        caller.emulator.clear_faults()
        (name,) = caller.names()
        assert status == 502
        assert body == {
            "error": f"It is not known whether token {name!r} was made. It would expire by itself."
        }
        await caller.service.says(f"The outcome of create of {name!r}")

    async def test_a_create_that_is_not_found_is_called_unknown(self, caller: Caller) -> None:
        """
        A search that finds nothing does not prove that no token was made.
        """
        caller.emulator.inject(Fault.drop_before(), operation="create")
        status, body = await caller.order()

        assert status == 502
        assert "not known" in body["error"]
        assert caller.names() == []

    @at_once_or_later
    async def test_a_token_is_issued_shown_and_revoked(self, emulator: Emulator) -> None:
        """
        The caller gets a working value only once, and can show and revoke the token.
        """
        async with self.start(emulator) as caller:
            status, issued = await caller.order()
            kept = caller.headers["Cache-Control"]
            with emulator.client() as client:
                verified = await asyncio.to_thread(client.accounts.tokens.wait_until_active, issued["value"])
            path = f"/tokens/{issued['id']}"
            shown = await caller.ask("GET", path)
            revoked = await caller.ask("DELETE", path)
            gone = await caller.ask("GET", path)
            healthy = await caller.ask("GET", "/health")
            stopped = await caller.stop()

        assert (status, kept, set(issued)) == (201, "no-store", {"id", "value", "expires_on"})
        assert (verified.id, verified.status) == (issued["id"], "active")
        assert (shown[0], set(shown[1])) == (200, {"id", "name", "status", "expires_on"})
        assert shown[1]["expires_on"] == issued["expires_on"]
        assert re.fullmatch(r"issued: ci [0-9a-f]{8}", shown[1]["name"])
        assert (revoked, gone[0]) == ((204, None), 404)
        assert healthy == (200, {"status": "ok"})
        assert stopped == 0

    async def test_a_permission_that_is_not_there_is_the_services_mistake(self, emulator: Emulator) -> None:
        """
        If the service's permission does not exist, which no caller chose, it answers with 500.
        """
        nothing = {"success": True, "errors": [], "messages": [], "result": []}
        emulator.inject(
            Fault.status(200, body=json.dumps(nothing)), operation="permission_groups", times=None
        )
        async with self.start(emulator) as caller:
            answer = await caller.order()
            await caller.stop()

        assert answer == (500, {"error": "This service asks for a permission that does not exist."})

    async def test_a_cloudflare_failure_has_a_status(self, emulator: Emulator) -> None:
        """
        Each fault becomes a JSON error with a suitable status, never a 500.
        """
        answers = []
        async with self.start(emulator, deadline=6.0) as caller:
            for fault, _ in FAILURES:
                emulator.clear_faults()
                emulator.inject(fault, operation="get", times=None)
                answers.append(await caller.ask("GET", f"/tokens/{UNKNOWN}"))
            await caller.stop()

        assert [answer for answer, _ in answers] == [status for _, status in FAILURES]
        assert [list(body) for _, body in answers] == [["error"]] * len(FAILURES)

    async def test_a_rate_limit_is_passed_on(self, emulator: Emulator) -> None:
        """
        A 429 from Cloudflare becomes a 503 with the same Retry-After, without another try.
        """
        emulator.inject(Fault.rate_limited(retry_after=70), operation="create")
        async with self.start(emulator) as caller:
            status, body = await caller.order()

        assert (status, caller.headers["Retry-After"]) == (503, "70")
        assert body == {"error": "Too much to do: try again later."}
        assert [request.operation for request in emulator.requests].count("create") == 1

    async def test_slow_answers_do_not_block_other_requests(self, emulator: Emulator) -> None:
        """
        200 one-second creates finish within ten seconds, and the loop never computes for one.
        """
        emulator.inject(Fault.delay(1.0), operation="create", times=None)
        async with self.start(emulator, dev=False) as caller:
            start = time.monotonic()
            orders = [asyncio.ensure_future(caller.order()) for _ in range(200)]
            await received(emulator, "create")
            healthy, _ = await caller.ask("GET", "/health")
            answers = await asyncio.gather(*orders)
            seconds = time.monotonic() - start
            await caller.stop()

        stall = longest_stall(caller.service)
        sys.stdout.write(f"{self.program}: 200 in flight {seconds:.2f} s, longest stall {stall:.3f} s\n")
        assert healthy == 200
        assert [status for status, _ in answers] == [201] * 200
        assert len({issued["id"] for _, issued in answers}) == 200
        assert seconds < 10
        assert stall < 1

    async def test_a_shutdown_finishes_requests_in_flight(self, emulator: Emulator) -> None:
        """
        After SIGTERM the service finishes 50 creates and answers their callers.
        """
        emulator.inject(Fault.delay(1.0), operation="create", times=None)
        async with self.start(emulator) as caller:
            orders = [asyncio.ensure_future(caller.order()) for _ in range(50)]
            await received(emulator, "create", times=50)
            status = await caller.stop()
            answers = await asyncio.gather(*orders)

        assert status == 0
        assert [answer for answer, _ in answers] == [201] * 50
        assert len(caller.names()) == 50

    async def test_a_shutdown_names_every_unknown_create(self) -> None:
        """
        If Cloudflare goes away, the log and the answers name each token that may exist.
        """
        with ExitStack() as cloudflare:
            emulator = cloudflare.enter_context(Emulator())
            emulator.inject(Fault.delay(60.0), operation="create", times=None)
            async with self.start(emulator) as caller:
                orders = [asyncio.ensure_future(caller.order()) for _ in range(50)]
                await received(emulator, "create", times=50)
                made = caller.names()
                caller.service.tell(signal.SIGTERM)
                cloudflare.close()
                status = await caller.service.status()
                answers = await asyncio.gather(*orders)

        assert_clean(caller.service)
        unknown = set(re.findall(r"The outcome of create of '([^']+)'", caller.service.log))
        told = {match[1] for _, body in answers if (match := re.search(r"token '([^']+)'", body["error"]))}
        assert status == 0
        assert [answer for answer, _ in answers] == [502] * 50
        assert unknown == told == set(made)

    async def test_it_reports_a_missing_credential(self) -> None:
        """
        It prints what is wrong and where to make a credential, and exits with status 2.
        """
        async with running(self.program, emulator=None, strict=False) as service:
            status = await service.status()

        assert status == 2
        assert service.lines == f"Stopped: {NO_CREDENTIAL}".splitlines()

    async def test_it_explains_itself(self) -> None:
        """
        --help lists the arguments.
        """
        async with running(self.program, "--help", emulator=None, strict=False) as service:
            status = await service.status()

        assert status == 0
        assert "--deadline" in service.log
