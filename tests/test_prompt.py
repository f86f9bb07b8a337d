"""
At a prompt: short reprs, help, tab completion, small questions, and mocks that know a client's resources.
"""

import pydoc
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any
from unittest.mock import create_autospec

import attrs
import pytest

import cftokens
from cftokens import Client, Page, Paginator, audit, errors, inspect_value, models, policies, sync
from cftokens._operations.pagination import Batch, ResultInfo
from cftokens.models import (
    Condition,
    ConditionRequestIP,
    CreateAttempt,
    Ensured,
    PermissionGroup,
    Rotation,
    Token,
    TokenCreateResponse,
    TokenDeleteResponse,
    TokenPolicy,
    TokenVerifyResponse,
)
from tests.answers import ATTEMPT
from tests.vocabulary import ACCOUNT, CREDENTIAL, CREDENTIAL_VALUE, TOKEN_ID, TOKEN_POLICY, ZONE_ID, ZONE_READ

NOW = datetime(2026, 7, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
LONG = "\x1b[31m\u202e" * 30
MANY = TokenPolicy(
    effect="allow",
    permission_groups=[PermissionGroup(id=ZONE_READ, name=LONG) for _ in range(300)],
    resources={f"com.cloudflare.api.account.zone.{number:032x}": "*" for number in range(10_000)},
)
WIDE = ConditionRequestIP(in_=["2001:db8:1234:5678::/64"] * 300, not_in=["2001:db8:1234:5678::/64"] * 300)
GIVEN: dict[str, Any] = {
    "id": TOKEN_ID,
    "name": LONG,
    "expires_on": NOW,
    "policies": [MANY, *[TOKEN_POLICY] * 300],
}
CREATED = TokenCreateResponse(**GIVEN, value=CREDENTIAL_VALUE)

LONG_MODELS = [
    MANY,
    WIDE,
    Condition(request_ip=WIDE),
    PermissionGroup(id=LONG * 9, name=LONG, scopes=[LONG] * 9, meta={"x": LONG}),
    Token(**GIVEN, status=LONG, condition=Condition(request_ip=WIDE)),
    CREATED,
    TokenDeleteResponse(id=LONG * 9),
    TokenVerifyResponse(id=LONG, status=LONG, expires_on=NOW, not_before=NOW),
    CreateAttempt(name=LONG, policies=(MANY,), account_id=ACCOUNT, started_on=NOW),
    Rotation(predecessor=Token(**GIVEN), successor=CREATED, retires_on=NOW),
    Ensured(token=CREATED, value=CREATED.value, created=True, changed=False),
    policies.allow(*[LONG] * 300, on=[policies.zone(ZONE_ID)] * 10_000),
    policies.all_r2_buckets(ACCOUNT),
    *map(inspect_value, ["cfat_x", CREDENTIAL, "cfk_\u202e", LONG, "a" * 40, "a" * 37]),
    Page(items=(Token(**GIVEN),), page=1, per_page=50, count=50, total_count=10**9),
]


def test_every_model_is_tried() -> None:
    """
    The list above has one of each class of cftokens.models.
    """
    public = {name for name in models.__all__ if isinstance(getattr(models, name), type)}
    missing = public - {type(each).__name__ for each in LONG_MODELS}

    assert not missing, f"Add {', '.join(missing)} with long members to LONG_MODELS in tests/test_prompt.py."


@pytest.mark.parametrize("model", LONG_MODELS, ids=lambda model: type(model).__name__)
def test_a_repr_fits_a_prompt(model: object) -> None:
    """
    It has at most 200 characters, however much is in the model, and no escape sequence.
    """
    assert len(repr(model)) <= 200
    assert repr(model).isprintable()
    assert CREDENTIAL not in repr(model)


@pytest.mark.parametrize(
    ("model", "shown"),
    [
        (
            Token(id=TOKEN_ID, name="bot", status="active", expires_on=NOW, policies=[TOKEN_POLICY]),
            (
                f"Token(id='{TOKEN_ID}', name='bot', status='active', "
                "expires_on=2026-07-01T00:00:00Z, policies=<1>)"
            ),
        ),
        (
            MANY.__class__(
                effect="deny",
                permission_groups=[PermissionGroup(id=ZONE_READ, name="Zone Read")],
                resources={
                    f"com.cloudflare.api.account.{ACCOUNT}": {"com.cloudflare.api.account.zone.*": "*"}
                },
            ),
            (
                "TokenPolicy(effect='deny', permission_groups=['Zone Read'], "
                f"resources=['api.account.{ACCOUNT}/api.account.zone.*'])"
            ),
        ),
        (
            policies.allow("DNS Write", on=policies.zone(ZONE_ID)),
            f"PolicyDraft(effect='allow', groups=['DNS Write'], resources=['api.account.zone.{ZONE_ID}'])",
        ),
        (Condition(), "Condition(request_ip=None)"),
        (ConditionRequestIP(in_=["::/0"]), "ConditionRequestIP(in_=['::/0'], not_in=None)"),
        (
            Page(items=(), page=1, per_page=50, total_count=0),
            "Page(items=<0>, page=1, per_page=50, total_count=0)",
        ),
    ],
)
def test_a_repr_shows_what_one_looks_for(model: object, shown: str) -> None:
    """
    Name, id, status, expiry and the number of policies; effect, groups by name, and resources.
    """
    assert repr(model) == shown


@pytest.mark.parametrize("world", [cftokens, sync], ids=lambda world: world.__name__)
def test_a_client_and_its_resources_have_short_reprs(world: Any) -> None:
    """
    They show the class, as it can be imported, and the account.
    """
    client = world.Client(CREDENTIAL, account_id=ACCOUNT, base_url=f"https://example.com/{'x' * 300}")
    tokens = client.accounts.tokens
    of_user = client.user.tokens
    shown = [client, client.accounts, tokens, tokens.permission_groups, tokens.value]

    pages = repr(tokens.list(page=2).pages())
    assert pages == f"<{world.__name__}.Paginator.pages() page=2 per_page=50>"
    for each in [*shown, client.user, of_user, of_user.permission_groups, of_user.value, tokens.list()]:
        assert repr(each).startswith(f"<{world.__name__}.{type(each).__name__} ")
        assert len(repr(each)) <= 200
        assert isinstance(each, getattr(world, type(each).__name__))
    assert all(ACCOUNT in repr(each) for each in shown)


@pytest.mark.parametrize(
    "model", [each for name in models.__all__ if attrs.has(each := getattr(models, name))]
)
def test_help_shows_what_each_field_is(model: Any) -> None:
    """
    The class docstring has an entry for each public attribute of its own.
    """
    inherited = {field.name for base in model.__mro__[1:-1] for field in attrs.fields(base)} | {"_unknown"}
    text = pydoc.plain(pydoc.render_doc(model))

    for field in attrs.fields(model):
        if field.name not in inherited:
            assert f" {field.name}: " in str(model.__doc__)
            assert f" {field.name}: " in text
    assert "(*, _unknown" not in text


def test_help_begins_with_what_users_import() -> None:
    """
    The client and the public modules come before the map.
    """
    text = pydoc.plain(pydoc.render_doc(cftokens))

    assert text.index("`Client`") < text.index("`cftokens.policies`") < text.index("_client.py")


def is_class_of(value: object, module: ModuleType) -> bool:
    """
    Return whether a module defines a class.
    """
    return isinstance(value, type) and value.__module__ == module.__name__


@pytest.mark.parametrize("module", [audit, policies, models, errors])
def test_tab_completion_shows_public_names_only(module: Any) -> None:
    """
    dir() lists what the module defines for users: every public class, no imports, and no private names.
    """
    classes = {name for name, value in vars(module).items() if is_class_of(value, module)}

    assert dir(module) == sorted(module.__all__)
    assert {name for name in classes if not name.startswith("_")} <= {*dir(module)}
    for name in dir(module):
        value = getattr(module, name)
        assert not isinstance(value, type) or value.__module__ == module.__name__


@pytest.mark.parametrize("model", [*LONG_MODELS, ATTEMPT], ids=lambda model: type(model).__name__)
def test_every_model_can_be_hashed(model: Any) -> None:
    """
    A model equals its copy, and so does its hash.
    """
    copied = attrs.evolve(model)

    assert copied == model
    assert hash(copied) == hash(model)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (None, True),
        (Condition(), True),
        (Condition(request_ip=ConditionRequestIP()), True),
        (Condition(request_ip=ConditionRequestIP(in_=["0.0.0.0/0", "::/0"])), True),
        (Condition(request_ip=ConditionRequestIP(in_=["0.0.0.0/1", "128.0.0.0/1", "::/0", "x"])), True),
        (Condition(request_ip=ConditionRequestIP(in_=["0.0.0.0/0"])), False),
        (Condition(request_ip=ConditionRequestIP(in_=["0.0.0.0/0", "::/0"], not_in=["::1"])), False),
        (Condition(request_ip=ConditionRequestIP(not_in=["192.0.2.0/24"])), False),
    ],
)
def test_whether_a_token_allows_every_address(condition: Condition | None, expected: bool) -> None:
    """
    It does if no network is excluded, and those that are listed cover IPv4 and IPv6.
    """
    assert Token(id=TOKEN_ID, condition=condition).allows_every_address is expected


