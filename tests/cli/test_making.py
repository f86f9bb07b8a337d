"""
Commands that make a value, and the places where it goes.
"""

import json
import os
import shlex
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import Mock

import pytest

from cftokens import TokenValue
from cftokens.cli._access import duration_of
from cftokens.cli._destinations import EnvironmentFile
from cftokens.policies import allow, zone
from cftokens.sync import AccountTokens
from cftokens.sync.emulator import Emulator, Fault
from tests.cli.conftest import Shell
from tests.support import posix_only
from tests.vocabulary import ACCOUNT, MARK, POLICY, ZONE_ID

DNS = f"--allow 'DNS Write' --zone {ZONE_ID}"
CREATE = f"cftokens create dns-bot {DNS}"

PREPARED_BY_ANOTHER_USER = """
import os, sys
from cftokens.cli._destinations import EnvironmentFile

if os.geteuid() == 0:  # who may write everything
    os.setuid(65534)
try:
    EnvironmentFile(sys.argv[1], "CF_TOKEN").prepare()
except OSError as error:
    print(f"[Errno {error.errno}] {error.strerror}")
"""


def line_that_settles(stderr: str) -> str:
    """
    Return the line that is to be pasted.
    """
    return stderr.splitlines()[-1]


# Where it goes


def test_a_new_file(shell: Shell, server: Emulator, tokens: AccountTokens) -> None:
    """
    --value-to writes the value, and nothing else, to a new file.
    """
    result = shell(f"{CREATE} --value-to dns.token")
    file = Path("dns.token")

    assert (result.exit_code, result.stdout) == (0, "")
    assert "never expires" in result.stderr
    assert MARK in file.read_text()
    assert not file.read_text().endswith("\n")
    with server.client(api_token=file.read_text()) as client:
        assert client.accounts.tokens.verify().status == "active"


def test_an_existing_file(shell: Shell) -> None:
    """
    A file is never overwritten, and then no token is made.
    """
    Path("dns.token").write_text("mine")

    result = shell(f"{CREATE} --value-to dns.token")

    assert (result.exit_code, shell.writes) == (1, [])
    assert "dns.token exists" in result.stderr
    assert Path("dns.token").read_text() == "mine"


@pytest.mark.parametrize("place", ["--value-to none/dns.token", "--value-to-env none/.env NAME"])
def test_a_directory_that_is_missing(shell: Shell, place: str) -> None:
    """
    A place that cannot be written is found before a token is made.
    """
    result = shell(f"{CREATE} {place}")

    assert (result.exit_code, shell.writes) == (1, [])
    assert "No such file or directory" in result.stderr


@pytest.mark.parametrize("place", ["--value-to dns.token", "--value-to-env .env CF_TOKEN"])
def test_a_full_disk(shell: Shell, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A disk without room for a value is found before a token is made, and nothing is left on it.
    """

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    result = shell(f"{CREATE} {place}")

    assert (result.exit_code, shell.writes) == (1, [])
    assert "No space left on device" in result.stderr
    assert list(Path().iterdir()) == []


def test_a_disk_that_fills_up(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    If the value cannot be stored after all, the token is deleted.
    """
    fill_up(monkeypatch)

    result = shell(f"{CREATE} --value-to dns.token")

    assert (result.exit_code, shell.writes) == (1, ["create", "delete"])
    assert "The token was deleted." in result.stderr
    assert list(Path().iterdir()) == []


def test_a_token_that_cannot_be_deleted(
    shell: Shell, server: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    If it cannot be deleted either, the message names it.
    """
    fill_up(monkeypatch)
    server.inject(Fault.status(403), operation="delete", times=None)

    result = shell(f"{CREATE} --value-to dns.token")

    assert result.exit_code == 1
    assert "is still there" in result.stderr


def fill_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Let the second write to the disk fail.
    """
    calls: list[int] = []

    def fsync(file: int) -> None:
        calls.append(file)
        if len(calls) > 1:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)


@pytest.mark.parametrize("place", ["--value-to dns.token", "--value-to-env .env CF_TOKEN"])
def test_a_refused_create_leaves_nothing(shell: Shell, server: Emulator, place: str) -> None:
    """
    If no token is made, no file stays behind.
    """
    server.inject(Fault.status(403), operation="create")

    assert shell(f"{CREATE} {place}").exit_code == 1
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "CF_TOKEN={}\n"),
        ("", "CF_TOKEN={}\n"),
        ("A=1", "A=1\nCF_TOKEN={}\n"),
        ("A=1\nCF_TOKEN=old # mine\nB='x'\n", "A=1\nCF_TOKEN={}\nB='x'\n"),
        ("export CF_TOKEN='old'\r\nB=2\r\n", "export CF_TOKEN={}\r\nB=2\r\n"),
        ("CF_TOKEN_2=x\n#CF_TOKEN=x\n", "CF_TOKEN_2=x\n#CF_TOKEN=x\nCF_TOKEN={}\n"),
    ],
)
def test_an_environment_file(shell: Shell, before: str | None, after: str) -> None:
    """
    --value-to-env replaces one line, or adds it, and keeps all else.
    """
    file = Path(".env")
    if before is not None:
        file.write_bytes(before.encode())
        file.chmod(0o600)

    result = shell(f"{CREATE} --value-to-env .env CF_TOKEN")
    head, tail = after.split("{}")
    content = file.read_bytes().decode()

    assert result.exit_code == 0
    assert content.startswith(head)
    assert content.endswith(tail)
    assert MARK in content[len(head) : len(content) - len(tail)]
    assert content.count("CF_TOKEN=") == after.count("CF_TOKEN=")
    assert [each.name for each in Path().iterdir()] == [".env"]


