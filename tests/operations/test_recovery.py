"""
Which tokens a lost create could have made.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from cftokens._operations.changes import check_attempt
from cftokens._operations.recovery import could_be
from cftokens.models import Condition, ConditionRequestIP, PermissionGroup, Token, TokenPolicy
from tests.answers import ATTEMPT
from tests.vocabulary import TOKEN_ID, TOKEN_POLICY, ZONE_READ

EARLIEST = ATTEMPT.started_on.timestamp() + 0.75
MADE = Token(id=TOKEN_ID, name="new", status="active", issued_on=ATTEMPT.started_on, policies=(TOKEN_POLICY,))
OTHER = PermissionGroup(id="f" * 32)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"issued_on": ATTEMPT.started_on + timedelta(hours=1)},
        {
            "policies": [
                TokenPolicy(
                    id=TOKEN_ID,
                    effect="allow",
                    permission_groups=[PermissionGroup(id=ZONE_READ, name="x")],
                    resources=TOKEN_POLICY.resources,
                )
            ]
        },
        {"policies": [TokenPolicy.from_dict({**TOKEN_POLICY.to_dict(), "added": "by Cloudflare"})]},
    ],
)
def test_the_token_that_was_asked_for_could_be_it(change: dict[str, Any]) -> None:
    """
    Name, access and time match, although Cloudflare's times have whole seconds, and whatever it adds.
    """
    assert could_be(attrs.evolve(MADE, **change), ATTEMPT, EARLIEST, arrived=())


@pytest.mark.parametrize(
    "change",
    [
        {"name": "New"},
        {"name": "new "},
        {"name": None},
        {"last_used_on": datetime(2026, 7, 1, 5, 21, tzinfo=UTC)},
        {"issued_on": None},
        {"issued_on": ATTEMPT.started_on - timedelta(seconds=1)},
        {"status": "disabled"},
        {"expires_on": datetime(2027, 1, 1, tzinfo=UTC)},
        {"not_before": datetime(2026, 1, 1, tzinfo=UTC)},
        {"policies": ()},
        {"policies": (TOKEN_POLICY, attrs.evolve(TOKEN_POLICY, effect="deny"))},
        {
            "policies": (
                attrs.evolve(TOKEN_POLICY, permission_groups=[*TOKEN_POLICY.permission_groups, OTHER]),
            )
        },
    ],
)
def test_any_other_token_could_not(change: dict[str, Any]) -> None:
    """
    A token with another name or access, in use, or older, is never taken for the lost one.
    """
    assert not could_be(attrs.evolve(MADE, **change), ATTEMPT, EARLIEST, arrived=())


def test_a_token_whose_value_arrived_is_not_lost() -> None:
    """
    A caller has its value, however well the token matches.
    """
    assert not could_be(MADE, ATTEMPT, EARLIEST, arrived=[MADE.id])


CONDITION = Condition(request_ip=ConditionRequestIP(in_=["192.0.2.0/24", "2001:db8::/32"]))


@pytest.mark.parametrize(
    ("asked", "found", "fits"),
    [
        (CONDITION, {"in_": ["2001:db8::/32", "192.0.2.0/24"], "not_in": []}, True),
        (CONDITION, {"in_": ["192.0.2.0/24"]}, False),
        (CONDITION, None, False),
        (None, {"in_": ["192.0.2.0/24"]}, False),
        (None, {}, True),
    ],
)
def test_the_condition_must_be_what_was_asked_for(
    asked: Condition | None, found: dict[str, list[str]] | None, fits: bool
) -> None:
    """
    Networks match in any order, and a token with other networks is not the lost one.
    """
    condition = None if found is None else Condition(request_ip=ConditionRequestIP(**found))
    token = attrs.evolve(MADE, condition=condition)

    assert could_be(token, attrs.evolve(ATTEMPT, condition=asked), EARLIEST, arrived=()) is fits


@pytest.mark.parametrize("attempt", [None, "x", MADE])
def test_anything_but_an_attempt_is_a_type_error(attempt: Any) -> None:
    """
    The error says what to pass.
    """
    with pytest.raises(TypeError, match=r"^attempt must be a CreateAttempt, such as error\.attempt, not"):
        check_attempt(attempt)


@pytest.mark.parametrize(
    ("start", "kind"),
    [(datetime(2026, 1, 1), ValueError), ("2026-01-01", TypeError)],  # noqa: DTZ001 -- the mistake
)
def test_the_start_of_an_attempt_has_a_time_zone(start: Any, kind: type[Exception]) -> None:
    """
    A naive datetime is a ValueError, and a string is a TypeError.
    """
    with pytest.raises(kind, match="started_on"):
        check_attempt(attrs.evolve(ATTEMPT, started_on=start))
