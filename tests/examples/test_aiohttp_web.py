"""
The aiohttp service, in its own process.
"""

from tests.examples.web_service import WebService


class TestAiohttpWeb(WebService):
    """
    The tests that all web services share.
    """

    program = "aiohttp_web.py"
    refusal = 400
