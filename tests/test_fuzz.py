"""
Whatever a server sends over a real socket, calls return models or raise our errors.
"""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cftokens import CFTokensError, Client, Page, PermissionGroup, TokenValue
from tests.answers import SINGLE
from tests.servers import Behaviour, Exchange, RawServer, reply
from tests.support import CALLS, assert_no_secret, client_of
from tests.vocabulary import RESULTS, success

pytestmark = pytest.mark.slow

KNOWN = (*SINGLE.values(), Page, TokenValue, list)
WITH_ID: tuple[type[Any], ...] = (PermissionGroup, *SINGLE.values())

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["*", "None", "cfat_x"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=8) | st.sampled_from(sorted(RESULTS["create"])), inner, max_size=6)
    ),
    max_leaves=20,
)


class Fuzzed:
    """
    A server and a client on their own loop, for tests that run many times.
    """

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._answer: Behaviour = reply()
        self._runner.run(self._open())

    async def _open(self) -> None:
        async def behave(exchange: Exchange) -> None:
            await self._answer(exchange)

        self._server = await RawServer(behave).__aenter__()
        self._client: Client = client_of(self._server.base_url, retry=None)

    def call(self, operation: str, behaviour: Behaviour) -> object:
        """
        Return the result of a call, or the CFTokensError that it raised.
        """
        self._answer = behaviour
        return self._runner.run(self._call(operation))

    async def _call(self, operation: str) -> object:
        try:
            return await CALLS[operation](self._client)
        except CFTokensError as error:
            assert_no_secret(error)
            return error

    def close(self) -> None:
        """
        Close everything.
        """

        async def close() -> None:
            await self._client.close()
            await self._server.__aexit__(None, None, None)

        self._runner.run(close())
        self._runner.close()


@pytest.fixture(scope="module")
def fuzzed() -> Iterator[Fuzzed]:
    """
    One server for all examples.
    """
    fuzzed = Fuzzed()
    yield fuzzed
    fuzzed.close()


def assert_known(outcome: object) -> None:
    """
    Assert that the outcome is a model whose ids are strings, or one of our errors.
    """
    assert isinstance(outcome, (*KNOWN, CFTokensError))
    found: list[Any] = outcome if isinstance(outcome, list) else list(getattr(outcome, "items", [outcome]))
    for item in found:
        if isinstance(item, WITH_ID):
            assert isinstance(item.id, str)


operations = st.sampled_from(sorted(CALLS))
many = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@many
@given(operation=operations, result=json_values, info=json_values)
def test_any_result_is_a_model_or_an_error(fuzzed: Fuzzed, operation: str, result: Any, info: Any) -> None:
    """
    Any JSON under "result" and "result_info" is parsed or refused.
    """
    assert_known(fuzzed.call(operation, reply(200, success(result, result_info=info))))


@many
@given(
    operation=operations,
    changes=st.dictionaries(st.sampled_from(sorted(RESULTS["create"])), json_values, max_size=3),
)
def test_any_change_to_a_token_is_a_model_or_an_error(fuzzed: Fuzzed, operation: str, changes: Any) -> None:
    """
    A real answer with some members replaced is parsed or refused.
    """
    result = RESULTS[operation]
    if isinstance(result, dict):
        result = {**result, **changes}
    elif isinstance(result, list):
        result = [{**item, **changes} for item in result]
    assert_known(fuzzed.call(operation, reply(200, success(result))))


@many
@given(operation=operations, status=st.integers(200, 599), body=json_values)
def test_any_json_with_any_status_is_a_model_or_an_error(
    fuzzed: Fuzzed, operation: str, status: int, body: Any
) -> None:
    """
    Any JSON as the whole body is parsed or refused.
    """
    assert_known(fuzzed.call(operation, reply(status, json.dumps(body).encode())))


@many
@given(operation=operations, status=st.sampled_from([200, 400, 403, 500]), body=st.binary(max_size=200))
def test_any_bytes_are_a_model_or_an_error(fuzzed: Fuzzed, operation: str, status: int, body: bytes) -> None:
    """
    Random bytes as the body raise nothing but our errors.
    """
    assert_known(fuzzed.call(operation, reply(status, body)))


@many
@given(operation=operations, head=st.binary(max_size=60))
def test_any_bytes_instead_of_http_are_a_model_or_an_error(
    fuzzed: Fuzzed, operation: str, head: bytes
) -> None:
    """
    Random bytes in place of HTTP raise nothing but our errors.
    """

    async def speak(exchange: Exchange) -> None:
        exchange.writer.write(head)
        exchange.writer.close()

    assert_known(fuzzed.call(operation, speak))


@many
@given(
    operation=operations,
    headers=st.dictionaries(
        st.sampled_from(
            ["Retry_After", "Ratelimit", "CF_Ray", "Date", "Content_Encoding", "Transfer_Encoding"]
        ),
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30),
    ),
    status=st.sampled_from([200, 429, 503]),
)
def test_any_headers_are_accepted(
    fuzzed: Fuzzed, operation: str, headers: dict[str, str], status: int
) -> None:
    """
    Headers that make no sense raise nothing but our errors.
    """
    assert_known(fuzzed.call(operation, reply(status, success(RESULTS[operation]), **headers)))
