"""
An account whose tokens have every fault that an audit finds, beside some that have none.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import attrs
import pytest

from cftokens import TokenCreateResponse, TokenValue
from cftokens import policies as p
from cftokens.emulator import IssuedToken
from cftokens.emulator._catalogue import Group
from cftokens.sync import AccountTokens
from cftokens.sync.emulator import Emulator

OFFICE: Final = ["127.0.0.0/8", "192.0.2.0/24"]
ENDING_GROUP: Final = "Logs Read"
_DAY: Final = 86400.0


class Calendar:
    """
    A clock that can be set to some days ago.
    """

    def __init__(self) -> None:
        self.days_ago = 0.0

    def __call__(self) -> float:
        return time.time() - self.days_ago * _DAY


def days(number: float) -> datetime:
    """
    Return a moment some days from now.
    """
    return datetime.now(UTC) + timedelta(days=number)


Act = Callable[[AccountTokens], object]
Step = Callable[["Account", AccountTokens, str], object]
"""Does something with a token, given its id."""

Policies = Callable[[str, str], list[p.PolicyDraft]]
"""Returns what a token may do, given the ids of its account and its name."""


def zone_of(name: str) -> p.Resource:
    """
    Return a zone of a token's own.
    """
    return p.zone(name.encode().hex().ljust(32, "0")[:32])


def on_zone(name: str) -> Policies:
    """
    Let a token write on this zone.
    """
    return lambda _, __: [p.allow("DNS Write", on=zone_of(name))]


def own(_: str, name: str) -> list[p.PolicyDraft]:
    """
    Let a token write on a zone of its own.
    """
    return [p.allow("DNS Write", on=zone_of(name))]


def denied(_: str, name: str) -> list[p.PolicyDraft]:
    """
    Let a token do nothing.
    """
    return [p.deny("DNS Write", on=zone_of(name))]


def ending(_: str, name: str) -> list[p.PolicyDraft]:
    """
    Let a token use a permission group that ends.
    """
    return [p.allow(ENDING_GROUP, on=zone_of(name))]


def everywhere(*groups: str) -> Policies:
    """
    Let a token use permission groups on all zones.
    """
    return lambda account_id, _: [p.allow(*groups, on=p.all_zones(account_id))]


def retire(_: "Account", tokens: AccountTokens, token_id: str) -> None:
    """
    Disable a token.
    """
    tokens.retire(token_id)


def expose(account: "Account", _: AccountTokens, token_id: str) -> None:
    """
    Let Cloudflare find the token's value in public.
    """
    account.emulator.expose(token_id)


def rotate(account: "Account", tokens: AccountTokens, token_id: str) -> None:
    """
    Replace a token by a successor, which has no fault.
    """
    rotated = tokens.rotate(token_id, store=lambda _: None, lifetime=timedelta(days=60), wait=None)
    account.seeds[rotated.successor.id] = Seed(name="successor")


@attrs.frozen(kw_only=True)
class Seed:
    """
    A token: what an audit finds, how it came about, and which operation mends each of its faults.
    """

    name: str
    finds: Sequence[str] = ()
    mended_by: str | None = None
    """The operation that its owner wants; None for the first that the finding names."""

    made: float = 40
    used: float | None = 1
    ends: float | None = 60
    begins: float | None = None
    networks: list[str] | None = attrs.field(factory=lambda: OFFICE)
    policies: Policies = own
    then: tuple[float, Step] | None = None
    is_minter: bool = False


SEEDS: Final = [
    Seed(name="healthy"),
    Seed(name="brief", made=0, used=None, ends=0.01),
    Seed(name="retired", made=200, used=None, then=(1, retire)),
    Seed(name="rotated", then=(0.02, rotate)),
    Seed(name="leaked", finds=["exposed"], then=(0.5, expose)),
    Seed(name="leak-left", finds=["exposed"], mended_by="delete", then=(0.5, expose)),
    Seed(name="ended", finds=["expired"], used=20, ends=-10),
    Seed(name="ended-now", finds=["expired"], ends=-0.1),
    Seed(name="ends-soon", finds=["expires-soon"], ends=12),
    Seed(name="ends-today", finds=["expires-soon"], ends=0.5, mended_by="edit"),
    Seed(name="not-yet", finds=["expires-soon"], used=None, begins=1, ends=20),
    Seed(name="endless", finds=["never-expires"], ends=None),
    Seed(name="endless-too", finds=["never-expires"], ends=None, mended_by="rotate"),
    Seed(name="anywhere", finds=["every-address"], networks=None),
    Seed(name="any-ipv4", finds=["every-address"], networks=["0.0.0.0/0"]),
    Seed(name="on-the-road", finds=["every-address"], networks=None, mended_by="waive"),
    Seed(name="idle", finds=["unused"], made=200, used=130),
    Seed(name="never", finds=["unused"], made=120, used=None),
    Seed(name="off", finds=["unused"], made=300, used=200, then=(120, retire)),
    Seed(name="old", finds=["unchanged-value"], made=400),
    Seed(name="old-at-once", finds=["unchanged-value"], made=400, mended_by="roll"),
    Seed(name="minter", finds=["manages-tokens", "same-access"], is_minter=True, mended_by="waive"),
    Seed(name="minter-left", finds=["manages-tokens", "same-access"], is_minter=True, mended_by="retire"),
    Seed(name="all-zones", finds=["writes-everywhere"], policies=everywhere("DNS Write", "Zone Read")),
    Seed(name="undone", finds=["no-access"], policies=lambda *of: [*own(*of), *denied(*of)]),
    Seed(name="denied", finds=["no-access"], policies=denied, mended_by="edit"),
    Seed(name="ending", finds=["deprecated-group"], policies=ending),
    Seed(name="namesake", finds=["same-name"], policies=on_zone("one")),
    Seed(name="namesake", finds=["same-name"], policies=on_zone("two")),
    Seed(name="copy", finds=["same-access"], policies=on_zone("copy"), used=20),
    Seed(name="copied", finds=["same-access"], policies=on_zone("copy")),
    Seed(name="north", finds=["same-access"], policies=on_zone("poles"), mended_by="waive"),
    Seed(name="south", finds=["same-access"], policies=on_zone("poles"), used=2, mended_by="waive"),
    Seed(
        name="everything",
        finds=["never-expires", "every-address", "unused", "unchanged-value", "writes-everywhere"],
        mended_by="retire",
        made=400,
        used=380,
        ends=None,
        networks=None,
        policies=everywhere("Zone Write"),
    ),
]
"""Thirty tokens with faults, of every kind, and some without."""

FIRST: Final = Seed(
    name="first",
    finds=["never-expires", "every-address", "manages-tokens", "writes-everywhere", "deprecated-group"],
    mended_by="waive",
)
"""The emulator's own token, which may do everything."""


