"""
The life of a token: for a while, as it should be, and to its end.

What must not stay behind is deleted even if the operation is cancelled, and the exception tells what is left.
"""

import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, NoReturn

from cftokens._checks import LONGEST_NAME, check_duration, check_seconds
from cftokens._converter import unstructure
from cftokens._operations import editing
from cftokens._operations.activation import check_wait, wait_until_active
from cftokens._operations.bodies import to_json
from cftokens._operations.cleaning import SECONDS, make, remove, tell
from cftokens._operations.editing import Fields
from cftokens._operations.listing import list_tokens
from cftokens._operations.owners import Owner
from cftokens._operations.replacement import is_as_wanted, replacement
from cftokens._operations.wording import listed
from cftokens.errors import AmbiguousOutcomeError, CFTokensError
from cftokens.models import Ensured, Token, TokenCreateResponse, TokenPolicy
from cftokens.policies import PolicyArgument, PolicyDraft

_LONGEST_TEMPORARY_NAME: Final = LONGEST_NAME - len("-01234567")


# For a while


class Temporary:
    """
    A token that exists while an ``async with`` block runs.
    """

    def __init__(
        self,
        owner: Owner,
        *,
        policies: list[TokenPolicy | PolicyDraft],
        fields: Fields,
        lifetime: timedelta,
        wait: float | None,
        delete_timeout: float,
    ) -> None:
        self._owner = owner
        self._policies = policies
        self._fields = {**fields, "name": f"{fields['name']}-{secrets.token_hex(4)}"}
        self._lifetime = lifetime
        self._wait = wait
        self._delete_timeout = delete_timeout
        self._entered = False
        self._token: TokenCreateResponse | None = None

    async def __aenter__(self) -> TokenCreateResponse:
        if self._entered:
            raise RuntimeError("This temporary token was made before; call temporary() again.")
        self._entered = True
        await self._owner.hear_clock()
        fields = {**self._fields, "expires_on": self._owner.now() + self._lifetime}
        creating = editing.create(self._owner, self._policies, fields)
        self._token = token = await make(self._owner, creating, self._delete_timeout, unique=True)
        if self._wait is not None:
            try:
                await wait_until_active(self._owner, token.value, self._wait)
            except BaseException as error:
                await self._delete(error)
                raise
        return token

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._delete(error)

    if not TYPE_CHECKING:  # type checkers should reject a plain "with"

        def __enter__(self) -> NoReturn:
            raise TypeError(
                "This token needs 'async with'. For a plain 'with', import Client from cftokens.sync."
            )

        def __exit__(self, *_: object) -> None:
            """
            Never called: `with` only looks it up before it calls `__enter__`.
            """

    @property
    def _exists(self) -> bool:
        """
        Whether there is a token to delete.
        """
        return self._token is not None

    async def _delete(self, cause: BaseException | None) -> None:
        token, self._token = self._token, None
        if token is not None:
            removal = await remove(self._owner, token, cause, self._delete_timeout)
            if removal.interrupt is not None:
                raise removal.interrupt

    def _leave_behind(self, problem: CFTokensError, cause: BaseException | None) -> None:
        """
        Log, and note on *cause*, that there is still a token, which cannot be deleted.
        """
        token, self._token = self._token, None
        if token is not None:
            tell(token, str(problem), cause)

    def __repr__(self) -> str:
        return f"<cftokens temporary token {self._fields['name']!r}>"


def temporary(
    owner: Owner,
    *,
    policies: Iterable[PolicyArgument],
    fields: Fields,
    lifetime: timedelta,
    wait: float | None,
    delete_timeout: float,
) -> Temporary:
    """
    Return a token that is made when a block is entered.

    Raises:
        ValueError: An argument is wrong.

        TypeError: An argument has the wrong type.
    """
    if len(fields["name"]) > _LONGEST_TEMPORARY_NAME:
        raise ValueError(
            f"name must be at most {_LONGEST_TEMPORARY_NAME} characters long, as more are added."
        )
    return Temporary(
        owner,
        policies=owner.check(policies),
        fields=fields,
        lifetime=check_duration(lifetime, "lifetime", timedelta(seconds=1)),
        wait=check_wait(wait),
        delete_timeout=check_seconds(delete_timeout, "delete_timeout"),
    )


# As it should be


async def ensure(owner: Owner, policies: Iterable[PolicyArgument], fields: Fields) -> Ensured:
    """
    Make a token, or edit the one of that name if it differs.
    """
    resolved = await owner.resolve(policies)
    found = await _active(owner, fields["name"])
    if len(found) > 1:
        raise AmbiguousOutcomeError(
            f"{len(found)} active tokens are named {fields['name']!r}. None was changed. "
            f"Retire or rename all but one of them.{listed(found, owner.redact)}",
            candidates=tuple(found),
        )
    return await _adapt(owner, found[0], resolved, fields) if found else await _add(owner, resolved, fields)


async def _active(owner: Owner, name: str) -> list[Token]:
    tokens = await list_tokens(owner, name=name).collect()
    now = owner.now()
    return [token for token in tokens if token.status == "active" and not is_over(token, now)]


def is_over(token: Token, now: datetime) -> bool:
    """
    Return whether a token has expired. Cloudflare may call it active for a while.
    """
    return token.expires_on is not None and token.expires_on <= now


async def _adapt(owner: Owner, token: Token, policies: tuple[TokenPolicy, ...], fields: Fields) -> Ensured:
    before = unstructure(token)
    wanted = replacement(before, to_json({**fields, "policies": policies}))
    if is_as_wanted(wanted, before):
        return Ensured(token=token, changed=False)
    return Ensured(token=await editing.edit(owner, token.id, policies, fields), changed=True)


async def _add(owner: Owner, policies: tuple[TokenPolicy, ...], fields: Fields) -> Ensured:
    """
    Make a token, and look whether another process did so at the same time.
    """
    created = await editing.create(owner, policies, fields)
    owner.ledger.answer_for(created.id)
    try:
        await _refuse_others(owner, created, fields["name"])
    except BaseException as error:
        removal = await remove(owner, created, error, SECONDS)
        if removal.interrupt is not None:
            raise removal.interrupt from error
        raise
    owner.ledger.give_back(created.id)
    return Ensured(token=created, value=created.value, created=True, changed=False)


async def _refuse_others(owner: Owner, created: Token, name: str) -> None:
    others = [token for token in await _active(owner, name) if token.id != created.id]
    if others:
        raise AmbiguousOutcomeError(
            f"Another token named {name!r} was made at the same time. Call ensure() again."
            f"{listed(others, owner.redact)}",
            candidates=tuple(others),
        )


# To its end


async def retire(owner: Owner, token_id: str, after: timedelta) -> Token:
    """
    Let a token expire after a while, but never later than it would, or disable it at once.
    """

    def end(token: Token) -> Mapping[str, Any]:
        if not after:
            return {"status": "disabled"}
        last = owner.now() + after
        return {"expires_on": last if token.expires_on is None else min(token.expires_on, last)}

    return await editing.apply(owner, owner.path_of(token_id), end)
