"""A synthetic event through each door of the exchange, again and again, and how long it takes to come back.

It takes the whole way: door, router, audit, inbox. Nobody is shown it. Its planned instant makes its id, so the one of
an interval is sent once; a process that starts within an interval waits for the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

from connectors.client.http_session import HttpSession
from connectors.errors import ConnectorFailure
from connectors.kafka import topics
from connectors.kafka.log_ends import LogEnds
from connectors.kafka.offset_consumer import OffsetConsumer
from connectors.kafka.publisher import Publisher
from connectors.kafka.settings import KafkaSettings
from connectors.keeping import Loop
from schemas.json_form import to_json
from streams.followup.voice import HEARTBEAT, Door, Voice, gateway_heartbeat, heartbeat, heartbeat_id
from streams.policy.follow_up import HeartbeatModel

MINUTE_MS = 60_000
PAUSE_SECONDS = 0.5
RETRY_SECONDS = 15.0
_IDENTITY = "masa-heartbeat"
_MOST = 100


class HeartbeatTelemetry(Protocol):
    """`connectors.telemetry.Telemetry`."""

    def heartbeat_returned(self, *, door: str, seconds: float, at: float, late: bool) -> object: ...
    def heartbeat_failed(self, *, door: str, error: str) -> object: ...


class Probe(Protocol):
    """One door of one area. Each method raises a ConnectorFailure when it cannot."""

    @property
    def door(self) -> Door: ...

    @property
    def area(self) -> str: ...

    def send(self, at: int) -> None:
        """Accepted by the door. `at` is the beat's planned instant."""

    def returned(self) -> Iterable[str]:
        """Ids of events that have arrived since the last call."""

    def close(self) -> None: ...


class KafkaProbe:
    """Publishes as the area's exchange, and looks into the exchange's inbox."""

    door = Door.KAFKA

    def __init__(self, kafka: KafkaSettings, voice: Voice) -> None:
        self.area, self._voice = voice.area, voice
        self._publisher = Publisher(kafka, client_id=_IDENTITY)
        self._reader = OffsetConsumer(kafka, client_id=f"{_IDENTITY}-reading")
        partitions = self._reader.partitions(topics.inbox(voice.agency))
        self._reader.assign(dict(LogEnds(kafka).settled(partitions)))

    def send(self, at: int) -> None:
        self._publisher.publish([heartbeat(self._voice, at=at)])

    def returned(self) -> Iterable[str]:
        records = self._reader.poll(_MOST, 0.1).records
        found = (dict(record.headers).get("ce_id") for record in records)
        return [name.decode() for name in found if name is not None]

    def close(self) -> None:
        self._publisher.close()
        self._reader.close()


class GatewayProbe:
    """Publishes as the area's probe at the HTTP door, and polls and acknowledges like any agency there."""

    door = Door.GATEWAY

    def __init__(self, session: HttpSession, voice: Voice) -> None:
        self.area, self._voice, self._session = voice.area, voice, session

    def send(self, at: int) -> None:
        event = to_json(self._voice.event_types[HEARTBEAT], gateway_heartbeat(self._voice, at=at))
        answer = self._session.post("/v1/events", event)
        if answer.status_code not in (200, 202):
            raise ConnectorFailure(f"the gateway answered {answer.status_code}")

    def returned(self) -> Iterable[str]:
        answer = self._session.post("/v1/inbox/poll", {"limit": _MOST, "leaseSeconds": 60})
        if answer.status_code != 200:
            return []
        found = []
        for each in answer.json()["deliveries"]:
            body = {"outcome": "NOTED", "lease": each["lease"]}
            self._session.post(f"/v1/deliveries/{each['deliveryId']}/acknowledge", body)
            found.append(each["headers"].get("ce_id", ""))
        return found

    def close(self) -> None:
        self._session.close()


class _Waiting(NamedTuple):
    event_id: str
    sent_ms: int


class Heart:
    """Beats for some probes. Made with the instant from which on beats are due."""

    def __init__(self, probes: Sequence[Probe], telemetry: HeartbeatTelemetry, now_ms: int) -> None:
        self._probes, self._telemetry = probes, telemetry
        self._last: dict[tuple[str, Door], int] = {(each.area, each.door): now_ms for each in probes}
        self._waiting: dict[tuple[str, Door], _Waiting] = {}

    def tick(self, model: HeartbeatModel, now: Callable[[], int]) -> None:
        """Send what is due, and see what has come back. Failures of a door are told and end nothing."""
        for probe in self._probes:
            if probe.door.value.lower() not in model.doors:
                continue
            try:
                self._beat(probe, model, now)
                if (probe.area, probe.door) in self._waiting:
                    self._listen(probe, probe.returned(), model, now())
            except ConnectorFailure as failure:
                self._telemetry.heartbeat_failed(door=probe.door.value, error=type(failure).__name__)

    def _beat(self, probe: Probe, model: HeartbeatModel, now: Callable[[], int]) -> None:
        key, interval = (probe.area, probe.door), model.every_minutes * MINUTE_MS
        at = now() // interval * interval
        if at <= self._last[key]:
            return
        self._last[key] = at
        if self._waiting.pop(key, None) is not None:
            self._telemetry.heartbeat_failed(door=probe.door.value, error="lost")
        sent = now()
        probe.send(at)
        self._waiting[key] = _Waiting(heartbeat_id(probe.area, probe.door, at), sent)

    def _listen(self, probe: Probe, arrived: Iterable[str], model: HeartbeatModel, now: int) -> None:
        key = (probe.area, probe.door)
        waiting, names = self._waiting.get(key), frozenset(arrived)
        if waiting is None or waiting.event_id not in names:
            return
        del self._waiting[key]
        seconds = max(0.0, (now - waiting.sent_ms) / 1000)
        late = seconds > model.late_after_seconds
        self._telemetry.heartbeat_returned(door=probe.door.value, seconds=seconds, at=now / 1000, late=late)


def beat(
    probes: Callable[[], Sequence[Probe]],
    model: Callable[[], HeartbeatModel | None],
    now: Callable[[], int],
    telemetry: HeartbeatTelemetry,
    loop: Loop,
) -> None:
    """Until told to stop; at rest while the area's data asks for no heartbeat. `probes` opens the doors' ways in."""
    while not loop.stopping():
        opened: Sequence[Probe] = ()
        try:
            opened = probes()
            heart = Heart(opened, telemetry, now())
            while not loop.stopping():
                wanted = model()
                if wanted is not None:
                    heart.tick(wanted, now)
                loop.pause(PAUSE_SECONDS)
        except ConnectorFailure as failure:  # a missing topic, no rules yet: a heartbeat must not stop the follow-up
            loop.failed(type(failure).__name__)
            loop.pause(RETRY_SECONDS)
        finally:
            for each in opened:
                each.close()
