"""
What an audit finds, and what it does not.
"""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from cftokens import Condition, ConditionRequestIP, PermissionGroup, Token, TokenPolicy
from cftokens import policies as p
from cftokens.audit import RULES, Context, Finding, Waiver, audit
from cftokens.emulator import Emulator
from tests.support import Clock, client_of
from tests.vocabulary import ACCOUNT, DNS_READ, TOKEN_ID, ZONE_ID, ZONE_READ

NOW = datetime(2026, 7, 1, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
DNS_WRITE = "4755a26eedb94da69e1066d98aa820be"
MAY_MAKE_TOKENS = "5bc3f8b21c554832afc660159ab75fa4"
OTHER_ID = "0000000000000000000000000000a002"

GIVE_AN_END = "Let it expire: an audit warns you 30 days before"

CATALOGUE = [
    PermissionGroup(id=ZONE_READ, name="Zone Read", scopes=[p.ZONE]),
    PermissionGroup(id=DNS_READ, name="DNS Read", scopes=[p.ZONE]),
    PermissionGroup(id=DNS_WRITE, name="DNS Write", scopes=[p.ZONE]),
]


def policy(group_id: str, *resources: p.Resource, effect: str = "allow", **members: Any) -> TokenPolicy:
    """
    Return a policy of one group, which may have members besides its id.
    """
    mapping: dict[str, Any] = {}
    for resource in resources:
        mapping |= {resource.account: {resource.name: "*"}} if resource.account else {resource.name: "*"}
    group = PermissionGroup(id=group_id, **members)
    return TokenPolicy(effect=effect, permission_groups=[group], resources=mapping)


GOOD = Token(
    id=TOKEN_ID,
    name="bot",
    status="active",
    issued_on=NOW - 40 * DAY,
    modified_on=NOW - 40 * DAY,
    last_used_on=NOW - DAY,
    expires_on=NOW + 60 * DAY,
    condition=Condition(request_ip=ConditionRequestIP(in_=["192.0.2.0/24"])),
    policies=[policy(ZONE_READ, p.zone(ZONE_ID))],
)
OTHER = attrs.evolve(GOOD, id=OTHER_ID, name="other", policies=[policy(DNS_READ, p.zone(ZONE_ID))])


def rules_of(*changes: dict[str, Any], groups: list[PermissionGroup] = CATALOGUE) -> set[str]:
    """
    Return the rules that find something in a good token with changes, beside another good one.
    """
    tokens = [OTHER, *(attrs.evolve(GOOD, **each) for each in changes)]
    return {finding.rule for finding in audit(tokens, now=NOW, groups=groups)}


def on_zones(group_id: str, **members: Any) -> dict[str, Any]:
    """
    Return a change: all zones of the account.
    """
    return {"policies": [policy(group_id, p.all_zones(ACCOUNT), **members)]}


FOUND: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("exposed", {"status": "revoked (exposed)"}, {"status": "disabled"}),
    ("exposed", {"status": "Exposed"}, {"status": "Paused"}),
    ("expired", {"expires_on": NOW}, {"expires_on": NOW + 31 * DAY}),
    ("expired", {"status": "expired"}, {"status": "active"}),
    ("expires-soon", {"expires_on": NOW + 30 * DAY}, {"expires_on": NOW + 31 * DAY}),
    ("expires-soon", {"expires_on": NOW + DAY}, {"expires_on": NOW + DAY, "status": "disabled"}),
    (
        "expires-soon",
        {"expires_on": NOW + DAY, "issued_on": NOW - DAY},
        {"expires_on": NOW + DAY / 2, "issued_on": NOW - DAY / 2},
    ),
    (
        "expires-soon",
        {"expires_on": NOW + 9 * DAY, "not_before": NOW + DAY},
        {"expires_on": NOW + 31 * DAY, "not_before": NOW + DAY},
    ),
    ("never-expires", {"expires_on": None}, {"expires_on": None, "status": "expired"}),
    ("every-address", {"condition": None}, {}),
    (
        "every-address",
        {"condition": Condition(request_ip=ConditionRequestIP(in_=["0.0.0.0/0", "::/0"]))},
        {"condition": Condition(request_ip=ConditionRequestIP(not_in=["192.0.2.0/24"]))},
    ),
    (
        "every-address",
        {"condition": Condition(request_ip=ConditionRequestIP(in_=["0.0.0.0/1", "128.0.0.0/1"]))},
        {"condition": Condition(request_ip=ConditionRequestIP(in_=["0.0.0.0/1"]))},
    ),
    (
        "every-address",
        {"condition": Condition(request_ip=ConditionRequestIP(in_=["::/0", "192.0.2.0/24"]))},
        {"condition": Condition(request_ip=ConditionRequestIP(in_=["::/0"], not_in=["2001:db8::/32"]))},
    ),
    ("unused", {"last_used_on": NOW - 90 * DAY}, {"last_used_on": NOW - 89 * DAY}),
    (
        "unused",
        {"last_used_on": NOW - 200 * DAY, "status": "disabled", "modified_on": NOW - 90 * DAY},
        {"last_used_on": NOW - 200 * DAY, "status": "disabled", "modified_on": NOW - 89 * DAY},
    ),
    (
        "unused",
        {"last_used_on": None, "issued_on": NOW - 200 * DAY, "not_before": NOW - 90 * DAY},
        {"last_used_on": None, "issued_on": NOW - 200 * DAY, "not_before": NOW + DAY},
    ),
    (
        "unused",
        {"last_used_on": None, "issued_on": NOW - 90 * DAY},
        {"last_used_on": None, "issued_on": NOW - 89 * DAY},
    ),
    ("unused", {"last_used_on": NOW - 90 * DAY}, {"last_used_on": None, "issued_on": None}),
    ("unchanged-value", {"modified_on": NOW - 365 * DAY}, {"modified_on": NOW - 364 * DAY}),
    (
        "unchanged-value",
        {"modified_on": None, "issued_on": NOW - 365 * DAY},
        {"modified_on": None, "issued_on": None},
    ),
    (
        "manages-tokens",
        {"policies": [policy(MAY_MAKE_TOKENS, p.account(ACCOUNT))]},
        {"policies": [policy(MAY_MAKE_TOKENS, p.account(ACCOUNT), effect="deny"), *GOOD.policies]},
    ),
    ("writes-everywhere", on_zones(DNS_WRITE), on_zones(ZONE_READ)),
    (
        "writes-everywhere",
        {"policies": [policy("e" * 32, p.all_accounts(), name="Pages Write")]},
        {"policies": [policy("e" * 32, p.account(ACCOUNT), name="Pages Write")]},
    ),
    (
        "writes-everywhere",
        on_zones(DNS_WRITE),
        {
            "policies": [
                *on_zones(DNS_WRITE)["policies"],
                policy(DNS_WRITE, p.all_zones(ACCOUNT), effect="deny"),
            ]
        },
    ),
    (
        "writes-everywhere",
        on_zones("e" * 32, name="Spread"),
        on_zones("e" * 32, name="Access: SCIM logs read"),
    ),
    ("writes-everywhere", on_zones("e" * 32), on_zones("e" * 32, name="Workers Metadata Read-Only")),
    ("no-access", {"policies": []}, {}),
    ("no-access", {"policies": [policy(ZONE_READ, p.zone(ZONE_ID), effect="deny")]}, {}),
    (
        "no-access",
        {"policies": [*GOOD.policies, policy(ZONE_READ, p.zone(ZONE_ID), effect="deny")]},
        {"policies": [*GOOD.policies, policy(DNS_READ, p.zone(ZONE_ID), effect="deny")]},
    ),
    (
        "no-access",
        {"policies": [policy(ZONE_READ, p.account(ACCOUNT))]},
        {"policies": [policy("e" * 32, p.account(ACCOUNT))]},
    ),
    (
        "deprecated-group",
        {"policies": [policy("e" * 32, p.zone(ZONE_ID), meta={"deprecated": "true"})]},
        {"policies": [policy("e" * 32, p.zone(ZONE_ID), meta={"deprecated": "false", "eol_at": None})]},
    ),
    ("same-name", {"name": "other"}, {"name": "Other"}),
    ("same-name", {"name": "other"}, {"name": "other", "expires_on": NOW - DAY}),
    ("same-name", {"name": "other"}, {"name": "other", "status": "disabled"}),
    ("same-access", {"policies": OTHER.policies}, {"policies": OTHER.policies, "status": "disabled"}),
]


