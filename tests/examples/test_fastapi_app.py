"""
The FastAPI service, in its own process.
"""

import pytest

from tests.examples.web_service import WebService

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="class")]


class TestFastAPI(WebService):
    """
    The tests that all web services share.
    """

    program = "fastapi_app.py"
    refusal = 422
