"""
Creates, replaces, edits and copies tokens, given checked fields.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final, NoReturn

from cftokens._converter import unstructure
from cftokens._operations import endpoints
from cftokens._operations.bodies import to_json
from cftokens._operations.changes import AttemptFactory
from cftokens._operations.owners import Owner
from cftokens._operations.replacement import are_alike, not_as_sent, replacement
from cftokens._operations.wording import members_that_differ
from cftokens._settings import Unset
from cftokens.errors import CFTokensError, UnexpectedResponseError
from cftokens.models import CreateAttempt, Token, TokenCreateResponse
from cftokens.policies import PolicyArgument

_LOG: Final = logging.getLogger("cftokens")

Fields = Mapping[str, Any]
"""What `bodies.fields_from()` returns, with ``policies`` once they are resolved."""


async def create(owner: Owner, policies: Iterable[PolicyArgument], fields: Fields) -> TokenCreateResponse:
    """
    Make a token.
    """
    fields = {**fields, "policies": await owner.resolve(policies)}
    body = to_json(fields)
    request = endpoints.create_token(owner.tokens_path, body)
    created = await owner.create(request, _asked(owner, fields), lambda created: created)
    _report_differences(body, created, owner.redact(created.id))
    return created


async def update(owner: Owner, token_id: str, policies: Iterable[PolicyArgument], fields: Fields) -> Token:
    """
    Replace a token.
    """
    token = owner.path_of(token_id)
    body = to_json({**fields, "policies": await owner.resolve(policies)})
    updated = await owner.change(endpoints.update_token(token, body))
    _report_differences(body, updated, token_id)
    return updated


def _report_differences(body: Mapping[str, Any], answered: Token, token_id: str) -> None:
    """
    Log what differs from what was sent. It is no error, because the token is there.
    """
    if wrong := not_as_sent(body, {}, unstructure(answered)):
        _LOG.warning("The token %s differs from what was sent in %s.", token_id, ", ".join(wrong))


async def edit(
    owner: Owner, token_id: str, policies: Iterable[PolicyArgument] | Unset, fields: Fields
) -> Token:
    """
    Change some fields of a token, and check that the others are unchanged.
    """
    token = owner.path_of(token_id)
    changes = await _with_policies(owner, policies, fields)
    return await apply(owner, token, lambda _: changes)


async def apply(owner: Owner, token: endpoints.TokenPath, changes: Callable[[Token], Fields]) -> Token:
    """
    Read a token and change some of its fields, unless it is like that already.

    Args:
        owner: Whose token it is.

        token: Its path.

        changes: Returns the new fields of the token that was read.
    """
    read, before = await owner.send(endpoints.read_token(token))
    body = replacement(before, to_json(changes(read)))
    if are_alike(body, replacement(before, {})):
        return read
    return await owner.change(endpoints.edit_token(token, body, before))


async def clone(
    owner: Owner, token_id: str, policies: Iterable[PolicyArgument] | Unset, fields: Fields
) -> TokenCreateResponse:
    """
    Copy a token, and delete the copy if it comes out differently.
    """
    token = owner.path_of(token_id)
    changes = await _with_policies(owner, policies, fields)
    original, before = await owner.send(endpoints.read_token(token))
    return await copy(owner, original, before, changes)


async def copy(
    owner: Owner, original: Token, before: Mapping[str, Any], changes: Fields
) -> TokenCreateResponse:
    """
    Copy a token that was read, and delete the copy if it comes out differently.
    """
    body = replacement(before, {**to_json(changes), "status": None})  # a new token has no status to set
    check = partial(not_as_sent, body, before)
    created, wrong = await owner.create(
        endpoints.clone_token(owner.tokens_path, body, check),
        _asked(owner, {**_fields_of(original), **changes}),
        lambda result: result[0],
        check,
    )
    if wrong:
        members = members_that_differ(wrong, body.get("policies", ()), created.policies, owner.redact)
        await discard(owner, created.id, f"The copy of {original.id} differs from what was sent in {members}")
    return created


async def discard(owner: Owner, token_id: str, problem: str) -> NoReturn:
    """
    Delete a token that is not as it should be, and raise. If it is not deleted, the caller learns its id.
    """
    left_over = f"{problem}, and {owner.redact(token_id):.80} could not be deleted: delete it."
    try:
        await owner.change(endpoints.delete_token(owner.path_of(token_id)))
    except (CFTokensError, ValueError) as error:
        _LOG.warning("%s", left_over)
        raise UnexpectedResponseError(left_over, outcome_unknown=True) from error
    except BaseException as interrupt:
        _LOG.warning("%s", left_over)
        interrupt.add_note(left_over)
        raise
    raise UnexpectedResponseError(f"{problem}, so it was deleted.")


async def _with_policies(owner: Owner, policies: Iterable[PolicyArgument] | Unset, fields: Fields) -> Fields:
    """
    Add policies, if they are given. Mistakes in them are raised before the token is read.
    """
    return fields if isinstance(policies, Unset) else {**fields, "policies": await owner.resolve(policies)}


def _fields_of(token: Token) -> Fields:
    return {key: getattr(token, key) for key in ("policies", "condition", "expires_on", "not_before")}


def _asked(owner: Owner, fields: Fields) -> AttemptFactory:
    def asked(started_on: datetime) -> CreateAttempt:
        return CreateAttempt(
            account_id=owner.account_id,
            started_on=started_on,
            name=fields["name"],
            policies=fields["policies"],
            condition=fields.get("condition"),
            expires_on=fields.get("expires_on"),
            not_before=fields.get("not_before"),
        )

    return asked