@posix_only
@pytest.mark.parametrize("place", ["--value-to new", "--value-to-env new CF_TOKEN"])
def test_the_mode_of_a_new_file(shell: Shell, place: str) -> None:
    """
    Only its owner may read it.
    """
    assert shell(f"{CREATE} {place}").exit_code == 0
    assert stat.S_IMODE(Path("new").stat().st_mode) == 0o600


@posix_only
def test_the_mode_of_an_environment_file(shell: Shell) -> None:
    """
    The file's mode is kept, and a mode that lets others read it is mentioned. A link stays a link.
    """
    Path("real").write_text("A=1\n")
    Path("real").chmod(0o644)
    Path(".env").symlink_to("real")

    result = shell(f"{CREATE} --value-to-env .env CF_TOKEN")

    assert "can be read by others on this machine (mode 0644)" in result.stderr
    assert Path(".env").is_symlink()
    assert stat.S_IMODE(Path("real").stat().st_mode) == 0o644
    assert MARK in Path("real").read_text()


@posix_only
def test_a_read_only_environment_file() -> None:
    """
    A file that may not be written is refused before a token is made, even if it could be replaced.
    """
    with tempfile.TemporaryDirectory() as name:
        directory, file = Path(name), Path(name, ".env")
        file.write_text("A=1\n", encoding="utf-8")
        file.chmod(0o444)
        directory.chmod(0o777)
        tried = subprocess.run(
            [sys.executable, "-c", PREPARED_BY_ANOTHER_USER, str(file)],
            capture_output=True,
            text=True,
            check=False,
        )

        assert tried.stdout == "[Errno 13] Permission denied\n", tried.stderr
        assert [each.name for each in directory.iterdir()] == [".env"]


@posix_only
def test_a_file_that_only_its_owner_may_read_stays_one(shell: Shell) -> None:
    """
    The new value is never in a file with more rights than the old one had.
    """
    Path(".env").write_text("A=1\n", encoding="utf-8")
    Path(".env").chmod(0o640)
    place = EnvironmentFile(".env", "CF_TOKEN")
    place.prepare()

    modes = {each.name == ".env": stat.S_IMODE(each.stat().st_mode) for each in Path().iterdir()}
    place.store(TokenValue(f"cfat_{MARK}"))

    assert modes == {True: 0o640, False: 0o600}
    assert stat.S_IMODE(Path(".env").stat().st_mode) == 0o640


@pytest.mark.parametrize("content", ["CF_TOKEN=1\nCF_TOKEN=2\n", "CF_TOKEN='a\nb'\n", "CF_TOKEN=a\\\nb\n"])
def test_an_unclear_environment_file(shell: Shell, content: str) -> None:
    """
    A name that is set twice, or a value of several lines, is refused before a token is made.
    """
    Path(".env").write_text(content)

    result = shell(f"{CREATE} --value-to-env .env CF_TOKEN")

    assert (result.exit_code, shell.writes) == (1, [])
    assert Path(".env").read_text() == content


def test_standard_output(shell: Shell) -> None:
    """
    --value-to - prints the value alone to a pipe.
    """
    result = shell(f"{CREATE} --value-to -", reveals=True)

    assert result.exit_code == 0
    assert MARK in result.stdout
    assert len(result.stdout.split()) == 1


