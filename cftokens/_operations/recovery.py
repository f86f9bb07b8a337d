"""
Lost creates: which token could be one, and settling it.
"""

import logging
import math
from collections.abc import Container
from typing import Final

import attrs

from cftokens._access import known_grants
from cftokens._operations import endpoints
from cftokens._operations.changes import Check, Lost, Settling
from cftokens._operations.editing import discard
from cftokens._operations.listing import list_tokens
from cftokens._operations.owners import Owner
from cftokens._operations.replacement import same_condition
from cftokens._operations.wording import listed, members_that_differ
from cftokens._transport.server_clock import QUICK, Reading
from cftokens.errors import AmbiguousOutcomeError
from cftokens.models import CreateAttempt, Token, TokenCreateResponse

_LOG: Final = logging.getLogger("cftokens")


async def recover(owner: Owner, attempt: CreateAttempt) -> TokenCreateResponse | None:
    """
    Return the token that a lost create made, with a new value, or None if there is none yet.
    """
    with owner.ledger.settling(attempt) as settling:
        async with settling.lock:
            return await _settle_once(owner, attempt, settling)


async def _settle_once(
    owner: Owner, attempt: CreateAttempt, settling: Settling
) -> TokenCreateResponse | None:
    for settled, result in settling.results:
        if settled == attempt:
            return result
    lost = owner.ledger.lost(attempt) or Lost(attempt)
    token = await find(owner, lost)
    if token is None:
        return None
    async with owner.ledger.rolls_of(token.id):
        if token.id in owner.ledger:  # another roll had its turn first
            return None
        if lost.check is not None:
            await _compare(owner, token, attempt, lost.check)
        value = await owner.roll_lost(owner.path_of(token.id), lost)
    recovered = TokenCreateResponse(**attrs.asdict(token, recurse=False), value=value)
    owner.ledger.settled(attempt)
    settling.results.append((attempt, recovered))
    _LOG.info("The create of %r is settled: it made the token %s.", attempt.name, token.id)
    return recovered


async def find(owner: Owner, lost: Lost) -> Token | None:
    """
    Return the one token that a lost create could have made.
    """
    attempt = lost.attempt
    tokens = await list_tokens(owner, name=attempt.name).collect()
    earliest, doubt = _start(owner, lost)
    if doubt > QUICK:  # a second answer may come quicker, and be more exact about the server's clock
        tokens = await list_tokens(owner, name=attempt.name).collect()
        earliest, _ = _start(owner, lost)
    await owner.ledger.creates_that_may_have_made(attempt)
    candidates = {token.id: token for token in tokens if could_be(token, attempt, earliest, owner.ledger)}
    if len(candidates) > 1:
        raise AmbiguousOutcomeError(
            f"{len(candidates)} tokens named {attempt.name!r} could be the lost one. None was changed. "
            "Compare their ids with the tokens you know, and delete the one that is not yours."
            f"{listed(candidates.values(), owner.redact)}",
            candidates=tuple(candidates.values()),
        )
    return next(iter(candidates.values()), None)


def _start(owner: Owner, lost: Lost) -> Reading:
    """
    Return when a create started, by the server's clock.
    """
    wall = lost.attempt.started_on
    if lost.started_at is None:
        return owner.server_time_of(wall)
    return owner.server_time(lost.started_at) or Reading(wall.timestamp(), 0.0)


async def _compare(owner: Owner, token: Token, attempt: CreateAttempt, check: Check) -> None:
    """
    Delete a copy that came out differently from what was asked for, and raise.
    """
    _, found = await owner.send(endpoints.read_token(owner.path_of(token.id)))
    if wrong := check(found):
        owner.ledger.settled(attempt)
        members = members_that_differ(wrong, attempt.policies, token.policies, owner.redact)
        await discard(owner, token.id, f"The token {token.id} differs from what was asked for in {members}")


def could_be(token: Token, attempt: CreateAttempt, earliest: float, arrived: Container[str]) -> bool:
    """
    Return whether *attempt* may have made *token*.

    Args:
        token: A token of the account or user.

        attempt: The lost create.

        earliest: Unix time of the attempt by the server's clock. Tokens have whole seconds.

        arrived: Ids of tokens whose value arrived.
    """
    return (
        token.name == attempt.name
        and token.id not in arrived
        and token.status == "active"
        and token.last_used_on is None
        and token.issued_on is not None
        and token.issued_on.timestamp() >= math.floor(earliest)
        and (token.expires_on, token.not_before) == (attempt.expires_on, attempt.not_before)
        and same_condition(token.condition, attempt.condition)
        and known_grants(token.policies) == known_grants(attempt.policies)
    )
