"""What the follow-up says about itself: its part of `connectors.telemetry.Telemetry`."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from connectors import metrics_followup as defined
from connectors.telemetry_base import Occurrences

_SECOND_MS = 1000


class FollowupOccurrences(Occurrences):
    """One method an occurrence."""

    def followup_committed(
        self,
        *,
        deliveries: int,
        receipts: int,
        refusals: Mapping[str, int],
        misdirected: int,
        late: int,
        early: int,
        unreadable: int,
    ) -> None:
        """`unreadable` counts records of the exchange's own topics; `refusals` are receipts, by name."""
        self._add(defined.FOLLOWUP_DELIVERIES, {(): deliveries})
        self._add(defined.FOLLOWUP_RECEIPTS, {("accepted",): receipts, **{(name,): n for name, n in refusals.items()}})
        self._add(defined.FOLLOWUP_MISDIRECTED, {(): misdirected})
        self._add(defined.FOLLOWUP_LATE, {(): late})
        self._add(defined.FOLLOWUP_EARLY, {(): early})
        if refusals:
            self._say(logging.WARNING, "followup.refused-receipts", **dict(refusals))
        if unreadable:
            self._say(logging.ERROR, "followup.unreadable-records", records=unreadable)

    def followup_behind(self, records: int) -> None:
        self._set(defined.FOLLOWUP_BEHIND, records)

    def followup_swept(self, *, now_ms: int, steps: int) -> None:
        """Every deadline up to `now_ms` is dealt with."""
        self._set(defined.FOLLOWUP_SWEPT_AT, now_ms / _SECOND_MS)
        self._add(defined.FOLLOWUP_STEPS, {(): steps})
        if steps:
            self._say(logging.INFO, "followup.escalated", steps=steps)

    def followup_steps(self, steps: Mapping[tuple[str, str], int]) -> None:
        """Steps of ladders that were taken, by (level, reason)."""
        self._add(defined.FOLLOWUP_ESCALATIONS, steps)

    def recall_taken(self, *, kind: str, deliveries: int) -> None:
        """A recall took deliveries back."""
        self._add(defined.RECALLED_DELIVERIES, {(kind,): deliveries})
        if deliveries:
            self._say(logging.INFO, "recall.taken", kind=kind, deliveries=deliveries)

    def recall_refused(self, *, refusal: str) -> None:
        """A request to take something back changed nothing: an alarm in itself."""
        self._add(defined.RECALLS_REFUSED, {(refusal,): 1})
        self._say(logging.ERROR, "recall.refused", refusal=refusal)

    def removal_confirmed(self, *, seconds: float) -> None:
        """A recipient has confirmed that what was taken back is removed."""
        self._observe(defined.REMOVAL_SECONDS, (seconds,))

    def followup_failed(self, *, part: str, error: str) -> None:
        """The work goes on. `error` is the class of the exception."""
        self._add(defined.FOLLOWUP_FAILURES, {(part, error): 1})
        self._say(logging.WARNING, "followup.failed", part=part, error=error)