def test_standard_output_as_json(shell: Shell) -> None:
    """
    With --json, the value is in the document.
    """
    result = shell(f"{CREATE} --value-to - --json", reveals=True)

    assert MARK in json.loads(result.stdout)["value"]


def test_json_without_the_value(shell: Shell, tokens: AccountTokens) -> None:
    """
    If the value goes elsewhere, the document has none, and --quiet prints the id.
    """
    document = json.loads(shell(f"{CREATE} --value-to a --json").stdout)
    quiet = shell(f"{CREATE} --value-to b --quiet").stdout

    assert "value" not in document
    assert {document["id"], quiet.strip()} == {token.id for token in tokens.list(name="dns-bot")}


@pytest.mark.parametrize(
    "line",
    [
        CREATE,
        f"{CREATE} --reveal",
        f"{CREATE} --value-to a --reveal",
        f"{CREATE} --value-to a --value-to-env b C",
        f"{CREATE} --value-to-env .env not-a-name",
        f"{CREATE} --value-to - --quiet",
        "cftokens create dns-bot --value-to a",
        "cftokens create dns-bot --value-to a --allow 'DNS Write'",
        f"cftokens create dns-bot --value-to a --zone {ZONE_ID}",
        f"{CREATE} --value-to a --expires soon",
        f"{CREATE} --value-to a --expires 2026-13-01",
        f"{CREATE} --value-to a --expires 2026-12-01T00:00:00",
        f"{CREATE} --value-to a --ip any --ip 192.0.2.1",
        f"{CREATE} --value-to a --ip nonsense",
        f"{CREATE} --value-to a --policy-file missing.json",
        f"cftokens create {'x' * 121} {DNS} --value-to a",
        "cftokens create -i",
        f"cftokens run {DNS} --lifetime soon -- true",
        f"cftokens create {DNS} --value-to a",
        "cftokens roll dns-bot",
        f"cftokens recover dns-bot {DNS} --value-to a",
    ],
)
def test_wrong_usage(shell: Shell, line: str) -> None:
    """
    What cannot be meant has the exit status 2, and sends no write.
    """
    result = shell(line)

    assert (result.exit_code, shell.writes) == (2, []), result.stderr
    assert list(Path().iterdir()) == []


# What is asked for


def test_every_resource(shell: Shell, tokens: AccountTokens, server: Emulator) -> None:
    """
    Each kind of resource has its option.
    """
    shell("cftokens create a --allow 'Workers Scripts Write' --value-to a --on-account " + server.account_id)
    shell("cftokens create b --allow 'DNS Write' --all-zones --value-to b")
    shell("cftokens create c --allow 'Workers R2 Storage Bucket Item Read' --bucket logs --value-to c")
    shell("cftokens create d --allow 'Workers R2 Storage Bucket Item Read' --all-buckets --value-to d")

    made = {token.name: token.policies[0].resources for token in tokens.list()}

    account = f"com.cloudflare.api.account.{server.account_id}"
    assert made["a"] == {account: "*"}
    assert made["b"] == {account: {"com.cloudflare.api.account.zone.*": "*"}}
    assert made["c"] == {f"com.cloudflare.edge.r2.bucket.{server.account_id}_default_logs": "*"}
    assert made["d"] == {account: {"com.cloudflare.edge.r2.bucket.*": "*"}}


def test_restrictions(shell: Shell, tokens: AccountTokens) -> None:
    """
    Addresses and an expiry are as they are given; a date means its beginning in UTC.
    """
    shell(f"{CREATE} --value-to a --ip 192.0.2.0/24 --not-ip 192.0.2.9 --expires 2099-12-31")
    (token,) = tokens.list(name="dns-bot")

    assert token.condition is not None
    assert token.condition.to_dict() == {"request_ip": {"in": ["192.0.2.0/24"], "not_in": ["192.0.2.9/32"]}}
    assert token.expires_on == datetime(2099, 12, 31, tzinfo=UTC)


def test_a_duration(shell: Shell, tokens: AccountTokens) -> None:
    """
    --expires 90d counts from now.
    """
    shell(f"{CREATE} --value-to a --expires 90d")
    (token,) = tokens.list(name="dns-bot")

    assert token.expires_within(timedelta(days=90, minutes=1))
    assert not token.expires_within(timedelta(days=89))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("15m", timedelta(minutes=15)), ("2w", timedelta(days=14)), ("99999w", None), ("1y", None), ("m", None)],
)
def test_durations(text: str, expected: timedelta | None) -> None:
    """
    A duration is a number and a unit, of at most a hundred years.
    """
    assert duration_of(text) == expected


