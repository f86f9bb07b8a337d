"""
Which credentials are accepted, and how others are refused.
"""

from typing import Any

import pytest

from tests.vocabulary import ADDRESSES, CHANGING, READS

from .caller import TOKENS_READ, UNKNOWN_ID, UNKNOWN_VALUE, Caller, ManualClock, policy

INVALID = (403, 9109, "Invalid access token")
NOT_VERIFIED = (401, 1000, "Invalid API Token")
MALFORMED = (400, 6003, "Invalid request headers")
NOT_PERMITTED = (403, 9109, "Unauthorized to access requested resource")
SOON, LATER = "2027-01-15T08:00:01Z", "2027-01-15T09:00:00Z"


async def test_no_credential(caller: Caller) -> None:
    """
    A request without any credential is refused.
    """
    answer = await caller.send("GET", headers={})

    assert answer.refusal == (400, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers")


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer short", "Basic " + "A" * 40, "Bearer " + "A" * 81, "Bearer " + "é" * 40]
)
async def test_malformed_authorization(caller: Caller, header: str) -> None:
    """
    An Authorization header without a well-formed token is refused.
    """
    answer = await caller.send("GET", headers={"Authorization": header})

    assert answer.refusal == MALFORMED
    assert answer.content["errors"][0]["error_chain"] == [
        {"code": 6111, "message": "Invalid format for Authorization header"}
    ]


@pytest.mark.parametrize("header", ["X-Auth-Key", "X-Auth-Email", "X-Auth-User-Service-Key"])
async def test_global_key(caller: Caller, header: str) -> None:
    """
    A global API key is refused as unknown.
    """
    answer = await caller.send("GET", headers={header: "me@example.com"})

    assert answer.refusal == (403, 9103, "Unknown X-Auth-Key or X-Auth-Email")


async def test_verify_global_key(caller: Caller) -> None:
    """
    A global API key cannot be verified.
    """
    answer = await caller.send("GET", "/verify", headers={"X-Auth-Key": "0123456789abcdef"})

    assert answer.refusal == (400, 1001, 'Missing "Authorization" header')


@pytest.mark.parametrize(("below", "refusal"), [("", INVALID), ("/verify", NOT_VERIFIED)])
async def test_unknown_token(caller: Caller, below: str, refusal: Any) -> None:
    """
    A well-formed token that does not exist is refused; verify has its own error.
    """
    answer = await caller.send("GET", below, bearer=UNKNOWN_VALUE)

    assert answer.refusal == refusal


@pytest.mark.parametrize(("below", "refusal"), [("", INVALID), ("/verify", NOT_VERIFIED)])
@pytest.mark.parametrize("times", [{"expires_on": SOON}, {"not_before": LATER}])
async def test_outside_its_dates(
    caller: Caller, clock: ManualClock, below: str, refusal: Any, times: dict[str, str]
) -> None:
    """
    A token is refused before ``not_before`` and from ``expires_on`` on.
    """
    token = await caller.reader(**times)
    clock.now += 1

    answer = await caller.send("GET", below, bearer=token["value"])

    assert answer.refusal == refusal


async def test_within_its_dates(caller: Caller, clock: ManualClock) -> None:
    """
    A token works from ``not_before`` on, and verify returns its dates.
    """
    token = await caller.reader(not_before=SOON, expires_on=LATER)
    clock.now += 1

    answer = await caller.send("GET", "/verify", bearer=token["value"])

    assert answer.result == {"id": token["id"], "status": "active", "not_before": SOON, "expires_on": LATER}


@pytest.mark.parametrize(("below", "refusal"), [("", INVALID), ("/verify", NOT_VERIFIED)])
async def test_disabled(caller: Caller, below: str, refusal: Any) -> None:
    """
    A disabled token is refused.
    """
    token = await caller.reader()
    await caller.send("PUT", f"/{token['id']}", json=caller.body(status="disabled"))

    answer = await caller.send("GET", below, bearer=token["value"])

    assert answer.refusal == refusal


