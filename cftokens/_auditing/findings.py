"""
Findings and their remedies, which programs can read and which are said in words.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final, Literal

import attrs

from cftokens import _reprs as reprs
from cftokens.models import Token

Severity = Literal["critical", "high", "medium", "low"]

Operation = Literal["edit", "rotate", "roll", "retire", "delete", "waive"]

_CALLS: Final = {
    "rotate": "rotate(token_id, store=..., lifetime=...)",
    "roll": "value.update(token_id)",
    "retire": "retire(token_id)",
    "delete": "delete(token_id)",
    "waive": "audit(..., ignore={token_id: reason})",
}


def _fields(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(values)


@attrs.frozen
class Remedy:
    """
    One thing that could be done about a finding.

    Attributes:
        purpose: What it is for, or when to do it, such as ``"Give it an end"``.

        operation: ``"edit"``, ``"rotate"``, ``"roll"`` (``value.update()``), ``"retire"``, ``"delete"``, or
            ``"waive"``, which is to accept the finding.

        fields: What to edit, such as ``("expires_on",)``.
    """

    purpose: str
    operation: Operation
    fields: tuple[str, ...] = attrs.field(default=(), converter=_fields)

    @property
    def call(self) -> str:
        """
        The call that does it, of this library.
        """
        arguments = "".join(f", {field}=..." for field in self.fields)
        return _CALLS.get(self.operation, f"edit(token_id{arguments})")

    def to_dict(self) -> dict[str, Any]:
        """
        Return the remedy as JSON.
        """
        return {"purpose": self.purpose, "operation": self.operation, "fields": list(self.fields)}


def _remedies(values: Iterable[Remedy]) -> tuple[Remedy, ...]:
    return tuple(values)


@attrs.frozen(repr=False)
class Finding:
    """
    Something that is wrong with a token.

    Made with ``Finding(rule, severity, token, message, remedies)``, where the message says what is wrong.

    Attributes:
        rule: The stable id of the rule, such as ``"never-expires"``.

        severity: ``"critical"``, ``"high"``, ``"medium"`` or ``"low"``.

        token: The token, or None if the finding is about the whole list.

        problem: What is wrong.

        remedies: What could be done about it, the best first. Empty if the problem says it.
    """

    rule: str
    severity: Severity
    token: Token | None
    problem: str = attrs.field(alias="message")
    remedies: tuple[Remedy, ...] = attrs.field(default=(), converter=_remedies)

    @property
    def message(self) -> str:
        """
        What is wrong, and what to do about it with this library.
        """
        return self.message_with(lambda remedy: remedy.call)

    def message_with(self, instruction: Callable[[Remedy], str]) -> str:
        """
        Return the message with something else in place of this library's calls.

        Args:
            instruction: Returns how a remedy is carried out, such as a command or a link.
        """
        steps = (f"{remedy.purpose}: {instruction(remedy)}." for remedy in self.remedies)
        return " ".join([self.problem, *steps])

    def to_dict(self) -> dict[str, Any]:
        """
        Return the finding as JSON, with the token's id and name, and the remedies.
        """
        token_id, name = (None, None) if self.token is None else (self.token.id, self.token.name)
        return {
            "rule": self.rule,
            "severity": self.severity,
            "token_id": token_id,
            "token_name": name,
            "message": self.message,
            "remedies": [remedy.to_dict() for remedy in self.remedies],
        }

    def __repr__(self) -> str:
        return reprs.call(
            "Finding",
            rule=reprs.text(self.rule),
            severity=reprs.text(self.severity),
            token=reprs.text(None if self.token is None else self.token.id),
            message=reprs.text(self.message, 80),
        )