@pytest.mark.parametrize("form", [[POLICY], POLICY, {"policies": [POLICY]}])
def test_a_policy_file(shell: Shell, tokens: AccountTokens, server: Emulator, form: object) -> None:
    """
    --policy-file takes a list of policies, one, or a token.
    """
    text = json.dumps(form).replace(ACCOUNT, server.account_id)
    Path("policies.json").write_text(text.replace("c8fed203ed3043cba015a93ad1616f1f", GROUP))

    result = shell("cftokens create bot --policy-file policies.json --value-to a")

    assert result.exit_code == 0, result.stderr
    assert len(next(iter(tokens.list(name="bot"))).policies) == 1


GROUP = "e086da7e2179491d91ee5f35b3ca210a"  # Workers Scripts Write


def test_a_policy_file_with_a_condition(shell: Shell, tokens: AccountTokens) -> None:
    """
    Of a token only the policies are read, so that it says if a condition is left out.
    """
    policies = [allow("DNS Write", on=zone(ZONE_ID))]
    tokens.create(name="a", policies=policies, condition={"request_ip": {"in": ["192.0.2.0/24"]}})
    Path("token.json").write_text(shell("cftokens show a --json").stdout)

    result = shell("cftokens create bot --policy-file token.json --value-to a")

    (token,) = tokens.list(name="bot")
    assert token.condition is None
    assert (
        "token.json: only its policies are read, not its condition; see --ip and --not-ip." in result.stderr
    )


@pytest.mark.parametrize(
    "line", ["create b --value-to a", "edit a --yes", "explain", "create b --value-to a --dry-run", "diff a"]
)
def test_a_policy_file_that_contradicts_itself(shell: Shell, tokens: AccountTokens, line: str) -> None:
    """
    A permission group whose name was changed, but not its id, is refused, because the id would count.
    """
    made = tokens.create(name="a", policies=[allow("DNS Write", on=zone(ZONE_ID))])
    text = shell("cftokens show a --json").stdout
    Path("policies.json").write_text(text.replace("DNS Write", "DNS Read"))

    result = shell(f"cftokens {line} --policy-file policies.json")

    assert result.exit_code == 2
    assert "is 'DNS Write', not 'DNS Read'. Correct the id or the name." in result.stderr
    assert tokens.get(made.id).policies == made.policies
    assert len(list(tokens.list())) == 2


def test_permission_groups_are_fetched_once(shell: Shell, tokens: AccountTokens) -> None:
    """
    To check the names in a file, and to say what it grants, one request is enough.
    """
    tokens.create(name="a", policies=[allow("DNS Write", on=zone(ZONE_ID))])
    Path("policies.json").write_text(shell("cftokens show a --json").stdout)
    before = len(shell.sent)

    shell("cftokens explain --policy-file policies.json")

    assert shell.sent[before:] == ["permission_groups"]


def test_a_member_that_is_not_known_is_named(shell: Shell, tokens: AccountTokens) -> None:
    """
    Cloudflare may add members to policies, and a misspelt one looks the same.
    """
    tokens.create(name="a", policies=[allow("DNS Write", on=zone(ZONE_ID))])
    text = shell("cftokens show a --json").stdout
    Path("policies.json").write_text(text.replace('"effect"', '"condtion": {}, "effect"'))

    result = shell("cftokens explain --policy-file policies.json")

    assert (
        "policies[0] has members that cftokens does not know, and sends as they are: condtion."
        in result.stderr
    )


@pytest.mark.parametrize("content", ["", "nonsense", "[]", "[1]", "3", '[{"effect": "allow"}]', "[" * 100000])
def test_a_wrong_policy_file(shell: Shell, content: str) -> None:
    """
    A file without policies is refused in one sentence that names it.
    """
    Path("policies.json").write_text(content)

    result = shell("cftokens create bot --policy-file policies.json --value-to a")

    assert (result.exit_code, shell.sent) == (2, [])
    assert "policies.json" in result.stderr


def test_a_bucket_of_a_user_token_needs_an_account(shell: Shell, server: Emulator) -> None:
    """
    With --user, buckets and Workers are those of the environment's account, without which they are refused.
    """
    shell.environment |= {"CLOUDFLARE_API_TOKEN": server.user_api_token, "CLOUDFLARE_ACCOUNT_ID": ""}
    line = "cftokens create bot --user --allow 'Workers R2 Storage Bucket Item Read' --value-to a"

    for option in ("--bucket logs", "--all-buckets", f"--worker {ZONE_ID}"):
        result = shell(f"{line} {option}")
        assert result.exit_code == 2
        assert "CLOUDFLARE_ACCOUNT_ID" in result.stderr


