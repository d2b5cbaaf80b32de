"""What the ledger says about itself: its part of `connectors.telemetry.Telemetry`."""

from __future__ import annotations

import logging

from connectors import metrics as defined
from connectors.telemetry_base import Occurrences


class LedgerOccurrences(Occurrences):
    """One method an occurrence."""

    def ledger_committed(self, *, events: int, outcomes: int, seconds: float, newest_decided_at_ms: int | None) -> None:
        self._add(defined.LEDGER_EVENTS, {(): events})
        self._add(defined.LEDGER_OUTCOMES, {(): outcomes})
        self._observe(defined.LEDGER_COMMIT_SECONDS, (seconds,))
        if newest_decided_at_ms is not None:
            self._set(defined.LEDGER_NEWEST, newest_decided_at_ms / 1000)
        self._say(logging.DEBUG, "ledger.committed", events=events, seconds=round(seconds, 4))

    def ledger_behind(self, records: int) -> None:
        self._set(defined.LEDGER_BEHIND, records)

    def ledger_failed(self, *, error: str) -> None:
        """A batch was rolled back and will be repeated. `error` is the class of the exception."""
        self._add(defined.LEDGER_FAILURES, {(error,): 1})
        self._say(logging.WARNING, "ledger.failed", error=error)

    def ledger_checkpointed(self, *, sequence: int, at_ms: int, rows: int) -> None:
        self._set(defined.LEDGER_CHECKPOINT, at_ms / 1000)
        self._set(defined.LEDGER_UNPROVEN, 0)
        self._say(logging.DEBUG, "ledger.checkpointed", sequence=sequence, rows=rows)

    def ledger_unproven(self, *, why: str) -> None:
        """The chain is not what was signed before. `why` names a partition and an offset."""
        self._set(defined.LEDGER_UNPROVEN, 1)
        self._say(logging.ERROR, "ledger.unproven", why=why)
