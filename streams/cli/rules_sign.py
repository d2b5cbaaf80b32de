"""`masa rules sign` and `rollback`: the statement that two people sign to put a rule set in force."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.runtime import (
    DEFAULT_DATA_DIR,
    BadUsage,
    DataDir,
    Exit,
    Refused,
    now_ms,
    say,
    settings,
    write,
)

if TYPE_CHECKING:
    from connectors.settings import Settings
    from streams.cli.policy_topic import PolicyTopic
    from streams.cli.proposals import Proposal
    from streams.policy.artefact import Artefact
    from streams.policy.signatories import Signatories
    from streams.routing.signers import Signer

PROPOSAL_FILE = Path("proposal.json")
NEXT = "next"

As = Annotated[str, typer.Option("--as", metavar="PERSON", help="Your name on the area's list of signatories.")]
Key = Annotated[Path, typer.Option("--key", metavar="FILE", help="Your private key, a PEM file.")]
Out = Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="Where to write the proposal.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before signing.")]
Sequence = Annotated[
    str, typer.Option("--sequence", metavar="N|next", help="Version number; `next` asks the running exchange.")
]
ActivateAt = Annotated[
    str | None,
    typer.Option(
        "--activate-at", metavar="INSTANT", help="Takes effect then, e.g. 2026-10-05T18:00:00Z. Default: now."
    ),
]
Reason = Annotated[str | None, typer.Option("--reason", help="Why, for the record. The first signer gives it.")]


def sign(
    target: Annotated[str, typer.Argument(metavar="TARGET", help="Area folder, compiled file, or proposal to sign.")],
    person: As,
    key: Key,
    sequence: Sequence = NEXT,
    activate_at: ActivateAt = None,
    reason: Reason = None,
    out: Out = None,
    yes: Yes = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Sign a rule set, as the first or the second of the two people who must.

    The first signer names an area folder and gives the reason; the proposal file that comes out holds the
    rule set and the statement. The second signer signs the same file, after seeing what it says and how it
    differs from what is in force. What is signed is the area, the version number, the rule set's hash, the
    instant and the reason: change one of them, and both signatures are void.

    [bold]Examples[/bold]

    \b
      masa rules sign deploy/areas/northshire --as asha-patel --key asha.pem --reason "schools hear of RAs" -o p.json
      masa rules sign p.json --as ben-okafor --key ben.pem
      masa rules activate p.json
    """
    from streams.cli.people import required_signatories, signer
    from streams.cli.proposals import is_proposal, read_proposal

    found = settings(data_dir)
    signatories = required_signatories(found)
    who = signer(signatories, person, key)
    topic = _topic_if_any(found, signatories)
    second = Path(target).is_file() and is_proposal(Path(target))
    if second:
        if reason is not None or activate_at is not None or sequence != NEXT:
            raise BadUsage("the statement is fixed: a second signer gives neither reason, sequence nor instant")
        proposal = read_proposal(Path(target))
    else:
        from streams.cli.rule_sets import rule_set_named

        proposal = _proposed(rule_set_named(target, data_dir), signatories, topic, sequence, activate_at, reason)
    _sign(proposal, who, signatories, topic, out or (Path(target) if second else PROPOSAL_FILE), yes=yes)


