"""
Commands that only read, and what all commands have in common.
"""

import json
from datetime import UTC, datetime, timedelta

import pytest

from cftokens.cli._columns import Column
from cftokens.cli._drawing import fitting
from cftokens.cli._program import COMMANDS, program
from cftokens.cli._text import clean, safe
from cftokens.policies import allow, zone
from cftokens.sync import AccountTokens
from cftokens.sync.emulator import Emulator, Fault
from tests.cli.conftest import Shell
from tests.vocabulary import MINTED, TOKEN_ID, ZONE_ID

DNS = [allow("DNS Write", on=zone(ZONE_ID))]


def test_list_in_a_pipe(shell: Shell, tokens: AccountTokens) -> None:
    """
    In a pipe, each token is one line with its whole id.
    """
    made = tokens.create(name="dns-bot", policies=DNS)

    lines = [line.split("\t") for line in shell("cftokens list").stdout.splitlines()]

    assert [made.id, "dns-bot", "active", "never", "never"] in [line[:5] for line in lines]
    assert {len(line) for line in lines} == {6}


def test_list_as_json(shell: Shell, tokens: AccountTokens) -> None:
    """
    With --json, the list is one document, in which every token has the same keys.
    """
    tokens.create(name="dns-bot", policies=DNS)

    listed = json.loads(shell("cftokens list --json --name dns-bot").stdout)

    assert [(each["name"], each["expires_on"], each["last_used_on"]) for each in listed] == [
        ("dns-bot", None, None)
    ]
    assert "value" not in listed[0]


def test_list_expired(shell: Shell, server: Emulator, tokens: AccountTokens) -> None:
    """
    --expired lists the tokens that have expired and no others, so that its ids can be deleted.
    """
    past = datetime.now(UTC) - timedelta(days=1)
    old = server.issue("account", name="old", policies=DNS, expires_on=past)
    tokens.create(name="new", policies=DNS)

    assert shell("cftokens list --quiet --expired").stdout == f"{old.id}\n"
    assert old.id not in shell("cftokens list --quiet").stdout
    assert len(shell("cftokens list --quiet --include-expired").stdout.splitlines()) == 3


def test_user(shell: Shell, server: Emulator) -> None:
    """
    --user works on the user's own tokens.
    """
    shell.environment["CLOUDFLARE_API_TOKEN"] = server.user_api_token

    assert shell("cftokens list --user").exit_code == 0
    assert server.requests[-1].path.endswith("/user/tokens")


def test_account(shell: Shell, server: Emulator) -> None:
    """
    --account overrides the environment's account.
    """
    shell.environment["CLOUDFLARE_ACCOUNT_ID"] = TOKEN_ID

    assert shell(f"cftokens verify --account {server.account_id}").exit_code == 0


def test_show_by_name_and_by_id(shell: Shell, tokens: AccountTokens) -> None:
    """
    A token is named by its id, or by its exact name.
    """
    made = tokens.create(
        name="dns bot",
        policies=DNS,
        condition={"request_ip": {"in": ["192.0.2.0/24"], "not_in": ["192.0.2.9"]}},
    )

    by_name = shell("cftokens show 'dns bot'")

    assert by_name.stdout == shell(f"cftokens show {made.id}").stdout
    assert f"id          {made.id}\n" in by_name.stdout
    assert "addresses   192.0.2.0/24, but not 192.0.2.9/32\n" in by_name.stdout
    assert json.loads(shell("cftokens show 'dns bot' --json").stdout)["id"] == made.id
    assert shell("cftokens show 'dns bot' --quiet").stdout == f"{made.id}\n"


def test_one_sided_addresses(shell: Shell, tokens: AccountTokens) -> None:
    """
    A condition that only excludes addresses is shown as such.
    """
    tokens.create(name="bot", policies=DNS, condition={"request_ip": {"not_in": ["192.0.2.9"]}})

    assert "addresses   any address, but not 192.0.2.9/32\n" in shell("cftokens show bot").stdout


def test_a_name_that_several_have(shell: Shell, tokens: AccountTokens) -> None:
    """
    A name that several tokens have is refused with their ids.
    """
    ids = {tokens.create(name="bot", policies=DNS).id for _ in range(2)}

    result = shell("cftokens show bot")

    assert result.exit_code == 1
    assert {*result.stderr.splitlines()[1:]} == ids


def test_a_name_that_no_token_has(shell: Shell) -> None:
    """
    An unknown name is refused in one sentence.
    """
    result = shell("cftokens show nothing")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.endswith("is named 'nothing'.\n")


@pytest.mark.parametrize("value", [MINTED.replace("T0PS3CR3T", "abcdefghi"), "aB3" * 13 + "x"])
def test_a_value_in_place_of_a_name(shell: Shell, value: str) -> None:
    """
    A token's value is refused as an argument, sent nowhere, and not repeated.
    """
    result = shell(f"cftokens show {value}")

    assert result.exit_code == 2
    assert value not in result.output
    assert shell.sent == []


@pytest.mark.parametrize("line", ["cftokens {}", "cftokens verify {}", "cftokens list --{}", "cftokens --{}"])
def test_a_value_in_a_wrong_place(shell: Shell, line: str) -> None:
    """
    No message about usage repeats a value.
    """
    value = MINTED.replace("T0PS3CR3T", "abcdefghi")

    result = shell(line.format(value))

    assert result.exit_code == 2
    assert value not in result.output


