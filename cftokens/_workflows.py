"""
What takes more than one request: pages, names of permission groups, partial changes, lost creates.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from cftokens import _calls as calls
from cftokens._arguments import (
    LARGEST_PAGE,
    SMALLEST_PAGE,
    check_choice,
    check_flag,
    check_id,
    check_text,
    check_whole_number,
    list_of_policies,
    policy_to_json,
)
from cftokens._catalogue import Groups, find_group, needs_catalogue, refuse_for_accounts, resolve
from cftokens._options import Unset
from cftokens._pagination import Batch, Paginator
from cftokens._recovery import could_be
from cftokens._replacement import replacement
from cftokens._sender import Sender
from cftokens.errors import AmbiguousOutcomeError, CFTokensError, UnexpectedResponseError
from cftokens.models import CreateAttempt, PermissionGroup, Token, TokenCreateResponse
from cftokens.policies import PolicyArgument, PolicyDraft

T = TypeVar("T")

_LOG: Final = logging.getLogger("cftokens")


def list_tokens(
    sender: Sender,
    account_id: str | None,
    *,
    direction: str | None = None,
    include_expired: bool | None = None,
    name: str | None = None,
    page: int | None = None,
    per_page: int | None = None,
) -> Paginator[Token]:
    """
    List tokens, page by page.
    """
    size = check_whole_number(
        LARGEST_PAGE if per_page is None else per_page, "per_page", SMALLEST_PAGE, LARGEST_PAGE
    )
    first = check_whole_number(1 if page is None else page, "page", 1)
    query = {"per_page": str(size)}
    if direction is not None:
        query["direction"] = check_choice(direction, "direction", ("asc", "desc"))
    if include_expired is not None:
        query["include_expired"] = check_flag(include_expired, "include_expired")
    if name is not None:
        query["name"] = check_text(name, "name")

    async def fetch(number: int) -> Batch[Token]:
        return await sender.send(calls.list_tokens(account_id, {**query, "page": str(number)}))

    return Paginator(fetch, first=first, per_page=size, keep=lambda token: name is None or token.name == name)


def list_permission_groups(
    sender: Sender, account_id: str | None, *, name: str | None, scope: str | None
) -> Paginator[PermissionGroup]:
    """
    List the catalogue, which has one page.
    """
    given = {"name": name, "scope": scope}
    query = {key: check_text(value, key) for key, value in given.items() if value is not None}

    async def fetch(_: int) -> Batch[PermissionGroup]:
        return await sender.send(calls.list_permission_groups(account_id, query))

    def keep(group: PermissionGroup) -> bool:
        return (name is None or group.name == name) and (scope is None or scope in (group.scopes or ()))

    return Paginator(fetch, keep=keep)


async def find_permission_group(
    sender: Sender, account_id: str | None, name: str, scope: str | None
) -> PermissionGroup:
    """
    Return the one permission group of that name and scope.
    """
    check_text(name, "name")
    if scope is not None:
        check_text(scope, "scope")
    return await _look_up(sender, account_id, lambda groups: find_group(groups, name, scope))


async def write_out(
    sender: Sender, account_id: str | None, policies: Iterable[PolicyArgument]
) -> list[dict[str, Any]]:
    """
    Return policies in the API's own shape. Those in words are looked up, which may take a request.

    Raises:
        PermissionGroupError: A name does not stand for one permission group.

        ValueError: A policy is wrong.

        TypeError: A policy has the wrong type.
    """
    given = list_of_policies(policies)
    drafts = [policy for policy in given if isinstance(policy, PolicyDraft)]
    plain = {
        index: policy_to_json(policy, f"policies[{index}]")
        for index, policy in enumerate(given)
        if not isinstance(policy, PolicyDraft)
    }
    for draft in drafts if account_id is not None else ():
        refuse_for_accounts(draft)

    def write(groups: Groups) -> list[dict[str, Any]]:
        written: list[dict[str, Any]] = []
        for index, policy in enumerate(given):
            written += resolve(policy, groups) if isinstance(policy, PolicyDraft) else [plain[index]]
        return written

    if not any(map(needs_catalogue, drafts)):
        return write(())
    return await _look_up(sender, account_id, write)


async def _look_up(sender: Sender, account_id: str | None, find: Callable[[Groups], T]) -> T:
    async def fetch() -> Groups:
        return (await sender.send(calls.list_permission_groups(account_id, {}))).items

    return await sender.options.catalogue.look_up(account_id, fetch, find)


async def create(
    sender: Sender, account_id: str | None, policies: Iterable[PolicyArgument], settings: Mapping[str, Any]
) -> TokenCreateResponse:
    """
    Make a token.
    """
    body = await _body(sender, account_id, policies, settings)
    return await sender.send(calls.create_token(account_id, body))


async def update(
    sender: Sender,
    account_id: str | None,
    token_id: str,
    policies: Iterable[PolicyArgument],
    settings: Mapping[str, Any],
) -> Token:
    """
    Replace a token.
    """
    check_id(token_id, "token_id")
    body = await _body(sender, account_id, policies, settings)
    return await sender.send(calls.update_token(account_id, token_id, body))


async def _body(
    sender: Sender, account_id: str | None, policies: Iterable[PolicyArgument], settings: Mapping[str, Any]
) -> dict[str, Any]:
    written = await write_out(sender, account_id, policies)
    return {key: value for key, value in {**settings, "policies": written}.items() if value is not None}


async def recover(sender: Sender, attempt: CreateAttempt) -> TokenCreateResponse | None:
    """
    Settle a create whose outcome is unknown.
    """
    named = list_tokens(sender, attempt.account_id, name=attempt.name)
    tokens = await named.collect()
    earliest = attempt.started_on.timestamp() + sender.transport.seconds_ahead()
    candidates = [token for token in tokens if could_be(token, attempt, earliest, sender.transport.known)]
    if not candidates:
        return None
    if len(candidates) > 1:
        raise AmbiguousOutcomeError(
            f"{len(candidates)} tokens named {attempt.name!r} could be the lost one; none was touched. "
            "Compare their ids with those that you know, and delete the one that nobody knows.",
            candidates=tuple(candidates),
        )
    recovered = await sender.send(calls.recover_token(candidates[0], attempt))
    _LOG.info("The create of %r is settled: it made the token %s.", attempt.name, recovered.id)
    return recovered


async def edit(
    sender: Sender,
    account_id: str | None,
    token_id: str,
    policies: Iterable[PolicyArgument] | Unset,
    settings: Mapping[str, Any],
) -> Token:
    """
    Change some of a token, and make sure that the rest stayed.
    """
    before, changes = await _read(sender, account_id, token_id, policies, settings)
    return await sender.send(calls.replace_token(account_id, token_id, replacement(before, changes), before))


async def clone(
    sender: Sender,
    account_id: str | None,
    token_id: str,
    policies: Iterable[PolicyArgument] | Unset,
    settings: Mapping[str, Any],
) -> TokenCreateResponse:
    """
    Make a token like another one. If it does not come out like it, it is deleted again.
    """
    before, changes = await _read(sender, account_id, token_id, policies, settings)
    body = replacement(before, {**changes, "status": None})  # a new token has no status to set
    created, wrong = await sender.send(calls.copy_token(account_id, body, before))
    if not wrong:
        return created
    told = f"The copy of {token_id} is not like it: {', '.join(wrong)} did not come out as sent"
    try:
        await sender.send(calls.delete_token(account_id, created.id))
    except CFTokensError as error:
        raise UnexpectedResponseError(
            f"{told}, and {created.id} could not be deleted again: delete it.", outcome_unknown=True
        ) from error
    raise UnexpectedResponseError(f"{told}, so it was deleted again.")


async def _read(
    sender: Sender,
    account_id: str | None,
    token_id: str,
    policies: Iterable[PolicyArgument] | Unset,
    settings: Mapping[str, Any],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """
    Return a token as it is, and the changes in JSON. Mistakes in them come up before a request is made.
    """
    call = calls.read_token(account_id, token_id)
    changes = dict(settings)
    if not isinstance(policies, Unset):
        changes["policies"] = await write_out(sender, account_id, policies)
    return await sender.send(call), changes
