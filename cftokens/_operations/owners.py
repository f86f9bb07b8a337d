"""
What a resource holds: whose tokens it manages, and how to send, look up and remember.
"""

import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import TypeVar

import attrs

from cftokens import _reprs as reprs
from cftokens._checks import check_id
from cftokens._operations import endpoints
from cftokens._operations.bodies import policies_from
from cftokens._operations.catalogue import Catalogue, Source
from cftokens._operations.changes import AttemptFactory, Change, Check, Ledger, Lost, check_attempt
from cftokens._operations.groups import Groups, needs_catalogue, refuse_for_accounts, resolve
from cftokens._secret import TokenValue, redact
from cftokens._settings import Retry, Timing
from cftokens._transport.messages import Request
from cftokens._transport.sending import Sender
from cftokens._transport.server_clock import Reading
from cftokens.errors import APIError, RateLimitedError, TooManyFailuresError
from cftokens.models import CreateAttempt, TokenCreateResponse, TokenPolicy
from cftokens.policies import PolicyArgument, PolicyDraft

T = TypeVar("T")


class Owner:
    """
    The owner of tokens: an account, or the user.

    Attributes:
        account_id: The account, or None for the user.

        tokens_path: The path of the owner's tokens.

        ledger: What the client knows of values.
    """

    def __init__(self, sender: Sender, catalogue: Catalogue, ledger: Ledger, account_id: str | None) -> None:
        self.account_id = account_id
        self.tokens_path = "/user/tokens" if account_id is None else f"/accounts/{account_id}/tokens"
        self._sender = sender
        self._catalogue = catalogue
        self.ledger = ledger

    @property
    def timing(self) -> Timing:
        """
        The client's clock, and its way to wait.
        """
        return self._sender.transport.timing

    @property
    def retry(self) -> Retry:
        """
        How often and how long a request is tried.
        """
        return self._sender.settings.retry

    def using(self, credential: TokenValue, seconds: float) -> "Owner":
        """
        Return the same owner, asked with another credential, in one try of at most *seconds*.
        """
        sender = self._sender.with_credential(credential)
        settings = attrs.evolve(
            sender.settings,
            timeout=min(sender.settings.timeout, seconds),
            retry=Retry(attempts=1, budget=seconds),
        )
        return Owner(sender.with_settings(settings), self._catalogue, self.ledger, self.account_id)

    def with_credential(self, credential: TokenValue) -> "Owner":
        """
        Return the same owner, asked with another credential.
        """
        return Owner(self._sender.with_credential(credential), self._catalogue, self.ledger, self.account_id)

    @property
    def credential_kind(self) -> str | None:
        """
        The kind of token that the credential is, or None if it is not known.
        """
        credential = self._sender.settings.latest
        return None if credential is None else credential.kind

    def path_of(self, token_id: str) -> endpoints.TokenPath:
        """
        Return the path of one of the owner's tokens.

        Raises:
            ValueError: *token_id* is not an id.
        """
        return endpoints.token_path(self.tokens_path, token_id)

    def send(self, request: Request[T]) -> Awaitable[T]:
        """
        Carry out a request that only reads.

        Raises:
            CFTokensError: It failed.
        """
        return self._sender.send(request)

    async def change(self, request: Request[T]) -> T:
        """
        Carry out a request that has an effect, but makes no value.

        Raises:
            CFTokensError: It failed, or may have failed.
        """
        return await Change(self._sender.tries(request), self.ledger).carry_out(self._sender)

    async def create(
        self,
        request: Request[T],
        asked: AttemptFactory,
        made: Callable[[T], TokenCreateResponse],
        check: Check | None = None,
    ) -> T:
        """
        Carry out a request that makes a token, at most once.

        Args:
            request: What to send.

            asked: Makes the attempt that `recover()` needs if the answer is lost.

            made: Returns the token in the request's result.

            check: Returns what is wrong with the token, if `recover()` finds it.

        Raises:
            CFTokensError: It failed, or may have failed.
        """
        change = Change(self._sender.tries(request), self.ledger, asked, check)
        with self.ledger.carrying_out(change):
            result = await change.carry_out(self._sender)
            change.arrived(made(result).id)
            return result

    async def roll(self, token: endpoints.TokenPath) -> TokenValue:
        """
        Replace the value of a token, at most once.

        Raises:
            CFTokensError: It failed, or may have failed.
        """
        change = Change(self._sender.tries(endpoints.roll_token(token)), self.ledger)
        async with self.ledger.rolls_of(token.id):
            with self.ledger.rolling(change, token.id):
                value = await change.carry_out(self._sender)
                change.arrived(token.id)
                return value

    async def roll_lost(self, token: endpoints.TokenPath, lost: Lost) -> TokenValue:
        """
        Replace the value of the token that a lost create made. The caller holds its lock.

        Raises:
            CFTokensError: It failed, or may have failed.
        """
        request = endpoints.roll_token(token, settles_a_create=True)
        change = Change(self._sender.tries(request), self.ledger, settles=lost)
        value = await change.carry_out(self._sender)
        change.arrived(token.id)
        return value

    def redact(self, text: str) -> str:
        """
        Return a server's text without anything that looks like a token's value.
        """
        return redact(text, self._sender.settings.latest)

    async def hear_clock(self) -> None:
        """
        Ask for any answer, which shows the server's clock, unless one has shown it.

        Raises:
            CFTokensError: The request failed.
        """
        if self._sender.transport.server_time(None) is None:
            try:
                await self.send(endpoints.verify_token(self.tokens_path))
            except (RateLimitedError, TooManyFailuresError):  # send nothing more
                raise
            except APIError:  # a user's token is refused for an account, and the refusal has a date, too
                if self._sender.transport.server_time(None) is None:
                    raise

    def now(self) -> datetime:
        """
        Return the time by the server's clock, or by this machine's if no answer has shown it.
        """
        reading = self._sender.transport.server_time(None)
        return datetime.fromtimestamp(int(time.time() if reading is None else reading.earliest), UTC)

    def server_time(self, moment: float) -> Reading | None:
        """
        Return what the server's clock showed at a *moment* of the client's clock, or None if unknown.
        """
        return self._sender.transport.server_time(moment)

    def server_time_of(self, moment: datetime) -> Reading:
        """
        Return what the server's clock showed at a *moment* of this machine's wall clock.
        """
        now = self._sender.transport.server_time(None)
        ago = time.time() - moment.timestamp()
        return Reading(moment.timestamp(), 0.0) if now is None else Reading(now.earliest - ago, now.doubt)

    def check(self, policies: Iterable[PolicyArgument]) -> list[TokenPolicy | PolicyDraft]:
        """
        Return checked policies. Those in words stay drafts until their groups are looked up.

        Raises:
            ValueError: A policy is wrong.

            TypeError: A policy has the wrong type.
        """
        checked = policies_from(policies)
        if self.account_id is not None:
            refuse_for_accounts(checked)
        return checked

    async def resolve(self, policies: Iterable[PolicyArgument]) -> tuple[TokenPolicy, ...]:
        """
        Return policies with the ids of their groups, and look up names in the catalogue.

        Raises:
            ValueError: A policy is wrong.

            TypeError: A policy has the wrong type.

            PermissionGroupError: A name does not match exactly one permission group.

            CFTokensError: The request failed.
        """
        checked = self.check(policies)
        if not needs_catalogue(checked):
            return resolve(checked, ())
        return await self.look_up(lambda groups: resolve(checked, groups))

    async def look_up(self, find: Callable[[Groups], T]) -> T:
        """
        Call *find* with the catalogue of permission groups, and return its result.

        Raises:
            PermissionGroupError: *find* raised it.

            CFTokensError: The request failed.
        """

        async def fetch() -> Groups:
            return (await self.send(endpoints.list_permission_groups(self.tokens_path))).items

        settings = self._sender.settings
        source = Source(self.account_id, settings.timeout, settings.retry)
        return await self._catalogue.look_up(source, fetch, find)


