"""
The service on FastAPI, as a process of its own.
"""

from tests.examples.web_service import WebService


class TestFastAPI(WebService):
    """
    All that holds for such a service.
    """

    program = "fastapi_app.py"
    refusal = 422
