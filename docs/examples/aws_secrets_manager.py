"""
Rotates the token in a secret of AWS Secrets Manager: a Lambda function with its four steps.

    handler: aws_secrets_manager.handler

The secret is JSON with two keys: "id", the token's id, and "value". Each step may be repeated: the
successor is named after the version of the secret, so that one whose value was not stored is found again,
and rolled.

The credential is a minter's: CLOUDFLARE_API_TOKEN, which makes tokens, and CLOUDFLARE_ACCOUNT_ID.
TOKEN_NAME is how the names of the tokens begin.
"""

import json
import os
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import boto3  # pyright: ignore[reportMissingImports]

from cftokens import TokenValue
from cftokens.sync import Client

LIFETIME = timedelta(days=60)
OVERLAP = timedelta(hours=1)


def handler(event: dict[str, str], _context: object) -> None:
    """
    Do one step. An exception makes AWS try again later.
    """
    aws = boto3.client("secretsmanager")
    secret = Secret(aws, event["SecretId"], event["ClientRequestToken"])
    with Client() as client:
        tokens = client.accounts.tokens
        match event["Step"]:
            case "createSecret":
                create(client, secret)
            case "testSecret":
                value = TokenValue(secret.read("AWSPENDING")["value"])
                tokens.wait_until_active(value)
            case "finishSecret":
                secret.make_current()
                tokens.retire(secret.read("AWSPREVIOUS")["id"], after=OVERLAP)
            case _:  # setSecret: Cloudflare knows the value already
                pass


def create(client: Client, secret: "Secret") -> None:
    """
    Make the successor and store it, unless that has been done.
    """
    if secret.is_pending():
        return
    tokens = client.accounts.tokens
    name = f"{os.environ['TOKEN_NAME']} {secret.version}"
    if left := tokens.list(name=name).collect():
        # It is from a run that ended before it stored the value.
        secret.write(left[0].id, tokens.value.update(left[0].id))
        return
    ends = datetime.now(UTC) + LIFETIME
    made = tokens.clone(secret.read("AWSCURRENT")["id"], name=name, expires_on=ends)
    secret.write(made.id, made.value)


@attrs.frozen
class Secret:
    """
    A secret, and the version of it that is being made.
    """

    aws: Any
    arn: str
    version: str

    def read(self, stage: str) -> dict[str, str]:
        """
        Return what is stored as AWSCURRENT, AWSPENDING or AWSPREVIOUS.
        """
        answer = self.aws.get_secret_value(SecretId=self.arn, VersionStage=stage)
        pair: dict[str, str] = json.loads(answer["SecretString"])
        return pair

    def is_pending(self) -> bool:
        """
        Return whether the version has its value.
        """
        try:
            self.aws.get_secret_value(SecretId=self.arn, VersionId=self.version, VersionStage="AWSPENDING")
        except self.aws.exceptions.ResourceNotFoundException:
            return False
        return True

    def write(self, token_id: str, value: TokenValue) -> None:
        """
        Store the version.
        """
        self.aws.put_secret_value(
            SecretId=self.arn,
            ClientRequestToken=self.version,
            SecretString=json.dumps({"id": token_id, "value": value.reveal()}),
            VersionStages=["AWSPENDING"],
        )

    def make_current(self) -> None:
        """
        Make the version the current one; the current one becomes the previous one.
        """
        stages = self.aws.describe_secret(SecretId=self.arn)["VersionIdsToStages"]
        current = next(version for version, names in stages.items() if "AWSCURRENT" in names)
        if current != self.version:
            self.aws.update_secret_version_stage(
                SecretId=self.arn,
                VersionStage="AWSCURRENT",
                MoveToVersionId=self.version,
                RemoveFromVersionId=current,
            )
