"""
Every error that the emulated API answers with: HTTP status, and Cloudflare's code and text.

*Chosen* marks what the emulator makes up because Cloudflare's answer is not known.
https://developers.cloudflare.com/fundamentals/api/troubleshooting/
"""

from typing import Any, Final

PERMISSIONS_PAGE: Final = "https://developers.cloudflare.com/fundamentals/api/reference/permissions/"


class RefusedError(Exception):
    """
    An error to answer a request with.

    Args:
        status: The HTTP status.
        code: Cloudflare's error code.
        message: Cloudflare's error text.
        details: Further members of the error object.
    """

    def __init__(self, status: int, code: int, message: str, **details: Any) -> None:
        super().__init__(message)
        self.status = status
        self.error: dict[str, Any] = {"code": code, "message": message, **details}


# --- routing -------------------------------------------------------------------------------------


def no_route() -> RefusedError:
    """
    Refuse an unknown path; the HTTP status is *chosen*.
    """
    return RefusedError(404, 7000, "No route for that URI")


def no_method(method: str) -> RefusedError:
    """
    Refuse a method that the path does not support; status and text are *chosen*.
    """
    return RefusedError(405, 7001, f"Method {method} not available for that URI.")


def bad_identifier(path: str) -> RefusedError:
    """
    Refuse a malformed account or token id.
    """
    return RefusedError(400, 7003, f"Could not route to {path}, perhaps your object identifier is invalid?")


def unknown_token() -> RefusedError:
    """
    Refuse a well-formed id that no token has; code and text are *chosen*.
    """
    return RefusedError(404, 1003, "API token not found")


# --- credentials ---------------------------------------------------------------------------------


def no_credential() -> RefusedError:
    """
    Refuse a request without any credential.
    """
    return RefusedError(400, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers")


def key_instead_of_token() -> RefusedError:
    """
    Refuse to verify a global API key; the HTTP status is *chosen*.
    """
    return RefusedError(400, 1001, 'Missing "Authorization" header')


def unknown_key() -> RefusedError:
    """
    Refuse a global API key; the emulator has none.
    """
    return RefusedError(403, 9103, "Unknown X-Auth-Key or X-Auth-Email")


def malformed_authorization() -> RefusedError:
    """
    Refuse an Authorization header without a well-formed bearer token.
    """
    chain = [{"code": 6111, "message": "Invalid format for Authorization header"}]
    return RefusedError(400, 6003, "Invalid request headers", error_chain=chain)


def nothing_to_verify() -> RefusedError:
    """
    Refuse to verify a token that is unknown, of the other kind or account, or not valid now.
    """
    return RefusedError(401, 1000, "Invalid API Token")


def invalid_token() -> RefusedError:
    """
    Refuse a token that is unknown or not valid now, or an account token on a user's path.
    """
    return RefusedError(403, 9109, "Invalid access token")


def wrong_place(address: str) -> RefusedError:
    """
    Refuse a token used from an address that its condition does not allow.
    """
    return RefusedError(403, 9109, f"Cannot use the access token from location: {address}")


def other_account() -> RefusedError:
    """
    Refuse a token on an account other than its own.
    """
    return RefusedError(403, 10000, "Authentication error", documentation_url=PERMISSIONS_PAGE)


def accounts_are_for_users() -> RefusedError:
    """
    Refuse to list accounts for an account token.
    """
    return RefusedError(400, 1001, "List accounts endpoint does not support account owned tokens.")


def not_permitted() -> RefusedError:
    """
    Refuse a token that lacks the permission group for the operation.
    """
    message = "Unauthorized to access requested resource"
    return RefusedError(403, 9109, message, documentation_url=PERMISSIONS_PAGE)


def too_fast() -> RefusedError:
    """
    Refuse a request over the rate limit.
    """
    return RefusedError(429, 971, "Please wait and consider throttling your request speed")


def too_many_failures() -> RefusedError:
    """
    Refuse whatever an address sends that is locked out; the HTTP status is *chosen*.
    """
    return RefusedError(429, 10502, "Too many authentication failures")


# --- body and query ------------------------------------------------------------------------------


def malformed_json() -> RefusedError:
    """
    Refuse a body that is not JSON; code and text are *chosen*.
    """
    return RefusedError(400, 6007, "Malformed JSON in request body")


def rule_broken(rule: str, pointer: str) -> RefusedError:
    """
    Refuse a value at *pointer* (a JSON pointer) that breaks a rule; the text of most rules is *chosen*.
    """
    message = f"These rules must pass for {pointer or 'the body'}: {rule}"
    return RefusedError(400, 1001, message, source={"pointer": pointer})


def bad_name() -> RefusedError:
    """
    Refuse an empty or overlong name; the error code equals the HTTP status.
    """
    message = "name must have a length between 1 and 120"
    return RefusedError(400, 400, message, source={"pointer": "/name"})


def policy_reused(pointer: str) -> RefusedError:
    """
    Refuse to create a token with a policy that has an id.
    """
    message = "Reusing existing policies is not supported by token creation"
    return RefusedError(400, 1001, message, source={"pointer": pointer})


def zone_not_named(pointer: str) -> RefusedError:
    """
    Refuse an account token for all zones of all accounts.
    """
    message = "Must specify a zone for account owned tokens, or nest zone under specific account resource"
    return RefusedError(400, 1001, message, source={"pointer": pointer})


def unsupported_resource(name: str, pointer: str) -> RefusedError:
    """
    Refuse a resource of an unknown type, or one that is flat or nested and must not be.
    """
    return RefusedError(400, 1001, f"{name} is not a supported resource type", source={"pointer": pointer})


def manages_tokens() -> RefusedError:
    """
    Refuse to let a token allow another to create, change or delete tokens.
    """
    message = "sub-token is not allowed to have permissions to manage other tokens"
    return RefusedError(400, 1001, message)


def not_held(group: str) -> RefusedError:
    """
    Refuse to grant a group that the creator lacks or that does not fit the resource.
    """
    message = f'Failed common permission check against resources. (Permission group: "{group}")'
    return RefusedError(400, 1001, message)


def bad_query(rule: str) -> RefusedError:
    """
    Refuse an invalid query parameter; code and text are *chosen*.
    """
    return RefusedError(400, 1001, f"These rules must pass for the query: {rule}")


def quota_reached(quota: int) -> RefusedError:
    """
    Refuse a token over the quota; status, code and text are *chosen*.
    """
    return RefusedError(400, 1001, f"Maximum number of API tokens reached: {quota}")
