"""
S3 credentials for R2.
"""

import copy
import hashlib
import pickle
from typing import Any

import pytest

import cftokens
from cftokens import TokenValue, r2
from tests.support import assert_no_secret
from tests.vocabulary import ACCOUNT, MINTED, TOKEN_ID

SECRET = hashlib.sha256(MINTED.encode()).hexdigest()


def test_they_are_what_boto3_takes() -> None:
    """
    The key is the token's id, and the secret is the SHA-256 of its value in hexadecimal.
    """
    made = r2.credentials(TOKEN_ID, TokenValue(MINTED), ACCOUNT)

    assert made.to_dict(reveal=True) == {
        "aws_access_key_id": TOKEN_ID,
        "aws_secret_access_key": SECRET,
        "endpoint_url": f"https://{ACCOUNT}.r2.cloudflarestorage.com",
        "region_name": "auto",
    }
    assert cftokens.R2Credentials is r2.R2Credentials
    assert dir(r2) == ["R2Credentials", "credentials"]


@pytest.mark.parametrize(
    ("jurisdiction", "host"),
    [
        ("default", f"{ACCOUNT}.r2.cloudflarestorage.com"),
        ("eu", f"{ACCOUNT}.eu.r2.cloudflarestorage.com"),
        ("fedramp", f"{ACCOUNT}.fedramp.r2.cloudflarestorage.com"),
    ],
)
def test_a_jurisdiction_has_its_endpoint(jurisdiction: str, host: str) -> None:
    """
    Buckets of a jurisdiction can be reached only there.
    """
    assert r2.credentials(TOKEN_ID, MINTED, ACCOUNT, jurisdiction).endpoint_url == f"https://{host}"


def test_the_secret_is_hidden() -> None:
    """
    Neither a repr, nor a dict without reveal, nor a pickle has it.
    """
    made = r2.credentials(TOKEN_ID, MINTED, ACCOUNT)

    assert "aws_secret_access_key" not in made.to_dict()
    assert SECRET not in f"{made!r} {made} {made.to_dict()}"
    assert len(repr(r2.credentials(TOKEN_ID, MINTED, ACCOUNT, "x" * 31))) <= 200
    assert isinstance(made.secret_access_key, TokenValue)
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(made)


def test_they_are_values() -> None:
    """
    Those of one token are equal, and those of its value after a roll are not.
    """
    made = r2.credentials(TOKEN_ID, MINTED, ACCOUNT)
    rolled = r2.credentials(TOKEN_ID, f"{MINTED}x", ACCOUNT)

    assert made == r2.credentials(TOKEN_ID, TokenValue(MINTED), ACCOUNT) == copy.copy(made)
    assert made != rolled
    assert hash(made) == hash(r2.credentials(TOKEN_ID, MINTED, ACCOUNT))
    assert made.access_key_id == rolled.access_key_id


@pytest.mark.parametrize(
    ("change", "kind", "problem"),
    [
        ({"token_id": MINTED}, ValueError, "token_id must be 32"),
        ({"account_id": "x"}, ValueError, "account_id must be 32"),
        ({"value": f" {MINTED}"}, ValueError, "value cannot be used: it has white space"),
        ({"value": 5}, TypeError, "value must be a str or a TokenValue, not int"),
        ({"jurisdiction": "evil.example/"}, ValueError, "jurisdiction must be a word"),
        ({"jurisdiction": None}, TypeError, "jurisdiction must be a str"),
    ],
)
def test_arguments_are_checked(change: dict[str, Any], kind: type[Exception], problem: str) -> None:
    """
    A mistake is an error that shows no secret, also in the locals of its frames.
    """
    given: dict[str, Any] = {"token_id": TOKEN_ID, "value": MINTED, "account_id": ACCOUNT, **change}
    with pytest.raises(kind, match=problem) as caught:
        call(given)
    if "token_id" not in change:
        del given, change
        caught.value.__traceback__ = own_frames(caught.value)
        assert_no_secret(caught.value)


def test_a_plain_secret_is_refused() -> None:
    """
    Credentials made by hand take no secret that a repr would show.
    """
    plain: Any = "a" * 64

    with pytest.raises(TypeError, match="must be a TokenValue"):
        r2.R2Credentials(access_key_id=TOKEN_ID, secret_access_key=plain, endpoint_url="https://x.example")


def call(given: dict[str, Any]) -> None:
    """
    Ask for credentials.
    """
    r2.credentials(**given)


def own_frames(error: BaseException) -> Any:
    """
    Return the traceback without the frames of the tests, which hold the secret.
    """
    traceback = error.__traceback__
    while traceback is not None and not traceback.tb_frame.f_code.co_filename.endswith("/r2.py"):
        traceback = traceback.tb_next
    return traceback
