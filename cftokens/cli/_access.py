"""
The options that say what a token may do, on what, from where, and until when.
"""

import functools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final

import attrs
import click

from cftokens import policies as p
from cftokens._checks import LONGEST_DURATION
from cftokens._converter import is_set, unknown_members
from cftokens._settings import UNSET, Unset
from cftokens.cli._completing import group_names
from cftokens.cli._output import note
from cftokens.cli._owner import Owner, environment_account
from cftokens.cli._text import iso
from cftokens.models import Condition, ConditionRequestIP, TokenPolicy
from cftokens.policies import PolicyDraft, Resource

ANY: Final = "any"
NEVER: Final = "never"

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

Callback = Callable[[click.Context, click.Parameter, str | None], object]


def durations(*, or_never: bool = False) -> Callback:
    """
    Return what reads an option such as ``15m``; None for ``never``.
    """

    def read(_: click.Context, __: click.Parameter, text: str | None) -> timedelta | None:
        if or_never and text == NEVER:
            return None
        found = duration_of(str(text))
        if found is None:
            also = " or never" if or_never else ""
            raise click.BadParameter(f"{text!r} is not a duration such as 15m, 12h, 90d{also}.")
        return found

    return read


def moments(*, or_never: bool = False) -> Callback:
    """
    Return what reads a date, a date-time, or a duration from now; None for ``never``, UNSET if not given.
    """

    def read(_: click.Context, __: click.Parameter, text: str | None) -> datetime | Unset | None:
        return UNSET if text is None else moment_of(text, or_never=or_never)

    return read


def duration_of(text: str) -> timedelta | None:
    """
    Return a duration, or None if this is none.
    """
    match = re.fullmatch(r"([0-9]{1,9})([smhdw])", text)
    if match is None:
        return None
    found = timedelta(**{_UNITS[match[2]]: int(match[1])})
    return found if timedelta(0) <= found <= LONGEST_DURATION else None


def seconds(duration: timedelta) -> str:
    """
    Return a duration as it is typed.
    """
    return f"{int(duration.total_seconds())}s"


def moment_of(text: str, *, or_never: bool = False) -> datetime | None:
    """
    Return a date-time; None for ``never``.
    """
    if or_never and text == NEVER:
        return None
    found = _moment_of(text)
    if found is None:
        also = ", a duration such as 90d, or never" if or_never else ""
        raise click.BadParameter(f"{text!r} is not a date such as 2026-12-31 or 2026-12-31T08:00:00Z{also}.")
    return found


def _moment_of(text: str) -> datetime | None:
    if (duration := duration_of(text)) is not None:
        return datetime.now(UTC).replace(microsecond=0) + duration
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return datetime.combine(date.fromisoformat(text), time(), UTC)
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if moment.utcoffset() is None else moment


@attrs.frozen(kw_only=True)
class Access:
    """
    What these options say.
    """

    allow: tuple[str, ...] = ()
    zone: tuple[str, ...] = ()
    all_zones: bool = False
    on_account: tuple[str, ...] = ()
    bucket: tuple[str, ...] = ()
    all_buckets: bool = False
    worker: tuple[str, ...] = ()
    policy_file: tuple[str, ...] = ()
    ip: tuple[str, ...] = ()
    not_ip: tuple[str, ...] = ()
    expires: datetime | Unset | None = UNSET

    def policies(self, owner: Owner) -> list[PolicyDraft | TokenPolicy]:
        """
        Return what is allowed, which may be nothing.
        """
        resources = list(self.resources(owner))
        if bool(self.allow) != bool(resources):
            raise click.UsageError(
                "--allow needs to know on what: --zone, --all-zones, --on-account, --bucket, --all-buckets "
                "or --worker."
                if self.allow
                else "A resource needs at least one --allow NAME."
            )
        drafts = [p.allow(*self.allow, on=resources)] if self.allow else []
        return [*drafts, *(policy for file in self.policy_file for policy in policies_of(file, owner))]

    def required(self, owner: Owner) -> list[PolicyDraft | TokenPolicy]:
        """
        Return what is allowed, which must be something.
        """
        found = self.policies(owner)
        if not found:
            raise click.UsageError("What may the token do? Use --allow NAME on a resource, or --policy-file.")
        return found

    @property
    def condition(self) -> Condition | Unset | None:
        """
        From where the token may be used. None for anywhere, UNSET if nothing is said.
        """
        if not self.ip and not self.not_ip:
            return UNSET
        inside = [each for each in self.ip if each != ANY]
        if len(inside) not in {0, len(self.ip)}:
            raise click.UsageError("--ip any excludes other addresses.")
        if not inside and not self.not_ip:
            return None
        return Condition(request_ip=ConditionRequestIP(in_=inside or None, not_in=self.not_ip or None))

    def arguments(self, expires_on: datetime | None) -> list[str]:
        """
        Return the options that say the same, with an expiry that does not depend on the time.
        """
        return [*self.options, "--expires", iso(expires_on, NEVER)]

    @property
    def options(self) -> Iterator[str]:
        """
        The options, but for the expiry.
        """
        for field in attrs.fields(Access):
            option, value = f"--{field.name.replace('_', '-')}", getattr(self, field.name)
            if value is True:
                yield option
            elif isinstance(value, tuple):
                for each in value:
                    yield from (option, each)

    def resources(self, owner: Owner) -> Iterator[Resource]:
        """
        Yield the resources that are named.
        """
        with naming("--zone"):
            yield from map(p.zone, self.zone)
        with naming("--on-account"):
            yield from map(p.account, self.on_account)
        if self.all_zones:
            account = owner.account_id
            yield p.all_zones_of_all_accounts() if account is None else p.all_zones(account)
        with naming("--bucket"):
            yield from (p.r2_bucket(_account_of(owner, "--bucket"), name) for name in self.bucket)
        if self.all_buckets:
            yield p.all_r2_buckets(_account_of(owner, "--all-buckets"))
        with naming("--worker"):
            yield from (p.worker(_account_of(owner, "--worker"), tag) for tag in self.worker)


