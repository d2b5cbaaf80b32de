"""Releases: an event comes again for those of its recipients who still wait, and for nobody else.

After a stop is lifted, or once a person has looked, `masa held release` puts the record back into its outbox with a
header that names the held record's position and the recipients that waited. The others have had their answer, so the
event is decided anew for these alone (`streams.policy.release`). The header carries a keyed code of the exchange's over
all of that and the content: an agency that writes one itself is refused. Who was released and got it is remembered like
an event that was routed, so that another release is a repeat; who still waits is held anew, at the new position.
"""

from __future__ import annotations

import hmac
from typing import NamedTuple

from schemas.pseudonym import Pseudonymiser
from schemas.vocabulary import OutcomeKind
from streams.policy.decision import Decision
from streams.policy.facts import AgencyId, Facts
from streams.routing.audit_pieces import Origin
from streams.routing.repeats import Window

RELEASE_HEADER = "masa-release"


class Release(NamedTuple):
    """`position` is that of the held record, `topic:partition:offset`; the rest is as in `Facts`.

    `masa held release` makes one for each recipient, so that whether it was released is one question.
    """

    position: str
    agencies: tuple[AgencyId, ...]
    waived: tuple[str, ...] = ()  # reason codes
    resolved: tuple[str, ...] = ()  # `<selector>=<agency>`
    operation: str = ""  # id; empty: none

    @property
    def name(self) -> str:
        """Under which an event released so is remembered: who gets it, by whatever way it was found."""
        return ",".join(text.rpartition("=")[2] for text in self.resolved or self.agencies)

    def on(self, facts: Facts) -> Facts:
        """The facts, to be decided on for these alone."""
        return facts._replace(
            released=self.agencies,
            waived=self.waived,
            resolved=self.resolved,
            operation=self.operation or None,
            release_of=self.position,
        )


def release_header(pseudonymiser: Pseudonymiser, release: Release, digest: bytes) -> bytes:
    """The header's value. `digest` is the content's (`Pseudonymiser.digest`)."""
    said = _said(release)
    return f"{said};{_code(pseudonymiser, said, digest)}".encode()


def release_of(pseudonymiser: Pseudonymiser, header: bytes, digest: bytes) -> Release | None:
    """The release that a header names; None if the exchange did not write it for this content."""
    said, _, code = header.decode("utf-8", "replace").rpartition(";")
    if not hmac.compare_digest(code.encode(), _code(pseudonymiser, said, digest).encode()):
        return None
    position, agencies, waived, resolved, operation = said.split(";")
    return Release(position, tuple(map(AgencyId, _parts(agencies))), _parts(waived), _parts(resolved), operation)


def stage_release(window: Window, name: str, origin: Origin, decision: Decision) -> None:
    """Remember a release that somebody got; until then it may be released again."""
    if any(outcome.kind is OutcomeKind.DELIVERED for outcome in decision.outcomes):
        window.stage_routed(name, origin.digest, origin.offset)
    else:
        window.stage_not_routed(origin.offset)


def _said(release: Release) -> str:
    parts = (release.agencies, release.waived, release.resolved)
    return ";".join((release.position, *(",".join(part) for part in parts), release.operation))


def _parts(text: str) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()


def _code(pseudonymiser: Pseudonymiser, said: str, digest: bytes) -> str:
    return pseudonymiser.token("release:" + digest.hex(), said)
