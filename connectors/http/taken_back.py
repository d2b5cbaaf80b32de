"""What the door says of a delivery that was taken back (P-13, P-14): frozen values, nothing of HTTP in them."""

from __future__ import annotations

from typing import Literal, NamedTuple

from connectors.http.values import AckOutcome, Contact

TakenBackHow = Literal["RECALLED", "CORRECTED", "FROZEN", "QUARANTINED"]


class TakenBack(NamedTuple):
    """A delivery of the caller's that nobody can open any more: what happened, and whom to ring. No content."""

    delivery_id: str
    event_id: str
    title: str
    how: TakenBackHow
    at: int
    opened_at: int | None  # when it was first opened here
    acknowledged: AckOutcome | None
    remove_by: int | None
    removed_at: int | None  # when the agency confirmed that it removed it
    contacts: tuple[Contact, ...]

    @property
    def removal_asked(self) -> bool:
        """Whether its removal is to be confirmed."""
        return self.how in ("RECALLED", "CORRECTED")


class Removed(NamedTuple):
    """The agency's confirmation that it removed what was taken back is on record. `delivery_id` is the original's."""

    delivery_id: str
    at: int
