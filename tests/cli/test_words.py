"""
Commands that judge, and --dry-run.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cftokens.audit import Finding, Remedy
from cftokens.cli._remedies import message_of
from cftokens.policies import allow, deny, zone
from cftokens.sync import AccountTokens
from cftokens.sync.emulator import Emulator
from tests.cli.conftest import Shell
from tests.vocabulary import CREDENTIAL, MARK, TOKEN_ID, ZONE_ID

DNS = [allow("DNS Write", on=zone(ZONE_ID))]
BOTH = [allow("DNS Write", "Zone Read", on=zone(ZONE_ID))]
OPTIONS = f"--allow 'DNS Write' --zone {ZONE_ID}"


def test_explain(shell: Shell, tokens: AccountTokens) -> None:
    """
    A token, options and a file are explained in the same words.
    """
    made = tokens.create(name="a", policies=DNS)
    Path("a.json").write_text(json.dumps([policy.to_dict() for policy in made.policies]))
    line = f"DNS Write on the zone {ZONE_ID}\n"

    assert shell("cftokens explain a").stdout == line
    assert shell(f"cftokens explain {OPTIONS}").stdout == line
    assert shell("cftokens explain --policy-file a.json").stdout == line
    assert json.loads(shell("cftokens explain a --json").stdout) == [line.strip()]
    assert f"may do      {line}" in shell("cftokens show a").stdout
    assert shell("cftokens explain").exit_code == 2


def test_diff(shell: Shell, tokens: AccountTokens) -> None:
    """
    A difference is said in words and has the exit status 1.
    """
    tokens.create(name="a", policies=DNS)
    other = tokens.create(name="b", policies=BOTH)
    Path("b.json").write_text(json.dumps(other.to_dict()))

    different, same = shell("cftokens diff a b"), shell("cftokens diff b --policy-file b.json")
    document = json.loads(shell("cftokens diff a b --json").stdout)

    assert (different.exit_code, different.stdout) == (1, f"Added: Zone Read on the zone {ZONE_ID}.\n")
    assert (same.exit_code, same.stdout) == (0, "No difference.\n")
    assert document == {"added": [f"Zone Read on the zone {ZONE_ID}"], "removed": []}
    assert shell("cftokens diff a b --quiet").stdout == ""


def test_a_diff_of_addresses(shell: Shell, tokens: AccountTokens) -> None:
    """
    Two tokens that may do the same from other addresses differ; a policy file has no addresses.
    """
    tokens.create(name="a", policies=DNS)
    other = tokens.create(name="b", policies=DNS, condition={"request_ip": {"in": ["192.0.2.0/24"]}})
    Path("b.json").write_text(json.dumps(other.to_dict()["policies"]))

    different, same = shell("cftokens diff a b"), shell("cftokens diff a --policy-file b.json")
    document = json.loads(shell("cftokens diff a b --json").stdout)

    assert different.stdout == "Addresses: any address; of the other: 192.0.2.0/24.\n"
    assert (different.exit_code, same.exit_code) == (1, 0)
    assert document == {"added": [], "removed": [], "addresses": ["any address", "192.0.2.0/24"]}
    tokens.edit(other.id, policies=BOTH)
    assert len(shell("cftokens diff a b").stdout.splitlines()) == 2


def test_a_diff_of_the_same_addresses(shell: Shell, tokens: AccountTokens) -> None:
    """
    Neither the order of networks nor the form of a single address is a difference.
    """
    for name, networks in {"a": ["192.0.2.1", "::/0"], "b": ["::/0", "192.0.2.1/32"]}.items():
        tokens.create(name=name, policies=DNS, condition={"request_ip": {"in": networks}})

    result = shell("cftokens diff a b")

    assert (result.exit_code, result.stdout) == (0, "No difference.\n")
    assert json.loads(shell("cftokens diff a b --json").stdout) == {"added": [], "removed": []}


@pytest.mark.parametrize("line", ["cftokens diff a", "cftokens diff a b --policy-file b.json"])
def test_diff_with_what(shell: Shell, line: str) -> None:
    """
    A diff needs exactly one thing to compare with.
    """
    Path("b.json").write_text("[]")

    assert (shell(line).exit_code, shell.sent) == (2, [])


def test_audit(shell: Shell, tokens: AccountTokens) -> None:
    """
    An audit lists what is wrong, one finding a line, and has the exit status 1.
    """
    made = tokens.create(name="a", policies=DNS)

    result = shell("cftokens audit")
    document = json.loads(shell("cftokens audit --json").stdout)

    assert result.exit_code == 1
    lines = [line.split("\t") for line in result.stdout.splitlines()]
    assert ["a", made.id, "never-expires"] in [[line[1], *line[3:]] for line in lines]
    assert len(document) == len(result.stdout.splitlines())
    assert made.id in shell("cftokens audit --quiet").stdout.split()
    assert "what this credential may see" in result.stderr
    assert "--ignore-file FILE" in result.stderr


def test_an_audit_names_commands(shell: Shell, server: Emulator, tokens: AccountTokens) -> None:
    """
    Its messages name commands with ids, and whose tokens they are if the environment does not say so.
    """
    made = tokens.create(name="a", policies=DNS)
    users = server.issue("user", name="u")
    command = f"cftokens edit {made.id} --expires 90d"

    report, document = shell("cftokens audit").stdout, json.loads(shell("cftokens audit --json").stdout)
    shell.environment["CLOUDFLARE_ACCOUNT_ID"] = ""
    elsewhere = shell(f"cftokens audit --account {server.account_id}").stdout
    shell.environment["CLOUDFLARE_API_TOKEN"] = server.user_api_token
    of_user = shell("cftokens audit --user").stdout

    assert f'"{command}"' in report
    assert any(f'"{command}"' in finding["message"] for finding in document)
    assert f'"cftokens retire {users.id} --user"' in of_user
    assert f'"{command} --account {server.account_id}"' in elsewhere
    assert "edit(" not in report + of_user + str(document)


def test_a_finding_about_the_list_names_no_token(shell: Shell) -> None:
    """
    The command has a word in its place.
    """
    finding = Finding("quota", "medium", None, "Too many.", [Remedy("Delete some", "delete")])

    assert message_of(finding, ["--user"]) == 'Too many. Delete some: "cftokens delete TOKEN --user".'


def test_waivers(shell: Shell, tokens: AccountTokens) -> None:
    """
    Waivers come from options and from a file; if nothing is left, the exit status is 0.
    """
    made = tokens.create(name="a", policies=DNS)
    others = [token.id for token in tokens.list() if token.id != made.id]
    Path("accepted").write_text("# mine\n\n" + "".join(f"{each} = the minter\n" for each in others))

    result = shell(f"cftokens audit --ignore {made.id}=known --ignore-file accepted")

    assert (result.exit_code, result.stdout) == (0, "")
    assert "--ignore-file" not in result.stderr


def test_a_waiver_of_no_token_is_named(shell: Shell) -> None:
    """
    A misspelt id in a waiver is told.
    """
    result = shell(f"cftokens audit --ignore {TOKEN_ID}=known")

    assert f"No token has the id of these waivers: {TOKEN_ID}." in result.stderr


@pytest.mark.parametrize("waiver", ["x", "=reason", f"{TOKEN_ID}="])
def test_a_waiver_without_a_reason(shell: Shell, waiver: str) -> None:
    """
    A waiver needs an id and a reason.
    """
    assert (shell(f"cftokens audit --ignore '{waiver}'").exit_code, shell.sent) == (2, [])


def test_whatis(shell: Shell) -> None:
    """
    A value from standard input is judged without a request, and not repeated.
    """
    result = shell("cftokens whatis", input=f"{CREDENTIAL}\n")
    document = json.loads(shell("cftokens whatis --json", input=CREDENTIAL).stdout)

    assert result.exit_code == 0
    assert "kind      account\n" in result.stdout
    assert "cftokens whatis --online" in result.stdout
    assert (document["kind"], document["checksum"]) == ("account", False)
    assert shell("cftokens whatis --quiet", input=CREDENTIAL).exit_code == 2
    assert shell.sent == []


def test_whatis_online(shell: Shell, server: Emulator, tokens: AccountTokens) -> None:
    """
    With --online, Cloudflare says whose value it is.
    """
    made = tokens.create(name="a", policies=DNS)
    value = made.value.reveal()

    plain = shell("cftokens whatis --online", input=value)
    document = json.loads(shell("cftokens whatis --online --json", input=value).stdout)

    assert f"id       {made.id}\n" in plain.stdout
    assert document == {"id": made.id, "kind": "account", "status": "active", "account": server.account_id}
    assert (
        shell(f"cftokens whatis --online -q --account {server.account_id}", input=value).stdout
        == f"{made.id}\n"
    )


def test_whatis_of_a_users_value(shell: Shell, server: Emulator) -> None:
    """
    A user's value needs no account.
    """
    shell.environment["CLOUDFLARE_ACCOUNT_ID"] = ""

    assert "kind    user\n" in shell("cftokens whatis --online", input=server.user_api_token).stdout


def test_whatis_of_an_unknown_value(shell: Shell) -> None:
    """
    A value that no token has has the exit status 1.
    """
    assert shell("cftokens whatis --online", input=CREDENTIAL).exit_code == 1
    assert MARK in CREDENTIAL


# Dry runs


def test_dry_create(shell: Shell) -> None:
    """
    A dry create says what would be granted, and needs no place for a value.
    """
    result = shell(f"cftokens create a {OPTIONS} --ip 192.0.2.0/24 --expires 2099-01-01 --dry-run")

    assert result.stdout.splitlines()[1:] == [
        f"  DNS Write on the zone {ZONE_ID}",
        "  from 192.0.2.0/24",
        "  until 2099-01-01T00:00:00Z",
    ]
    assert "never expires" in shell(f"cftokens create a {OPTIONS} --dry-run").stdout
    assert shell.writes == []


def test_dry_ensure(shell: Shell, tokens: AccountTokens) -> None:
    """
    A dry ensure says whether a token would be made, changed, or left alone.
    """
    missing = shell(f"cftokens ensure a {OPTIONS} --dry-run")
    made = tokens.create(name="a", policies=BOTH)

    different = shell(f"cftokens ensure a {OPTIONS} --ip 192.0.2.0/24 --expires 2099-01-01 --dry-run")
    tokens.edit(made.id, policies=DNS)

    assert "would be created" in missing.stdout
    assert different.stdout.splitlines()[1:] == [
        f"  Removed: Zone Read on the zone {ZONE_ID}.",
        "  addresses: any address, afterwards 192.0.2.0/24",
        "  expiry: never, afterwards 2099-01-01T00:00:00Z",
    ]
    assert "already as it should be" in shell(f"cftokens ensure a {OPTIONS} --dry-run").stdout
    assert shell.writes == ["create", "update"]


def test_dry_edit(shell: Shell, tokens: AccountTokens) -> None:
    """
    A dry edit says what would become different.
    """
    tokens.create(name="a", policies=DNS)

    result = shell("cftokens edit a --rename b --status disabled --ip 192.0.2.0/24 --dry-run")
    nothing = shell("cftokens edit a --rename a --dry-run")

    assert result.stdout.splitlines()[1:] == [
        "  name: a, afterwards b",
        "  status: active, afterwards disabled",
        "  addresses: any address, afterwards 192.0.2.0/24",
    ]
    assert nothing.stdout.splitlines()[1:] == ["  nothing"]


def test_dry_roll(shell: Shell, tokens: AccountTokens) -> None:
    """
    A dry roll names the token.
    """
    made = tokens.create(name="a", policies=DNS)

    assert made.id in shell("cftokens roll a --dry-run").stdout
    assert shell.writes == ["create"]


@pytest.mark.parametrize(
    "line",
    [
        f"create b --allow 'DNS Write' --zone {ZONE_ID}",
        f"ensure a --allow 'Zone Read' --zone {ZONE_ID}",
        "edit a --rename b",
        "roll a",
        "rotate a --lifetime 90d --value-to f",
        "retire a",
        "delete a",
    ],
)
def test_a_dry_run_as_json(shell: Shell, tokens: AccountTokens, line: str) -> None:
    """
    With --json, a dry run is one document, too: a title, and lines in words.
    """
    tokens.create(name="a", policies=DNS)
    before = len(shell.writes)

    found = json.loads(shell(f"cftokens {line} --dry-run --json").stdout)

    assert list(found) == ["title", "lines"]
    assert len(shell.writes) == before


def test_a_dry_ensure_of_a_name_that_several_have(shell: Shell, tokens: AccountTokens) -> None:
    """
    It fails as the ensure would.
    """
    for _ in range(2):
        tokens.create(name="a", policies=DNS)

    result = shell(f"cftokens ensure a --allow 'DNS Write' --zone {ZONE_ID} --dry-run")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "2 active tokens are named 'a'" in result.stderr


def test_which_edits_ask(shell: Shell, tokens: AccountTokens) -> None:
    """
    An edit needs --yes only if the token could do more afterwards.
    """
    tokens.create(name="a", policies=BOTH, expires_on=datetime.now(UTC) + timedelta(days=9))
    denied = [*DNS, deny("Zone Read", on=zone(ZONE_ID))]
    tokens.create(name="b", policies=denied)

    narrower = shell(f"cftokens edit a {OPTIONS}")
    wider = shell(f"cftokens edit a {OPTIONS} --allow 'Zone Read'")
    not_denied = shell(f"cftokens edit b {OPTIONS}")

    assert (narrower.exit_code, wider.exit_code, not_denied.exit_code) == (0, 2, 2)
    assert "This widens the permissions of a" in wider.stderr
