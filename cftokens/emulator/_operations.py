"""
The eight operations on tokens, for accounts and users.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import attrs

from cftokens.emulator import _refusals
from cftokens.emulator._access import Access
from cftokens.emulator._catalogue import ACCOUNT, BUCKET, USER, ZONE, groups_of, visible_to
from cftokens.emulator._listing import list_page
from cftokens.emulator._lockout import Lockout
from cftokens.emulator._policies import check_grant
from cftokens.emulator._propagation import SpreadingTokens
from cftokens.emulator._routes import Call, Operation
from cftokens.emulator._rules import read_creation, read_json, read_update
from cftokens.emulator._state import Fields, Policy, Token, new_id, render_time, whole_second
from cftokens.emulator._values import Kind

QUOTAS: Final[dict[Kind, int]] = {"account": 500, "user": 50}
_VERIFIED: Final = {"code": 10000, "message": "This API Token is valid and active", "type": None}


@attrs.frozen(kw_only=True)
class Message:
    """
    A request; *path* is the raw path after the base URL, *peer* the client's address.
    """

    method: str
    path: str
    headers: Mapping[str, str] = attrs.field(repr=False)
    query: Mapping[str, str]
    body: bytes = attrs.field(repr=False)
    peer: str


@attrs.frozen
class Answer:
    """
    An HTTP status and its envelope.
    """

    status: int
    envelope: Mapping[str, Any] = attrs.field(repr=False)


def refuse(refused: _refusals.RefusedError) -> Answer:
    """
    Return the answer to a refused request.
    """
    return Answer(
        refused.status, {"success": False, "errors": [refused.error], "messages": [], "result": None}
    )


def _accept(result: Any, *, messages: tuple[Any, ...] = (), **more: Any) -> Answer:
    return Answer(200, {"success": True, "errors": [], "messages": messages, "result": result, **more})


class Operations:
    """
    The operations on the tokens of one account and one user.

    Args:
        clock: A function that returns the time in Unix seconds.
        tokens: The tokens.
        lockout: The failures to authenticate.
    """

    def __init__(self, clock: Callable[[], float], tokens: SpreadingTokens, lockout: Lockout) -> None:
        self.account_id = new_id()
        self.user_id = new_id()
        self.tokens = tokens
        self._clock = clock
        self._lockout = lockout
        self._access = Access(self.tokens, self.account_id, self.user_id)
        self._by_name: dict[Operation, Callable[[Call, Message, Token], Answer]] = {
            "list": self._list,
            "get": self._get,
            "create": self._create,
            "update": self._update,
            "delete": self._delete,
            "verify": self._verify,
            "permission_groups": self._permission_groups,
            "roll": self._roll,
        }

    def issue_first(self, kind: Kind) -> str:
        """
        Create the first token of a kind, with every permission, and return its value.
        """
        policies = self._everything_of_account() if kind == "account" else self._everything_of_user()
        fields = Fields(name=f"The emulator's first {kind} token", policies=policies)
        return self.tokens.create(kind, fields, self._now())[1]

    def expose(self, token_id: str) -> None:
        """
        Revoke a token whose value was found in public.

        Raises:
            ValueError: No token has this id.
        """
        token = self.tokens.get(token_id)
        if token is None:
            raise ValueError("token_id must be the id of a token of this emulator")
        self.tokens.store(attrs.evolve(token, exposed=True))

    def answer(self, call: Call, message: Message) -> Answer:
        """
        Run an operation, if the request's token permits it, and return the answer.
        """
        try:
            self._lockout.check(message.peer)
            token = self._access.authenticate(call, message.headers, message.peer, self._now())
            self.tokens.touch(token.id, self._now())
            self._access.authorize(call, token)
            return self._by_name[call.operation](call, message, token)
        except _refusals.RefusedError as refused:
            self._lockout.note(message.peer, call, refused)
            return refuse(refused)

    def _list(self, call: Call, message: Message, _caller: Token) -> Answer:
        now = self._shown_at()
        shown, info = list_page(self.tokens.of_kind(call.kind), message.query, now)
        return _accept([token.as_json(now) for token in shown], result_info=info)

    def _get(self, call: Call, _message: Message, _caller: Token) -> Answer:
        return _accept(self._find(call).as_json(self._shown_at()))

    def _create(self, call: Call, message: Message, caller: Token) -> Answer:
        fields = read_creation(message.body, call.kind)
        check_grant(caller, fields.policies)
        if len(self.tokens.of_kind(call.kind)) >= QUOTAS[call.kind]:
            raise _refusals.quota_reached(QUOTAS[call.kind])
        token, value = self.tokens.create(call.kind, fields, self._now())
        return _accept({**token.as_json(self._shown_at()), "value": value})

    def _update(self, call: Call, message: Message, caller: Token) -> Answer:
        token = self._find(call)
        fields = read_update(message.body, call.kind)
        check_grant(caller, fields.policies)
        if fields.disabled is None:
            fields = attrs.evolve(fields, disabled=token.fields.disabled)
        token = attrs.evolve(token, fields=fields, modified_on=self._now())
        self.tokens.store(token)
        return _accept(token.as_json(self._shown_at()))

    def _delete(self, call: Call, _message: Message, _caller: Token) -> Answer:
        token = self._find(call)
        self.tokens.remove(token)
        return _accept({"id": token.id})

    def _verify(self, _call: Call, _message: Message, caller: Token) -> Answer:
        times = {"expires_on": caller.fields.expires_on, "not_before": caller.fields.not_before}
        given = {key: render_time(moment) for key, moment in times.items() if moment is not None}
        status = caller.status(self._now())
        messages = (_VERIFIED,) if status == "active" else ()
        return _accept({"id": caller.id, "status": status, **given}, messages=messages)

    def _permission_groups(self, call: Call, message: Message, _caller: Token) -> Answer:
        name, scope = message.query.get("name"), message.query.get("scope")
        groups = [
            group.as_listed()
            for group in visible_to(call.kind)
            if name in (None, group.name) and scope in (None, group.scope)
        ]
        return _accept(groups)

    def _roll(self, call: Call, message: Message, _caller: Token) -> Answer:
        token = self._find(call)
        if message.body:  # the official SDK sends no body
            read_json(message.body)
        return _accept(self.tokens.roll(token, self._now()))

    def _find(self, call: Call) -> Token:
        token = self.tokens.find(call.kind, call.token_id)
        if token is None:
            raise _refusals.unknown_token()
        return token

    def _now(self) -> datetime:
        return whole_second(self._clock())

    def _shown_at(self) -> datetime:
        return self.tokens.shown_at(self._now())

    def _everything_of_account(self) -> tuple[Policy, ...]:
        account = f"com.cloudflare.api.account.{self.account_id}"
        zones, buckets = "com.cloudflare.api.account.zone.*", "com.cloudflare.edge.r2.bucket.*"
        return (
            _allow(account, "*", ACCOUNT, ZONE, BUCKET),
            _allow(account, {zones: "*"}, ZONE),
            _allow(account, {buckets: "*"}, BUCKET),
        )

    def _everything_of_user(self) -> tuple[Policy, ...]:
        return (
            _allow(f"com.cloudflare.api.user.{self.user_id}", "*", USER),
            _allow("com.cloudflare.api.account.*", "*", ACCOUNT, ZONE, BUCKET),
            _allow("com.cloudflare.api.account.zone.*", "*", ZONE),
        )


def _allow(name: str, below: Any, *scopes: str) -> Policy:
    return Policy(effect="allow", groups=groups_of(scopes), resources={name: below})