def test_all_zones_of_a_user(shell: Shell, server: Emulator) -> None:
    """
    With --user, --all-zones means those of all accounts.
    """
    shell.environment["CLOUDFLARE_API_TOKEN"] = server.user_api_token

    assert shell("cftokens create bot --user --allow 'DNS Write' --all-zones --value-to a").exit_code == 0
    shown = json.loads(shell("cftokens show bot --user --json").stdout)
    assert shown["policies"][0]["resources"] == {"com.cloudflare.api.account.zone.*": "*"}


# Lost creates


@pytest.mark.parametrize("name", ["dns-bot", "-dns bot's"])
@pytest.mark.parametrize("place", ["--value-to 'my token'", "--value-to-env .env CF_TOKEN", "--value-to -"])
def test_a_lost_create(shell: Shell, server: Emulator, tokens: AccountTokens, place: str, name: str) -> None:
    """
    A create without an answer has the exit status 3, and its last line settles it when it is pasted.
    """
    server.inject(Fault.drop_after(), operation="create")
    options = f"{DNS} --ip 192.0.2.0/24 --expires 90d {place}"

    lost = shell(f"cftokens create {options} -- {shlex.quote(name)}")
    left = list(Path().iterdir())
    found = shell(line_that_settles(lost.stderr), reveals=True)

    assert (lost.exit_code, left) == (3, [])
    assert found.exit_code == 0, found.stderr
    (token,) = tokens.list(name=name)
    assert token.id in found.stderr
    values = found.stdout if place.endswith("-") else next(Path().iterdir()).read_text()
    assert MARK in values


def test_recover_finds_nothing(shell: Shell) -> None:
    """
    If there is no such token, it is not final: look again.
    """
    result = shell(f"cftokens recover dns-bot --since 2026-01-01 {DNS} --value-to a")

    assert result.exit_code == 1
    assert "in a minute" in result.stderr
    assert list(Path().iterdir()) == []


def test_recover_of_a_value(shell: Shell) -> None:
    """
    A value that is passed as the name is not repeated.
    """
    value = f"cfat_{'a' * 48}"

    result = shell(f"cftokens recover {value} --since 2026-01-01 {DNS} --value-to a")

    assert result.exit_code == 1
    assert value not in result.output


def test_a_lost_ensure(shell: Shell, server: Emulator, tokens: AccountTokens) -> None:
    """
    An ensure whose create is lost is settled in the same way.
    """
    server.inject(Fault.drop_after(), operation="create")

    lost = shell(f"cftokens ensure dns-bot {DNS} --value-to a")

    assert lost.exit_code == 3
    assert shell(line_that_settles(lost.stderr)).exit_code == 0
    assert len(tokens.list(name="dns-bot").collect()) == 1


# Ensure


def test_an_ensure_whose_edit_is_lost(shell: Shell, server: Emulator, tokens: AccountTokens) -> None:
    """
    An ensure whose edit has no answer is settled by running it again.
    """
    tokens.create(name="dns-bot", policies=[allow("Zone Read", on=zone(ZONE_ID))])
    server.inject(Fault.drop_after(), operation="update", times=3)

    lost = shell(f"{CREATE.replace('create', 'ensure')} --value-to dns.token")
    line = line_that_settles(lost.stderr)

    assert lost.exit_code == 3
    assert line.startswith("cftokens ensure dns-bot ")
    assert shell(line).exit_code == 0
    assert len(tokens.list(name="dns-bot").collect()) == 1


def test_ensure_again(shell: Shell) -> None:
    """
    A second run finds its own file, sends no write, and is content.
    """
    line = f"cftokens ensure dns-bot {DNS} --value-to dns.token"

    first, second = shell(line), shell(line)

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "is already as it should be" in second.stderr
    assert shell.writes == ["create"]
    assert MARK in Path("dns.token").read_text()


def test_ensure_edits(shell: Shell, tokens: AccountTokens) -> None:
    """
    A token that differs is edited.
    """
    shell(f"cftokens ensure dns-bot {DNS} --value-to a")

    result = shell(f"cftokens ensure dns-bot {DNS} --ip 192.0.2.1 --value-to a --json")

    assert json.loads(result.stdout)["condition"]["request_ip"]["in"] == ["192.0.2.1/32"]
    assert "was edited" in shell(f"cftokens ensure dns-bot {DNS} --value-to a").stderr


