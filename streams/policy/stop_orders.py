"""Stops as `masa.policy` carries them: ordered by one listed person, lifted by one, both signed (requirement R-10).

    key    `stop:<id>`
    value  `masa-stop-v1` LF, canonical JSON of `{area, stop, signature, lift}`; `lift` is null while the stop holds,
           and `{at, by, reason, signature}` once it is lifted

A lifted stop keeps its record, so that decisions taken under it can be replayed. A tombstone lifts nothing: nobody
signed it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from streams.policy.artefact import canonical
from streams.policy.facts import EpochMillis
from streams.policy.signatories import Signatories
from streams.policy.statement import (
    Refusal,
    RefusalReason,
    Signature,
    Verify,
    genuine_signers,
    json_object,
    keys_of,
    signature_from_document,
)
from streams.policy.stops import MARK, Stop, StopId, stop_from_document

STOP_PREFIX = b"masa-stop-v1\n"
LIFT_PREFIX = b"masa-lift-v1\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lift:
    """That a stop no longer holds."""

    stop: StopId
    at: EpochMillis
    by: str
    reason: str

    def message(self, area: str) -> bytes:
        """The bytes that a signature is over."""
        return LIFT_PREFIX + canonical({"area": area, "stop": self.stop, **self.as_document()})

    def as_document(self) -> dict[str, Any]:
        return {"at": self.at, "by": self.by, "reason": self.reason}


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedLift:
    lift: Lift
    signature: Signature

    def as_document(self) -> dict[str, Any]:
        return {**self.lift.as_document(), "signature": self.signature.as_document()}


@dataclass(frozen=True, slots=True, kw_only=True)
class StopOrder:
    """A stop, who signed it, and whether it was lifted."""

    area: str
    stop: Stop
    signature: Signature
    lifted: SignedLift | None = None

    @property
    def holds(self) -> bool:
        return self.lifted is None

    def key(self) -> bytes:
        return f"{MARK}{self.stop.id}".encode()

    def to_value(self) -> bytes:
        document = {
            "area": self.area,
            "stop": self.stop.as_document(),
            "signature": self.signature.as_document(),
            "lift": self.lifted and self.lifted.as_document(),
        }
        return STOP_PREFIX + canonical(document)


def stop_message(area: str, stop: Stop) -> bytes:
    """The bytes that the signature of a stop is over."""
    return STOP_PREFIX + canonical({"area": area, **stop.as_document()})


def is_stop(key: bytes | None) -> bool:
    """Whether a record of `masa.policy` is a stop."""
    return key is not None and key.startswith(MARK.encode())


def order_from_record(key: bytes, value: bytes | None) -> StopOrder:
    """Read a record, without believing it yet. Raises Refusal."""
    if value is None:
        raise Refusal(RefusalReason.UNSIGNED, "a tombstone does not lift a stop: nobody signed it")
    if not value.startswith(STOP_PREFIX):
        raise Refusal(RefusalReason.UNREADABLE, "the record is not a stop")
    try:
        order = _order(json_object(value[len(STOP_PREFIX) :]))
    except ValueError as error:
        raise Refusal(RefusalReason.UNREADABLE, f"the record of a stop: {error}") from None
    if order.key() != key:
        raise Refusal(RefusalReason.TAMPERED, "the stop stands under the key of another one")
    return order


def check_order(order: StopOrder, signatories: Signatories, verify: Verify) -> None:
    """Accept a stop, and a lift, that the person named in it signed. Raises Refusal."""
    if order.area != signatories.area:
        raise Refusal(
            RefusalReason.WRONG_AREA,
            f"the stop is for area `{order.area}`, the list of signatories for `{signatories.area}`",
        )
    _check_one(stop_message(order.area, order.stop), order.stop.by, order.signature, signatories, verify)
    if order.lifted is not None:
        lift = order.lifted.lift
        _check_one(lift.message(order.area), lift.by, order.lifted.signature, signatories, verify)


def _check_one(message: bytes, by: str, signature: Signature, signatories: Signatories, verify: Verify) -> None:
    signers = genuine_signers(message, (signature,), signatories, verify)
    if not signers:
        raise Refusal(RefusalReason.UNKNOWN_SIGNATORY, "nobody of the area's list of signatories signed it")
    if signers[0].name != by:
        raise Refusal(RefusalReason.TAMPERED, f"it was ordered by `{by}` and signed by `{signers[0].name}`")


def _order(document: Any) -> StopOrder:
    lifted = document.pop("lift", None) if isinstance(document, dict) else None
    parts = keys_of(document, {"area": str, "stop": dict, "signature": dict}, "a stop's record")
    stop = stop_from_document(parts["stop"])
    return StopOrder(
        area=parts["area"],
        stop=stop,
        signature=signature_from_document(parts["signature"]),
        lifted=None if lifted is None else _lift(lifted, stop.id),
    )


def _lift(document: Any, stop: StopId) -> SignedLift:
    fields = keys_of(document, {"at": int, "by": str, "reason": str, "signature": dict}, "a lift")
    return SignedLift(
        lift=Lift(stop=stop, at=EpochMillis(fields["at"]), by=fields["by"], reason=fields["reason"]),
        signature=signature_from_document(fields["signature"]),
    )