def test_names_cannot_act_on_a_terminal(shell: Shell, tokens: AccountTokens) -> None:
    """
    Escape sequences, line breaks and marks of direction in a name are shown, not obeyed.
    """
    tokens.create(name="a\x1b[31m\tb\nc\u202ed[red]", policies=DNS)

    listed = shell("cftokens list").stdout

    assert "a\\x1b[31m\\tb\\nc\\u202ed[red]" in listed
    assert "\\u202e" in shell("cftokens list --json").stdout


def test_a_message_cannot_act_on_a_terminal() -> None:
    """
    A message keeps its lines, and loses its escape sequences and what looks like a value.
    """
    assert safe(f"one\ntwo \x1b[2J {MINTED}") == "one\ntwo \\x1b[2J <hidden>"
    assert clean("héllo 東京 ✓") == "héllo 東京 ✓"


def test_groups(shell: Shell) -> None:
    """
    The groups whose names have all words are listed, with their ids and scopes.
    """
    found = shell("cftokens groups dns WRITE").stdout.splitlines()
    listed = json.loads(shell("cftokens groups dns write --json").stdout)

    assert "4755a26eedb94da69e1066d98aa820be\tDNS Write\tcom.cloudflare.api.account.zone\t" in found
    assert [each["id"] for each in listed] == [line.split("\t")[0] for line in found]
    assert shell("cftokens groups dns write -q").stdout.split() == [each["id"] for each in listed]


def test_verify(shell: Shell, server: Emulator) -> None:
    """
    A credential that works has the exit status 0, in every form of output.
    """
    plain, quiet, document = (shell(f"cftokens verify {each}") for each in ("", "-q", "--json"))

    assert {each.exit_code for each in (plain, quiet, document)} == {0}
    assert "status   active\n" in plain.stdout
    assert json.loads(document.stdout) == {
        "id": quiet.stdout.strip(),
        "status": "active",
        "expires_on": None,
        "not_before": None,
    }


def test_verify_of_a_disabled_credential(shell: Shell, server: Emulator) -> None:
    """
    A credential that does not work has the exit status 1.
    """
    server.inject(Fault.status(401), operation="verify", times=None)

    assert shell("cftokens verify").exit_code == 1


def test_an_answer_that_is_not_active(
    shell: Shell, server: Emulator, tokens: AccountTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    An answer with another status than active has the exit status 1, too.
    """
    monkeypatch.setattr("cftokens.emulator._state.Token.in_force", lambda *_: True)
    issued = server.issue("account", name="me")
    shell.environment["CLOUDFLARE_API_TOKEN"] = issued.value
    tokens.edit(issued.id, status="disabled")

    assert shell("cftokens verify").exit_code == 1


@pytest.mark.parametrize(
    "line",
    [
        "cftokens list --user --account 0000000000000000000000000000e001",
        "cftokens list --json --quiet",
        "cftokens list --account nonsense",
        "cftokens",
        "cftokens nonsense",
    ],
)
def test_wrong_usage(shell: Shell, line: str) -> None:
    """
    Wrong usage has the exit status 2 and sends nothing.
    """
    result = shell(line)

    assert (result.exit_code, shell.sent) == (2, [])


def test_no_owner(shell: Shell) -> None:
    """
    Without an account and --user, a sentence says what to do.
    """
    shell.environment["CLOUDFLARE_ACCOUNT_ID"] = ""

    result = shell("cftokens list")

    assert result.exit_code == 2
    assert "Use --account ID or --user, or set CLOUDFLARE_ACCOUNT_ID." in result.stderr


def test_no_credential(shell: Shell) -> None:
    """
    Without a credential, the message shows where one is made.
    """
    shell.environment["CLOUDFLARE_API_TOKEN"] = ""

    result = shell("cftokens list")

    assert result.exit_code == 2
    assert "https://dash.cloudflare.com/" in result.stderr


def test_a_refusal(shell: Shell) -> None:
    """
    Cloudflare's refusal is one message and the exit status 1.
    """
    result = shell(f"cftokens show {TOKEN_ID}")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "404" in result.stderr


def test_verbose(shell: Shell, server: Emulator) -> None:
    """
    --verbose shows what happens on standard error, and no secret.
    """
    server.inject(Fault.status(502), operation="verify")

    result = shell("cftokens --verbose verify --quiet")

    assert result.exit_code == 0
    assert result.stderr.count("\n") >= 1
    assert shell("cftokens verify --quiet").stderr == ""


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_each_command(shell: Shell, name: str) -> None:
    """
    Each command's help begins with the summary in the table, and has an example.
    """
    result = shell(f"cftokens {name} --help")

    assert result.exit_code == 0
    assert " ".join(COMMANDS[name][1].split()) in " ".join(result.stdout.split())
    assert f"\n    cftokens {name}" in result.stdout.partition("Example")[2]


def test_the_table_lists_every_command() -> None:
    """
    The summaries are those that the commands themselves have.
    """
    context = program.make_context("cftokens", ["list"])
    commands = {name: program.get_command(context, name) for name in COMMANDS}

    assert all(command is not None and command.name == name for name, command in commands.items())
    assert program.get_command(context, "nonsense") is None


COLUMNS = [Column("ID", whole=True, kept=True), Column("NAME", kept=True), Column("STATUS", whole=True)]
ROWS = [["0" * 32, "a name " * 5, "active"]]


@pytest.mark.parametrize(("width", "titles"), [(20, 1), (40, 1), (46, 2), (54, 3), (200, 3)])
def test_columns_that_fit(width: int, titles: int) -> None:
    """
    Where there is no room, the last columns are left out; the id and the name then stand in one.
    """
    table = fitting(COLUMNS, ROWS, width)

    assert len(table.columns) == titles
