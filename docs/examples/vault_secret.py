"""
Rotates the token in a secret of HashiCorp Vault (key-value engine, version 2).

    pip install hvac
    python docs/examples/vault_secret.py PATH

The secret has two keys: "id", the token's id, and "value". Its new version is written with check-and-set,
so that of two rotations at the same time only one is stored.

The credential is a minter's: CLOUDFLARE_API_TOKEN, which makes tokens, and CLOUDFLARE_ACCOUNT_ID. Vault's
are VAULT_ADDR and VAULT_TOKEN.
"""

import sys
from datetime import timedelta

import hvac  # pyright: ignore[reportMissingModuleSource]

from cftokens import CFTokensError, TokenCreateResponse
from cftokens.sync import Client


def main(path: str) -> int:
    """
    Rotate the token, and return the exit status.
    """
    store_of = hvac.Client().secrets.kv.v2
    answer = store_of.read_secret_version(path=path, raise_on_deleted_version=True)
    secret, version = answer["data"]["data"], answer["data"]["metadata"]["version"]

    def store(successor: TokenCreateResponse) -> None:
        pair = {"id": successor.id, "value": successor.value.reveal()}
        store_of.create_or_update_secret(path=path, secret=pair, cas=version)

    try:
        with Client() as client:
            tokens = client.accounts.tokens
            tokens.rotate(secret["id"], store=store, lifetime=timedelta(days=30))
    except (CFTokensError, ValueError) as error:
        print(f"Stopped: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
