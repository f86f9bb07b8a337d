"""
S3 credentials for R2, made from a token.

::

    from cftokens import policies as p
    from cftokens import r2

    bucket = p.r2_bucket(account_id, "backups")
    token = client.accounts.tokens.create(
        name="backups",
        policies=[p.allow("Workers R2 Storage Bucket Item Write", on=bucket)],
    )
    credentials = r2.credentials(token.id, token.value, account_id)
    s3 = boto3.client("s3", **credentials.to_dict(reveal=True))

The access key is the token's id, and the secret access key is a hash of its value. A roll changes only the
secret; a rotation changes both. Cloudflare may take up to a minute to accept a new token on R2.

https://developers.cloudflare.com/r2/api/tokens/
"""

import hashlib
from typing import Final

import attrs

from cftokens import _reprs as reprs
from cftokens._checks import check_id, check_jurisdiction
from cftokens._secret import TokenValue, hide
from cftokens._settings import check_credential

__all__ = ["R2Credentials", "credentials"]

_REGION: Final = "auto"
"""R2 has no regions, and SDKs need one: https://developers.cloudflare.com/r2/examples/aws/boto3/"""


def __dir__() -> list[str]:
    return __all__


def _check_hidden(_: object, __: object, secret: TokenValue) -> None:
    if not isinstance(secret, TokenValue):
        raise TypeError("secret_access_key must be a TokenValue, which no repr shows.")


@attrs.frozen(repr=False)
class R2Credentials:
    """
    What an S3 client needs for R2.

    The secret is hidden like a token's value: no repr shows it, and the credentials cannot be pickled.

    Attributes:
        access_key_id: The id of the token.

        secret_access_key: The SHA-256 of the token's value, as a `TokenValue`.

        endpoint_url: The address of R2 for the account and its jurisdiction.
    """

    access_key_id: str
    secret_access_key: TokenValue = attrs.field(hash=False, validator=_check_hidden)
    endpoint_url: str

    def to_dict(self, *, reveal: bool = False) -> dict[str, str]:
        """
        Return what ``boto3.client("s3", **...)`` takes.

        Args:
            reveal: Include the secret, which is left out otherwise.
        """
        secret = {"aws_secret_access_key": self.secret_access_key.reveal()} if reveal else {}
        return {
            "aws_access_key_id": self.access_key_id,
            **secret,
            "endpoint_url": self.endpoint_url,
            "region_name": _REGION,
        }

    def __repr__(self) -> str:
        return reprs.call(
            "R2Credentials",
            access_key_id=reprs.text(self.access_key_id),
            secret_access_key=repr(self.secret_access_key),
            endpoint_url=reprs.text(self.endpoint_url, 90),
        )


def credentials(
    token_id: str, value: str | TokenValue, account_id: str, jurisdiction: str = "default"
) -> R2Credentials:
    """
    Return the S3 credentials of a token. Nothing is sent.

    https://developers.cloudflare.com/r2/api/tokens/

    Args:
        token_id: Identifier of the token, not its value.

        value: The token's value.

        account_id: The account that owns the buckets.

        jurisdiction: That of the buckets: ``"default"``, ``"eu"``, ``"fedramp"``, or whatever Cloudflare
            adds. Its endpoint does not reach the buckets of another one.

    Raises:
        ValueError: An argument cannot be used.

        TypeError: An argument has the wrong type.
    """
    value = hide(value)  # a traceback may show the locals of this frame
    place = check_jurisdiction(jurisdiction)
    where = "" if place == "default" else f".{place}"
    account = check_id(account_id, "account_id")
    return R2Credentials(
        access_key_id=check_id(token_id, "token_id"),
        secret_access_key=_hash(check_credential(value, "value")),
        endpoint_url=f"https://{account}{where}.r2.cloudflarestorage.com",
    )


def _hash(value: TokenValue) -> TokenValue:
    return TokenValue(hashlib.sha256(value.reveal().encode()).hexdigest())
