"""
Supported and unsupported paths, methods and ids.
"""

import pytest

from .caller import UNKNOWN_ID, Caller

BAD_IDS = ["verify2", "0" * 31, "0" * 33, "A" * 32, "g" * 32, "a%2Fb", "..%2f", "%20", "%0A"]


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/nothing",
        "/user/",
        "/user/token",
        "/accounts/",
        f"/accounts/{UNKNOWN_ID}",
        "/zones/0/tokens",
        "//user/tokens",
        "/%0A",
        "/user/tokens%0A",
        "/user%2Ftokens",
        "/%FF",
    ],
)
async def test_no_route(account: Caller, path: str) -> None:
    """
    An unknown path is refused in Cloudflare's envelope, and recorded like any other.
    """
    answer = await account.send("GET", path=path)

    assert answer.refusal == (404, 7000, "No route for that URI")
    assert answer.headers["CF-Ray"].endswith("-AMS")
    assert [(request.path, request.status) for request in account.emulator.requests] == [(path, 404)]


async def test_no_route_to_roll(caller: Caller) -> None:
    """
    The only path below a token is its value.
    """
    answer = await caller.send("POST", f"/{UNKNOWN_ID}/roll")

    assert answer.refusal == (404, 7000, "No route for that URI")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("token_id", BAD_IDS)
async def test_malformed_token_id(caller: Caller, method: str, token_id: str) -> None:
    """
    A malformed token id is refused.
    """
    answer = await caller.send(method, f"/{token_id}")
    route = f"{caller.tokens}/{token_id}"

    assert answer.refusal == (
        400,
        7003,
        f"Could not route to {route}, perhaps your object identifier is invalid?",
    )


@pytest.mark.parametrize("account_id", ["", *BAD_IDS])
async def test_malformed_account_id(account: Caller, account_id: str) -> None:
    """
    A malformed account id is refused.
    """
    answer = await account.send("GET", path=f"/accounts/{account_id}/tokens")

    assert answer.refusal[:2] == (400, 7003)


@pytest.mark.parametrize("token_id", ["", "verify", "permission_groups"])
async def test_roll_without_id(caller: Caller, token_id: str) -> None:
    """
    A roll without a token id is refused.
    """
    answer = await caller.send("PUT", f"/{token_id}/value")

    assert answer.refusal[:2] == (400, 7003)


async def test_empty_id_lists(caller: Caller) -> None:
    """
    A get with an empty token id lists the tokens.
    """
    answer = await caller.send("GET", "/")

    assert [token["name"] for token in answer.result] == [f"The emulator's first {caller.kind} token"]


@pytest.mark.parametrize(
    ("method", "below"),
    [
        ("PUT", "/"),
        ("DELETE", "/"),
        ("PUT", ""),
        ("PATCH", f"/{UNKNOWN_ID}"),
        ("POST", f"/{UNKNOWN_ID}"),
        ("GET", f"/{UNKNOWN_ID}/value"),
        ("POST", "/verify"),
        ("PUT", "/permission_groups"),
    ],
)
async def test_unsupported_method(caller: Caller, method: str, below: str) -> None:
    """
    A method that the path does not support is refused.
    """
    answer = await caller.send(method, below)

    assert answer.refusal == (405, 7001, f"Method {method} not available for that URI.")


@pytest.mark.parametrize(("method", "below"), [("GET", ""), ("PUT", ""), ("DELETE", ""), ("PUT", "/value")])
async def test_unknown_id(caller: Caller, method: str, below: str) -> None:
    """
    A well-formed id that no token has is not found.
    """
    answer = await caller.send(method, f"/{UNKNOWN_ID}{below}", json=caller.body())

    assert answer.refusal == (404, 1003, "API token not found")


async def test_token_of_the_other_kind(account: Caller, user: Caller) -> None:
    """
    A user token is not found under an account.
    """
    token = await user.create()

    answer = await account.send("GET", f"/{token['id']}")

    assert answer.refusal[0] == 404


@pytest.mark.parametrize("path", ["/user", "/accounts"])
async def test_only_get(account: Caller, path: str) -> None:
    """
    The user and the accounts cannot be changed.
    """
    answer = await account.send("PATCH", path=path)

    assert answer.refusal == (405, 7001, "Method PATCH not available for that URI.")
