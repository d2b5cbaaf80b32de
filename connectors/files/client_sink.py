"""Events of files through an agency's own client, whichever door is behind it (`connectors.client.interface`).

The seam for an agency without Kafka: with `connectors.client.http.HttpPublisher` the same import runs over HTTP.
"""

from __future__ import annotations

from collections.abc import Sequence

from connectors.client.interface import EventRefused, Problem, Publisher
from connectors.files.importer import Refusals
from connectors.files.prepare import Ready
from connectors.files.values import ColumnProblem
from schemas.codec import decode_event
from schemas.json_form import to_json


class ClientSink:
    """A `connectors.files.importer.Sink`. The publisher is closed by whoever made it."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    def publish(self, events: Sequence[Ready]) -> Refusals:
        """Durable when it returns, but for those refused. Raises ConnectorFailure."""
        documents = (to_json(*decode_event(event.value)) for event in events)
        answers = self._publisher.publish_all(documents)
        return {
            event.event_id: _problems(answer)
            for event, answer in zip(events, answers, strict=True)
            if isinstance(answer, EventRefused)
        }


def _problems(refused: EventRefused) -> tuple[ColumnProblem, ...]:
    """What the door says, by field: it knows of no columns."""
    found = tuple(_problem(each) for each in refused.problems)
    return found or (ColumnProblem((), "", "was refused by the exchange", str(refused)),)


def _problem(problem: Problem) -> ColumnProblem:
    field = problem.pointer.strip("/").replace("/", ".")
    return ColumnProblem((), field, "was refused by the exchange", problem.detail)
