"""
The FastAPI service, in its own process.
"""

import pytest

from tests.examples.web_service import WebService

pytestmark = pytest.mark.slow


class TestFastAPI(WebService):
    """
    The tests that all web services share.
    """

    program = "fastapi_app.py"
    refusal = 422