@pytest.mark.parametrize(
    "request_ip",
    [
        {"in": ["192.0.2.0/24"]},
        {"in": ["::/0"]},
        {"in": []},
        {"not_in": ["127.0.0.1/32"]},
        {"in": ["127.0.0.1/32"], "not_in": ["127.0.0.0/8"]},
    ],
)
@pytest.mark.parametrize("below", ["", "/verify"])
async def test_wrong_address(caller: Caller, below: str, request_ip: dict[str, list[str]]) -> None:
    """
    A token is refused from addresses that its condition does not allow; ``not_in`` overrides ``in``.
    """
    token = await caller.reader(condition={"request_ip": request_ip})

    answer = await caller.send("GET", below, bearer=token["value"])

    assert answer.refusal == (403, 9109, "Cannot use the access token from location: 127.0.0.1")


@pytest.mark.parametrize(
    "request_ip", [{}, {"in": ["127.0.0.9/24", "2400:cb00::/32"]}, {"not_in": ["::/0", "192.0.2.1/32"]}]
)
async def test_right_address(caller: Caller, request_ip: dict[str, list[str]]) -> None:
    """
    A token works from addresses that its condition allows.
    """
    token = await caller.reader(condition={"request_ip": request_ip})

    answer = await caller.send("GET", bearer=token["value"])

    assert answer.status == 200


READ_ADDRESSES = [ADDRESSES[operation] for operation in READS if operation != "verify"]
WRITE_ADDRESSES = [ADDRESSES[operation] for operation in CHANGING]


@pytest.mark.parametrize(("method", "below"), READ_ADDRESSES + WRITE_ADDRESSES)
async def test_without_permission(caller: Caller, method: str, below: str) -> None:
    """
    A token without a permission group for tokens can neither read nor write them.
    """
    token = await caller.create()

    answer = await caller.send(method, below, bearer=token["value"])

    assert answer.refusal == NOT_PERMITTED
    assert answer.content["errors"][0]["documentation_url"].startswith("https://developers.cloudflare.com/")


@pytest.mark.parametrize(("method", "below"), WRITE_ADDRESSES)
async def test_reader_cannot_write(caller: Caller, method: str, below: str) -> None:
    """
    A token with the group for reading tokens cannot write them.
    """
    token = await caller.reader()

    answer = await caller.send(method, below, bearer=token["value"])

    assert answer.refusal == NOT_PERMITTED


@pytest.mark.parametrize(("method", "below"), READ_ADDRESSES)
async def test_reader_can_read(caller: Caller, method: str, below: str) -> None:
    """
    A token with the group for reading tokens can read them.
    """
    token = await caller.reader()

    answer = await caller.send(method, below, bearer=token["value"])

    assert answer.status in (200, 404)


async def test_denied(caller: Caller) -> None:
    """
    A deny policy overrides an allow policy.
    """
    group = TOKENS_READ[caller.kind]
    token = await caller.create(policy(caller.home, group), policy(caller.home, group, effect="deny"))

    answer = await caller.send("GET", bearer=token["value"])

    assert answer.refusal == NOT_PERMITTED


async def test_verify_needs_no_permission(caller: Caller) -> None:
    """
    Any token can verify itself.
    """
    token = await caller.create()

    answer = await caller.send("GET", "/verify", bearer=token["value"])

    assert answer.result == {"id": token["id"], "status": "active"}
    assert answer.content["messages"] == [
        {"code": 10000, "message": "This API Token is valid and active", "type": None}
    ]


@pytest.mark.parametrize(
    ("below", "refusal"), [("", (403, 10000, "Authentication error")), ("/verify", NOT_VERIFIED)]
)
async def test_other_account(account: Caller, below: str, refusal: Any) -> None:
    """
    An account token is refused on another account.
    """
    answer = await account.send("GET", path=f"/accounts/{UNKNOWN_ID}/tokens{below}")

    assert answer.refusal == refusal


async def test_other_account_is_explained(account: Caller) -> None:
    """
    The refusal for another account has a documentation URL.
    """
    answer = await account.send("GET", path=f"/accounts/{UNKNOWN_ID}/tokens")

    assert "documentation_url" in answer.content["errors"][0]


async def test_scheme_in_any_case(caller: Caller) -> None:
    """
    The scheme of the Authorization header is case-insensitive.
    """
    answer = await caller.send("GET", headers={"Authorization": f"bearer {caller.value}"})

    assert answer.status == 200
