"""
Whether a token can be the one that a lost create made.
"""

import math

from cftokens.models import CreateAttempt, Token
from cftokens.policies import same_access


def could_be(token: Token, attempt: CreateAttempt, earliest: float) -> bool:
    """
    Tell whether *token* may have come of *attempt*.

    Args:
        earliest: Unix time of the attempt by the server's clock. Tokens carry whole seconds.
    """
    return (
        token.name == attempt.name
        and token.last_used_on is None
        and token.issued_on is not None
        and token.issued_on.timestamp() >= math.floor(earliest)
        and same_access(token.policies, attempt.policies)
    )
