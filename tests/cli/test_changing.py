"""
Commands that change tokens.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cftokens import UNSET
from cftokens.cli._wording import addresses
from cftokens.cli.changing import Change, _is_within
from cftokens.models import Condition, ConditionRequestIP, Token
from cftokens.policies import allow, same_access, zone
from cftokens.sync import AccountTokens
from cftokens.sync.emulator import Emulator, Fault
from tests.cli.conftest import Shell
from tests.vocabulary import MARK, TOKEN_ID, ZONE_ID

DNS = [allow("DNS Write", on=zone(ZONE_ID))]


# Delete and retire


def test_delete_several(shell: Shell, tokens: AccountTokens) -> None:
    """
    Any number of tokens can be deleted at once, by id or name.
    """
    first = tokens.create(name="a", policies=DNS)
    second = tokens.create(name="b", policies=DNS)

    result = shell(f"cftokens delete --yes --quiet {first.id} b")

    assert result.stdout.split() == [first.id, second.id]
    assert {"a", "b"}.isdisjoint(token.name for token in tokens.list())


def test_a_later_end_is_told(shell: Shell, tokens: AccountTokens) -> None:
    """
    A token that is retired after a while, or that ends before, is told with the end that Cloudflare knows.
    """
    token = tokens.create(name="a", policies=DNS)

    result = shell("cftokens retire a --after 1h --yes")

    end = tokens.get(token.id).expires_on
    assert end is not None
    assert result.stderr == f"Retired a ({token.id}). It works until {end:%Y-%m-%dT%H:%M:%SZ}.\n"


def test_a_disabled_token_does_not_work_until_its_end(shell: Shell, tokens: AccountTokens) -> None:
    """
    A token that is retired after a while, but works no more, is told without an end.
    """
    token = tokens.create(name="a", policies=DNS)
    tokens.edit(token.id, status="disabled")

    assert shell("cftokens retire a --after 1h --yes").stderr == f"Retired a ({token.id}).\n"


@pytest.mark.parametrize("command", ["delete", "retire"])
def test_no_token(shell: Shell, command: str) -> None:
    """
    With --yes there may be no token, as at the end of an empty pipe; otherwise that is wrong usage.
    """
    none = shell(f"cftokens {command} --yes --json")

    assert (none.exit_code, json.loads(none.stdout)) == (0, [])
    assert none.stderr == "No token was named, so nothing was changed.\n"
    assert shell(f"cftokens {command}").exit_code == 2


def test_a_delete_that_is_refused(shell: Shell, server: Emulator, tokens: AccountTokens) -> None:
    """
    What was deleted before is told, and so is what was not.
    """
    first, second, third = (tokens.create(name=name, policies=DNS) for name in "abc")
    server.inject(Fault.delay(0), operation="delete")
    server.inject(Fault.status(403), operation="delete")

    result = shell("cftokens delete a b c --yes")

    assert result.exit_code == 1
    assert result.stderr.splitlines()[:3] == [
        f"Deleted a ({first.id}).",
        f"Not deleted: b ({second.id}).",
        f"Not deleted: c ({third.id}).",
    ]


def test_a_token_that_is_named_twice(shell: Shell, tokens: AccountTokens) -> None:
    """
    A token that is named by its name and by its id is deleted once.
    """
    made = tokens.create(name="a", policies=DNS)

    result = shell(f"cftokens delete a {made.id} --yes")

    assert (result.exit_code, shell.writes[1:]) == (0, ["delete"])


def test_delete_finds_all_tokens_first(shell: Shell, tokens: AccountTokens) -> None:
    """
    If one of the names is wrong, nothing is deleted.
    """
    tokens.create(name="a", policies=DNS)

    assert shell("cftokens delete --yes a wrong").exit_code == 1
    assert shell.writes == ["create"]


@pytest.mark.parametrize("command", ["delete", "retire", "edit --expires never", "edit --status active"])
def test_needs_yes(shell: Shell, tokens: AccountTokens, command: str) -> None:
    """
    What ends a token, or widens it, needs --yes where there is no terminal.
    """
    made = tokens.create(name="a", policies=DNS, expires_on=datetime.now(UTC) + timedelta(days=1))
    tokens.edit(made.id, status="disabled")

    result = shell(f"cftokens {command} a")

    assert result.exit_code == 2
    assert "add --yes" in result.stderr
    assert shell.writes == ["create", "update"]


@pytest.mark.parametrize("command", ["delete", "retire", "retire --after 1h", "edit --status disabled"])
def test_dry_run(shell: Shell, tokens: AccountTokens, command: str) -> None:
    """
    --dry-run names the token, and sends no write.
    """
    made = tokens.create(name="a", policies=DNS)

    result = shell(f"cftokens {command} --dry-run a")

    assert result.exit_code == 0
    assert made.id in result.stdout
    assert shell.writes == ["create"]


def test_retire(shell: Shell, tokens: AccountTokens) -> None:
    """
    At once, a token is disabled; --after lets it expire.
    """
    made = tokens.create(name="a", policies=DNS)

    (later,) = json.loads(shell("cftokens retire a --yes --after 1h --json").stdout)
    at_once = shell("cftokens retire a --yes")

    assert later["expires_on"] is not None
    assert at_once.stderr == f"Retired a ({made.id}).\n"
    assert tokens.get(made.id).status == "disabled"


def test_a_change_without_an_answer(shell: Shell, server: Emulator, tokens: AccountTokens) -> None:
    """
    A change whose outcome is unknown has the exit status 3, and is settled by repeating it.
    """
    made = tokens.create(name="a", policies=DNS)
    server.inject(Fault.drop_after(), operation="update", times=3)

    lost = shell("cftokens --verbose edit a --rename 'a b'")

    assert lost.exit_code == 3
    assert shell(lost.stderr.splitlines()[-1]).exit_code == 0
    assert tokens.get(made.id).name == "a b"


# Edit


def test_edit(shell: Shell, tokens: AccountTokens) -> None:
    """
    Only what is said is changed.
    """
    made = tokens.create(name="a", policies=DNS, expires_on=datetime.now(UTC) + timedelta(days=9))

    result = shell("cftokens edit a --rename b --ip 192.0.2.0/24 --expires 1d --quiet")
    edited = tokens.get(made.id)

    assert result.stdout == f"{made.id}\n"
    assert edited.name == "b"
    assert same_access(edited.policies, made.policies)
    assert not edited.allows_every_address
    assert edited.expires_within(timedelta(days=1, minutes=1))


def test_edit_removes(shell: Shell, tokens: AccountTokens) -> None:
    """
    --ip any and --expires never remove what they name.
    """
    made = tokens.create(
        name="a",
        policies=DNS,
        condition={"request_ip": {"in": ["192.0.2.0/24"]}},
        expires_on=datetime.now(UTC) + timedelta(days=9),
    )

    assert shell("cftokens edit a --ip any --expires never --yes").exit_code == 0
    assert (tokens.get(made.id).condition, tokens.get(made.id).expires_on) == (None, None)


def test_edit_of_nothing(shell: Shell) -> None:
    """
    An edit without a change is wrong usage.
    """
    assert (shell("cftokens edit a").exit_code, shell.sent) == (2, [])


@pytest.mark.parametrize(
    ("new", "old", "within"),
    [
        ({}, {}, True),
        ({"in_": ["192.0.2.0/24"]}, {}, True),
        ({}, {"in_": ["192.0.2.0/24"]}, False),
        ({"in_": ["192.0.2.0/25"]}, {"in_": ["192.0.2.0/24"]}, True),
        ({"in_": ["192.0.2.0/23"]}, {"in_": ["192.0.2.0/24"]}, False),
        ({"in_": ["192.0.2.0/24", "2001:db8::/32"]}, {"in_": ["192.0.2.0/24"]}, False),
        ({"in_": ["2001:db8::/48"]}, {"in_": ["192.0.2.0/24", "2001:db8::/32"]}, True),
        ({"not_in": ["192.0.2.0/24"]}, {}, True),
        ({}, {"not_in": ["192.0.2.0/24"]}, False),
        ({"not_in": ["192.0.2.0/24"]}, {"not_in": ["192.0.2.9/32"]}, True),
        ({"in_": ["192.0.2.0/24"]}, {"in_": []}, False),  # perhaps it accepts none
        ({"in_": ["192.0.2.0/24"]}, {"in_": ["a form of tomorrow"]}, False),
        ({"not_in": ["192.0.2.0/24"]}, {"not_in": ["a form of tomorrow"]}, False),
    ],
)
def test_whether_addresses_become_fewer(
    new: dict[str, list[str]], old: dict[str, list[str]], within: bool
) -> None:
    """
    A condition is within another one if each of its addresses certainly is.
    """
    assert _is_within(ConditionRequestIP(**new), ConditionRequestIP(**old)) is within


@pytest.mark.parametrize(
    "condition",
    [
        {"request_ip": {"in": ["10.0.0.0/8"]}, "device": {"posture": ["1"]}},
        {"request_ip": {"in": ["10.0.0.0/8"], "only_warp": True}},
    ],
)
def test_edit_drops_a_condition_that_is_not_known(condition: dict[str, object]) -> None:
    """
    New addresses replace the whole condition, so the loss of what we don't know in it is a widening.
    """
    token = Token(id=TOKEN_ID, condition=Condition.from_dict(condition))
    narrower = Condition(request_ip=ConditionRequestIP(in_=["10.1.0.0/16"]))
    change = Change(name=UNSET, status=UNSET, condition=narrower, expires_on=UNSET)

    assert change.wider_than(token) == ["the conditions"]


def test_addresses_with_conditions_that_are_not_known() -> None:
    """
    What cftokens does not know of a condition is said with the addresses.
    """
    condition = {
        "request_ip": {"in": ["10.0.0.0/8"], "not_in": ["10.1.0.0/16"]},
        "device": {"posture": ["1"]},
    }

    assert addresses(Condition.from_dict(condition)) == (
        '10.0.0.0/8, but not 10.1.0.0/16, with {"device": {"posture": ["1"]}}'
    )


# Rotate


def test_rotate(shell: Shell, server: Emulator, tokens: AccountTokens) -> None:
    """
    A rotation stores the successor's value, and says when the old token ends.
    """
    made = tokens.create(name="a", policies=DNS)

    result = shell("cftokens rotate a --lifetime 90d --overlap 2h --value-to new --quiet")
    successor = tokens.get(result.stdout.strip())

    assert result.exit_code == 0
    assert f"The token a ({made.id}) stops working on 20" in result.stderr
    assert tokens.get(made.id).expires_within(timedelta(hours=2, minutes=1))
    assert same_access(successor.policies, made.policies)
    assert MARK in Path("new").read_text()


def test_rotate_as_json(shell: Shell, tokens: AccountTokens) -> None:
    """
    The document is that of the successor, with its value if that goes to standard output.
    """
    made = tokens.create(name="a", policies=DNS)

    result = shell(f"cftokens rotate {made.id} --lifetime never --name b --value-to - --json", reveals=True)

    document = json.loads(result.stdout)
    assert (document["name"], document["expires_on"]) == ("b", None)
    assert MARK in document["value"]


def test_rotate_dry_run(shell: Shell, tokens: AccountTokens) -> None:
    """
    --dry-run says what would be done.
    """
    tokens.create(name="a", policies=DNS)

    assert "successor" in shell("cftokens rotate a --lifetime 90d --value-to new --dry-run").stdout
    assert shell.writes == ["create"]
    assert list(Path().iterdir()) == []


def test_a_rotation_that_fails(shell: Shell, server: Emulator, tokens: AccountTokens) -> None:
    """
    A refused create changes nothing and leaves no file.
    """
    tokens.create(name="a", policies=DNS)
    server.inject(Fault.status(403), operation="create")

    result = shell("cftokens rotate a --lifetime 90d --value-to new")

    assert result.exit_code == 1
    assert list(Path().iterdir()) == []


def test_a_rotation_whose_value_is_lost(
    shell: Shell, tokens: AccountTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    If the successor's value cannot be stored, the message names the successor.
    """
    tokens.create(name="a", policies=DNS)
    calls: list[int] = []

    def fsync(file: int) -> None:
        calls.append(file)
        if len(calls) > 1:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fsync)

    result = shell("cftokens rotate a --lifetime 90d --value-to new")

    (successor,) = (token for token in tokens.list() if str(token.name)[:2] == "a ")
    assert result.exit_code == 1
    assert f"The value of the successor {successor.id} is lost" in result.stderr
    assert "No space left on device." in result.stderr
    assert shell(result.stderr.splitlines()[-1]).exit_code == 0
    assert [token.name for token in tokens.list() if str(token.name).startswith("a")] == ["a"]


def test_a_lost_rotation(shell: Shell, server: Emulator, tokens: AccountTokens) -> None:
    """
    A successor that may have been made, and is not needed, is settled by deleting it.
    """
    made = tokens.create(name="a", policies=DNS)
    server.inject(Fault.drop_after(), operation="create")
    server.inject(Fault.status(403), operation="list", times=None)

    lost = shell(f"cftokens rotate {made.id} --lifetime 90d --value-to new")
    server.clear_faults()

    assert lost.exit_code == 3
    assert shell(lost.stderr.splitlines()[-1]).exit_code == 0
    assert [token.name for token in tokens.list() if str(token.name).startswith("a")] == ["a"]
