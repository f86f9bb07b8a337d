"""
Arbitrary JSON bodies.
"""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cftokens.emulator._refusals import RefusedError
from cftokens.emulator._rules import read_creation, read_update
from cftokens.emulator._state import Fields

from .caller import UNKNOWN_ID, ZONE_READ

pytestmark = pytest.mark.slow

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
WORDS = st.sampled_from(
    [
        "*",
        "allow",
        "active",
        "::/0",
        "10.0.0.1/8",
        "2027-01-15T08:00:00Z",
        ZONE_READ,
        f"com.cloudflare.api.account.{UNKNOWN_ID}",
        "com.cloudflare.api.account.zone.*",
    ]
)
KEYS = st.sampled_from(["id", "effect", "permission_groups", "resources", "request_ip", "in", "not_in"])
JSON: st.SearchStrategy[Any] = st.recursive(
    SCALARS | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(KEYS | WORDS | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)
POLICIES = st.lists(
    st.fixed_dictionaries(
        {
            "effect": st.just("allow") | JSON,
            "permission_groups": st.just([{"id": ZONE_READ}]) | JSON,
            "resources": st.dictionaries(WORDS, st.just("*") | JSON, max_size=2) | JSON,
        }
    ),
    max_size=2,
)
BODIES = JSON | st.fixed_dictionaries(
    {"name": st.just("ci") | JSON, "policies": POLICIES | JSON},
    optional={
        "condition": st.dictionaries(KEYS, JSON, max_size=1) | JSON,
        "expires_on": JSON,
        "not_before": JSON,
        "status": JSON,
    },
)


@given(BODIES)
@settings(deadline=None)
def test_any_body(content: Any) -> None:
    """
    Every JSON body is either accepted or refused.
    """
    outcomes: list[Fields | RefusedError] = []
    body = json.dumps(content).encode()
    for read in (read_creation, read_update):
        try:
            outcomes.append(read(body, "account"))
        except RefusedError as refused:
            outcomes.append(refused)

    assert len(outcomes) == 2
