"""
The library's messages name its functions and arguments; here they get the words of the command line.
"""

from typing import Final

TERMS: Final = {
    "use client.accounts.tokens": "leave out --user",
    "use client.user.tokens": "use --user",
    "pass api_token, or set": "set",
    "pass account_ids": "use --account ID",
    "permission_groups.list() has them all": "'cftokens groups' has them all",
    "Call ensure() again": "Run the command again",
    "all_zones(account_id)": "--all-zones",
    "zone() or all_zones()": "--zone or --all-zones",
    "r2_bucket() or all_r2_buckets()": "--bucket or --all-buckets",
    "worker()": "--worker",
    "account()": "--on-account",
}
"""Longer ones come first."""


def in_terms(message: str) -> str:
    """
    Return a message of the library as one of the command line.
    """
    for term, ours in TERMS.items():
        message = message.replace(term, ours)
    return message
