"""Proposals: a statement, who signed it so far, and the rule set it names, in one file that goes from hand to hand."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from pathlib import Path
from typing import Any, NamedTuple

from connectors.signing import verify
from streams.cli.runtime import Refused, instant
from streams.policy.activation import pack, unpack
from streams.policy.artefact import Artefact
from streams.policy.signatories import Signatories
from streams.policy.statement import SIGNERS, Refusal, SignedStatement, genuine_signers, signed_from_document

_NAMES_SHOWN = 5


class Proposal(NamedTuple):
    signed: SignedStatement
    artefact: Artefact


def read_proposal(path: Path) -> Proposal:
    """The proposal in a file, its rule set being the one that its statement names. Raises Refused."""
    document = _json(path)
    packed = document.pop("artefact", None) if isinstance(document, dict) else None
    try:
        signed = signed_from_document(document)
        artefact = unpack(b64decode(packed or "", validate=True), signed.statement.rule_set)
    except NotBase64:
        raise Refused(f"{path}: `artefact` is not base64") from None
    except (ValueError, TypeError) as error:
        raise Refused(f"{path}: {error}") from None
    return Proposal(signed, artefact)


def is_proposal(path: Path) -> bool:
    """Whether the file is one, sound or not; a compiled rule set is JSON too."""
    try:
        document = _json(path)
    except Refused:
        return False
    return isinstance(document, dict) and "statement" in document


def write_proposal(path: Path, proposal: Proposal) -> None:
    packed = b64encode(pack(proposal.artefact)).decode("ascii")
    text = json.dumps({**proposal.signed.as_document(), "artefact": packed}, indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def summary(proposal: Proposal, signatories: Signatories, current: Artefact | None) -> list[str]:
    """What somebody should read before signing or activating, a line each. Raises Refused for a false signature."""
    statement = proposal.signed.statement
    people = signers_of(proposal, signatories)
    when = instant(statement.activates_at) if statement.activates_at else "at once"
    return [
        f"area          {statement.area}",
        f"sequence      {statement.sequence}",
        f"rule set      {statement.rule_set}",
        f"takes effect  {when}",
        f"reason        {statement.reason}",
        f"signed by     {', '.join(people) or 'nobody yet'} ({len(people)} of {SIGNERS})",
        *changes(proposal.artefact, current),
    ]


def signers_of(proposal: Proposal, signatories: Signatories) -> list[str]:
    """Names of the listed people whose signatures are genuine. Raises Refused when one is false."""
    signed = proposal.signed
    try:
        found = genuine_signers(signed.statement.message(), signed.signatures, signatories, verify)
    except Refusal as refusal:
        raise Refused(str(refusal)) from None
    return list(dict.fromkeys(each.name for each in found))


def changes(new: Artefact, current: Artefact | None) -> list[str]:
    """How a rule set differs from the one in force, by the names of its parts; the meaning is `masa rules diff`'s."""
    document = new.document()
    rules, agencies = _by_id(document["rules"]), _by_id(document["agencies"])
    lines = [f"holds         {len(rules)} rules, {len(agencies)} agencies, {len(document['areas'])} areas"]
    if current is None:
        return [*lines, "compared      with nothing: no rule set is in force, or no exchange runs here"]
    if current.hash == new.hash:
        return [*lines, "compared      equal to the rule set in force"]
    before = current.document()
    lines += _differences("rules", rules, _by_id(before["rules"]))
    lines += _differences("agencies", agencies, _by_id(before["agencies"]))
    if document["areas"] != before["areas"]:
        lines.append("areas         roles, agreements, shares or dates differ")
    return [*lines, "              what that means for whom: `masa rules diff active PROPOSAL`"]


def _differences(what: str, new: dict[str, Any], old: dict[str, Any]) -> list[str]:
    groups = {
        "new": sorted(set(new) - set(old)),
        "gone": sorted(set(old) - set(new)),
        "changed": sorted(name for name in set(new) & set(old) if new[name] != old[name]),
    }
    return [f"{what:<14}{len(names)} {word}: {_some(names)}" for word, names in groups.items() if names]


def _some(names: list[str]) -> str:
    more = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _by_id(entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {str(entry["id"]): entry for entry in entries}


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise Refused(f"`{path}` cannot be read: {error.strerror}") from None
    except ValueError:
        raise Refused(f"`{path}` is no proposal: it is not JSON, as `masa rules sign` writes it") from None
