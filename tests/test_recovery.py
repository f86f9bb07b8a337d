"""
Which token can be the one that a lost create made.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from cftokens._recovery import could_be
from cftokens.models import PermissionGroup, Token, TokenPolicy
from tests.answers import ATTEMPT, GROUP_ID, POLICY, TOKEN_ID

EARLIEST = ATTEMPT.started_on.timestamp() + 0.75
MADE = Token(id=TOKEN_ID, name="new", issued_on=ATTEMPT.started_on, policies=(POLICY,))
OTHER = PermissionGroup(id="f" * 32)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"issued_on": ATTEMPT.started_on + timedelta(hours=1)},
        {"status": "disabled"},
        {
            "policies": [
                TokenPolicy(
                    id=TOKEN_ID,
                    effect="allow",
                    permission_groups=[PermissionGroup(id=GROUP_ID, name="x")],
                    resources=POLICY.resources,
                )
            ]
        },
    ],
)
def test_the_token_that_was_asked_for_could_be_it(change: dict[str, Any]) -> None:
    """
    Name, access and time fit, and the whole seconds of Cloudflare's times do not matter.
    """
    assert could_be(attrs.evolve(MADE, **change), ATTEMPT, EARLIEST)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "New"},
        {"name": "new "},
        {"name": None},
        {"last_used_on": datetime(2026, 7, 1, 5, 21, tzinfo=UTC)},
        {"issued_on": None},
        {"issued_on": ATTEMPT.started_on - timedelta(seconds=1)},
        {"policies": ()},
        {"policies": (POLICY, attrs.evolve(POLICY, effect="deny"))},
        {"policies": (attrs.evolve(POLICY, permission_groups=[*POLICY.permission_groups, OTHER]),)},
    ],
)
def test_any_other_token_could_not(change: dict[str, Any]) -> None:
    """
    A token with another name or access, in use, or older, is never taken for the lost one.
    """
    assert not could_be(attrs.evolve(MADE, **change), ATTEMPT, EARLIEST)
