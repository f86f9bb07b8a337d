"""
The ids, secrets, tokens and answers that the tests share. Each has one name, everywhere.
"""

from typing import Any, Final

from cftokens._secret import TokenValue
from cftokens.models import PermissionGroup, TokenPolicy
from tests.samples import sample

MARK: Final = "T0PS3CR3T"
"""Part of every secret in the tests. It must never be shown."""

CREDENTIAL: Final = f"cfat_{MARK}{'a' * 31}0badf00d"
MINTED: Final = f"cfat_{MARK}{'b' * 31}0badf00d"
CREDENTIAL_VALUE: Final = TokenValue(CREDENTIAL)

ACCOUNT: Final = "0000000000000000000000000000e001"
TOKEN_ID: Final = "0000000000000000000000000000a001"
ZONE_ID: Final = "22b1de5f1c0e4b3ea97bb1e963b06a43"
ZONE_READ: Final = "c8fed203ed3043cba015a93ad1616f1f"
DNS_READ: Final = "82e64a83756745bbbb1c9c2701bf816b"

POLICY: Final[dict[str, Any]] = {
    "effect": "allow",
    "permission_groups": [{"id": ZONE_READ}],
    "resources": {f"com.cloudflare.api.account.{ACCOUNT}": "*"},
}
TOKEN_POLICY: Final = TokenPolicy(
    effect="allow", permission_groups=(PermissionGroup(id=ZONE_READ),), resources=POLICY["resources"]
)
TOKEN: Final[dict[str, Any]] = {
    "id": TOKEN_ID,
    "name": "bot",
    "status": "active",
    "issued_on": "2026-01-02T03:04:05Z",
    "modified_on": "2026-01-02T03:04:05Z",
    "last_used_on": None,
    "expires_on": None,
    "not_before": None,
    "policies": [{"id": "f267e341f3dd4697bd3b9f71dd96247f", **POLICY}],
}

NO_CREDENTIAL: Final = (
    "There is no credential: pass api_token, or set CLOUDFLARE_API_TOKEN. Make one in the dashboard:\n"
    "https://dash.cloudflare.com/?to=/:account/api-tokens"
    "&permissionGroupKeys=%5B%7B%22key%22%3A%22account_api_tokens%22%2C%22type%22%3A%22edit%22%7D%5D"
    "&name=cftokens"
)
"""The message of the error about a missing credential."""

ADDRESSES: Final = {
    "list": ("GET", ""),
    "get": ("GET", f"/{TOKEN_ID}"),
    "create": ("POST", ""),
    "update": ("PUT", f"/{TOKEN_ID}"),
    "delete": ("DELETE", f"/{TOKEN_ID}"),
    "verify": ("GET", "/verify"),
    "permission_groups": ("GET", "/permission_groups"),
    "roll": ("PUT", f"/{TOKEN_ID}/value"),
}
"""The method of each operation, and its path below that of all tokens, as Cloudflare documents them."""

ONCE: Final = ("create", "roll")
"""The operations that would do harm if they were repeated."""

READS: Final = tuple(operation for operation, (method, _) in ADDRESSES.items() if method == "GET")
CHANGING: Final = tuple(operation for operation in ADDRESSES if operation not in READS)
REPEATED: Final = tuple(operation for operation in ADDRESSES if operation not in ONCE)

RESULTS: Final[dict[str, Any]] = {
    **{operation: sample(operation)["result"] for operation in ADDRESSES},
    "list": [TOKEN],
    "get": TOKEN,
    "permission_groups": [
        {"id": ZONE_READ, "name": "Zone Read", "scopes": ["com.cloudflare.api.account.zone"]}
    ],
    "update": TOKEN,
    "create": {**TOKEN, "value": MINTED},
    "roll": MINTED,
}
"""What a server answers to each operation: its sample, or something that is easier to compare."""


def success(result: Any, **members: Any) -> dict[str, Any]:
    """
    Return the envelope of a success.
    """
    return {"success": True, "errors": [], "messages": [], "result": result, **members}


def failure(*errors: object) -> dict[str, Any]:
    """
    Return the envelope of a refusal, with Cloudflare's errors.
    """
    return {"success": False, "errors": list(errors), "messages": [], "result": None}


def entry(code: int, message: str = "no") -> dict[str, Any]:
    """
    Return one of Cloudflare's errors.
    """
    return {"code": code, "message": message}