@pytest.mark.parametrize(("rule", "bad", "good"), FOUND)
def test_a_rule_finds_what_it_is_for(rule: str, bad: dict[str, Any], good: dict[str, Any]) -> None:
    """
    Each has an example that it finds, and one close by that it does not.
    """
    assert rule in rules_of(bad)
    assert rule not in rules_of(good)


def test_a_good_token_has_no_findings() -> None:
    """
    And no tokens have none either.
    """
    assert rules_of({}) == set()
    assert audit([], now=NOW) == []


WORN: dict[str, Any] = {
    "expires_on": None,
    "condition": None,
    "last_used_on": None,
    "issued_on": NOW - 999 * DAY,
    "modified_on": NOW - 999 * DAY,
    "policies": [policy(MAY_MAKE_TOKENS, p.account(ACCOUNT)), *on_zones(DNS_WRITE)["policies"]],
}


@pytest.mark.parametrize("end", [{"status": "expired"}, {"status": "revoked (exposed)"}])
def test_what_never_works_again_has_one_finding(end: dict[str, Any]) -> None:
    """
    Whatever else was wrong with a token no longer matters.
    """
    assert len(rules_of({**WORN, **end})) == 1
    assert len(rules_of(WORN)) == 6
    assert len(rules_of({**WORN, **end, "policies": []})) == 1
    ending = [policy("e" * 32, p.zone(ZONE_ID), meta={"deprecated": "yes"})]
    assert len(rules_of({**WORN, **end, "policies": ending})) == 1