@contextmanager
def naming(option: str) -> Iterator[None]:
    """
    Name the option whose argument the library refuses.
    """
    try:
        yield
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=f"'{option}'") from None


def _account_of(owner: Owner, option: str) -> str:
    account = owner.account_id or environment_account()
    if account is None:
        raise click.UsageError(f"{option} needs an account: set CLOUDFLARE_ACCOUNT_ID.")
    return account


def policies_of(file: str, owner: Owner) -> list[TokenPolicy]:
    """
    Read policies from a JSON file: a list of them, one, or an object that has them, such as a token.

    A permission group whose id and name contradict each other is refused: the id alone would count.
    """
    try:
        content = json.loads(Path(file).read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        raise click.UsageError(f"{file} is not JSON.") from None
    if isinstance(content, Mapping):
        if "policies" in content and is_set(content.get("condition")):
            note(f"{file}: only its policies are read, not its condition; see --ip and --not-ip.")
        content = content.get("policies", [content])
    if not isinstance(content, list) or not content or not all(isinstance(each, Mapping) for each in content):
        raise click.UsageError(f"{file} has no policies: a list of objects in the API's own shape.")
    policies = [_policy_of(policy, f"{file}: policies[{index}]") for index, policy in enumerate(content)]
    _check_names(policies, owner, file)
    return policies


def _check_names(policies: Iterable[TokenPolicy], owner: Owner, file: str) -> None:
    groups = [group for policy in policies for group in policy.permission_groups if group.name]
    names = {group.id: group.name for group in owner.catalogue} if groups else {}
    for group in groups:
        if group.name != names.get(group.id, group.name):
            raise click.UsageError(
                f"{file}: the permission group {group.id} is {names[group.id]!r}, not {group.name!r}. "
                "Correct the id or the name."
            )


def _policy_of(content: Mapping[str, object], where: str) -> TokenPolicy:
    try:
        policy = TokenPolicy.from_dict(content)
    except ValueError as error:
        raise click.UsageError(f"{where}: {error}") from None
    if unknown := unknown_members(policy):
        note(f"{where} has members that cftokens does not know, and sends as they are: {', '.join(unknown)}.")
    return policy


_OPTIONS: Final = (
    click.option("--allow", multiple=True, metavar="NAME", shell_complete=group_names,
                 help="A permission group, by its exact name or id: see 'cftokens groups'. Repeatable."),
    click.option("--zone", multiple=True, metavar="ID",
                 help="On this zone; the dashboard shows the id on its overview page. Repeatable."),
    click.option("--all-zones", is_flag=True,
                 help="On all zones of the account, also later ones; with --user, of all accounts."),
    click.option("--on-account", multiple=True, metavar="ID", help="On this account. Repeatable."),
    click.option("--bucket", multiple=True, metavar="NAME", help="On this R2 bucket. Repeatable."),
    click.option("--all-buckets", is_flag=True, help="On all R2 buckets of the account."),
    click.option("--worker", multiple=True, metavar="TAG", help="On this Worker, by its tag. Repeatable."),
    click.option("--policy-file", multiple=True, metavar="FILE", type=click.Path(exists=True, dir_okay=False),
                 help="Further policies, as JSON in the API's own shape. Repeatable."),
    click.option("--ip", multiple=True, metavar="CIDR",
                 help="Usable only from these addresses; 'any' for all. Repeatable."),
    click.option("--not-ip", multiple=True, metavar="CIDR", help="Not usable from these. Repeatable."),
    click.option("--expires", callback=moments(or_never=True), metavar="90d|DATE|never",
                 help="When the token stops working: after a time (m, h, d, w), at a date in UTC, or never."),
)  # fmt: skip


def granting(function: Callable[..., None]) -> Callable[..., None]:
    """
    Give a command these options, as an `Access` called *access*.
    """
    names = [field.name for field in attrs.fields(Access)]

    @functools.wraps(function)
    def command(*args: object, **options: object) -> None:
        access = Access(**{name: options.pop(name) for name in names})  # type: ignore[arg-type]
        function(*args, access=access, **options)

    for option in reversed(_OPTIONS):
        command = option(command)
    return command
