"""A rule set as a person names it: an area folder, a file, a hash, or `active`."""

from __future__ import annotations

import re
from pathlib import Path

from streams.cli.areas import compile_area, required_rule_set, rule_set_by_hash
from streams.cli.people import known_signatories
from streams.cli.proposals import is_proposal, read_proposal
from streams.cli.runtime import BadUsage, Refused, settings
from streams.policy.artefact import Artefact, ArtefactBroken

ACTIVE = "active"
_HASH = re.compile(r"[0-9a-f]{8,64}", re.ASCII)


def rule_set_named(name: str, data_dir: Path) -> Artefact:
    """The rule set. A file may be compiled rules or a proposal; `active` and a hash (8 digits of it suffice) are looked
    up on the running exchange.

    Raises BadUsage when it is nothing of this, AreaInvalid, Refused, and what reading Kafka raises.
    """
    path = Path(name)
    if path.is_dir():
        return compile_area(path).artefact
    if path.is_file():
        if is_proposal(path):
            return read_proposal(path).artefact
        try:
            return Artefact.from_bytes(path.read_bytes())
        except ArtefactBroken as error:
            raise Refused(f"{name}: {error}") from None
    if name == ACTIVE:
        found = settings(data_dir)
        return required_rule_set(found.kafka(), known_signatories(found))
    if _HASH.fullmatch(name):
        return rule_set_by_hash(settings(data_dir).kafka(), name)
    raise BadUsage(
        f"`{name}` is no rule set: give an area folder, a compiled file, a hash (8 digits or more) or `active`"
    )