def test_a_disabled_token_is_found_only_if_nobody_wants_it_back() -> None:
    """
    What it could do does not matter while it cannot do it. After 90 days, the remedy is to delete it.
    """
    lately = {**WORN, "status": "disabled", "modified_on": NOW - DAY}

    assert rules_of(lately) == set()
    assert rules_of({**lately, "policies": []}) == set()
    (finding,) = audit([attrs.evolve(GOOD, **{**lately, "modified_on": NOW - 90 * DAY})], now=NOW)
    assert finding.message == (
        "This token has been disabled for 90 days. If nothing needs it, delete it: delete(token_id). "
        "If it is kept for emergencies, accept it: audit(..., ignore={token_id: reason})."
    )


def test_a_token_that_is_listed_twice_counts_once() -> None:
    """
    A list that changes while it is fetched can have a token on two pages. The later state is the newer one.
    """
    assert audit([GOOD, OTHER, GOOD], now=NOW, groups=CATALOGUE, quota=3) == []
    (finding,) = audit([GOOD, attrs.evolve(GOOD, status="revoked (exposed)")], now=NOW)
    assert finding.rule == "exposed"


# Rotations


OLD = attrs.evolve(GOOD, modified_on=NOW - HOUR / 2, expires_on=NOW + HOUR / 2)
NEW = attrs.evolve(GOOD, id=OTHER_ID, issued_on=NOW - HOUR, modified_on=NOW - HOUR)


def test_a_rotation_is_no_fault_while_both_tokens_work() -> None:
    """
    The old token has a successor, so it is neither a duplicate nor about to be missed. Then it has expired.
    """
    older = attrs.evolve(
        OLD, id="c" * 32, issued_on=NOW - 50 * DAY, modified_on=NOW - HOUR, expires_on=NOW + 1 * DAY
    )
    middle = attrs.evolve(OLD, issued_on=NOW - 1.5 * HOUR)

    assert audit([OLD, NEW], now=NOW) == []
    assert audit([NEW, older, middle], now=NOW) == []
    (finding,) = audit([OLD, NEW], now=NOW + HOUR)
    assert (finding.rule, finding.token) == ("expired", OLD)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({}, {"policies": OTHER.policies}),
        ({}, {"issued_on": NOW - 2 * HOUR}),
        ({}, {"issued_on": NOW}),
        ({}, {"issued_on": None}),
        ({}, {"expires_on": OLD.expires_on}),
        ({}, {"status": "disabled"}),
        ({"issued_on": NOW - HOUR}, {}),
        ({"modified_on": None}, {}),
        ({"expires_on": NOW + 8 * DAY}, {}),
    ],
)
def test_two_tokens_are_no_rotation(old: dict[str, Any], new: dict[str, Any]) -> None:
    """
    A successor grants the same, works, was made later, shortly before the old token's end was moved near, and
    ends later.
    """
    assert audit([attrs.evolve(OLD, **old), attrs.evolve(NEW, **new)], now=NOW)


async def test_a_rotation_is_known_as_one() -> None:
    """
    What rotate() leaves is no fault, whatever the name of the successor.
    """
    clock = Clock()
    async with Emulator(clock=clock) as emulator, client_of(emulator) as client:
        tokens = client.accounts.tokens
        made = [await spoil(emulator, name) for name in ("a", "b")]
        for token_id, name in zip(made, ("a", None), strict=True):
            clock.now += 5
            await tokens.rotate(token_id, store=lambda _: None, lifetime=60 * DAY, name=name, wait=None)
        listed = await tokens.list().collect()

    found = {each.rule for each in audit(listed, now=datetime.fromtimestamp(clock.now, UTC))}
    assert len(listed) == 5
    assert not found & {"same-name", "expires-soon", "expired"}


