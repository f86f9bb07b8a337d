"""
Cloudflare's API tokens from Python.

::

    _client.py        Client: the credential, the session, and the doors `accounts` and `user`
    _resources.py     one class per resource, one method per endpoint
    _workflows.py     what takes more than one request
    _catalogue.py     from names of permission groups to the groups
    _recovery.py      whether a token can be the one that a lost create made
    _calls.py         each operation as data
    _replacement.py   partial changes, on an API that only replaces
    policies.py       access policies in words
    _arguments.py     what callers pass becomes what is sent, or a ValueError
    _pagination.py    Paginator and Page
    _transport.py     the way of every call: wait for a turn, send, read, perhaps send again
    _pace.py          when the next request may go out
    _http.py          the one place that talks to aiohttp
    _wire.py          what an answer means, and whether a request may be sent again
    _hints.py         what to do about a refusal
    _json.py          reading JSON, with orjson or without
    _converter.py     JSON becomes models
    _options.py       Retry and RateLimit
    _secret.py        TokenValue
    models.py         what Cloudflare answers
    errors.py         everything that a request can fail with
    sync/             the same for blocking code
    emulator/         Cloudflare's token API on loopback

Imports point down this list. A module without an underscore is public, and has a page in the
documentation.
"""

from cftokens._client import Client
from cftokens._options import UNSET, RateLimit, Retry, Unset
from cftokens._pagination import Page, Paginator
from cftokens._secret import TokenValue
from cftokens._version import __version__
from cftokens.errors import (
    AmbiguousOutcomeError,
    APIError,
    AuthenticationError,
    BadRequestError,
    CFTokensError,
    ClosedError,
    ConflictError,
    ErrorData,
    NoResponseError,
    NotFoundError,
    PermissionDeniedError,
    PermissionGroupError,
    RateLimitedError,
    RequestTimeoutError,
    ServerError,
    UnexpectedResponseError,
    UnprocessableEntityError,
    WrongLoopError,
    attempt_of,
)
from cftokens.models import (
    Condition,
    ConditionRequestIP,
    CreateAttempt,
    PermissionGroup,
    Token,
    TokenCreateResponse,
    TokenDeleteResponse,
    TokenPolicy,
    TokenVerifyResponse,
)

__all__ = [
    "UNSET",
    "APIError",
    "AmbiguousOutcomeError",
    "AuthenticationError",
    "BadRequestError",
    "CFTokensError",
    "Client",
    "ClosedError",
    "Condition",
    "ConditionRequestIP",
    "ConflictError",
    "CreateAttempt",
    "ErrorData",
    "NoResponseError",
    "NotFoundError",
    "Page",
    "Paginator",
    "PermissionDeniedError",
    "PermissionGroup",
    "PermissionGroupError",
    "RateLimit",
    "RateLimitedError",
    "RequestTimeoutError",
    "Retry",
    "ServerError",
    "Token",
    "TokenCreateResponse",
    "TokenDeleteResponse",
    "TokenPolicy",
    "TokenValue",
    "TokenVerifyResponse",
    "UnexpectedResponseError",
    "UnprocessableEntityError",
    "Unset",
    "WrongLoopError",
    "__version__",
    "attempt_of",
]
