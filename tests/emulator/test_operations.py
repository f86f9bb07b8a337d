"""
What the operations do to tokens.
"""

import re
import zlib

from .caller import TOKENS_READ, WORKERS_READ, ZONE_ID, ZONE_READ, Caller, ManualClock, policy

NOW = "2027-01-15T08:00:00Z"


async def test_created(caller: Caller) -> None:
    """
    A new token has every member, null where unset.
    """
    token = await caller.reader()

    assert re.fullmatch("[0-9a-f]{32}", token["id"])
    assert {key: token[key] for key in token if key not in ("id", "policies", "value")} == {
        "name": "ci",
        "status": "active",
        "issued_on": NOW,
        "modified_on": NOW,
        "last_used_on": None,
        "expires_on": None,
        "not_before": None,
        "condition": None,
    }


async def test_value(caller: Caller) -> None:
    """
    A value is a prefix, forty alphanumerics and their checksum.
    """
    value = (await caller.create())["value"]
    prefix, body, checksum = value[:5], value[5:45], value[45:]

    assert prefix == {"account": "cfat_", "user": "cfut_"}[caller.kind]
    assert re.fullmatch("[A-Za-z0-9]{40}", body)
    assert checksum == f"{zlib.crc32(body.encode()):08x}"


async def test_value_only_once(caller: Caller) -> None:
    """
    Only the answer to the create has the value.
    """
    token = await caller.create()
    path = f"/{token['id']}"

    answers = [
        await caller.send("GET", path),
        await caller.send("GET"),
        await caller.send("PUT", path, json=caller.body()),
        await caller.send("GET", "/verify", bearer=token["value"]),
        await caller.send("DELETE", path),
    ]

    assert [answer.status for answer in answers] == [200] * 5
    assert not any(token["value"][5:] in str(answer.content) for answer in answers)


async def test_get(caller: Caller) -> None:
    """
    A get returns the token as created, without its value.
    """
    token = await caller.reader()

    answer = await caller.send("GET", f"/{token['id']}")

    assert answer.result == {key: token[key] for key in token if key != "value"}


async def test_last_used_on(caller: Caller, clock: ManualClock) -> None:
    """
    A used token shows the time of its last request.
    """
    token = await caller.reader()
    clock.now += 60

    answer = await caller.send("GET", f"/{token['id']}", bearer=token["value"])

    assert answer.result["last_used_on"] == "2027-01-15T08:01:00Z"


async def test_update_replaces(caller: Caller, clock: ManualClock) -> None:
    """
    An update removes the fields that it omits and leaves the value unchanged.
    """
    condition = {"request_ip": {"in": ["127.0.0.1/32"]}}
    token = await caller.reader(condition=condition, expires_on="2027-01-16T00:00:00Z", not_before=NOW)
    clock.now += 60

    answer = await caller.send("PUT", f"/{token['id']}", json=caller.body(name="new"))
    verified = await caller.send("GET", "/verify", bearer=token["value"])

    assert answer.result == {
        "id": token["id"],
        "name": "new",
        "status": "active",
        "issued_on": NOW,
        "modified_on": "2027-01-15T08:01:00Z",
        "last_used_on": None,
        "expires_on": None,
        "not_before": None,
        "policies": [],
        "condition": None,
    }
    assert verified.status == 200


async def test_update_without_status(caller: Caller) -> None:
    """
    An update without a status leaves a disabled token disabled; one with ``active`` enables it.
    """
    path = f"/{(await caller.create())['id']}"
    await caller.send("PUT", path, json=caller.body(status="disabled"))

    unchanged = await caller.send("PUT", path, json=caller.body())
    enabled = await caller.send("PUT", path, json=caller.body(status="active"))

    assert [unchanged.result["status"], enabled.result["status"]] == ["disabled", "active"]


async def test_refused_update_changes_nothing(caller: Caller) -> None:
    """
    A refused update changes nothing.
    """
    token = await caller.reader()
    await caller.send("PUT", f"/{token['id']}", json=caller.body(expires_on="tomorrow"))

    answer = await caller.send("GET", f"/{token['id']}")

    assert answer.result["policies"] == token["policies"]


async def test_expired(caller: Caller, clock: ManualClock) -> None:
    """
    A token expires at ``expires_on`` and can still be fetched.
    """
    token = await caller.create(expires_on="2027-01-15T08:00:01Z")
    clock.now += 1

    answer = await caller.send("GET", f"/{token['id']}")

    assert [token["status"], answer.result["status"]] == ["active", "expired"]


async def test_delete(caller: Caller) -> None:
    """
    A deleted token can no longer be used, fetched or deleted.
    """
    token = await caller.create()
    path = f"/{token['id']}"

    answer = await caller.send("DELETE", path, data=b"whatever")
    later = [
        await caller.send("GET", "/verify", bearer=token["value"]),
        await caller.send("GET", path),
        await caller.send("DELETE", path),
    ]

    assert answer.result == {"id": token["id"]}
    assert [refused.refusal[:2] for refused in later] == [(401, 1000), (404, 1003), (404, 1003)]


async def test_roll(caller: Caller, clock: ManualClock) -> None:
    """
    A roll replaces the value at once and leaves the fields unchanged.
    """
    token = await caller.create()
    clock.now += 60

    value = (await caller.send("PUT", f"/{token['id']}/value", json={})).result
    old = await caller.send("GET", "/verify", bearer=token["value"])
    new = await caller.send("GET", "/verify", bearer=value)
    now = (await caller.send("GET", f"/{token['id']}")).result

    assert (old.status, new.result["id"]) == (401, token["id"])
    assert [now["issued_on"], now["modified_on"]] == [NOW, "2027-01-15T08:01:00Z"]
    assert [now["name"], now["policies"]] == [token["name"], token["policies"]]


