"""
The classes of the page on a credential that changes.
"""

from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

import cftokens.sync
from cftokens import Client, CredentialError
from cftokens.sync.emulator import Emulator
from tests.examples.programs import environment_for, names_of
from tests.vocabulary import MARK

pytestmark = pytest.mark.slow

PAGE = "follow-a-changing-credential.md"


@pytest.fixture
def names(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """
    What the page defines.
    """
    for name, value in environment_for(emulator).items():
        monkeypatch.setenv(name, value)
    return names_of(PAGE)


def replace(path: Path, value: str) -> None:
    """
    Replace a file as Kubernetes does.
    """
    new = path.with_name("new")
    new.write_text(f"{value}\n")
    new.replace(path)


async def test_a_mounted_value_is_followed(emulator: Emulator, names: dict[str, Any], tmp_path: Path) -> None:
    """
    The async client uses a new value with the next request.
    """
    path = tmp_path / "value"
    other = emulator.issue("account")
    replace(path, emulator.api_token)
    async with Client(names["Mounted"](path).credential) as client:
        first = await client.accounts.tokens.verify()
        replace(path, other.value)
        second = await client.accounts.tokens.verify()

    assert first.id != second.id == other.id


def test_a_mounted_value_is_followed_in_the_blocking_client(
    emulator: Emulator, names: dict[str, Any], tmp_path: Path
) -> None:
    """
    So does the blocking client.
    """
    path = tmp_path / "value"
    other = emulator.issue("account")
    replace(path, emulator.api_token)
    with cftokens.sync.Client(names["Mounted"](path).read) as client:
        first = client.accounts.tokens.verify()
        replace(path, other.value)
        second = client.accounts.tokens.verify()

    assert first.id != second.id == other.id


@pytest.mark.parametrize(("seconds", "asked"), [(60.0, 1), (0.0, 2)])
async def test_a_vault_is_asked_again_after_a_while(
    emulator: Emulator, names: dict[str, Any], seconds: float, asked: int
) -> None:
    """
    Two requests ask once while the value is remembered, and once each if it is not.
    """
    requests: list[str] = []

    async def secret(request: web.Request) -> web.Response:
        requests.append(request.path)
        return web.json_response({"data": {"data": {"value": emulator.api_token}}})

    app = web.Application()
    app.router.add_get("/v1/secret/data/bots/dns", secret)
    async with TestServer(app) as server, aiohttp.ClientSession(server.make_url("/")) as session:
        vault = names["Vault"](session, "/v1/secret/data/bots/dns", seconds)
        async with Client(vault.credential) as client:
            await client.accounts.tokens.verify()
            await client.accounts.tokens.verify()

    assert len(requests) == asked


async def test_a_vault_that_refuses_is_reported_without_its_credential(names: dict[str, Any]) -> None:
    """
    The error says what happened, and neither it nor its causes hold the headers.
    """
    headers = {"X-Vault-Token": f"hvs.{MARK}"}
    async with TestServer(web.Application()) as server:
        async with aiohttp.ClientSession(server.make_url("/"), headers=headers) as session:
            async with Client(names["Vault"](session, "/v1/secret/data/bots/dns").credential) as client:
                with pytest.raises(CredentialError, match="RuntimeError") as caught:
                    await client.accounts.tokens.verify()

    assert str(caught.value.__cause__) == "The vault answered with 404."
    assert MARK not in f"{caught.value.__cause__!r} {caught.value.__context__!r}"
