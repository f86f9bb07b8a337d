"""
Whether a token can be the one that a lost create made.
"""

import math
from collections.abc import Container

from cftokens._arguments import date_time
from cftokens._replacement import same_condition
from cftokens.models import CreateAttempt, Token
from cftokens.policies import same_access


def check_attempt(attempt: object) -> CreateAttempt:
    """
    Return an attempt that can be looked for.

    Raises:
        ValueError: Its start has no time zone.

        TypeError: It is none.
    """
    if not isinstance(attempt, CreateAttempt):
        raise TypeError(
            f"recover() takes a CreateAttempt, such as error.attempt, not {type(attempt).__name__}."
        )
    date_time(attempt.started_on, "started_on")
    return attempt


def could_be(token: Token, attempt: CreateAttempt, earliest: float, known: Container[str]) -> bool:
    """
    Tell whether *token* may have come of *attempt*.

    Args:
        earliest: Unix time of the attempt by the server's clock. Tokens carry whole seconds.

        known: Ids of tokens whose value has arrived.
    """
    return (
        token.name == attempt.name
        and token.id not in known
        and token.status == "active"
        and token.last_used_on is None
        and token.issued_on is not None
        and token.issued_on.timestamp() >= math.floor(earliest)
        and (token.expires_on, token.not_before) == (attempt.expires_on, attempt.not_before)
        and same_condition(token.condition, attempt.condition)
        and same_access(token.policies, attempt.policies)
    )
