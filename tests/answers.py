"""
What the tests of the pure modules share: every operation as a request, and answers to it.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from multidict import CIMultiDict

from cftokens._operations import endpoints
from cftokens._operations.bodies import fields_from, policies_from, to_json
from cftokens._operations.pagination import Batch
from cftokens._secret import TokenValue
from cftokens._transport.messages import Answer, Request
from cftokens.errors import APIError
from cftokens.models import (
    CreateAttempt,
    Token,
    TokenCreateResponse,
    TokenDeleteResponse,
    TokenVerifyResponse,
)
from tests.samples import sample
from tests.vocabulary import ACCOUNT, TOKEN_ID, TOKEN_POLICY

TOKENS: Final = f"/accounts/{ACCOUNT}/tokens"
"""The path of the account's tokens."""

ATTEMPT: Final = CreateAttempt(
    name="new",
    policies=(TOKEN_POLICY,),
    account_id=ACCOUNT,
    started_on=datetime(2026, 7, 1, 5, 20, tzinfo=UTC),
)

THE_TOKEN: Final = endpoints.token_path(TOKENS, TOKEN_ID)


def policies_to_json(policies: Iterable[Any]) -> list[dict[str, Any]]:
    """
    Return plain policies as they are sent.
    """
    return list(to_json({"policies": policies_from(policies)})["policies"])


def body_of(*, policies: Iterable[Any], **fields: Any) -> dict[str, Any]:
    """
    Return the body that a create or an update sends for these arguments.
    """
    body = to_json({**fields_from(**fields), "policies": policies_from(policies)})
    return {key: value for key, value in body.items() if value is not None}


REQUESTS: Final[Mapping[str, Callable[[], Request[Any]]]] = {
    "list": lambda: endpoints.list_tokens(TOKENS, "page=1"),
    "permission_groups": lambda: endpoints.list_permission_groups(TOKENS),
    "get": lambda: endpoints.get_token(THE_TOKEN),
    "create": lambda: endpoints.create_token(TOKENS, body_of(name="new", policies=[TOKEN_POLICY])),
    "update": lambda: endpoints.update_token(THE_TOKEN, body_of(name="renamed", policies=[TOKEN_POLICY])),
    "delete": lambda: endpoints.delete_token(THE_TOKEN),
    "verify": lambda: endpoints.verify_token(TOKENS),
    "roll": lambda: endpoints.roll_token(THE_TOKEN),
}
"""Each operation, by the name of its sample."""

MODELS: Final[Mapping[str, type[Any]]] = {
    "list": Batch,
    "permission_groups": Batch,
    "get": Token,
    "create": TokenCreateResponse,
    "update": Token,
    "delete": TokenDeleteResponse,
    "verify": TokenVerifyResponse,
    "roll": TokenValue,
}
"""What the answer to each operation becomes."""

SINGLE: Final[Mapping[str, type[Any]]] = {
    operation: model
    for operation, model in MODELS.items()
    if model not in (Batch, TokenCreateResponse, TokenValue)
}
"""Those that become one model without a value."""


def sample_of(operation: str) -> Any:
    """
    Return the successful answer to an operation.
    """
    return sample(operation)


def answer(body: object, status: int = 200, **headers: str) -> Answer:
    """
    Return an answer; a body that is not bytes becomes JSON.
    """
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, CIMultiDict(named), raw, 1_800_000_000.0)


def refused(result: object) -> APIError:
    """
    Check that the outcome is an APIError, and return it.
    """
    assert isinstance(result, APIError)
    return result
