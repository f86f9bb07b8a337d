"""
Cloudflare's API tokens for blocking code: the async client's names without ``await``.

::

    emulator.py         the emulator, served from a thread
    _client.py          Client
    _resources.py       one class per resource, generated from the async one
    _user_resources.py  the same for a user's own tokens
    _pagination.py      Paginator
    _temporary.py       Temporary
    _callbacks.py       calls functions of the caller's in a thread
    _portal.py          runs coroutines on the loop, also after a fork
    _loop_thread.py     the loop in its thread, Ctrl-C, and the end of the interpreter

Models, errors and settings are those of `cftokens`.
"""

from cftokens.sync._client import Client
from cftokens.sync._pagination import Paginator
from cftokens.sync._resources import AccountPermissionGroups, Accounts, AccountTokens, AccountTokenValue
from cftokens.sync._temporary import Temporary
from cftokens.sync._user_resources import User, UserPermissionGroups, UserTokens, UserTokenValue

__all__ = [
    "AccountPermissionGroups",
    "AccountTokenValue",
    "AccountTokens",
    "Accounts",
    "Client",
    "Paginator",
    "Temporary",
    "User",
    "UserPermissionGroups",
    "UserTokenValue",
    "UserTokens",
]
