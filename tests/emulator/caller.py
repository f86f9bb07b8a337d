"""
Plain HTTP requests to an emulator, without a cftokens client.
"""

from collections.abc import Mapping
from typing import Any, Literal

import aiohttp
import attrs
from yarl import URL

from cftokens.emulator import Emulator

ZONE_READ = "c8fed203ed3043cba015a93ad1616f1f"
DNS_READ = "82e64a83756745bbbb1c9c2701bf816b"
WORKERS_READ = "1a71c399035b4950a1bd1466bbe4f420"
TOKENS_READ = {"account": "eb56a6953c034b9d97dd838155666f06", "user": "0cc3a61731504c89b99ec1be78b77aa0"}
TOKENS_WRITE = {"account": "5bc3f8b21c554832afc660159ab75fa4", "user": "686d18d5ac6c441c867cbf6771e58a0a"}
BUCKET_READ = "6a018a9f2fc74eb6b293b0c548f38b39"
USER_DETAILS_READ = "8acbe5bb0d54464ab867149d7f7cf8ac"

UNKNOWN_ID = "0" * 32
ZONE_ID = "22b1de5f1c0e4b3ea97bb1e963b06a43"
UNKNOWN_VALUE = "cfat_" + "A" * 40 + "00000000"


def policy(resources: Mapping[str, Any], *groups: str, effect: str = "allow") -> dict[str, Any]:
    """
    Return a policy as a request carries it.
    """
    return {
        "effect": effect,
        "permission_groups": [{"id": group} for group in groups],
        "resources": resources,
    }


class ManualClock:
    """
    A clock that only tests move.
    """

    def __init__(self) -> None:
        self.now = 1_800_000_000.75  # 2027-01-15T08:00:00.75Z

    def __call__(self) -> float:
        return self.now


@attrs.frozen
class Answer:
    """
    An answer to a request.
    """

    status: int
    headers: Mapping[str, str]
    content: Any

    @property
    def refusal(self) -> tuple[int, int, str]:
        """
        The HTTP status, code and text of a well-formed refusal.
        """
        assert self.content["success"] is False
        assert self.content["result"] is None
        assert self.content["messages"] == []
        (error,) = self.content["errors"]
        return self.status, error["code"], error["message"]

    @property
    def result(self) -> Any:
        """
        The result of a well-formed success.
        """
        assert (self.status, self.content["success"], self.content["errors"]) == (200, True, [])
        return self.content["result"]


@attrs.frozen
class Caller:
    """
    A sender of requests about one kind of token, with the emulator's first token by default.
    """

    emulator: Emulator
    session: aiohttp.ClientSession
    kind: Literal["account", "user"] = "account"

    @property
    def home(self) -> dict[str, str]:
        """
        The resource that owns the tokens: the account or the user.
        """
        owner = (
            f"account.{self.emulator.account_id}"
            if self.kind == "account"
            else f"user.{self.emulator.user_id}"
        )
        return {f"com.cloudflare.api.{owner}": "*"}

    @property
    def tokens(self) -> str:
        """
        The path of the token collection.
        """
        return f"/accounts/{self.emulator.account_id}/tokens" if self.kind == "account" else "/user/tokens"

    @property
    def value(self) -> str:
        """
        The value of the first token.
        """
        return self.emulator.api_token if self.kind == "account" else self.emulator.user_api_token

    def body(self, *policies: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        """
        Return the body of a create or an update.
        """
        return {"name": "ci", "policies": list(policies), **more}

    async def send(
        self,
        method: str,
        below: str = "",
        *,
        bearer: str | None = None,
        path: str | None = None,
        headers: Mapping[str, str] | None = None,
        **rest: Any,
    ) -> Answer:
        """
        Send a request to *path*, or to the collection or a path below it.
        """
        url = URL(self.emulator.base_url + (self.tokens + below if path is None else path), encoded=True)
        if headers is None:
            headers = {"Authorization": f"Bearer {bearer or self.value}"}
        async with self.session.request(method, url, headers=headers, **rest) as response:
            return Answer(response.status, response.headers.copy(), await response.json())

    async def create(self, *policies: Mapping[str, Any], **more: Any) -> Any:
        """
        Create a token and return the result.
        """
        return (await self.send("POST", json=self.body(*policies, **more))).result

    async def reader(self, **more: Any) -> Any:
        """
        Create a token that may read tokens.
        """
        return await self.create(policy(self.home, TOKENS_READ[self.kind]), **more)
