"""
What policies grant.

https://developers.cloudflare.com/fundamentals/api/how-to/create-via-api/
"""

from collections.abc import Iterable, Iterator, Mapping

from cftokens._arguments import PolicyArgument, policy_to_json
from cftokens._converter import structure
from cftokens.models import TokenPolicy


def same_access(a: Iterable[PolicyArgument], b: Iterable[PolicyArgument]) -> bool:
    """
    Tell whether two sets of policies grant the same.

    Cloudflare answers with policies, groups and resources in an order of its own and with read-only
    members added; neither matters here.

    Args:
        a: Policies, as they are passed to ``create()`` or stand in a `Token`.

        b: The others.

    Raises:
        ValueError: A policy is not one.

        TypeError: A policy, or a part of it, has the wrong type.
    """
    return set(_grants(a)) == set(_grants(b))


def _grants(policies: Iterable[PolicyArgument]) -> Iterator[tuple[str, ...]]:
    """
    Take policies apart into single grants: an effect, a group and a resource.

    What Cloudflare answered is taken as it is; what a caller wrote is checked first.
    """
    for index, policy in enumerate(policies):
        known = policy if isinstance(policy, TokenPolicy) else _checked(policy, f"policies[{index}]")
        for group in known.permission_groups:
            for name, leaf in known.resources.items():
                for path in leaf.items() if isinstance(leaf, Mapping) else [(leaf,)]:
                    yield (known.effect, group.id, name, *path)


def _checked(policy: object, where: str) -> TokenPolicy:
    return structure(policy_to_json(policy, where), TokenPolicy)
