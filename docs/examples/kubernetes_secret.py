"""
Rotates the token in a Secret of Kubernetes. For a CronJob.

    pip install kubernetes
    python docs/examples/kubernetes_secret.py NAMESPACE NAME

The Secret has two keys: "id", the token's id, and "value". The job's service account needs "get" and
"patch" on it. Pods that mount the Secret see the new value after about a minute; those that have it in a
variable, after a restart. The old value works for a day more.

The credential is a minter's: CLOUDFLARE_API_TOKEN, which makes tokens, and CLOUDFLARE_ACCOUNT_ID, from
another Secret.
"""

import base64
import sys
from datetime import timedelta

import kubernetes  # pyright: ignore[reportMissingImports]

from cftokens import CFTokensError, TokenCreateResponse
from cftokens.sync import Client


def main(namespace: str, name: str) -> int:
    """
    Rotate the token, and return the exit status.
    """
    kubernetes.config.load_incluster_config()
    core = kubernetes.client.CoreV1Api()
    secret = core.read_namespaced_secret(name, namespace)
    token_id = base64.b64decode(secret.data["id"]).decode()

    def store(successor: TokenCreateResponse) -> None:
        pair = {"id": successor.id, "value": successor.value.reveal()}
        core.patch_namespaced_secret(name, namespace, {"stringData": pair})

    try:
        with Client() as client:
            client.accounts.tokens.rotate(
                token_id,
                store=store,
                lifetime=timedelta(days=30),
                overlap=timedelta(days=1),
            )
    except (CFTokensError, ValueError) as error:
        print(f"Stopped: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
