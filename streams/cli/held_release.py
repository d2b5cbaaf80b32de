"""`masa held release`: what waited is decided again, after a stop is lifted or a person has looked."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli.runtime import DEFAULT_DATA_DIR, BadUsage, DataDir, Refused, emit, now_ms, say, settings

if TYPE_CHECKING:
    from connectors.kafka.settings import KafkaSettings
    from connectors.settings import Settings
    from streams.cli.releasing import By, Done, Going, Left, Wish

WRITER = "masa-operator"  # transactional id: what goes back and the record of who did it, all or nothing
AT_MOST = 1_000
A_SECOND = 100
SHOWN = 10
NOBODY = "not named"

Positions = Annotated[
    list[str] | None,
    typer.Argument(metavar="[TOPIC:PARTITION:OFFSET]...", help="Positions of the records, as `list` shows them."),
]
Agencies = Annotated[list[str] | None, typer.Option("--agency", help="Only for these of those who wait.")]
To = Annotated[
    list[str] | None,
    typer.Option("--to", metavar="unresolved:SELECTOR=AGENCY", help="Who a recipient is that was not found."),
]
As = Annotated[str | None, typer.Option("--as", metavar="NAME", help="Who you are, for the record.")]
Because = Annotated[str | None, typer.Option("--because", metavar="TEXT", help="Why, for the record.")]
Reason = Annotated[
    str | None,
    typer.Option("--reason", help="Only those with this reason code; a doubt that it names is set aside."),
]


def release(
    positions: Positions = None,
    every: Annotated[bool, typer.Option("--all", help="All that no doubt holds, or with --reason those.")] = False,
    reason: Reason = None,
    agency: Agencies = None,
    to: To = None,
    person: As = None,
    because: Because = None,
    most: Annotated[int, typer.Option("--max", min=1, help="At most so many, the oldest first.")] = AT_MOST,
    rate: Annotated[int, typer.Option("--rate", min=1, help="At most so many a second.")] = A_SECOND,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be released, and do nothing.")] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Let what was held be decided again: under the rules, stops and register of now, for those who wait alone.

    The others had their answer. What the publisher withholds, laws, deny rules and stops in force answer as
    always; who still has to wait is held anew. A doubt (LOW_MATCH_STATUS, CONDITION_UNKNOWN,
    CROSS_BORDER_UNKNOWN_AREA) is set aside for records that you name one by one, or with --reason. Releasing
    twice delivers once. Whoever releases for some recipients says who they are and why.

    [bold]Examples[/bold]

    \b
      masa held release --all --reason POLICY_ABSENT        # once rules are in force
      masa held release --all --reason SHARING_STOPPED --as asha-patel --because "stop lifted"
      masa held release agency.northshire-police.outbox:0:17 --as asha-patel --because "identity checked by phone"
      masa held release gateway.outbox:1:4 --to unresolved:child.school=oakfield-primary --as … --because …
    """
    from schemas.pseudonym import Pseudonymiser
    from streams.cli.releasing import Wish, sorted_out

    wish = Wish(everything=every, reason=reason, agencies=frozenset(agency or ()), to=_recipients(to or ()))
    found = settings(data_dir)
    kafka = found.kafka()
    chosen = _chosen(kafka, positions or [], wish)
    _must_exist(kafka, wish)
    going, left = sorted_out(chosen, wish, _released(kafka) if every else frozenset())
    _tell_left(left, named=not every)
    if len(going) > most:
        say(f"{len(going) - most} more than --max {most} wait for another call")
        going = going[:most]
    _tell(going)
    if dry_run:
        for each in going:
            emit({**_row(each), "wouldPutBack": True})
        return
    if going:
        _do(kafka, going, Pseudonymiser(found.pseudonym_key()), _by(found, person, because, going), rate)
    say(f"{len(going)} released")


def _recipients(texts: Sequence[str]) -> dict[str, str]:
    from streams.policy.recipients import UNRESOLVED
    from streams.policy.release import NAMEABLE

    named = {}
    for text in texts:
        selector, equals, agency = text.removeprefix(UNRESOLVED).partition("=")
        if not equals or not agency or selector not in NAMEABLE:
            raise BadUsage(
                f"--to `{text}` names nobody: say `SELECTOR=AGENCY` with a selector of {', '.join(NAMEABLE)}; whoever "
                "follows from an authority needs a correction by the publisher"
            )
        named[selector] = agency
    return named


