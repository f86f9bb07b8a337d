"""
The aiohttp service, in its own process.
"""

import pytest

from tests.examples.web_service import WebService

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="class")]


class TestAiohttpWeb(WebService):
    """
    The tests that all web services share.
    """

    program = "aiohttp_web.py"
    refusal = 400
