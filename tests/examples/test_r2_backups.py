"""
S3 credentials of a token with boto3, before and after a roll and a rotation.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from cftokens import policies as p
from cftokens import r2
from cftokens.sync.emulator import Emulator
from docs.examples import r2_backups
from tests.examples.bucket import Bucket, serving
from tests.examples.programs import at_once_or_later, environment_for

pytestmark = pytest.mark.slow


@pytest.fixture
def bucket(emulator: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Bucket]:
    """
    A bucket called "backups" at R2's address, which nobody is in a hurry to write.
    """
    for name, value in environment_for(emulator).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    monkeypatch.setattr(r2_backups, "PATIENCE", 5.0)
    bucket = Bucket(emulator, "backups")
    with serving(bucket, monkeypatch, str(tmp_path / "authority.pem")):
        yield bucket


@at_once_or_later
def test_a_roll_keeps_the_key_and_a_rotation_changes_it(
    bucket: Bucket, emulator: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    The new pair works each time. The old one is refused after a roll, and works on after a rotation.
    """
    r2_backups.main("backups")

    roll, rotation, until = capsys.readouterr().out.splitlines()
    assert roll == "After a roll, the access key stays, and the old pair is refused."
    assert rotation == "After a rotation, the access key changes, and the old pair still works."
    assert until.startswith("It works until ")
    assert bucket.answers == [
        (200, "stored"),
        (200, "stored"),
        (403, "SignatureDoesNotMatch"),
        (200, "stored"),
        (200, "stored"),
    ]
    assert bucket.objects == {"/backups/latest": b"What is to be kept."}
    with emulator.client() as client:
        assert len(client.accounts.tokens.list(include_expired=True).collect()) == 1


def test_it_waits_until_r2_knows_a_new_token(bucket: Bucket) -> None:
    """
    R2 may refuse it for a while.
    """
    bucket.refusals = 2
    r2_backups.main("backups")

    assert [code for _, code in bucket.answers[:3]] == ["Unauthorized", "Unauthorized", "stored"]


def test_it_does_not_wait_for_ever(
    bucket: Bucket, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    If R2 goes on refusing, the program ends with an error and leaves no token.
    """
    monkeypatch.setattr(r2_backups, "PATIENCE", -1.0)
    bucket.refusals = 99
    with pytest.raises(TimeoutError, match="R2 does not accept"):
        r2_backups.main("backups")

    with emulator.client() as client:
        assert len(client.accounts.tokens.list(include_expired=True).collect()) == 1


def test_the_checksums_of_boto3_are_not_for_r2(bucket: Bucket, emulator: Emulator) -> None:
    """
    Without the setting of the example, an upload is refused, and that is not taken for a refused token.
    """
    import boto3  # noqa: PLC0415 -- the other way to make a client

    with emulator.client() as client:
        policies = [
            p.allow("Workers R2 Storage Bucket Item Write", on=p.r2_bucket(emulator.account_id, "backups"))
        ]
        made = client.accounts.tokens.create(name="backups", policies=policies)
    credentials = r2.credentials(made.id, made.value, emulator.account_id)
    s3 = boto3.client("s3", **credentials.to_dict(reveal=True))
    with pytest.raises(ClientError, match="NotImplemented"):
        s3.put_object(Bucket="backups", Key="latest", Body=b"x")
    s3.close()

    assert r2_backups.works(credentials, "backups")
    wrong = r2.credentials(made.id, f"{made.value.reveal()}x", emulator.account_id)
    assert not r2_backups.works(wrong, "backups")
