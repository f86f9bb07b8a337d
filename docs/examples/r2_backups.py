"""
Shows what becomes of S3 credentials for R2 when their token is rolled, and when it is rotated.

    python r2_backups.py BUCKET

The token may write in this bucket, and is gone at the end. Needs boto3, and a minter's credential:
CLOUDFLARE_API_TOKEN, which makes tokens, and CLOUDFLARE_ACCOUNT_ID.
"""

import os
import sys
import time
from contextlib import closing
from datetime import timedelta
from typing import Any

import boto3  # pyright: ignore[reportMissingImports]
from botocore.config import Config  # pyright: ignore[reportMissingImports]
from botocore.exceptions import ClientError  # pyright: ignore[reportMissingImports]

from cftokens import R2Credentials, TokenCreateResponse, r2
from cftokens import policies as p
from cftokens.sync import AccountTokens, Client

LIFETIME = timedelta(hours=1)
OVERLAP = timedelta(minutes=10)
PATIENCE = 60.0  # seconds; R2 may need as long for a new value


def s3_client(credentials: R2Credentials) -> Any:
    """
    Return a client for R2, without the checksums of boto3, which R2 does not know.
    """
    plain = Config(
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return boto3.client("s3", config=plain, **credentials.to_dict(reveal=True))


def works(credentials: R2Credentials, bucket: str) -> bool:
    """
    Store an object, and return whether R2 accepted the credentials.
    """
    try:
        with closing(s3_client(credentials)) as s3:
            s3.put_object(Bucket=bucket, Key="latest", Body=b"What is to be kept.")
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] in (401, 403):
            return False
        raise
    return True


def wait_until_it_works(credentials: R2Credentials, bucket: str) -> None:
    """
    Wait until R2 knows new credentials.
    """
    end = time.monotonic() + PATIENCE
    while not works(credentials, bucket):
        if time.monotonic() > end:
            raise TimeoutError("R2 does not accept the credentials.")
        time.sleep(2)


def compare(what: str, old: R2Credentials, new: R2Credentials, bucket: str) -> None:
    """
    Say what became of the old credentials.
    """
    wait_until_it_works(new, bucket)
    key = "stays" if new.access_key_id == old.access_key_id else "changes"
    then = "still works" if works(old, bucket) else "is refused"
    print(f"After a {what}, the access key {key}, and the old pair {then}.")


def show(
    tokens: AccountTokens,
    token: TokenCreateResponse,
    account_id: str,
    bucket: str,
) -> None:
    """
    Roll the token, and then rotate it.
    """
    first = r2.credentials(token.id, token.value, account_id)
    wait_until_it_works(first, bucket)

    rolled = r2.credentials(token.id, tokens.value.update(token.id), account_id)
    compare("roll", first, rolled, bucket)

    kept: list[TokenCreateResponse] = []  # in place of what keeps secrets
    rotation = tokens.rotate(
        token.id,
        store=kept.append,
        lifetime=LIFETIME,
        overlap=OVERLAP,
    )
    try:
        rotated = r2.credentials(kept[0].id, kept[0].value, account_id)
        compare("rotation", rolled, rotated, bucket)
        print(f"It works until {rotation.retires_on:%H:%M:%S} UTC.")
    finally:
        tokens.delete(rotation.successor.id)


def main(bucket: str) -> None:
    """
    Do it with a temporary token.
    """
    account_id = os.environ["CLOUDFLARE_ACCOUNT_ID"]
    policies = [p.allow("Workers R2 Storage Bucket Item Write", on=p.r2_bucket(account_id, bucket))]
    with Client() as client:
        tokens = client.accounts.tokens
        with tokens.temporary(policies=policies, lifetime=LIFETIME, name=f"{bucket} backup") as token:
            show(tokens, token, account_id, bucket)


if __name__ == "__main__":
    main(*sys.argv[1:])