def rollback(
    to: Annotated[str, typer.Option("--to", metavar="HASH|SEQUENCE", help="What to go back to.")],
    person: As,
    key: Key,
    activate_at: ActivateAt = None,
    reason: Reason = None,
    out: Out = None,
    yes: Yes = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Propose to go back to an earlier rule set, and sign that as the first of two.

    A rollback is a new version with a higher number that names an older rule set: history only ever grows.
    The second person signs the proposal, then it is activated like any other.

    [bold]Examples[/bold]

    \b
      masa rules rollback --to 3 --as asha-patel --key asha.pem --reason "version 4 left out the GP"
      masa rules rollback --to 5f0c2a9be1d3 --as asha-patel --key asha.pem --reason "as agreed on Monday"
    """
    from streams.cli.people import required_signatories, signer
    from streams.cli.policy_topic import read_policy

    found = settings(data_dir)
    signatories = required_signatories(found)
    who = signer(signatories, person, key)
    topic = read_policy(found.kafka(), signatories)
    artefact = topic.artefact_like(_hash_of(to, topic))
    current = topic.in_force(now_ms())
    if current is not None and current.statement.rule_set == artefact.hash:
        raise Refused(f"rule set {artefact.hash[:12]} is in force already, as sequence {current.statement.sequence}")
    proposal = _proposed(artefact, signatories, topic, NEXT, activate_at, reason)
    _sign(proposal, who, signatories, topic, out or PROPOSAL_FILE, yes=yes)


def _hash_of(to: str, topic: PolicyTopic) -> str:
    """A short number is a sequence; anything else a hash."""
    if not (to.isascii() and to.isdigit() and len(to) < 8):  # shorter than a hash's shortest prefix
        return to
    named = next((each.statement for each in topic.statements if each.statement.sequence == int(to)), None)
    if named is None:
        raise Refused(f"no sequence `{to}` was ever published here: `masa rules history` lists those that were")
    return named.rule_set


def _proposed(
    artefact: Artefact,
    signatories: Signatories,
    topic: PolicyTopic | None,
    sequence: str,
    activate_at: str | None,
    reason: str | None,
) -> Proposal:
    from streams.cli.moments import moment
    from streams.cli.proposals import Proposal
    from streams.policy.facts import EpochMillis
    from streams.policy.statement import SignedStatement, Statement

    if signatories.area not in artefact.document()["areas"]:
        raise Refused(f"the rule set has no area `{signatories.area}`, whose signatories these are")
    if reason is None:
        raise BadUsage("--reason is missing: say why, for the record")
    try:
        statement = Statement(
            area=signatories.area,
            sequence=_number(sequence, topic),
            rule_set=artefact.hash,
            activates_at=EpochMillis(0 if activate_at is None else moment(activate_at, "--activate-at")),
            reason=reason,
        )
    except ValueError as error:
        raise BadUsage(str(error)) from None
    return Proposal(SignedStatement(statement=statement), artefact)


def _number(sequence: str, topic: PolicyTopic | None) -> int:
    if sequence != NEXT:
        if not (sequence.isascii() and sequence.isdigit()):
            raise BadUsage(f"--sequence `{sequence}` is neither a number nor `next`")
        return int(sequence)
    if topic is None:
        raise BadUsage("--sequence next needs a running exchange: give the number, one above the last")
    return topic.next_sequence()


def _sign(
    proposal: Proposal, who: Signer, signatories: Signatories, topic: PolicyTopic | None, out: Path, *, yes: bool
) -> None:
    """Show it, ask, sign, write."""
    from streams.cli.proposals import Proposal, signers_of, summary, write_proposal
    from streams.policy.statement import SIGNERS

    if who.name in signers_of(proposal, signatories):
        raise Refused(f"`{who.name}` has signed it already: the second signature must be another person's")
    current = None if topic is None else topic.artefact_in_force(now_ms())
    for line in summary(proposal, signatories, current):
        say(line)
    if not yes and sys.stdin.isatty() and not typer.confirm(f"Sign this as {who.name}?", err=True):
        say("not signed")
        raise typer.Exit(Exit.NO)
    signed = Proposal(who.sign(proposal.signed), proposal.artefact)
    write_proposal(out, signed)
    count = len(signers_of(signed, signatories))
    left = "now `masa rules activate` it" if count >= SIGNERS else "another signatory signs the same file"
    say(f"signed by {count} of {SIGNERS}: {left}")
    write(f"{out}\n")


def _topic_if_any(found: Settings, signatories: Signatories) -> PolicyTopic | None:
    """What the exchange says, None when none is named: people may sign where no broker can be reached."""
    from streams.cli.policy_topic import read_policy

    return None if found.kafka_settings is None else read_policy(found.kafka_settings, signatories)
