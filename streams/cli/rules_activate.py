"""`masa rules activate`: a proposal that two people signed goes into force everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.runtime import DEFAULT_DATA_DIR, AsJson, DataDir, Refused, emit, instant, now_ms, say, settings

if TYPE_CHECKING:
    from streams.cli.policy_topic import PolicyTopic
    from streams.cli.policy_write import ToWrite
    from streams.cli.proposals import Proposal
    from streams.policy.signatories import Signatories

Metrics = Annotated[
    list[str] | None,
    typer.Option("--metrics", metavar="URL", help="A router's metrics page; repeat. Default: those running here."),
]


def activate(
    proposal_file: Annotated[Path, typer.Argument(metavar="PROPOSAL", help="File that two people have signed.")],
    metrics: Metrics = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Put a signed rule set in force, and wait until every router slot follows it.

    Refused here is whatever routers would refuse: a missing or false signature, one person signing twice,
    another area's statement, a version number that is not above the last, a damaged rule set. Routers take it
    over between two batches, without a restart and without losing an event; each decision names the rule set
    it was made under. With a later instant in the statement they hold it until then.

    Exit status 1 when it is refused, or a live slot does not follow.

    [bold]Example[/bold]

    \b
      masa rules activate proposal.json && masa rules history
    """
    from streams.cli.people import required_signatories
    from streams.cli.policy_write import wait_everywhere, write_policy
    from streams.cli.proposals import read_proposal
    from streams.cli.slots import SlotState, addresses

    found = settings(data_dir)
    signatories, proposal = required_signatories(found), read_proposal(proposal_file)
    urls = addresses(found, metrics or ())
    written = write_policy(found.kafka(), signatories, lambda topic: _planned(proposal, signatories, topic))
    statement = proposal.signed.statement
    later = statement.activates_at > now_ms()

    def follows(state: SlotState) -> bool:
        known = max(state.version, state.scheduled) if later else state.version
        return state.offset >= written.offset and known >= statement.sequence

    followed = wait_everywhere(urls, f"version {statement.sequence}", follows)
    if as_json:
        emit({**statement.as_document(), "scheduled": later, "slots": list(followed.following)})
        return
    when = f"from {instant(statement.activates_at)}" if later else "now"
    say(f"version {statement.sequence}, rule set {statement.rule_set[:12]}, is in force {when}")
    if followed.following:
        say(f"followed by {', '.join(followed.following)}")


def _planned(proposal: Proposal, signatories: Signatories, topic: PolicyTopic) -> ToWrite:
    """What to publish. Raises Refused for what routers would refuse."""
    from streams.cli.policy_write import ToWrite, operation
    from streams.cli.provision import outgoing
    from streams.policy.activation import activation_records

    _must_be_acceptable(proposal, signatories)
    statement, now = proposal.signed.statement, now_ms()
    if statement.sequence < topic.next_sequence():
        last = topic.next_sequence() - 1
        raise Refused(
            f"sequence {statement.sequence} is not above {last}, which is published already: somebody was faster, "
            "or it was activated before; sign a new proposal"
        )
    current = topic.in_force(now)
    signers = dict.fromkeys(each.signatory for each in proposal.signed.signatures)
    people = [person for name in signers if (person := signatories.named(name)) is not None]
    details = {
        "area": statement.area,
        "sequence": str(statement.sequence),
        "activatesAt": str(instant(statement.activates_at)) if statement.activates_at else "at once",
        "before": current.statement.rule_set if current is not None else "none",
    }
    return ToWrite(
        outgoing(activation_records(proposal.signed, proposal.artefact)),
        operation(
            "rules.activate",
            statement.rule_set,
            at=now,
            actors=[(person.name, person.role) for person in people],
            reason=statement.reason,
            details=details,
        ),
    )


def _must_be_acceptable(proposal: Proposal, signatories: Signatories) -> None:
    from connectors.signing import verify
    from schemas.registry import load_event_types
    from streams.policy.activation import Activation, admitted, pack
    from streams.policy.facts import LocatorToken
    from streams.policy.index import RuleSet
    from streams.policy.statement import Refusal

    try:
        artefact = admitted(Activation(proposal.signed, pack(proposal.artefact)), signatories, verify)
        RuleSet.build(artefact, load_event_types(), lambda scheme, code: LocatorToken(f"{scheme}:{code}"))
    except Refusal as refusal:
        raise Refused(f"refused ({refusal.reason}): {refusal}") from None
    except Exception as error:  # noqa: BLE001 - whatever a router would trip over
        raise Refused(f"refused (unreadable): routers of this version cannot use the rule set: {error}") from None
