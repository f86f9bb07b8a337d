"""
The FastAPI service, in its own process.
"""

from tests.examples.web_service import WebService


class TestFastAPI(WebService):
    """
    The tests that all web services share.
    """

    program = "fastapi_app.py"
    refusal = 422
