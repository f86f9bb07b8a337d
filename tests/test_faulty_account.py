"""
An account with every fault: the audit finds each and no other, and its report leads to a clean one.
"""

import json
import re
import secrets
import shlex
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cftokens import Client
from cftokens import policies as p
from cftokens._settings import Timing
from cftokens.audit import Finding, audit
from cftokens.sync import AccountTokens
from tests.cli.conftest import Shell
from tests.samples.faulty_account import OFFICE, SEEDS, Account, days, faulty_account
from tests.support import Clock
from tests.vocabulary import DNS_READ

pytestmark = pytest.mark.slow

MOST = 99
"""Findings to mend before giving up."""


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """
    The account with all seeds.
    """
    clock = Clock()
    monkeypatch.setattr(Client, "_timing", Timing(clock, clock.sleep))
    with faulty_account(monkeypatch) as account:
        yield account


def report(tokens: AccountTokens, accepted: dict[str, str]) -> list[Finding]:
    """
    Audit the tokens.
    """
    listed = tokens.list(include_expired=True).collect()
    return audit(listed, groups=tokens.permission_groups.get(), ignore=accepted)


def test_each_fault_is_found_and_no_other(account: Account) -> None:
    """
    Thirty tokens have faults, of every rule that is about a token; rotated, brief and retired ones have none.
    """
    with account.emulator.client() as client:
        found = {(each.token.id, each.rule) for each in report(client.accounts.tokens, {}) if each.token}

    assert found == {(token_id, rule) for token_id, seed in account.seeds.items() for rule in seed.finds}
    assert sum(bool(seed.finds) for seed in SEEDS) >= 30


def wanted(account: Account, token_id: str, steps: list[str], operations: list[str]) -> str:
    """
    Return the step that the token's owner wants: one of those in a message, by its operation.
    """
    seed = account.seeds.get(token_id)
    chosen = seed.mended_by if seed and seed.mended_by in operations else operations[0]
    return steps[operations.index(str(chosen))]


class PythonOwner:
    """
    The owner of the tokens, who pastes the calls of a report and fills in what is ``...``.
    """

    def __init__(self, tokens: AccountTokens) -> None:
        self.accepted: dict[str, str] = {}
        self._tokens = tokens

    def mend(self, account: Account, finding: Finding) -> None:
        """
        Paste one call of the message.
        """
        steps = re.findall(r": ([a-z][a-z.]*\(.*?\))\.(?: |$)", finding.message)
        assert finding.token is not None
        operations = [str(each.operation) for each in finding.remedies]
        step = wanted(account, finding.token.id, steps, operations)
        names = {"token_id": finding.token.id, "reason": "Its owner said so", "value": self._tokens.value}
        calls = {name: getattr(self, name) for name in ("edit", "rotate", "retire", "delete", "audit")}
        eval(step, {**names, **calls})

    def edit(self, token_id: str, **fields: Any) -> None:
        answers: dict[str, Any] = {
            "expires_on": days(90),
            "condition": {"request_ip": {"in": OFFICE}},
            "policies": [p.allow("DNS Write", on=p.zone(token_id))],
            "name": f"bot {token_id}",
        }
        self._tokens.edit(token_id, **{field: answers[field] for field in fields})

    def rotate(self, token_id: str, *, store: object, lifetime: object) -> None:
        assert store is lifetime is ...
        self._tokens.rotate(token_id, store=lambda _: None, lifetime=timedelta(days=90))

    def retire(self, token_id: str) -> None:
        self._tokens.retire(token_id)

    def delete(self, token_id: str) -> None:
        self._tokens.delete(token_id)

    def audit(self, _: object, *, ignore: dict[str, str]) -> None:
        self.accepted |= ignore


def test_the_calls_of_a_report_mend_all_it_finds(account: Account) -> None:
    """
    Each finding, followed by the letter, is gone, and the healthy token is as it was.
    """
    with account.emulator.client() as client:
        tokens = client.accounts.tokens
        (healthy,) = tokens.list(name="healthy")
        owner, mended = PythonOwner(tokens), 0
        while (found := report(tokens, owner.accepted)) and mended < MOST:
            owner.mend(account, found[0])
            mended += 1

        assert found == []
        assert mended >= 30
        assert tokens.get(healthy.id) == healthy


class CommandOwner:
    """
    The owner of the tokens, who pastes the commands of a report and fills in what is in capitals.
    """

    def __init__(self, shell: Shell, folder: Path) -> None:
        self.accepted: list[str] = []
        self._shell = shell
        self._folder = folder

    def report(self) -> list[dict[str, Any]]:
        """
        Audit the tokens.
        """
        accepted = shlex.join(part for each in self.accepted for part in ("--ignore", each))
        found: list[dict[str, Any]] = json.loads(self._shell(f"cftokens audit --json {accepted}").stdout)
        return found

    def mend(self, account: Account, finding: dict[str, Any]) -> None:
        """
        Paste one command of the message.
        """
        steps = re.findall(r': "(cftokens .*?)"\.', finding["message"])
        operations = [each["operation"] for each in finding["remedies"]]
        step = wanted(account, finding["token_id"], steps, operations)
        if " audit " in step:
            self.accepted.append(shlex.split(step.replace("REASON", "agreed"))[-1])
            return
        answers = {"CIDR": "192.0.2.0/24", "NAME": f"bot {finding['token_id']}", "FILE": self._file(step)}
        line = shlex.join(answers.get(part, part) for part in shlex.split(step))
        result = self._shell(line)
        if "There is no terminal to ask on: add --yes" in result.stderr:
            result = self._shell(f"{line} --yes")
        assert result.exit_code == 0, result.output

    def _file(self, step: str) -> str:
        """
        Return a new file for a value, or one with policies that grant something on a zone of the token's own.
        """
        _, _, token_id, *_ = shlex.split(step)
        if "--policy-file" not in step:
            return str(self._folder / secrets.token_hex(8))
        shown = json.loads(self._shell(f"cftokens show {token_id} --json").stdout)
        group = shown["policies"][0]["permission_groups"][0]["id"]
        zone = f"com.cloudflare.api.account.zone.{token_id}"
        group = DNS_READ if shown["name"] == "ending" else group
        policy = {"effect": "allow", "permission_groups": [{"id": group}], "resources": {zone: "*"}}
        (self._folder / "policies.json").write_text(json.dumps([policy]))
        return str(self._folder / "policies.json")


def test_the_commands_of_a_report_mend_all_it_finds(account: Account, tmp_path: Path) -> None:
    """
    The same on the command line, with the commands that it shows.
    """
    owner, mended = CommandOwner(Shell(account.emulator), tmp_path), 0
    while (found := owner.report()) and mended < MOST:
        owner.mend(account, found[0])
        mended += 1

    assert found == []
    assert mended >= 30
