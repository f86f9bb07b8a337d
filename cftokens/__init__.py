"""
Cloudflare's API tokens from Python.

- `Client`, and `cftokens.sync.Client` for blocking code
- `cftokens.policies`: what a token may do, in words
- `cftokens.audit`: what is wrong with tokens
- `cftokens.r2`: S3 credentials for R2
- `inspect_value()`, `Client.identify()`: what a value is, and whose
- `cftokens.models`: `Token` and Cloudflare's other answers
- `cftokens.errors`: the errors
- `cftokens.emulator`: Cloudflare's token API on loopback, for tests
- `cftokens.testing`: fixtures for pytest
- `Retry`, `RateLimit`: a client's settings
- `AccountTokens`, `UserTokens` and their like: the classes behind `client.accounts` and `client.user`, to
  annotate with

For contributors, the map of the package::

    __main__.py           python -m cftokens
    cli/                  the command line
    testing.py            fixtures for pytest: an emulator and its clients
    audit.py              what is wrong with tokens
    _auditing/            what an audit is made of: findings, what rules look at, and the rules
    sync/                 the same names for blocking code
    emulator/             Cloudflare's token API on loopback
    _client.py            Client: its settings, its session, `accounts` and `user`
    _resources.py         one class per resource, one method per endpoint; written by hand
    _user_resources.py    its twin for a user's own tokens, generated
    _operations/          what is asked for
        rotation.py       replaces a token by a successor without a gap
        lifecycle.py      a token for a while, as it should be, and to its end
        activation.py     waits until a new value works
        identity.py       whose token a value is
        cleaning.py       makes and removes tokens that nobody else knows of, even if cancelled
        recovery.py       lost creates: which token could be one, and settling it
        editing.py        create, replace, edit and copy tokens
        listing.py        lists: their arguments and their paginators
        owners.py         what a resource holds: whose tokens, and how to send, look up and remember
        changes.py        requests with an effect: what may be lost, how it is reported, what arrived
        endpoints.py      each operation as data: method, path, body, and how to read the answer
        replacement.py    the body of an edit, and a check of its answer
        catalogue.py      remembers the permission groups, and shares a fetch of them
        wording.py        what messages say about policies and tokens
        groups.py         looks up permission groups by name
        bodies.py         arguments become the API's JSON
        pagination.py     Paginator and Page
    _transport/           how one request travels
        sending.py        wait for a turn, send, decide, perhaps send again
        credential.py     a credential that is asked for before each try
        tries.py          whether a request is sent again
        session.py        the aiohttp session, and one exchange over it
        server_clock.py   what the server's clock shows
        one_shot.py       a body that can be sent only once
        pace.py           when the next request may go out
        turns.py          the queue of requests that wait for a turn
        windows.py        limits by our own count
        budget.py         what the server says is left
        company.py        what other processes send with the same credential
        answers.py        what an answer means: the result, or an error
        hints.py          what to do about a refusal
        json.py           reads JSON
        messages.py       requests and answers as data
    _sharing.py           one task for all callers that wait for its result
    policies.py           access policies in words
    r2.py                 S3 credentials for R2, made from a token
    _inspection.py        what the form of a value says
    errors.py             the errors
    _comparing.py         what policies grant in words, and how two lists of them differ
    _access.py            what policies grant, one by one, and in words
    _drafts.py            policies before their groups are looked up
    _arguments.py         policies and conditions from callers become models
    models.py             Cloudflare's answers
    _reprs.py             reprs that fit a prompt
    _json_form.py         to_dict() and from_dict(): all of a model as JSON
    _converter.py         JSON becomes models, and models become a request's JSON
    _read_hooks.py        how the converter reads each kind of value, and a model
    _later.py             members that stay JSON until they are first read
    _networks.py          which addresses networks leave open
    _frozen.py            a dict that cannot be changed
    _dashboard.py         the dashboard's form for a first token
    _settings.py          Retry, RateLimit, and checks of a client's settings
    _checks.py            checks of single values
    _secret.py            TokenValue
    _version.py           the version
    _tools/               writes the generated files

Imports point down this list. A module without an underscore is public, and has a page in the documentation.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cftokens._client import Client
    from cftokens._dashboard import bootstrap_url
    from cftokens._inspection import ValueInfo, inspect_value
    from cftokens._operations.identity import Identity
    from cftokens._operations.lifecycle import Temporary
    from cftokens._operations.pagination import Page, Paginator
    from cftokens._resources import AccountPermissionGroups, Accounts, AccountTokens, AccountTokenValue
    from cftokens._secret import TokenValue
    from cftokens._settings import UNSET, RateLimit, Retry, Unset
    from cftokens._user_resources import User, UserPermissionGroups, UserTokens, UserTokenValue
    from cftokens._version import __version__
    from cftokens.errors import (
        AmbiguousOutcomeError,
        APIError,
        AuthenticationError,
        BadRequestError,
        CFTokensError,
        ClosedError,
        ConflictError,
        CredentialError,
        ErrorData,
        NoResponseError,
        NotActiveError,
        NotFoundError,
        PermissionDeniedError,
        PermissionGroupError,
        RateLimitedError,
        RequestTimeoutError,
        RotationError,
        ServerError,
        TooManyFailuresError,
        UnexpectedResponseError,
        UnprocessableEntityError,
        WrongLoopError,
        attempt_of,
    )
    from cftokens.models import (
        Condition,
        ConditionRequestIP,
        CreateAttempt,
        Ensured,
        PermissionGroup,
        Rotation,
        Token,
        TokenCreateResponse,
        TokenDeleteResponse,
        TokenPolicy,
        TokenVerifyResponse,
    )
    from cftokens.policies import AccessDifference
    from cftokens.r2 import R2Credentials

_HOMES = {
    "UNSET": "cftokens._settings",
    "APIError": "cftokens.errors",
    "AccessDifference": "cftokens.policies",
    "AccountPermissionGroups": "cftokens._resources",
    "AccountTokenValue": "cftokens._resources",
    "AccountTokens": "cftokens._resources",
    "Accounts": "cftokens._resources",
    "AmbiguousOutcomeError": "cftokens.errors",
    "AuthenticationError": "cftokens.errors",
    "BadRequestError": "cftokens.errors",
    "CFTokensError": "cftokens.errors",
    "Client": "cftokens._client",
    "ClosedError": "cftokens.errors",
    "Condition": "cftokens.models",
    "ConditionRequestIP": "cftokens.models",
    "ConflictError": "cftokens.errors",
    "CreateAttempt": "cftokens.models",
    "CredentialError": "cftokens.errors",
    "Ensured": "cftokens.models",
    "ErrorData": "cftokens.errors",
    "Identity": "cftokens._operations.identity",
    "NoResponseError": "cftokens.errors",
    "NotActiveError": "cftokens.errors",
    "NotFoundError": "cftokens.errors",
    "Page": "cftokens._operations.pagination",
    "Paginator": "cftokens._operations.pagination",
    "PermissionDeniedError": "cftokens.errors",
    "PermissionGroup": "cftokens.models",
    "PermissionGroupError": "cftokens.errors",
    "R2Credentials": "cftokens.r2",
    "RateLimit": "cftokens._settings",
    "RateLimitedError": "cftokens.errors",
    "RequestTimeoutError": "cftokens.errors",
    "Retry": "cftokens._settings",
    "Rotation": "cftokens.models",
    "RotationError": "cftokens.errors",
    "ServerError": "cftokens.errors",
    "Temporary": "cftokens._operations.lifecycle",
    "Token": "cftokens.models",
    "TokenCreateResponse": "cftokens.models",
    "TokenDeleteResponse": "cftokens.models",
    "TokenPolicy": "cftokens.models",
    "TokenValue": "cftokens._secret",
    "TokenVerifyResponse": "cftokens.models",
    "TooManyFailuresError": "cftokens.errors",
    "UnexpectedResponseError": "cftokens.errors",
    "UnprocessableEntityError": "cftokens.errors",
    "Unset": "cftokens._settings",
    "User": "cftokens._user_resources",
    "UserPermissionGroups": "cftokens._user_resources",
    "UserTokenValue": "cftokens._user_resources",
    "UserTokens": "cftokens._user_resources",
    "ValueInfo": "cftokens._inspection",
    "WrongLoopError": "cftokens.errors",
    "__version__": "cftokens._version",
    "attempt_of": "cftokens.errors",
    "bootstrap_url": "cftokens._dashboard",
    "inspect_value": "cftokens._inspection",
}
"""The module of each public name, which is imported when the name is first used."""

_MODULES = ("errors", "models", "policies", "r2")

__all__ = [
    "UNSET",
    "APIError",
    "AccessDifference",
    "AccountPermissionGroups",
    "AccountTokenValue",
    "AccountTokens",
    "Accounts",
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
    "CredentialError",
    "Ensured",
    "ErrorData",
    "Identity",
    "NoResponseError",
    "NotActiveError",
    "NotFoundError",
    "Page",
    "Paginator",
    "PermissionDeniedError",
    "PermissionGroup",
    "PermissionGroupError",
    "R2Credentials",
    "RateLimit",
    "RateLimitedError",
    "RequestTimeoutError",
    "Retry",
    "Rotation",
    "RotationError",
    "ServerError",
    "Temporary",
    "Token",
    "TokenCreateResponse",
    "TokenDeleteResponse",
    "TokenPolicy",
    "TokenValue",
    "TokenVerifyResponse",
    "TooManyFailuresError",
    "UnexpectedResponseError",
    "UnprocessableEntityError",
    "Unset",
    "User",
    "UserPermissionGroups",
    "UserTokenValue",
    "UserTokens",
    "ValueInfo",
    "WrongLoopError",
    "__version__",
    "attempt_of",
    "bootstrap_url",
    "inspect_value",
]


if not TYPE_CHECKING:  # with it, type checkers would accept any name

    def __getattr__(name: str) -> object:
        if name in _MODULES:
            return import_module(f"{__name__}.{name}")
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = globals()[name] = getattr(import_module(_HOMES[name]), name)
        return found


def __dir__() -> list[str]:
    return [*__all__, *_MODULES]