@pytest.mark.parametrize(
    ("expires_on", "expected"),
    [(None, False), (NOW + 2 * HOUR, False), (NOW + HOUR, True), (NOW - HOUR, True)],
)
def test_whether_a_token_expires_soon(expires_on: datetime | None, expected: bool) -> None:
    """
    One that has expired counts, and one that never expires does not.
    """
    assert Token(id=TOKEN_ID, expires_on=expires_on).expires_within(HOUR, NOW) is expected


@pytest.mark.parametrize(
    ("status", "not_before", "expires_on", "expected"),
    [
        ("active", None, None, True),
        ("active", NOW, NOW + HOUR, True),
        ("active", None, NOW, False),
        ("active", NOW + HOUR, None, False),
        ("disabled", None, None, False),
        (None, None, None, False),
    ],
)
def test_whether_a_token_is_active(
    status: str | None, not_before: datetime | None, expires_on: datetime | None, expected: bool
) -> None:
    """
    Its status and both of its dates count.
    """
    token = Token(id=TOKEN_ID, status=status, not_before=not_before, expires_on=expires_on)

    assert token.is_active(NOW) is expected


def test_the_time_is_by_default_now_and_has_a_zone() -> None:
    """
    Without an argument it is this machine's clock; a naive date-time is a ValueError.
    """
    token = Token(id=TOKEN_ID, status="active", expires_on=datetime.now(UTC) + HOUR)

    assert token.is_active()
    assert token.expires_within(2 * HOUR)
    with pytest.raises(ValueError, match="now must have a time zone"):
        token.is_active(datetime(2026, 7, 1))  # noqa: DTZ001 -- that is the mistake


