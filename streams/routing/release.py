"""Releases: an event comes again for those of its recipients who still wait, and for nobody else.

After a stop is lifted, `masa held release` puts the record back into its outbox with a header that names the held
record's position and the recipients that waited. The others have had their answer, so the event is decided anew for
these alone. The header carries a keyed code of the exchange's over all of that and the content: an agency that writes
one itself is refused. One held record is released once; what still waits then is held anew, at its new position.
"""

from __future__ import annotations

import hmac
from typing import NamedTuple

from schemas.pseudonym import Pseudonymiser
from streams.policy.facts import AgencyId

RELEASE_HEADER = "masa-release"


class Release(NamedTuple):
    """`position` is that of the held record, `topic:partition:offset`."""

    position: str
    agencies: tuple[AgencyId, ...]


def release_header(pseudonymiser: Pseudonymiser, release: Release, digest: bytes) -> bytes:
    """The header's value. `digest` is the content's (`Pseudonymiser.digest`)."""
    said = _said(release)
    return f"{said};{_code(pseudonymiser, said, digest)}".encode()


def release_of(pseudonymiser: Pseudonymiser, header: bytes, digest: bytes) -> Release | None:
    """The release that a header names; None if the exchange did not write it for this content."""
    said, _, code = header.decode("utf-8", "replace").rpartition(";")
    if not hmac.compare_digest(code.encode(), _code(pseudonymiser, said, digest).encode()):
        return None
    position, _, names = said.partition(";")
    return Release(position, tuple(map(AgencyId, names.split(","))))


def _said(release: Release) -> str:
    return f"{release.position};{','.join(release.agencies)}"


def _code(pseudonymiser: Pseudonymiser, said: str, digest: bytes) -> str:
    return pseudonymiser.token("release:" + digest.hex(), said)
