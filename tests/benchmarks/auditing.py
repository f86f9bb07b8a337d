"""
An audit: the best round counts, as with calls.
"""

import time
from datetime import UTC, datetime
from typing import Final

from cftokens import PermissionGroup, Token
from cftokens.audit import audit
from cftokens.emulator._catalogue import CATALOGUE
from tests.benchmarks.bars import Bar
from tests.benchmarks.measuring import TOKENS, tidy_up
from tests.benchmarks.server import ACCOUNT, token

LONGEST_AUDIT: Final = 50
"""Milliseconds."""

_NOW: Final = datetime(2026, 7, 10, tzinfo=UTC)


def measure_audit(rounds: int) -> Bar:
    """
    Audit tokens with the whole catalogue, and return how long that takes.
    """
    groups = [PermissionGroup.from_dict(group.as_listed()) for group in CATALOGUE.values()]
    best = float("inf")
    for _ in range(rounds):
        tokens = [_token(number) for number in range(TOKENS)]
        tidy_up()
        start = time.perf_counter()
        audit(tokens, now=_NOW, groups=groups)
        best = min(best, time.perf_counter() - start)
    return Bar(f"auditing {TOKENS} tokens", 1000 * best, LONGEST_AUDIT, "{:.1f} ms", at_least=False)


def _token(number: int) -> Token:
    """
    Return a token that was not read before. Every other one is on a zone of its own.
    """
    made = token(f"{number:032x}")
    zone = f"com.cloudflare.api.account.zone.{number:032x}"
    everywhere = {f"com.cloudflare.api.account.{ACCOUNT}": {"com.cloudflare.api.account.zone.*": "*"}}
    made["policies"][0]["resources"] = {zone: "*"} if number % 2 else everywhere
    return Token.from_dict(made)