async def test_an_autospec_of_the_async_client_knows_its_resources() -> None:
    """
    Its calls are awaitable and checked for their signature, at every level.
    """
    client = create_autospec(Client, instance=True)
    client.accounts.tokens.get.return_value = Token(id=TOKEN_ID)

    assert await client.accounts.tokens.get(TOKEN_ID) == Token(id=TOKEN_ID)
    await client.user.tokens.value.update(TOKEN_ID)
    await client.accounts.tokens.permission_groups.find("Zone Read", account_id=ACCOUNT)
    with pytest.raises(TypeError, match="token_id"):
        client.accounts.tokens.get()
    with pytest.raises(AttributeError):
        client.accounts.tokens.fetch  # noqa: B018 -- the access is what is tested


def test_an_autospec_of_the_blocking_client_knows_its_resources() -> None:
    """
    Its calls are plain, and checked for their signature.
    """
    client = create_autospec(sync.Client, instance=True)
    client.user.tokens.get.return_value = Token(id=TOKEN_ID)

    assert client.user.tokens.get(TOKEN_ID) == Token(id=TOKEN_ID)
    client.accounts.tokens.permission_groups.get(scope=policies.ZONE)
    with pytest.raises(TypeError, match="account_id"):
        client.user.tokens.get(TOKEN_ID, account_id=ZONE_ID)


def test_a_paginator_shows_where_it_starts() -> None:
    """
    Its repr has the first page and the size of pages.
    """

    async def fetch(_: int) -> Batch[Token]:
        return Batch((), ResultInfo())

    assert repr(Paginator(fetch, first=2, per_page=50)) == "<cftokens.Paginator page=2 per_page=50>"
