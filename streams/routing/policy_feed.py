"""The rule set in force and the stops on it, as `masa.policy` carries them, for one router slot.

What two listed people signed with the highest sequence is in force from its time on. Whatever is wrong with a record,
it changes nothing: the last good rule set stays, the refusal is counted by its reason and told. Nothing here raises.

While the topic is read for the first time, statements and rule sets are only gathered: the one in force may stand
before others that wait for their time or are broken, and building every past one would take long.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeVar

from connectors.errors import RetryLater
from connectors.kafka.compacted import CompactedReader, Entry
from connectors.signing import verify
from schemas.registry import EventTypes
from streams.policy.activation import Activation, admitted, is_activation, read_record, unpack
from streams.policy.artefact import Artefact
from streams.policy.facts import LocatorToken
from streams.policy.gathered import Gathered
from streams.policy.index import RuleSet
from streams.policy.signatories import Signatories
from streams.policy.statement import Refusal, RefusalReason, Statement, check
from streams.policy.stop_orders import StopOrder, check_order, is_stop, order_from_record

_LONGEST_EXPLANATION = 200
_T = TypeVar("_T")


class PolicyTelemetry(Protocol):
    def policy_activated(self, *, version: int, rule_set: str) -> None: ...
    def policy_refused(self, *, reason: str, explanation: str) -> None: ...
    def policy_scheduled(self, *, version: int) -> None: ...
    def policy_read(self, *, offset: int) -> None: ...
    def stops_changed(self, *, in_force: int) -> None: ...


class Version(NamedTuple):
    """A rule set that is in force, or waits for its time."""

    statement: Statement
    rules: RuleSet
    packed: bytes  # the artefact, compressed: few ask for it, and it may be large


class PolicyFeed:
    """Follows `masa.policy`. `rules` is what to decide by: None until something was accepted."""

    def __init__(
        self,
        reader: CompactedReader,
        event_types: EventTypes,
        locator: Callable[[str, str], str],
        telemetry: PolicyTelemetry,
        *,
        signatories: Signatories,
        clock: Callable[[], float],
    ) -> None:
        """`clock` gives Unix time in seconds; `signatories` are the only people whose signatures count."""
        self._reader = reader
        self._event_types = event_types
        self._locator = locator
        self._telemetry = telemetry
        self._signatories = signatories
        self._clock = clock
        self._gathered: Gathered | None = Gathered()  # None once the topic was read to its end
        self._told: set[str] = set()  # refusals of this poll: one activation is three records
        self._in_force: Version | None = None
        self._waiting: dict[int, Version] = {}
        self._stops: dict[bytes, StopOrder] = {}
        self.rules: RuleSet | None = None

    def refresh(self, wait_seconds: float) -> bool:
        """Take over what is new and what is due; true when other rules or stops are in force now.

        Raises RetryLater while the topic cannot be read; never for what is on it.
        """
        entries = self._reader.poll(wait_seconds)
        self._told.clear()
        before, stops = self._in_force, dict(self._stops)
        for entry in entries:
            self._guarded(self._take, entry)
        if self._gathered is not None and self._reader.caught_up():
            self._choose(self._gathered)
            self._gathered = None
        self._take_what_is_due()
        if entries:
            self._telemetry.policy_read(offset=entries[-1].offset)
        if self._stops != stops:
            self._telemetry.stops_changed(in_force=sum(each.holds for each in self._stops.values()))
        if self._in_force is before and self._stops == stops:
            return False
        return self._put_together()

    def read_to_end(self, attempts: int, beat: Callable[[], None]) -> bool:
        """Block until the topic's end was reached once, in at most `attempts` waits of a second; false if it was not.

        `beat` is called before each wait.
        """
        for _ in range(attempts):
            beat()
            try:
                self.refresh(1.0)
            except RetryLater:
                continue
            if self._reader.caught_up():
                return True
        return False

    def artefact(self) -> Artefact | None:
        """What `rules` was built from, for whoever explains or shows it; None when nothing is in force."""
        version = self._in_force
        return None if version is None else unpack(version.packed, version.statement.rule_set)

    def _take(self, entry: Entry) -> None:
        if is_stop(entry.key):
            self._take_stop(entry)
        elif is_activation(entry.key):
            self._take_activation(entry)

    def _take_stop(self, entry: Entry) -> None:
        key = entry.key or b""
        order = order_from_record(key, entry.value)
        check_order(order, self._signatories, verify)
        self._stops[key] = order

    def _take_activation(self, entry: Entry) -> None:
        activation = read_record(entry.key or b"", entry.value)
        signed = activation.signed
        check(signed, self._signatories, verify)
        if self._gathered is not None:
            self._gathered.add(activation)
        elif not self._is_known(signed.statement):
            self._must_be_newer(signed.statement)
            if activation.packed:  # a bare statement comes just before its rule set
                self._adopt(activation)

    def _is_known(self, statement: Statement) -> bool:
        """Whether it is in force or waiting: compaction, retries and the three records of one activation repeat it."""
        held = (self._in_force, *self._waiting.values())
        return any(each is not None and each.statement == statement for each in held)

    def _must_be_newer(self, statement: Statement) -> None:
        newest = max([*self._waiting, self._in_force.statement.sequence if self._in_force else 0])
        if statement.sequence <= newest:
            raise Refusal(
                RefusalReason.OLDER, f"sequence {statement.sequence} is not above {newest}, which is known already"
            )

    def _adopt(self, activation: Activation) -> None:
        """Build it, and let it wait for its time, which may have come. Raises Refusal."""
        artefact = admitted(activation, self._signatories, verify)
        statement = activation.signed.statement
        rules = RuleSet.build(artefact, self._event_types, self._token)
        self._waiting[statement.sequence] = Version(statement, rules, activation.packed)
        self._tell_waiting()

    def _choose(self, gathered: Gathered) -> None:
        """From all that is on the topic: the highest sequence that is due and sound, and whatever waits beyond it."""
        for signed in gathered.newest_first():
            due = self._is_due(signed.statement)
            self._guarded(self._adopt, gathered.whole(signed))
            if due and signed.statement.sequence in self._waiting:
                return

    def _take_what_is_due(self) -> None:
        due = [number for number, each in self._waiting.items() if self._is_due(each.statement)]
        if not due:
            return
        taken = max(due)
        self._in_force = self._waiting[taken]
        # What is older and still waits was overtaken: it will never be in force.
        self._waiting = {number: each for number, each in self._waiting.items() if number > taken}
        self._telemetry.policy_activated(version=taken, rule_set=self._in_force.rules.hash)
        self._tell_waiting()

    def _is_due(self, statement: Statement) -> bool:
        return statement.activates_at <= self._clock() * 1000

    def _tell_waiting(self) -> None:
        later = [number for number, each in self._waiting.items() if not self._is_due(each.statement)]
        self._telemetry.policy_scheduled(version=max(later, default=0))

    def _put_together(self) -> bool:
        if self._in_force is None:
            return False
        self.rules = self._in_force.rules.with_stops(each.stop for each in self._stops.values() if each.holds)
        return True

    def _guarded(self, action: Callable[[_T], None], argument: _T) -> None:
        try:
            action(argument)
        except Refusal as refusal:
            self._refuse(refusal.reason, str(refusal))
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the last good set stays in force
            self._refuse(RefusalReason.UNREADABLE, str(error))

    def _refuse(self, reason: RefusalReason, explanation: str) -> None:
        if explanation not in self._told:
            self._told.add(explanation)
            self._telemetry.policy_refused(reason=reason.value, explanation=explanation[:_LONGEST_EXPLANATION])

    def _token(self, scheme: str, value: str) -> LocatorToken:
        return LocatorToken(self._locator(scheme, value))