class Owners:
    """
    What a resource holds: the owners whose tokens its client manages.

    Args:
        sender: What the client sends with.

        catalogue: The permission groups that it remembers.

        ledger: The tokens whose value arrived.

        account_id: The default account, or None.
    """

    def __init__(self, sender: Sender, catalogue: Catalogue, ledger: Ledger, account_id: str | None) -> None:
        self.sender = sender
        self.catalogue = catalogue
        self.ledger = ledger
        self.account_id = account_id
        self._user = self._owner(None)
        self._account = None if account_id is None else self._owner(account_id)

    def account(self, account_id: str | None) -> Owner:
        """
        Return an account as an owner, by default the client's.

        Raises:
            ValueError: There is no account id, or it is not an id.
        """
        if account_id is not None:
            return self._owner(check_id(account_id, "account_id"))
        if self._account is None:
            raise ValueError(
                "There is no account id: pass account_id here or to the client, or set CLOUDFLARE_ACCOUNT_ID."
            )
        return self._account

    def account_of(self, attempt: CreateAttempt) -> Owner:
        """
        Return the account of a lost create.

        Raises:
            ValueError: The attempt was for a user token.

            TypeError: It is not an attempt.
        """
        if check_attempt(attempt).account_id is None:
            raise ValueError("This attempt was for a user token; use client.user.tokens.")
        return self.account(attempt.account_id)

    def user(self) -> Owner:
        """
        Return the user as an owner.
        """
        return self._user

    def user_of(self, attempt: CreateAttempt) -> Owner:
        """
        Return the user, as the owner of a lost create.

        Raises:
            ValueError: The attempt was for an account-owned token.

            TypeError: It is not an attempt.
        """
        if check_attempt(attempt).account_id is not None:
            raise ValueError("This attempt was for an account-owned token; use client.accounts.tokens.")
        return self._user

    def _owner(self, account_id: str | None) -> Owner:
        return Owner(self.sender, self.catalogue, self.ledger, account_id)


class Resource:
    """
    What the classes of resources have in common.
    """

    def __init__(self, owners: Owners) -> None:
        self._owners = owners

    def __repr__(self) -> str:
        settings = self._owners.sender.settings
        kind = type(self).__name__
        account = "" if kind.startswith("User") else f" account_id={self._owners.account_id}"
        return f"<cftokens.{kind}{account} base_url={reprs.text(settings.address, 80)}>"
