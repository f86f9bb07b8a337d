"""
Turns arguments into a token's fields, and fields into the API's JSON.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from cftokens._arguments import PlainCondition, condition_from, policy_from
from cftokens._checks import check_choice, check_date_time, check_several, check_token_name
from cftokens._converter import unstructure
from cftokens._settings import UNSET, Unset
from cftokens.models import TokenPolicy
from cftokens.policies import PolicyArgument, PolicyDraft


def fields_from(
    *,
    name: str | Unset = UNSET,
    condition: PlainCondition | Unset | None = UNSET,
    expires_on: datetime | Unset | None = UNSET,
    not_before: datetime | Unset | None = UNSET,
    status: str | Unset = UNSET,
) -> dict[str, Any]:
    """
    Return a token's fields except its policies. `UNSET` is left out, and None stays.

    Raises:
        ValueError: An argument is wrong.

        TypeError: An argument has the wrong type.
    """
    fields = {
        "name": _checked(name, check_token_name),
        "condition": _checked_or_none(condition, condition_from),
        "expires_on": _checked_or_none(expires_on, partial(check_date_time, name="expires_on")),
        "not_before": _checked_or_none(not_before, partial(check_date_time, name="not_before")),
        "status": _checked(status, partial(check_choice, name="status", choices=("active", "disabled"))),
    }
    start, end = fields["not_before"], fields["expires_on"]
    if isinstance(start, datetime) and isinstance(end, datetime) and end <= start:
        raise ValueError("expires_on must be after not_before, or the token would never work.")
    return {key: value for key, value in fields.items() if not isinstance(value, Unset)}


def _checked(value: Any, check: Callable[[Any], Any]) -> Any:
    return value if isinstance(value, Unset) else check(value)


def _checked_or_none(value: Any, check: Callable[[Any], Any]) -> Any:
    return None if value is None else _checked(value, check)


def policies_from(policies: Iterable[PolicyArgument]) -> list[TokenPolicy | PolicyDraft]:
    """
    Return checked policies. Those in words stay drafts until their groups are looked up.

    Raises:
        ValueError: A policy is wrong.

        TypeError: A policy has the wrong type, or *policies* is a single one.
    """
    given = check_several(policies, "policies", "policies")
    return [
        policy if isinstance(policy, PolicyDraft) else policy_from(policy, f"policies[{index}]")
        for index, policy in enumerate(given)
    ]


def to_json(fields: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return fields in the API's JSON shape. None stays.
    """
    written: dict[str, Any] = unstructure(dict(fields))
    return written


def encode(body: Mapping[str, Any]) -> bytes:
    """
    Return a body as it is sent. A key with None is left out, which is how the API removes a field.
    """
    return json.dumps({key: value for key, value in body.items() if value is not None}).encode()