def _chosen(kafka: KafkaSettings, positions: list[str], wish: Wish) -> Sequence[Mapping[str, Any]]:
    """Those named, or all; BadUsage when neither or both ways are used, Refused for one that is not there."""
    from streams.cli.queues import chosen, read_queue

    return chosen(read_queue("held", kafka, wish.reason), positions, wish.everything)


def _must_exist(kafka: KafkaSettings, wish: Wish) -> None:
    """An agency that nobody has would leave the event waiting, and nobody would notice."""
    from streams.cli.areas import required_rule_set

    if wish.to:
        known = {entry["id"] for entry in required_rule_set(kafka).document()["agencies"]}
        for selector, agency in wish.to.items():
            if agency not in known:
                raise BadUsage(f"--to: `{agency}` for `{selector}` is no agency of the rule set in force")


def _released(kafka: KafkaSettings) -> Done:
    """What was released before, as the operations say."""
    from connectors.kafka.reader import read_topic
    from connectors.kafka.topics import OPERATIONS
    from schemas.codec import decode_record
    from schemas.errors import ContractError
    from streams.cli.releasing import released_by

    def operations() -> Iterator[dict[str, Any]]:
        for record in read_topic(kafka, [OPERATIONS]):
            try:
                yield decode_record("operation", record.value or b"")
            except ContractError:
                continue

    return frozenset(pair for operation in operations() for pair in released_by(operation))


def _by(found: Settings, person: str | None, because: str | None, going: Sequence[Going]) -> By:
    from streams.cli.people import known_signatories
    from streams.cli.releasing import EVERYBODY, By

    if (person is None or because is None) and any(each.agency != EVERYBODY for each in going):
        raise BadUsage("releasing for some recipients is a person's decision: say who, --as NAME, and --because TEXT")
    signatories = None if person is None else known_signatories(found)
    listed = None if signatories is None or person is None else signatories.named(person)
    return By(name=person or NOBODY, role=None if listed is None else listed.role, because=because)


def _tell_left(left: Sequence[Left], *, named: bool) -> None:
    """What stays. Of records that were named one by one, one that stays is the answer no."""
    said = [f"{each.position} stays held for {each.agency}: {each.why}" for each in left]
    if named and said:
        raise Refused("\n".join(said))
    for line in said[:SHOWN]:
        say(line)
    if len(said) > SHOWN:
        say(f"and {len(said) - SHOWN} more stay held")


def _tell(going: Sequence[Going]) -> None:
    """What is about to happen."""
    from streams.cli.releasing import EVERYBODY

    for each in going[:SHOWN]:
        whom = "as a whole" if each.agency == EVERYBODY else f"for {each.agency}"
        aside = f", setting aside {', '.join(each.waived)}" if each.waived else ""
        named = f", who is {each.resolved.partition('=')[2]}" if each.resolved else ""
        say(f"release {each.position} ({each.held['eventType']}) {whom}{named}{aside}")
    if len(going) > SHOWN:
        say(f"and {len(going) - SHOWN} more")


def _do(kafka: KafkaSettings, going: Sequence[Going], pseudonymiser: Any, by: By, rate: int) -> None:
    """Each second's share in one transaction with its operation record."""
    from connectors.kafka.atomic import AtomicPublisher
    from connectors.operations import operation_record
    from streams.cli.releasing import operation_of, put_back

    for start in range(0, len(going), rate):
        if start:
            time.sleep(1)
        share = going[start : start + rate]
        operation = operation_of(share, by, now_ms(), str(uuid.uuid4()))
        records = [put_back(each, pseudonymiser, operation.operation_id) for each in share]
        with AtomicPublisher(kafka, WRITER) as publisher:
            publisher.publish([*records, operation_record(operation)])
        for each in share:
            emit({**_row(each), "operation": operation.operation_id})


def _row(going: Going) -> dict[str, Any]:
    return {
        "from": going.position,
        "eventId": going.held["eventId"],
        "agency": going.agency,
        "waived": list(going.waived),
        "resolved": going.resolved,
    }