async def test_roll_without_body(caller: Caller) -> None:
    """
    A roll needs no body.
    """
    token = await caller.create()

    answer = await caller.send("PUT", f"/{token['id']}/value")

    assert answer.result != token["value"]


async def test_roll_with_bad_body(caller: Caller) -> None:
    """
    A roll with a body that is not JSON is refused, and the value is unchanged.
    """
    token = await caller.create()

    answer = await caller.send("PUT", f"/{token['id']}/value", data=b"{")
    verified = await caller.send("GET", "/verify", bearer=token["value"])

    assert answer.refusal[:2] == (400, 6007)
    assert verified.status == 200


async def test_roll_of_itself(caller: Caller) -> None:
    """
    A token can roll itself.
    """
    own_id = (await caller.send("GET", "/verify")).result["id"]

    value = (await caller.send("PUT", f"/{own_id}/value")).result
    answers = [await caller.send("GET"), await caller.send("GET", bearer=value)]

    assert [answer.status for answer in answers] == [403, 200]


async def test_permission_groups(account: Caller, user: Caller) -> None:
    """
    Account tokens see all but the user-scoped groups, in one answer without pages.
    """
    of_account = await account.send("GET", "/permission_groups")
    of_user = await user.send("GET", "/permission_groups")
    hidden = [group for group in of_user.result if group not in of_account.result]

    assert (len(of_account.result), len(of_user.result)) == (338, 344)
    assert {scope for group in hidden for scope in group["scopes"]} == {"com.cloudflare.api.user"}
    assert "result_info" not in of_account.content


async def test_groups_by_name_and_scope(caller: Caller) -> None:
    """
    Groups are filtered by exact name and scope; a name can occur in two scopes.
    """
    scope = "com.cloudflare.api.account.zone"
    queries = [
        {"name": "Logs Read"},
        {"name": "Logs Read", "scope": scope},
        {"name": "Zone Read"},
        {"name": "Zone"},
        {"scope": "zone"},
    ]

    answers = [await caller.send("GET", "/permission_groups", params=query) for query in queries]

    assert [len(answer.result) for answer in answers] == [2, 1, 1, 0, 0]
    assert answers[2].result == [{"id": ZONE_READ, "name": "Zone Read", "scopes": [scope]}]


async def test_category(caller: Caller) -> None:
    """
    A group has a category where Cloudflare's schema gives one, and ``is_selectable`` nowhere.
    """
    answer = await caller.send("GET", "/permission_groups", params={"name": "Workers Scripts Read"})

    assert answer.result == [
        {
            "id": WORKERS_READ,
            "name": "Workers Scripts Read",
            "scopes": ["com.cloudflare.api.account"],
            "category": "developer_platform",
        }
    ]


async def test_groups_without_published_ids(caller: Caller) -> None:
    """
    Groups whose ids are not published have ids that cannot be Cloudflare's.
    """
    answers = [
        await caller.send("GET", "/permission_groups", params={"name": name})
        for name in ("Individual Workers Editor", "Zone Security Center Insights Read", "Artifacts Read")
    ]

    assert [answer.result[0]["id"] for answer in answers] == [
        f"{17:032}",
        f"{25:032}",
        "71b0df4c5b6c4d3196f4428d7a6580ea",
    ]
    assert answers[0].result[0]["scopes"] == ["com.cloudflare.edge.worker.script"]


async def test_docs_example(user: Caller) -> None:
    """
    The example in Cloudflare's documentation, with group names and the old key, is accepted.
    """
    resource = f"com.cloudflare.api.account.zone.{ZONE_ID}"
    groups = [{"id": ZONE_READ, "name": "Zone Read"}]
    example = {"effect": "allow", "resources": {resource: "*"}, "permission_groups": groups}
    condition = {"request.ip": {"in": ["199.27.128.0/21", "2400:cb00::/32"], "not_in": ["199.27.128.1/32"]}}

    token = await user.create(
        example, not_before="2020-04-01T05:20:00Z", expires_on="2020-04-10T00:00:00Z", condition=condition
    )

    assert token["status"] == "expired"


async def test_quotas(caller: Caller) -> None:
    """
    An account can have 500 tokens and a user 50, including the first.
    """
    quota = {"account": 500, "user": 50}[caller.kind]
    for _ in range(quota - 1):
        await caller.create()

    answer = await caller.send("POST", json=caller.body())

    assert answer.refusal == (400, 1001, f"Maximum number of API tokens reached: {quota}")


async def test_first_token_is_a_token(caller: Caller) -> None:
    """
    The first token can be fetched like any other and has the group for reading tokens.
    """
    own_id = (await caller.send("GET", "/verify")).result["id"]

    token = (await caller.send("GET", f"/{own_id}")).result
    groups = [[group["id"] for group in policy_["permission_groups"]] for policy_ in token["policies"]]

    assert any(TOKENS_READ[caller.kind] in held for held in groups)
    assert groups == [sorted(held) for held in groups]


async def test_same_policy_twice(caller: Caller) -> None:
    """
    Two tokens created with the same policy get different policy ids.
    """
    same = policy(caller.home, TOKENS_READ[caller.kind])

    one, other = await caller.create(same), await caller.create(same)

    assert one["policies"][0]["id"] != other["policies"][0]["id"]