# Reports


def test_the_end_of_a_group_is_read_from_the_catalogue_too() -> None:
    """
    The message has its name and its day.
    """
    ending = attrs.evolve(CATALOGUE[0], meta={"eol_at": "2026-12-01T00:00:00Z"})
    (finding,) = audit([GOOD], now=NOW, groups=[ending])

    assert finding.rule == "deprecated-group"
    assert "Zone Read ends on 2026-12-01T00:00:00Z." in finding.message


@pytest.mark.parametrize(
    ("resource", "quota"),
    [
        (p.zone(ZONE_ID), 500),
        (p.all_zones(ACCOUNT), 500),
        (p.user(ZONE_ID), 50),
        (p.all_zones_of_all_accounts(), 50),
        (p.all_accounts(), 50),
    ],
)
def test_the_quota_depends_on_whose_tokens_they_are(resource: p.Resource, quota: int) -> None:
    """
    It is found once for a list, when nine tenths are there.
    """
    one = attrs.evolve(GOOD, policies=[policy(ZONE_READ, resource)])

    def found(count: int, **given: Any) -> list[Finding]:
        tokens = [attrs.evolve(one, id=f"{number:032x}") for number in range(count)]
        return [each for each in audit(tokens, now=NOW, **given) if each.rule == "quota"]

    (finding,) = found(quota * 9 // 10)
    assert finding.token is None
    assert f"there can be {quota}" in finding.message
    assert found(quota * 9 // 10 - 1) == []
    assert found(9, quota=10)
    assert not found(quota * 9 // 10, quota=1000)


def test_the_worst_comes_first() -> None:
    """
    Findings have the order of their severities, and then of the tokens.
    """
    leaked = attrs.evolve(GOOD, id="c" * 32, status="revoked (exposed)")
    worn = attrs.evolve(OTHER, expires_on=None, policies=[policy(MAY_MAKE_TOKENS, p.account(ACCOUNT))])
    found = audit([worn, leaked, attrs.evolve(worn, id=TOKEN_ID, name="bot")], now=NOW)

    assert [finding.severity for finding in found] == [
        "critical", "high", "high", "medium", "medium", "low", "low",
    ]  # fmt: skip
    assert found[1].token is not None
    assert found[1].token.id == OTHER_ID


def test_a_waiver_has_a_reason_and_may_have_an_end() -> None:
    """
    It hides the findings about its token until then.
    """
    worn = attrs.evolve(GOOD, expires_on=None)
    ends = Waiver("until the new runner is there", until=NOW + DAY)

    assert audit([worn], now=NOW, ignore={TOKEN_ID: "a runner without a clock"}) == []
    assert audit([worn], now=NOW, ignore={TOKEN_ID: ends}) == []
    assert audit([worn], now=NOW + DAY, ignore={TOKEN_ID: ends})
    assert audit([worn], now=NOW, ignore={OTHER_ID: ends})


def test_a_leak_cannot_be_waived() -> None:
    """
    A waiver is for what was known when it was written.
    """
    leaked = attrs.evolve(GOOD, status="revoked (exposed)")
    (finding,) = audit([leaked], now=NOW, ignore={TOKEN_ID: "it never expires, and that is fine"})

    assert finding.rule == "exposed"


@pytest.mark.parametrize(
    ("given", "kind", "problem"),
    [
        ({"ignore": {TOKEN_ID: ""}}, ValueError, "the reason of ignore.* must not be empty"),
        ({"ignore": {TOKEN_ID: Waiver("x", datetime(2026, 1, 1))}}, ValueError, "until of .* time zone"),  # noqa: DTZ001
        ({"ignore": {TOKEN_ID: None}}, TypeError, "the reason of ignore.* must be a str"),
        ({"now": datetime(2026, 1, 1)}, ValueError, "now must have a time zone"),  # noqa: DTZ001
        ({"quota": 0}, ValueError, "quota must be 1 or more"),
        ({"tokens": GOOD}, TypeError, "tokens must be a list of tokens, not Token"),
        ({"tokens": ["x"]}, TypeError, "tokens must be Token objects, not str"),
        ({"groups": "x"}, TypeError, "groups must be a list of permission groups, not str"),
        ({"groups": [GOOD]}, TypeError, "groups must be PermissionGroup objects, not Token"),
        ({"ignore": [TOKEN_ID]}, TypeError, "ignore must be a mapping of token ids to reasons, not list"),
    ],
)
def test_arguments_are_checked(given: dict[str, Any], kind: type[Exception], problem: str) -> None:
    """
    A waiver without a reason is refused, and so is a date without a zone.
    """
    with pytest.raises(kind, match=problem):
        audit(**{"tokens": [GOOD], "now": NOW, **given})


def test_users_add_rules() -> None:
    """
    A rule sees the token and the context.
    """

    def no_owner(token: Token, context: Context) -> Iterator[Finding]:
        if token.creator_email_at_creation is None:
            yield Finding("no-owner", "low", token, f"{len(context.tokens)} at {context.now:%Y}")

    (finding,) = audit([GOOD], now=NOW, rules=[no_owner])

    assert (finding.rule, finding.token, finding.message) == ("no-owner", GOOD, "1 at 2026")
    assert len(audit([GOOD], now=NOW, groups=CATALOGUE, rules=[*RULES, no_owner])) == 1


def test_a_finding_becomes_json() -> None:
    """
    It has the id and the name of its token, and a short repr.
    """
    (finding,) = audit([attrs.evolve(GOOD, expires_on=None)], now=NOW)

    assert json.loads(json.dumps(finding.to_dict())) == {
        "rule": "never-expires",
        "severity": "medium",
        "token_id": TOKEN_ID,
        "token_name": "bot",
        "message": finding.message,
        "remedies": [
            {"purpose": GIVE_AN_END, "operation": "edit", "fields": ["expires_on"]},
            {"purpose": "Or replace it by one that has an end", "operation": "rotate", "fields": []},
        ],
    }
    assert finding.message == (
        f"This token never expires. {GIVE_AN_END}: edit(token_id, expires_on=...). "
        "Or replace it by one that has an end: rotate(token_id, store=..., lifetime=...)."
    )
    assert Finding("quota", "medium", None, "x").to_dict()["token_id"] is None
    assert repr(finding).startswith(f"Finding(rule='never-expires', severity='medium', token='{TOKEN_ID}'")
    assert len(repr(finding)) <= 200
    assert len(repr(Finding("quota", "medium", None, "x" * 900))) <= 200
    assert len({finding, *audit([attrs.evolve(GOOD, expires_on=None)], now=NOW)}) == 1


def test_a_message_names_a_few_groups() -> None:
    """
    A token with many groups that write everywhere is told with five of them, and how many more it has.
    """
    policies = [policy(f"{number:032x}", p.all_zones(ACCOUNT), name=f"Group {number}") for number in range(8)]

    (finding,) = audit([attrs.evolve(GOOD, policies=policies)], now=NOW)

    assert "later: Group 0, Group 1, Group 2, Group 3, Group 4, and 3 more." in finding.message


def test_no_message_smuggles_an_escape_sequence() -> None:
    """
    Names and statuses in messages are escaped.
    """
    evil = "\x1b[2J"
    token = attrs.evolve(GOOD, id=OTHER_ID, status=f"exposed {evil}", name=evil)
    broad = attrs.evolve(
        GOOD, policies=[policy("e" * 32, p.all_zones(ACCOUNT), name=evil, meta={"eol_at": evil})]
    )

    found = audit([token, broad], now=NOW)

    assert {"exposed", "writes-everywhere", "deprecated-group"} <= {finding.rule for finding in found}
    assert all(finding.message.isprintable() for finding in found)


async def spoil(emulator: Emulator, name: str) -> str:
    """
    Make a token that never expires and works from everywhere, and return its id.
    """
    async with client_of(emulator) as client:
        policies = [p.allow("Account Settings Read", on=p.account(emulator.account_id))]
        return (await client.accounts.tokens.create(name=name, policies=policies)).id


async def test_an_account_is_audited() -> None:
    """
    A leaked token, a maker of tokens and a duplicate are found in a real listing.
    """
    async with Emulator() as emulator, client_of(emulator) as client:
        leaked, twin, _ = [await spoil(emulator, name) for name in ("leaked", "twin", "twin")]
        emulator.expose(leaked)
        tokens = await client.accounts.tokens.list(include_expired=True).collect()
        groups = await client.accounts.tokens.permission_groups.get()

    found = [(each.rule, each.token.id) for each in audit(tokens, groups=groups) if each.token]

    assert found[0] == ("exposed", leaked)
    assert {("same-name", twin), ("same-access", twin), ("never-expires", twin)} <= {*found}
    assert "manages-tokens" in {rule for rule, _ in found}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: getattr(rule, "__name__", ""))
def test_each_rule_is_documented(rule: Callable[..., Any]) -> None:
    """
    Its docstring says why it matters, and where the idea comes from.
    """
    assert "\nhttps://" in str(rule.__doc__).replace("\n    ", "\n")
