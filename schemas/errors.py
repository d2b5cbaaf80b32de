"""Errors of the contract. Every one names what is wrong, where, and what would be right; none holds a value.

The offending value is left out on purpose: it may be a child's NHS number or name, and errors end up in logs, in
`masa.rejected` and on people's screens.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from schemas.vocabulary import RejectReason

_SHOWN = 10  # problems in an error's text; all of them are in `problems`


class ContractError(Exception):
    """Base of everything the contract refuses."""


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One thing wrong with one field.

    `path` is the dotted leaf path, with `[n]` for array items (`envelope.proposedRecipients[0].ground`), or empty when
    the event as a whole is at fault. `expected` says what would be right.
    """

    path: str
    code: RejectReason
    message: str
    expected: str

    def __str__(self) -> str:
        where = f"`{self.path}` " if self.path else ""
        return f"{where}{self.message}: {self.expected}"


class EventInvalid(ContractError):  # noqa: N818  the name says what is the matter
    """The event (or record) breaks the contract; `problems` lists every way it does, never empty."""

    def __init__(self, problems: Iterable[FieldProblem]) -> None:
        self.problems: tuple[FieldProblem, ...] = tuple(problems)
        shown = [str(problem) for problem in self.problems[:_SHOWN]]
        if len(self.problems) > _SHOWN:
            shown.append(f"and {len(self.problems) - _SHOWN} more")
        super().__init__("; ".join(shown))

    @property
    def reason(self) -> RejectReason:
        """The first problem's code: what the record is rejected for."""
        return self.problems[0].code


class FrameError(ContractError):
    """The bytes cannot be told apart as one framed value: the sender's encoder is at fault, do not retry."""

    def __init__(self, reason: RejectReason, message: str) -> None:
        self.reason = reason
        super().__init__(message)


class SchemaError(ContractError):
    """A schema or the catalogue itself is wrong: a build fault, never the publisher's."""