class Account:
    """
    The account of an emulator, in which seeds become tokens.
    """

    def __init__(self, emulator: Emulator, calendar: Calendar) -> None:
        self.emulator = emulator
        self.calendar = calendar
        self.seeds = {first_token(emulator): FIRST}
        """By the id of the token."""

        self._values: dict[str, str | TokenValue] = {}

    def grow(self, seeds: Iterable[Seed]) -> None:
        """
        Make the tokens, use them and change them, in the order of time.
        """
        acts = [act for seed in seeds for act in self._acts(seed, [])]
        for self.calendar.days_ago, act in sorted(acts, key=lambda act: -act[0]):
            with self.emulator.client() as client:  # a new one, which has seen no other time
                act(client.accounts.tokens)
        self.calendar.days_ago = 0

    def _acts(self, seed: Seed, made: list[str]) -> Iterator[tuple[float, Act]]:
        yield seed.made, lambda tokens: made.append(self._make(tokens, seed))
        if seed.used is not None:
            yield seed.used, lambda _: self._use(made[0])
        if seed.then is not None:
            days_ago, then = seed.then
            yield days_ago, lambda tokens: then(self, tokens, made[0])

    def _make(self, tokens: AccountTokens, seed: Seed) -> str:
        expires_on = None if seed.ends is None else days(seed.ends)
        condition = None if seed.networks is None else {"request_ip": {"in": seed.networks}}
        made: IssuedToken | TokenCreateResponse
        if seed.is_minter:
            made = self.emulator.issue("account", name=seed.name, condition=condition, expires_on=expires_on)
        else:
            made = tokens.create(
                name=seed.name,
                policies=seed.policies(self.emulator.account_id, seed.name),
                condition=condition,
                expires_on=expires_on,
                not_before=None if seed.begins is None else days(seed.begins),
            )
        self.seeds[made.id], self._values[made.id] = seed, made.value
        return made.id

    def _use(self, token_id: str) -> None:
        with self.emulator.client(api_token=self._values[token_id]) as client:
            client.accounts.tokens.verify()


def first_token(emulator: Emulator) -> str:
    """
    Return the id of the emulator's own token.
    """
    with emulator.client() as client:
        return client.accounts.tokens.verify().id


@contextmanager
def faulty_account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """
    An account with all seeds. One permission group of its catalogue ends soon.
    """
    listed = Group.as_listed

    def ending(group: Group) -> dict[str, Any]:
        meta = {"meta": {"eol_at": "2099-01-01T00:00:00Z"}} if group.name == ENDING_GROUP else {}
        return {**listed(group), **meta}

    monkeypatch.setattr(Group, "as_listed", ending)
    calendar = Calendar()
    with Emulator(clock=calendar) as emulator:
        account = Account(emulator, calendar)
        account.grow(SEEDS)
        yield account
