"""
The recipes: programs that rotate a token into a place, with a stand-in for that place.
"""

import base64
import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from cftokens import NoResponseError, Token, TokenVerifyResponse
from cftokens import policies as p
from cftokens.sync import Client
from cftokens.sync.emulator import Emulator, Fault
from docs.examples import rotate_env_file, worker_secret
from tests.examples.programs import DEADLINE, EXAMPLES, PYTHON, ROOT, at_once_or_later, environment_for

pytestmark = pytest.mark.slow

SHORTLY = timedelta(minutes=1)


@pytest.fixture
def client(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """
    A client that sees what the program did, for which the environment has the credential of the emulator.
    """
    for name, value in environment_for(emulator).items():
        monkeypatch.setenv(name, value)
    with emulator.client() as client:
        yield client


@pytest.fixture
def old(emulator: Emulator, client: Client) -> Any:
    """
    The token that is to be rotated, which never expires.
    """
    policy = p.allow("Zone Read", on=p.all_zones(emulator.account_id))
    created = client.accounts.tokens.create(name="bot", policies=[policy])
    client.accounts.tokens.wait_until_active(created.value, timeout=10.0)
    return created


def loaded(name: str, monkeypatch: pytest.MonkeyPatch, **stand_ins: Any) -> Any:
    """
    Import a program with stand-ins for the packages that it needs.
    """
    for package, stand_in in stand_ins.items():
        monkeypatch.setitem(sys.modules, package, stand_in)
    monkeypatch.delitem(sys.modules, f"docs.examples.{name}", raising=False)
    return importlib.import_module(f"docs.examples.{name}")


def verify(client: Client, value: str) -> TokenVerifyResponse:
    """
    Verify a value.
    """
    return client.with_options(api_token=value).accounts.tokens.verify()


def bots(client: Client) -> list[Token]:
    """
    Return the tokens that are named "bot", or as a successor of it.
    """
    return [token for token in client.accounts.tokens.list() if (token.name or "").startswith("bot")]


def assert_rotated(client: Client, old: Token, successor_id: str, value: str, overlap: timedelta) -> None:
    """
    Assert that the new value works, has the old access, and that the old token ends after the overlap.
    """
    assert verify(client, value).id == successor_id != old.id
    before, after = bots(client)
    assert (before.id, after.id) == (old.id, successor_id)
    assert p.same_access(before.policies, after.policies)
    assert before.expires_on is not None
    assert abs(before.expires_on - datetime.now(UTC) - overlap) < SHORTLY


def assert_nothing_is_lost(client: Client, old: Token, printed: str) -> None:
    """
    Assert that the old token works as before, and that the successor is named and not shown.
    """
    before, after = bots(client)
    assert (before.id, before.status, before.expires_on) == (old.id, "active", None)
    assert after.id in printed
    assert "cfat_" not in printed


# An env file


@at_once_or_later
def test_an_env_file_is_rotated(
    client: Client, old: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    The variable has the new value, other lines are unchanged, and only its owner can read the file.
    """
    path = tmp_path / "bot.env"
    path.write_text(f"# ours\nMODE=fast\nTOKEN={old.value.reveal()}\nTOKENS=2\n")

    assert rotate_env_file.main(path, "TOKEN") == 0
    value = rotate_env_file.read(path, "TOKEN")
    assert path.read_text() == f"# ours\nMODE=fast\nTOKEN={value}\nTOKENS=2\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]
    assert_rotated(client, old, verify(client, value).id, value, timedelta(hours=1))
    assert "cfat_" not in capsys.readouterr().out


def test_an_env_file_is_rotated_again(client: Client, old: Any, tmp_path: Path) -> None:
    """
    The next run replaces the successor, and leaves the first token as it is.
    """
    path = tmp_path / "bot.env"
    path.write_text(f"TOKEN={old.value.reveal()}\n")
    values = []
    for _ in range(2):
        assert rotate_env_file.main(path, "TOKEN") == 0
        values.append(rotate_env_file.read(path, "TOKEN"))

    assert len(bots(client)) == 3
    assert verify(client, values[1]).id != verify(client, values[0]).id


def test_an_env_file_that_cannot_be_written_loses_nothing(
    client: Client, old: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    If the new value cannot be stored, the old one works on, and the message names the successor.
    """
    path = tmp_path / "bot.env"
    path.write_text(f"TOKEN={old.value.reveal()}\n")
    (tmp_path / "bot.env.new").mkdir()

    assert rotate_env_file.main(path, "TOKEN") == 1
    assert rotate_env_file.read(path, "TOKEN") == old.value.reveal()
    assert_nothing_is_lost(client, old, capsys.readouterr().err)


@pytest.mark.parametrize("text", ["", "TOKEN=\n", "TOKEN='quoted'\n", f"TOKEN=cfat_{'a' * 48}\n"])
def test_an_env_file_without_a_working_value_is_left_alone(
    client: Client, old: Any, tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    Without a value that works, nothing is made, and the exit status is 1.
    """
    path = tmp_path / "bot.env"
    path.write_text(text)

    assert rotate_env_file.main(path, "TOKEN") == 1
    assert path.read_text() == text
    assert [token.id for token in bots(client)] == [old.id]
    assert capsys.readouterr().err.startswith("Stopped: ")


# Vault


class Vault:
    """
    A stand-in for hvac, with one secret.
    """

    def __init__(self, secret: dict[str, str]) -> None:
        self.secret = secret
        self.version = 7
        self.Client = lambda: SimpleNamespace(secrets=SimpleNamespace(kv=SimpleNamespace(v2=self)))

    def read_secret_version(self, *, path: str, raise_on_deleted_version: bool) -> dict[str, Any]:
        assert path == "bots/dns"
        return {"data": {"data": self.secret, "metadata": {"version": self.version}}}

    def create_or_update_secret(self, *, path: str, secret: dict[str, str], cas: int) -> None:
        if cas != self.version:
            raise RuntimeError("check-and-set parameter did not match the current version")
        self.secret, self.version = secret, cas + 1


@at_once_or_later
def test_a_secret_of_vault_is_rotated(client: Client, old: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The secret's next version has the successor's id and value.
    """
    vault = Vault({"id": old.id, "value": old.value.reveal()})

    assert loaded("vault_secret", monkeypatch, hvac=vault).main("bots/dns") == 0
    assert vault.version == 8
    assert_rotated(client, old, vault.secret["id"], vault.secret["value"], timedelta(hours=1))


def test_a_secret_of_vault_that_changed_meanwhile_is_not_overwritten(
    client: Client, old: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    If another process writes the secret first, the old token works on, and the message names the successor.
    """
    vault = Vault({"id": old.id, "value": old.value.reveal()})
    read = vault.read_secret_version

    def read_early(**arguments: Any) -> dict[str, Any]:
        answer = read(**arguments)
        vault.version += 1
        return answer

    vault.read_secret_version = read_early  # type: ignore[method-assign]

    assert loaded("vault_secret", monkeypatch, hvac=vault).main("bots/dns") == 1
    assert vault.secret["id"] == old.id
    assert_nothing_is_lost(client, old, capsys.readouterr().err)


# Kubernetes


class Cluster:
    """
    A stand-in for kubernetes, with one Secret.
    """

    def __init__(self, pair: dict[str, str], problem: Exception | None = None) -> None:
        self.problem = problem
        self.data = {key: base64.b64encode(value.encode()).decode() for key, value in pair.items()}
        self.config = SimpleNamespace(load_incluster_config=lambda: None)
        self.client = SimpleNamespace(CoreV1Api=lambda: self)

    def read_namespaced_secret(self, name: str, namespace: str) -> Any:
        assert (name, namespace) == ("bot", "dns")
        return SimpleNamespace(data=self.data)

    def patch_namespaced_secret(self, name: str, namespace: str, body: dict[str, Any]) -> None:
        if self.problem:
            raise self.problem
        changes = {
            key: base64.b64encode(value.encode()).decode() for key, value in body["stringData"].items()
        }
        self.data = {**self.data, **changes}

    def plain(self, key: str) -> str:
        return base64.b64decode(self.data[key]).decode()


@at_once_or_later
def test_a_secret_of_kubernetes_is_rotated(client: Client, old: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The Secret has the successor's id and value, and the old value works for a day.
    """
    cluster = Cluster({"id": old.id, "value": old.value.reveal()})

    assert loaded("kubernetes_secret", monkeypatch, kubernetes=cluster).main("dns", "bot") == 0
    assert_rotated(client, old, cluster.plain("id"), cluster.plain("value"), timedelta(days=1))


def test_a_secret_of_kubernetes_that_cannot_be_written_loses_nothing(
    client: Client, old: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    If the cluster refuses the change, the old token works on, and the message names the successor.
    """
    cluster = Cluster({"id": old.id, "value": old.value.reveal()}, RuntimeError("403 Forbidden"))

    assert loaded("kubernetes_secret", monkeypatch, kubernetes=cluster).main("dns", "bot") == 1
    assert cluster.plain("id") == old.id
    assert_nothing_is_lost(client, old, capsys.readouterr().err)


# A Worker


@at_once_or_later
@pytest.mark.parametrize("status", [200, 403])
async def test_a_secret_of_a_worker_is_rotated(
    emulator: Emulator,
    old: Any,
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """
    The secret is written with its own credential. If that is refused, the old token works on.
    """
    received: list[Any] = []

    async def write(request: web.Request) -> web.Response:
        received.append((request.path, request.headers["Authorization"], await request.json()))
        return web.json_response({}, status=status)

    app = web.Application()
    app.router.add_put("/{path:.*}", write)
    async with TestServer(app) as server:
        monkeypatch.setattr(worker_secret, "API", str(server.make_url("/v4")))
        monkeypatch.setenv("WORKERS_API_TOKEN", "of-the-workers")
        done = await worker_secret.main("shop", "DNS_TOKEN", "bot")

    ((path, authorization, body),) = received
    assert path == f"/v4/accounts/{emulator.account_id}/workers/scripts/shop/secrets"
    assert authorization == "Bearer of-the-workers"
    assert (body["name"], body["type"]) == ("DNS_TOKEN", "secret_text")
    with emulator.client() as client:
        if status == 200:
            assert_rotated(client, old, verify(client, body["text"]).id, body["text"], timedelta(hours=1))
        else:
            assert_nothing_is_lost(client, old, capsys.readouterr().err)
    assert done == (0 if status == 200 else 1)


async def test_a_worker_needs_a_token_of_that_name(
    client: Client, old: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    The name must be the whole name, but for the end that a rotation adds.
    """
    assert await worker_secret.main("shop", "DNS_TOKEN", "bo") == 1
    assert capsys.readouterr().err == "Stopped: There is no active token named 'bo'.\n"


async def test_a_lost_connection_to_a_worker_shows_no_credential(
    old: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    If the secret cannot be sent, the message says so without a value.
    """
    monkeypatch.setattr(worker_secret, "API", "http://127.0.0.1:9")
    monkeypatch.setenv("WORKERS_API_TOKEN", "of-the-workers")

    assert await worker_secret.main("shop", "DNS_TOKEN", "bot") == 1
    printed = capsys.readouterr().err
    assert "RuntimeError was raised" in printed
    assert "of-the-workers" not in printed


# AWS Secrets Manager


class NotThereError(Exception):
    """
    What boto3 raises for a version that has no value.
    """


class SecretsManager:
    """
    A stand-in for boto3 and its client, with one secret.
    """

    exceptions = SimpleNamespace(ResourceNotFoundException=NotThereError)

    def __init__(self, pair: dict[str, str]) -> None:
        self.values = {"v1": json.dumps(pair)}
        self.stages = {"v1": {"AWSCURRENT"}, "v2": {"AWSPENDING"}}
        self.client = lambda service: {"secretsmanager": self}[service]

    def get_secret_value(self, *, SecretId: str, VersionStage: str, VersionId: str = "") -> Any:  # noqa: N803 -- AWS's
        for version, stages in self.stages.items():
            if VersionStage in stages and VersionId in ("", version) and version in self.values:
                return {"SecretString": self.values[version]}
        raise NotThereError

    def put_secret_value(
        self,
        *,
        SecretId: str,  # noqa: N803 -- AWS's
        ClientRequestToken: str,  # noqa: N803
        SecretString: str,  # noqa: N803
        VersionStages: list[str],  # noqa: N803
    ) -> None:
        self.values[ClientRequestToken] = SecretString
        self.stages[ClientRequestToken] = set(VersionStages)

    def describe_secret(self, *, SecretId: str) -> Any:  # noqa: N803 -- AWS's
        return {"VersionIdsToStages": {version: sorted(stages) for version, stages in self.stages.items()}}

    def update_secret_version_stage(
        self,
        *,
        SecretId: str,  # noqa: N803 -- AWS's
        VersionStage: str,  # noqa: N803
        MoveToVersionId: str,  # noqa: N803
        RemoveFromVersionId: str,  # noqa: N803
    ) -> None:
        self.stages[RemoveFromVersionId] = {"AWSPREVIOUS"}
        self.stages[MoveToVersionId].add(VersionStage)

    def pair(self, version: str) -> dict[str, str]:
        pair: dict[str, str] = json.loads(self.values[version])
        return pair


Step = Callable[[str], None]


@pytest.fixture
def manager(old: Any) -> SecretsManager:
    """
    A secret that holds the old token.
    """
    return SecretsManager({"id": old.id, "value": old.value.reveal()})


@pytest.fixture
def step(manager: SecretsManager, monkeypatch: pytest.MonkeyPatch) -> Step:
    """
    Calls the Lambda function.
    """
    monkeypatch.setenv("TOKEN_NAME", "bot")
    program: ModuleType = loaded("aws_secrets_manager", monkeypatch, boto3=manager)

    def call(name: str) -> None:
        program.handler({"SecretId": "arn", "ClientRequestToken": "v2", "Step": name}, None)

    return call


STEPS = ["createSecret", "setSecret", "testSecret", "finishSecret"]


@at_once_or_later
@pytest.mark.parametrize("times", [1, 2])
def test_a_secret_of_aws_is_rotated(
    client: Client, old: Any, manager: SecretsManager, step: Step, times: int
) -> None:
    """
    The four steps make a current version with the successor, also if each of them is repeated.
    """
    for name in STEPS:
        for _ in range(times):
            step(name)

    assert manager.stages["v2"] >= {"AWSCURRENT"}
    pair = manager.pair("v2")
    assert_rotated(client, old, pair["id"], pair["value"], timedelta(hours=1))


def test_a_step_of_aws_that_lost_its_answer_is_repeated(
    emulator: Emulator, client: Client, old: Any, manager: SecretsManager, step: Step
) -> None:
    """
    A successor whose create was not answered is found by the next try, and its value is replaced.
    """
    emulator.inject(Fault.drop_after(), operation="create")
    with pytest.raises(NoResponseError, match="may have taken effect"):
        step("createSecret")
    for name in STEPS:
        step(name)

    pair = manager.pair("v2")
    assert_rotated(client, old, pair["id"], pair["value"], timedelta(hours=1))


def test_a_step_of_aws_that_stored_nothing_is_repeated(
    client: Client, old: Any, manager: SecretsManager, step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A successor whose value was not stored is found by the next try, so that there is never a third token.
    """

    def refuse(**_: Any) -> None:
        raise RuntimeError("throttled")

    with monkeypatch.context() as patch:
        patch.setattr(manager, "put_secret_value", refuse)
        with pytest.raises(RuntimeError, match="throttled"):
            step("createSecret")
    for name in STEPS:
        step(name)

    pair = manager.pair("v2")
    assert_rotated(client, old, pair["id"], pair["value"], timedelta(hours=1))


# A CI job


SHOW = "import os; print(os.environ['CLOUDFLARE_API_TOKEN'], flush=True)"


def job(emulator: Emulator, *command: str, **variables: str) -> "subprocess.Popen[str]":
    """
    Start the program that runs a command with a temporary token.
    """
    return subprocess.Popen(
        [*PYTHON, str(EXAMPLES / "temporary_token.py"), *command],
        cwd=ROOT,
        env=environment_for(emulator) | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@at_once_or_later
@pytest.mark.parametrize("status", [0, 3])
def test_a_command_gets_a_temporary_token(emulator: Emulator, client: Client, status: int) -> None:
    """
    The command has a token of its own, which is deleted at its end, and its exit status is passed on.
    """
    with job(
        emulator, sys.executable, "-c", f"{SHOW}; raise SystemExit({status})", CI_JOB_ID="12"
    ) as running:
        printed, problem = running.communicate(timeout=DEADLINE)

    assert (running.returncode, problem) == (status, "")
    assert printed.startswith("cfat_")
    assert printed.strip() != emulator.api_token
    assert len(client.accounts.tokens.list().collect()) == 1


def test_github_hides_the_value_of_a_temporary_token(emulator: Emulator) -> None:
    """
    In GitHub Actions, the value is masked before the command runs.
    """
    with job(emulator, sys.executable, "-c", SHOW, GITHUB_ACTIONS="true") as running:
        printed, _ = running.communicate(timeout=DEADLINE)

    mask, value = printed.splitlines()
    assert mask == f"::add-mask::{value}"


def test_a_cancelled_job_deletes_its_temporary_token(emulator: Emulator, client: Client) -> None:
    """
    SIGTERM ends the command and deletes the token.
    """
    with job(emulator, sys.executable, "-c", f"{SHOW}; import time; time.sleep(60)") as running:
        assert running.stdout is not None
        value = running.stdout.readline().strip()
        assert verify(client, value).status == "active"
        os.kill(running.pid, signal.SIGTERM)
        running.communicate(timeout=DEADLINE)

    assert running.returncode == 143
    assert len(client.accounts.tokens.list().collect()) == 1


def test_a_job_that_gets_no_token_runs_nothing(emulator: Emulator) -> None:
    """
    If Cloudflare refuses the token, the command does not run, and the exit status is 1.
    """
    emulator.inject(Fault.status(403), operation="create")
    with job(emulator, sys.executable, "-c", SHOW) as running:
        printed, problem = running.communicate(timeout=DEADLINE)

    assert (running.returncode, printed) == (1, "")
    assert problem.startswith("Stopped: POST /accounts/")