@pytest.mark.parametrize("command", ["create", "ensure"])
def test_an_interrupt_before_the_value_is_stored(
    shell: Shell, tokens: AccountTokens, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """
    Ctrl-C just after a token was made, before its value is stored, deletes it, and says so.
    """
    monkeypatch.setattr("cftokens.cli.making.deliver", Mock(side_effect=KeyboardInterrupt))

    result = shell(f"cftokens {command} dns-bot {DNS} --value-to a")

    assert (result.exit_code, shell.writes) == (130, ["create", "delete"])
    assert result.stderr.endswith("was deleted.\n")
    assert "dns-bot" not in [token.name for token in tokens.list()]


def test_an_interrupt_as_soon_as_there_is_a_token(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The same holds for Ctrl-C between the answer and the next step.
    """

    @contextmanager
    def interrupted(*_: object) -> Iterator[None]:
        yield
        raise KeyboardInterrupt

    monkeypatch.setattr("cftokens.cli.making.creating", interrupted)

    result = shell(f"{CREATE} --value-to a")

    assert (result.exit_code, shell.writes) == (130, ["create", "delete"])
    assert result.stderr.endswith("was deleted.\n")


def test_ensure_that_finds_its_token_gone(
    shell: Shell, tokens: AccountTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    If the token disappears in the meantime, the new one's value has no place, and the new one is deleted.
    """
    Path("a").write_text("mine")
    monkeypatch.setattr("cftokens.cli.making._exists", lambda *_: True)

    result = shell(f"cftokens ensure dns-bot {DNS} --value-to a")

    assert (result.exit_code, shell.writes) == (1, ["create", "delete"])
    assert Path("a").read_text() == "mine"
    assert shell(f"cftokens ensure dns-bot {DNS} --value-to-env .env CF_TOKEN").exit_code == 0
    assert MARK in Path(".env").read_text()


def test_ensure_that_finds_a_token_after_all(
    shell: Shell, tokens: AccountTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    If another process makes the token in the meantime, no file stays behind.
    """
    shell(f"cftokens ensure dns-bot {DNS} --value-to -", reveals=True)
    monkeypatch.setattr("cftokens.cli.making._exists", lambda *_: False)

    assert shell(f"cftokens ensure dns-bot {DNS} --value-to a").exit_code == 0
    assert list(Path().iterdir()) == []


# Roll


def test_roll(shell: Shell, server: Emulator) -> None:
    """
    A roll puts the new value where it is told.
    """
    shell(f"{CREATE} --value-to old")

    result = shell("cftokens roll dns-bot --yes --value-to new")

    assert result.exit_code == 0
    assert Path("new").read_text() != Path("old").read_text()
    with server.client(api_token=Path("new").read_text()) as client:
        assert client.accounts.tokens.verify().status == "active"


def test_roll_asks(shell: Shell) -> None:
    """
    Without a terminal, a roll needs --yes.
    """
    shell(f"{CREATE} --value-to old")

    result = shell("cftokens roll dns-bot --value-to new")

    assert result.exit_code == 2
    assert "add --yes" in result.stderr
    assert shell.writes == ["create"]


def test_a_lost_roll(shell: Shell, server: Emulator) -> None:
    """
    A roll without an answer is settled by rolling again.
    """
    shell(f"{CREATE} --value-to old")
    server.inject(Fault.drop_after(), operation="roll")

    lost = shell("cftokens roll dns-bot --yes --value-to new")

    assert lost.exit_code == 3
    assert not Path("new").exists()
    assert shell(line_that_settles(lost.stderr)).exit_code == 0
    assert MARK in Path("new").read_text()


def test_a_refused_roll(shell: Shell, server: Emulator) -> None:
    """
    A roll that was certainly refused has the exit status 1.
    """
    shell(f"{CREATE} --value-to old")
    server.inject(Fault.status(403), operation="roll")

    assert shell("cftokens roll dns-bot --yes --value-to new").exit_code == 1


def test_a_roll_whose_value_is_lost(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    If the new value cannot be stored, the message says what to do.
    """
    shell(f"{CREATE} --value-to old")
    fill_up(monkeypatch)

    result = shell("cftokens roll dns-bot --yes --value-to new")

    assert result.exit_code == 1
    assert "roll again" in result.stderr
