"""
The service on aiohttp, as a process of its own.
"""

from tests.examples.web_service import WebService


class TestAiohttpWeb(WebService):
    """
    All that holds for such a service.
    """

    program = "aiohttp_web.py"
    refusal = 400
