"""
Every way in which the emulator says no: HTTP status, Cloudflare's code, and text.

Where Cloudflare's own answer is not known, the function says that this one is *chosen*.
https://developers.cloudflare.com/fundamentals/api/troubleshooting/
"""

from typing import Any, Final

PERMISSIONS_PAGE: Final = "https://developers.cloudflare.com/fundamentals/api/reference/permissions/"


class RefusedError(Exception):
    """
    A request that is answered with an error.

    Args:
        status: The HTTP status.
        code: Cloudflare's own code.
        message: Cloudflare's own words.
        details: Further members of the error object.
    """

    def __init__(self, status: int, code: int, message: str, **details: Any) -> None:
        super().__init__(message)
        self.status = status
        self.error: dict[str, Any] = {"code": code, "message": message, **details}


# --- the way -------------------------------------------------------------------------------------


def no_route() -> RefusedError:
    """
    Refuse a path that leads nowhere; the HTTP status is *chosen*.
    """
    return RefusedError(404, 7000, "No route for that URI")


def no_method(method: str) -> RefusedError:
    """
    Refuse a method that the path does not know; status and text are *chosen*.
    """
    return RefusedError(405, 7001, f"Method {method} not available for that URI.")


def bad_identifier(path: str) -> RefusedError:
    """
    Refuse an account or token id that cannot be one.
    """
    return RefusedError(400, 7003, f"Could not route to {path}, perhaps your object identifier is invalid?")


def unknown_token() -> RefusedError:
    """
    Refuse a well-formed id that no token has; code and text are *chosen*.
    """
    return RefusedError(404, 1003, "API token not found")


# --- the credential ------------------------------------------------------------------------------


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
    Refuse a global API key: the emulator knows none.
    """
    return RefusedError(403, 9103, "Unknown X-Auth-Key or X-Auth-Email")


def malformed_authorization() -> RefusedError:
    """
    Refuse an Authorization header that holds nothing like a bearer token.
    """
    chain = [{"code": 6111, "message": "Invalid format for Authorization header"}]
    return RefusedError(400, 6003, "Invalid request headers", error_chain=chain)


def nothing_to_verify() -> RefusedError:
    """
    Refuse to verify a token that is unknown, of the other kind, or not in force.
    """
    return RefusedError(401, 1000, "Invalid API Token")


def invalid_token() -> RefusedError:
    """
    Refuse a token that is unknown, of the other kind, or not in force.
    """
    return RefusedError(403, 9109, "Invalid access token")


def wrong_place(address: str) -> RefusedError:
    """
    Refuse a token that is used from an address outside its condition.
    """
    return RefusedError(403, 9109, f"Cannot use the access token from location: {address}")


def other_account() -> RefusedError:
    """
    Refuse a token on an account that is not its own.
    """
    return RefusedError(403, 10000, "Authentication error", documentation_url=PERMISSIONS_PAGE)


def not_permitted() -> RefusedError:
    """
    Refuse a token that lacks the permission group for the operation.
    """
    message = "Unauthorized to access requested resource"
    return RefusedError(403, 9109, message, documentation_url=PERMISSIONS_PAGE)


def too_fast() -> RefusedError:
    """
    Refuse a request beyond the rate limit.
    """
    return RefusedError(429, 971, "Please wait and consider throttling your request speed")


# --- the body and the query ----------------------------------------------------------------------


def malformed_json() -> RefusedError:
    """
    Refuse a body that is no JSON; code and text are *chosen*.
    """
    return RefusedError(400, 6007, "Malformed JSON in request body")


def rule_broken(rule: str, pointer: str) -> RefusedError:
    """
    Refuse a value at *pointer* (a JSON pointer) that breaks a rule; most rules' texts are *chosen*.
    """
    message = f"These rules must pass for {pointer or 'the body'}: {rule}"
    return RefusedError(400, 1001, message, source={"pointer": pointer})


def bad_name() -> RefusedError:
    """
    Refuse a name that is empty or too long; its code is the HTTP status.
    """
    message = "name must have a length between 1 and 120"
    return RefusedError(400, 400, message, source={"pointer": "/name"})


def policy_reused(pointer: str) -> RefusedError:
    """
    Refuse to create a token from a policy with an id.
    """
    message = "Reusing existing policies is not supported by token creation"
    return RefusedError(400, 1001, message, source={"pointer": pointer})


def zone_not_named(pointer: str) -> RefusedError:
    """
    Refuse an account token for all zones everywhere.
    """
    message = "Must specify a zone for account owned tokens, or nest zone under specific account resource"
    return RefusedError(400, 1001, message, source={"pointer": pointer})


def not_held(group: str) -> RefusedError:
    """
    Refuse to grant what the creator does not hold, or what the resource cannot take.
    """
    message = f'Failed common permission check against resources. (Permission group: "{group}")'
    return RefusedError(400, 1001, message)


def bad_query(rule: str) -> RefusedError:
    """
    Refuse a query parameter; code and text are *chosen*.
    """
    return RefusedError(400, 1001, f"These rules must pass for the query: {rule}")


def quota_reached(quota: int) -> RefusedError:
    """
    Refuse one token too many; status, code and text are *chosen*.
    """
    return RefusedError(400, 1001, f"Maximum number of API tokens reached: {quota}")
