"""
What the tests of the pure modules share: an account, a credential, and every operation as data.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from multidict import CIMultiDict

from cftokens import _calls as calls
from cftokens._arguments import list_of_policies, policy_to_json, settings_to_json
from cftokens._secret import TokenValue
from cftokens._wire import Answer, Call
from cftokens.errors import APIError
from cftokens.models import CreateAttempt, PermissionGroup, Token, TokenPolicy
from tests.samples import sample

ACCOUNT: Final = "0000000000000000000000000000e001"
TOKEN_ID: Final = "0000000000000000000000000000a001"
GROUP_ID: Final = "0000000000000000000000000000d001"
SECRET: Final = "cfat_InventedInventedInventedInventedInvented0badf00d"
MINTED: Final = "cfat_MintedMintedMintedMintedMintedMinted12340badf00d"
CREDENTIAL: Final = TokenValue(SECRET)

POLICY: Final = TokenPolicy(
    effect="allow",
    permission_groups=(PermissionGroup(id=GROUP_ID),),
    resources={f"com.cloudflare.api.account.{ACCOUNT}": "*"},
)
ATTEMPT: Final = CreateAttempt(
    name="new", policies=(POLICY,), account_id=ACCOUNT, started_on=datetime(2026, 7, 1, 5, 20, tzinfo=UTC)
)


def policies_to_json(policies: Iterable[Any]) -> list[dict[str, Any]]:
    """
    Return plain policies as they are sent.
    """
    return [
        policy_to_json(each, f"policies[{index}]") for index, each in enumerate(list_of_policies(policies))
    ]


def body_of(*, policies: Iterable[Any], **settings: Any) -> dict[str, Any]:
    """
    Return the body that a create or an update sends for these arguments.
    """
    body = {**settings_to_json(**settings), "policies": policies_to_json(policies)}
    return {key: value for key, value in body.items() if value is not None}


def _create() -> Call[Any]:
    return calls.create_token(ACCOUNT, body_of(name="new", policies=[POLICY]))


def _update() -> Call[Any]:
    return calls.update_token(ACCOUNT, TOKEN_ID, body_of(name="renamed", policies=[POLICY]))


CALLS: Final[Mapping[str, Callable[[], Call[Any]]]] = {
    "list": lambda: calls.list_tokens(ACCOUNT, {"page": "1"}),
    "permission_groups": lambda: calls.list_permission_groups(ACCOUNT, {}),
    "get": lambda: calls.get_token(ACCOUNT, TOKEN_ID),
    "create": _create,
    "update": _update,
    "delete": lambda: calls.delete_token(ACCOUNT, TOKEN_ID),
    "verify": lambda: calls.verify_token(ACCOUNT),
    "roll": lambda: calls.roll_token(ACCOUNT, TOKEN_ID),
    "recover": lambda: calls.recover_token(Token(id=TOKEN_ID), ATTEMPT),
}
"""Each operation, by the name of its sample."""


def sample_of(operation: str) -> Any:
    """
    Return the success that belongs to an operation.
    """
    return sample("roll" if operation == "recover" else operation)


def answer(body: object, status: int = 200, **headers: str) -> Answer:
    """
    Return an answer; a body that is not bytes becomes JSON.
    """
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, CIMultiDict(named), raw, 1_800_000_000.0)


def success(result: object, **more: object) -> dict[str, object]:
    """
    Return an envelope that says yes.
    """
    return {"success": True, "errors": [], "messages": [], "result": result, **more}


def failure(*errors: object) -> dict[str, object]:
    """
    Return an envelope that says no.
    """
    return {"success": False, "errors": list(errors), "messages": [], "result": None}


def refused(result: object) -> APIError:
    """
    Return what `decipher` made of a refusal.
    """
    assert isinstance(result, APIError)
    return result
